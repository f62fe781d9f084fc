"""Arrows of a gradient and of what is left of it end where the entries say, and say by how much they are turned."""

import re
from itertools import combinations

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import Circle, Rectangle

from drawn import SEEDS
from gradlab import figures
from gradlab.canvas import BLUE, INK, ORANGE, VIOLET

COLORS = [INK, BLUE, ORANGE, VIOLET]
ANGLES = range(0, 360, 15)


def draw(arrows, threshold=1.0):
    return figures.clipped_arrows(arrows, threshold, settings="Arrows of a test.")


def at(degrees, length=1.0):
    return length * np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])


def arrows_and_labels(figure):
    """Return the annotations that are arrows, and those that are words by their words."""
    (ax,) = figure.axes
    arrows = [text for text in ax.texts if text.arrow_patch]
    return arrows, {text.get_text(): text for text in ax.texts if not text.arrow_patch}


def boxes_of_labels(figure):
    figure.draw_without_rendering()
    return {words: text.get_window_extent() for words, text in arrows_and_labels(figure)[1].items()}


def three(degrees, length=2.5):
    gradient = at(degrees, length)
    return {"gradient": gradient, "by norm": gradient / max(length, 1), "by value": gradient.clip(-1, 1)}


@pytest.mark.parametrize("seed", SEEDS)
def test_arrows_go_from_zero_to_the_entries_each_in_its_colour(seed):
    tips = np.random.default_rng(seed).normal(size=(2 + seed % 3, 2))
    arrows, labels = arrows_and_labels(draw(dict(zip("abcd", tips, strict=False))))
    assert len(arrows) == len(labels) == len(tips)
    for arrow, label, tip, color in zip(arrows, labels.values(), tips, COLORS, strict=False):
        assert (arrow.xyann, tuple(arrow.xy), tuple(label.xy)) == ((0, 0), tuple(tip), tuple(tip))
        assert (to_hex(arrow.arrow_patch.get_edgecolor()), label.get_color()) == (color, color)
        assert arrow.arrow_patch.shrinkA == arrow.arrow_patch.shrinkB == 0  # no gap: the tip is on the circle
        assert "-|>" in str(arrow.arrowprops["arrowstyle"])
        assert label.xyann != (0, 0)


@pytest.mark.parametrize("threshold", [1, 0.25, 40])
def test_circle_and_square_are_those_that_clipping_keeps_gradients_in(threshold):
    (ax,) = draw(three(15), threshold).axes
    circle, square = ax.patches
    assert isinstance(circle, Circle)
    assert (circle.center, circle.radius, circle.get_fill()) == ((0, 0), threshold, False)
    assert isinstance(square, Rectangle)
    assert square.get_bbox().extents.tolist() == [-threshold, -threshold, threshold, threshold]
    assert not square.get_fill()
    assert circle.get_linestyle() != square.get_linestyle()


@pytest.mark.parametrize("degrees", ANGLES)
@pytest.mark.parametrize("turn", [1, 44, 89, 120, 180])
def test_label_and_alt_text_say_by_how_much_an_arrow_is_turned_to_either_side(degrees, turn):
    for signed in (turn, -turn):
        figure = draw({"a": at(degrees, 7), "b": at(degrees + signed, 0.3)})
        assert list(arrows_and_labels(figure)[1]) == ["a", f"b ({turn}°)"]
        first, second = figure.alt.split("; ")
        assert re.fullmatch(r"a: length 7, -?\d+ degrees from the first axis", first)
        assert second == f"b: length 0.3, turned by {turn} degrees."


def test_value_clipping_of_100_and_1_turns_by_45_degrees_less_the_arc_tangent_of_a_hundredth():
    figure = draw({"gradient": [100, 1], "by value": [1, 1]})
    assert np.degrees(np.arctan(0.01)) == pytest.approx(45 - 44.427, abs=1e-4)
    assert figure.alt == (
        "gradient: length 100, 1 degrees from the first axis; by value: length 1.41, turned by 44 degrees."
    )


