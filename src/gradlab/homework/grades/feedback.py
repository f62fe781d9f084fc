"""What students are told, one page each; and for those who mark, a page of written answers without names.

Whatever a student wrote is escaped. Of a hidden property the page says whether it holds, and nothing of its numbers:
the next student would have them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from gradlab.homework.checks.judging import Outcome
from gradlab.homework.checks.questions import Homework
from gradlab.homework.grades.gradebook import GRADED, NEEDS_MANUAL, Grade, shown
from gradlab.homework.grades.marks import code_of
from gradlab.homework.grades.records import Part
from gradlab.homework.texts import file_name, write

STYLE = """
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .4rem .6rem; border-bottom: 1px solid #8888; }
td:last-child, th:last-child { text-align: right; white-space: nowrap; }
pre { white-space: pre-wrap; border-left: 3px solid #8888; padding-left: .8rem; font: inherit; }
pre, td, p { overflow-wrap: anywhere; }
dl { margin: .2rem 0 0; } dt { font-weight: 600; } dd { margin: 0 0 .2rem 1rem; }
"""


def save_feedback(grades: Sequence[Grade], homework: Homework, folder: Path) -> None:
    """Write a page for each student who handed something in; remove stale ones."""
    pages = {
        folder / "feedback" / f"{file_name(grade.student.id)}.html": feedback_page(grade, homework)
        for grade in grades
        if grade.record is not None
    }
    _save(pages, folder / "feedback")


def save_reading(grades: Sequence[Grade], homework: Homework, seed: str, folder: Path) -> None:
    """Write a page of answers for each written question; remove stale ones."""
    pages = {
        folder / "reading" / f"{file_name(question.id)}.html": reading_page(grades, homework, question.id, seed)
        for question in homework.questions
        if question.written_points
    }
    _save(pages, folder / "reading")


def _save(pages: Mapping[Path, str], folder: Path) -> None:
    for path, text in pages.items():
        if not path.exists() or path.read_bytes() != text.encode("utf-8", "backslashreplace"):
            write(path, text)
    for stale in set(folder.glob("*.html")) - set(pages):
        stale.unlink()


def feedback_page(grade: Grade, homework: Homework) -> str:
    """Return a student's page."""
    record = grade.record
    title = f"{homework.id}: {homework.title}"
    body = [f"<h1>{_safe(title)}</h1>", f"<p>{_safe(grade.student.name or grade.student.id)}</p>"]
    if grade.status == GRADED:
        body.append(f"<p><strong>{shown(grade.total)} of {homework.points} points.</strong></p>")
    elif grade.status == NEEDS_MANUAL:
        body.append(
            f"<p><strong>{shown(grade.automatic)} points so far;</strong> a written answer is still to be read.</p>"
        )
    else:
        body.append(f"<p><strong>Could not be graded:</strong> {_safe(grade.reason)}.</p>")
    if record is not None and record.file:
        body.append(f"<p>Graded file: {_safe(record.file)}</p>")
    for part in record.parts if record is not None else ():
        body += _part(part, grade)
    cells = [note for note in (record.notes if record else ()) if note.startswith(("cell ", "STUDENT "))]
    if cells:
        body.append(
            "<h2>When your notebook ran</h2><ul>" + "".join(f"<li>{_safe(note)}</li>" for note in cells) + "</ul>"
        )
    return _page(title, body)


def reading_page(grades: Sequence[Grade], homework: Homework, question: str, seed: str) -> str:
    """Return all answers to a written question, under codes instead of names, in the codes' order."""
    found = {
        code_of(seed, grade.student.id, question): part.written
        for grade in grades
        for part in (grade.record.parts if grade.record is not None else ())
        if part.id == question
    }
    asked = homework.find(question)
    title = f"{homework.id} {question}: {asked.title}"
    body = [f"<h1>{_safe(title)}</h1>", f"<p>Up to {asked.written_points} points each; write them into manual.csv.</p>"]
    for code, text in sorted(found.items()):
        body.append(f"<h2>{code}</h2>" + (f"<pre>{_safe(text)}</pre>" if text else "<p>No written answer found.</p>"))
    return _page(title, body)


def _part(part: Part, grade: Grade) -> list[str]:
    points = grade.questions.get(part.id)
    worth = part.points + part.written_points
    lines = [f"<h2>{_safe(part.id)}: {_safe(part.title)}</h2>"]
    lines.append(f"<p>{_reached(points, worth)}</p>")
    if part.outcomes:
        rows = "".join(_row(outcome) for outcome in part.outcomes)
        head = '<tr><th scope="col">What must be true</th><th scope="col">Points</th></tr>'
        lines.append(f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>")
    if part.written_points:
        mark = grade.marks.get(part.id)
        lines.append(
            f"<h3>Your text</h3><pre>{_safe(part.written)}</pre>" if part.written else "<p>No text was found.</p>"
        )
        if mark is not None and mark.comment:
            lines.append(f"<h3>Comment</h3><p>{_safe(mark.comment)}</p>")
    return lines


def _reached(points: float | None, worth: int) -> str:
    return f"{worth} points, not yet marked" if points is None else f"{shown(points)} of {worth} points"


def _row(outcome: Outcome) -> str:
    sign = "✓ holds" if outcome.met else "✗ does not hold"
    hidden = " (tried only when graded)" if outcome.hidden else ""
    why = "" if outcome.met or outcome.hidden else _why(outcome)
    what = f"<strong>{sign}:</strong> {_safe(outcome.property)}{hidden}{why}"
    return f"<tr><td>{what}</td><td>{outcome.earned} of {outcome.points}</td></tr>"


def _why(outcome: Outcome) -> str:
    entries = [
        ("tried", outcome.tried),
        ("got", outcome.got),
        ("expected", outcome.expected),
        ("your code", outcome.raised),
    ]
    told = "".join(f"<dt>{what}</dt><dd>{_safe(words)}</dd>" for what, words in entries if words)
    return f"<dl>{told}</dl>" if told else ""


def _safe(text: str) -> str:
    """Return text as HTML; signs that HTML does not allow are replaced."""
    return escape("".join(sign if sign in "\n\t" or sign.isprintable() else "�" for sign in text))


def _page(title: str, body: Sequence[str]) -> str:
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{_safe(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(body)
        + "\n</main>\n</body>\n</html>\n"
    )
