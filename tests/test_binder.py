"""What Binder installs: the book's own versions, nothing missing, nothing too many, nothing of one machine."""

import os
import re
import tomllib
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
BINDER = ROOT / ".binder"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
TORCH_INDEX = "https://download.pytorch.org/whl/cpu"

PYTHON = (BINDER / "runtime.txt").read_text().strip().removeprefix("python-")
THERE = {
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "python_full_version": f"{PYTHON}.14",  # Binder's images are made from a late patch release
    "python_version": PYTHON,
    "sys_platform": "linux",
}
ROOTS = [*PROJECT["dependencies"], "jupyterlab-myst"]
"""What a chapter imports, and what shows its MyST markup in JupyterLab. The rest comes with Binder's image."""


def pins(text):
    """Return the pinned versions that apply on Binder, by name."""
    requirements = [Requirement(line) for line in text.splitlines() if line[:1] not in {"", "#", "-"}]
    applying = [r for r in requirements if r.marker is None or r.marker.evaluate(THERE)]
    return {canonicalize_name(r.name): str(r.specifier).removeprefix("==") for r in applying}


def closure(roots):
    """Return the names of all packages that `roots` need on Binder, from the metadata of what is installed here."""
    found, waiting = set(), [Requirement(root) for root in roots]
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        for extra in {"", *requirement.extras} - {extra for seen, extra in found if seen == name}:
            found.add((name, extra))
            for needed in map(Requirement, _requires(name)):
                if needed.marker is None or needed.marker.evaluate({**THERE, "extra": extra}):
                    waiting.append(needed)
    return {name for name, _ in found}


def _requires(name):
    try:
        return requires(name) or []
    except PackageNotFoundError:
        return []  # needed on Binder, but not with this Python or system


REQUIREMENTS = (BINDER / "requirements.txt").read_text()
PINS = pins(REQUIREMENTS)


def test_pins_are_the_constraints():
    constraints = pins((ROOT / "constraints.txt").read_text())
    constraints["torch"] += "+cpu"
    assert {name: constraints[name] for name in PINS} == PINS


def test_every_line_after_the_index_is_one_exact_pin():
    first, *lines = REQUIREMENTS.splitlines()
    assert first == f"--extra-index-url {TORCH_INDEX}"
    assert lines == [f"{name}=={PINS[name]}" for name in sorted(PINS)]


def test_everything_needed_is_pinned_and_nothing_else():
    needed = {name for name in closure(ROOTS) if not name.startswith(("nvidia-", "cuda-", "triton"))}
    assert needed - PINS.keys() == set(), "not pinned"
    assert PINS.keys() - needed == set(), "not needed"


def test_closure_follows_extras_and_markers():
    needed = closure(ROOTS)
    assert "fqdn" in needed, "jupyter-events needs jsonschema with an extra"
    assert "overrides" in needed, "jupyter-server needs it below Python 3.12"
    assert not needed & {"pywinpty", "colorama", "appnope"}, "these are for other systems"
    assert "pytest" not in needed, "that is an extra nobody asks for"


@pytest.mark.parametrize("dependency", PROJECT["dependencies"])
def test_package_finds_its_dependencies(dependency):
    requirement = Requirement(dependency)
    assert requirement.specifier.contains(PINS[canonicalize_name(requirement.name)])


def test_python_is_one_that_the_package_supports():
    assert re.fullmatch(r"python-3\.\d+\n", (BINDER / "runtime.txt").read_text())
    assert SpecifierSet(PROJECT["requires-python"]).contains(PYTHON)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no executable bit")
def test_post_build_can_be_run():
    assert os.access(BINDER / "postBuild", os.X_OK)


def test_post_build_installs_the_package_alone():
    assert re.search(r"^python -m pip install .*--no-deps .*\.$", (BINDER / "postBuild").read_text(), re.MULTILINE)


@pytest.mark.parametrize("path", sorted(BINDER.iterdir()), ids=lambda path: path.name)
def test_nothing_of_one_machine(path):
    text = path.read_text().replace(TORCH_INDEX, "")
    assert foreign(text) == []


def foreign(text):
    """Return addresses, absolute paths and references to files in a text."""
    return re.findall(r"\S*://\S*|(?<![\w#!.])/\w\S*|\S+ @ \S+", text)


@pytest.mark.parametrize(
    "line", ["torch @ file.whl", "--find-links /srv/wheels", "-i http://10.0.0.1/simple", "cd /home/me"]
)
def test_something_of_one_machine_is_found(line):
    assert foreign(f"numpy==2.4.6\n{line}\n") != []
