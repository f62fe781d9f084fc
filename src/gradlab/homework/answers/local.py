"""Answers from this very process, as in a student's notebook: both sides in one place."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

from gradlab.homework.answers.asking import NamedAnswer, received, sent
from gradlab.homework.answers.wire import Encoder
from gradlab.homework.answers.workplace import Target, Workplace, tried

SECONDS = 20.0


class LocalAnswer(NamedAnswer):
    """What a name stands for in this process.

    Parameters
    ----------
    namespace : mapping
        Such as ``globals()``.
    name : str
    seconds : float
        How long one call may take.
    """

    def __init__(self, namespace: Mapping[str, Any], name: str, seconds: float = SECONDS) -> None:
        super().__init__(LocalRoom(namespace, seconds), name)


class LocalRoom:
    """Calls within this process.

    Parameters
    ----------
    namespace : mapping
    seconds : float
        How long one call may take.
    """

    def __init__(self, namespace: Mapping[str, Any], seconds: float) -> None:
        self.namespace, self._there, self._seconds = namespace, Workplace(namespace), seconds

    def value(self, target: Target) -> Any:
        """Return a copy of what the target stands for.

        Raises
        ------
        StudentError
        """
        return self._run(lambda encoder: self._there.value(target, encoder))

    def call(self, target: Target, args: tuple, kwargs: Mapping[str, Any]) -> tuple[Any, list[Any]]:
        """Call it with copies; return copies of its result and of the positional arguments as left.

        Raises
        ------
        StudentError
        """
        coded, numbers = sent(args, kwargs)
        result, left = self._run(lambda encoder: self._there.call(target, coded, numbers, encoder))
        return result, left

    def _run(self, run: Callable[[Encoder], Any]) -> Any:
        encoder = Encoder(self._there.keep)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            coded = tried(lambda: run(encoder), self._seconds)
        return received(coded, bytes(encoder.numbers), self)
