"""Grades in the forms that other systems take. Only what is graded goes out: nobody gets a 0 for want of a grade."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gradlab.homework.gradebook import GRADED, NOT_SUBMITTED, Grade, shown
from gradlab.homework.judging import Outcome, same_id
from gradlab.homework.questions import Homework
from gradlab.homework.roster import plain, table
from gradlab.homework.texts import csv_text, file_name, write

CANVAS_KEYS = ("SIS Login ID", "SIS User ID", "ID", "Integration ID")


class ExportError(ValueError):
    """The grades cannot be exported as asked."""


@dataclass(frozen=True)
class Exported:
    """What was written.

    Parameters
    ----------
    path : Path
        A file, or for Gradescope a folder.
    count : int
        How many grades are in it.
    left_out : list of str
        Who is not, and why.
    """

    path: Path
    count: int
    left_out: list[str]


def export(
    grades: Sequence[Grade], homework: Homework, to: str, path: Path, *, gradebook: Path | None = None, column: str = ""
) -> Exported:
    """Write the grades for another system.

    Parameters
    ----------
    grades : list of Grade
    homework : Homework
    to : str
        One of the names in `FORMS`, or "canvas".
    path : Path
        Where to.
    gradebook : Path, optional
        The gradebook that Canvas exported; needed for Canvas.
    column : str
        The assignment's column in it; without one, the column that names the homework.

    Raises
    ------
    ExportError
        If the gradebook is missing, or is none.
    """
    ready = [grade for grade in grades if grade.status == GRADED]
    left_out = [f"{grade.student.id}: {grade.status}" for grade in grades if grade.status != GRADED]
    if to == "canvas":
        if gradebook is None:
            raise ExportError("Canvas needs --gradebook: the CSV file that its own gradebook exports")
        text, unknown = canvas(ready, homework, gradebook, column)
        write(path, text)
        unseen = [f"{grade.student.id}: not in Canvas's gradebook" for grade in unknown]
        return Exported(path, len(ready) - len(unknown), [*left_out, *unseen])
    if to == "gradescope":
        for grade in ready:
            write(path / file_name(grade.student.id) / "results.json", results(grade))
        return Exported(path, len(ready), left_out)
    rows = FORMS[to](grades if to == "csv" else ready, homework)
    write(path, csv_text(rows))
    return Exported(path, len(ready), left_out)


def canvas(grades: Sequence[Grade], homework: Homework, gradebook: Path, column: str) -> tuple[str, list[Grade]]:
    """Return Canvas's gradebook with one column filled in, and the grades for which it has no line.

    Raises
    ------
    ExportError
        If it is not Canvas's gradebook, or has no such column, or several.
    """
    try:
        lines = [row for _, row in table(gradebook.read_bytes()) if row]
    except (OSError, ValueError) as error:
        raise ExportError(f"{gradebook.name}: {error}") from None
    if not lines or "Student" not in lines[0] or "ID" not in lines[0]:
        raise ExportError(f"{gradebook.name} is not what Canvas exports: no columns Student and ID")
    head = lines[0]
    at = _assignment(head, homework, column, gradebook.name)
    basics = ("Student", "ID", "SIS User ID", "SIS Login ID", "Integration ID", "Section")
    kept = [i for i, name in enumerate(head) if name in basics]
    left = list(grades)
    rows = [[*(head[i] for i in kept), head[at]]]
    for line in lines[1:]:
        line = [*line, *[""] * (len(head) - len(line))]
        found = [] if "Points Possible" in line[head.index("Student")] else _of(line, head, left)
        if len(found) == 1:
            line[at] = shown(found[0].total)
            left.remove(found[0])
        rows.append([*(line[i] for i in kept), line[at]])
    return csv_text(rows), left


def _assignment(head: Sequence[str], homework: Homework, column: str, name: str) -> int:
    wanted = column or homework.id
    exact = [i for i, title in enumerate(head) if re.sub(r" \(\d+\)$", "", title) == wanted or title == wanted]
    found = exact or [i for i, title in enumerate(head) if wanted.casefold() in title.casefold()]
    if len(found) != 1:
        which = "no column names" if not found else f"{len(found)} columns name"
        raise ExportError(f"{name}: {which} {wanted!r}; say which with --column")
    return found[0]


def _of(line: Sequence[str], head: Sequence[str], grades: Sequence[Grade]) -> list[Grade]:
    """Return whose line it is: by an id, or else by a name that only one has."""
    keys = {same_id(line[head.index(name)]) for name in CANVAS_KEYS if name in head} - {""}
    ids = [{same_id(one) for one in (g.student.id, g.student.canvas, g.student.email) if one} for g in grades]
    if found := [grade for grade, own in zip(grades, ids, strict=True) if own & keys]:
        return found
    last, _, first = line[head.index("Student")].partition(",")
    names = {plain(line[head.index("Student")]), plain(f"{first}{last}")} - {""}
    return [grade for grade in grades if plain(grade.student.name) in names]


def moodle(grades: Sequence[Grade], homework: Homework) -> list[list[str]]:
    """Return rows as Moodle's import of grades takes them; it finds people by their email or its own identifier."""
    head = ["Identifier", "ID number", "Full name", "Email address", "Grade", "Maximum grade"]
    most = str(homework.points)
    people = [(grade.student, shown(grade.total)) for grade in grades]
    return [head, *([one.moodle, one.id, one.name, one.email, total, most] for one, total in people)]


def nbgrader(grades: Sequence[Grade], homework: Homework) -> list[list[str]]:
    """Return rows with the columns of ``nbgrader export``."""
    person = ["student_id", "last_name", "first_name", "email"]
    head = ["assignment", "duedate", "timestamp", *person, "raw_score", "late_submission_penalty", "score", "max_score"]
    rows = []
    for grade in grades:
        first, _, last = grade.student.name.rpartition(" ")
        total = shown(grade.total)
        person = [grade.student.id, last, first, grade.student.email]
        rows.append([homework.id, "", "", *person, total, "0", total, str(homework.points)])
    return [head, *rows]


def everyone(grades: Sequence[Grade], homework: Homework) -> list[list[str]]:
    """Return a row for each line of the roster, with the status."""
    head = ["student", "name", "email", "status", "total", "out of"]
    rows = []
    for grade in grades:
        student = grade.student
        rows.append([student.id, student.name, student.email, grade.status, shown(grade.total), str(homework.points)])
    return [head, *rows]


def results(grade: Grade) -> str:
    """Return a ``results.json`` of Gradescope."""
    tests = []
    for part in grade.record.parts if grade.status != NOT_SUBMITTED and grade.record else ():
        tests += [_test(part.id, outcome) for outcome in part.outcomes]
        if part.written_points:
            mark = grade.marks[part.id]
            written = {"name": f"{part.id}: read by a person", "score": mark.marks, "max_score": part.written_points}
            tests.append({**written, "visibility": "visible", "output": mark.comment})
    return json.dumps({"score": grade.total, "tests": tests}, indent=1) + "\n"


def _test(question: str, outcome: Outcome) -> dict[str, object]:
    why = (
        ""
        if outcome.hidden
        else "\n".join(filter(None, (outcome.tried, outcome.got, outcome.expected, outcome.raised)))
    )
    return {
        "name": f"{question}: {outcome.property}",
        "score": outcome.earned,
        "max_score": outcome.points,
        "visibility": "after_published" if outcome.hidden else "visible",
        "output": why,
    }


FORMS: dict[str, Callable[[Sequence[Grade], Homework], list[list[str]]]] = {
    "moodle": moodle,
    "nbgrader": nbgrader,
    "csv": everyone,
}
