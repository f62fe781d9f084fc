"""Attacks through files: they take nobody else's work, time or grade, and are told as what they are."""

import os
import time
import zipfile
from dataclasses import replace

import pytest
import tiny
from submitted import placed, right, zipped

from gradlab.homework.catalog import digest
from gradlab.homework.grades.records import Record, load, record_path, save
from gradlab.homework.grading import batch, single
from gradlab.homework.grading.batch import Run, grade_course
from gradlab.homework.grading.single import Job, graded
from gradlab.homework.roster import Student
from gradlab.homework.sandbox.place import Limits, Place
from gradlab.homework.sandbox.remote import GivenUp
from gradlab.homework.submissions import files as submissions
from gradlab.homework.submissions.files import SubmissionError, collect
from gradlab.homework.submissions.matching import match

SEED = "0123456789abcdef"
ROSTER = [Student("bob", "Bob", "bob@u"), Student("eve", "Eve", "eve@u"), Student("cat", "Cat")]
METADATA = "submission_metadata.yml"
SUBMITTERS = (
    "submission_1:\n  :submitters:\n  - :name: Bob\n    :email: bob@u\n"
    "submission_2:\n  :submitters:\n  - :email: 'eve@u'\n"
)


def owners(place):
    return {id: [found.label for found in files] for id, files in match(collect(place), ROSTER).of.items()}


def quick(work):
    """Return what `work` returns; it may not take long, however many people share the machine."""
    started = time.process_time()
    found = work()
    assert time.process_time() - started < 1.0
    return found


@pytest.mark.parametrize("entries", [3000, 20])
def test_zip_files_in_a_zip_file_share_one_budget(tmp_path, monkeypatch, entries):
    monkeypatch.setattr(submissions, "MOST_ENTRIES", 200)
    monkeypatch.setattr(submissions, "MOST_ZIPS", 5, raising=False)
    inner = zipped(dict.fromkeys(map(str, range(entries)), b""))
    placed(tmp_path, {"eve.zip": zipped({f"{n}.zip": inner for n in range(30)}), "bob.zip": zipped({"a.ipynb": "{}"})})
    found = collect(tmp_path)
    assert len(found) <= 1 + 200 + 30
    assert any(one.problem for one in found)
    assert owners(tmp_path)["bob"] == ["bob.zip/a.ipynb"]


def test_zip_files_in_a_zip_file_are_not_all_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(submissions, "MOST_UNPACKED", 4 << 20, raising=False)
    bombs = {f"{n}.zip": bytes(3 << 20) for n in range(8)}
    placed(tmp_path, {"eve.zip": zipped(bombs, zipfile.ZIP_DEFLATED)})
    unpacked = []
    capped = submissions._capped
    monkeypatch.setattr(submissions, "_capped", lambda *a: unpacked.append(len(data := capped(*a))) or data)
    assert all(found.problem for found in collect(tmp_path))
    assert sum(unpacked) <= 4 << 20


@pytest.mark.parametrize("around", ["", "assignment_1_export/"])
def test_one_students_files_do_not_use_up_the_others_place_in_a_class_zip(tmp_path, monkeypatch, around):
    monkeypatch.setattr(submissions, "MOST_ENTRIES", 50)
    files = {f"{around}{METADATA}": SUBMITTERS, f"{around}submission_1/hw90.ipynb": "{}"}
    many = {f"{around}submission_2/{n}": "" for n in range(60)}
    placed(tmp_path, {"class.zip": zipped({f"{around}submission_2/": "", **many, **files})})
    found = owners(tmp_path / "class.zip")
    assert found["bob"] == [f"{around}submission_1/hw90.ipynb"]
    assert len(found["eve"]) == 51


def test_metadata_of_a_students_own_is_not_believed(tmp_path):
    files = {METADATA: SUBMITTERS, "submission_1/hw90.ipynb": "{}", "submission_2/hw90.ipynb": "{}"}
    placed(tmp_path, files)
    honest = {"bob": ["submission_1/hw90.ipynb"], "eve": ["submission_2/hw90.ipynb"]}
    assert owners(tmp_path) == honest
    lie = "submission_1:\n  - :email: eve@u\n"
    placed(tmp_path, {f"submission_2/{METADATA}": lie, f"submission_2/a/{METADATA}": lie})
    assert owners(tmp_path) == honest


def test_metadata_of_spaces_takes_no_time(tmp_path):
    lines = "".join(" " * 400 + "x\n" for _ in range(2000))
    placed(tmp_path, {METADATA: SUBMITTERS + " " * 20_000 + "x\n" + lines, "submission_1/hw90.ipynb": "{}"})
    assert quick(lambda: owners(tmp_path)) == {"bob": ["submission_1/hw90.ipynb"]}


