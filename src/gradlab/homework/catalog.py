"""Where the homeworks are found, by their ids; and a course's private checks in a file of its own."""

from __future__ import annotations

import ast
import hashlib
import importlib
import importlib.util
import re
from pathlib import Path

from gradlab.homework.checks.questions import Homework

HERE = Path(__file__).parent
ASSIGNMENTS = HERE / "assignments"


def ids() -> list[str]:
    """Return the ids of the book's homeworks."""
    return sorted(path.stem for path in ASSIGNMENTS.glob("hw*.py") if re.fullmatch(r"hw\d\d", path.stem))


def homework_of(id: str, checks: Path | None = None) -> Homework:
    """Return a homework.

    Parameters
    ----------
    id : str
        Such as ``"hw03"``.
    checks : Path, optional
        A Python file with the name ``homework``: a homework of one's own, or the book's with properties added to it.

    Raises
    ------
    ValueError
        If there is none by that id.
    """
    if checks is not None:
        return _private(id, checks)
    if id not in ids():
        raise ValueError(f"there is no homework {id!r}; there are {', '.join(ids())}")
    return importlib.import_module(f"gradlab.homework.assignments.{id}").homework


def _private(id: str, checks: Path) -> Homework:
    if not checks.is_file():
        raise ValueError(f"there is no file of checks {str(checks)!r}")
    spec = importlib.util.spec_from_file_location(f"private_checks_{id}", checks)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    homework = getattr(module, "homework", None)
    if not isinstance(homework, Homework) or homework.id != id:
        raise ValueError(f"{checks.name} must define `homework`, a Homework of the id {id!r}")
    return homework


def digest(id: str, checks: Path | None = None) -> str:
    """Return a digest of all code that a homework's grades depend on, with what private checks import beside them."""
    taken = hashlib.sha256()
    for path in [*sorted(HERE.rglob("*.py")), *([] if checks is None else _with_imports(checks))]:
        if path.parent == ASSIGNMENTS and re.match(r"hw\d\d", path.stem) and not path.stem.startswith(id):
            continue  # another homework
        taken.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return taken.hexdigest()[:16]


def _with_imports(checks: Path) -> list[Path]:
    """Return a file of checks and the modules of its own folder that it or they import."""
    found, waiting = [], [checks]
    while waiting:
        path = waiting.pop()
        if path in found or not path.is_file():
            continue
        found.append(path)
        try:
            tree = ast.parse(path.read_bytes())
        except (SyntaxError, ValueError):
            continue  # then nobody can import it
        for node in ast.walk(tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            for top in {name.partition(".")[0] for name in names}:
                waiting += [checks.parent / f"{top}.py", *sorted((checks.parent / top).rglob("*.py"))]
    return [checks, *sorted(set(found) - {checks})]
