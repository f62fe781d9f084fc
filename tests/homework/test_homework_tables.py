"""Attacks through texts and tables: no formula, no other's line, and no text that takes a minute to read."""

import csv
import io
import json
import time

import pytest
import tiny
from submitted import notebook

from gradlab.homework.answers.wire import Decoder, UnreadableError
from gradlab.homework.grades.export import canvas, export
from gradlab.homework.grades.gradebook import Grade, grade_of
from gradlab.homework.grades.marks import Marks, merged, read_marks, save_marks
from gradlab.homework.grades.records import Part, Record, load
from gradlab.homework.grading import single
from gradlab.homework.roster import RosterError, Student, read_roster
from gradlab.homework.submissions.files import collect
from gradlab.homework.submissions.matching import match
from gradlab.homework.submissions.notebooks import read_notebook
from gradlab.homework.texts import csv_text

SEED = "0123456789abcdef"
CANVAS = "Student,ID,SIS Login ID,Section,hw90 (1)\n"


def record(student, written="Because."):
    return Record(student, "key", "x.ipynb", [Part("q4", "In words", [], 3, written)])


def quick(work):
    """Return what `work` returns; it may not take long, however many people share the machine."""
    started = time.process_time()
    found = work()
    assert time.process_time() - started < 1.0
    return found


def test_digest_of_an_answer_is_long_enough_that_nobody_finds_two_texts_of_one():
    assert len(record("ann").parts[0].answer) >= 1 + 128 // 4


@pytest.mark.parametrize(
    ("lines", "students", "found", "left"),
    [
        ("Bob,12,77,A,\nAnn,13,12,A,\n", [Student("12", "Ann")], ["", "9"], 0),
        ("Bob,12,77,A,\nAnn,13,12,A,\n", [Student("12", "Ann"), Student("77", "Bob")], ["9", "9"], 0),
        ("Bob B,99,zz,A,\nBob B,12,bob,A,\n", [Student("bob", "Bob B")], ["", "9"], 0),
        ("Bob B,99,zz,A,\nBob B,12,yy,A,\n", [Student("bob", "Bob B")], ["", ""], 1),
        ("Bob B,99,zz,A,\n", [Student("bob", "Bob B"), Student("b2", "Bob B")], [""], 2),
        ("Bob B,99,zz,A,\n", [Student("bob", "Bob B")], ["9"], 0),
        ("Ann,5,bob@u,A,\n", [Student("x", "Ann", canvas="5"), Student("y", "Y", "bob@u")], [""], 2),
        ("Points Possible,,,,10\nX,,,,\n", [Student("p", "Points Possible"), Student("x")], ["10", ""], 2),
    ],
)
def test_canvas_line_is_its_owners_or_nobodys(tmp_path, lines, students, found, left):
    (tmp_path / "book.csv").write_text(CANVAS + lines)
    grades = [Grade(student, "graded", total=9.0) for student in students]
    text, unknown = canvas(grades, tiny.homework, tmp_path / "book.csv", "")
    assert [row["hw90 (1)"] for row in csv.DictReader(io.StringIO(text))] == found
    assert len(unknown) == left


def test_canvas_line_of_somebody_without_a_grade_is_not_anothers(tmp_path):
    (tmp_path / "book.csv").write_text(CANVAS + "Bob B,12,b2,A,4\n")
    grades = [Grade(Student("bob", "Bob B"), "graded", total=9.0), Grade(Student("b2", "Bob B"), "needs manual")]
    done = export(grades, tiny.homework, "canvas", tmp_path / "out.csv", gradebook=tmp_path / "book.csv")
    assert "A,4" in (tmp_path / "out.csv").read_text()
    assert (done.count, len(done.left_out)) == (0, 2)


@pytest.mark.parametrize("text", ["x;=cmd|' /C calc'!A0;", "a\t=1+1", "a|@SUM(A1)", "a; ＝1", "a\n-2+3"])
def test_text_is_no_formula_where_a_spreadsheet_splits_it_elsewhere(tmp_path, text):
    cells = io.StringIO(csv_text([["ann", text]])).read()
    for separator in (";", "\t", "|", "\n"):
        assert not any(
            cell.strip()[:1] in ("=", "+", "-", "@", "＝") for cell in cells.split(separator) if cell.strip()
        )
    for _ in range(2):  # an id of that kind finds its line again
        save_marks(merged(read_marks(tmp_path / "manual.csv"), [record(text)], SEED), tmp_path / "manual.csv")
    marks = read_marks(tmp_path / "manual.csv")
    assert len(marks.rows) == 1
    assert not set((tmp_path / "manual.csv").read_text().split(";")[1:]) & {"=cmd|' /C calc'!A0"}
    marks.rows[0].update(marks="2", comment="good; -1 for the units")
    save_marks(marks, tmp_path / "manual.csv")
    grade = grade_of(Student(text), record(text), read_marks(tmp_path / "manual.csv").by_key())
    assert (grade.total, grade.marks["q4"].comment) == (2.0, "good; -1 for the units")


