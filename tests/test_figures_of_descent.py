"""Descent on a parabola: where the steps land, and how far from the minimum."""

import itertools

import numpy as np
import pytest
from matplotlib.colors import to_hex

from drawn import INF, NAN, axes_titled
from gradlab import figures
from gradlab.canvas import BLUE, INK, ORANGE, RED

NEARER, OUTWARD = [2, 0.5, 0.125], [0.5, -1, 2, -4, 8]


def draw(iterates, curvature=100):
    return figures.descent_on_parabola(iterates, curvature=curvature, settings="Steps of a test.")


def marked(ax, marker):
    """Return the places of all points with a marker."""
    found = [line for line in ax.lines if line.get_marker() == marker]
    return [(x, y) for line in found for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True)]


@pytest.mark.parametrize("curvature", [0.5, 1, 100])
@pytest.mark.parametrize("iterates", [NEARER, [2, -1, 0.5, -0.25], [-2, 2, -2]])
def test_steps_land_on_the_parabola(iterates, curvature):
    ax = axes_titled(draw(iterates, curvature), "loss")
    assert marked(ax, "o") == [(w, pytest.approx(curvature * w * w / 2)) for w in iterates]
    ground, steps = ax.lines
    assert to_hex(ground.get_color()) == INK
    np.testing.assert_allclose(ground.get_ydata(), curvature * ground.get_xdata() ** 2 / 2)
    assert (ground.get_xdata()[0], ground.get_xdata()[-1]) == ax.get_xlim()
    assert len(ground.get_xdata()) > 30  # so many points look like a curve
    assert steps.get_linestyle() == "-"


def test_steps_are_followed_until_the_first_beyond_the_picture():
    ax = axes_titled(draw(OUTWARD), "loss")
    assert [w for w, _ in marked(ax, "o")] == [0.5, -1, 2, -4]
    assert [w for w, _ in marked(axes_titled(draw([9, 1, 0.1]), "loss"), "o")] == [9]


@pytest.mark.parametrize("iterates", [NEARER, OUTWARD, [2, -1, 0.5, -0.25], [-1, -1e-3, 1e-6, -1e-9]])
def test_distances_are_those_from_the_minimum_and_squares_are_left_of_it(iterates):
    ax = axes_titled(draw(iterates), "distance")
    right = [(step, pytest.approx(np.log10(w))) for step, w in enumerate(iterates) if w > 0]
    left = [(step, pytest.approx(np.log10(-w))) for step, w in enumerate(iterates) if w < 0]
    assert (marked(ax, "o"), marked(ax, "s")) == (right, left)
    assert all(tick == round(tick) for tick in ax.get_xticks())
    assert "squares: left" in ax.get_title(loc="left")
    assert {line.get_linestyle() for line in ax.lines if line.get_marker() in "os"} == {"None"}
    (one,) = (line for line in ax.lines if to_hex(line.get_color()) == INK)
    assert list(one.get_ydata()) == [0, 0]


@pytest.mark.parametrize("iterates", [[1, 0], [0, 0], [1, NAN], [1, 0, NAN, INF]])
def test_a_step_onto_the_minimum_or_out_of_the_number_format_has_no_distance_to_draw(iterates):
    ax = axes_titled(draw(iterates), "distance")
    drawn = marked(ax, "o") + marked(ax, "s")
    assert [y for _, y in drawn if np.isfinite(y)] == [0] * iterates.count(1)


@pytest.mark.parametrize(
    ("iterates", "color"),
    [(NEARER, BLUE), ([2, -2], BLUE), ([1, 2], RED), (OUTWARD, RED), ([1, INF], RED), ([1, INF, NAN], RED)],
)
def test_descent_that_ends_further_out_is_red(iterates, color):
    figure = draw(iterates)
    assert to_hex(axes_titled(figure, "loss").lines[1].get_color()) == color
    shades = {line.get_marker(): to_hex(line.get_color()) for line in axes_titled(figure, "distance").lines}
    assert (shades["o"], shades["s"]) == (color, ORANGE)


def test_axes_are_the_same_for_every_learning_rate_and_show_the_start():
    limits = set()
    for rate in (0.001, 0.01, 0.019, 0.02, 0.021, 0.03):
        figure = draw(2 * (1 - 100 * rate) ** np.arange(41.0))
        limits.add(tuple((ax.get_ylim(), ax.get_xlim()) for ax in figure.axes))
        loss, distance = figure.axes
        assert loss.get_ylim() == pytest.approx((0, 100 * loss.get_xlim()[1] ** 2 / 2))
        assert loss.get_xlim()[0] < -2 < 2 < loss.get_xlim()[1]
        assert distance.get_xlim()[0] < 0 < 40 < distance.get_xlim()[1]
        assert distance.get_ylim() == (-8, 8)
        assert (loss.get_xlabel(), distance.get_xlabel(), figure.caption) == ("w", "step", "Steps of a test.")
        labels = [label.get_text() for label in distance.get_yticklabels()]
        assert {"1", "10⁶"} <= set(labels)
    assert len(limits) == 1


@pytest.mark.parametrize(
    ("factor", "way"),
    [
        (0.5, "The steps approach the minimum from one side."),
        (0, "The steps approach the minimum from one side."),
        (1, "The steps come no closer."),
        (1.5, "The steps lead away."),
        (-0.5, "The steps jump from side to side, closer each time."),
        (-1, "The steps jump from side to side, and come no closer."),
        (-1.5, "The steps jump from side to side, further out each time."),
    ],
)
@pytest.mark.parametrize("start", [1, -2])
def test_words_say_which_way_the_steps_take(start, factor, way):
    iterates = list(itertools.accumulate([factor] * 4, lambda w, f: w * f, initial=start))
    assert draw(iterates).alt.startswith(f"{way} After 4 steps the distance ")
