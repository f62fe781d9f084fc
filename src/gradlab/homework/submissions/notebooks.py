"""What is in a student's notebook: code to run, and text for a person to read. Of any version, and however broken."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from gradlab.homework.checks.questions import Homework
from gradlab.homework.submissions.files import SubmissionError

MOST_CELLS = 2000
MOST_WRITTEN = 50_000
MARKER = re.compile(r"\*\*Your answer to (q\w{1,20})\*\*", re.I)
PLACEHOLDER = re.compile(r"\(replace [^)\n]{0,200}\)")
STUDENT = re.compile(r"^STUDENT[ \t]*(?::[ \t]*str[ \t]*)?=[ \t]*([\"'])(.{0,200}?)\1", re.M)


@dataclass(frozen=True)
class Contents:
    """A notebook, as far as a grade depends on it.

    Parameters
    ----------
    code : list of (int, str)
        Each code cell's number, counted from 1 over all cells, and its source.
    written : dict
        From a question's id to what was written; empty text if nothing was.
    student : str
        What the source gives to STUDENT.
    notes : list of str
        What a person should know.
    """

    code: list[tuple[int, str]]
    written: dict[str, str]
    student: str
    notes: list[str] = field(default_factory=list)


def read_notebook(data: bytes, homework: Homework) -> Contents:
    """Return what is in a notebook.

    Raises
    ------
    SubmissionError
        If it is none, or holds no code.
    """
    cells = _cells(data)
    if len(cells) > MOST_CELLS:
        raise SubmissionError(f"it has more than {MOST_CELLS:,} cells")
    code = [(number, text) for number, (kind, text, _) in enumerate(cells, 1) if kind == "code" and text.strip()]
    if not code:
        raise SubmissionError("it holds no code")
    asked = [question.asks_for for question in homework.questions if question.asks_for]
    sources = "\n".join(text for _, text in code)
    if asked and not any(re.search(rf"\b{re.escape(name)}\b", sources) for name in asked):
        raise SubmissionError(f"it defines none of the names that {homework.id} asks for; is it another homework's?")
    found = STUDENT.search(sources)
    written = _written(cells, [question.id for question in homework.questions if question.written_points])
    return Contents(code, written, found[2] if found else "", _notes(cells, written))


def _cells(data: bytes) -> list[tuple[str, str, Sequence[str]]]:
    """Return kind, source and tags of each cell, in format 4 or 3."""
    if not data.strip():
        raise SubmissionError("it is empty")
    try:
        notebook = json.loads(data)
    except UnicodeDecodeError:
        raise SubmissionError("it is no notebook: not UTF-8") from None
    except RecursionError:
        raise SubmissionError("it is no notebook: nested too deeply") from None
    except ValueError as error:
        raise SubmissionError(f"it is no notebook, or only a part of one: {error}") from None
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if cells is None and isinstance(notebook, dict) and isinstance(sheets := notebook.get("worksheets"), list):
        groups = [sheet.get("cells") for sheet in sheets if isinstance(sheet, dict)]
        cells = [cell for group in groups if isinstance(group, list) for cell in group]
    if not isinstance(cells, list):
        raise SubmissionError("it is no notebook: it has no cells")
    return [_cell(cell) for cell in cells if isinstance(cell, dict)]


def _cell(cell: dict[str, Any]) -> tuple[str, str, Sequence[str]]:
    source = cell.get("source", cell.get("input", ""))
    if isinstance(source, list):
        source = "".join(line for line in source if isinstance(line, str))
    metadata = cell.get("metadata")
    tags = metadata.get("tags") if isinstance(metadata, dict) else None
    tags = [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []
    return str(cell.get("cell_type", "")), source if isinstance(source, str) else "", tags


def _written(cells: Sequence[tuple[str, str, Sequence[str]]], ids: Sequence[str]) -> dict[str, str]:
    """Return the written answers: found by their text, or by their tag where that was lost, in order."""
    found: dict[str, list[str]] = {id: [] for id in ids}
    current = None
    for kind, whole, tags in cells:
        text = whole[: 2 * MOST_WRITTEN]
        marker = MARKER.search(text)
        tagged = "hw-manual" in tags
        if kind == "markdown" and (marker or tagged):
            without = [id for id in ids if not found[id]]
            current = marker[1].lower() if marker else (without[0] if without else None)
            text = PLACEHOLDER.sub("", MARKER.sub("", text, count=1), count=1)
        elif kind != "markdown" or text.lstrip().startswith("#"):
            current = None
        if current in found:
            found[current].append(text.strip() or " ")
    answers = {id: "\n\n".join(parts).strip() for id, parts in found.items()}
    return {id: answer[:MOST_WRITTEN] if answer.strip(" \n\t.…*_") else "" for id, answer in answers.items()}


def _notes(cells: Sequence[tuple[str, str, Sequence[str]]], written: dict[str, str]) -> list[str]:
    notes = [f"{id}: no written answer found" for id, answer in written.items() if not answer]
    notes += [f"{id}: only the beginning was kept" for id, answer in written.items() if len(answer) >= MOST_WRITTEN]
    if any(kind == "markdown" and "](attachment:" in text for kind, text, _ in cells):
        notes.append("pictures are attached to its text: open the notebook to see them")
    return notes