def test_ids_that_no_spreadsheet_tells_apart_are_refused(tmp_path):
    (tmp_path / "roster.csv").write_text("id\n=x\n'=x\n")
    with pytest.raises(RosterError, match=r"line 3: the id .* is that of line 2"):
        read_roster(tmp_path / "roster.csv")
    save_marks(merged(Marks(), [record("=x")], SEED), tmp_path / "manual.csv")
    assert [row["student"] for row in read_marks(tmp_path / "manual.csv").rows] == ["=x"]


def test_names_steer_no_terminal(tmp_path):
    evil = "Eve\x1b]0;x\x07\u202e"
    assert not set(csv_text([[evil, "Zoe\u200dy"]])) & set("\x1b\x07\u202e")
    assert "Zoe\u200dy" in csv_text([["Zoe\u200dy"]])
    done = export([Grade(Student(evil), "not submitted")], tiny.homework, "csv", tmp_path / "out.csv")
    assert not set("".join(done.left_out)) & set("\x1b\x07\u202e")
    (tmp_path / "a\x1b_b.ipynb").write_text("{}")
    unknown = match(
        [found for found in collect(tmp_path) if found.is_notebook], [Student("a\x1b"), Student("b")]
    ).unknown
    assert "\x1b" not in unknown[0][1]


@pytest.mark.parametrize(
    "changed",
    [
        {"seconds": "x"},
        {"seconds": float("nan")},
        {"notes": None},
        {"notes": [1]},
        {"file": None},
        {"reason": 5},
        {
            "parts": [
                {"id": "q1", "title": "t", "outcomes": [{"property": "p", "points": "1", "earned": "9", "hidden": 0}]}
            ]
        },
        {"parts": [{"id": "q1", "title": "t", "outcomes": [], "written_points": True}]},
        None,
    ],
    ids=repr,
)
def test_record_of_other_types_is_none(tmp_path, changed):
    kept = {"student": "ann", "key": "k", "file": "f", "parts": [], "reason": "", "notes": [], "seconds": 1}
    (tmp_path / "r.json").write_text(json.dumps(kept))
    assert load(tmp_path / "r.json") is not None
    (tmp_path / "r.json").write_text("[" * 200_000 if changed is None else json.dumps({**kept, **changed}))
    assert load(tmp_path / "r.json") is None


@pytest.mark.parametrize(
    "written", [" " * 60_000 + "x", "(replace " * 200_000, "(replace this)" + " " * 200_000 + "x"], ids=len
)
def test_written_text_takes_no_time(written):
    text = notebook("def double(x): pass", written=f"**Your answer to q4**{written}")
    quick(lambda: read_notebook(text.encode(), tiny.homework))


def test_student_of_a_thousand_accents_takes_no_time():
    long = "a" + "\u0300\u0316" * 40_000
    contents = read_notebook(notebook("def double(x): pass", student=long).encode(), tiny.homework)
    quick(lambda: single.numbers_for(tiny.homework, ["ann", contents.student]))

    class Told:
        value = long

        def answer(self, *_):
            return self

    assert "which is not the id" in quick(lambda: single._mismatch(Told(), "ann"))[0]


@pytest.mark.parametrize("kind", ["integers", "floats", "tuples", "many"])
def test_dict_whose_keys_share_a_hash_is_refused(kind):
    large = 2**61 - 1
    keys = {
        "integers": [n * large for n in range(1, 5000)],
        "floats": [n + 0.5 for n in range(5000)],
        "tuples": [{"t": "tuple", "of": [n]} for n in range(5000)],
        "many": list(range(20_000)),
    }
    with pytest.raises(UnreadableError, match="too many keys"):
        quick(lambda: Decoder(b"").decode({"t": "dict", "of": [[key, 0] for key in keys[kind]]}))
    few = {"t": "dict", "of": [[key, 0] for key in keys[kind][:500]]}
    assert len(Decoder(b"").decode(few)) == 500
