"""What a submission can learn of the numbers that it is tried on, and what that is worth: nothing to anybody else."""

import re
from types import SimpleNamespace

import tiny

from gradlab.homework import grading
from gradlab.homework.answers import LocalAnswer
from gradlab.homework.child import ChildDiedError
from gradlab.homework.grading import Job
from gradlab.homework.remote import Notebook
from gradlab.homework.sandbox import Limits

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
    outcomes = grading._outcomes(job, tiny.homework, Local(names=names, sealed=False))
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

    child = SimpleNamespace(place=SimpleNamespace(limits=Limits()), ask=ask, alive=True, close=lambda: None)
    child.start = lambda: setattr(child, "alive", True)
    notebook = Notebook([(1, "1 / 0")], child)
    grading._outcomes(Job("ann", b"", "", (), "", "seed"), tiny.homework, notebook)
    assert notebook.notes == ["cell 1 raised ValueError: [0.1, 0.2]"]  # from a visible check
    notebook.notes.clear()
    notebook.load()
    assert notebook.notes == []
