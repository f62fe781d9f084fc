"""The code, notebooks included, is in the form that `make tidy` gives it."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXTS = sorted([*ROOT.glob("chapters/**/[!.]*.ipynb"), *ROOT.glob("book/*.md")])


def test_codespell_finds_no_slip():
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True).stdout.split("\0")
    texts = [name for name in names if name.endswith((".py", ".md", ".ipynb", ".js", ".css", ".toml", ".yml"))]
    command = [sys.executable, "-m", "codespell_lib", "--ignore-words-list", "coo,covert", *(texts or ["book", "src"])]
    outcome = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


@pytest.mark.parametrize("arguments", [["check"], ["format", "--check"]], ids=" ".join)
def test_ruff_has_nothing_to_say(arguments):
    outcome = subprocess.run([sys.executable, "-m", "ruff", *arguments, "."], cwd=ROOT, capture_output=True, text=True)
    assert outcome.returncode == 0, outcome.stdout


def prose(path):
    """Return what a chapter or a page says, without its links, roles, code and headings."""
    text = path.read_text("utf-8")
    if path.suffix == ".ipynb":
        cells = json.loads(text)["cells"]
        text = "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    return re.sub(r"\[[^\]]*\]\([^)]*\)|(?:\{\w+\})?`[^`]*`|^#.*$", "", text, flags=re.MULTILINE)


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.stem)
def test_every_mention_of_another_chapter_is_a_link(path):
    mentioned = re.findall(r"\bchapters?\s+(\d+)", prose(path), flags=re.IGNORECASE)
    assert {*mentioned} <= {str(int(path.stem[:2])) if path.stem[:2].isdigit() else None}
