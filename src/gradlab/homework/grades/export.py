"""Grades in the forms that other systems take. Only what is graded goes out: nobody gets a 0 for want of a grade."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gradlab.homework.checks.judging import Outcome
from gradlab.homework.checks.questions import Homework
from gradlab.homework.grades.gradebook import GRADED, NOT_SUBMITTED, Grade, shown
from gradlab.homework.names import plain, same_id
from gradlab.homework.roster import Student, table
from gradlab.homework.texts import csv_text, file_name, printable, write

NOTHING = {("ID", ""), ("login", "")}
LOGINS = ("SIS Login ID", "SIS User ID", "Integration ID")


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
    left_out = [f"{_who(grade)}: {grade.status}" for grade in grades if grade.status != GRADED]
    if to == "canvas":
        if gradebook is None:
            raise ExportError("Canvas needs --gradebook: the CSV file that its own gradebook exports")
        text, unknown = canvas(grades, homework, gradebook, column)
        write(path, text)
        unseen = [f"{_who(grade)}: no line in Canvas's gradebook, or more than one could be" for grade in unknown]
        return Exported(path, len(ready) - len(unknown), [*left_out, *unseen])
    if to == "gradescope":
        for grade in ready:
            write(path / file_name(grade.student.id) / "results.json", results(grade))
        return Exported(path, len(ready), left_out)
    rows = FORMS[to](grades if to == "csv" else ready, homework)
    write(path, csv_text(rows))
    return Exported(path, len(ready), left_out)


def canvas(grades: Sequence[Grade], homework: Homework, gradebook: Path, column: str) -> tuple[str, list[Grade]]:
    """Return Canvas's gradebook with one column filled in, and the grades that are ready but have no line of their own.

    All grades are needed, also those that are not ready: the line of somebody without a grade could seem another's.

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
    rows = [[*line, *[""] * (len(head) - len(line))] for line in lines[1:]]
    owners = _owners([dict(zip(head, row, strict=False)) for row in rows], [grade.student for grade in grades])
    filled = {row: grades[owner] for row, owner in owners.items() if grades[owner].status == GRADED}
    for row, grade in filled.items():
        rows[row][at] = shown(grade.total)
    left = [grade for n, grade in enumerate(grades) if grade.status == GRADED and n not in owners.values()]
    return csv_text([[*(row[i] for i in kept), row[at]] for row in [head, *rows]]), left


def _assignment(head: Sequence[str], homework: Homework, column: str, name: str) -> int:
    wanted = column or homework.id
    exact = [i for i, title in enumerate(head) if re.sub(r" \(\d+\)$", "", title) == wanted or title == wanted]
    found = exact or [i for i, title in enumerate(head) if wanted.casefold() in title.casefold()]
    if len(found) != 1:
        which = "no column names" if not found else f"{len(found)} columns name"
        raise ExportError(f"{name}: {which} {wanted!r}; say which with --column")
    return found[0]


def _owners(lines: Sequence[Mapping[str, str]], students: Sequence[Student]) -> dict[int, int]:
    """Return from lines to students: by ids first, and by names only those who are left and have theirs alone."""
    own = [
        {("ID", same_id(one.canvas)), *(("login", same_id(key)) for key in (one.id, one.email))} - NOTHING
        for one in students
    ]
    named = [
        {("ID", same_id(line["ID"])), *(("login", same_id(line.get(name, ""))) for name in LOGINS)} - NOTHING
        for line in lines
    ]
    owners = _alone(named, own)
    told = [any(keys & one for one in own) for keys in named]  # by an id, if perhaps by that of two
    known = [any(one & keys for keys in named) for one in own]
    names = [set() if said else _spelled(line["Student"]) for line, said in zip(lines, told, strict=True)]
    whose = [set() if said else {plain(one.name)} - {""} for one, said in zip(students, known, strict=True)]
    return {**_alone(names, whose), **owners}


def _alone(lines: Sequence[set], students: Sequence[set]) -> dict[int, int]:
    """Return from lines to students that have a key in common, each with one other only."""
    pairs = [(i, n) for i, line in enumerate(lines) for n, one in enumerate(students) if line & one]
    by_line, by_student = Counter(i for i, _ in pairs), Counter(n for _, n in pairs)
    return {i: n for i, n in pairs if by_line[i] == by_student[n] == 1}


def _spelled(name: str) -> set[str]:
    """Return a name of Canvas's as a roster may write it."""
    last, _, first = name.partition(",")
    return set() if "Points Possible" in name else {plain(name), plain(f"{first}{last}")} - {""}


def _who(grade: Grade) -> str:
    return printable(grade.student.id, 80)


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
