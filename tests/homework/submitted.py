"""Makes what students hand in, and runs the grader on it as an instructor does."""

import csv
import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import NamedTuple

import pytest

from gradlab.homework.sandbox.place import Place, SandboxError, require_sandbox

TINY = Path(__file__).with_name("tiny.py")
AS_ROOT = ["--as-root-at-my-own-risk"] if os.geteuid() == 0 else []
SET_UP = "from gradlab.homework import check, numbers\nimport torch\nSTUDENT = {student!r}"
DOUBLE = "def double(x):\n    return 2 * x"
SHRINK = "def shrink_(x):\n    x.mul_(0.5)"
TOTAL = 'own = numbers("hw90", "q3", STUDENT)\ntotal = own["a"] + own["b"]'
CHECKS = 'check("hw90", "q1", globals())\ncheck("hw90", "q2", globals())'
WRITTEN = "**Your answer to q4** (replace this line by your text)\n\nBecause it is so."


def why_no_sandbox():
    """Return why student code cannot be sandboxed here; nothing if it can."""
    try:
        require_sandbox(Place())
    except SandboxError as error:
        return str(error)
    return ""


WHY = why_no_sandbox()
needs_sandbox = pytest.mark.skipif(bool(WHY) and "CI" not in os.environ, reason=WHY or "the sandbox stands")


def notebook(*cells, student="ann", written=WRITTEN, head=SET_UP):
    """Return a notebook's text: the set-up cell, these code cells, and the written answer."""
    code = [head.format(student=student), *cells]
    made = [
        {"cell_type": "code", "metadata": {}, "source": source, "outputs": [], "execution_count": 1} for source in code
    ]
    made.append({"cell_type": "markdown", "metadata": {"tags": ["hw-manual"]}, "source": written})
    return json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def right(student="ann"):
    """Return a notebook that earns everything that code can earn."""
    return notebook(DOUBLE, SHRINK, TOTAL, CHECKS, student=student)


class Graded(NamedTuple):
    """What the grader said and wrote."""

    status: int
    said: str
    folder: Path

    @property
    def rows(self):
        """The rows of `grades.csv`, by student."""
        with open(self.folder / "grades.csv", newline="", encoding="utf-8") as file:
            return {row["student"]: row for row in csv.DictReader(file)}


def command(submissions, roster, output, *options):
    """Return the grader's command."""
    start = [sys.executable, "-m", "gradlab.homework", "grade", "hw90", str(submissions), "--roster", str(roster)]
    return [*start, "--checks", str(TINY), "-o", str(output), *options]


def grade(submissions, roster, output, *options, as_root=AS_ROOT, patience=550):
    """Run the grader, for so many seconds at most."""
    asked = command(submissions, roster, output, *options, *as_root)
    outcome = subprocess.run(asked, capture_output=True, text=True, timeout=patience, errors="replace")
    return Graded(outcome.returncode, outcome.stdout + outcome.stderr, Path(output) / "hw90")


def hand_in(folder, texts):
    """Write a roster, and for each student a notebook that may be text or bytes; return the two places."""
    submissions = folder / "submissions"
    submissions.mkdir()
    for student, text in texts.items():
        if text is not None:
            (submissions / f"{student}.ipynb").write_bytes(text if isinstance(text, bytes) else text.encode())
    roster = folder / "roster.csv"
    roster.write_text("id,name\n" + "".join(f"{student},Name of {student}\n" for student in texts))
    return submissions, roster


def zipped(entries, method=zipfile.ZIP_STORED):
    """Return a zip file with these names and texts or bytes."""
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", method) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return raw.getvalue()


def placed(folder, files):
    """Write files into a folder, by their names in it; return the folder."""
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return folder
