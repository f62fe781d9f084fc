"""Pictures of training runs show each run, the dead ones too."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from drawn import INF, NAN, SEEDS, assert_data_inside, assert_texts_have_room, axes_titled, boxes_of_texts, words_on
from gradlab import figures
from gradlab.canvas import BLUE, INK, RED


def test_training_runs_end_in_a_cross_where_they_leave_the_picture():
    losses = [[2, 1, 0.5, 0.2], [3, 30, NAN, NAN], [3, INF, 1, 1], [2, 3, 4, 1e300]]
    figure = figures.signal_and_loss(np.ones((4, 3)), losses, settings="Four runs.")
    ax = axes_titled(figure, "loss")
    top = ax.get_ylim()[1]
    alive = [line for line in ax.lines if to_hex(line.get_color()) == BLUE]
    assert [list(line.get_ydata()) for line in alive] == [losses[0]]
    crosses = [line for line in ax.lines if line.get_marker() == "X"]
    assert [(list(cross.get_xdata()), list(cross.get_ydata())) for cross in crosses] == [
        ([2], [top]),
        ([1], [top]),
        ([3], [top]),
    ]
    dying = [list(line.get_ydata()) for line in ax.lines if to_hex(line.get_color()) == RED and line not in crosses]
    assert dying == [[3, 30, top], [3, top], [2, 3, 4, top]]
    assert figure.caption == "Four runs."
    assert_data_inside(ax)


@pytest.mark.parametrize("seed", SEEDS)
def test_gradient_is_the_median_over_seeds_inside_the_band_of_all(seed):
    signals = np.random.default_rng(seed).lognormal(0, 2, (5, 7))
    figure = figures.signal_and_loss(signals, np.ones((5, 3)), settings="Five runs.")
    ax = axes_titled(figure, "gradient")
    ranked = np.sort(signals, axis=0)
    np.testing.assert_allclose(ax.lines[0].get_ydata(), ranked[2])
    band = ax.collections[0].get_paths()[0].vertices
    for layer in range(7):
        heights = band[band[:, 0] == layer, 1]
        assert (heights.min(), heights.max()) == pytest.approx((ranked[0, layer], ranked[4, layer]))
    assert_data_inside(ax)


def test_a_run_that_leaves_the_picture_counts_as_dead_even_if_it_is_finite():
    figure = figures.signal_and_loss(np.ones((3, 2)), [[1, 1, 1], [1, 1e9, 1], [1, 1, INF]], settings="three runs")
    assert figure.alt.startswith("2 of 3 training runs die, the first at step 1.")


GROUPS = {"He": [0.9, 0.5, 0.8], "1.2 × He": [NAN, 0.1, -3, NAN, -INF], "N(0, 1)": [NAN] * 20}


def draw_scores(scores, **options):
    return figures.final_scores(scores, settings="Runs of a test.", **options)


def dots_of(ax):
    return [line for line in ax.lines if line.get_marker() == "o"]


def test_every_living_run_is_a_dot_at_its_score_in_the_row_of_its_group():
    (ax,) = draw_scores(GROUPS).axes
    assert [list(dots.get_xdata()) for dots in dots_of(ax)] == [[0.5, 0.8, 0.9], [0, 0, 0.1], []]
    for row, dots in enumerate(dots_of(ax)):
        assert (np.abs(dots.get_ydata() - row) < 0.25).all()
        assert dots.get_linestyle() == "None"
    assert list(ax.get_yticks()) == [0, 1, 2]
    assert [label.get_text() for label in ax.get_yticklabels()] == list(GROUPS)
    assert ax.yaxis_inverted()  # the first group on top


def test_dots_with_the_same_score_do_not_hide_each_other():
    (ax,) = draw_scores({"stuck": [0.1] * 20}).axes
    (dots,) = dots_of(ax)
    assert len(set(dots.get_ydata())) == 20
    assert np.ptp(dots.get_ydata()) > 0.3


def test_dead_runs_are_counted_beside_a_cross_left_of_all_scores():
    (ax,) = draw_scores(GROUPS).axes
    crosses = [line for line in ax.lines if line.get_marker() == "X"]
    assert [list(cross.get_ydata()) for cross in crosses] == [[1], [2]]
    assert {to_hex(cross.get_color()) for cross in crosses} == {RED}
    assert all(ax.get_xlim()[0] < cross.get_xdata()[0] < 0 for cross in crosses)
    assert {text.get_text(): text.xy[1] for text in ax.texts} == {"2 died": 1, "20 died": 2}


@pytest.mark.parametrize("label", ["He", "default", "diabetes, standardised", "tumours, three times He's weights"])
@pytest.mark.parametrize("beside", [1, 8])
def test_count_of_dead_runs_covers_no_dot_and_leaves_the_axes_nowhere(label, beside):
    scores = {label: [NAN] * 20 + [0]} | {f"{i}": [0.5] for i in range(beside - 1)}
    figure = draw_scores(scores, chance=0)
    (ax,) = figure.axes
    box = boxes_of_texts(figure)["20 died"]
    dot = ax.transData.transform((0, 0))[0]
    assert box.x1 < dot - 4.5 / 2 * figure.dpi / 72
    (cross,) = (line for line in ax.lines if line.get_marker() == "X")
    radius = 7 / 2 * figure.dpi / 72
    at = ax.transData.transform((cross.get_xdata()[0], 0))[0]
    assert ax.bbox.x0 <= at - radius
    assert at + radius < box.x0
    assert_texts_have_room(figure)


@pytest.mark.parametrize("chance", [0, 0.1, 0.5, 1])
def test_chance_is_a_named_line(chance):
    figure = draw_scores({"He": [0.9]}, chance=chance)
    (ax,) = figure.axes
    (line,) = (line for line in ax.lines if to_hex(line.get_color()) == INK)
    assert list(line.get_xdata()) == [chance, chance]
    assert words_on(figure) == ["chance"]
    assert ax.texts[0].xy[0] == chance
    assert ax.texts[0].xy[1] < -0.3  # above the dots of the first row
    assert_texts_have_room(figure)


def test_without_chance_there_is_no_line():
    (ax,) = draw_scores({"He": [0.9]}).axes
    assert len(ax.lines) == 1
    assert ax.get_xlim()[0] > -0.1  # nor a column for dead runs
    assert not ax.texts


@pytest.mark.parametrize("scores", [GROUPS, {"He": [0, 1]}, {str(i): [0.5] for i in range(8)}])
def test_scores_from_0_to_1_are_on_the_axis_and_every_row_is_in_the_picture(scores):
    figure = draw_scores(scores, score="R²")
    (ax,) = figure.axes
    assert list(ax.get_xticks()) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1])
    assert ax.get_xlim()[0] < 0 < 1 < ax.get_xlim()[1] < 1.1
    bottom, top = ax.get_ylim()
    assert bottom > len(scores) - 1 + 0.22
    assert top < -0.9  # room for the word chance
    assert (ax.get_xlabel(), figure.caption) == ("R²", "Runs of a test.")
    assert figure.get_size_inches()[1] == pytest.approx(1 + 0.42 * len(scores))
    assert draw_scores(scores).axes[0].get_xlabel() == "accuracy"
