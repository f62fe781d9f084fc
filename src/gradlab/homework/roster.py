"""The roster: who is in the course, read from a CSV file; every line of it gets a row in the grades."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path

from gradlab.homework.names import same_id
from gradlab.homework.texts import harmless

COLUMNS = {
    "id": (
        "id",
        "student",
        "student id",
        "student_id",
        "sid",
        "username",
        "user name",
        "login",
        "sis login id",
        "netid",
    ),
    "name": ("name", "student name", "full name"),
    "first": ("first name", "first_name", "firstname", "given name"),
    "last": ("last name", "last_name", "lastname", "surname", "family name"),
    "email": ("email", "email address", "e-mail", "mail"),
    "canvas": ("canvas", "canvas id", "canvas_id"),
    "moodle": ("moodle", "moodle id", "moodle_id", "identifier"),
    "gradescope": ("gradescope", "gradescope id", "gradescope_id"),
}
"""What a column may be called, in any case."""


class RosterError(ValueError):
    """The roster cannot be read; says which line."""


@dataclass(frozen=True)
class Student:
    """One line of the roster.

    Parameters
    ----------
    id : str
        What the student writes into STUDENT.
    name, email : str
        Empty if the roster has none.
    canvas, moodle, gradescope : str
        The ids by which these know the student; empty if the roster has none.
    """

    id: str
    name: str = ""
    email: str = ""
    canvas: str = ""
    moodle: str = ""
    gradescope: str = ""


def read_roster(path: Path) -> list[Student]:
    """Return the students on a roster.

    Raises
    ------
    RosterError
        If there is no column of ids, or a line without an id, with an id that an earlier line has, or too short.
    """
    try:
        lines = table(path.read_bytes())
    except (OSError, ValueError, csv.Error) as error:
        raise RosterError(f"{path.name}: {error}") from None
    if not lines:
        raise RosterError(f"{path.name} is empty")
    columns = _columns(lines[0][1])
    if "id" not in columns:
        raise RosterError(f"{path.name}, line 1: no column of ids, such as `id`, among {', '.join(lines[0][1])}")
    students, seen = [], {}
    for number, row in lines[1:]:
        if not any(cell.strip() for cell in row):
            continue
        if len(row) < len(lines[0][1]) and len(row) <= max(columns.values()):
            raise RosterError(f"{path.name}, line {number}: {len(row)} columns where line 1 has {len(lines[0][1])}")
        student = _student({name: row[at].strip() for name, at in columns.items()})
        if not student.id:
            raise RosterError(f"{path.name}, line {number}: no id")
        if (earlier := seen.setdefault(same_id(harmless(student.id)), number)) != number:
            raise RosterError(f"{path.name}, line {number}: the id {student.id!r} is that of line {earlier}")
        students.append(student)
    if not students:
        raise RosterError(f"{path.name} names no student")
    return students


def table(raw: bytes) -> list[tuple[int, list[str]]]:
    """Return the rows of a CSV file with the numbers of their lines; commas, semicolons and tabs are told apart.

    Raises
    ------
    ValueError
        If it is neither UTF-8 nor UTF-16.
    csv.Error
        If it is no CSV.
    """
    try:
        text = raw.decode("utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8, at byte {error.start}; save it as CSV UTF-8") from None
    if "\0" in text:
        raise ValueError("it holds a zero byte, which no text does")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter(text))
    rows, start = [], 1
    for row in reader:
        rows.append((start, row))
        start = reader.line_num + 1
    return rows


def delimiter(text: str) -> str:
    """Return what separates the columns in the first line."""
    first = text.partition("\n")[0]
    return max(",;\t", key=first.count)


def _columns(head: list[str]) -> dict[str, int]:
    names = [re.sub(r"\s+", " ", cell).strip().casefold() for cell in head]
    found = {}
    for column, spellings in COLUMNS.items():
        for spelling in spellings:
            if spelling in names and column not in found:
                found[column] = names.index(spelling)
    return found


def _student(cells: dict[str, str]) -> Student:
    name = cells.get("name") or f"{cells.get('first', '')} {cells.get('last', '')}".strip()
    rest = {key: cells.get(key, "") for key in ("email", "canvas", "moodle", "gradescope")}
    return Student(cells["id"], name, **rest)
