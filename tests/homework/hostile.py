"""Submissions that attack the grader, or are merely broken, each with what its code deserves."""

import json

from canaries import CANARIES, FULL
from submitted import CHECKS, DOUBLE, SET_UP, SHRINK, TOTAL, notebook, right

NO_DOUBLE, NOTHING = (0, 2, 2), (0, 0, 0)
WRONG = "def double(x):\n    return 3 * x"


def beside(cell):
    """Return the cells of a right notebook with one more between them."""
    return DOUBLE, cell, SHRINK, TOTAL, CHECKS


def instead(double):
    """Return the cells of a right notebook with another `double`."""
    return double, SHRINK, TOTAL, CHECKS


FIND_PIPE = """
import gc, os
from gradlab.homework.sandbox.worker import Pipe
pipe = next(one for one in gc.get_objects() if type(one).__name__ == "Pipe")
"""

UNTIDY = (
    "1 / 0",
    "def broken(:\n    pass",
    "%matplotlib inline\n%pip install nothing\n!ls /\nkept = 1",
    "%%bash\nls /; exit 3",
    "name = input('who? ')",
    "import asyncio\nawait asyncio.sleep(0.01)",
    "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()",
    "exit\nquit()\nexit()",
)

CELLS = {
    # honest, if untidy
    "right": (beside("1"), FULL),
    "stubs": (("def double(x):\n    ...", "def shrink_(x):\n    ...", "total = ...", CHECKS), NOTHING),
    "wrong": (instead(WRONG), NO_DOUBLE),
    "warns_and_prints": (
        instead(
            "import sys, warnings\ndef double(x):\n    warnings.warn('w')\n"
            "    print('p', file=sys.stderr)\n    return 2 * x"
        ),
        FULL,
    ),
    "untidy": ((DOUBLE, *UNTIDY, SHRINK, TOTAL, CHECKS), FULL),
    "syntax_error_in_answer": (instead("def double(x)\n    return 2 * x"), NO_DOUBLE),
    "defined_twice": ((DOUBLE, WRONG, SHRINK, TOTAL), NO_DOUBLE),
    "changes_its_argument": (instead("def double(x):\n    return x.mul_(2)"), FULL),
    "callable_object": (
        instead("class Double:\n    def __call__(self, x):\n        return 2 * x\ndouble = Double()"),
        FULL,
    ),
    "depends_on_the_count": (
        instead("calls = []\ndef double(x):\n    calls.append(1)\n    return x * (2 if len(calls) < 2 else 3)"),
        (1, 2, 2),
    ),
    "copied_number": ((DOUBLE, SHRINK, "total = 57.5"), (3, 2, 0)),
    # hangs
    "endless_cell": (beside("while True:\n    pass"), FULL),
    "endless_cell_that_catches_all": (
        beside("while True:\n    try:\n        while True: pass\n    except BaseException: pass"),
        FULL,
    ),
    "endless_cell_that_masks_the_alarm": (
        beside("import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, range(1, 60))\nwhile True: pass"),
        FULL,
    ),
    "endless_answer": (instead("def double(x):\n    while True: pass"), NO_DOUBLE),
    "endless_answer_that_ignores_the_alarm": (
        instead(
            "import signal\ndef double(x):\n    signal.signal(signal.SIGALRM, signal.SIG_IGN)\n    while True: pass"
        ),
        NO_DOUBLE,
    ),
    "sleeps": (instead("import time\ndef double(x):\n    time.sleep(1000)"), NO_DOUBLE),
    "threads_left_running": (
        beside("import threading\nthreading.Thread(target=lambda: [1 for _ in iter(int, 1)]).start()"),
        FULL,
    ),
    # ends Python
    "os_exit_cell": (beside("import os\nos._exit(0)"), FULL),
    "os_exit_answer": (instead("import os\ndef double(x):\n    os._exit(0)"), NO_DOUBLE),
    "sys_exit_answer": (instead("import sys\ndef double(x):\n    sys.exit('done')"), NO_DOUBLE),
    "interrupts_itself": (instead("def double(x):\n    raise KeyboardInterrupt"), NO_DOUBLE),
    "segfault_cell": (beside("import ctypes\nctypes.string_at(0)"), FULL),
    "segfault_answer": (instead("import ctypes\ndef double(x):\n    ctypes.string_at(0)"), NO_DOUBLE),
    "kills_init_and_parent": (beside("import os\nos.kill(1, 9)\nos.kill(os.getppid(), 9)"), FULL),
    "kills_everybody": (beside("import os\nos.kill(-1, 9)"), FULL),
    "endless_recursion": (instead("def double(x):\n    return double(x)"), NO_DOUBLE),
    "at_exit": (beside("import atexit\natexit.register(lambda: [0 for _ in iter(int, 1)])"), FULL),
    # takes too much
    "a_gigabyte_of_output": (beside("for _ in range(1024): print('x' * 2**20)"), FULL),
    "fills_the_disk": (beside("for n in range(99):\n    with open(f'f{n}', 'wb') as f: f.write(bytes(2**25))"), FULL),
    "fills_every_folder": (
        beside(
            "import os\nfor d in ('/', '/dev', '/dev/shm', '/tmp', '/home', '/var/tmp', '/run'):\n"
            "    !head -c 400M /dev/zero > {d}/big"
        ),
        FULL,
    ),
    "much_memory": (beside("big = torch.ones(750_000_000, dtype=torch.float64)"), FULL),
    "much_memory_in_many": (
        beside(
            "import os, time\nfor _ in range(6):\n    if os.fork() == 0:\n"
            "        b = bytearray(b'x') * 2**29\n        time.sleep(60)\ntime.sleep(20)"
        ),
        FULL,
    ),
    "many_busy_sessions": (
        beside(
            "import os, time\nfor _ in range(90):\n    try:\n        if os.fork() == 0:\n"
            "            os.setsid()\n            while True: pass\n    except OSError: pass\ntime.sleep(60)"
        ),
        FULL,
    ),
    "short_lived_processes": (
        beside(
            "import os, signal\nsignal.signal(signal.SIGCHLD, signal.SIG_IGN)\nfor _ in range(4):\n"
            "    if not os.fork():\n        while True:\n            if os.fork():\n                os._exit(0)\n"
            "while True: pass"
        ),
        FULL,
    ),
    "much_memory_mapped": (
        beside(
            "import mmap, time\nbig = mmap.mmap(-1, 1400 << 20)\n"
            "for n in range(0, 1400 << 20, 1 << 12): big[n] = 1\ntime.sleep(2)"
        ),
        FULL,
    ),
    "fork_bomb": (beside("import os\nwhile True:\n    os.fork()"), FULL),
    "leaves_busy_processes": (
        beside("import os\nfor _ in range(8):\n    if not os.fork():\n        while True: pass"),
        FULL,
    ),
    "forks_once": (beside("import os\nos.fork()"), FULL),
    "leaves_a_process": (
        beside("import subprocess\nsubprocess.Popen(['sleep', '1000'], start_new_session=True)"),
        FULL,
    ),
    "raises_its_limits": (beside("import resource as r\nr.setrlimit(r.RLIMIT_NPROC, (9999, 9999))"), FULL),
    # answers that are none
    "huge_answer": (instead("def double(x):\n    return torch.zeros(30_000_000)"), NO_DOUBLE),
    "endless_list": (instead("def double(x):\n    return [0.5] * 3_000_000"), NO_DOUBLE),
    "deep_answer": (
        instead("def double(x):\n    deep = []\n    for _ in range(100_000):\n        deep = [deep]\n    return deep"),
        NO_DOUBLE,
    ),
    "answer_within_itself": (instead("def double(x):\n    own = []\n    own.append(own)\n    return own"), NO_DOUBLE),
    "nan_and_infinity": (instead("def double(x):\n    return x * float('nan')"), NO_DOUBLE),
    "nothing_but_a_module": (instead("def double(x):\n    return torch.nn.Linear(3, 3)"), NO_DOUBLE),
    "long_integer": ((DOUBLE, SHRINK, "total = 10**100"), (3, 2, 0)),
    "endless_integer": ((DOUBLE, SHRINK, "total = 10**100_000"), (3, 2, 0)),
    "bool_for_a_number": ((DOUBLE, SHRINK, "total = True"), (3, 2, 0)),
    "always_equal": (
        instead(
            "class Agrees(torch.Tensor):\n    __torch_function__ = classmethod(lambda *a, **k: True)\n"
            "double = lambda x: x.as_subclass(Agrees)"
        ),
        NO_DOUBLE,
    ),
    "lies_about_its_class": (
        instead(
            "class Lies:\n    __class__ = property(lambda self: torch.Tensor)\n    shape = (3,)\n"
            "double = lambda x: Lies()"
        ),
        NO_DOUBLE,
    ),
    "evil_object": (
        instead(
            "class Evil:\n    def __getattribute__(self, name): raise SystemExit(name)\n"
            "    def __call__(self, x): return Evil()\ndouble = Evil()"
        ),
        NO_DOUBLE,
    ),
    "evil_exception": (
        instead("class Bad(Exception):\n    def __str__(self): raise Bad\ndef double(x):\n    raise Bad"),
        NO_DOUBLE,
    ),
    # tampering
    "patches_torch": (
        instead("torch.allclose = torch.isclose = torch.equal = lambda *a, **k: True\n" + WRONG),
        NO_DOUBLE,
    ),
    "patches_the_judge": (
        instead(
            "import gradlab.homework.checks.judging as j, gradlab.homework.checks.expectations as e\n"
            "e.require = e.require_close = j.judge = lambda *a, **k: None\n" + WRONG
        ),
        NO_DOUBLE,
    ),
    "replaces_modules": (beside("import sys\nfor name in ('torch', 'json', 'numpy'): sys.modules[name] = None"), FULL),
    "traces": (beside("import sys\ndef trace(*a): raise ValueError\nsys.settrace(trace)"), FULL),
    "no_streams": (beside("import sys, builtins\nsys.stdout = sys.stderr = sys.stdin = builtins.print = None"), FULL),
    "closes_its_pipes": (beside("import os\nos.closerange(0, 256)"), FULL),
    "forges_a_message": (beside(FIND_PIPE + "pipe.write({'token': 'x', 'value': None})"), FULL),
    "writes_rubbish": (beside(FIND_PIPE + "os.write(pipe._out, b'\\xff' * 99)"), FULL),
    "forges_from_an_answer": (
        instead(
            FIND_PIPE
            + "def double(x):\n    pipe.write({'token': 'x', 'value': {'t': 'list', 'of': []}})\n    return 2 * x"
        ),
        NO_DOUBLE,
    ),
    "dripping_answer": (
        instead(
            FIND_PIPE + "import time\ndef double(x):\n    os.write(pipe._out, b'\\0\\0\\1\\0\\0\\0\\0\\0')\n"
            "    while True:\n        try:\n            os.write(pipe._out, b' ')\n            time.sleep(0.2)\n"
            "        except BaseException: pass"
        ),
        NO_DOUBLE,
    ),
    "lying_shape": (
        instead(
            FIND_PIPE + "import json\nfrom gradlab.homework.answers import wire\n"
            "wire.Encoder._raw = lambda *a: {'dtype': 'float64', 'shape': [10**6, 10**6], 'at': 0}\n" + DOUBLE
        ),
        (0, 0, 2),
    ),
    "terminal_escapes": (beside("raise ValueError('\\x1b]0;owned\\x07\\x1b[2J \\u202e gnp')"), FULL),
    "remembers_hidden_numbers": (
        (
            "seen = []\ndef double(x):\n    seen.extend([x] * (x.ndim == 2))\n    return 2 * x",
            "def shrink_(x):\n    x.mul_(0.5)\n    if seen: raise ValueError(str(seen))",
            TOTAL,
        ),
        FULL,
    ),
    **CANARIES,
}

