"""Which line of the user's program called an operation of torch."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterable
from pathlib import Path

import torch

TORCH, PYTHON = (str(Path(module).parent) for module in (torch.__file__, traceback.__file__))
OURS = str(Path(__file__).parents[1])  # the whole monitor
FRAME = re.compile(r'File "(?P<file>.*?)", line (?P<number>\d+), in (?P<function>.*?)\n\s*(?P<code>.*)')


def calling_line() -> str | None:
    """Return the innermost line on the stack that is not in torch, in the monitor or in Python's own library."""
    for frame in reversed(traceback.extract_stack()):
        if _is_users(frame.filename):
            return _in_words(frame.filename, frame.lineno or 0, frame.name, frame.line or "")
    return None


def line_of(stack: Iterable[str]) -> str | None:
    """Return the same from the formatted lines that torch keeps in anomaly mode."""
    for entry in reversed(list(stack)):
        match = FRAME.search(entry)
        if match and _is_users(match["file"]):
            return _in_words(match["file"], int(match["number"]), match["function"], match["code"].strip())
    return None


def _is_users(file: str) -> bool:
    """Return whether a file is neither torch's nor the monitor's nor of Python's own library."""
    of_python = file.startswith(PYTHON) and "site-packages" not in file
    return not (of_python or file.startswith((TORCH, OURS, "<frozen")))


def _in_words(file: str, number: int, function: str, code: str) -> str:
    name = "the notebook" if "ipykernel_" in file else Path(file).name
    first = code.partition("\n")[0]
    return f"{name}, line {number}, in {function}" + f": {first}" * bool(first)
