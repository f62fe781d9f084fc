"""The code, notebooks included, is in the form that `make tidy` gives it."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


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
