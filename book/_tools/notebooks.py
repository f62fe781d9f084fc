"""Keep the chapters in the form in which they are committed.

That is: no outputs or execution counts, no metadata that an editor left behind, one cell near the top that fetches
the package on Colab, and JSON exactly as nbformat writes it. Standard library only, so that it runs in any Python::

    python book/_tools/notebooks.py            # tidy every chapter
    python book/_tools/notebooks.py --check    # change nothing, say what is wrong
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "_config.yml"
KERNELSPEC = {"display_name": "Python 3", "language": "python", "name": "python3"}
SET_UP = "set-up"
"""Id of the cell that fetches the package on Colab."""

_FIELDS = {"cell_type", "id", "metadata", "source"}
_CELL_FIELDS = {"code": _FIELDS | {"execution_count", "outputs"}, "markdown": _FIELDS, "raw": _FIELDS}
_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")

Notebook = dict[str, Any]
Cell = dict[str, Any]


def chapters(root: Path = ROOT) -> list[Path]:
    """Every notebook below ``chapters/``, in reading order."""
    return sorted(p for p in (root / "chapters").rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts)


def address(config: Path = CONFIG) -> tuple[str, str]:
    """URL and branch of the book's repository, from the ``repository:`` block of ``_config.yml``.

    Raises
    ------
    ValueError
        If one of the two is not there.
    """
    text = config.read_text(encoding="utf-8") + "\n"
    block = re.search(r"^repository:.*\n((?:[ \t]+.*\n|[ \t]*(?:#.*)?\n)*)", text, re.M)
    entries = re.findall(r"^\s+(url|branch):\s*([\"']?)([^\s\"'#]+)\2", block[1] if block else "", re.M)
    values = {key: value.rstrip("/") for key, _, value in entries}
    if missing := {"url", "branch"} - values.keys():
        raise ValueError(f"{config.name} must give {' and '.join(sorted(missing))} under repository:")
    return values["url"], values["branch"]


def set_up_cell(config: Path = CONFIG) -> Cell:
    """Return the cell that installs the package on Colab, from the address in `config`, and sets torch's threads."""
    url, branch = address(config)
    source = f"""\
# On Colab, fetch the book's package; everywhere else it is installed already.
try:
    import gradlab  # noqa: F401
except ModuleNotFoundError:
    %pip install -q --no-deps anywidget psygnal {url}/archive/{branch}.zip

import torch

# networks this small lose more by waiting for threads than they gain
torch.set_num_threads(1)"""
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": SET_UP,
        "metadata": {"tags": ["remove-cell"]},
        "outputs": [],
        "source": source.splitlines(keepends=True),
    }


def canonical(notebook: Notebook) -> str:
    """Return a notebook as text, exactly as nbformat writes it."""
    cells = [{**cell, "source": _text(cell).splitlines(keepends=True)} for cell in notebook["cells"]]
    return json.dumps({**notebook, "cells": cells}, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def problems(notebook: Path | str, config: Path = CONFIG) -> list[str]:
    """Say what keeps a notebook from being committed.

    Parameters
    ----------
    notebook : Path or str
        A file, or the text of one.
    config : Path
        The ``_config.yml`` that holds the repository's address.

    Returns
    -------
    list of str
        One sentence for each problem; empty for a clean notebook.

    Raises
    ------
    ValueError
        If `config` does not hold the address.
    """
    text = notebook if isinstance(notebook, str) else _read(notebook)
    try:
        content = _parse(text)
    except ValueError as error:
        return [str(error)]
    found = list(_notebook_problems(content))
    for number, cell in enumerate(content["cells"], 1):
        found += [f"cell {number}: {problem}" for problem in _cell_problems(cell)]
    found += _set_up_problems(content["cells"], set_up_cell(config))
    if text != canonical(content):
        found.append("the JSON is not written as nbformat writes it")
    return found


def tidy(path: Path, config: Path = CONFIG) -> bool:
    """Rewrite a notebook in its committed form.

    Attachments stay, because they would be lost: `problems` goes on to report them.

    Returns
    -------
    bool
        Whether the file changed.

    Raises
    ------
    ValueError
        If the file is not a notebook of format 4, or `config` does not hold the address.
    """
    text = _read(path)
    notebook = _parse(text)
    cells, set_up = notebook["cells"], set_up_cell(config)
    if (at := _index(cells, id=SET_UP, cell_type="code")) is not None:
        del cells[at]
    cells.insert(_place_of_set_up(cells), set_up)
    taken = {SET_UP}
    for number, cell in enumerate(cells, 1):
        if cell is not set_up:
            cell["id"] = _fresh_id(cell.get("id"), number, taken)
            cell["metadata"] = _clean_cell_metadata(cell.get("metadata", {}))
            if cell["cell_type"] == "code":
                cell.update(execution_count=None, outputs=[])
            for field in cell.keys() - _CELL_FIELDS[cell["cell_type"]] - {"attachments"}:
                del cell[field]
    metadata = _clean_metadata(notebook.get("metadata", {}))
    tidied = canonical({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5})
    if tidied != text:
        path.write_bytes(tidied.encode())
    return tidied != text


def _read(path: Path) -> str:
    return path.read_bytes().decode()  # not read_text, which hides the line ends


def _text(cell: Cell) -> str:
    return "".join(cell["source"])  # a list of lines or, as the format also allows, one string


def _parse(text: str) -> Notebook:
    try:
        notebook = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error}") from error
    if not isinstance(notebook, dict) or notebook.get("nbformat") != 4 or not isinstance(notebook.get("cells"), list):
        raise ValueError("not a notebook of format 4")
    for number, cell in enumerate(notebook["cells"], 1):
        if not isinstance(cell, dict) or cell.get("cell_type") not in _CELL_FIELDS or "source" not in cell:
            raise ValueError(f"cell {number}: neither code nor markdown nor raw")
    return notebook


