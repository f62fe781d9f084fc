"""A course's seed: the only secret there is. The numbers of a grade are drawn from it."""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path


class SeedError(ValueError):
    """The file of the seed cannot be used."""


def seed_in(path: Path) -> tuple[str, str]:
    """Return the seed in a file, and what there is to say about it; make the file if there is none.

    Raises
    ------
    SeedError
        If what is there is no seed.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        seed = secrets.token_hex(16)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.write(f"{seed}\n")
        return seed, f"made the course's seed, {path}: keep it, and keep it to yourself"
    try:
        seed = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SeedError(f"{path}: {error}") from None
    if not re.fullmatch(r"\S{16,200}", seed):
        raise SeedError(f"{path} holds no seed: one word of 16 or more letters is needed; delete it for a new one")
    others = os.name == "posix" and path.stat().st_mode & 0o077
    return seed, f"{path} can be read by others: chmod 600 it" if others else ""
