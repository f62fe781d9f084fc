"""A loss is seen from above as it was computed, and one step goes from the start as far as rate times slope."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from drawn import SEEDS, words_on
from gradlab import figures
from gradlab.canvas import BLUE, RED

WEIGHTS, BIASES = np.linspace(4, 6, 21), np.linspace(-3, -2, 11)
LOSSES = np.random.default_rng(0).uniform(1, 9, (11, 21))
GRADIENT = (30.0, -40.0)  # of norm 50


def draw(losses=LOSSES, *, start=(5.05, -2.62), gradient=GRADIENT, rate=0.01, max_norm=1.0):
    options = {"start": start, "gradient": gradient, "rate": rate, "max_norm": max_norm}
    return figures.step_at_cliff(WEIGHTS, BIASES, losses, **options, settings="A cliff of a test.")


def red_lines(ax):
    return [line for line in ax.lines if to_hex(line.get_color()) == RED]


@pytest.mark.parametrize("seed", SEEDS)
def test_surface_is_the_loss_at_each_weight_and_bias(seed):
    losses = np.random.default_rng(seed).uniform(size=(11, 21))
    above = draw(losses).axes[0]
    (image,) = above.images
    np.testing.assert_array_equal(image.get_array(), losses)
    assert (image.origin, image.get_interpolation()) == ("lower", "none")  # the first row is the lowest bias
    left, right, bottom, top = image.get_extent()
    half = np.array([0.051, 0.051])  # a cell reaches half of its width beyond its weight and bias
    assert (abs(np.array([left, bottom]) - [4, -3]) <= half).all()
    assert (abs(np.array([right, top]) - [6, -2]) <= half).all()


@pytest.mark.parametrize("start", [(5.05, -2.62), (4, -3), (6, -2)])
def test_start_is_marked_on_the_surface_and_on_its_cut(start):
    above, cut, _ = draw(start=start).axes
    (point,) = above.lines
    assert (list(point.get_xdata()), list(point.get_ydata())) == ([start[0]], [start[1]])
    assert (point.get_marker(), to_hex(point.get_color())) == ("o", RED)
    mark = red_lines(cut)[-1]
    row = LOSSES[round((start[1] + 3) * 10)]
    assert (mark.get_marker(), list(mark.get_xdata())) == ("o", [start[0]])
    assert float(mark.get_ydata()[0]) == pytest.approx(np.interp(start[0], WEIGHTS, row))


@pytest.mark.parametrize(("bias", "row"), [(-3, 0), (-2.96, 0), (-2.94, 1), (-2.62, 4), (-2.58, 4), (-2, 10)])
def test_cut_is_the_loss_at_the_bias_nearest_to_the_start(bias, row):
    cut = draw(start=(5, bias)).axes[1]
    assert to_hex(cut.lines[0].get_color()) == BLUE
    assert cut.lines[0].get_xdata().tolist() == WEIGHTS.tolist()
    np.testing.assert_array_equal(cut.lines[0].get_ydata(), LOSSES[row])


@pytest.mark.parametrize(("slope", "end"), [(30, 4.75), (-30, 5.35), (0.5, 5.045), (0, 5.05)])
def test_step_goes_down_the_slope_by_rate_times_the_slope_in_the_weight(slope, end):
    cut = draw(gradient=(slope, -40)).axes[1]
    step, start = red_lines(cut)
    assert list(step.get_xdata()) == [5.05, pytest.approx(end)]
    heights = {float(y) for y in (*step.get_ydata(), *start.get_ydata())}
    assert len(heights) == 1
    assert (step.get_linestyle(), step.get_marker()) == ("-", "None")


@pytest.mark.parametrize(("slope", "end", "head"), [(200, 4, "<"), (1e9, 4, "<"), (-200, 6, ">"), (-1e9, 6, ">")])
def test_step_that_leaves_the_picture_ends_at_its_edge_in_an_arrow_head(slope, end, head):
    cut = draw(gradient=(slope, 0)).axes[1]
    step, arrow, start = red_lines(cut)
    assert list(step.get_xdata()) == [5.05, end]
    assert (arrow.get_marker(), arrow.get_clip_on(), list(np.atleast_1d(arrow.get_xdata()))) == (head, False, [end])
    assert np.atleast_1d(arrow.get_ydata()) == np.atleast_1d(start.get_ydata())


@pytest.mark.parametrize(
    ("gradient", "max_norm", "words"),
    [
        ((30, -40), 1, "step without clipping: 0.5\nwith clipping: 0.01"),
        ((30, -40), 25, "step without clipping: 0.5\nwith clipping: 0.25"),
        ((0.3, -0.4), 1, "step without clipping: 0.005\nwith clipping: 0.005"),
        ((-3e5, 4e5), 0.1, "step without clipping: 5,000\nwith clipping: 0.001"),
    ],
)
def test_words_say_rate_times_the_norm_and_at_most_rate_times_the_threshold(gradient, max_norm, words):
    figure = draw(gradient=gradient, max_norm=max_norm)
    assert words_on(figure) == [words]
    free, clipped = (line.split(": ")[1] for line in words.split("\n"))
    assert figure.alt.endswith(f"A step from there has length {free}, or {clipped} with clipping.")


@pytest.mark.parametrize("highest", [1e-6, 1, 14, 1e6])
def test_words_have_room_above_the_curve(highest):
    figure = draw(np.full((11, 21), highest))
    figure.draw_without_rendering()
    cut = figure.axes[1]
    (words,) = cut.texts
    box = words.get_window_extent()
    assert cut.transData.transform((5, highest))[1] < box.y0 < box.y1 <= cut.bbox.y1
    assert cut.bbox.x0 < box.x0 < box.x1 < cut.bbox.x1
    assert cut.get_ylim()[0] == 0  # a loss is seen against zero


def test_axes_and_caption_say_what_is_drawn():
    figure = draw()
    above, cut, bar = figure.axes
    assert (above.get_xlabel(), above.get_title(loc="left"), bar.get_ylabel()) == ("weight", "bias", "loss")
    assert (cut.get_xlabel(), cut.get_title(loc="left")) == ("weight", "loss at the starting point's bias")
    assert cut.get_xlim() == pytest.approx((4, 6))
    assert above.get_xlim() == pytest.approx((4, 6), abs=0.051)
    assert figure.caption == "A cliff of a test."
    lowest, highest = (f"{value:.2g}" for value in (LOSSES.min(), LOSSES.max()))
    assert figure.alt.startswith(f"A loss over weight and bias, from {lowest} to {highest}. At the starting point")
    assert "the gradient has norm 50." in figure.alt
