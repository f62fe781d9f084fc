"""The student's side of the grader: runs the cells of a notebook, and calls what they define. It runs in the sandbox.

Nothing that it says is believed. It and the student's code share a process, so a student can change it at will, and
gains nothing: all it can do is answer, and answers are what the checks are there to doubt.
"""

from __future__ import annotations

import ctypes
import os
import platform
import random
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

import gradlab.homework
from gradlab.homework import student
from gradlab.homework.answers import wire
from gradlab.homework.answers.workplace import Workplace, tried
from gradlab.homework.checks.questions import StudentError
from gradlab.homework.names import same_id
from gradlab.homework.sandbox import seccomp

JOIN_SESSION_KEYRING = 1


class Shell(InteractiveShell):
    """IPython without anybody in front of it."""

    def enable_gui(self, gui: str | None = None) -> None:
        """Let ``%matplotlib`` pass."""

    def ask_exit(self) -> None:
        """Let ``exit`` pass."""

    def showtraceback(self, *args: Any, **kwargs: Any) -> None:
        """Print nothing: nobody reads it."""


class Pipe:
    """The two ends that lead to the grader, moved to where a ``print`` does not reach them."""

    def __init__(self) -> None:
        self._in, self._out = os.dup(0), os.dup(1)
        nowhere = os.open(os.devnull, os.O_RDWR)
        os.dup2(nowhere, 0)
        os.dup2(nowhere, 1)

    def close_errors(self) -> None:
        """Send what is printed as an error nowhere too, from now on."""
        os.dup2(1, 2)

    def read(self) -> tuple[dict[str, Any], bytes]:
        """Return the next message; exit when there will be none."""
        header, numbers = wire.lengths(self._exactly(wire.LENGTHS.size))
        return wire.parse(self._exactly(header)), self._exactly(numbers)

    def _exactly(self, size: int) -> bytes:
        taken = bytearray()
        while len(taken) < size:
            if not (some := os.read(self._in, min(size - len(taken), 1 << 20))):
                os._exit(0)
            taken += some
        return bytes(taken)

    def write(self, message: dict[str, Any], numbers: bytes = b"") -> None:
        """Send a message."""
        left = memoryview(wire.pack(message, numbers))
        while left:
            left = left[os.write(self._out, left) :]


def main() -> None:
    """Answer requests until there are no more."""
    pipe = Pipe()
    start, numbers = pipe.read()
    limit(start["limits"], start["uid"])
    shell = prepared(wire.Decoder(numbers).decode(start["personal"]))
    workplace = Workplace(shell.user_ns)
    pipe.close_errors()
    pipe.write({"token": start["token"]})
    own = os.getpid()
    while True:
        request, numbers = pipe.read()
        reply = answered(request, numbers, shell, workplace)
        if os.getpid() != own:  # a copy that the student's code made; it must not answer too
            os._exit(0)
        pipe.write(*reply)


def limit(limits: Mapping[str, int], uid: int | None) -> None:
    """Give up rights for good: the right to use much of anything, and root's."""
    import resource

    for name, most in limits.items():
        kind = getattr(resource, name)
        _, hard = resource.getrlimit(kind)
        value = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (value, value))
    _take_keys_of_its_own()
    if uid is not None:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)


def _take_keys_of_its_own() -> None:
    """Leave the keys that the kernel keeps for whoever grades; in the sandbox no key can be had in any case."""
    column, _ = seccomp.MACHINES.get(platform.machine(), (None, None))
    if sys.platform == "linux" and column is not None:
        ctypes.CDLL(None).syscall(seccomp.REFUSED["keyctl"][column], JOIN_SESSION_KEYRING, None)


def prepared(personal: Mapping[tuple[str, str, str], Mapping[str, Any]]) -> Shell:
    """Return a shell in which ``check`` does nothing and ``numbers`` knows the numbers of this student alone."""

    def check(*args: Any, **kwargs: Any) -> None:
        """Do nothing: the checks are the grader's now."""

    def numbers(homework: str, question: str, student: str) -> dict[str, Any]:
        if (found := personal.get((homework, question, same_id(student)))) is None:
            raise ValueError("these numbers are known for the id that the notebook gives to STUDENT, and no other")
        return dict(found)

    for module in (gradlab.homework, student):
        module.check, module.numbers = check, numbers
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.ast_node_interactivity = "none"
    shell = Shell.instance(config=config)
    torch.set_num_threads(1)
    torch.set_num_threads = lambda number: None  # or a worker would be ended for more than its share
    torch.manual_seed(0)
    np.random.seed(0)
    random.seed(0)
    return shell


def answered(request: dict[str, Any], numbers: bytes, shell: Shell, workplace: Workplace) -> tuple[dict, bytes]:
    """Return the reply to one request."""
    encoder = wire.Encoder(workplace.keep)

    def run() -> Any:
        if request["op"] == "cell":
            sys.stdin, sys.stdout, sys.stderr = sys.__stdin__, sys.__stdout__, sys.__stderr__
            done = shell.run_cell(request["source"], store_history=False)
            if error := done.error_before_exec or done.error_in_exec:
                raise error
            return None
        if request["op"] == "value":
            return workplace.value(request["target"], encoder)
        return workplace.call(request["target"], request["arguments"], numbers, encoder)

    reply = {"token": request["token"]}
    try:
        reply["value"] = tried(run, request["seconds"])
        wire.pack(reply, encoder.numbers)
        return reply, bytes(encoder.numbers)
    except StudentError as error:
        failure = {"words": str(error), "raised": error.raised}
    except BaseException as error:
        failure = {"words": f"raised {type(error).__name__}", "raised": type(error).__name__}
    return {"token": request["token"], "error": failure}, b""


if __name__ == "__main__":
    sys.exit(main())
