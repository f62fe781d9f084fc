"""Norms along the depth are drawn as they were measured, with theory beside them."""

import math

import numpy as np
import pytest
from matplotlib.colors import to_hex

from drawn import (
    INF,
    NAN,
    SEEDS,
    assert_data_inside,
    assert_texts_have_room,
    band_at,
    boxes_of_texts,
    lines,
    words_on,
)
from gradlab import figures
from gradlab.canvas import BLUE, GREEN, INK, ORANGE, VIOLET

AGAINST = ["layer", "time lag"]
STYLES = [(BLUE, "-"), (ORANGE, "--"), (VIOLET, ":"), (GREEN, "-.")]


def draw(norms, **options):
    return figures.signals_against_depth(norms, settings="Networks of a test.", **options)


def some_norms(seed, seeds=21, columns=11, rate=0.3):
    return np.random.default_rng(seed).normal(rate, 0.5, (seeds, columns)).cumsum(axis=1)


def crosses(ax):
    return [
        (line.get_xdata()[0], line.get_ydata()[0], to_hex(line.get_color()))
        for line in ax.lines
        if line.get_marker() == "X" and line.get_markersize() > 5 and not line.get_clip_on()
    ]


@pytest.mark.parametrize("against", AGAINST)
@pytest.mark.parametrize("seed", SEEDS)
def test_curve_is_the_median_inside_the_band_of_nine_seeds_in_ten(seed, against):
    logs = some_norms(seed)
    (ax,) = draw({"a": np.exp(logs)}, against=against).axes
    ranked = np.sort(logs, axis=0) / math.log(10)
    assert list(ax.lines[0].get_xdata()) == list(range(11))
    np.testing.assert_allclose(ax.lines[0].get_ydata(), ranked[10])
    for column in range(11):  # of 21 seeds, the second from either end
        assert band_at(ax, column) == pytest.approx((ranked[1, column], ranked[19, column]))
    assert_data_inside(ax)
    low, high = ax.get_ylim()
    assert low < ranked[1].min() < ranked[19].max() < high


def test_median_of_an_even_number_of_seeds_lies_halfway_on_the_log_axis():
    (ax,) = draw({"a": [[1, 100], [1, 10_000]]}).axes
    assert list(ax.lines[0].get_ydata()) == pytest.approx([0, 3])


def test_one_seed_has_no_band():
    (ax,) = draw({"a": [[1, 2, 3]]}).axes
    assert not ax.collections


def test_band_stops_where_seeds_are_no_longer_finite_and_the_curve_goes_on():
    norms = np.ones((20, 4))
    norms[:, 2] = np.arange(1, 21)
    norms[:3, 3] = NAN
    (ax,) = draw({"a": norms}).axes
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [0, 0, math.log10(11), 0])
    assert band_at(ax, 2) == pytest.approx((math.log10(2), math.log10(19)))
    assert not crosses(ax)


def test_curve_with_a_column_fewer_begins_at_layer_1():
    (ax,) = draw({"signal": [[8, 4, 2, 1]], "weights": [[9, 3, 1]]}).axes
    signal, weights = ax.lines
    assert (list(signal.get_xdata()), list(weights.get_xdata())) == ([0, 1, 2, 3], [1, 2, 3])
    assert ax.get_xlim()[1] == 3
    assert ax.get_xlim()[0] < 0


@pytest.mark.parametrize("against", AGAINST)
@pytest.mark.parametrize("columns", [11, 10])
@pytest.mark.parametrize("rate", [0.4, 0, -2.5])
def test_theory_starts_where_the_curve_does_and_rises_by_the_rate(rate, columns, against):
    logs = some_norms(1, columns=columns)
    (ax,) = draw({"a": np.ones((1, 11)), "b": np.exp(logs)}, rates={"b": rate}, against=against).axes
    (theory,) = lines(ax, color=INK)
    (line,) = (line for line in ax.lines if to_hex(line.get_color()) == INK)
    middle = np.median(logs, axis=0)
    layers = list(range(11 - columns, 11))
    if against == "layer":
        wanted = [middle[-1] + rate * (10 - layer) for layer in layers]
    else:
        wanted = [middle[0] + rate * lag for lag in layers]
    assert list(line.get_xdata()) == layers
    np.testing.assert_allclose(theory, np.array(wanted) / math.log(10))
    assert line.get_linewidth() < 1 < ax.lines[0].get_linewidth()
    assert_data_inside(ax)


@pytest.mark.parametrize(
    ("norms", "against", "label"),
    [
        ([[1, 10, 100]], "layer", "a (×0.1)"),
        ([[1, 10, 100]], "time lag", "a (×10)"),
        ([[64, 3, 7, 1]] * 3, "layer", "a (×4)"),
        ([[1, 3, 27], [1, 3, 3]], "time lag", "a (×3)"),
        ([[8, 1]], "layer", "a (×8)"),
    ],
)
def test_label_says_the_measured_factor_per_column_of_a_curve_with_theory(norms, against, label):
    assert words_on(draw({"a": norms}, rates={"a": 1.0}, against=against)) == [label]
    assert words_on(draw({"a": norms}, against=against)) == ["a"]
    assert words_on(draw({"a": norms, "b": norms}, rates={"b": 1.0}, against=against))[0] == "a"


def test_label_of_a_curve_that_begins_at_layer_1_counts_its_own_steps():
    words = words_on(draw({"a": [[1, 1, 1, 1]], "b": [[9, 3, 1]]}, rates={"b": 1.0}))
    assert "b (×3)" in words


