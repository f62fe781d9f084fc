"""What importing the package costs, and that its rooms depend on each other in one direction only."""

import ast
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import gradlab

ROOT = Path(gradlab.__file__).parent
HEAVY = ("numpy", "torch", "matplotlib", "anywidget")

# the rooms from the ground up: each may use those on lower floors, and the libraries named
FLOORS = [
    {"arguments": {"numpy"}},
    {"numerals": set(), "randomness": {"numpy", "torch"}},
    {
        "evidence": {"numpy"},
        "canvas": {"numpy", "matplotlib"},
        "jacobians": {"numpy", "torch"},
        "backward": {"numpy", "torch"},
        "initialization": {"torch"},
        "tasks": {"numpy", "torch"},
    },
    {
        "networks": {"torch"},
        "training": {"numpy", "torch"},
        "monitor": {"numpy", "torch", "matplotlib", "IPython", "pandas"},
    },
    {
        "recurrent": {"torch"},
        "residual": {"torch"},
        "mean_field": {"numpy", "torch"},
        "zoo": {"torch"},
        "claims": set(),
        "figures": {"numpy", "matplotlib"},
        "explore": {"anywidget", "matplotlib", "traitlets"},
        "quiz": {"anywidget", "traitlets"},
    },
    {"clinic": {"numpy", "torch"}, "homework": {"numpy", "torch", "IPython", "traitlets"}},
]
# the same within the homework
HOMEWORK_FLOORS = (
    {"names", "texts"},
    {"checks", "roster"},
    {"answers", "catalog", "runs"},
    {"assignments", "grades", "student", "submissions"},
    {"sandbox"},
    {"grading"},
    {"__init__", "__main__"},
)
FLOOR_OF = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
LIBRARIES_OF = {room: libraries for rooms in FLOORS for room, libraries in rooms.items()}
MODULES = sorted(ROOT.rglob("*.py"))


def imported(path):
    """Return the full name of everything that a module imports, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: a room is imported by its full name"
            yield from (f"{node.module}.{name.name}" for name in node.names)


def room_of(name, depth=1):
    """Return the room that a dotted name leads into, such as figures for gradlab.figures.products."""
    return name.split(".")[depth]


def python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout.strip()


def test_importing_the_package_imports_no_heavy_library():
    code = f"import sys, gradlab; print([name for name in {HEAVY} if name in sys.modules], gradlab.__version__)"
    assert python(code) == f"[] {gradlab.__version__}"


def test_importing_every_room_costs_under_half_of_what_the_libraries_cost():
    rooms = ", ".join(module.name for module in pkgutil.walk_packages(gradlab.__path__, "gradlab."))
    code = f"""
import time
start = time.process_time()
import {", ".join(HEAVY)}
between = time.process_time()
import {rooms}
print((time.process_time() - between) / (between - start))
"""
    # a ratio of the processor's time, and the best of three: another process on the machine can only make it larger
    assert any(float(python(code)) < 0.5 for _ in range(3))


def test_every_room_has_a_floor():
    assert {module.name for module in pkgutil.iter_modules(gradlab.__path__)} == set(FLOOR_OF)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_room_uses_only_rooms_on_lower_floors(path):
    room = path.relative_to(ROOT).parts[0].removesuffix(".py")
    used = {room_of(name) for name in imported(path) if name.startswith("gradlab.")} - {room}
    if room == "__init__":
        assert used == set()
    else:
        assert {name for name in used if FLOOR_OF[name] >= FLOOR_OF[room]} == set()


def test_rooms_of_the_homework_use_only_rooms_on_lower_floors():
    floor_of = {room: floor for floor, rooms in enumerate(HOMEWORK_FLOORS) for room in rooms}
    home = ROOT / "homework"
    assert {path.relative_to(home).parts[0].removesuffix(".py") for path in home.rglob("*.py")} == set(floor_of)
    for path in home.rglob("*.py"):
        room = path.relative_to(home).parts[0].removesuffix(".py")
        names = [name for name in imported(path) if name.startswith("gradlab.homework.")]
        used = {room_of(name, depth=2) for name in names} - {room}
        assert {name for name in used if floor_of[name] >= floor_of[room]} == set(), path


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_room_uses_only_its_own_libraries(path):
    room = path.relative_to(ROOT).parts[0].removesuffix(".py")
    libraries = {name.split(".")[0] for name in imported(path)} - set(sys.stdlib_module_names) - {"gradlab"}
    assert libraries <= LIBRARIES_OF.get(room, set())


@pytest.mark.parametrize("room", ["claims", "evidence", "numerals", "arguments"])
def test_checking_a_claim_needs_neither_torch_nor_matplotlib(room):
    code = f"import sys, gradlab.{room}; print([name for name in ('torch', 'matplotlib') if name in sys.modules])"
    assert python(code) == "[]"
