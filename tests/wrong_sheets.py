"""The table of wrong arguments, of what pictures are drawn on and with."""

import numpy as np
from matplotlib.figure import Figure

from gradlab import canvas, explore
from gradlab.canvas import Sheet
from gradlab.figures import seeds
from wrong_values import AX, NOT_A_FLAG, NOT_A_MAPPING, NOT_A_TABLE, NOT_AN_AXES, NOT_WORDS

# every public function, with arguments that are right
RIGHT = {
    seeds.in_powers_of_ten: {"name": "norms", "norms": [[1.0]]},
    seeds.median: {"tens": np.zeros((1, 1))},
    seeds.band: {"tens": np.zeros((1, 1))},
    canvas.Sheet: {"alt": "words", "caption": "words"},
    canvas.sheet: {"alt": "words", "caption": "words"},
    canvas.svg_of: {"figure": Figure(figsize=(1, 1))},
    canvas.log_axis: {"axis": AX.xaxis},
    canvas.label_powers_of_ten: {"ax": AX},
    canvas.label_ends: {"ax": AX, "x": 1.0, "labels": [], "leftward": True},
    explore.explore: {"draw": lambda x: Sheet(alt="a", caption="c"), "start": {"x": 2}, "alt": None, "x": [1, 2]},
}

WRONG = [
    (canvas.Sheet, "alt", NOT_WORDS),
    (canvas.Sheet, "caption", NOT_WORDS),
    (canvas.sheet, "alt", NOT_WORDS),
    (canvas.sheet, "caption", NOT_WORDS),
    (canvas.svg_of, "figure", [(value, None, "matplotlib Figure") for value in (None, "<svg/>", AX)]),
    (canvas.log_axis, "axis", [(value, None, "xaxis or yaxis") for value in (None, "x", AX)]),
    (canvas.label_powers_of_ten, "ax", NOT_AN_AXES),
    (canvas.label_ends, "ax", NOT_AN_AXES),
    (canvas.label_ends, "leftward", NOT_A_FLAG),
    (explore.explore, "draw", [(value, None, "function") for value in (None, "draw", Figure())]),
    (explore.explore, "alt", [(value, None, "function") for value in ("words", 3)]),
    (explore.explore, "start", [*NOT_A_MAPPING, ({"y": 1}, "y", "among x"), ({"x": 7}, "7", "[1, 2]")]),
    (explore.explore, "start", [({"x": "a"}, "'a'", "[1, 2]"), ({3: 1}, "3", "among x")]),
    (explore.explore, "x", [(np.eye(2), None, "sequence"), ([], None, "two values"), ([1], None, "two values")]),
    (
        explore.explore,
        "x",
        [(value, None, "sequence") for value in (1, "ab", [1, "a"], [True, False], [None, 1], None)],
    ),
    (seeds.in_powers_of_ten, "norms", [*NOT_A_TABLE, ([[1.0, -1.0]], None, "no negative entry")]),
]

# what cannot be wrong, or is somebody else's to refuse, and why
NOT_CHECKED = {
    (seeds.in_powers_of_ten, "name"): "written by the package itself",
    (seeds.median, "tens"): "made by in_powers_of_ten",
    (seeds.band, "tens"): "made by in_powers_of_ten",
    (canvas.Sheet, "figure"): "matplotlib refuses it",
    (canvas.sheet, "subplots"): "matplotlib refuses it",
    (canvas.label_ends, "x"): "matplotlib refuses it",
    (canvas.label_ends, "labels"): "written by the package itself",
    (explore.explore, "params"): "stands for the sliders: see x",
}
WITHOUT_INPUT = {
    explore.Explorable: "made by explore",
}
