"""What a student calls in a homework's notebook: `check` and `numbers`. They need nothing but the book's package."""

from __future__ import annotations

import linecache
from collections.abc import Mapping, Sequence
from typing import Any

from gradlab.homework.answers.asking import NamedAnswer
from gradlab.homework.answers.local import LocalRoom
from gradlab.homework.answers.workplace import Target
from gradlab.homework.catalog import homework_of
from gradlab.homework.checks.expectations import described
from gradlab.homework.checks.judging import Outcome, judge, personal_numbers
from gradlab.homework.checks.questions import Question, StudentError
from gradlab.homework.names import same_id
from gradlab.homework.texts import printable

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
        answer = NamedAnswer(TellingRoom(namespace, question.seconds), question.asks_for)
        student = str(namespace.get("STUDENT", ""))
        try:
            # one time-out will do: nobody waits a minute to read the same three times
            outcomes = judge(question, answer, seed=PUBLIC, student=student, hidden=False, strikes=1)
        except KeyboardInterrupt:
            return [f"{question.id}  {question.title}", "  interrupted"]
    return verdict(question, outcomes)


class TellingRoom(LocalRoom):
    """Calls within this process that say of one that fails what it was, and in which line of the student's cell."""

    def call(self, target: Target, args: tuple, kwargs: Mapping[str, Any]) -> tuple[Any, list[Any]]:
        """Call it with copies; return copies of its result and of the positional arguments as left.

        Raises
        ------
        StudentError
        """
        try:
            return super().call(target, args, kwargs)
        except StudentError as error:
            if error.raised == "missing":
                raise
            given = [described(one) for one in args] + [f"{name}={described(one)}" for name, one in kwargs.items()]
            name = target.get("method") or target.get("name") or "what it returned"
            call = printable(f"{name}({', '.join(given)})", 400)
            where = line_of(error.__cause__ or error.__context__, self.namespace)
            raise StudentError(f"{error}{where}", raised=error.raised, tried=call) from error


def line_of(error: BaseException | None, namespace: Mapping[str, Any]) -> str:
    """Return in which line of the student's cells an exception was born; nothing if in none."""
    found, trace = None, getattr(error, "__traceback__", None)
    while trace is not None:
        if trace.tb_frame.f_globals is namespace:
            found = trace
        trace = trace.tb_next
    if found is None:
        return ""
    source = linecache.getline(found.tb_frame.f_code.co_filename, found.tb_lineno).strip()
    return f", in line {found.tb_lineno} of your cell" + (f": `{printable(source, 120)}`" if source else "")


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
