"""What the pictures of signs show: curves to sort, shares, thresholds and warnings, against numbers worked by hand."""

import numpy as np
import pytest

from drawn import INF, NAN
from gradlab import figures
from gradlab.canvas import BLUE, RED

FOUR = {"exploding": [0.5, 20.0, 30.0, INF], "healthy": [0.0, 2.0, 0.3], "other": [0.1]}


def curves(labels, **settings):
    return figures.loss_curves({label: [1.0, 2.0] for label in labels}, settings="words", **settings)


def along(threshold):
    return figures.runs_along_sign(FOUR, threshold, sign="spike", settings="words")


@pytest.mark.parametrize(
    ("threshold", "title"),
    [
        (1.0, "precision 75%, recall 75%"),
        (3.0, "precision 100%, recall 75%"),
        (0.2, "precision 67%, recall 100%"),
        (20.0, "precision 100%, recall 50%"),  # a score at the threshold is not above it
    ],
)
def test_title_is_precision_and_recall_at_the_threshold(threshold, title):
    (ax,) = along(threshold).axes
    assert ax.get_title(loc="left") == title


def test_scores_beyond_the_axis_stand_at_its_edge_and_none_is_left_out():
    (ax,) = along(1.0).axes
    low, high = ax.get_xlim()
    drawn = [line.get_xdata() for line in ax.lines[:3]]
    assert [len(x) for x in drawn] == [4, 3, 1]
    assert drawn[0].max() == high
    assert drawn[1].min() == low


def test_groups_are_told_apart_by_more_than_colour():
    lines = along(1.0).axes[0].lines[:3]
    assert len({line.get_marker() for line in lines}) == 3


def test_nothing_tells_which_curves_explode_unless_it_is_given():
    hidden, told = curves("AB"), curves("AB", exploding={"B"})
    assert len({ax.lines[0].get_color() for ax in hidden.axes}) == 1
    assert [ax.get_title(loc="left") for ax in hidden.axes] == ["A", "B"]
    assert "explode" not in hidden.alt
    assert [ax.lines[0].get_color() for ax in told.axes] == [BLUE, RED]
    assert [ax.get_title(loc="left") for ax in told.axes] == ["A: does not", "B: explodes"]


def test_curve_ends_in_a_cross_before_its_first_nan_and_stays_on_the_axis():
    run = {"A": [1.0, 1e9, INF, 5.0], "B": [1.0, 1e-9, 1.0, 1.0]}
    left, right = figures.loss_curves(run, settings="words").axes
    line, cross = left.lines
    assert len(line.get_ydata()) == 2
    assert (cross.get_marker(), cross.get_xdata()[0]) == ("X", 1)
    assert len(right.lines) == 1
    low, high = left.get_ylim()
    assert all(low <= y <= high for ax in (left, right) for line in ax.lines for y in line.get_ydata())


def test_all_curves_share_their_axes_and_a_line_marks_what_was_shown():
    figure = curves("ABCDE", shown=2)
    shown = figure.axes[:5]
    assert len({(ax.get_xlim(), ax.get_ylim()) for ax in shown}) == 1
    assert all(ax.lines[1].get_xdata()[0] == 1 for ax in shown)


def test_warnings_stand_before_the_nan_in_their_order():
    figure = figures.warning_times({"spike": [7, 0, NAN, 1], "NaN": [0, 0]}, settings="words")
    (ax,) = figure.axes
    np.testing.assert_allclose(sorted(ax.lines[0].get_xdata()), [-3, -1, 0])  # minus log2 of 1 + steps
    assert [line.get_color() for line in ax.lines[:2]] == [BLUE, RED]
    assert [text.get_text() for text in ax.texts] == ["1 silent", ""]


def test_shares_stand_where_they_belong_and_each_has_its_own_mark():
    shares = {"a": {"precision": 0.25, "recall": 1.0}, "b": {"precision": NAN, "recall": 0.0}}
    (ax,) = figures.precision_and_recall(shares, settings="words").axes
    precision, recall = ax.lines
    np.testing.assert_array_equal(precision.get_xdata(), [0.25, NAN])
    np.testing.assert_array_equal(recall.get_xdata(), [1.0, 0.0])
    assert precision.get_marker() != recall.get_marker()
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["a", "b"]
