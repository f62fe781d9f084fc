"""The system calls that student code is refused: a program that the kernel runs before each call.

No notebook needs them. They make new namespaces (in which a process has rights again), keep secrets that outlive the
sandbox (keys), hold memory that belongs to no process, look into other processes, tell what others have read from a
disk, or lead to parts of the kernel in which faults have often been found.
"""

from __future__ import annotations

import contextlib
import errno
import platform
import struct
import tempfile
from collections.abc import Iterator

# name: its number on x86_64 and on aarch64
REFUSED = {
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "pidfd_getfd": (438, 438),
    "kcmp": (312, 272),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "fanotify_init": (300, 262),
    "quotactl": (179, 60),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "acct": (163, 89),
    "reboot": (169, 142),
    "syslog": (103, 116),
    "mincore": (27, 232),
}
ABSENT = {
    "clone3": (435, 435),  # its flags lie in memory, where a filter cannot look; libraries then take clone
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "msgget": (68, 186),
    "cachestat": (451, 451),
    "io_setup": (206, 0),
}
"""Those that are said not to exist, for which programs have something else to turn to."""
CLONE = (56, 220)
WITH_FLAGS = ((327, 286), (328, 287))  # preadv2 and pwritev2, which can be asked to read nothing but what is in memory
MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
NAMESPACES = 0x7E020000  # clone's flags for all kinds of them but time, which clone cannot make
OTHER_NUMBERS = 0x40000000  # x86_64 has a second set of numbers from here on
NUMBER, ARCHITECTURE, FIRST, SIXTH = 0, 4, 16, 56  # where the kernel puts them
LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, FAIL = 0x7FFF0000, 0x00050000


class UnknownMachineError(Exception):
    """There is no table of system calls for this kind of machine."""


def program(machine: str = "") -> bytes:
    """Return the filter for a kind of machine, as the kernel takes it; for this one if none is named.

    Raises
    ------
    UnknownMachineError
    """
    machine = machine or platform.machine()
    if machine not in MACHINES or struct.calcsize("P") != 8:
        raise UnknownMachineError(f"nothing is known of the system calls of {struct.calcsize('P') * 8}-bit {machine}")
    column, architecture = MACHINES[machine]
    steps = [
        *(_step(LOAD, ARCHITECTURE), _step(EQUAL, architecture, 1, 0), _fail(errno.ENOSYS)),
        *(_step(LOAD, NUMBER), _step(AT_LEAST, OTHER_NUMBERS, 0, 1), _fail(errno.ENOSYS)),
    ]
    for calls, error in ((REFUSED, errno.EPERM), (ABSENT, errno.ENOSYS)):
        for numbers in calls.values():
            steps += [_step(EQUAL, numbers[column], 0, 1), _fail(error)]
    steps += _unless(CLONE[column], FIRST, _step(ANY_BIT, NAMESPACES, 0, 1), errno.EPERM)
    for numbers in WITH_FLAGS:
        steps += _unless(numbers[column], SIXTH, _step(EQUAL, 0, 1, 0), errno.EOPNOTSUPP)
    return b"".join([*steps, _step(RETURN, ALLOW)])


def _unless(number: int, argument: int, test: bytes, error: int) -> list[bytes]:
    """Return the steps that let one call pass if `test` skips the step after it."""
    return [_step(EQUAL, number, 0, 4), _step(LOAD, argument), test, _fail(error), _step(RETURN, ALLOW)]


def _step(code: int, value: int, if_so: int = 0, if_not: int = 0) -> bytes:
    return struct.pack("<HBBI", code, if_so, if_not, value)


def _fail(error: int) -> bytes:
    return _step(RETURN, FAIL | error)


@contextlib.contextmanager
def filter_file() -> Iterator[int]:
    """Give a descriptor from which the filter can be read.

    Raises
    ------
    UnknownMachineError
    """
    with tempfile.TemporaryFile() as file:
        file.write(program())
        file.seek(0)
        yield file.fileno()
