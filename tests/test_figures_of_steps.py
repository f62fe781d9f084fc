"""Norms at every step are drawn as they were measured, with a threshold, and crosses where they leave the format."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from drawn import INF, NAN, SEEDS, assert_data_inside, assert_texts_have_room, band_at, boxes_of_texts, lines, words_on
from gradlab import figures
from gradlab.canvas import BLUE, GREEN, INK, ORANGE, VIOLET

STYLES = [(BLUE, "-"), (ORANGE, "--"), (VIOLET, ":"), (GREEN, "-.")]


def draw(norms, **options):
    return figures.norms_over_steps(norms, settings="Networks of a test.", **options)


def crosses(ax):
    drawn = [line for line in ax.lines if line.get_marker() == "X" and not line.get_clip_on()]
    return [(line.get_xdata()[0], line.get_ydata()[0], to_hex(line.get_color())) for line in drawn]


@pytest.mark.parametrize("seed", SEEDS)
def test_curve_is_the_median_inside_the_band_of_nine_seeds_in_ten(seed):
    norms = np.random.default_rng(seed).lognormal(0, 2, (21, 30))
    (ax,) = draw({"a": norms}).axes
    ranked = np.log10(np.sort(norms, axis=0))
    assert list(ax.lines[0].get_xdata()) == list(range(30))
    np.testing.assert_allclose(ax.lines[0].get_ydata(), ranked[10])
    for step in range(30):  # of 21 seeds, the second from either end
        assert band_at(ax, step) == pytest.approx((ranked[1, step], ranked[19, step]))
    assert to_hex(ax.collections[0].get_facecolor()[0]) == BLUE
    assert_data_inside(ax)


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
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [0, 0, np.log10(11), 0])
    low, high = band_at(ax, 2)
    assert low == pytest.approx(np.log10(2))
    assert np.log10(19) - 1e-9 < high < np.log10(20) + 1e-9  # where seeds are infinite, a seed's own value
    assert not crosses(ax)


@pytest.mark.parametrize("threshold", [1, 0.02, 5e7])
@pytest.mark.parametrize("norms", [{"a": np.ones((2, 9))}, {"a": np.ones((1, 4)), "b": np.ones((1, 9))}])
def test_threshold_is_a_line_over_all_steps_with_its_number_beside_it(norms, threshold):
    figure = draw(norms, threshold=threshold)
    (ax,) = figure.axes
    line = ax.collections[-1]
    np.testing.assert_allclose(line.get_segments(), [[[0, np.log10(threshold)], [8, np.log10(threshold)]]])
    assert to_hex(line.get_color()[0]) == INK
    low, high = ax.get_ylim()
    assert low < np.log10(threshold) < high
    label = {1: "threshold 1", 0.02: "threshold 0.02", 5e7: "threshold 5.00 × 10⁷"}[threshold]
    (words,) = (text for text in ax.texts if text.get_text() == label)
    assert words.get_color() == INK
    assert words.xy == (8, pytest.approx(np.log10(threshold), abs=0.2 * (high - low)))


def test_without_a_threshold_none_is_drawn_or_spoken_of():
    figure = draw({"a": [[1, 2]]})
    assert words_on(figure) == ["a"]
    assert not figure.axes[0].collections
    assert figure.alt == "a: 1 at first, 2 at most, 2 in the end."


@pytest.mark.parametrize(
    ("norms", "share"),
    [
        ([[0.5, 1, 2, 4]], "50%"),  # the threshold itself is not above
        ([[2, 3]] * 3, "100%"),
        ([[0.1, 0.2]], "0%"),
        ([[0.5, 2], [2, 2]], "75%"),
        ([[0.5, 0.5, INF, NAN]], "50%"),  # what has left the format was too large
    ],
)
def test_alt_text_says_how_often_the_norms_of_all_seeds_are_above_the_threshold(norms, share):
    assert f", above the threshold at {share} of steps." in draw({"a": norms}, threshold=1.0).alt


@pytest.mark.parametrize(
    ("norms", "at"),
    [
        ([[1, 2, INF, INF]], 2),
        ([[1, 2, NAN, NAN]], 2),
        ([[INF] * 4], 0),
        ([[1, 2, 3, INF], [1, 2, INF, NAN]], 2),
        ([[1, 1, 1, 1]] * 3 + [[1, 1, NAN, INF]] * 3, 2),
        ([[1, 1, 1, 1]] * 3 + [[1, 1, INF, INF]] * 2, None),
    ],
)
@pytest.mark.parametrize("limits", [None, (1e-3, 1e3)])
def test_cross_stands_where_half_of_the_seeds_have_left_the_number_format(norms, at, limits):
    figure = draw({"whole": np.ones((1, 4)), "b": norms}, limits=limits)
    (ax,) = figure.axes
    top = ax.get_ylim()[1]
    assert crosses(ax) == ([] if at is None else [(at, top, ORANGE)])
    assert (f"infinite or NaN from step {at} on" in figure.alt) == (at is not None)
    assert at is None or np.isinf(ax.lines[1].get_ydata()[at])
    assert sorted(words_on(figure)) == ["b", "whole"]


@pytest.mark.parametrize("last", [INF, NAN])
@pytest.mark.parametrize(
    ("step", "label"), [(0, "1.5 × He, unclipped"), (1, "1.5 × He, unclipped"), (20, "b"), (39, "late")]
)
def test_label_of_a_curve_that_has_died_stands_at_its_cross_in_its_colour_and_is_not_lost(step, last, label):
    norms = np.ones((3, 40))
    norms[:, step:] = last
    figure = draw({"whole": np.ones((1, 40)), label: norms}, threshold=2.0)
    (ax,) = figure.axes
    (words,) = (text for text in ax.texts if text.get_text() == label)
    assert (*words.xy, words.get_color()) == (step, ax.get_ylim()[1], ORANGE)
    box, cross = boxes_of_texts(figure)[label], ax.transData.transform((step, 0))[0]
    assert box.x0 > cross if step < 20 else box.x1 < cross
    assert_texts_have_room(figure)


def test_curves_are_told_apart_by_their_dashes_as_well_as_by_colour():
    (ax,) = draw({label: [[1, k]] for k, label in enumerate("abcd", start=2)}).axes
    assert [(to_hex(line.get_color()), line.get_linestyle()) for line in ax.lines] == STYLES
    assert {text.get_text(): text.get_color() for text in ax.texts} == {
        label: color for label, (color, _) in zip("abcd", STYLES, strict=True)
    }


@pytest.mark.parametrize("limits", [None, (1e-2, 1e3)])
@pytest.mark.parametrize("end", [1e-9, 0.5, 1, 1e5])
def test_labels_stand_beside_the_last_step_at_the_height_of_their_curves_and_have_room(limits, end):
    curves = {"clipped by norm, at 1": [[1, 30, end]], "b": [[1, 1, 10]]}
    figure = draw(curves, threshold=1.0, limits=limits)
    (ax,) = figure.axes
    assert len(boxes_of_texts(figure)) == 3
    low, high = ax.get_ylim()
    for text in ax.texts:
        box = text.get_window_extent()
        assert ax.transData.transform((2, 0))[0] < box.x0
        assert box.x1 < ax.bbox.x1
    heights = {text.get_text(): text.xy[1] for text in ax.texts}
    wanted = {"clipped by norm, at 1": np.clip(np.log10(end), low, high), "b": 1}
    for label, height in wanted.items():  # moved only if another label is in the way
        assert heights[label] == pytest.approx(height, abs=0.2 * (high - low))
    assert_texts_have_room(figure)


def test_room_for_labels_is_not_taken_from_the_curves_where_labels_are_short():
    short, long = (draw({label: np.ones((1, 100))}).axes[0].get_xlim()[1] for label in ("b", "b" * 20))
    assert 100 < short < 120 < 145 < long < 170


def test_steps_are_as_many_as_the_longest_curve_has():
    (ax,) = draw({"a": np.ones((1, 3)), "b": np.ones((1, 50)), "c": np.ones((1, 4))}).axes
    assert [len(line.get_xdata()) for line in ax.lines] == [3, 50, 4]
    assert [text.xy[0] for text in ax.texts] == [49] * 3
    assert ax.get_xlim()[0] == 0


def test_limits_are_kept_and_title_axis_and_caption_say_what_is_drawn():
    figure = draw({"a": [[1, 1e9]]}, limits=(1e-4, 100), quantity="length of a step")
    (ax,) = figure.axes
    assert ax.get_ylim() == pytest.approx((-4, 2))
    assert ax.get_title(loc="left") == "length of a step (log axis)"
    assert {"10⁻²", "1"} <= {label.get_text() for label in ax.get_yticklabels()}
    assert (ax.get_xlabel(), figure.caption) == ("training step", "Networks of a test.")
    assert draw({"a": [[1, 2]]}).axes[0].get_title(loc="left") == "norm of the gradient (log axis)"
    assert lines(ax, color=BLUE)[0] == pytest.approx([0, 9])


def test_alt_text_gives_begin_peak_and_end_of_the_median():
    figure = draw({"a": [[1, 50, 3], [1, 70, 3], [1, 60, 3]], "b": [[9, 8, INF]]})
    assert figure.alt.startswith("a: 1 at first, 60 at most, 3 in the end. b: 9 at first, 9 at most, ")
    assert "infinite or NaN from step 2 on" in figure.alt


@pytest.mark.parametrize("steps", [2, 3, 11, 22, 51, 250, 11_000])
def test_ticks_are_whole_steps_from_0_to_the_last(steps):
    ticks = list(draw({"a": np.ones((1, steps))}).axes[0].get_xticks())
    assert ticks == sorted({int(tick) for tick in ticks})
    assert (ticks[0], len(ticks) >= 2) == (0, True)
    assert 0.7 * (steps - 1) <= ticks[-1] <= steps - 1


def test_labels_of_curves_that_die_at_the_same_step_stand_below_one_another():
    norms = np.ones((3, 40))
    norms[:, 5:] = INF
    figure = draw({"one": norms, "other": norms, "alive": np.ones((1, 40))})
    assert_texts_have_room(figure)


def test_norm_of_zero_is_no_catastrophe():
    figure = draw({"dead units": np.zeros((3, 10)), "alive": np.ones((3, 10))})
    assert "X" not in [line.get_marker() for line in figure.axes[0].lines]
    assert "infinite" not in figure.alt


def test_band_ends_at_a_seed_that_is_finite_where_one_in_twenty_is_not():
    norms = np.ones((20, 10))
    norms[0, 4:] = NAN
    figure = draw({"a": norms})
    (band,) = figure.axes[0].collections
    assert np.isfinite(band.get_paths()[0].vertices).all()


def test_steps_are_counted_from_the_first_that_is_given():
    norms = np.array([[1.0, 10.0, INF, INF]])
    figure = draw({"a": norms, "b": np.ones((1, 4))}, first=40, threshold=2.0)
    ax = figure.axes[0]
    assert ax.get_xlim()[0] == 40
    np.testing.assert_array_equal(ax.lines[1].get_xdata(), [40, 41, 42, 43])
    assert [line.get_xdata()[0] for line in ax.lines if line.get_marker() == "X"] == [42]
    assert "infinite or NaN from step 42 on" in figure.alt
    assert all(40 <= tick <= 43 for tick in ax.get_xticks())