def test_name_that_is_too_long_or_too_deep_is_told(tmp_path):
    placed(tmp_path, {"eve.zip": zipped({"a/" * 20_000 + "x.ipynb": "", "x" * 60_000: ""})})
    found = collect(tmp_path)
    assert [one.problem for one in found] == ["its name is too long"] * 2
    assert max(len(one.label) for one in found) < 1100


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run whose submissions are graded without being run."""
    (tmp_path / "in").mkdir()
    made = Run("hw90", tmp_path / "in", ROSTER, SEED, tmp_path / "out", said := Place())
    monkeypatch.setattr(batch, "homework_of", lambda *_: tiny.homework)
    monkeypatch.setattr(batch, "digest", lambda *_: "code")
    given = []

    def grade_all(run, waiting):
        given.append([job.student for job in waiting])
        for job in waiting:
            save(
                Record(job.student, job.key, job.file, [], job.problem, [*job.notes, "own"]),
                record_path(run.folder, job.student),
            )

    monkeypatch.setattr(batch, "_grade_all", grade_all)
    assert said == made.place
    return replace(made, say=lambda *_: None), given


def test_link_in_a_circle_a_strange_date_and_a_long_way_stop_nothing(run, tmp_path, monkeypatch):
    course, given = run
    where = placed(tmp_path / "in", {"bob/a.ipynb": right("bob"), "bob/b.ipynb": "{}"})

    def dated(place):
        return [replace(one, when=1e12 if "a.ip" in one.label else 1.0) for one in collect(place)]

    monkeypatch.setattr(batch, "collect", dated)
    (where / "cat.ipynb").symlink_to("cat.ipynb")
    monkeypatch.chdir(where)
    for name in ["eve", *["d" * 250] * 16, "e" * 60]:
        os.mkdir(name)
        os.chdir(name)
    with open("x" * 200 + ".ipynb", "w") as file:
        file.write("{}")
    os.chdir(tmp_path)
    grades = {grade.student.id: grade for grade in grade_course(course)}
    assert given == [["bob", "eve", "cat"]]
    assert "took bob/a.ipynb (no date)" in grades["bob"].record.notes[0]
    assert "cannot be opened: File name too long" in grades["eve"].reason
    assert "a link" in grades["cat"].reason


def test_folder_that_may_not_be_opened_is_told_as_that_of_its_owner(tmp_path, monkeypatch):
    placed(tmp_path, {"eve/hw90.ipynb": "{}", "bob.ipynb": "{}"})
    scan = os.scandir

    def refusing(path):
        if str(path).endswith("eve"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refusing)
    found = match(collect(tmp_path), ROSTER).of
    assert found["eve"][0].problem == "cannot be opened: Permission denied"
    assert found["bob"][0].problem == ""
    with pytest.raises(SubmissionError, match="Permission denied"):
        collect(tmp_path / "eve")


def test_file_without_a_name_is_not_that_of_whoever_has_no_email(tmp_path):
    assert owners(placed(tmp_path, {".ipynb": "{}", "bob/.zip/x": "", "bob/.ipynb": "{}"})) == {
        "bob": ["bob/.ipynb", "bob/.zip/x"]
    }


def test_notes_on_other_files_are_renewed_and_nothing_is_graded_for_them(run, tmp_path):
    course, given = run
    where = placed(tmp_path / "in", {"bob.ipynb": "{}"})
    grade_course(course)
    placed(where, {"bob-1.ipynb": "{}"})
    os.utime(where / "bob-1.ipynb", (1e9, 1e9))
    grade_course(course)
    notes = load(record_path(course.folder, "bob")).notes
    assert notes[0].startswith("2 notebooks: took bob.ipynb")
    assert notes[1:] == ["own"]
    (where / "bob-1.ipynb").unlink()
    grade_course(course)
    assert load(record_path(course.folder, "bob")).notes == ["own"]
    assert given == [["bob"], [], []]


def test_other_limits_and_no_sandbox_are_another_grade(run, tmp_path):
    course, given = run
    placed(tmp_path / "in", {"bob.ipynb": "{}"})
    for place in (Place(), Place(), Place(limits=Limits(cell=5.0)), Place(False)):
        grade_course(replace(course, place=place))
    assert given == [["bob"], [], ["bob"], ["bob"]]


def test_what_was_given_up_is_tried_again(monkeypatch):
    def given_up(*_):
        raise GivenUp("it took longer than 4 seconds in all")

    monkeypatch.setattr(single, "_parts", given_up)
    found = graded(Job("ann", right().encode(), "x", (), "code", SEED), tiny.homework, Place())
    assert (found.key, found.reason) == ("", "it took longer than 4 seconds in all")


def test_private_checks_count_with_what_they_import_beside_them(tmp_path):
    text = "import first, os\nfrom package.inner import x\n"
    files = {"checks.py": text, "first.py": "import second", "second.py": "", "package/inner.py": "", "other.py": ""}
    placed(tmp_path, files)
    seen = {digest("hw90", tmp_path / "checks.py")}
    for changed in ("checks.py", "first.py", "second.py", "package/inner.py"):
        placed(tmp_path, {changed: files[changed] + "\nx = 1"})
        seen.add(digest("hw90", tmp_path / "checks.py"))
    assert len(seen) == 5
    placed(tmp_path, {"other.py": "x = 2"})
    assert digest("hw90", tmp_path / "checks.py") in seen
