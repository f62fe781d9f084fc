"""Growth against the scale of the weights: theory as lines, measurements as points, the border at 1."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from drawn import SEEDS, assert_texts_have_room, boxes_of_texts, words_on
from gradlab import figures
from gradlab.canvas import INK, PALETTE

SCALES = [0.5, 1.0, 2.0, 4.0, 10.0]
LABELS = ["linear", "relu", "tanh", "sigmoid", "gelu"]
THEORY = {label: np.array(SCALES) ** (1 - k / 5) for k, label in enumerate(LABELS)}


def draw(theory=THEORY, scales=SCALES, **options):
    return figures.growth_against_scale(scales, theory, scale="gain", settings="Networks of a test.", **options)


def test_lines_are_the_theory_each_in_its_colour():
    (ax,) = draw().axes
    border, *theory = ax.lines
    assert (list(border.get_ydata()), to_hex(border.get_color())) == ([0, 0], INK)  # a factor of 1
    dashes = ["-"] * 4 + ["--"]  # the last must not hide another
    for line, color, dash, wanted in zip(theory, PALETTE, dashes, THEORY.values(), strict=False):
        assert (to_hex(line.get_color()), line.get_linestyle()) == (color, dash)
        assert list(line.get_xdata()) == SCALES
        np.testing.assert_allclose(line.get_ydata(), np.log10(wanted), atol=1e-15)
    assert len(theory) == 5
    assert ax.get_xscale() == "log"


@pytest.mark.parametrize("seed", SEEDS)
def test_points_are_medians_with_a_bar_over_all_seeds(seed):
    at = [0.7, 3.0]
    measured = {label: np.random.default_rng(seed).lognormal(k, 1, (2, 7)) for k, label in enumerate(LABELS[1:])}
    (ax,) = draw(measured_at=at, measured=measured).axes
    assert len(ax.containers) == 4
    for k, (bars, label) in enumerate(zip(ax.containers, LABELS[1:], strict=True), start=1):
        points, _, (whiskers,) = bars
        ranked = np.log10(np.sort(measured[label], axis=1))
        assert list(points.get_xdata()) == at
        np.testing.assert_allclose(points.get_ydata(), ranked[:, 3])
        ends = [[path[:, 0].tolist(), *path[:, 1]] for path in whiskers.get_segments()]
        assert ends == [
            [[x, x], pytest.approx(low), pytest.approx(high)]
            for x, low, high in zip(at, ranked[:, 0], ranked[:, 6], strict=True)
        ]
        assert {to_hex(points.get_color()), to_hex(whiskers.get_color()[0])} == {PALETTE[k]}
        assert points.get_linestyle() == "None"
        assert ax.get_ylim()[0] <= ranked.min() <= ranked.max() <= ax.get_ylim()[1]
    assert len({bars[0].get_marker() for bars in ax.containers}) == 4  # told apart by more than colour


def test_median_of_two_seeds_is_halfway_between_their_factors():
    (ax,) = draw(measured_at=[1], measured={"tanh": [[1.0, 3.0]]}).axes
    assert 10 ** ax.containers[0][0].get_ydata() == pytest.approx([2])


@pytest.mark.parametrize("limits", [None, (0.01, 1000)])
def test_axes_hold_the_data_or_keep_to_the_limits_and_leave_room_for_the_labels(limits):
    figure = draw(limits=limits)
    (ax,) = figure.axes
    low, high = ax.get_ylim()
    if limits:
        assert (low, high) == pytest.approx((-2, 3))
    else:
        assert -1 < low <= np.log10(0.5)
        assert 1 <= high < 2
    left, right = ax.get_xlim()
    assert left == 0.5
    assert 10 < right < 100
    boxes = boxes_of_texts(figure)
    end = ax.transData.transform((10, 0))[0]
    assert all(end < box.x0 < box.x1 < ax.bbox.x1 for box in boxes.values())
    assert_texts_have_room(figure)
    assert {text.get_text(): text.get_color() for text in ax.texts} == dict(zip(LABELS, PALETTE[:5], strict=True))


def test_labels_stand_beside_the_ends_of_their_lines_and_clear_of_the_last_points():
    figure = draw({"a": SCALES, "b": [1, 1, 1, 1, 0.1]}, measured_at=[10], measured={"a": [[10]], "b": [[0.1]]})
    (ax,) = figure.axes
    assert {text.get_text(): text.xy[1] for text in ax.texts} == pytest.approx({"a": 1, "b": -1}, abs=0.1)
    boxes = boxes_of_texts(figure)
    marker = ax.transData.transform((10, 0))[0] + 5 / 2 * figure.dpi / 72
    assert all(marker + 4 < box.x0 for box in boxes.values())


def test_line_that_ends_below_the_axis_has_no_label():
    assert words_on(draw({"a": SCALES, "b": [1, 1, 1, 1, 1e-3]}, limits=(0.1, 100))) == ["a"]


@pytest.mark.parametrize(
    ("scales", "ticks"),
    [(SCALES, [0.5, 1, 2, 5, 10]), ([0.1, 16], [0.1, 0.2, 0.5, 1, 2, 5, 10]), ([2, 5], [2, 5]), ([1.5, 3], [2])],
)
def test_ticks_are_1_2_and_5_times_powers_of_ten_within_the_scales(scales, ticks):
    figure = draw({"a": np.ones(len(scales))}, scales)
    (ax,) = figure.axes
    assert list(ax.get_xticks()) == pytest.approx(ticks)
    assert [label.get_text() for label in ax.get_xticklabels()] == [f"{tick:g}" for tick in ticks]
    assert not ax.xaxis.get_minorticklocs().size


def test_axes_and_caption_say_what_is_drawn():
    figure = draw()
    (ax,) = figure.axes
    assert (ax.get_xlabel(), figure.caption) == ("gain", "Networks of a test.")
    assert "factor per layer" in ax.get_title(loc="left")
    assert {"0.5", "1", "2", "5", "10"} <= {label.get_text() for label in ax.get_yticklabels()}
