"""The files that were handed in: found in folders and zip files, without unpacking, following or trusting anything."""

from __future__ import annotations

import io
import os
import stat
import time
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

MOST_NOTEBOOK = 50 << 20
MOST_ZIP = 500 << 20
MOST_UNPACKED = 1 << 30
MOST_ZIPS = 200
MOST_ENTRIES = 20_000
MOST_NESTED = 2
MOST_NAME = 1000
MOST_FOLDERS = 50
ENTRY = b"PK\x01\x02"  # before each name in a zip file's table of contents
LITTER = ("__MACOSX", ".ipynb_checkpoints", ".DS_Store", "Thumbs.db", "desktop.ini", ".git")
CANNOT = "cannot be opened"


class SubmissionError(ValueError):
    """A file that cannot be read; says why."""


@dataclass(frozen=True)
class Found:
    """A file that was handed in.

    Parameters
    ----------
    source : Path
        The file on disk.
    inside : tuple of str
        Its name in that, if that is a zip file; in a zip file in a zip file, both names.
    parts : tuple of str
        The names on the way to it, folders and zip files, below the place where the search began.
    when : float
        When it was last changed, in seconds; in a zip file, as that says.
    problem : str
        Why it is not read; empty if nothing is wrong so far.
    """

    source: Path
    inside: tuple[str, ...]
    parts: tuple[str, ...]
    when: float
    problem: str = ""

    @property
    def label(self) -> str:
        """The way to it, for people."""
        return "/".join(self.parts)

    @property
    def is_notebook(self) -> bool:
        """Whether it is named like a notebook."""
        return self.parts[-1].lower().endswith(".ipynb")

    def read(self) -> bytes:
        """Return what is in it.

        Raises
        ------
        SubmissionError
            If it is too large, or cannot be opened.
        """
        if self.problem:
            raise SubmissionError(self.problem)
        try:
            if not self.inside:
                return _read_file(self.source, MOST_NOTEBOOK)
            with open(self.source, "rb") as raw:
                return _read_nested(raw, self.inside)
        except (
            OSError,
            zipfile.BadZipFile,
            NotImplementedError,
            RuntimeError,
            EOFError,
            ValueError,
            KeyError,
        ) as error:
            raise error if isinstance(error, SubmissionError) else SubmissionError(f"{CANNOT}: {error}") from None
        except Exception as error:  # zlib and lzma have exceptions of their own
            raise SubmissionError(f"{CANNOT}: {type(error).__name__}") from None


@dataclass
class Budget:
    """What looking through one hand-in may still cost, however its zip files are nested.

    Parameters
    ----------
    zips, entries : int
        Zip files within, and files.
    unpacked : int
        Bytes.
    """

    zips: int = field(default_factory=lambda: MOST_ZIPS)
    entries: int = field(default_factory=lambda: MOST_ENTRIES)
    unpacked: int = field(default_factory=lambda: MOST_UNPACKED)

    def opened(self, archive: zipfile.ZipFile, name: str) -> zipfile.ZipFile:
        """Return a zip file within a zip file.

        Raises
        ------
        SubmissionError
            If it is too large, or one too many.
        """
        self.zips -= 1
        if self.zips < 0 or self.unpacked <= 0:
            raise SubmissionError(f"more than {MOST_ZIPS} zip files, or {MOST_UNPACKED >> 20:,} MB, in one")
        most = min(MOST_ZIP, self.unpacked)
        self.unpacked -= most  # also where it is refused on the way
        data = _read_entry(archive, name, most)
        self.unpacked += most - len(data)
        return self.looked_into(io.BytesIO(data))

    def looked_into(self, raw: io.BufferedReader | io.BytesIO) -> zipfile.ZipFile:
        """Return a zip file, unless it holds too many files even to be listed."""
        count, end = 0, b""
        while block := raw.read(1 << 20):
            count += (end + block).count(ENTRY)
            end = block[1 - len(ENTRY) :]
        if count > self.entries:
            raise SubmissionError(TOO_MANY)
        raw.seek(0)
        return zipfile.ZipFile(raw)


TOO_MANY = f"it holds more than {MOST_ENTRIES:,} files"
BudgetOf = Callable[[tuple[str, ...]], Budget]


def collect(source: Path) -> list[Found]:
    """Return every file in a folder or zip file, less what systems leave behind.

    Raises
    ------
    SubmissionError
        If there is no such place.
    """
    if source.is_dir():
        return sorted(_in_folder(source), key=lambda found: found.parts)
    if source.is_file() and zipfile.is_zipfile(source):
        try:
            with zipfile.ZipFile(source) as archive:
                whole = Found(source, (), (), 0.0)
                return sorted(_in_zip(archive, whole, _for_each(archive)), key=lambda found: found.parts)
        except Exception as error:
            raise SubmissionError(f"{source} {CANNOT}: {error}") from None
    raise SubmissionError(f"{source} is neither a folder nor a zip file")


