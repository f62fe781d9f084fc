"""Where student code runs: bubblewrap's command, or a plain process where somebody asked for that.

In the sandbox there is no network, no file but Python's own and a small temporary folder, no other process, no right
that could be got back, and none of the system calls that `seccomp` names. `book/teaching.md` says what that holds
against, and what not.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradlab
from gradlab.homework.sandbox import seccomp
from gradlab.homework.sandbox.processes import threads_of

PACKAGE = Path(gradlab.__file__).parent
MODULES = ("torch", "numpy", "IPython", "matplotlib", "ipywidgets")
MEGABYTE = 1 << 20
HOME = "/home/student"
WORKER = ["-P", "-s", "-m", "gradlab.homework.sandbox.worker"]
MEND = {
    "setting up uid map: Permission denied": "allow it with `sudo sysctl -w "
    "kernel.apparmor_restrict_unprivileged_userns=0`, or with an AppArmor profile for bwrap (Ubuntu 23.10 and later)",
    "No permissions to create": "allow it with `sudo sysctl -w kernel.unprivileged_userns_clone=1`; in a container, "
    "start that with `--security-opt seccomp=unconfined --security-opt systempaths=unconfined`",
    "Operation not permitted": "in a container, start that with `--security-opt seccomp=unconfined "
    "--security-opt systempaths=unconfined`",
    "Unknown option": "install bubblewrap 0.8 or later",
}


class SandboxError(RuntimeError):
    """There is no sandbox here, and what would mend that."""


@dataclass(frozen=True)
class Limits:
    """What student code may use.

    Parameters
    ----------
    cell, total : float
        Seconds of its own for one cell, and on the wall's clock for a whole submission.
    memory, disk, file : int
        Bytes: of memory (of all processes together), of temporary files, of one file.
    processes, files : int
        How many processes and threads, and how many open files.
    """

    cell: float = 30.0
    total: float = 300.0
    memory: int = 4096 * MEGABYTE
    disk: int = 256 * MEGABYTE
    file: int = 64 * MEGABYTE
    processes: int = 32
    files: int = 256

    def resources(self, others: int) -> dict[str, int]:
        """Return them as `resource.setrlimit` takes them; `others` are processes that count along."""
        return {
            "RLIMIT_DATA": self.memory,
            "RLIMIT_FSIZE": self.file,
            "RLIMIT_CPU": int(self.total) + 1,
            "RLIMIT_NPROC": self.processes + others,
            "RLIMIT_NOFILE": self.files,
            "RLIMIT_CORE": 1,  # at 0, a program that collects crashes would still be told of each
        }


@dataclass(frozen=True)
class Place:
    """A place for student code.

    Parameters
    ----------
    sandboxed : bool
        Whether bubblewrap holds it.
    limits : Limits
    hidden : tuple of Path
        Files and folders that it must not see even if they lie within Python's own, such as the submissions.
    fonts : Path, optional
        matplotlib's list of fonts, so that not every notebook makes it anew.
    """

    sandboxed: bool = True
    limits: Limits = Limits()
    hidden: tuple[Path, ...] = ()
    fonts: Path | None = None

    def start(self, folder: Path | None, program: Sequence[str] = WORKER, **pipes: Any) -> subprocess.Popen:
        """Start a worker, or Python with other arguments; without a sandbox, in `folder`.

        Raises
        ------
        SandboxError
            If its filter of system calls cannot be made.
        """
        python = [sys.executable, *program]
        how = {"env": self.environment(folder), "cwd": folder, "start_new_session": True, **pipes}
        if not self.sandboxed:
            return subprocess.Popen(python, **how)
        try:
            with seccomp.filter_file() as file:
                return subprocess.Popen([*self.bubblewrap(file), *python], pass_fds=[file], **how)
        except seccomp.UnknownMachineError as error:
            raise SandboxError(f"there is no sandbox for this machine: {error}") from None

    def environment(self, folder: Path | None) -> dict[str, str]:
        """Return all environment variables that a worker has."""
        home = HOME if self.sandboxed else str(folder)
        paths = dict.fromkeys([*map(str, module_folders()), str(PACKAGE.parent)])
        return {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin"]),
            "PYTHONPATH": os.pathsep.join(paths),
            "PYTHONDONTWRITEBYTECODE": "1",
            "HOME": home,
            "IPYTHONDIR": f"{home}/.ipython",
            "MPLCONFIGDIR": f"{home}/.matplotlib",
            "MPLBACKEND": "Agg",
            "USER": "student",
            "LOGNAME": "student",
            "LANG": "C.UTF-8",
            "OMP_NUM_THREADS": "1",
        }

    def uid(self) -> int | None:
        """Return the user that a worker turns into; ``None`` if nobody here is root, or root's Python is root's alone.

        Each has one of its own, so that none counts the processes of another.
        """
        if os.geteuid() != 0 or not (self.sandboxed or _open_to_all(Path(sys.executable))):
            return None
        return 60_001 + secrets.randbelow(5000)

    def others(self) -> int:
        """Return how many processes of other programs count against a worker's own number."""
        if os.geteuid() == 0 or (self.sandboxed and _kernel() >= (5, 14)):
            return 0
        return threads_of(os.geteuid()) + 64

    def bubblewrap(self, calls: int) -> list[str]:
        """Return bubblewrap's part of the command; `calls` is a descriptor with the filter of system calls."""
        root = os.geteuid() == 0
        # Root needs no user namespace. It gives root up inside, and keeps the right to do just that until then.
        rights = ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"] if root else []
        users = [] if root else ["--unshare-user", "--disable-userns", "--uid", "1000", "--gid", "1000"]
        apart = [f"--unshare-{what}" for what in ("ipc", "pid", "net", "uts", "cgroup-try")]
        command = [shutil.which("bwrap") or "bwrap", *users, *apart, "--die-with-parent", "--new-session", "--clearenv"]
        command += ["--cap-drop", "ALL", "--seccomp", str(calls), *rights, "--hostname", "sandbox", *self._files()]
        for name, value in self.environment(None).items():
            command += ["--setenv", name, value]
        return [*command, "--chdir", HOME, "--"]

    def _files(self) -> list[str]:
        roots = [root for root in readable_roots() if root != PACKAGE]
        files = self._empty("/tmp")  # first of all: Python itself may live in there
        files += [part for path in _above([*roots, PACKAGE]) for part in ("--perms", "0755", "--dir", str(path))]
        files += [part for root in (*roots, PACKAGE) for part in ("--ro-bind", str(root), str(root))]
        for name in ("/bin", "/sbin", "/lib", "/lib32", "/lib64"):
            if os.path.islink(name):
                files += ["--symlink", os.readlink(name), name]
            elif os.path.isdir(name):
                files += ["--ro-bind", name, name]
        for name in ("/etc/ld.so.cache", "/etc/alternatives", "/etc/fonts", "/etc/localtime", "/nix/store"):
            files += ["--ro-bind-try", name, name]
        # bubblewrap leaves /proc/sys as it is if it looks read-only, which it does to root until root writes
        files += ["--proc", "/proc", "--ro-bind", "/proc/sys", "/proc/sys", "--dev", "/dev"]
        for path in self._to_hide([*roots, PACKAGE]):
            empty = ["--size", "4096", "--tmpfs", str(path), "--remount-ro", str(path)]
            files += empty if path.is_dir() else ["--ro-bind", "/dev/null", str(path)]
        files += [*self._empty("/dev/shm"), *self._empty(HOME)]
        if self.fonts is not None:
            files += ["--perms", "1777", "--dir", f"{HOME}/.matplotlib"]
            files += ["--ro-bind", str(self.fonts), f"{HOME}/.matplotlib/{self.fonts.name}"]
        # what bubblewrap makes on the way is a file system too, and a size cannot be given to it
        return [*files, "--remount-ro", "/dev", "--remount-ro", "/"]

    def _empty(self, path: str) -> list[str]:
        return ["--size", str(self.limits.disk), "--perms", "1777", "--tmpfs", path]

    def _to_hide(self, roots: Sequence[Path]) -> list[Path]:
        """Return what must not be seen of `roots`, by all the names that it has there."""
        real = [Path(os.path.realpath(path)) for path in (PACKAGE / "homework" / "assignments", *self.hidden)]
        names = {(root, Path(os.path.realpath(root))) for root in roots}
        found = {name / path.relative_to(root) for path in real for name, root in names if path.is_relative_to(root)}
        return sorted(path for path in found if path.exists())


