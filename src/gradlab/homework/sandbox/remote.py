"""A student's notebook in a worker: run from top to bottom, run again where it ended Python, and asked for answers."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from gradlab.homework.answers.asking import NamedAnswer, received, sent
from gradlab.homework.answers.workplace import Target
from gradlab.homework.checks.questions import StudentError
from gradlab.homework.sandbox.child import GRACE, Child, ChildDiedError
from gradlab.homework.texts import printable

MOST_DEADLY = 5
AGAIN = 5.0  # seconds for a cell that has already once used up all it had


class GivenUp(BaseException):
    """The submission cannot be graded; says why. No `Exception`, so that a check does not take it for its own."""


class Notebook:
    """The code cells of a submission, and the worker in which they have run.

    Parameters
    ----------
    cells : list of (int, str)
        Each cell's number in the notebook, and its source.
    child : Child
    """

    def __init__(self, cells: Sequence[tuple[int, str]], child: Child) -> None:
        self.cells, self.child = cells, child
        self.notes: list[str] = []
        self.sealed = False
        """Whether the code has seen hidden numbers, so that what it says goes into no note."""
        self.seconds = 20.0
        """How long one call may take."""
        self._limits = child.place.limits
        self._deadly: set[int] = set()
        self._slow: set[int] = set()
        self._left = self._limits.total  # seconds of waiting for the worker; what the checks take is not the student's

    def answer(self, name: str, seconds: float) -> NamedAnswer:
        """Return what a name stands for in the notebook; `seconds` is how long one call may take."""
        self.seconds = seconds
        return NamedAnswer(self, name)

    def value(self, target: Target) -> Any:
        """Return a copy of what the target stands for.

        Raises
        ------
        StudentError
        """
        return self._asked({"op": "value", "target": target}, b"")

    def call(self, target: Target, args: tuple, kwargs: Mapping[str, Any]) -> tuple[Any, list[Any]]:
        """Call it with copies; return copies of its result and of the positional arguments as left.

        Raises
        ------
        StudentError
        """
        coded, numbers = sent(args, kwargs)
        came = self._asked({"op": "call", "target": target, "arguments": coded}, numbers)
        shaped = isinstance(came, list) and len(came) == 2 and isinstance(came[1], list) and len(came[1]) == len(args)
        if not shaped:
            raise StudentError("returned what a check cannot read", raised="unreadable")
        return came[0], came[1]

    def load(self) -> None:
        """Run all cells in a fresh worker, less those that end Python.

        Raises
        ------
        GivenUp
            If too many cells do, or the time for the whole submission is up.
        """
        while not self._loaded():
            if len(self._deadly) > MOST_DEADLY:
                raise GivenUp(f"more than {MOST_DEADLY} of its cells end Python or cannot be stopped")

    def _loaded(self) -> bool:
        self.child.start()
        for number, source in self.cells:
            if number in self._deadly:
                continue
            seconds = AGAIN if number in self._slow else self._limits.cell
            try:
                self._run(number, source, seconds)
                self.child.tidy()
            except ChildDiedError as error:
                self._deadly.add(number)
                self._note(number, f"left out: {error}")
                return False
        return True

    def _run(self, number: int, source: str, seconds: float) -> None:
        try:
            self._request({"op": "cell", "source": source}, b"", seconds)
        except StudentError as error:
            self._slow |= {number} if error.raised == "time-out" else set()
            self._note(number, str(error))

    def _note(self, number: int, words: str) -> None:
        if not self.sealed and not any(note.startswith(f"cell {number} ") for note in self.notes):
            self.notes.append(f"cell {number} {words}")

    def _note_call(self, target: Target, words: str) -> None:
        """Take down that a call did not end; `words` are the grader's own, and one note of a name is enough."""
        name = f"`{target['name']}`" if "name" in target else "something that was returned"
        if not any(note.startswith(f"{name} ") for note in self.notes):
            self.notes.append(f"{name} {words}")

    def _asked(self, message: dict[str, Any], numbers: bytes) -> Any:
        if not self.child.alive:
            self.load()
        try:
            reply, came = self._request(message, numbers, self.seconds)
        except ChildDiedError as error:
            why, _, _ = str(error).partition(":")  # what may follow is no longer the grader's own word
            self._note_call(message["target"], f"did not answer: {why}")
            raise StudentError(f"did not answer: {error}", raised="crash") from None
        except StudentError as error:
            if error.raised == "time-out":
                self._note_call(message["target"], f"took longer than {self.seconds:g} seconds")
            raise
        return received(reply.get("value"), came, self)

    def _request(self, message: dict[str, Any], numbers: bytes, seconds: float) -> tuple[dict[str, Any], bytes]:
        if (left := self._left) <= 0:
            self.child.close()
            raise GivenUp(f"it took longer than {self._limits.total:g} seconds in all")
        patience = min(seconds, left)
        asked = time.monotonic()
        try:
            reply, came = self.child.ask({**message, "seconds": patience}, numbers, patience + GRACE, left + GRACE)
        finally:
            self._left -= time.monotonic() - asked
        if (error := reply.get("error")) is not None:
            words, raised = (
                (printable(error.get(key, ""), 400) for key in ("words", "raised")) if _is(error) else ("", "")
            )
            raise StudentError(words or "returned what a check cannot read", raised=raised)
        return reply, came


def _is(error: Any) -> bool:
    return isinstance(error, dict) and all(isinstance(error.get(key), str) for key in ("words", "raised"))
