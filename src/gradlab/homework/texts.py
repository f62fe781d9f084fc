"""Texts that somebody else wrote, made fit for terminals, file names and spreadsheets; and files written at once."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import io
import os
import re
import tempfile
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What makes a spreadsheet compute a cell."""
AFTER = re.compile(r"([;\t|\r\n]\s*)(?=[=+\-@＝＋－＠])")
"""Where a cell begins for a spreadsheet that takes these for what separates cells."""
STEERING = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""What steers a terminal or turns the direction of writing; `printable` replaces more, some of which names need."""


def printable(text: Any, most: int = 2000) -> str:
    """Return text in one line, without anything that steers a terminal or turns the direction of writing."""
    words = " ".join(str(text)[: 4 * most].split())
    shown = "".join("�" if unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Co") else sign for sign in words)
    return shown if len(shown) <= most else f"{shown[:most]}..."


def file_name(id: str) -> str:
    """Return a file name for an id: no two ids have the same, and none leads out of a folder."""
    plain = re.sub(r"[^A-Za-z0-9@_-]", "_", id)[:60]
    return (
        plain if plain == id and plain == plain.lower() else f"{plain}.{hashlib.sha256(id.encode()).hexdigest()[:10]}"
    )


def quoted(text: str) -> str:
    """Return text whose beginning no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(FORMULA) and not re.fullmatch(r"[+-]?\d+([.,]\d+)?", text) else text


def harmless(text: str) -> str:
    """Return text of which no spreadsheet takes anything for a formula, wherever it believes that cells begin."""
    return quoted(AFTER.sub(r"\1'", text))


def csv_text(rows: Iterable[Sequence[Any]]) -> str:
    """Return rows as CSV in which nothing is a formula."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows([harmless(STEERING.sub("�", one)) if isinstance(one, str) else one for one in row] for row in rows)
    return out.getvalue()


def write(path: Path, text: str, *, mode: int = 0o644) -> None:
    """Write a file at once: whoever reads it sees the old text or the new one, and never half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(text.encode("utf-8", errors="backslashreplace"))
            out.flush()
            os.fsync(out.fileno())
        os.chmod(name, mode)
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
        raise