def require_apart(secrets: Iterable[Path], folders: Iterable[Path] = ()) -> None:
    """See to it that what nobody may read is not where Python is, which student code can read.

    Raises
    ------
    ValueError
        If one of the files `secrets`, or whoever grades, has its home there; or if Python itself is one of `folders`.
    """
    for root in (*readable_roots(), PACKAGE):
        real = Path(os.path.realpath(root))
        inside = [path for path in (*secrets, Path("~").expanduser()) if _is_in(path, real)]
        if inside or any(os.path.realpath(path) == str(real) for path in folders):
            what = inside[0] if inside else "what is graded"
            raise ValueError(
                f"student code can read {root}, where Python or a library is, and {what} is in there: move it"
            )


def _is_in(path: Path, folder: Path) -> bool:
    return Path(os.path.realpath(path)).is_relative_to(folder)


def _above(paths: Iterable[Path]) -> list[Path]:
    """Return the folders above `paths`, from the top down; bubblewrap would make them for root's eyes only."""
    there = (Path("/"), Path("/tmp"))
    return sorted({parent for path in paths for parent in path.parents if parent not in there})


def readable_roots() -> list[Path]:
    """Return the folders that Python and its libraries are in."""
    found = [Path("/usr"), Path(sys.base_prefix), Path(sys.prefix), Path(sys.base_exec_prefix), *module_folders()]
    found += [Path(os.path.realpath(path)) for path in found] + [Path(os.path.realpath(sys.executable)).parents[1]]
    found = sorted({path for path in found if path != Path("/")})
    return [path for path in found if not any(path != other and path.is_relative_to(other) for other in found)]


