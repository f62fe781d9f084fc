"""Whose file it is: by the roster's ids, and by the names that Canvas, Moodle, Gradescope and nbgrader give."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from gradlab.homework.judging import same_id
from gradlab.homework.roster import Student, plain
from gradlab.homework.submissions import Found, SubmissionError

CANVAS = re.compile(r"(?P<name>[^_/]+)_(?:LATE_)?(?P<id>\d+)_(?P<submission>\d+)_(?P<file>.+)", re.I)
MOODLE = re.compile(r"(?P<name>.+)_(?P<id>\d+)_assignsubmission_(?:file|onlinetext)_?.*", re.I)
GRADESCOPE = re.compile(r"submission_(?P<id>\d+)")
METADATA = "submission_metadata.yml"


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
            names = " and ".join(student.id for student in students[:3])
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


def _students(found: Found, roster: Sequence[Student], submitters: dict[str, set[str]]) -> list[Student]:
    """Return whose file it may be.

    The outermost name that tells decides: those within, the student may have chosen, and another student's id may be
    among them.
    """
    for part in found.parts:
        if (lms := _lms(part)) is not None:
            known = [student for student in roster if _known_to_lms(student, part, submitters)]
            return known or [student for student in roster if lms and plain(lms) in _spellings(student.name)]
        name = re.sub(r"\.(ipynb|zip)$", "", same_id(part))
        exact = [one for one in roster if name in (same_id(one.id), same_id(one.email))]
        if students := exact or _longest(one for one in roster if _within(same_id(one.id), name)):
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
    inner = [
        one for one in found for other in found if one is not other and _within(same_id(one.id), same_id(other.id))
    ]
    return [student for student in found if student not in inner]


def _within(id: str, name: str) -> bool:
    return re.search(rf"(?<![^\W_]){re.escape(id)}(?![^\W_])", name) is not None


def _known_to_lms(student: Student, part: str, submitters: dict[str, set[str]]) -> bool:
    if (canvas := CANVAS.fullmatch(part)) and canvas["id"] == student.canvas:
        return True
    if (moodle := MOODLE.fullmatch(part)) and moodle["id"] == re.sub(r"^Participant ", "", student.moodle):
        return True
    keys = {same_id(key) for key in (student.id, student.email, student.gradescope) if key}
    return bool(keys & submitters.get(part, set()))


def _spellings(name: str) -> set[str]:
    """Return how Canvas and Moodle may write a name; Canvas turns it round."""
    words = name.replace(",", " ").split()
    turned = {plain("".join(words[-1:] + words[:-1])), plain("".join(words[1:] + words[:1]))}
    return {plain(name), *turned} - {""}


def _gradescope(files: Sequence[Found]) -> dict[str, set[str]]:
    """Return who handed in each of Gradescope's folders: emails and ids, by folder."""
    found: dict[str, set[str]] = {}
    for file in files:
        if file.parts[-1] != METADATA:
            continue
        try:
            text = file.read().decode("utf-8", errors="replace")
        except SubmissionError:
            continue
        folder = ""
        for line in text.splitlines():
            if head := re.match(r"(submission_\d+):", line):
                folder = head[1]
            if folder and (entry := re.match(r"\s+-?\s*:?(?:email|sid):\s*['\"]?([^'\"]+?)['\"]?\s*$", line)):
                found.setdefault(folder, set()).add(same_id(entry[1]))
    return found
