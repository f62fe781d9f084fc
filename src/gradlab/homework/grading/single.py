"""Grading one submission: its cells run in a worker, its answers judged here."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from gradlab.homework.checks.judging import Outcome, judge, personal_numbers
from gradlab.homework.checks.questions import Homework, StudentError
from gradlab.homework.grades.records import Part, Record
from gradlab.homework.names import same_id
from gradlab.homework.sandbox.child import Child
from gradlab.homework.sandbox.place import Place, SandboxError
from gradlab.homework.sandbox.remote import GivenUp, Notebook
from gradlab.homework.student import NOBODY
from gradlab.homework.submissions.files import SubmissionError
from gradlab.homework.submissions.notebooks import Contents, read_notebook
from gradlab.homework.texts import printable

MOST_NOTES = 12
MOST_ID = 500
CHECK_STOPPED = "stopped with"


@dataclass(frozen=True)
class Job:
    """One submission to be graded.

    Parameters
    ----------
    student : str
        The id on the roster.
    data : bytes
        The notebook.
    file : str
        Where it came from.
    notes : tuple of str
        What is known already, such as that there are other files.
    code : str
        A digest of the code that grades.
    seed : str
        The course's seed.
    problem : str
        Why there is no notebook to read; empty if there is one.
    terms : str
        The limits, and whether there is a sandbox.
    """

    student: str
    data: bytes
    file: str
    notes: tuple[str, ...]
    code: str
    seed: str
    problem: str = ""
    terms: str = ""

    @property
    def key(self) -> str:
        """A digest of all that the result depends on."""
        parts = (self.student, self.seed, self.code, self.problem, self.terms, hashlib.sha256(self.data).hexdigest())
        return hashlib.sha256("\x1f".join(parts).encode("utf-8", "backslashreplace")).hexdigest()

    @property
    def draws(self) -> str:
        """What the numbers are drawn from: what one submission learns of them is worth nothing to any other."""
        parts = ("numbers of a grade", self.seed, same_id(self.student), hashlib.sha256(self.data).hexdigest())
        return hashlib.sha256("\x1f".join(parts).encode("utf-8", "backslashreplace")).hexdigest()


def graded(job: Job, homework: Homework, place: Place) -> Record:
    """Grade a submission.

    Returns
    -------
    Record
        With points, or with the reason why there are none.
    """
    started = time.monotonic()
    record = Record(job.student, job.key, job.file, notes=list(job.notes))
    try:
        if job.problem:
            raise SubmissionError(job.problem)
        contents = read_notebook(job.data, homework)
        parts, notes = _parts(job, homework, contents, place)
        record = replace(record, parts=parts, notes=[*record.notes, *contents.notes, *notes])
    except SubmissionError as error:
        record = replace(record, reason=printable(error, 300))
    except GivenUp as error:  # perhaps for want of time on a busy machine: the next run tries again
        record = replace(record, key="", reason=printable(error, 300))
    except SandboxError as error:  # not the student's doing: the next run tries again
        record = replace(record, key="", reason=f"the sandbox failed: {printable(error, 600)}")
    return replace(record, seconds=round(time.monotonic() - started, 2))


def _parts(job: Job, homework: Homework, contents: Contents, place: Place) -> tuple[list[Part], list[str]]:
    child = Child(place, numbers_for(homework, [job.student, contents.student]))
    try:
        notebook = Notebook(contents.code, child)
        notebook.load()
        mismatch = _mismatch(notebook, job.student)
        outcomes = _outcomes(job, homework, notebook)
        parts = [
            Part(one.id, one.title, outcomes[one.id], one.written_points, contents.written.get(one.id, ""))
            for one in homework.questions
        ]
    finally:
        child.close()
    faults = [_fault(part, one) for part in parts for one in part.outcomes if one.fault]
    return parts, [*mismatch, *_few(notebook.notes), *_few(faults)]


def _few(notes: list[str]) -> list[str]:
    more = len(notes) - MOST_NOTES
    return notes if more <= 0 else [*notes[:MOST_NOTES], f"and {more} more"]


def _outcomes(job: Job, homework: Homework, notebook: Notebook) -> Mapping[str, list[Outcome]]:
    """Return the outcomes of each question's properties, in their order.

    All visible ones are tried before the first hidden one: of a visible one the student is told what came out, and that
    could otherwise be what the code has seen of hidden numbers. From then on, the notebook takes down nothing that the
    code itself says either.
    """
    found: dict[str, list[Outcome]] = {question.id: [] for question in homework.questions}
    for hidden in (False, True):
        notebook.sealed = hidden
        for question in homework.questions:
            answer = notebook.answer(question.asks_for, question.seconds)
            kind = {"hidden": hidden, "visible": not hidden}
            found[question.id] += judge(question, answer, seed=job.draws, student=job.student, **kind)
    order = {question.id: [one.name for one in question.properties] for question in homework.questions}
    return {id: sorted(some, key=lambda one, names=order[id]: names.index(one.property)) for id, some in found.items()}


def _fault(part: Part, outcome: Outcome) -> str:
    said = printable(outcome.fault, 200)
    return f"{part.id}: the check {outcome.property!r} {CHECK_STOPPED} {said} on this answer; counted as not met"


def numbers_for(homework: Homework, students: list[str]) -> Mapping[tuple[str, str, str], Mapping[str, Any]]:
    """Return the own numbers of these students, by homework, question and student."""
    return {
        (homework.id, question.id, same_id(student)): dict(personal_numbers(question, student))
        for question in homework.questions
        if question.personal is not None
        for student in students
        if student
    }


def _mismatch(notebook: Notebook, student: str) -> list[str]:
    try:
        told = notebook.answer("STUDENT", 5.0).value
    except StudentError:
        return ["STUDENT is not set"]
    told = told[:MOST_ID] if isinstance(told, str) else told
    if isinstance(told, str) and same_id(told) == same_id(student):
        return []
    if isinstance(told, str) and same_id(told) == NOBODY:
        return ["STUDENT was left as it was"]
    shown = repr(printable(told, 60)) if isinstance(told, str) else "no text"
    return [f"STUDENT is {shown}, which is not the id of this file's owner"]
