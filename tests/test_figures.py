"""What the pictures show is the data that they were given, and their words say what can be computed without them."""

import inspect
import math
import warnings
from xml.etree import ElementTree

import numpy as np
import pytest

from drawn import INF, NAN
from gradlab import figures
from gradlab.canvas import Sheet, svg_of

TENS = math.log(10)
JORDAN = [np.linalg.svd([[0.9**k, 10 * k * 0.9 ** (k - 1)], [0, 0.9**k]])[1][0] for k in range(101)]
FORMATS = {"float16": 28, "bfloat16": 220, "float32": 219, "float64": 1751}

PICTURES = [
    (figures.log_gradient_as_a_sum, ([2, 0.5, 3, 4],), {}, ["3 of 4 steps go up", "product of 12."]),
    (figures.log_gradient_as_a_sum, (np.full(10, 1.5),), {}, ["10 of 10 steps go up", "product of 57.7."]),
    (figures.log_gradient_as_a_sum, ([0.5, 0.25],), {"layers": [2, 1]}, ["0 of 2 steps go up", "product of 0.125."]),
    (figures.log_gradient_as_a_sum, ([1e200, 1e200],), {}, ["product of infinity."]),
    (figures.log_gradient_as_a_sum, ([1.0],), {}, ["0 of 1 steps go up", "product of 1."]),
    (figures.paths_along_depth, (TENS * np.outer([1, 2, 3], range(3)),), {}, ["After 2 layers", "is 10,000;"]),
    (
        figures.paths_along_depth,
        (TENS * np.outer(range(1, 22), range(2)),),
        {"lines": {"theory": 3 * TENS}, "quantity": "gradient", "limits": (0, 50)},
        ["median gradient is 1.0 × 10¹¹", "between 100 and 1.0 × 10²⁰.", "theory: 1,000."],
    ),
    (figures.paths_along_depth, ([[0, 1000.0, 2000.0]],), {"lines": {"line": 1000}}, ["infinity;", "line: infinity."]),
    (figures.paths_along_depth, ([[0, -INF], [0, 0], [0, 0]],), {}, ["is 1;", "between 0 and 1."]),
    (figures.paths_along_depth, ([[0, INF], [0, 0], [0, 0]],), {}, ["is 1;", "between 1 and infinity."]),
    (figures.paths_along_depth, ([[0, NAN], [0, 0]],), {}, ["is NaN"]),
    (figures.norm_along_depth, (1.5, 10), {}, ["gain 1.5", "10 layers is 57.7."]),
    (figures.norm_along_depth, (0.5, 10), {}, ["gain 0.5", "is 9.77 × 10⁻⁴."]),
    (figures.norm_along_depth, (1e10,), {}, ["50 layers is infinity."]),
    (
        figures.norm_against_depth,
        (JORDAN,),
        {"mark": "peak", "radius": 0.9},
        ["depth 9, where it is 38.7;", "is 0.03."],
    ),
    (figures.norm_against_depth, ([1, 10, 0, 0],), {}, ["largest at depth 1, where it is 10; at depth 3 it is 0."]),
    (figures.norm_against_depth, ([1, 1e200, INF, INF],), {"radius": 1e200}, ["depth 2, where it is infinity;"]),
    (figures.norm_against_depth, ([1, 2, NAN],), {}, ["NaN"]),
    (figures.norm_against_depth, (0.5 ** np.arange(1080.0),), {"radius": 0.5}, ["at depth 1079 it is 0."]),
    (
        figures.norm_against_depth,
        (1.5 ** np.arange(1751.0),),
        {"mark": "peak"},
        ["depth 1750, where it is 1.44 × 10³⁰⁸;"],
    ),
    (figures.norm_against_depth, (np.ones(2001),), {"radius": 1.5}, ["at depth 2000 it is 1."]),
    (figures.norm_against_depth, ([0, 0],), {"limits": (0.1, 10)}, ["at depth 1 it is 0."]),
    (
        figures.last_depths,
        (FORMATS,),
        {"factor": 1.5, "furthest": 5000},
        ["inf at depth 28 in float16", "1,751 in float64"],
    ),
    (
        figures.last_depths,
        ({"float16": 25},),
        {"factor": 0.5, "furthest": 99},
        ["0.5 to the", "0 at depth 25 in float16"],
    ),
    (
        figures.signal_and_loss,
        ([[100, 1], [900, 3], [80, 2]], [[2, 1, 0.5], [3, 1e9, INF], [3, NAN, 1]]),
        {"settings": "Three runs."},
        ["2 of 3 training runs die, the first at step 1.", "multiplied by 100."],
    ),
    (figures.signal_and_loss, ([[1, 4]], [[2, 1]]), {"settings": "One."}, ["0 of 1 training runs die.", "by 0.25."]),
    (figures.signal_and_loss, ([[1, 0]], [[NAN, NAN]]), {"settings": "One."}, ["first at step 0.", "by infinity."]),
    (
        figures.signals_against_depth,
        ({"a": [[1, 10, 100]] * 3, "b": [[4, 2, 1]]},),
        {"rates": {"a": math.log(0.5)}, "settings": "Three seeds and one."},
        ["a: multiplied by 0.01 on the way back to the input, 0.1 a layer (theory 0.5).", "by 4 on", "2 a layer."],
    ),
    (
        figures.signals_against_depth,
        ({"signal": [[8, 4, 2, 1]], "weights": [[9, 3, 1]]},),
        {"limits": (1e-3, 1e6), "quantity": "norms", "settings": "Weights begin at layer 1."},
        ["signal: multiplied by 8", "2 a layer.", "weights: multiplied by 9 on the way back to the input, 3 a layer."],
    ),
    (
        figures.signals_against_depth,
        ({"x": [[1, 0.5, 0.25]]},),
        {"against": "time lag", "rates": {"x": -1000}, "settings": "Fades."},
        ["x: multiplied by 0.25 on the way back over 2 steps, 0.5 a step (theory 0)."],
    ),
    (
        figures.signals_against_depth,
        ({"up": [[1, 2, 3, INF], [1, 2, INF, NAN]], "down": [[NAN, INF, 1], [INF, 1, 1]]},),
        {"rates": {"up": 1, "down": 1e9}, "settings": "Half of the seeds leave."},
        ["up: infinite or NaN from layer 2 on.", "down: infinite or NaN up to layer 2."],
    ),
    (
        figures.signals_against_depth,
        ({"half": [[1, 1]] * 3 + [[1, INF]] * 3, "less": [[1, 2]] * 3 + [[1, INF]] * 2},),
        {"against": "time lag", "limits": (0.1, 9), "settings": "Three of six, two of five."},
        ["half: infinite or NaN from time lag 1 on.", "less: multiplied by 2"],
    ),
    (
        figures.signals_against_depth,
        ({"nan": np.full((2, 3), NAN), "zero": np.zeros((2, 3)), "up": [[1, 0, 0]], "down": [[0, 0, 1]]},),
        {"rates": {"zero": 1}, "settings": "Nothing finite but 1."},
        ["nan: infinite or NaN from layer 0 on.", "zero: multiplied by NaN", "up: multiplied by infinity", "down: "],
    ),
    (
        figures.signals_against_depth,
        ({"a": [[1e300, 1, 1e-300]]},),
        {"settings": "Factor 1e600."},
        ["multiplied by infinity on the way back to the input, 1.00 × 10³⁰⁰ a layer."],
    ),
    (
        figures.growth_against_scale,
        ([0.5, 1, 4], {"linear": [0.5, 1, 4], "tanh": [0.25, 0.5, 0.125]}),
        {"scale": "gain g", "settings": "Two lines."},
        ["against the gain g.", "linear: 0.5 at 0.5, 4 at 4; tanh: 0.25 at 0.5, 0.125 at 4."],
    ),
    (
        figures.growth_against_scale,
        ([1, 1e6], {"a": [1e-9, 1e200], "b": [1, 2]}),
        {"measured_at": [10], "measured": {"b": [[3.0]]}, "limits": (0.5, 9), "scale": "s", "settings": "One seed."},
        ["a: 1.00 × 10⁻⁹ at 1, 1.00 × 10²⁰⁰ at 1.00 × 10⁶; b: 1 at 1, 2 at"],
    ),
    (
        figures.noise_against_batch_size,
        ([1, 4, 16], {"with": [8, 4, 2], "without": [8, 2, 0.5]}),
        {"theory": {"with": [8, 4, 2]}, "mean": 3, "settings": "Two."},
        [
            "with: 8 at a batch size of 1, 2 at 16, a slope of −0.5 on log axes.",
            "without: 8 at a batch size of 1, 0.5 at 16, a slope of −1 on log axes.",
            "The mean gradient has norm 3.",
        ],
    ),
    (
        figures.noise_against_batch_size,
        ([1, 10], {"noise": [1e200, 1e-200]}),
        {"limits": (1, 10), "settings": "Far."},
        ["noise: 1.0 × 10²⁰⁰ at a batch size of 1, 1.0 × 10⁻²⁰⁰ at 10, a slope of −400 on log axes."],
    ),
    (
        figures.correlations,
        ([1, 10], {"plain": [[0.5, 0.25]], "noise": [[1, -0.1], [0, 0.1], [1, 0]]}),
        {"theory": {"plain": [0.5, 0.2]}, "axis": "depth", "quantity": "cosine", "settings": "One and three."},
        ["cosine against depth. plain: 0.5 at 1, 0.25 at 10; noise: 1 at 1, 0 at 10."],
    ),
    (
        figures.correlations,
        ([1e-6, 1], {"a": [[-1, 0]]}),
        {"log": "both", "limits": (1e-9, 1), "axis": "step", "quantity": "cosine", "settings": "Nothing above 0."},
        ["a: −1 at 1.00 × 10⁻⁶, 0 at 1."],
    ),
    (
        figures.gradients_along_input,
        ([-1, 0, 1], {"a": [1, -2, 1e-300], "b": [1e300, 0, 0]}),
        {"settings": "Three points."},
        ["from −1 to 1. a: changes its sign 2 times. b: changes its sign 0 times."],
    ),
    (
        figures.gates_and_cell,
        ({"input gate": [1, 0, 0], "forget gate": [1, 1, 1], "output gate": [0.5, 0, 0]}, [0.5, -1, 1], [0.5, 0.5, 0]),
        {"settings": "Writes once."},
        [
            "The cell is 0.5 after the first of 3 steps and 0 after the last.",
            "Input gate more than half open at 1 of 3 steps; forget gate more than half open at every step; output "
            "gate more than half open at no step.",
        ],
    ),
    (
        figures.gates_and_cell,
        ({"f": [0.9]}, [1e3], [-2]),
        {"settings": "One step."},
        ["The cell is −2 after the first"],
    ),
    (
        figures.descent_on_parabola,
        ([2, 1, 0.5],),
        {"curvature": 100, "settings": "Halves."},
        ["approach the minimum from one side. After 2 steps the distance from the minimum is 0.5, where it was 2."],
    ),
    (figures.descent_on_parabola, ([-2, 1],), {"curvature": 1, "settings": "Jumps."}, ["side to side, closer each"]),
    (figures.descent_on_parabola, ([2, -2, 2],), {"curvature": 1, "settings": "Stays."}, ["and come no closer."]),
    (figures.descent_on_parabola, ([1, 1],), {"curvature": 1, "settings": "Rests."}, ["The steps come no closer."]),
    (figures.descent_on_parabola, ([1, 0, 0],), {"curvature": 1, "settings": "Hits."}, ["one side.", "is 0, where"]),
    (figures.descent_on_parabola, ([0, 0],), {"curvature": 1e9, "settings": "There."}, ["is 0, where it was 0."]),
    (figures.descent_on_parabola, ([1, 3, 1e200],), {"curvature": 1, "settings": "Flees."}, ["lead away.", "10²⁰⁰"]),
    (
        figures.descent_on_parabola,
        ([1, -1e300, INF],),
        {"curvature": 1e9, "settings": "Overflows."},
        ["further out each time.", "is infinity, where it was 1."],
    ),
    (figures.descent_on_parabola, ([1, INF, NAN],), {"curvature": 1, "settings": "Lost."}, ["outside of", "is NaN"]),
    (
        figures.final_scores,
        ({"He": [0.5, 0.9, 0.8], "large": [NAN, 0.1, NAN, 0.2], "N(0, 1)": [NAN, NAN]},),
        {"chance": 0.1, "settings": "Three ways."},
        [
            "He: all 3 runs live, scores from 0.5 to 0.9, median 0.8.",
            "large: 2 of 4 runs died, scores from 0.1 to 0.2, median 0.15.",
            "N(0, 1): 2 of 2 runs died.",
        ],
    ),
    (
        figures.final_scores,
        ({"raw": [-3, 0.5, 1], "lost": [-INF, 0.25, NAN]},),
        {"score": "R²", "settings": "Below 0."},
        [
            "raw: all 3 runs live, scores from −3 to 1, median 0.5.",
            "lost: 1 of 3 runs died, scores from minus infinity",
        ],
    ),
    (figures.final_scores, ({"one": [1]},), {"chance": 1, "settings": "One."}, ["scores from 1 to 1, median 1."]),
    (
        figures.clipped_arrows,
        ({"gradient": [3, 4], "norm": [0.75, 1], "value": [1, 1]}, 1),
        {"settings": "Three."},
        [
            "gradient: length 5, 53 degrees from the first axis; norm: length 1.25, turned by 0 degrees; "
            "value: length 1.41, turned by 8.1 degrees."
        ],
    ),
    (
        figures.clipped_arrows,
        ({"a": [-1e-9, 0], "b": [0, 1e9], "c": [1, 0], "d": [0, -2]}, 1e-3),
        {"settings": "Four."},
        [
            "a: length 1.00 × 10⁻⁹, 180 degrees from the first axis; b: length 1.00 × 10⁹, turned by 90 degrees; "
            "c: length 1, turned by 180 degrees; d: "
        ],
    ),
    (
        figures.step_at_cliff,
        ([4, 5, 6], [-3, -2], [[0, 1, 2], [3, 4, 50]]),
        {"start": [5, -2], "gradient": [-3e3, 4e3], "rate": 0.01, "max_norm": 1, "settings": "Steep."},
        ["from 0 to 50.", "gradient has norm 5,000.", "has length 50, or 0.01 with clipping."],
    ),
    (
        figures.step_at_cliff,
        ([0, 1], [0, 1], [[1, 1], [1, 1]]),
        {"start": [0, 1], "gradient": [0, 0.5], "rate": 1, "max_norm": 1, "settings": "Gentle."},
        ["from 1 to 1.", "norm 0.5.", "has length 0.5, or 0.5 with clipping."],
    ),
    (
        figures.norms_over_steps,
        ({"free": [[2, 8, 4]] * 3, "clipped": [[1, 0.5]]},),
        {"threshold": 3.0, "settings": "Three seeds and one."},
        [
            "free: 2 at first, 8 at most, 4 in the end, above the threshold at 67% of steps.",
            "clipped: 1 at first, 1 at",
        ],
    ),
    (
        figures.norms_over_steps,
        ({"a": [[1, 1e300, INF], [1, 1e300, NAN]], "nan": [[NAN, NAN]], "zero": [[1, 0]]},),
        {"limits": (0.1, 9), "settings": "Leaves."},
        ["a: 1 at first, 1.0 × 10³⁰⁰ at most, infinite or NaN from step 2 on.", "nan: infinite or NaN from step 0 on."],
    ),
    (
        figures.loss_curves,
        ({"A": [1, 0.5, 0.1], "B": [1, 2, INF], "C": [NAN, 1], "D": [1, 1], "E": [1, 9, 3]},),
        {"settings": "Five."},
        [
            "A falls. B rises, and is not finite at step 2. C is never finite. D stays about where it was. E rises.",
        ],
    ),
    (
        figures.loss_curves,
        ({"A": [1, 1e-9], "B": [-1, -1e9]},),
        {"exploding": ["B"], "shown": 1, "settings": "Two."},
        ["A falls; it does not explode. B rises; it explodes."],
    ),
    (
        figures.warning_times,
        ({"update": [1, 3, NAN], "NaN": [0, 0, 0], "none": [NAN, NAN, NAN]},),
        {"settings": "Three runs."},
        [
            "update: seen before the NaN in 2 of 3 runs (steps before it, median: 2), not at all in 1.",
            "NaN: seen before the NaN in 0 of 3 runs, not at all in 0.",
            "none: seen before the NaN in 0 of 3 runs, not at all in 3.",
        ],
    ),
    (
        figures.precision_and_recall,
        ({"a": {"precision": 1, "recall": 0.125}, "b": {"precision": NAN, "recall": 0}},),
        {"settings": "Two signs."},
        ["a: precision 100%, recall 12%. b: precision undefined, recall 0%."],
    ),
    (
        figures.runs_along_sign,
        ({"ill": [0.5, 2, INF, 1], "well": [0, 3, -1]}, 1),
        {"sign": "growth", "settings": "Seven runs."},
        ["growth, above 1: 2 of 4 ill, 1 of 3 well runs; precision 67%, recall 50%."],
    ),
    (
        figures.runs_along_sign,
        ({"a": [1], "b": [2], "c": [1e-300]}, 1e4),
        {"sign": "s", "limits": (0.1, 1e5), "settings": "None."},
        ["s, above 10,000: 0 of 1 a, 0 of 1 b, 0 of 1 c runs; precision undefined, recall 0%."],
    ),
]


def test_every_public_figure_is_pictured_here():
    public = {name for name, value in vars(figures).items() if inspect.isfunction(value)}
    assert public == set(figures.__all__) == {draw.__name__ for draw, *_ in PICTURES}


@pytest.mark.parametrize(("draw", "data", "settings", "takeaways"), PICTURES)
def test_figure_says_in_words_what_the_data_show_and_draws_without_a_warning(draw, data, settings, takeaways):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = draw(*data, **settings)
        ElementTree.fromstring(svg_of(figure))
    assert isinstance(figure, Sheet)
    assert [words for words in takeaways if words not in figure.alt] == []
    assert figure.caption.strip()
