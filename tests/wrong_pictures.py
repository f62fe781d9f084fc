"""The table of wrong arguments, of the rooms that draw."""

import numpy as np
from matplotlib.figure import Figure

from gradlab import canvas, explore, figures
from gradlab.canvas import Sheet
from wrong_values import (
    AX,
    INF,
    NAN,
    NOT_A_FLAG,
    NOT_A_MAPPING,
    NOT_A_NUMBER,
    NOT_A_SERIES,
    NOT_A_TABLE,
    NOT_AN_AXES,
    NOT_LIMITS,
    NOT_POSITIVE,
    NOT_REAL,
    NOT_WORDS,
    optional,
    sizes,
)

LOGS = [[0.0, 1.0], [0.0, 2.0]]

NOT_POSITIVE_ENTRIES = [([v, 1.0], f"{v}", "positive and finite") for v in (0, -1, INF, NAN)]


def within(label, wrong):
    """Return what is wrong as the value of a label in a mapping."""
    return [({label: value}, repr(value) if shown is None else shown, allowed) for value, shown, allowed in wrong]


# every public function, with arguments that are right
RIGHT = {
    canvas.Sheet: {"alt": "words", "caption": "words"},
    canvas.sheet: {"alt": "words", "caption": "words"},
    canvas.svg_of: {"figure": Figure(figsize=(1, 1))},
    canvas.log_axis: {"axis": AX.xaxis},
    canvas.label_powers_of_ten: {"ax": AX},
    canvas.label_ends: {"ax": AX, "x": 1.0, "labels": [], "leftward": True},
    explore.explore: {"draw": lambda x: Sheet(alt="a", caption="c"), "start": {"x": 2}, "alt": None, "x": [1, 2]},
    figures.log_gradient_as_a_sum: {"factors": [2.0, 0.5], "layers": [1, 2]},
    figures.paths_along_depth: {"logs": LOGS, "lines": {"line": 1.0}, "limits": (0, 3), "quantity": "norm"},
    figures.norm_along_depth: {"gain": 1.5, "depth": 3},
    figures.norm_against_depth: {"norms": [1.0, 2.0], "radius": 1.0, "mark": "peak", "limits": (0.1, 10)},
    figures.last_depths: {"depths": {"float16": 28}, "factor": 1.5, "furthest": 100},
    figures.signal_and_loss: {"signals": LOGS, "losses": LOGS, "settings": "words"},
    figures.signals_against_depth: {
        "norms": {"a": LOGS},
        "rates": {"a": 1.0},
        "against": "layer",
        "limits": (0.1, 10),
        "quantity": "norm",
        "settings": "words",
    },
    figures.growth_against_scale: {
        "scales": [1.0, 2.0],
        "theory": {"a": [1.0, 2.0]},
        "measured_at": [1.0],
        "measured": {"a": [[1.0, 2.0]]},
        "limits": (0.1, 10),
        "scale": "gain",
        "settings": "words",
    },
    figures.descent_on_parabola: {"iterates": [2.0, 1.0], "curvature": 1.0, "settings": "words"},
    figures.final_scores: {"scores": {"a": [0.5]}, "chance": 0.1, "score": "accuracy", "settings": "words"},
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
    (
        explore.explore,
        "x",
        [(value, None, "sequence") for value in (1, "ab", [1, "a"], [True, False], [None, 1], None)],
    ),
    (explore.explore, "x", [(np.eye(2), None, "sequence"), ([], None, "two values"), ([1], None, "two values")]),
    (figures.log_gradient_as_a_sum, "factors", NOT_A_SERIES),
    (figures.log_gradient_as_a_sum, "factors", NOT_POSITIVE_ENTRIES),
    (figures.log_gradient_as_a_sum, "layers", [([1], None, "each of the 2 factors"), (5, None, "sequence")]),
    (figures.paths_along_depth, "logs", [*NOT_A_TABLE, ([[1.0], [2.0]], "1", "at least 2")]),
    (figures.paths_along_depth, "lines", [*NOT_A_MAPPING, ({"line": "1"}, "'1'", "real"), ({"line": NAN}, "nan", "")]),
    (figures.paths_along_depth, "lines", [(dict.fromkeys("abcd", 1.0), None, "three")]),
    (figures.paths_along_depth, "limits", NOT_LIMITS),
    (figures.paths_along_depth, "quantity", NOT_WORDS),
    (figures.norm_along_depth, "gain", NOT_POSITIVE),
    (figures.norm_along_depth, "depth", sizes(1)),
    (figures.norm_against_depth, "norms", [*NOT_A_SERIES, ([1.0], "1", "at least 2")]),
    (figures.norm_against_depth, "radius", optional(NOT_POSITIVE)),  # None stands for: no line
    (figures.norm_against_depth, "mark", [(value, None, "one of None, 'peak'") for value in ("top", 3, [])]),
    (figures.norm_against_depth, "limits", [*NOT_LIMITS, ((0, 1), "0", "positive"), ((-2, 1), "-2", "positive")]),
    (figures.last_depths, "depths", [*NOT_A_MAPPING, ({}, None, "empty"), ({"a": 0}, "0", "at least 1")]),
    (figures.last_depths, "depths", [({"a": 2.5}, "2.5", "integer")]),
    (figures.last_depths, "factor", [*NOT_POSITIVE, (1, "1", "not be 1")]),
    (figures.last_depths, "furthest", sizes(2)),
    (figures.signal_and_loss, "signals", NOT_A_TABLE),
    (figures.signal_and_loss, "losses", [*NOT_A_TABLE, ([[1.0]], "(1, 1)", "as many seeds as signals (2)")]),
    (figures.signal_and_loss, "settings", NOT_WORDS),
    (figures.signals_against_depth, "norms", [*NOT_A_MAPPING, *within("a", NOT_A_TABLE), ({}, "{}", "one to 4")]),
    (figures.signals_against_depth, "norms", [({"a": LOGS, "b": [[1.0] * 4]}, "[2, 4]", "one fewer")]),
    (figures.signals_against_depth, "norms", [({"a": LOGS, "b": [[1.0]]}, "[1, 2]", "two at least")]),
    (figures.signals_against_depth, "norms", [({"a": [[1.0]]}, "[1]", "two at least")]),
    (figures.signals_against_depth, "norms", [(dict.fromkeys("abcde", LOGS), None, "one to 4")]),
    (figures.signals_against_depth, "rates", [*NOT_A_MAPPING, *within("a", NOT_REAL), *within("a", NOT_A_NUMBER)]),
    (figures.signals_against_depth, "rates", [({"b": 1.0}, "'b'", "among a"), ({"a": INF}, None, "finite")]),
    (figures.signals_against_depth, "rates", [(value, None, "mapping") for value in ([], 0, "")]),
    (figures.signals_against_depth, "against", [(v, None, "one of 'layer', 'time lag'") for v in ("depth", None, [])]),
    (figures.signals_against_depth, "limits", [*NOT_LIMITS, ((0, 1), "0", "positive"), ((-2, 1), "-2", "positive")]),
    (figures.signals_against_depth, "quantity", NOT_WORDS),
    (figures.signals_against_depth, "settings", NOT_WORDS),
    (figures.growth_against_scale, "scales", [*NOT_A_SERIES, *NOT_POSITIVE_ENTRIES]),
    (figures.growth_against_scale, "scales", [(value, None, "growing") for value in ([1.0], [2.0, 1.0], [1.0, 1.0])]),
    (figures.growth_against_scale, "theory", [*NOT_A_MAPPING, *within("a", NOT_A_SERIES), ({}, "{}", "one to 5")]),
    (figures.growth_against_scale, "theory", [*within("a", NOT_POSITIVE_ENTRIES), ({"a": [1.0]}, "(1,)", "(2,)")]),
    (figures.growth_against_scale, "theory", [({label: [1.0, 2.0] for label in "abcdef"}, None, "one to 5")]),
    (figures.growth_against_scale, "measured_at", [*NOT_A_SERIES, *NOT_POSITIVE_ENTRIES]),
    (figures.growth_against_scale, "measured", [*NOT_A_MAPPING, *within("a", NOT_A_TABLE)]),
    (
        figures.growth_against_scale,
        "measured",
        [({"a": [[v]]}, f"{v}", "positive and finite") for v in (0, -1, INF, NAN)],
    ),
    (
        figures.growth_against_scale,
        "measured",
        [({"b": [[1.0]]}, "'b'", "among a"), ({"a": [[1.0], [2.0]]}, "(2, 1)", "(1, ")],
    ),
    (figures.growth_against_scale, "measured", [(value, None, "mapping") for value in ([], 0, "")]),
    (figures.growth_against_scale, "limits", [*NOT_LIMITS, ((0, 1), "0", "positive"), ((-2, 1), "-2", "positive")]),
    (figures.growth_against_scale, "scale", NOT_WORDS),
    (figures.growth_against_scale, "settings", NOT_WORDS),
    (figures.descent_on_parabola, "iterates", [*NOT_A_SERIES, ([1.0], None, "two entries")]),
    (figures.descent_on_parabola, "curvature", NOT_POSITIVE),
    (figures.descent_on_parabola, "settings", NOT_WORDS),
    (figures.final_scores, "scores", [*NOT_A_MAPPING, *within("a", NOT_A_SERIES), ({}, "{}", "one to eight")]),
    (figures.final_scores, "scores", [({label: [0.5] for label in "abcdefghi"}, None, "one to eight")]),
    (figures.final_scores, "scores", [({"a": [0.5, v]}, f"{v}", "at most 1") for v in (1.5, INF)]),
    (figures.final_scores, "chance", [*optional(NOT_REAL), *NOT_A_NUMBER]),  # None stands for: no line
    (figures.final_scores, "chance", [(value, None, "between 0 and 1") for value in (-0.1, 1.1, INF)]),
    (figures.final_scores, "score", NOT_WORDS),
    (figures.final_scores, "settings", NOT_WORDS),
]

# what cannot be wrong, or is somebody else's to refuse, and why
NOT_CHECKED = {
    (canvas.Sheet, "figure"): "matplotlib refuses it",
    (canvas.sheet, "subplots"): "matplotlib refuses it",
    (canvas.label_ends, "x"): "matplotlib refuses it",
    (canvas.label_ends, "labels"): "written by the package itself",
    (explore.explore, "params"): "stands for the sliders: see x",
}
WITHOUT_INPUT = {
    explore.Explorable: "made by explore",
}
