"""Whose file it is: by the roster's ids, and by the names that Canvas, Moodle, Gradescope and nbgrader give."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gradlab.homework.names import plain, same_id
from gradlab.homework.roster import Student
from gradlab.homework.submissions.files import Found, SubmissionError
from gradlab.homework.texts import printable

CANVAS = re.compile(r"(?P<name>[^_/]+)_(?:LATE_)?(?P<id>\d+)_(?P<submission>\d+)_(?P<file>.+)", re.I)
MOODLE = re.compile(r"(?P<name>.+)_(?P<id>\d+)_assignsubmission_(?:file|onlinetext)_?.*", re.I)
GRADESCOPE = re.compile(r"submission_(?P<id>\d+)")
METADATA = "submission_metadata.yml"
MOST_LINE = 500

Submitters = Mapping[tuple[str, ...], set[str]]
own = functools.lru_cache(1 << 14)(same_id)  # the roster's ids are compared with every name


@dataclass
class Matched:
    """The files by student, and those of nobody.

    Parameters
    ----------
    of : dict
        From a student's id to the files.
    unknown : list of (Found, str)
        The others, each with the reason.
    """

    of: dict[str, list[Found]] = field(default_factory=dict)
    unknown: list[tuple[Found, str]] = field(default_factory=list)


def match(files: Sequence[Found], roster: Sequence[Student]) -> Matched:
    """Find the student of every file."""
    matched, submitters = Matched(), _gradescope(files)
    for found in files:
        if found.parts[-1] == METADATA:
            continue
        students = _students(found, roster, submitters)
        if len(students) == 1:
            matched.of.setdefault(students[0].id, []).append(found)
        elif students:
            names = " and ".join(printable(student.id, 80) for student in students[:3])
            matched.unknown.append((found, f"could be that of {names}"))
        else:
            matched.unknown.append((found, "belongs to nobody on the roster"))
    return matched


def newest(files: Sequence[Found], homework: str) -> tuple[Found | None, list[Found]]:
    """Return the notebook to grade, and the other files.

    Among several, those whose names name this homework and no other come first, then the latest, then the last by name.
    """
    notebooks = [found for found in files if found.is_notebook]
    if not notebooks:
        return None, list(files)

    def rank(found: Found) -> tuple:
        named = set(re.findall(r"hw\d\d", found.label.lower()))
        return not found.problem, homework in named, not named - {homework}, found.when, found.parts

    chosen = max(notebooks, key=rank)
    return chosen, [found for found in files if found is not chosen]


def _students(found: Found, roster: Sequence[Student], submitters: Submitters) -> list[Student]:
    """Return whose file it may be.

    The outermost name that tells decides: those within, the student may have chosen, and another student's id may be
    among them.
    """
    for at, part in enumerate(found.parts, 1):
        if (lms := _lms(part)) is not None:
            keys = submitters.get(found.parts[:at], set())
            known = [student for student in roster if _known_to_lms(student, part, keys)]
            return known or [student for student in roster if lms and plain(lms) in _spellings(student.name)]
        if not (name := re.sub(r"\.(ipynb|zip)$", "", same_id(part))):
            continue  # a file called `.ipynb` is not that of whoever has no email
        exact = [one for one in roster if name in (own(one.id), own(one.email))]
        if students := exact or _longest(one for one in roster if _within(own(one.id), name)):
            return students
    return []


def _lms(part: str) -> str | None:
    """Return the student's name in a name that Canvas or Moodle gave; empty for Gradescope's; ``None`` for others."""
    if (lms := MOODLE.fullmatch(part) or CANVAS.fullmatch(part)) is not None:
        return lms["name"]
    return "" if GRADESCOPE.fullmatch(part) else None


def _longest(students: Iterable[Student]) -> list[Student]:
    """Return those whose ids are no part of another's: ann-2 before ann."""
    found = list(students)
    inner = [one for one in found for other in found if one is not other and _within(own(one.id), own(other.id))]
    return [student for student in found if student not in inner]


def _within(id: str, name: str) -> bool:
    return id in name and re.search(rf"(?<![^\W_]){re.escape(id)}(?![^\W_])", name) is not None


def _known_to_lms(student: Student, part: str, keys: set[str]) -> bool:
    if (canvas := CANVAS.fullmatch(part)) and canvas["id"] == student.canvas:
        return True
    if (moodle := MOODLE.fullmatch(part)) and moodle["id"] == re.sub(r"^Participant ", "", student.moodle):
        return True
    return bool(keys & {own(key) for key in (student.id, student.email, student.gradescope) if key})


def _spellings(name: str) -> set[str]:
    """Return how Canvas and Moodle may write a name; Canvas turns it round."""
    words = name.replace(",", " ").split()
    turned = {plain("".join(words[-1:] + words[:-1])), plain("".join(words[1:] + words[:1]))}
    return {plain(name), *turned} - {""}


def _gradescope(files: Sequence[Found]) -> Submitters:
    """Return who handed in each of Gradescope's folders: emails and ids, by the way to the folder.

    Only Gradescope's own file is believed, and of the folders beside it: those that lie deeper, students wrote.
    """
    beside = {file.parts[:-1]: file for file in files if file.parts[-1] == METADATA}
    found: dict[tuple[str, ...], set[str]] = {}
    for way, file in beside.items():
        if any(way[:deep] in beside for deep in range(len(way))):
            continue
        try:
            text = file.read().decode("utf-8", errors="replace")
        except SubmissionError:
            continue
        folder = ""
        for line in text.splitlines():
            if len(line) > MOST_LINE:
                continue
            if head := re.match(r"(submission_\d+):", line):
                folder = head[1]
            entry = re.match(r"(?:- ?)?:?(?:email|sid):(.*)", line.strip())
            if folder and entry and line[0].isspace() and (key := entry[1].strip(" \t'\"")):
                found.setdefault((*way, folder), set()).add(same_id(key))
    return found