SPOILT = {
    "empty": (b"", "empty"),
    "a_page": (b"<!DOCTYPE html><title>Sign in</title>", "no notebook"),
    "truncated": (right().encode()[:300], "no notebook"),
    "binary": (bytes(range(256)) * 50, "no notebook"),
    "not_utf8": (right().replace("Because", "B\xe9cause").encode("latin-1"), "not UTF-8"),
    "deep_json": (b"[" * 200_000, "no notebook"),
    "a_list": (b"[1, 2]", "no cells"),
    "cells_are_text": (b'{"cells": "x"}', "no cells"),
    "markdown_only": (json.dumps({"cells": [{"cell_type": "markdown", "source": "double"}]}).encode(), "no code"),
    "another_homework": (notebook("def clip(x): pass", head="STUDENT = {student!r}").encode(), "none of the names"),
    "fifty_megabytes": (right().encode() + b" " * (51 << 20), "more than 50 MB"),
}

SOURCES = [SET_UP, DOUBLE, SHRINK, TOTAL]
OLD = {"worksheets": [{"cells": [{"cell_type": "code", "input": "@SOURCE@", "language": "python"}]}], "nbformat": 3}
FORMATS = {
    "format_3": json.dumps(OLD),
    "without_metadata": json.dumps({"cells": [{"cell_type": "code", "source": ["@SOURCE@"]}]}),
    "utf16": json.dumps({"cells": [{"cell_type": "code", "source": "@SOURCE@"}]}),
    "odd_cells": json.dumps({"cells": [None, 3, {"cell_type": "code"}, {"cell_type": "code", "source": "@SOURCE@"}]}),
    "surrogates": json.dumps(
        {"cells": [{"cell_type": "code", "source": source} for source in ("@SOURCE@", "s = '\ud800'")]}
    ),
}
"""Notebooks of unusual make that are right all the same."""


def submissions(places):
    """Return every student's file by id, with the places that attacks look for put in."""
    texts = {}
    for student, (cells, _) in CELLS.items():
        text = notebook(*cells, student=student)
        for mark, place in places.items():
            text = text.replace(mark, place)
        texts[student] = text
    texts |= {student: data for student, (data, _) in SPOILT.items()}
    for student, text in FORMATS.items():
        source = "\n".join(SOURCES).format(student=student)
        full = text.replace('"@SOURCE@"', json.dumps(source))
        texts[student] = full.encode("utf-16" if student == "utf16" else "utf-8")
    return texts | {"absent": None}
