"""The filter of system calls, run here as the kernel would run it, for both kinds of machine."""

import errno
import struct

import pytest

from gradlab.homework.sandbox import place as sandbox
from gradlab.homework.sandbox import seccomp
from gradlab.homework.sandbox.place import Place, SandboxError

ALLOWED = 0x7FFF0000


def verdict(machine, number, first=0, sixth=0, architecture=None):
    """Return what the filter says of a call: 0 if it may pass, or else the error that it gives."""
    known = seccomp.MACHINES[machine][1]
    data = struct.pack("<iIQ6Q", number, architecture or known, 0, first, 0, 0, 0, 0, sixth)
    program, at, held = list(struct.iter_unpack("<HBBI", seccomp.program(machine))), 0, 0
    while True:
        code, if_so, if_not, value = program[at]
        if code == seccomp.RETURN:
            return 0 if value == ALLOWED else value & 0xFFFF
        if code == seccomp.LOAD:
            (held,) = struct.unpack_from("<I", data, value)
            at += 1
            continue
        tests = {seccomp.EQUAL: held == value, seccomp.AT_LEAST: held >= value, seccomp.ANY_BIT: held & value}
        at += 1 + (if_so if tests[code] else if_not)


@pytest.mark.parametrize("machine", seccomp.MACHINES)
def test_filter_refuses_what_it_names_and_nothing_else(machine):
    column = seccomp.MACHINES[machine][0]
    refused = {numbers[column] for numbers in seccomp.REFUSED.values()}
    absent = {numbers[column] for numbers in seccomp.ABSENT.values()}
    for number in range(600):
        wanted = errno.EPERM if number in refused else errno.ENOSYS if number in absent else 0
        assert verdict(machine, number) == wanted


@pytest.mark.parametrize("machine", seccomp.MACHINES)
def test_processes_and_threads_pass_and_namespaces_do_not(machine):
    clone = seccomp.CLONE[seccomp.MACHINES[machine][0]]
    assert verdict(machine, clone, first=17) == verdict(machine, clone, first=0x3D0F00) == 0
    for kind in (0x10000000, 0x20000, 0x40000000):
        assert verdict(machine, clone, first=kind | 17) == errno.EPERM


@pytest.mark.parametrize("machine", seccomp.MACHINES)
def test_calls_by_other_numbers_do_not_pass(machine):
    assert verdict(machine, 39, architecture=0x40000003) == errno.ENOSYS
    assert verdict(machine, 0x40000000 + 39) == errno.ENOSYS
    for numbers in seccomp.WITH_FLAGS:
        number = numbers[seccomp.MACHINES[machine][0]]
        assert (verdict(machine, number), verdict(machine, number, sixth=8)) == (0, errno.EOPNOTSUPP)


def test_machine_without_a_table_has_no_sandbox(monkeypatch):
    monkeypatch.setattr(seccomp.platform, "machine", lambda: "mips")
    monkeypatch.setattr(sandbox.shutil, "which", lambda name: f"/usr/bin/{name}")
    with pytest.raises(SandboxError, match="mips"):
        sandbox.require_sandbox(Place())
