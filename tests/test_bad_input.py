"""A wrong argument is refused with its name, its value and what would be right: one table for the whole package."""

import importlib
import inspect
import math
import pkgutil
import re

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

import gradlab
from gradlab import arguments, canvas, claims, evidence, explore, figures, jacobians, numerals
from gradlab.canvas import Sheet

INF, NAN = math.inf, math.nan
HUGE = 10**400  # an integer that no float can hold
AX = Figure().subplots()
EYE, LOGS = [[1.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [0.0, 2.0]]
WITH_CONDITION = next(claim.id for claim in claims.registry().values() if claim.condition)
WITHOUT_CONDITION = next(claim.id for claim in claims.registry().values() if not claim.condition)

# every public function, with arguments that are right
RIGHT = {
    arguments.whole_number: {"name": "value", "value": 3, "at_least": 1},
    arguments.real_number: {"name": "value", "value": 0.5},
    arguments.positive_number: {"name": "value", "value": 0.5},
    arguments.real_array: {"name": "value", "value": [1.0], "ndim": 1},
    arguments.square_matrix: {"name": "value", "value": EYE},
    arguments.some_text: {"name": "value", "value": "words"},
    arguments.interval: {"name": "value", "value": (1, 2)},
    arguments.mapping: {"name": "value", "value": {}},
    arguments.one_of: {"name": "value", "value": "peak", "allowed": (None, "peak")},
    numerals.superscript: {"number": 3},
    numerals.power_of_ten: {"value": 10},
    numerals.readable: {"value": 0.5, "digits": 3},
    canvas.Sheet: {"alt": "words", "caption": "words"},
    canvas.sheet: {"alt": "words", "caption": "words"},
    canvas.svg_of: {"figure": Figure(figsize=(1, 1))},
    canvas.log_axis: {"axis": AX.xaxis},
    canvas.label_powers_of_ten: {"ax": AX},
    canvas.label_ends: {"ax": AX, "x": 1.0, "labels": []},
    jacobians.norms_of_powers: {"matrix": EYE, "depth": 3},
    jacobians.spectral_radius: {"matrix": EYE},
    jacobians.largest_singular_value: {"matrix": EYE},
    jacobians.transient_peak: {"matrix": EYE, "depth": 3},
    jacobians.growth_rate: {"n": 2, "gain": 1.0},
    jacobians.growth_spread: {"n": 2, "depth": 3},
    jacobians.log_norms_of_random_products: {"n": 2, "gain": 1.0, "depth": 3, "runs": 2, "seed": 0},
    evidence.Evidence: {"measured": 1.0, "expected": 1.0, "tolerance": 0.1},
    claims.check: {"id": WITHOUT_CONDITION, "measured": 1.0, "expected": 1.0, "tolerance": 0.1},
    claims.said: {"text": "1.0", "value": 1.0, "tolerance": 0.1},
    explore.explore: {"draw": lambda x: Sheet(alt="a", caption="c"), "start": {"x": 2}, "alt": None, "x": [1, 2]},
    figures.log_gradient_as_a_sum: {"factors": [2.0, 0.5], "layers": [1, 2]},
    figures.paths_along_depth: {"logs": LOGS, "lines": {"line": 1.0}, "limits": (0, 3), "quantity": "norm"},
    figures.norm_along_depth: {"gain": 1.5, "depth": 3},
    figures.norm_against_depth: {"norms": [1.0, 2.0], "radius": 1.0, "mark": "peak", "limits": (0.1, 10)},
    figures.last_depths: {"depths": {"float16": 28}, "factor": 1.5, "furthest": 100},
    figures.signal_and_loss: {"signals": LOGS, "losses": LOGS, "settings": "words"},
}

# values that are wrong, with what the message says instead (None: the value's repr) and what it says is allowed
NOT_WHOLE = [(value, None, "must be an integer") for value in (2.0, "3", None, True, np.array([1, 2]), 1j)]
NOT_REAL = [(value, None, "one real number") for value in ("1", None, True, 1j, [1.0], np.ones(2), np.array(["a"]))]
NOT_A_NUMBER = [(NAN, None, "must be"), (torch.tensor(NAN), None, "must be")]
NOT_POSITIVE = [*NOT_REAL, *NOT_A_NUMBER, *((value, None, "positive and finite") for value in (0, -1.0, INF))]
TOO_LARGE = [(HUGE, None, "range of a float")]
NOT_REAL_ARRAY = [(value, None, "real numbers") for value in ("text", None, ["a"], [1j], [True], [None])]
RAGGED = [([[1.0], [1.0, 2.0]], None, "regular array")]
NOT_A_SERIES = [
    *NOT_REAL_ARRAY,
    *RAGGED,
    ([], "(0,)", "1 non-empty"),
    (1.0, "()", "1 non-empty"),
    (EYE, "(2, 2)", "1 "),
]
NOT_A_TABLE = [*NOT_REAL_ARRAY, *RAGGED, ([1.0, 2.0], "(2,)", "2 non-empty"), ([[]], "(1, 0)", "2 non-empty")]
NOT_A_SQUARE = [
    *NOT_A_TABLE,
    ([[1.0, 2.0]], "(1, 2)", "square"),
    ([[INF]], None, "finite"),
    (torch.tensor([[NAN]]), None, "finite"),
]
NOT_TEXT = [(value, None, "must be text") for value in (None, 3, b"bytes", ["words"])]
NOT_WORDS = [*NOT_TEXT, ("", None, "say something"), (" \n", None, "say something")]
NOT_A_MAPPING = [(value, None, "mapping") for value in (["line"], "line", 3)]
NOT_LIMITS = [(value, None, "") for value in ("ab", 3, (1,), (1, 2, 3), (2, 1), (1, 1), (1, NAN), (1, INF))]
NOT_AN_AXES = [(value, None, "matplotlib Axes") for value in (None, Figure(), AX.xaxis)]


def below(least):
    return [(value, None, f"at least {least}") for value in (least - 1, -5)]


WRONG = [
    (arguments.whole_number, "value", [*NOT_WHOLE, *below(1)]),
    (arguments.real_number, "value", [*NOT_REAL, *NOT_A_NUMBER, *TOO_LARGE]),
    (arguments.positive_number, "value", [*NOT_POSITIVE, *TOO_LARGE]),
    (arguments.real_array, "value", NOT_A_SERIES),
    (arguments.square_matrix, "value", NOT_A_SQUARE),
    (arguments.some_text, "value", NOT_WORDS),
    (arguments.interval, "value", NOT_LIMITS),
    (arguments.mapping, "value", NOT_A_MAPPING),
    (arguments.one_of, "value", [(value, None, "one of None, 'peak'") for value in ("top", 1, [], np.ones(2))]),
    (numerals.superscript, "number", NOT_WHOLE),
    (numerals.power_of_ten, "value", NOT_POSITIVE),
    (numerals.readable, "value", [*NOT_REAL, *TOO_LARGE]),
    (numerals.readable, "digits", [*NOT_WHOLE, *below(1)]),
    (canvas.Sheet, "alt", NOT_WORDS),
    (canvas.Sheet, "caption", NOT_WORDS),
    (canvas.sheet, "alt", NOT_WORDS),
    (canvas.sheet, "caption", NOT_WORDS),
    (canvas.svg_of, "figure", [(value, None, "matplotlib Figure") for value in (None, "<svg/>", AX)]),
    (canvas.log_axis, "axis", [(value, None, "xaxis or yaxis") for value in (None, "x", AX)]),
    (canvas.label_powers_of_ten, "ax", NOT_AN_AXES),
    (canvas.label_ends, "ax", NOT_AN_AXES),
    (jacobians.norms_of_powers, "matrix", NOT_A_SQUARE),
    (jacobians.norms_of_powers, "depth", [*NOT_WHOLE, *below(0)]),
    (jacobians.spectral_radius, "matrix", NOT_A_SQUARE),
    (jacobians.largest_singular_value, "matrix", NOT_A_SQUARE),
    (jacobians.transient_peak, "matrix", NOT_A_SQUARE),
    (jacobians.transient_peak, "depth", [*NOT_WHOLE, *below(0)]),
    (jacobians.growth_rate, "n", [*NOT_WHOLE, *below(1)]),
    (jacobians.growth_rate, "gain", NOT_POSITIVE),
    (jacobians.growth_spread, "n", [*NOT_WHOLE, *below(1)]),
    (jacobians.growth_spread, "depth", [*NOT_WHOLE, *below(0)]),
    (jacobians.log_norms_of_random_products, "n", [*NOT_WHOLE, *below(1)]),
    (jacobians.log_norms_of_random_products, "gain", NOT_POSITIVE),
    (jacobians.log_norms_of_random_products, "depth", [*NOT_WHOLE, *below(0)]),
    (jacobians.log_norms_of_random_products, "runs", [*NOT_WHOLE, *below(1)]),
    (jacobians.log_norms_of_random_products, "seed", [*NOT_WHOLE, *below(0)]),
    (evidence.Evidence, "measured", [*NOT_REAL_ARRAY, *RAGGED, ([], "(0,)", "non-empty"), ([1, NAN], "nan", "NaN")]),
    (evidence.Evidence, "expected", [*NOT_REAL[:1], *NOT_REAL[2:], *NOT_A_NUMBER, (None, None, "exactly one")]),
    (evidence.Evidence, "at_least", [(1.0, None, "exactly one")]),
    (evidence.Evidence, "at_most", [(1.0, None, "exactly one")]),
    (evidence.Evidence, "tolerance", [*NOT_REAL, *NOT_A_NUMBER, *((v, None, "non-negative") for v in (-1, INF))]),
    (claims.check, "id", [(value, None, WITH_CONDITION) for value in ("no-such-claim", None, [], 3)]),
    (claims.check, "measured", [*NOT_REAL_ARRAY, *RAGGED, ([], "(0,)", "non-empty"), (NAN, "nan", "NaN")]),
    (claims.check, "expected", [*NOT_REAL[:1], *NOT_REAL[2:], *NOT_A_NUMBER, (None, None, "exactly one")]),
    (claims.check, "at_least", [(1.0, None, "exactly one")]),
    (claims.check, "at_most", [(1.0, None, "exactly one")]),
    (claims.check, "tolerance", [*NOT_REAL, *NOT_A_NUMBER, (-1, None, "non-negative")]),
    (claims.check, "on_condition", [(1.0, None, "Evidence"), (evidence.Evidence(1, expected=1), None, "exactly when")]),
    (claims.said, "text", [(value, None, "number") for value in ("about 3", "", "4,00", None, 1.0, ["1"])]),
    (claims.said, "value", [*NOT_REAL, *NOT_A_NUMBER]),
    (claims.said, "tolerance", [*NOT_POSITIVE[:1], *NOT_POSITIVE[2:]]),  # None stands for: as exact as the text
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
    (figures.log_gradient_as_a_sum, "factors", [([v, 1.0], f"{v}", "positive and finite") for v in (0, -1, INF, NAN)]),
    (figures.log_gradient_as_a_sum, "layers", [([1], None, "each of the 2 factors"), (5, None, "sequence")]),
    (figures.paths_along_depth, "logs", [*NOT_A_TABLE, ([[1.0], [2.0]], "1", "at least 2")]),
    (figures.paths_along_depth, "lines", [*NOT_A_MAPPING, ({"line": "1"}, "'1'", "real"), ({"line": NAN}, "nan", "")]),
    (figures.paths_along_depth, "lines", [(dict.fromkeys("abcd", 1.0), None, "three")]),
    (figures.paths_along_depth, "limits", NOT_LIMITS),
    (figures.paths_along_depth, "quantity", NOT_WORDS),
    (figures.norm_along_depth, "gain", NOT_POSITIVE),
    (figures.norm_along_depth, "depth", [*NOT_WHOLE, *below(1)]),
    (figures.norm_against_depth, "norms", [*NOT_A_SERIES, ([1.0], "1", "at least 2")]),
    (figures.norm_against_depth, "radius", [*NOT_POSITIVE[:1], *NOT_POSITIVE[2:]]),  # None stands for: no line
    (figures.norm_against_depth, "mark", [(value, None, "one of None, 'peak'") for value in ("top", 3, [])]),
    (figures.norm_against_depth, "limits", [*NOT_LIMITS, ((0, 1), "0", "positive"), ((-2, 1), "-2", "positive")]),
    (figures.last_depths, "depths", [*NOT_A_MAPPING, ({}, None, "empty"), ({"a": 0}, "0", "at least 1")]),
    (figures.last_depths, "depths", [({"a": 2.5}, "2.5", "integer")]),
    (figures.last_depths, "factor", [*NOT_POSITIVE, (1, "1", "not be 1")]),
    (figures.last_depths, "furthest", [*NOT_WHOLE, *below(2)]),
    (figures.signal_and_loss, "signals", NOT_A_TABLE),
    (figures.signal_and_loss, "losses", [*NOT_A_TABLE, ([[1.0]], "(1, 1)", "as many seeds as signals (2)")]),
    (figures.signal_and_loss, "settings", NOT_WORDS),
]
CASES = [
    pytest.param(call, name, *case, id=f"{call.__name__}-{name}-{i}")
    for call, name, cases in WRONG
    for i, case in enumerate(cases)
]

# what cannot be wrong, or is somebody else's to refuse, and why
NOT_CHECKED = {
    **{(call, "name"): "written by the package itself" for call in RIGHT if call.__module__ == arguments.__name__},
    (arguments.whole_number, "at_least"): "written by the package itself",
    (arguments.real_array, "ndim"): "written by the package itself",
    (arguments.one_of, "allowed"): "written by the package itself",
    (arguments.real_number, "or_nan"): "written by the package itself",
    (canvas.Sheet, "figure"): "matplotlib refuses it",
    (canvas.sheet, "subplots"): "matplotlib refuses it",
    (canvas.label_ends, "x"): "matplotlib refuses it",
    (canvas.label_ends, "labels"): "written by the package itself",
    (explore.explore, "params"): "stands for the sliders: see x",
}
WITHOUT_INPUT = {
    claims.registry: "takes no argument",
    claims.Claim: "made from claims.toml, whose entries test_claims checks",
    claims.ClaimCheck: "made by check and from_record",
    explore.Explorable: "made by explore",
    jacobians.Peak: "made by transient_peak",
}


def public_calls():
    """Return every public function and class of the package, each where it is defined."""
    modules = [importlib.import_module(m.name) for m in pkgutil.walk_packages(gradlab.__path__, "gradlab.")]
    return {
        value
        for module in modules
        for name, value in vars(module).items()
        if not name.startswith("_") and callable(value) and getattr(value, "__module__", "") == module.__name__
    }


def test_every_public_function_is_in_the_table_or_has_a_reason_not_to_be():
    assert {call.__qualname__ for call in public_calls()} == {call.__qualname__ for call in [*RIGHT, *WITHOUT_INPUT]}
    assert public_calls() == {*RIGHT, *WITHOUT_INPUT}


def test_every_argument_of_every_public_function_is_in_the_table_or_has_a_reason_not_to_be():
    arguments_of = {(call, name) for call in RIGHT for name in inspect.signature(call).parameters}
    rows = {(call, name) for call, name, _ in WRONG} | set(NOT_CHECKED)
    # x is a slider of the example, not an argument by that name
    assert {f"{call.__name__}({name})" for call, name in arguments_of ^ rows} == {"explore(x)"}


@pytest.mark.parametrize("call", RIGHT, ids=lambda call: call.__name__)
def test_right_arguments_are_accepted(call):
    call(**RIGHT[call])


@pytest.mark.parametrize(("call", "name", "value", "shown", "allowed"), CASES)
def test_wrong_argument_is_refused_with_its_name_its_value_and_what_is_allowed(call, name, value, shown, allowed):
    with pytest.raises((TypeError, ValueError)) as error:
        call(**RIGHT[call] | {name: value})
    message = str(error.value)
    assert re.search(rf"\b{name}\b", message)
    assert (repr(value) if shown is None else shown) in message
    assert allowed in message
    assert "must" in message
