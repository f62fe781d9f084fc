"""`manual.csv`: the marks that a person gives. The grader adds lines to it, and never takes a mark away."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gradlab.homework.grades.records import Part, Record
from gradlab.homework.names import same_id
from gradlab.homework.roster import delimiter, table
from gradlab.homework.texts import FORMULA, harmless, printable, quoted, write

COLUMNS = ["student", "question", "code", "marks", "out of", "comment", "note", "answer"]
CHANGED = "the answer changed after it was marked: look again, then delete this note"
NOTHING = "no written answer found"

Key = tuple[str, str]


class MarksError(ValueError):
    """`manual.csv` cannot be read; says which line. Nothing is written then."""


@dataclass
class Marks:
    """What is in `manual.csv`.

    Parameters
    ----------
    columns : list of str
    rows : list of dict
        In the file's order; columns that the grader does not know are kept.
    separator : str
        What separates the columns.
    """

    columns: list[str] = field(default_factory=lambda: list(COLUMNS))
    rows: list[dict[str, str]] = field(default_factory=list)
    separator: str = ","

    def by_key(self) -> dict[Key, dict[str, str]]:
        """Return the rows by student and question."""
        return {(_owner(row["student"]), row["question"].strip().lower()): row for row in self.rows}


@dataclass(frozen=True)
class Mark:
    """The mark of one written answer.

    Parameters
    ----------
    marks : float or None
        ``None`` if there is none that counts.
    comment : str
        What the student is told.
    problem : str
        Why the mark does not count, or has to be looked at again.
    """

    marks: float | None = None
    comment: str = ""
    problem: str = ""


def read_marks(path: Path) -> Marks:
    """Return what is in `manual.csv`; nothing if there is no such file.

    Raises
    ------
    MarksError
        If it lacks a column, or two lines mark the same answer.
    """
    if not path.exists():
        return Marks()
    try:
        raw = path.read_bytes()
        lines = [(number, row) for number, row in table(raw) if any(cell.strip() for cell in row)]
    except (ValueError, csv.Error) as error:
        raise MarksError(f"{path.name}: {error}") from None
    if not lines:
        return Marks()
    columns = [cell.strip() for cell in lines[0][1]]
    if missing := [name for name in ("student", "question", "marks") if name not in columns]:
        raise MarksError(f"{path.name}, line 1: no column {missing[0]!r}")
    marks = Marks(columns, separator=delimiter(raw.decode("utf-8", errors="replace")))
    seen: dict[Key, int] = {}
    for number, row in lines[1:]:
        cells = dict(zip(columns, [*map(_bare, row), *[""] * len(columns)], strict=False))
        key = _owner(cells["student"]), cells["question"].strip().lower()
        if (earlier := seen.setdefault(key, number)) != number:
            answer = printable(" ".join(key), 120)
            raise MarksError(f"{path.name}, line {number}: {answer} is marked in line {earlier} already")
        marks.rows.append(cells)
    return marks


def merged(marks: Marks, records: Iterable[Record], seed: str) -> Marks:
    """Return the marks with a row for every written answer; every row that was there is there still."""
    rows = [dict(row) for row in marks.rows]
    columns = [*marks.columns, *(name for name in COLUMNS if name not in marks.columns)]
    found = Marks(columns, rows, marks.separator)
    there, coded = found.by_key(), {row["code"]: row for row in rows if row.get("code")}
    for record in records:
        for part in record.parts:
            if not part.written_points:
                continue
            code = code_of(seed, record.student, part.id)
            row = there.get((_owner(record.student), part.id))
            if row is None and (row := coded.get(code)) is not None:
                row["student"] = record.student  # a spreadsheet took 007 for 7
            if row is None:
                row = {"student": record.student, "question": part.id}
                rows.append(row)
            _renew(row, part, code)
    return found


def code_of(seed: str, student: str, question: str) -> str:
    """Return the code under which an answer is read without its author's name."""
    return "c" + hashlib.sha256("\x1f".join((seed, "code", same_id(student), question)).encode()).hexdigest()[:10]


def save_marks(marks: Marks, path: Path) -> None:
    """Write `manual.csv` at once, if it changes."""
    rows = [{**row, "student": harmless(row.get("student", ""))} for row in marks.rows]
    lines = [marks.columns, *([row.get(name, "") for name in marks.columns] for row in rows)]
    text = "".join(_line(line, marks.separator) for line in lines)
    if not path.exists() or path.read_text(encoding="utf-8-sig", errors="replace").replace("\r\n", "\n") != text:
        write(path, text)


def mark_of(marks: Mapping[Key, dict[str, str]], student: str, part: Part) -> Mark:
    """Return a student's mark for a written answer."""
    row = marks.get((_owner(student), part.id), {})
    text, comment = row.get("marks", "").strip(), row.get("comment", "")
    if not text:
        return Mark(None, comment, f"{part.id} has no mark yet")
    try:
        number = float(text.replace(",", "."))
    except ValueError:
        return Mark(None, comment, f"{part.id}: the mark {text!r} is no number")
    if not 0 <= number <= part.written_points:
        return Mark(None, comment, f"{part.id}: the mark {text} is not between 0 and {part.written_points}")
    return Mark(number, comment, f"{part.id}: {CHANGED}" if CHANGED in row.get("note", "") else "")


def _renew(row: dict[str, str], part: Part, code: str) -> None:
    before, note = row.get("answer", ""), row.get("note", "")
    marked = bool(row.get("marks", "").strip())
    if marked and before and before != part.answer and CHANGED not in note:
        note = f"{note}; {CHANGED}".removeprefix("; ")
    if not marked:
        note = NOTHING if not part.written else note.replace(NOTHING, "")
    row.update({"code": code, "out of": str(part.written_points), "note": note, "answer": part.answer})


def _owner(student: str) -> str:
    """Return an id as it is compared here: as it is written, so that no spreadsheet computes it."""
    return same_id(harmless(student.strip()))


def _bare(cell: str) -> str:
    """Undo `quoted`."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULA) else cell


def _line(cells: Sequence[str], separator: str) -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=separator, lineterminator="\n").writerow([quoted(cell) for cell in cells])
    return out.getvalue()
