"""The grader's side of a worker: starting it, asking it, and ending it with all that it started, whatever it does."""

from __future__ import annotations

import ctypes
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

from gradlab.homework import wire
from gradlab.homework.sandbox import Place, SandboxError

START = 120.0  # seconds; on a machine with nothing else to do it takes two
TICK = 0.25
LEAST_MEMORY = 200 << 20
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
        self._most_shared = 0

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
        self._most_shared = _memory("Shmem", 0) + self.place.limits.memory
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

    def ask(self, message: dict[str, Any], numbers: bytes, seconds: float) -> tuple[dict[str, Any], bytes]:
        """Send a request, and return the reply to it.

        Parameters
        ----------
        message : dict
        numbers : bytes
        seconds : float
            From now until the whole reply is there, however it drips.

        Raises
        ------
        ChildDiedError
            If there is no readable reply to this request in time. The worker is ended then.
        """
        token = secrets.token_hex(16)
        ending = time.monotonic() + seconds
        try:
            reply, numbers = self._exchange(wire.pack({**message, "token": token}, numbers), ending, seconds)
            if reply.get("token") != token:
                raise ChildDiedError("it sent what it was not asked for")
        except wire.UnreadableError as error:
            self.close()
            raise ChildDiedError(f"its reply cannot be read: {error}") from None
        except ChildDiedError:
            self.close()
            raise
        return reply, numbers

    def close(self) -> None:
        """End the worker and all that it started; remove its folder."""
        if self._process is not None:
            process, self._process = self._process, None
            _end(process, everything=not self.place.sandboxed)
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def _exchange(self, request: bytes, ending: float, seconds: float) -> tuple[dict[str, Any], bytes]:
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
                events = ready.select(min(TICK, max(0.0, ending - time.monotonic())))
                for key, _ in events:
                    if key.fileobj is self._process.stdout:
                        self._read()
                    elif not (left := left[self._written(left) :]):
                        ready.unregister(self._process.stdin)
                self._watch(ending, seconds)

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

    def _watch(self, ending: float, seconds: float) -> None:
        now = time.monotonic()
        if now > ending:
            raise ChildDiedError(f"it took longer than {seconds - GRACE:g} seconds, and could not be stopped")
        if now >= self._looked + TICK:
            self._looked = now
            if memory_of(self._process.pid) > self.place.limits.memory:
                raise ChildDiedError(f"it used more than {self.place.limits.memory >> 20} MB of memory")
            if _memory("MemAvailable", LEAST_MEMORY) < LEAST_MEMORY or _memory("Shmem", 0) > self._most_shared:
                self.close()  # whose doing that is cannot be told, so nobody is to blame
                raise SandboxError(
                    "the machine's memory was filled, perhaps by another submission: grade again with -j 1"
                )


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
        orphans = [pid for pid, parent in _parents().items() if parent == os.getpid()]
        if not orphans:
            return
        for pid in orphans:
            try:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
            except OSError:
                continue


def family(pid: int) -> list[int]:
    """Return a process and all its descendants, from the eldest down; on Linux only."""
    parents, found = _parents(), [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found


def memory_of(pid: int) -> int:
    """Return the bytes that a process and its descendants hold in memory; 0 where that cannot be told."""
    page = os.sysconf("SC_PAGE_SIZE")
    return sum(_resident(one) * page for one in family(pid))


def _parents() -> dict[int, int]:
    parents = {}
    for name in os.listdir("/proc") if os.path.isdir("/proc") else ():
        if name.isdigit():
            try:
                fields = Path(f"/proc/{name}/stat").read_bytes().rpartition(b")")[2].split()
            except OSError:
                continue
            parents[int(name)] = int(fields[1])
    return parents


def _memory(name: str, unknown: int) -> int:
    """Return one of the machine's own figures about its memory, in bytes."""
    try:
        text = Path("/proc/meminfo").read_text()
    except OSError:
        return unknown
    return next((int(line.split()[1]) << 10 for line in text.splitlines() if line.startswith(f"{name}:")), unknown)


def _resident(pid: int) -> int:
    """Return the pages of memory that are a process's own; what libraries share is counted by nobody."""
    try:
        _, resident, shared = Path(f"/proc/{pid}/statm").read_bytes().split()[:3]
    except (OSError, ValueError):
        return 0
    return int(resident) - int(shared)
