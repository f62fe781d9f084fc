"""The visible checks on one notebook, from the shell, without a course."""

from __future__ import annotations

from pathlib import Path

from gradlab.homework.checks.judging import judge
from gradlab.homework.checks.questions import Homework
from gradlab.homework.grading.single import numbers_for
from gradlab.homework.sandbox.child import Child
from gradlab.homework.sandbox.place import Place
from gradlab.homework.sandbox.remote import GivenUp, Notebook
from gradlab.homework.student import PUBLIC, verdict
from gradlab.homework.submissions.files import Found
from gradlab.homework.submissions.notebooks import read_notebook


def tried_notebook(path: Path, homework: Homework, place: Place) -> list[str]:
    """Return what the visible checks say of a notebook.

    Raises
    ------
    SubmissionError
        If it is no notebook.
    ValueError
        If it cannot be run.
    """
    contents = read_notebook(Found(path, (), (path.name,), 0.0).read(), homework)
    child = Child(place, numbers_for(homework, [contents.student]))
    lines: list[str] = []
    try:
        notebook = Notebook(contents.code, child)
        notebook.load()
        for question in homework.questions:
            outcomes = []
            if question.properties:
                answer = notebook.answer(question.asks_for, question.seconds)
                outcomes = judge(question, answer, seed=PUBLIC, student=contents.student, hidden=False)
            lines += verdict(question, outcomes)
        return [*notebook.notes, *lines]
    except GivenUp as error:
        raise ValueError(str(error)) from None
    finally:
        child.close()
