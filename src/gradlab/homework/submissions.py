"""The files that were handed in: found in folders and zip files, without unpacking, following or trusting anything."""

from __future__ import annotations

import io
import os
import stat
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

MOST_NOTEBOOK = 50 << 20
MOST_ZIP = 500 << 20
MOST_ENTRIES = 20_000
MOST_NESTED = 2
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
            return sorted(_in_zip(source, (), ()), key=lambda found: found.parts)
        except Exception as error:
            raise SubmissionError(f"{source} {CANNOT}: {error}") from None
    raise SubmissionError(f"{source} is neither a folder nor a zip file")


def _in_folder(root: Path) -> Iterator[Found]:
    for folder, folders, files in os.walk(root, followlinks=False):
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        folders[:] = sorted(name for name in folders if name not in (*LITTER, *links))
        for name in sorted([*files, *links]):
            path = Path(folder, name)
            parts = path.relative_to(root).parts
            if name in LITTER or name.startswith("._"):
                continue
            status = path.lstat()
            problem = "" if stat.S_ISREG(status.st_mode) else "a link or a special file, which is not read"
            found = Found(path, (), parts, status.st_mtime, problem)
            yield from _opened(found) if not problem and name.lower().endswith(".zip") else [found]


def _opened(found: Found) -> Iterator[Found]:
    try:
        yield from _in_zip(found.source, (), found.parts)
    except Exception as error:  # a broken zip file makes zipfile raise almost anything
        yield Found(found.source, (), found.parts, found.when, f"{CANNOT}: {error}")


def _in_zip(source: Path, inside: tuple[str, ...], parts: tuple[str, ...]) -> Iterator[Found]:
    with open(source, "rb") as raw, zipfile.ZipFile(_nested(raw, inside)) as archive:
        entries = archive.infolist()
        if len(entries) > MOST_ENTRIES:
            raise SubmissionError(f"it holds more than {MOST_ENTRIES:,} files")
        for entry in entries:
            names = PurePosixPath(entry.filename.replace("\\", "/")).parts or ("nameless",)
            if entry.is_dir() or any(name in LITTER or name.startswith("._") for name in names):
                continue
            found = Found(source, (*inside, entry.filename), (*parts, *names), _when(entry), _problem(entry, names))
            if found.problem or not names[-1].lower().endswith(".zip"):
                yield found
                continue
            try:
                if len(found.inside) >= MOST_NESTED:
                    raise SubmissionError("a zip file in a zip file in a zip file")
                yield from _in_zip(source, found.inside, found.parts)
            except Exception as error:
                yield Found(source, found.inside, found.parts, found.when, f"{CANNOT}: {error}")


def _problem(entry: zipfile.ZipInfo, names: tuple[str, ...]) -> str:
    kind = entry.external_attr >> 16
    if kind and not stat.S_ISREG(kind) and stat.S_IFMT(kind):
        return "a link or a special file, which is not read"
    if entry.filename.startswith(("/", "\\")) or ".." in names or ":" in entry.filename.partition("/")[0]:
        return "its name leads out of the zip file"
    return "it is encrypted" if entry.flag_bits & 1 else ""


def _when(entry: zipfile.ZipInfo) -> float:
    try:
        return time.mktime((*entry.date_time, 0, 0, -1))
    except (ValueError, OverflowError):
        return 0.0


def _nested(raw: io.BufferedReader, inside: tuple[str, ...]) -> io.BufferedReader | io.BytesIO:
    if not inside:
        return raw
    with zipfile.ZipFile(raw) as archive:
        return io.BytesIO(_read_entry(archive, inside[0], MOST_ZIP))


def _read_nested(raw: io.BufferedReader, inside: tuple[str, ...]) -> bytes:
    with zipfile.ZipFile(_nested(raw, inside[:-1])) as archive:
        return _read_entry(archive, inside[-1], MOST_NOTEBOOK)


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
