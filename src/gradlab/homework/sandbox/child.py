"""The grader's side of a worker: starting it, asking it, and ending it with all that it started, whatever it does."""

from __future__ import annotations

import ctypes
import math
import os
import secrets
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gradlab.homework.answers import wire
from gradlab.homework.answers.timeouts import CROWDED, Clock
from gradlab.homework.sandbox.place import Place, SandboxError
from gradlab.homework.sandbox.processes import TICK, Load, children, end_descendants, family, machine_memory, memory_of

START = 120.0  # seconds; on a machine with nothing else to do it takes two
LEAST_MEMORY = 200 << 20
PATIENCE = 3  # looks, after which the machine's memory is still full although each worker that is over was ended
GRACE = 2.0  # seconds after which a worker that should have stopped the student's code itself is ended
PR_SET_CHILD_SUBREAPER = 36


class ChildDiedError(Exception):
    """The worker is gone, or has been ended because it did what it may not; says why."""


class Child:
    """One worker.

    Parameters
    ----------
    place : Place
    personal : mapping
        The numbers that ``numbers`` returns: ``{("hw01", "q4", "ann"): {...}}``.
    """

    def __init__(self, place: Place, personal: Mapping[tuple[str, str, str], Mapping[str, Any]]) -> None:
        self.place, self.personal = place, personal
        self._process: subprocess.Popen | None = None
        self._folder: Path | None = None
        self._came = bytearray()
        self._looked = 0.0
        self._own: list[int] = []
        self._worker = 0
        self._load: Load | None = None
        self._most_shared, self._full = 0, 0

    @property
    def alive(self) -> bool:
        """Whether it was started and has not been ended."""
        return self._process is not None

    def start(self) -> None:
        """Start the worker, and wait until it is ready.

        Raises
        ------
        SandboxError
            If it does not get ready. No student code has run by then, so that it is not the student's doing.
        """
        self.close()
        if not self.place.sandboxed:
            self._folder = Path(tempfile.mkdtemp(prefix="homework-"))
        uid = self.place.uid()
        if self._folder is not None and uid is not None:
            os.chown(self._folder, uid, uid)
        self._came.clear()
        # files in memory belong to no process, but the machine counts them
        self._most_shared, self._full, self._load = machine_memory("Shmem", 0) + self.place.limits.memory, 0, None
        with tempfile.TemporaryFile() as errors:
            self._process = self.place.start(self._folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors)
            for pipe in (self._process.stdin, self._process.stdout):
                os.set_blocking(pipe.fileno(), False)
            encoder = wire.Encoder()
            limits = self.place.limits.resources(self.place.others())
            start = {"limits": limits, "uid": uid, "personal": encoder.encode(self.personal)}
            try:
                self.ask(start, bytes(encoder.numbers), START)
            except ChildDiedError as error:
                errors.seek(0)
                said = errors.read()[-600:].decode(errors="replace").strip()
                raise SandboxError(f"Python did not start in it: {error}: {said}") from None
        self._own = family(self._process.pid)
        self._worker = self._own[-1]  # the sandbox's own processes come before it
        self._load = Load(self._process.pid)

    def ask(
        self, message: dict[str, Any], numbers: bytes, seconds: float, most: float = math.inf
    ) -> tuple[dict[str, Any], bytes]:
        """Send a request, and return the reply to it.

        Parameters
        ----------
        message : dict
        numbers : bytes
        seconds : float
            Of the worker's own, from now until the whole reply is there, however it drips.
        most : float
            Seconds by the clock on the wall.

        Raises
        ------
        ChildDiedError
            If there is no readable reply to this request in time. The worker is ended then.
        """
        token = secrets.token_hex(16)
        wait = _Wait(self._worker, seconds, time.monotonic() + min(most, CROWDED * seconds))
        try:
            reply, numbers = self._exchange(wire.pack({**message, "token": token}, numbers), wait)
            if reply.get("token") != token:
                raise ChildDiedError("it sent what it was not asked for")
        except wire.UnreadableError as error:
            self.close()
            raise ChildDiedError(f"its reply cannot be read: {error}") from None
        except ChildDiedError:
            self.close()
            raise
        return reply, numbers

    def tidy(self) -> None:
        """End what the last request left running, so that the next one is not blamed for it.

        Raises
        ------
        ChildDiedError
            If new processes come faster than they can be stopped. The worker is ended then.
        """
        if not end_descendants(self._process.pid, self._own):
            self.close()
            raise ChildDiedError("it left processes behind that could not be ended")
        self._load = Load(self._process.pid)

    def close(self) -> None:
        """End the worker and all that it started; remove its folder."""
        if self._process is not None:
            process, self._process = self._process, None
            _end(process, everything=not self.place.sandboxed)
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def _exchange(self, request: bytes, wait: _Wait) -> tuple[dict[str, Any], bytes]:
        if self._process is None:
            raise ChildDiedError("it ended Python")
        left, wanted, sizes = memoryview(request), wire.LENGTHS.size, None
        with selectors.DefaultSelector() as ready:
            ready.register(self._process.stdin, selectors.EVENT_WRITE)
            ready.register(self._process.stdout, selectors.EVENT_READ)
            while True:
                if sizes is None and len(self._came) >= wanted:
                    sizes = wire.lengths(bytes(self._came[:wanted]))
                    wanted += sum(sizes)
                if sizes is not None and len(self._came) >= wanted:
                    return self._message(sizes)
                events = ready.select(TICK)
                for key, _ in events:
                    if key.fileobj is self._process.stdout:
                        self._read()
                    elif not (left := left[self._written(left) :]):
                        ready.unregister(self._process.stdin)
                self._watch(wait)

    def _message(self, sizes: tuple[int, int]) -> tuple[dict[str, Any], bytes]:
        start, header = wire.LENGTHS.size, wire.LENGTHS.size + sizes[0]
        message, numbers = bytes(self._came[start:header]), bytes(self._came[header : header + sizes[1]])
        del self._came[: header + sizes[1]]
        return wire.parse(message), numbers

    def _read(self) -> None:
        try:
            some = os.read(self._process.stdout.fileno(), 1 << 20)
        except BlockingIOError:
            return
        if not some:
            raise ChildDiedError("it ended Python")
        self._came += some

    def _written(self, left: memoryview) -> int:
        try:
            return os.write(self._process.stdin.fileno(), left[: 1 << 16])
        except BlockingIOError:
            return 0
        except OSError:
            raise ChildDiedError("it ended Python") from None

    def _watch(self, wait: _Wait) -> None:
        now, limits = time.monotonic(), self.place.limits
        if wait.over():
            raise ChildDiedError(f"it took longer than {wait.seconds - GRACE:g} seconds, and could not be stopped")
        if now < self._looked + TICK:
            return
        self._looked = now
        if self._load is not None and self._load.too_much():
            raise ChildDiedError("it kept more than one processor busy, with threads or processes of its own")
        if memory_of(self._process.pid, limits.memory) > limits.memory:
            raise ChildDiedError(f"it used more than {limits.memory >> 20} MB of memory")
        # whoever maps too many files in memory is ended by now, or will be at the next look
        self._full = self._full + 1 if machine_memory("Shmem", 0) > self._most_shared else 0
        if machine_memory("MemAvailable", LEAST_MEMORY) < LEAST_MEMORY or self._full > PATIENCE:
            self.close()  # whose doing that is cannot be told, so nobody is to blame
            raise SandboxError("the machine's memory was filled, perhaps by another submission: grade again with -j 1")


class _Wait:
    """How long a reply is waited for."""

    def __init__(self, worker: int, seconds: float, ending: float) -> None:
        self.seconds, self._ending, self._clock = seconds, ending, Clock(worker)

    def over(self) -> bool:
        return time.monotonic() > self._ending or self._clock.over(self.seconds)


def _end(process: subprocess.Popen, everything: bool) -> None:
    """Kill a process and its group, and without a sandbox all that descends from it."""
    descendants = family(process.pid) if everything else []
    with_group = [lambda: os.killpg(process.pid, signal.SIGKILL)]
    for kill in [*with_group, *(lambda pid=pid: os.kill(pid, signal.SIGKILL) for pid in descendants)]:
        try:
            kill()
        except (ProcessLookupError, PermissionError):
            continue
    process.wait()
    for pipe in (process.stdin, process.stdout):
        try:
            pipe.close()
        except OSError:  # what was still to be written
            continue
    if everything:
        _end_orphans()


def adopt_orphans() -> None:
    """Let processes whose parents end become this process's children, so that none gets away (on Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _end_orphans() -> None:
    for _ in range(20):
        orphans = children(os.getpid())
        if not orphans:
            return
        for pid in orphans:
            try:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
            except OSError:
                continue