def test_an_arrow_along_the_gradient_is_turned_by_exactly_nothing():
    for seed in SEEDS:  # an arc cosine of the ratio would be off by up to 1e-6 degrees, and say so
        gradient = np.random.default_rng(seed).normal(size=2)
        assert "b: length " in (alt := draw({"a": gradient, "b": gradient}).alt)
        assert alt.endswith(", turned by 0 degrees.")


@pytest.mark.parametrize("degrees", ANGLES)
@pytest.mark.parametrize(("length", "threshold"), [(2.5, 1), (0.2, 1), (1, 30)])
def test_window_holds_the_arrows_and_is_square_and_shows_other_quadrants_where_there_are_arrows(
    degrees, length, threshold
):
    gradient = at(degrees, length)
    (ax,) = draw({"a": gradient, "b": gradient / 2}, threshold).axes
    (low, high), aspect = ax.get_xlim(), ax.get_aspect()
    assert (low, high) == ax.get_ylim()
    assert aspect == 1
    farthest = max(length, threshold)
    assert 1.05 * farthest < high < 1.5 * farthest
    if gradient.min() < 0:
        assert low == -high
    else:
        assert -high / 2 < low < 0  # a glance beyond the axes


def test_window_shows_other_quadrants_for_any_of_the_arrows():
    (ax,) = draw({"a": [1, 0], "b": [0.1, -0.1]}).axes
    assert ax.get_xlim()[0] == -ax.get_xlim()[1]


@pytest.mark.parametrize("degrees", range(0, 91, 5))
def test_labels_begin_or_end_beside_the_tips_of_arrows_in_the_first_quadrant(degrees):
    figure = draw(three(degrees))
    boxes, (_, labels) = boxes_of_labels(figure), arrows_and_labels(figure)
    for words, box in boxes.items():
        x, y = figure.axes[0].transData.transform(labels[words].xy)
        rightward = words == "gradient" or labels[words].xyann[0] > labels[words].xyann[1]
        assert x - 1 < box.x0 < x + 20 if rightward else x - 20 < box.x1 < x + 1
        assert not box.contains(x, y)
    along = 10 * at(degrees)
    assert labels["gradient"].xyann == pytest.approx(along)  # beyond the tip


@pytest.mark.parametrize("degrees", ANGLES)
@pytest.mark.parametrize("turn", [30, -30])
def test_labels_stand_on_the_side_to_which_arrows_are_turned_and_one_along_the_gradient_on_the_other(degrees, turn):
    left = at(degrees + 90)
    _, labels = arrows_and_labels(draw({"a": at(degrees, 3), "b": at(degrees), "c": at(degrees + turn)}))
    for label, side in ((labels["c (30°)"], turn), (labels["b (0°)"], -turn)):
        np.testing.assert_allclose(label.xyann, 10 * np.sign(side) * left, atol=1e-12)


@pytest.mark.parametrize("degrees", ANGLES)
def test_two_arrows_along_the_gradient_have_their_labels_on_both_sides(degrees):
    _, labels = arrows_and_labels(draw({"a": at(degrees), "b": at(degrees), "c": at(degrees)}))
    offsets = np.array([labels[words].xyann for words in ("b (0°)", "c (0°)")])
    np.testing.assert_allclose(offsets[0], -offsets[1])
    np.testing.assert_allclose(offsets @ at(degrees), 0, atol=1e-12)


@pytest.mark.parametrize("degrees", range(0, 91, 5))
def test_no_label_is_lost_or_covers_another(degrees):
    figure = draw(three(degrees))
    boxes = boxes_of_labels(figure)
    assert len(boxes) == 3
    for box in boxes.values():
        assert (figure.bbox.p0 <= box.p0).all()
        assert (box.p1 <= figure.bbox.p1).all()
    assert not [pair for pair in combinations(boxes, 2) if boxes[pair[0]].overlaps(boxes[pair[1]])]


def test_axes_and_caption_say_what_is_drawn():
    figure = draw(three(15))
    (ax,) = figure.axes
    assert (ax.get_xlabel(), ax.get_title(loc="left")) == ("first entry", "second entry")
    assert figure.caption == "Arrows of a test."
