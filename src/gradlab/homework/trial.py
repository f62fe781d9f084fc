"""The visible checks on one notebook, from the shell, without a course."""

from __future__ import annotations

from pathlib import Path

from gradlab.homework.child import Child
from gradlab.homework.grading import numbers_for
from gradlab.homework.judging import judge
from gradlab.homework.notebooks import read_notebook
from gradlab.homework.questions import Homework
from gradlab.homework.remote import GivenUp, Notebook
from gradlab.homework.sandbox import Place
from gradlab.homework.student import PUBLIC, verdict
from gradlab.homework.submissions import Found


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
