"""`grades.csv`: a row for every line of the roster, with a status. A grade that is missing is blank, never 0."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gradlab.homework.checks.questions import Homework
from gradlab.homework.grades.marks import Key, Mark, mark_of
from gradlab.homework.grades.records import Record
from gradlab.homework.roster import Student
from gradlab.homework.texts import csv_text, write

GRADED = "graded"
NEEDS_MANUAL = "needs manual"
NOT_GRADED = "could not be graded"
NOT_SUBMITTED = "not submitted"


@dataclass(frozen=True)
class Grade:
    """A student's row.

    Parameters
    ----------
    student : Student
    status, reason : str
        One of the four statuses, and why it is not the first.
    total : float or None
        Points in all; ``None`` unless the status is "graded".
    automatic, manual : float or None
        Points that the code earned, and those that a person gave so far; ``None`` if it was not graded.
    questions : dict
        From each question's id to its points; ``None`` where a mark is missing.
    marks : dict
        From each written question's id to its mark.
    record : Record or None
        ``None`` if nothing was handed in.
    """

    student: Student
    status: str
    reason: str = ""
    total: float | None = None
    automatic: float | None = None
    manual: float | None = None
    questions: Mapping[str, float | None] = field(default_factory=dict)
    marks: Mapping[str, Mark] = field(default_factory=dict)
    record: Record | None = None


def grade_of(student: Student, record: Record | None, marks: Mapping[Key, dict[str, str]]) -> Grade:
    """Return a student's row, from what the grader found and what a person marked."""
    if record is None:
        return Grade(student, NOT_SUBMITTED)
    if record.reason or not record.parts:
        return Grade(student, NOT_GRADED, record.reason or "nothing was graded", record=record)
    given = {part.id: mark_of(marks, student.id, part) for part in record.parts if part.written_points}
    problems = [mark.problem for mark in given.values() if mark.problem]
    questions: dict[str, float | None] = {}
    for part in record.parts:
        mark = given.get(part.id, Mark(0.0)).marks
        questions[part.id] = None if mark is None else part.earned + mark
    manual = sum(mark.marks or 0.0 for mark in given.values())
    status = NEEDS_MANUAL if problems else GRADED
    total = None if problems else record.earned + manual
    return Grade(student, status, "; ".join(problems), total, record.earned, manual, questions, given, record)


def save_grades(grades: Sequence[Grade], homework: Homework, path: Path) -> None:
    """Write `grades.csv` at once."""
    ids = [question.id for question in homework.questions]
    head = [
        "student",
        "name",
        "email",
        "status",
        "reason",
        "total",
        "out of",
        "automatic",
        "manual",
        *ids,
        "notes",
        "file",
    ]
    rows = [_row(grade, homework, ids) for grade in grades]
    write(path, csv_text([head, *rows]))


def _row(grade: Grade, homework: Homework, ids: Sequence[str]) -> list[str]:
    student, record = grade.student, grade.record
    return [
        *(student.id, student.name, student.email, grade.status, grade.reason),
        *(shown(grade.total), str(homework.points), shown(grade.automatic), shown(grade.manual)),
        *(shown(grade.questions.get(id)) for id in ids),
        *("; ".join(record.notes) if record else "", record.file if record else ""),
    ]


def shown(number: float | None) -> str:
    """Return points as text; nothing for a grade that is missing."""
    return "" if number is None else f"{number:g}"
