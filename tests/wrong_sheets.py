"""The table of wrong arguments, of what pictures are drawn on and with, and of quizzes."""

import numpy as np
from matplotlib.figure import Figure

from gradlab import canvas, explore, quiz
from gradlab.canvas import Sheet
from gradlab.figures import given, looks, seeds
from wrong_values import (
    AX,
    INF,
    NAN,
    NOT_A_FLAG,
    NOT_A_MAPPING,
    NOT_A_SERIES,
    NOT_A_TABLE,
    NOT_AN_AXES,
    NOT_LIMITS,
    NOT_TEXT,
    NOT_WORDS,
    TOO_LARGE,
    not_a_list,
    optional,
)

WHY = {1: "too small", 2: "as computed"}
ASKED = quiz.Question("One and one?", (("1", "too small"), ("2", "as computed")), 1)

# every public function, with arguments that are right
RIGHT = {
    seeds.in_powers_of_ten: {"name": "norms", "norms": [[1.0]]},
    seeds.median: {"tens": np.zeros((1, 1))},
    seeds.band: {"tens": np.zeros((1, 1))},
    seeds.spread: {"dots": 3},
    given.of_shape: {"name": "values", "values": [1.0, 2.0], "shape": (2,), "positive": True},
    given.growing: {"name": "values", "values": [1.0, 2.0], "at_least": 2, "positive": True},
    given.require_among: {"name": "labels", "labels": ["a"], "known": ["a", "b"]},
    given.exponents_of: {"limits": (0.1, 10)},
    looks.looks_of: {"labels": ["a"]},
    canvas.Sheet: {"alt": "words", "caption": "words"},
    canvas.sheet: {"alt": "words", "caption": "words"},
    canvas.svg_of: {"figure": Figure(figsize=(1, 1))},
    canvas.log_axis: {"axis": AX.xaxis},
    canvas.label_powers_of_ten: {"ax": AX},
    canvas.label_ends: {"ax": AX, "x": 1.0, "labels": [], "leftward": True},
    explore.explore: {"draw": lambda x: Sheet(alt="a", caption="c"), "start": {"x": 2}, "alt": None, "x": [1, 2]},
    quiz.question: {"text": "One and one?", "options": WHY, "right": 2, "unit": "apples"},
    quiz.quiz: {"questions": [ASKED]},
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
    (given.of_shape, "values", [*NOT_A_SERIES, ([1.0], "(1,)", "(2,)"), ([1.0, -1.0], None, "positive and finite")]),
    (given.growing, "values", [*NOT_A_SERIES, ([1.0], None, "2 numbers"), ([2.0, 1.0], None, "growing")]),
    (given.growing, "values", [([0.0, 1.0], None, "positive and finite"), ([1.0, INF], None, "finite")]),
    (given.require_among, "labels", [(["c"], "'c'", "among a, b")]),
    (looks.looks_of, "labels", [("abcdef", "['a', 'b', 'c', 'd', 'e', 'f']", "5 at most")]),
    (given.exponents_of, "limits", [*optional(NOT_LIMITS), ((0, 1), "0", "positive")]),
    (quiz.question, "text", NOT_WORDS),
    (quiz.question, "options", [*NOT_A_MAPPING, ({}, None, "2 to 6"), ({1: "one"}, None, "2 to 6")]),
    (quiz.question, "options", [(dict.fromkeys(range(7), "why"), None, "2 to 6"), ({1: 2, 2: "why"}, "2", "text")]),
    (quiz.question, "options", [({1: "why", 2: " "}, "' '", "say something"), ({1: "a", "2": "b"}, "'2'", "number")]),
    (
        quiz.question,
        "options",
        [({"": "why", "2": "why"}, "''", "say something"), ({2: "a", True: "b"}, "True", "real")],
    ),
    (
        quiz.question,
        "options",
        [({2.0: "a", 2 + 1e-15: "b"}, None, "read the same"), ({None: "a", 2: "b"}, "None", "real")],
    ),
    (quiz.question, "right", [(value, None, "exactly one") for value in (3, 15.1, INF, NAN)]),
    (quiz.question, "right", [(lambda option: True, "gives [1, 2]", "exactly one"), *TOO_LARGE]),
    (
        quiz.question,
        "right",
        [("2", None, "one real number"), (None, None, "one real number"), ([2], None, "real number")],
    ),
    (quiz.question, "unit", NOT_TEXT),
    (quiz.quiz, "questions", not_a_list("Question", ["question"], [ASKED, None])),
]

# what cannot be wrong, or is somebody else's to refuse, and why
NOT_CHECKED = {
    (seeds.in_powers_of_ten, "name"): "written by the package itself",
    (seeds.median, "tens"): "made by in_powers_of_ten",
    (seeds.band, "tens"): "made by in_powers_of_ten",
    (seeds.spread, "dots"): "counted by the package itself",
    **{
        (call, "name"): "written by the package itself" for call in (given.of_shape, given.growing, given.require_among)
    },
    (given.of_shape, "shape"): "written by the package itself",
    (given.of_shape, "positive"): "written by the package itself",
    (given.growing, "at_least"): "written by the package itself",
    (given.growing, "positive"): "written by the package itself",
    (given.require_among, "known"): "taken from what has been checked",
    (canvas.Sheet, "figure"): "matplotlib refuses it",
    (canvas.sheet, "subplots"): "matplotlib refuses it",
    (canvas.label_ends, "x"): "matplotlib refuses it",
    (canvas.label_ends, "labels"): "written by the package itself",
    (explore.explore, "params"): "stands for the sliders: see x",
}
WITHOUT_INPUT = {
    looks.Look: "made by the package itself",
    explore.Explorable: "made by explore",
    quiz.Question: "made by question",
    quiz.Quiz: "made by quiz",
}
