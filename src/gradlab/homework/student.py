"""What a student calls in a homework's notebook: `check` and `numbers`. They need nothing but the book's package."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gradlab.homework.answers import LocalAnswer
from gradlab.homework.catalog import homework_of
from gradlab.homework.judging import Outcome, judge, personal_numbers, same_id
from gradlab.homework.questions import Question

PUBLIC = "public"
"""What the numbers of the visible checks are drawn from in a notebook. A grade's are drawn from a course's own seed."""
NOBODY = "your id"
"""What STUDENT is before a student writes an id there."""


def check(homework: str, question: str, namespace: Mapping[str, Any]) -> None:
    """Try the visible properties of an answer, and say how each fared.

    Parameters
    ----------
    homework, question : str
        Such as ``"hw03"`` and ``"q2"``.
    namespace : mapping
        Where the answer is: ``globals()``.

    Raises
    ------
    TypeError
        If `namespace` is no mapping.
    ValueError
        If there is no such homework or question.
    """
    if not isinstance(namespace, Mapping):
        raise TypeError(f"namespace must be globals(), got {type(namespace).__name__}")
    asked = homework_of(homework).find(question)
    print("\n".join(verdicts(asked, namespace)))


def numbers(homework: str, question: str, student: str) -> dict[str, Any]:
    """Return a student's own numbers for a question.

    Parameters
    ----------
    homework, question : str
        Such as ``"hw03"`` and ``"q2"``.
    student : str
        The id by which the course knows the student; case and space around it do not matter.

    Raises
    ------
    TypeError
        If `student` is no text.
    ValueError
        If there is no such homework or question, if the question has no numbers of one's own, or if `student` is empty.
    """
    if not isinstance(student, str):
        raise TypeError(f"student must be text, got {student!r}")
    asked = homework_of(homework).find(question)
    if asked.personal is None:
        raise ValueError(f"{homework} {question} has no numbers of one's own")
    if not same_id(student):
        raise ValueError("student must be your id, got an empty text")
    if same_id(student) == NOBODY:
        print("These are nobody's numbers: write your id into STUDENT, and run this again.")
    return dict(personal_numbers(asked, student))


def verdicts(question: Question, namespace: Mapping[str, Any]) -> list[str]:
    """Return what `check` prints, line by line."""
    outcomes = []
    if question.properties:
        answer = LocalAnswer(namespace, question.asks_for, question.seconds)
        try:
            outcomes = judge(question, answer, seed=PUBLIC, student=str(namespace.get("STUDENT", "")), hidden=False)
        except KeyboardInterrupt:
            return [f"{question.id}  {question.title}", "  interrupted"]
    return verdict(question, outcomes)


def verdict(question: Question, outcomes: Sequence[Outcome]) -> list[str]:
    """Return how a question fared, line by line."""
    lines = [f"{question.id}  {question.title}"]
    if not question.properties:
        return [*lines, f"  A person reads this answer, and gives up to {_points(question.written_points)}."]
    for outcome in outcomes:
        lines += _lines(outcome)
    earned = sum(outcome.earned for outcome in outcomes)
    last = f"  {earned} of {_points(sum(outcome.points for outcome in outcomes))}"
    if hidden := [one for one in question.properties if one.hidden]:
        last += f"; {_points(sum(one.points for one in hidden))} more for what is tried only when it is graded"
    if question.written_points:
        last += f"; {_points(question.written_points)} more for the written part"
    return [*lines, f"{last}."]


def _lines(outcome: Outcome) -> list[str]:
    if outcome.met:
        return [f"  ✓ {outcome.property} ({_points(outcome.points)})"]
    lines = [f"  ✗ not yet: {outcome.property} ({_points(outcome.points)})"]
    if outcome.raised:
        yours = "" if outcome.raised.startswith(("`", "not tried")) else "your code "
        lines.append(f"      {yours}{outcome.raised}")
    if outcome.fault:
        lines.append(f"      (the check stopped with {outcome.fault})")
    for what, words in (("tried", outcome.tried), ("got", outcome.got), ("expected", outcome.expected)):
        if words:
            lines.append(f"      {what:<9} {words}")
    return lines


def _points(number: int) -> str:
    return f"{number} point" if number == 1 else f"{number} points"
