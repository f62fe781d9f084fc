"""A student's answer in the notebook's own process, seen as the grader sees it: through the same wire."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

from gradlab.homework.questions import StudentError
from gradlab.homework.timeouts import TimeUp, limited
from gradlab.homework.wire import Decoder, Encoder, Foreign, UnreadableError

SECONDS = 20.0


class LocalAnswer:
    """What `name` stands for in `namespace`.

    Parameters
    ----------
    namespace : mapping
        Such as ``globals()``.
    name : str
    seconds : float
        How long one call may take.
    """

    def __init__(self, namespace: Mapping[str, Any], name: str, seconds: float = SECONDS) -> None:
        self._room = LocalRoom(seconds)
        self._namespace = namespace
        self._name = name

    @property
    def value(self) -> Any:
        """What the name stands for, if that is data; a handle if not.

        Raises
        ------
        StudentError
            If the name is not defined, or still stands for ``...``.
        """
        return self._room.there(lambda: existing(self._namespace, self._name))

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
        return self._room.call(lambda: existing(self._namespace, self._name), args, kwargs)


class LocalHandle:
    """Something that a student returned and that is no data: an object, a function."""

    def __init__(self, room: LocalRoom, number: int, kind: str) -> None:
        self._room, self._number, self._kind = room, number, kind

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call it, as `LocalAnswer`.

        Raises
        ------
        StudentError
        """
        return self.after(*args, **kwargs)[0]

    def after(self, *args: Any, **kwargs: Any) -> tuple[Any, list[Any]]:
        """Call it; return its result and the arguments as left.

        Raises
        ------
        StudentError
        """
        return self._room.call(lambda: self._room.kept[self._number], args, kwargs)

    def method(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Call one of its methods.

        Raises
        ------
        StudentError
        """
        return self._room.call(lambda: getattr(self._room.kept[self._number], name), args, kwargs)[0]

    def __repr__(self) -> str:
        return f"an object of type {self._kind}"


class LocalRoom:
    """Where the student's objects stay, and the calls to them.

    Parameters
    ----------
    seconds : float
        How long one call may take.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.kept: list[Any] = []

    def there(self, fetch: Callable[[], Any]) -> Any:
        """Return a copy of what `fetch` returns.

        Raises
        ------
        StudentError
        """
        return copied(self._run(lambda encoder: encoder.encode(fetch())), self.find)

    def call(self, fetch: Callable[[], Any], args: Any, kwargs: Any) -> tuple[Any, list[Any]]:
        """Call what `fetch` returns with copies; return copies of its result and of the arguments as left.

        Raises
        ------
        StudentError
        """
        sent = Encoder()
        coded = sent.encode([_as_sent(args), _as_sent(kwargs)])

        def run(encoder: Encoder) -> Any:
            given, named = Decoder(bytes(sent.numbers), lambda number, _: self.kept[number]).decode(coded)
            result = fetch()(*given, **named)
            return encoder.encode([result, list(given)])

        result, left = copied(self._run(run), self.find)
        return result, left

    def find(self, number: int, kind: str) -> LocalHandle:
        """Return the handle of something kept."""
        return LocalHandle(self, number, kind)

    def _keep(self, value: Any) -> int:
        self.kept.append(value)
        return len(self.kept) - 1

    def _run(self, run: Callable[[Encoder], Any]) -> tuple[Any, bytes]:
        encoder = Encoder(self._keep)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                coded = limited(lambda: run(encoder), self.seconds)
            except StudentError:
                raise
            except TimeUp:
                raise StudentError(f"took longer than {self.seconds:g} seconds", raised="time-out") from None
            except KeyboardInterrupt:  # the student's own hand
                raise
            except BaseException as error:
                raise StudentError(told(error), raised=type(error).__name__) from error
        return coded, bytes(encoder.numbers)


def existing(namespace: Mapping[str, Any], name: str) -> Any:
    """Return what a name stands for.

    Raises
    ------
    StudentError
        If it stands for nothing, or for ``...``.
    """
    if name not in namespace:
        raise StudentError(f"`{name}` is not defined", raised="missing")
    if namespace[name] is ...:
        raise StudentError(f"`{name}` is still `...`", raised="missing")
    return namespace[name]


def told(error: BaseException) -> str:
    """Return what a student's code raised, in one line."""
    if isinstance(error, UnreadableError):
        return f"returned what a check cannot read: {error}"
    try:
        words = str(error)
    except BaseException:  # the student's exceptions are the student's code
        words = ""
    return " ".join(f"raised {type(error).__name__}: {words}".split())[:400].rstrip(": ")


def copied(coded: tuple[Any, bytes], find: Callable[[int, str], Any]) -> Any:
    """Return the value of an encoded one.

    Raises
    ------
    StudentError
        If it cannot be read.
    """
    try:
        return Decoder(coded[1], find).decode(coded[0])
    except UnreadableError as error:
        raise StudentError(told(error), raised="unreadable") from None


def _as_sent(value: Any) -> Any:
    """Put numbers in the place of handles, at the top and in lists, tuples and dicts."""
    if isinstance(value, LocalHandle):
        return Foreign(value._number)
    if isinstance(value, list | tuple):
        return (list if isinstance(value, list) else tuple)(_as_sent(one) for one in value)
    if isinstance(value, dict):
        return {key: _as_sent(one) for key, one in value.items()}
    return value
