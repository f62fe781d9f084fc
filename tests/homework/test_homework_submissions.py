"""Files as they come from an LMS: each finds its student, or is named among those that found none."""

import contextlib
import functools
import json
import os
import random
import stat
import time
import zipfile

import pytest
import submitted
import tiny
from submitted import WRITTEN, notebook, placed, right

from gradlab.homework.roster import RosterError, Student, read_roster
from gradlab.homework.submissions import files as submissions
from gradlab.homework.submissions.files import SubmissionError, collect
from gradlab.homework.submissions.matching import match, newest
from gradlab.homework.submissions.notebooks import read_notebook

zipped = functools.partial(submitted.zipped, method=zipfile.ZIP_DEFLATED)
ROSTER = [
    Student("ann", "Ann Lee", "ann@uni.edu", "101", "Participant 9001", "7"),
    Student("ann-2", "Ann van der Berg", "avdb@uni.edu", "102", "9002", ""),
    Student("bøb.1", "Bøb Ng", "bob@uni.edu"),
    Student("0042", "Zoë", "", "104"),
]


@pytest.mark.parametrize(
    ("name", "student"),
    [
        ("ann.ipynb", "ann"),
        ("ANN.ipynb", "ann"),
        ("hw90_ann.ipynb", "ann"),
        ("ann-2.ipynb", "ann-2"),
        ("hw90-ann-2.ipynb", "ann-2"),
        ("ann-2/hw90.ipynb", "ann-2"),
        ("ann@uni.edu/hw90/hw90.ipynb", "ann"),
        ("bøb.1_final (3).ipynb", "bøb.1"),
        ("submitted/0042/hw90/hw90.ipynb", "0042"),
        ("leeann_101_55501_hw90.ipynb", "ann"),
        ("leeann_LATE_101_55501_hw90-1.ipynb", "ann"),
        ("vanderbergann_102_1_hw90.ipynb", "ann-2"),
        ("ngbob_999_1_hw90.ipynb", None),
        ("Ann Lee_9001_assignsubmission_file_/hw90.ipynb", "ann"),
        ("Ann Lee_777_assignsubmission_file_/hw90.ipynb", "ann"),
        ("Participant_9002_assignsubmission_file_/hw90.ipynb", "ann-2"),
        ("Bøb Ng_5_assignsubmission_file_hw90.ipynb", "bøb.1"),
        ("submission_31/hw90.ipynb", "ann-2"),
        ("submission_32/hw90.ipynb", None),
        ("ngbob_999_1_ann.ipynb", None),
        ("vanderbergann_102_1_ann.ipynb", "ann-2"),
        ("Ann van der Berg_5_assignsubmission_file_/ann.ipynb", "ann-2"),
        ("submission_31/ann.ipynb", "ann-2"),
        ("ann-2/ann.ipynb", "ann-2"),
        ("0042_late/ann.ipynb", "0042"),
        ("joanne.ipynb", None),
        ("42.ipynb", None),
        ("ann_and_0042.ipynb", None),
    ],
)
def test_file_finds_its_student(tmp_path, name, student):
    metadata = (
        ":submission_31:\n".replace(":s", "s", 1)
        + "  :submitters:\n  - :name: Ann\n    :sid: '1'\n    :email: avdb@uni.edu\n"
    )
    folder = placed(tmp_path, {name: "{}", "submission_metadata.yml": metadata})
    matched = match(collect(folder), ROSTER)
    assert {id: [found.label for found in files] for id, files in matched.of.items()} == (
        {student: [name]} if student else {}
    )
    assert [found.label for found, _ in matched.unknown] == ([] if student else [name])


def test_zip_files_are_read_where_they_are(tmp_path):
    inner = zipped({"hw90.ipynb": right()})
    placed(tmp_path, {"all.zip": zipped({"ann/hw90.ipynb": right(), "ann-2.zip": inner, "__MACOSX/._x.ipynb": "x"})})
    found = match(collect(tmp_path / "all.zip"), ROSTER).of
    assert {id: files[0].read() for id, files in found.items()} == {"ann": right().encode(), "ann-2": right().encode()}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["all.zip"]


def test_zip_file_that_leads_out_or_links_is_refused(tmp_path):
    link = zipfile.ZipInfo("ann/link.ipynb")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    placed(
        tmp_path,
        {"ann.zip": zipped({"../ann.ipynb": "{}", "/etc/ann.ipynb": "{}", "c:\\ann.ipynb": "{}", link: "/etc/passwd"})},
    )
    files = collect(tmp_path)
    assert len(files) == 4
    for found in files:
        with pytest.raises(SubmissionError, match=r"leads out|a link"):
            found.read()


def test_zip_bomb_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(submissions, "MOST_NOTEBOOK", 1 << 20)
    monkeypatch.setattr(submissions, "MOST_ZIP", 4 << 20)
    placed(tmp_path, {"ann.zip": zipped({"a.ipynb": bytes(8 << 20), "b.zip": zipped({"c.ipynb": bytes(3 << 20)})})})
    placed(tmp_path, {"bøb.1.zip": zipped({"a.zip": zipped({"b.zip": zipped({"c.zip": b""})})})})
    for found in collect(tmp_path):
        with pytest.raises(SubmissionError, match=r"more than|in a zip file"):
            found.read()


