"""What a folder of grades remembers of its course, so that marks given later count without grading again."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gradlab.homework.catalog import homework_of
from gradlab.homework.checks.questions import Homework
from gradlab.homework.grades.feedback import save_feedback
from gradlab.homework.grades.gradebook import Grade, grade_of, save_grades
from gradlab.homework.grades.marks import Marks, read_marks
from gradlab.homework.grades.records import Record, load, record_path
from gradlab.homework.roster import Student
from gradlab.homework.texts import write


class CourseError(ValueError):
    """A folder holds no grades."""


@dataclass(frozen=True)
class Course:
    """What was graded, and for whom.

    Parameters
    ----------
    homework : str
        Its id.
    checks : Path or None
        The file of private checks.
    roster : list of Student
    handed_in : list of str
        The ids of those who handed something in.
    """

    homework: str
    checks: Path | None
    roster: list[Student]
    handed_in: list[str]


def save_course(course: Course, folder: Path) -> None:
    """Write what a folder remembers."""
    kept = {
        "homework": course.homework,
        "checks": None if course.checks is None else str(course.checks.resolve()),
        "roster": [dataclasses.asdict(student) for student in course.roster],
        "handed_in": course.handed_in,
    }
    write(folder / "course.json", json.dumps(kept, indent=1) + "\n")


def read_course(folder: Path) -> Course:
    """Return what a folder remembers.

    Raises
    ------
    CourseError
        If nothing was graded into it.
    """
    try:
        kept = json.loads((folder / "course.json").read_text(encoding="utf-8"))
        checks = None if kept["checks"] is None else Path(kept["checks"])
        return Course(kept["homework"], checks, [Student(**one) for one in kept["roster"]], kept["handed_in"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CourseError(f"{folder} holds no grades: {error}") from None


def renewed(folder: Path) -> tuple[Homework, list[Grade]]:
    """Return the grades in a folder with the marks as they are now, and write them there.

    Raises
    ------
    CourseError, MarksError, ValueError
    """
    course = read_course(folder)
    homework = homework_of(course.homework, course.checks)
    marks = read_marks(folder / "manual.csv")
    found = {id: load(record_path(folder, id)) for id in course.handed_in}
    records = {id: record for id, record in found.items() if record is not None}
    return homework, save_outcome(course.roster, records, marks, homework, folder)


def save_outcome(
    roster: Sequence[Student], records: Mapping[str, Record], marks: Marks, homework: Homework, folder: Path
) -> list[Grade]:
    """Write `grades.csv` and the feedback; return the grades, one for each line of the roster."""
    by_key = marks.by_key()
    grades = [grade_of(student, records.get(student.id), by_key) for student in roster]
    save_grades(grades, homework, folder / "grades.csv")
    save_feedback(grades, homework, folder)
    return grades
