"""What processes use, as Linux tells it; elsewhere nothing can be told, and all is 0."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import time
from collections.abc import Collection
from pathlib import Path

PROCESSORS = 1.5
"""How many processors a worker may keep busy for long: honest code has one thread."""
CREDIT = 2.0  # seconds of a processor's time beyond that
TICK = 0.25
PARENT, USED, THREADS = 1, slice(11, 15), 17  # where they are in the kernel's line about a process
FEW = 64 << 20
ROUNDS = 300
"""How often the descendants of a process are told to stop, or looked for until they are gone."""


class Load:
    """Whether a process and its descendants keep too many processors busy.

    Time used counts, and so do those that would run if they could: where many small ones take turns, the time of the
    dead may be counted by nobody.

    Parameters
    ----------
    pid : int
    """

    def __init__(self, pid: int) -> None:
        self._pid, self._over = pid, 0.0
        self._at, (self._used, _) = time.monotonic(), _activity(pid)

    def too_much(self) -> bool:
        """Look; return whether it is too much by now."""
        now, (used, running) = time.monotonic(), _activity(self._pid)
        passed = now - self._at
        taken = max(used - self._used, running * min(passed, 2 * TICK))
        self._over = max(0.0, self._over + taken - PROCESSORS * passed)
        self._at, self._used = now, used
        return self._over > CREDIT


def family(pid: int) -> list[int]:
    """Return a process and all its descendants, from the eldest down."""
    return _family(pid, _table())


def end_descendants(pid: int, spared: Collection[int]) -> bool:
    """End what descends from a process, but for those spared; return whether none is left.

    They are ended when all have stopped: whoever ends one at a time loses against a fork bomb. And they are waited for:
    what is about to end still holds its memory, which somebody else would be blamed for.
    """
    for _ in range(ROUNDS):
        table = _table()
        left = [one for one in _family(pid, table) if one not in spared and one in table and table[one][0] != b"Z"]
        if not left:
            return True
        moving = [one for one in left if table[one][0] != b"T"]
        _signal(moving or left, signal.SIGSTOP if moving else signal.SIGKILL)
        time.sleep(0.01)
    return False


def children(pid: int) -> list[int]:
    """Return the processes that a process would be told of."""
    return [child for child, fields in _table().items() if int(fields[PARENT]) == pid]


def memory_of(pid: int, most: float = math.inf) -> int:
    """Return the bytes that a process and its descendants hold in memory, files in memory that they map included.

    Parameters
    ----------
    pid : int
    most : float
        Bytes. As long as it is not more, a page that a process shares with those it forked may count for each of them.
        What is more is counted once more, each page once, which takes longer.
    """
    pids, page = family(pid), os.sysconf("SC_PAGE_SIZE")
    own, in_common = {one: _own(one) * page for one in pids}, _in_common(pids)
    if len(pids) > 1 and sum(own.values()) + in_common > most:
        parts = {one: _kilobytes(f"/proc/{one}/smaps_rollup", "Pss_Anon") for one in pids}
        own |= {one: part << 10 for one, part in parts.items() if part is not None}
    return sum(own.values()) + in_common


def machine_memory(name: str, unknown: int) -> int:
    """Return one of the machine's own figures about its memory, in bytes."""
    found = _kilobytes("/proc/meminfo", name)
    return unknown if found is None else found << 10


def threads_of(uid: int) -> int:
    """Return how many threads a user's processes have."""
    return sum(_threads(entry) for entry in Path("/proc").glob("[0-9]*") if _owner(entry) == uid)


def _activity(pid: int) -> tuple[float, int]:
    """Return the seconds of processors that a family has used, and how many of its threads run or would run."""
    table = _table()
    known = [(one, table[one]) for one in _family(pid, table) if one in table]
    used = sum(sum(map(int, fields[USED])) for _, fields in known)
    return used / os.sysconf("SC_CLK_TCK"), sum(_running(one, fields) for one, fields in known)


def _signal(pids: Collection[int], number: int) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _running(pid: int, fields: list[bytes]) -> int:
    if int(fields[THREADS]) == 1:
        return fields[0] == b"R"
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return 0
    lines = (_stat(f"/proc/{pid}/task/{thread}/stat") for thread in threads)
    return sum(line[0] == b"R" for line in lines if line)


def _family(pid: int, table: dict[int, list[bytes]]) -> list[int]:
    below: dict[int, list[int]] = {}
    for child, fields in table.items():
        below.setdefault(int(fields[PARENT]), []).append(child)
    found = [pid]
    for one in found:
        found += below.get(one, [])
    return found


def _table() -> dict[int, list[bytes]]:
    names = os.listdir("/proc") if os.path.isdir("/proc") else ()
    lines = ((int(name), _stat(f"/proc/{name}/stat")) for name in names if name.isdigit())
    return {pid: fields for pid, fields in lines if fields}


def _stat(path: str) -> list[bytes]:
    try:
        return Path(path).read_bytes().rpartition(b")")[2].split()
    except OSError:
        return []


def _own(pid: int) -> int:
    """Return the pages of memory that are a process's own; what libraries share is counted by nobody."""
    try:
        _, resident, shared = Path(f"/proc/{pid}/statm").read_bytes().split()[:3]
    except (OSError, ValueError):
        return 0
    return int(resident) - int(shared)


def _in_common(pids: list[int]) -> int:
    """Return the bytes of files in memory that they map; what two of them map counts once, if that can be told."""
    held = {pid: _kilobytes(f"/proc/{pid}/status", "RssShmem") or 0 for pid in pids}
    total = sum(held.values()) << 10
    if total < FEW or len(held) == 1:
        return total
    parts = {pid: _kilobytes(f"/proc/{pid}/smaps_rollup", "Pss_Shmem") for pid, size in held.items() if size}
    return sum(held[pid] if part is None else part for pid, part in parts.items()) << 10


def _kilobytes(path: str, name: str) -> int | None:
    try:
        lines = Path(path).read_text(errors="replace").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{name}:")), None)


def _owner(entry: Path) -> int:
    try:
        return entry.stat().st_uid
    except OSError:
        return -1


def _threads(entry: Path) -> int:
    try:
        return len(list((entry / "task").iterdir()))
    except OSError:
        return 0