def module_folders() -> list[Path]:
    """Return the folders that the libraries are imported from."""
    specs = [importlib.util.find_spec(name) for name in MODULES]
    return sorted({Path(spec.origin).parents[1] for spec in specs if spec is not None and spec.origin})


def require_sandbox(place: Place) -> None:
    """Try the sandbox, if the place has one.

    Raises
    ------
    SandboxError
        If it does not stand; it says what would mend that.
    """
    if sys.platform == "win32":
        raise SandboxError("grading needs Linux (or macOS, with --no-sandbox); on Windows, use WSL")
    if not place.sandboxed:
        return
    if shutil.which("bwrap") is None:
        raise SandboxError("bubblewrap is not installed: `sudo apt-get install bubblewrap`, or your system's own way")
    try:
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL}
        tried = place.start(None, ["-I", "-c", "print('stands')"], text=True, errors="replace", **pipes)
        answer, complaint = tried.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        tried.kill()
        raise SandboxError("bubblewrap did not answer within a minute") from None
    if answer.strip() != "stands":
        said = complaint.strip() or f"it ended with status {tried.returncode}"
        mend = next((mend for words, mend in MEND.items() if words.lower() in said.lower()), "")
        raise SandboxError(f"bubblewrap is there, but does not work: {said}" + (f"; {mend}" if mend else ""))


def font_list() -> Path | None:
    """Return the list of fonts that matplotlib once made for whoever grades; ``None`` if it did not."""
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "matplotlib"
    return max(caches.glob("fontlist-*.json"), default=None)


def _open_to_all(path: Path) -> bool:
    return all(parent.stat().st_mode & 0o001 for parent in Path(os.path.realpath(path)).parents)


def _kernel() -> tuple[int, ...]:
    return tuple(int(part) for part in platform.release().split("-")[0].split(".")[:2] if part.isdigit())
