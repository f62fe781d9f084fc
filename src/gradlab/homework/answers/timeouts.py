"""A time-out instead of a hang: by the alarm signal where there is one, or else beside a second thread."""

from __future__ import annotations

import ctypes
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

AGAIN = 0.5  # seconds after which the alarm rings again, for code that catches everything
CROWDED = 4
"""How many times as long something may take where others leave it little of the processor."""


class TimeUp(BaseException):
    """The time is up. Not an `Exception`, so that the usual ``except`` of a student does not swallow it."""


class Clock:
    """Time that a process had for itself: how long it had to wait for a processor does not count, where that is known.

    Parameters
    ----------
    pid : int or str
        Whose main thread counts.
    """

    def __init__(self, pid: int | str = "self") -> None:
        self._path = f"/proc/{pid}/schedstat"
        self._begun, self._waited = time.monotonic(), self._waiting()

    def over(self, seconds: float) -> bool:
        """Return whether so many seconds have passed, or in any case `CROWDED` times as many."""
        passed = time.monotonic() - self._begun
        if passed < seconds:
            return False
        return passed >= CROWDED * seconds or passed - (self._waiting() - self._waited) >= seconds

    def _waiting(self) -> float:
        try:
            with open(self._path, "rb") as file:
                return int(file.read().split()[1]) * 1e-9
        except (OSError, ValueError, IndexError):
            return 0.0


def limited(call: Callable[[], Any], seconds: float) -> Any:
    """Return what `call` returns.

    Raises
    ------
    TimeUp
        If it takes longer than `seconds`. Away from the main thread, and on Windows, code that cannot be interrupted
        then goes on in a thread of its own.
    """
    if hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread():
        with alarm(seconds):
            return call()
    return _beside_a_thread(call, seconds)


@contextmanager
def alarm(seconds: float) -> Iterator[None]:
    """Raise `TimeUp` in the main thread after so many seconds of its own; leave handler and timer as they were.

    Raises
    ------
    TimeUp
    """
    over, clock = False, Clock()

    def ring(signum: int, frame: Any) -> None:
        if not over and clock.over(0.95 * seconds):  # or else the shortest wait would put it off to the next ring
            raise TimeUp

    started = time.monotonic()
    handler = signal.signal(signal.SIGALRM, ring)
    earlier, every = signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
    try:
        yield
    finally:
        over = True
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL if handler is None else handler)
        if earlier:
            signal.setitimer(signal.ITIMER_REAL, max(earlier - (time.monotonic() - started), 1e-3), every)


def _beside_a_thread(call: Callable[[], Any], seconds: float) -> Any:
    outcome: dict[str, Any] = {}

    def run() -> None:
        try:
            outcome["value"] = call()
        except BaseException as error:
            outcome["error"] = error

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        # raised in the thread as soon as it runs Python code again
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(TimeUp))
        raise TimeUp
    if "error" in outcome:
        raise outcome["error"]
    return outcome["value"]