@pytest.mark.parametrize(
    ("norms", "at"),
    [
        ([[1, 2, INF, INF]], 2),
        ([[1, 2, NAN, 3]], 2),
        ([[INF, NAN, 2, 1]], 1),
        ([[INF, 2, 2, 1]], 0),
        ([[INF] * 4], 0),
        ([[1, 2, 3, INF], [1, 2, INF, NAN]], 2),
        ([[1, 1, 1, 1]] * 3 + [[1, 1, INF, INF]] * 3, 2),
        ([[1, 1, 1, 1]] * 3 + [[1, 1, INF, INF]] * 2, None),
        ([[1, 0, 0, 0]], None),
    ],
)
@pytest.mark.parametrize("limits", [None, (1e-3, 1e3)])
def test_cross_stands_where_half_of_the_seeds_have_left_the_number_format(norms, at, limits):
    (ax,) = draw({"whole": np.ones((1, 4)), "b": norms}, limits=limits).axes
    top = ax.get_ylim()[1]
    assert crosses(ax) == ([] if at is None else [(at, top, ORANGE)])
    assert at is None or np.isinf(ax.lines[1].get_ydata()[at])


@pytest.mark.parametrize(("norms", "at"), [([[1, 2, INF]], 3), ([[INF, 2, 1]], 1)])
def test_cross_of_a_curve_that_begins_at_layer_1_stands_at_its_layer(norms, at):
    (ax,) = draw({"whole": np.ones((1, 4)), "b": norms}).axes
    assert crosses(ax) == [(at, ax.get_ylim()[1], ORANGE)]


def test_curves_are_told_apart_by_their_dashes_as_well_as_by_colour():
    (ax,) = draw({label: [[1, k]] for k, label in enumerate("abcd", start=2)}).axes
    assert [(to_hex(line.get_color()), line.get_linestyle()) for line in ax.lines] == STYLES
    assert {text.get_text(): text.get_color() for text in ax.texts} == {
        label: color for label, (color, _) in zip("abcd", STYLES, strict=True)
    }


@pytest.mark.parametrize("against", AGAINST)
@pytest.mark.parametrize("norms", [[[1, 1e5]], [[1e5, 1]], [[1, INF]], [[INF, 1]], [[1, NAN]]])
@pytest.mark.parametrize("limits", [None, (1e-2, 1e3)])
def test_labels_stand_beside_the_input_or_the_longest_lag_and_have_room(norms, limits, against):
    curves = {"N(0, 1)": norms, "default, in float16": [[2, 2]], "1.2 × He": [[1, 1]], "He": norms}
    figure = draw(curves, rates={"N(0, 1)": 1.0, "He": 2.0}, limits=limits, against=against)
    (ax,) = figure.axes
    boxes = boxes_of_texts(figure)
    assert len(boxes) == 4
    for box in boxes.values():
        if against == "layer":
            assert box.x1 < ax.transData.transform((0, 0))[0]
            assert ax.bbox.x0 < box.x0
        else:
            assert ax.transData.transform((1, 0))[0] < box.x0
            assert box.x1 < ax.bbox.x1
    assert_texts_have_room(figure)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("against", AGAINST)
def test_label_stands_at_the_height_of_the_end_of_its_curve(seed, against):
    logs = some_norms(seed, rate=0)
    (ax,) = draw({"a": np.exp(logs)}, against=against, limits=(1e-9, 1e9)).axes
    end = np.median(logs, axis=0)[0 if against == "layer" else -1] / math.log(10)
    left, right = ax.get_xlim()
    assert left < 0 if against == "layer" else right > 11.5  # room for it
    assert [text.xy for text in ax.texts] == [(0 if against == "layer" else 10, pytest.approx(end))]


@pytest.mark.parametrize(("against", "norms"), [("layer", [[1e-5, 1, 1]]), ("time lag", [[1, 1, 0]])])
def test_curve_that_ends_below_the_axis_has_its_label_at_the_lower_edge(against, norms):
    figure = draw({"a": norms, "b": [[1, 1, 1]]}, against=against, limits=(1e-3, 1e3))
    assert words_on(figure) == ["a", "b"]
    assert -3 < figure.axes[0].texts[0].xy[1] < -2.5


def test_limits_are_kept_and_title_axis_and_caption_say_what_is_drawn():
    (ax,) = draw({"a": [[1, 1e9]]}, limits=(1e-4, 100), quantity="norm of W").axes
    assert ax.get_ylim() == pytest.approx((-4, 2))
    assert ax.get_title(loc="left") == "norm of W (log axis)"
    assert {"10⁻²", "1"} <= {label.get_text() for label in ax.get_yticklabels()}
    assert ax.get_xlabel().startswith("layer")
    late = draw({"a": [[1, 1e9]]}, against="time lag")
    assert late.axes[0].get_xlabel().startswith("time lag")
    assert late.axes[0].get_xlim()[0] == 0
    assert late.axes[0].get_xlim()[1] > 1
    assert late.axes[0].get_title(loc="left") == "norm of the backward signal (log axis)"
    assert late.caption == "Networks of a test."


@pytest.mark.parametrize("columns", [2, 3, 11, 22, 51, 101])
@pytest.mark.parametrize("against", AGAINST)
def test_ticks_are_whole_layers_from_0_to_the_last(columns, against):
    (ax,) = draw({"a": np.ones((1, columns))}, against=against).axes
    ticks = list(ax.get_xticks())
    assert ticks == sorted({int(tick) for tick in ticks})
    assert (ticks[0], len(ticks) >= 2) == (0, True)
    assert 0.7 * (columns - 1) <= ticks[-1] <= columns - 1