def _in_folder(root: Path) -> Iterator[Found]:
    refused: list[OSError] = []
    for folder, folders, files in os.walk(root, onerror=refused.append, followlinks=False):
        above = Path(folder).relative_to(root).parts
        if len(above) > MOST_FOLDERS:
            folders.clear()
            yield Found(Path(folder), (), above, 0.0, f"more than {MOST_FOLDERS} folders in each other")
            continue
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        folders[:] = sorted(name for name in folders if name not in (*LITTER, *links))
        for name in sorted([*files, *links]):
            if name not in LITTER and not name.startswith("._"):
                found = _on_disk(Path(folder, name), (*above, name))
                yield from _opened(found) if not found.problem and name.lower().endswith(".zip") else [found]
    for error in refused:
        where = Path(os.fsdecode(error.filename))
        if not (parts := where.relative_to(root).parts):
            raise SubmissionError(f"{root} {CANNOT}: {error.strerror}")
        yield Found(where, (), parts, 0.0, f"{CANNOT}: {error.strerror}")


def _on_disk(path: Path, parts: tuple[str, ...]) -> Found:
    try:
        status = path.lstat()
    except OSError as error:  # such as a path longer than the system takes
        return Found(path, (), parts, 0.0, f"{CANNOT}: {error.strerror}")
    problem = "" if stat.S_ISREG(status.st_mode) else "a link or a special file, which is not read"
    return Found(path, (), parts, status.st_mtime, problem)


def _opened(found: Found) -> Iterator[Found]:
    budget = Budget()
    try:
        with open(found.source, "rb") as raw, budget.looked_into(raw) as archive:
            yield from _in_zip(archive, found, lambda _: budget)
    except Exception as error:  # a broken zip file makes zipfile raise almost anything
        yield Found(found.source, (), found.parts, found.when, f"{CANNOT}: {error}")


def _for_each(archive: zipfile.ZipFile) -> BudgetOf:
    """Return a budget for each hand-in of a class: for each name below the folders that all have in common."""
    every = [_names(entry) for entry in archive.infolist() if not entry.is_dir()]
    ways = [names[:-1] for names in every if not _is_litter(names)]
    alike = [len(set(names)) == 1 for names in zip(*ways, strict=False)]
    at = [*alike, False].index(False)
    budgets: dict[str, Budget] = defaultdict(Budget)
    return lambda names: budgets[names[at]]


def _in_zip(archive: zipfile.ZipFile, around: Found, budget_of: BudgetOf) -> Iterator[Found]:
    for entry in archive.infolist():
        names = _names(entry)
        if entry.is_dir() or _is_litter(names):
            continue
        inside, parts = (*around.inside, entry.filename), (*around.parts, *names)
        found = Found(around.source, inside, parts, _when(entry), _problem(entry, names))
        budget = budget_of(names)
        budget.entries -= 1
        if budget.entries < 0:
            if budget.entries == -1:
                yield replace(found, problem=TOO_MANY)
        elif found.problem or not names[-1].lower().endswith(".zip"):
            yield found
        else:
            yield from _within(archive, found, budget)


def _within(archive: zipfile.ZipFile, found: Found, budget: Budget) -> Iterator[Found]:
    try:
        if len(found.inside) >= MOST_NESTED:
            raise SubmissionError("a zip file in a zip file in a zip file")
        with budget.opened(archive, found.inside[-1]) as inner:
            yield from _in_zip(inner, found, lambda _: budget)
    except Exception as error:
        yield replace(found, problem=f"{CANNOT}: {error}")


def _names(entry: zipfile.ZipInfo) -> tuple[str, ...]:
    """Return the folders and the name of an entry; of too long a one, the beginning."""
    return PurePosixPath(entry.filename[:MOST_NAME].replace("\\", "/")).parts[: MOST_FOLDERS + 1] or ("nameless",)


def _is_litter(names: tuple[str, ...]) -> bool:
    return any(name in LITTER or name.startswith("._") for name in names)


def _problem(entry: zipfile.ZipInfo, names: tuple[str, ...]) -> str:
    kind = entry.external_attr >> 16
    if kind and not stat.S_ISREG(kind) and stat.S_IFMT(kind):
        return "a link or a special file, which is not read"
    if len(entry.filename) > MOST_NAME or len(names) > MOST_FOLDERS:
        return "its name is too long"
    if entry.filename.startswith(("/", "\\")) or ".." in names or ":" in entry.filename.partition("/")[0]:
        return "its name leads out of the zip file"
    return "it is encrypted" if entry.flag_bits & 1 else ""


def _when(entry: zipfile.ZipInfo) -> float:
    try:
        return time.mktime((*entry.date_time, 0, 0, -1))
    except (ValueError, OverflowError):
        return 0.0


def _read_nested(raw: io.BufferedReader, inside: tuple[str, ...]) -> bytes:
    with zipfile.ZipFile(raw) as archive:
        if len(inside) == 1:
            return _read_entry(archive, inside[0], MOST_NOTEBOOK)
        with Budget().opened(archive, inside[0]) as inner:
            return _read_entry(inner, inside[1], MOST_NOTEBOOK)


def _read_entry(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    with archive.open(name) as entry:
        return _capped(entry, most)


def _read_file(path: Path, most: int) -> bytes:
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(handle, "rb") as raw:
        return _capped(raw, most)


def _capped(stream: io.BufferedIOBase, most: int) -> bytes:
    """Return what a stream holds; what it says of its own size is not believed."""
    data = stream.read(most + 1)
    if len(data) > most:
        raise SubmissionError(f"it has more than {most >> 20} MB; ask for it without outputs")
    return data
