"""Answers as the checks see them: names and objects on the student's side, reached through a room.

A room carries calls to where the student's code is: `local` has the one within this process, `sandbox.remote` the one
that leads into the sandbox. Both carry the same bytes to the same `workplace`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from gradlab.homework.answers.wire import Decoder, Encoder, Foreign, UnreadableError
from gradlab.homework.answers.workplace import Target, told
from gradlab.homework.checks.questions import StudentError
from gradlab.homework.texts import printable


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
