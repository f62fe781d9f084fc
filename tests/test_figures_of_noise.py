"""Noise of the gradient against the size of the batch: points measured, lines of theory, the mean gradient level."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from drawn import SEEDS, assert_texts_have_room, boxes_of_texts, words_on
from gradlab import figures
from gradlab.canvas import BLUE, INK, ORANGE

SIZES = [2, 8, 32, 128, 512]
HALF = 10 / np.sqrt(SIZES)


def draw(noise, sizes=SIZES, **options):
    return figures.noise_against_batch_size(sizes, noise, settings="A test.", **options)


@pytest.mark.parametrize("seed", SEEDS)
def test_points_lines_and_level_are_the_numbers_given(seed):
    rng = np.random.default_rng(seed)
    noise = {label: rng.lognormal(0, 2, 5) for label in ("with", "without")}
    theory = {label: rng.lognormal(0, 2, 5) for label in ("without", "with")}
    mean = rng.lognormal()
    (ax,) = draw(noise, theory=theory, mean=mean).axes
    points = [line for line in ax.lines if line.get_linestyle() == "None"]
    lines = [line for line in ax.lines if line.get_linestyle() != "None"]
    *theories, level = lines
    for line, label, color in zip(points, ("with", "without"), (BLUE, ORANGE), strict=True):
        np.testing.assert_allclose(line.get_ydata(), np.log10(noise[label]), atol=1e-15)
        assert to_hex(line.get_color()) == color
    for line, label, color in zip(theories, ("with", "without"), (BLUE, ORANGE), strict=True):
        np.testing.assert_allclose(line.get_ydata(), np.log10(theory[label]), atol=1e-15)
        assert to_hex(line.get_color()) == color
    assert all(list(line.get_xdata()) == SIZES for line in ax.lines)
    assert to_hex(level.get_color()) == INK
    assert set(level.get_ydata()) == {np.log10(mean)}
    assert len({line.get_marker() for line in points}) == 2  # told apart by more than colour
    assert len({line.get_linestyle() for line in theories}) == 2
    low, high = ax.get_ylim()
    assert low <= min(line.get_ydata().min() for line in ax.lines)
    assert max(line.get_ydata().max() for line in ax.lines) <= high


def test_theory_is_optional_for_each_series():
    (ax,) = draw({"with": HALF, "without": HALF}, theory={"without": HALF}).axes
    assert [to_hex(line.get_color()) for line in ax.lines if line.get_linestyle() != "None"] == [ORANGE]


@pytest.mark.parametrize("limits", [None, (1e-2, 1e10)])
def test_axes_keep_to_the_limits_and_labels_have_room_beside_the_last_points(limits):
    figure = draw({"with": HALF, "without": 0.9 * HALF}, mean=2.0, limits=limits)
    (ax,) = figure.axes
    assert limits is None or ax.get_ylim() == pytest.approx((-2, 10))
    assert_texts_have_room(figure)
    boxes, end = boxes_of_texts(figure), ax.transData.transform((512, 0))[0]
    assert {*boxes} == {"with", "without", "mean gradient"}
    assert all(end + 4 < box.x0 < box.x1 < ax.bbox.x1 for box in boxes.values())


def test_labels_outside_of_the_limits_are_left_out():
    assert words_on(draw({"noise": HALF}, mean=1e-5, limits=(0.1, 10))) == ["noise"]


def test_axes_say_what_they_hold():
    figure = draw({"noise": HALF})
    (ax,) = figure.axes
    assert ax.get_xscale() == "log"
    assert [label.get_text() for label in ax.get_xticklabels()] == ["2", "8", "32", "128", "512"]
    assert not ax.xaxis.get_minorticklocs().size
    assert "batch size" in ax.get_xlabel()
    assert "log axis" in ax.get_title(loc="left")
    assert figure.caption == "A test."