@pytest.mark.parametrize(
    "data", [b"PK\x03\x04 broken", b"", zipped({"ann.ipynb": right()})[:-30]], ids=["broken", "empty", "cut"]
)
def test_broken_zip_file_is_named_and_stops_nothing(tmp_path, data):
    placed(tmp_path, {"ann.zip": data, "bøb.1.ipynb": right()})
    matched = match(collect(tmp_path), ROSTER)
    assert [found.label for found in matched.of["bøb.1"]] == ["bøb.1.ipynb"]
    with pytest.raises(SubmissionError, match="cannot be opened"):
        matched.of["ann"][0].read()


@pytest.mark.parametrize("seed", range(5))
def test_zip_file_with_spoilt_bytes_is_read_or_refused_and_nothing_else(tmp_path, seed):
    chance = random.Random(seed)
    whole = zipped({"ann/hw90.ipynb": right(), "bøb.1.zip": zipped({"x.ipynb": right()}), "/.": "x"})
    for _ in range(40):
        spoilt = bytearray(whole)
        for _ in range(chance.randint(1, 5)):
            spoilt[chance.randrange(len(spoilt))] = chance.randrange(256)
        placed(tmp_path, {"ann.zip": bytes(spoilt)})
        for place in (tmp_path, tmp_path / "ann.zip"):
            with contextlib.suppress(SubmissionError):
                for found in collect(place):
                    with contextlib.suppress(SubmissionError):
                        found.read()


def test_links_and_special_files_are_not_followed(tmp_path):
    secret = tmp_path / "secret.ipynb"
    secret.write_text(right())
    folder = placed(tmp_path / "in", {"0042.ipynb": right()})
    (folder / "ann.ipynb").symlink_to(secret)
    (folder / "ann-2").symlink_to(tmp_path)
    os.mkfifo(folder / "bøb.1.ipynb")
    files = collect(folder)
    assert len(files) == 4
    assert [found.label for found in files if not found.problem] == ["0042.ipynb"]


def test_newest_of_several_is_taken_and_another_homeworks_is_not(tmp_path):
    placed(tmp_path, {"ann/hw90.ipynb": "1", "ann/hw90-1.ipynb": "2", "ann/hw91.ipynb": "3", "ann/notes.txt": "4"})
    for age, name in enumerate(["hw91.ipynb", "hw90-1.ipynb", "hw90.ipynb"]):
        os.utime(tmp_path / "ann" / name, (time.time() - age * 100,) * 2)
    chosen, others = newest(collect(tmp_path), "hw90")
    assert chosen.label == "ann/hw90-1.ipynb"
    assert len(others) == 3


def test_no_such_place_is_said(tmp_path):
    with pytest.raises(SubmissionError, match="neither a folder nor a zip file"):
        collect(tmp_path / "none")


@pytest.mark.parametrize(
    "text", ["id,name\nann,Ann\n", "\ufeffName;Student ID\r\nAnn;ann\r\n", "SIS Login ID\tName\nann\tAnn\n\n"]
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_roster_is_read_as_spreadsheets_write_it(tmp_path, text, encoding):
    path = tmp_path / "roster.csv"
    path.write_bytes(text.removeprefix("\ufeff" if encoding == "utf-16" else "").encode(encoding))
    assert read_roster(path) == [Student("ann", "Ann")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "is empty"),
        (b"id,name\n", "names no student"),
        (b"name,mail\nAnn,a\n", "line 1: no column of ids"),
        (b"id,name\nann,Ann\n,Bob\n", "line 3: no id"),
        (b"id,name\nann,Ann\n\nANN ,Bob\n", "line 4: the id 'ANN' is that of line 2"),
        (b'id,name\n"ann","A\nB"\nann,C\n', "line 4: the id 'ann' is that of line 2"),
        (b"name,id\nAnn\n", "line 2: 1 columns where line 1 has 2"),
        (b"id\n\xe9\n", "not UTF-8, at byte 3"),
        (b"id\nx\0\n", "zero byte"),
    ],
)
def test_wrong_roster_is_refused_with_the_line(tmp_path, text, said):
    path = tmp_path / "roster.csv"
    path.write_bytes(text)
    with pytest.raises(RosterError, match=said):
        read_roster(path)


@pytest.mark.parametrize(
    ("written", "tags", "found"),
    [
        (WRITTEN, ["hw-manual"], "Because it is so."),
        (WRITTEN, [], "Because it is so."),
        ("**Your answer to q4** (replace this line by your text)", ["hw-manual"], ""),
        ("**Your answer to q4** (replace this line by your text)\n\n...", ["hw-manual"], ""),
        ("Because.", ["hw-manual"], "Because."),
        ("**Your answer to Q4** Because.", [], "Because."),
        ("Because.", [], ""),
        ("", ["hw-manual"], ""),
    ],
)
def test_written_answer_is_found_by_its_text_or_by_its_tag(written, tags, found):
    made = json.loads(right())
    made["cells"][-1] = {"cell_type": "markdown", "metadata": {"tags": tags}, "source": written}
    made["cells"].append({"cell_type": "markdown", "metadata": {}, "source": "## Before you hand in"})
    contents = read_notebook(json.dumps(made).encode(), tiny.homework)
    assert contents.written == {"q4": found}
    assert any("no written answer" in note for note in contents.notes) == (not found)


def test_written_answer_may_go_on_in_cells_below():
    made = json.loads(notebook("def double(x): pass"))
    made["cells"].append({"cell_type": "markdown", "metadata": {}, "source": "And besides."})
    assert read_notebook(json.dumps(made).encode(), tiny.homework).written["q4"].endswith("so.\n\nAnd besides.")
