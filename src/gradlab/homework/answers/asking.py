"""Answers as the checks see them: names and objects on the student's side, reached through a room.

A room carries calls to where the student's code is. `LocalRoom` is the notebook's own process; `sandbox.remote` has the
one that leads into the sandbox. Both carry the same bytes to the same `Workplace`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from gradlab.homework.answers.timeouts import TimeUp, limited
from gradlab.homework.answers.wire import Decoder, Encoder, Foreign, UnreadableError
from gradlab.homework.checks.questions import StudentError
from gradlab.homework.texts import printable

SECONDS = 20.0
Target = dict[str, Any]
"""What is asked for: ``{"name": "f"}``, or ``{"handle": 3}`` and perhaps a ``"method"``."""


class Room(Protocol):
    """The way to the student's code."""

    def value(self, target: Target) -> Any:
        """Return a copy of what the target stands for."""

    def call(self, target: Target, args: tuple, kwargs: Mapping[str, Any]) -> tuple[Any, list[Any]]:
        """Call it with copies; return copies of its result and of the positional arguments as left."""


class Asked:
    """Something on the student's side that can be called.

    Parameters
    ----------
    room : Room
    target : dict
    """

    def __init__(self, room: Room, target: Target) -> None:
        self._room, self._target = room, target

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call it with copies of the arguments.

        Raises
        ------
        StudentError
            If it raises, takes too long, is not there, or returns what cannot be read.
        """
        return self.after(*args, **kwargs)[0]

    def after(self, *args: Any, **kwargs: Any) -> tuple[Any, list[Any]]:
        """Call it; return its result, and the positional arguments as the call left them.

        Raises
        ------
        StudentError
            As for a call.
        """
        return self._room.call(self._target, args, kwargs)


class NamedAnswer(Asked):
    """What a name stands for in the student's notebook."""

    def __init__(self, room: Room, name: str) -> None:
        super().__init__(room, {"name": name})

    @property
    def value(self) -> Any:
        """What the name stands for, if that is data; a handle if not.

        Raises
        ------
        StudentError
            If the name is not defined, or still stands for ``...``.
        """
        return self._room.value(self._target)


class Handle(Asked):
    """Something that a student returned and that is no data: an object, a function."""

    def __init__(self, room: Room, number: int, kind: str) -> None:
        super().__init__(room, {"handle": number})
        self._kind = kind

    def method(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Call one of its methods.

        Raises
        ------
        StudentError
        """
        return self._room.call({**self._target, "method": name}, args, kwargs)[0]

    def __repr__(self) -> str:
        return f"an object of type {self._kind}"


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


def sent(args: tuple, kwargs: Mapping[str, Any]) -> tuple[Any, bytes]:
    """Return arguments, encoded, and their numbers."""
    encoder = Encoder()
    return encoder.encode([_by_number(args), _by_number(dict(kwargs))]), bytes(encoder.numbers)


def received(coded: Any, numbers: bytes, room: Room) -> Any:
    """Return the value that came back; what stayed there is a handle.

    Raises
    ------
    StudentError
        If it cannot be read.
    """
    try:
        return Decoder(numbers, lambda number, kind: Handle(room, number, printable(kind, 80))).decode(coded)
    except UnreadableError as error:
        raise StudentError(told(error), raised="unreadable") from None
    except Exception:  # whatever else a reply can be made to do, it is the reply's fault
        raise StudentError("returned what a check cannot read", raised="unreadable") from None


def _by_number(value: Any) -> Any:
    """Put numbers in the place of handles, in lists, tuples and dicts too."""
    if isinstance(value, Handle):
        return Foreign(value._target["handle"])
    if isinstance(value, list | tuple):
        return (list if isinstance(value, list) else tuple)(_by_number(one) for one in value)
    if isinstance(value, dict):
        return {key: _by_number(one) for key, one in value.items()}
    return value
