"""What a submission can learn of the numbers that it is tried on, and what that is worth: nothing to anybody else."""

import re
import subprocess
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest
import tiny
from submitted import needs_sandbox

from gradlab.homework.answers.local import LocalAnswer
from gradlab.homework.checks.questions import StudentError
from gradlab.homework.grading import single
from gradlab.homework.grading.single import Job
from gradlab.homework.sandbox import place as sandbox
from gradlab.homework.sandbox.child import ChildDiedError
from gradlab.homework.sandbox.place import Limits, Place
from gradlab.homework.sandbox.remote import Notebook

TELLS = """
def double(x):
    raise ValueError(str(x.tolist()))
"""


class Local(SimpleNamespace):
    """A notebook in this process."""

    def answer(self, name, seconds):
        """Return what a name stands for."""
        return LocalAnswer(self.names, name, seconds)


def told(student, data):
    """Return the numbers that a visible check and a hidden one tried `double` on."""
    names = {}
    exec(TELLS, names)
    job = Job(student, data, "", (), "code", "the seed of a course")
    outcomes = single._outcomes(job, tiny.homework, Local(names=names, sealed=False))
    return [re.sub(r".*ValueError: ", "", one.raised) for one in outcomes["q1"]]


def test_numbers_are_another_students_or_submissions_never_again():
    first = told("ann", b"one")
    assert told(" ANN", b"one") == first
    for other in (told("bob", b"one"), told("ann", b"one ")):
        assert all(mine != theirs for mine, theirs in zip(first, other, strict=True))


def test_notes_say_nothing_of_cells_once_hidden_numbers_have_been_seen():
    def ask(message, *rest):
        if message["op"] == "cell":
            return {"error": {"words": "raised ValueError: [0.1, 0.2]", "raised": "ValueError"}}, b""
        child.alive = False
        raise ChildDiedError("it ended Python")

    child = SimpleNamespace(place=SimpleNamespace(limits=Limits()), ask=ask, alive=True)
    child.start, child.tidy, child.close = lambda: setattr(child, "alive", True), lambda: None, lambda: None
    notebook = Notebook([(1, "1 / 0")], child)
    single._outcomes(Job("ann", b"", "", (), "", "seed"), tiny.homework, notebook)
    assert notebook.notes.count("cell 1 raised ValueError: [0.1, 0.2]") == 1  # from a visible check
    notebook.notes.clear()
    notebook.child.alive = False
    with pytest.raises(StudentError):
        notebook.answer("double", 2.0)(1.0)
    assert notebook.notes == ["`double` did not answer: it ended Python"]


@pytest.fixture
def elsewhere():
    """A folder that is not in the one for temporary files, of which the sandbox has its own."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@needs_sandbox
def test_what_is_hidden_is_hidden_by_all_its_names_within_pythons_folders(elsewhere, monkeypatch):
    course, link = elsewhere / "course", elsewhere / "link"
    (course / "submissions").mkdir(parents=True)
    for name in ("course.seed", "roster.csv", "open.txt", "submissions/ann.ipynb"):
        (course / name).write_text("secret")
    link.symlink_to(course)
    roots = [*sandbox.readable_roots(), course, link]
    monkeypatch.setattr(sandbox, "readable_roots", lambda: roots)
    place = Place(hidden=(course / "course.seed", course / "roster.csv", link / "submissions"))
    look = """
import os, sys
for folder in sys.argv[1:]:
    for name in ("course.seed", "roster.csv", "submissions/ann.ipynb", "open.txt"):
        try:
            print(os.path.basename(folder), name, open(os.path.join(folder, name)).read())
        except OSError:
            pass
"""
    program = ["-I", "-c", look, str(course), str(link)]
    started = place.start(None, program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    said, complaint = started.communicate(timeout=30)
    assert said.splitlines() == ["course open.txt secret", "link open.txt secret"], complaint


def test_seed_or_home_in_pythons_folders_is_refused(tmp_path, monkeypatch):
    sandbox.require_apart([tmp_path / "course.seed"])
    monkeypatch.setattr(sandbox, "readable_roots", lambda: [tmp_path / "course"])
    (tmp_path / "link").symlink_to(tmp_path / "course")
    with pytest.raises(ValueError, match=r"course\.seed is in there"):
        sandbox.require_apart([tmp_path / "link" / "course.seed"])
    with pytest.raises(ValueError, match="what is graded"):
        sandbox.require_apart([], [tmp_path / "link"])
    monkeypatch.setenv("HOME", str(tmp_path / "course" / "me"))
    with pytest.raises(ValueError, match="me is in there"):
        sandbox.require_apart([])
