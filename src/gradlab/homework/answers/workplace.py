"""The student's side of an answer: fetching and calling what a name stands for, and what to say if that fails."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gradlab.homework.answers.timeouts import TimeUp, limited
from gradlab.homework.answers.wire import Decoder, Encoder, UnreadableError
from gradlab.homework.checks.questions import StudentError

Target = dict[str, Any]
"""What is asked for: ``{"name": "f"}``, or ``{"handle": 3}`` and perhaps a ``"method"``."""


class Workplace:
    """The student's names and objects, on the student's side.

    Parameters
    ----------
    namespace : mapping
    """

    def __init__(self, namespace: Mapping[str, Any]) -> None:
        self._namespace = namespace
        self._kept: list[Any] = []

    def keep(self, value: Any) -> int:
        """Keep something that cannot be sent; return its number."""
        self._kept.append(value)
        return len(self._kept) - 1

    def value(self, target: Target, encoder: Encoder) -> Any:
        """Return what the target stands for, encoded.

        Raises
        ------
        StudentError
            If it stands for nothing.
        """
        return encoder.encode(self._fetch(target))

    def call(self, target: Target, coded: Any, numbers: bytes, encoder: Encoder) -> Any:
        """Call it with the arguments encoded in `coded` and `numbers`; return the result and the arguments, encoded.

        Raises
        ------
        StudentError
            If the target stands for nothing.
        """
        given, named = Decoder(numbers, lambda number, _: self._kept[number]).decode(coded)
        result = self._fetch(target)(*given, **named)
        return encoder.encode([result, list(given)])

    def _fetch(self, target: Target) -> Any:
        if "name" not in target:
            kept = self._kept[target["handle"]]
            return getattr(kept, target["method"]) if "method" in target else kept
        name = target["name"]
        if name not in self._namespace:
            raise StudentError(f"`{name}` is not defined", raised="missing")
        if self._namespace[name] is ...:
            raise StudentError(f"`{name}` is still `...`", raised="missing")
        return self._namespace[name]


def tried(run: Callable[[], Any], seconds: float) -> Any:
    """Run the student's code, and return what it returns.

    Raises
    ------
    StudentError
        If it raises anything, ``SystemExit`` too, or takes too long.
    KeyboardInterrupt
        The student's own hand.
    """
    try:
        return limited(run, seconds)
    except (StudentError, KeyboardInterrupt):
        raise
    except TimeUp:
        raise StudentError(f"took longer than {seconds:g} seconds", raised="time-out") from None
    except BaseException as error:
        raise StudentError(told(error), raised=type(error).__name__) from error


def told(error: BaseException) -> str:
    """Return what a student's code raised, in one line."""
    if isinstance(error, UnreadableError):
        return f"returned what a check cannot read: {error}"
    try:
        words = str(error)
    except BaseException:  # the student's exceptions are the student's code
        words = ""
    return " ".join(f"raised {type(error).__name__}: {words}".split())[:400].rstrip(": ")