def _clean_metadata(metadata: dict[str, Any]) -> dict[str, Any]:
    clean = {"kernelspec": KERNELSPEC}
    if metadata.get("language_info"):
        clean["language_info"] = {"name": "python"}
    if metadata.get("mystnb"):
        clean["mystnb"] = metadata["mystnb"]
    return clean


def _clean_cell_metadata(metadata: dict[str, Any]) -> dict[str, Any]:
    clean = {key: metadata[key] for key in ("tags", "mystnb") if metadata.get(key)}
    if metadata.get("jupyter", {}).get("source_hidden"):
        clean["jupyter"] = {"source_hidden": True}
    return clean


def _differences(metadata: dict[str, Any], clean: dict[str, Any]) -> str:
    keys = metadata.keys() | clean.keys()
    return ", ".join(sorted(key for key in keys if metadata.get(key, ...) != clean.get(key, ...)))


def _notebook_problems(notebook: Notebook) -> Iterator[str]:
    if notebook.get("nbformat_minor") != 5:
        yield f"nbformat is 4.{notebook.get('nbformat_minor')}, not 4.5"
    metadata = notebook.get("metadata", {})
    if keys := _differences(metadata, _clean_metadata(metadata)):
        yield f"stray, missing or wrong notebook metadata: {keys}"
    if fields := notebook.keys() - {"cells", "metadata", "nbformat", "nbformat_minor"}:
        yield f"stray notebook fields: {', '.join(sorted(fields))}"
    ids = [cell.get("id") for cell in notebook["cells"]]
    if repeated := {id for id in ids if ids.count(id) > 1 and id is not None}:
        yield f"ids of more than one cell: {', '.join(sorted(repeated))}"


def _cell_problems(cell: Cell) -> Iterator[str]:
    if not _ID.fullmatch(str(cell.get("id", ""))):
        yield f"missing or wrong id: {cell.get('id')!r}"
    metadata = cell.get("metadata", {})
    if keys := _differences(metadata, _clean_cell_metadata(metadata)):
        yield f"stray or wrong metadata: {keys}"
    if fields := (cell.keys() ^ _CELL_FIELDS[cell["cell_type"]]) - {"id"}:
        yield f"stray or missing fields: {', '.join(sorted(fields))}"
    if cell.get("outputs"):
        yield "outputs"
    if cell.get("execution_count") is not None:
        yield "an execution count"


def _set_up_problems(cells: list[Cell], wanted: Cell) -> Iterator[str]:
    at = _index(cells, id=SET_UP, cell_type="code")
    if at is None:
        yield f"the set-up cell (id {SET_UP}) is missing"
        return
    if at != _place_of_set_up(cells[:at] + cells[at + 1 :]):
        yield "the set-up cell is not directly after the first markdown cell"
    if _text(cells[at]) != _text(wanted) or cells[at].get("metadata") != wanted["metadata"]:
        yield "the set-up cell is stale"


def _place_of_set_up(others: list[Cell]) -> int:
    first = _index(others, cell_type="markdown")
    return 0 if first is None else first + 1


def _index(cells: list[Cell], **wanted: str) -> int | None:
    return next((n for n, cell in enumerate(cells) if wanted.items() <= cell.items()), None)


def _fresh_id(id: Any, number: int, taken: set[str]) -> str:
    """Return `id` if it is valid and not `taken`, else one made from the cell's number; take it."""
    if not isinstance(id, str) or not _ID.fullmatch(id) or id in taken:
        id = f"cell-{number}"
        while id in taken:
            id += "-again"
    taken.add(id)
    return id


def main() -> None:
    """Tidy or check every chapter; exit with 1 if something is left to do."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="change nothing, say what is wrong")
    check = parser.parse_args().check
    try:
        address()
    except ValueError as error:
        sys.exit(str(error))
    left = []
    for path in chapters():
        name = path.relative_to(ROOT).as_posix()
        try:
            if not check and tidy(path):
                print(f"tidied {name}")
            left += [f"{name}: {problem}" for problem in problems(path)]
        except ValueError as error:
            left.append(f"{name}: {error}")
    sys.exit("\n".join(left) or None)


if __name__ == "__main__":
    main()
