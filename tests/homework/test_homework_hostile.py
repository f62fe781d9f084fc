"""Hostile and broken submissions, graded in one run: each gets what its code deserves, and none harms another."""

import os
import socket
from pathlib import Path

import hostile
import pytest
from submitted import Graded, grade, hand_in, needs_sandbox

pytestmark = [needs_sandbox, pytest.mark.xdist_group("hostile submissions")]


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    with socket.create_server(("127.0.0.1", 0)) as server:
        places = {
            "@PORT@": str(server.getsockname()[1]),
            "@OUTPUT@": str(folder),
            "@TESTS@": str(Path(__file__).parent),
        }
        places_handed_in = hand_in(folder, hostile.submissions(places))
        before = seen(folder)
        limits = ["--cell-seconds", "4", "--seconds", "100", "--memory", "1200", "-j", "3"]
        os.environ["GRADER_SECRET"] = "x"
        outcome = grade(*places_handed_in, folder / "out", *limits)
        assert outcome.status == 0, outcome.said
        assert seen(folder) - before == {"out"}
        yield outcome


def seen(folder):
    return {path.relative_to(folder).parts[0] for path in folder.rglob("*") if "submissions" not in path.parts}


def points(row):
    return tuple(float(row[id]) if row[id] else None for id in ("q1", "q2", "q3"))


@pytest.mark.parametrize("student", hostile.CELLS)
def test_code_gets_what_it_deserves(graded, student):
    row = graded.rows[student]
    assert (row["status"], points(row)) == ("needs manual", hostile.CELLS[student][1]), row


BLAMED = {
    "many_busy_sessions": "cell 3 left out: it kept more than one processor busy",
    "short_lived_processes": "cell 3 left out: it kept more than one processor busy",
    "much_memory_mapped": "cell 3 left out: it used more than 1200 MB of memory",
    "endless_answer": "`double` took longer than 2 seconds",
    "sleeps": "`double` took longer than 2 seconds",
    "os_exit_answer": "`double` did not answer: it ended Python",
}


@pytest.mark.parametrize("student", BLAMED)
def test_who_takes_too_much_is_told_so_and_nobody_else(graded, student):
    assert BLAMED[student] in graded.rows[student]["notes"]


@pytest.mark.parametrize("student", hostile.FORMATS)
def test_notebook_of_unusual_make_gets_full_marks(graded, student):
    row = graded.rows[student]
    assert points(row) == hostile.FULL, row


@pytest.mark.parametrize("student", hostile.SPOILT)
def test_file_that_is_no_notebook_gets_a_status_and_no_zero(graded, student):
    row = graded.rows[student]
    assert row["status"] == "could not be graded"
    assert hostile.SPOILT[student][1] in row["reason"]
    assert row["total"] == row["automatic"] == row["q1"] == ""


def test_who_hands_in_nothing_has_a_row_too(graded):
    row = graded.rows["absent"]
    assert (row["status"], row["total"]) == ("not submitted", "")


def test_every_line_of_the_roster_has_a_row(graded):
    wanted = [*hostile.CELLS, *hostile.SPOILT, *hostile.FORMATS, "absent"]
    assert sorted(graded.rows) == sorted(wanted)


def test_nothing_that_steers_a_terminal_is_said_or_written(graded: Graded):
    texts = [graded.said, *(path.read_text("utf-8") for path in graded.folder.rglob("*") if path.is_file())]
    assert not any(sign in text for text in texts for sign in "\x1b\x07\u202e")
