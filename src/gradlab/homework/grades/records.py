"""What the grader found out about one submission, kept in a file of its own the moment it is known."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gradlab.homework.checks.judging import Outcome
from gradlab.homework.texts import file_name, write

TYPES = {
    **{"str": (str,), "int": (int,), "bool": (bool,), "float": (float, int)},
    **{"list[str]": (list,), "list[Outcome]": (list,), "list[Part]": (list,)},
}
"""What the fields of a record may hold, for it lies in a file that anything may have happened to."""


@dataclass(frozen=True)
class Part:
    """One question of a graded submission.

    Parameters
    ----------
    id, title : str
    outcomes : list of Outcome
        Of its properties; empty for a question that only a person reads.
    written_points : int
        What a person can give.
    written : str
        What the student wrote.
    """

    id: str
    title: str
    outcomes: list[Outcome]
    written_points: int = 0
    written: str = ""

    @property
    def earned(self) -> int:
        """Points earned by the code."""
        return sum(outcome.earned for outcome in self.outcomes)

    @property
    def points(self) -> int:
        """Points that the code could earn."""
        return sum(outcome.points for outcome in self.outcomes)

    @property
    def answer(self) -> str:
        """A digest of what was written, by which a change is noticed."""
        return "a" + hashlib.sha256(self.written.encode("utf-8", "backslashreplace")).hexdigest()[:32]


@dataclass(frozen=True)
class Record:
    """One submission, graded or not.

    Parameters
    ----------
    student : str
        The id on the roster.
    key : str
        A digest of all that the result depends on; empty if the next run is to try again.
    file : str
        The file that was graded, and when it was changed.
    parts : list of Part
        None if it could not be graded.
    reason : str
        Why it could not be graded; empty if it was.
    notes : list of str
        What a person should know.
    seconds : float
        How long it took.
    """

    student: str
    key: str
    file: str
    parts: list[Part] = field(default_factory=list)
    reason: str = ""
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def earned(self) -> int:
        """Points earned by code, of all questions."""
        return sum(part.earned for part in self.parts)


def record_path(folder: Path, student: str) -> Path:
    """Return where a student's record is kept."""
    return folder / "results" / f"{file_name(student)}.json"


def save(record: Record, path: Path) -> None:
    """Write a record at once."""
    write(path, json.dumps(dataclasses.asdict(record), indent=1) + "\n")


def load(path: Path) -> Record | None:
    """Return a record; ``None`` if there is none, or none that can be read."""
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        parts = []
        for part in kept.pop("parts"):
            outcomes = [_made(Outcome, outcome) for outcome in part.pop("outcomes")]
            parts.append(_made(Part, {**part, "outcomes": outcomes}))
        return _made(Record, {**kept, "parts": parts})
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _made(kind: type, kept: dict[str, Any]) -> Any:
    made = kind(**kept)
    for one in dataclasses.fields(kind):
        value = getattr(made, one.name)
        fits = type(value) in TYPES[one.type]
        if one.type == "list[str]":
            fits = fits and all(type(note) is str for note in value)
        if not fits or (type(value) in (int, float) and not 0 <= value < 1e9):
            raise TypeError(f"{one.name} is {value!r}")
    return made
