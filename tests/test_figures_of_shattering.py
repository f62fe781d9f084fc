"""How alike gradients are: slopes along an input in panels, and correlations with bands and theory."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from drawn import SEEDS, assert_texts_have_room, band_at, boxes_of_texts, words_on
from gradlab import figures
from gradlab.canvas import BLUE, GREEN, INK, ORANGE, VIOLET

COLORS = [BLUE, ORANGE, VIOLET, GREEN]
AT = [1.0, 2.0, 4.0, 20.0]
LABELS = ["plain", "batch norm", "residual", "fourth"]


def curves(seed, count=4, seeds=7):
    rng = np.random.default_rng(seed)
    return {label: rng.uniform(0.01, 0.9, (seeds, len(AT))) for label in LABELS[:count]}


def draw(measured, at=AT, **options):
    options = {"axis": "depth", "quantity": "cosine", "settings": "A test.", **options}
    return figures.correlations(at, measured, **options)


def data_lines(ax):
    return [line for line in ax.lines if to_hex(line.get_color()) != INK]


@pytest.mark.parametrize("seed", SEEDS)
def test_points_are_medians_and_bands_hold_nine_seeds_in_ten(seed):
    measured = curves(seed)
    (ax,) = draw(measured).axes
    assert [to_hex(line.get_color()) for line in data_lines(ax)] == COLORS
    for k, (line, values) in enumerate(zip(data_lines(ax), measured.values(), strict=True)):
        assert list(line.get_xdata()) == AT
        np.testing.assert_allclose(line.get_ydata(), np.sort(values, axis=0)[3])
        for x, column in zip(AT, values.T, strict=True):
            assert band_at(ax, x, k) == pytest.approx(tuple(np.quantile(column, (0.05, 0.95))))
    assert len({line.get_marker() for line in data_lines(ax)}) == 4  # told apart by more than colour
    assert len({line.get_linestyle() for line in data_lines(ax)}) == 4


def test_theory_is_a_line_and_what_was_measured_then_points_alone():
    theory = {"batch norm": [0.5, 0.25, 0.0625, 0.5**20]}
    (ax,) = draw(curves(0, 3), theory=theory).axes
    by_color = {color: [line for line in data_lines(ax) if to_hex(line.get_color()) == color] for color in COLORS}
    points, line = by_color[ORANGE]
    assert points.get_linestyle() == "None"
    assert list(line.get_ydata()) == theory["batch norm"]
    assert line.get_linestyle() != "None"
    assert [len(by_color[color]) for color in (BLUE, VIOLET)] == [1, 1]
    assert by_color[BLUE][0].get_linestyle() == "-"


def test_log_axes_draw_what_is_below_the_limit_on_it_and_end_theory_there():
    measured = {"a": [[0.5, 0.1, -0.2, 1e-9]]}
    (ax,) = draw(measured, log="both", theory={"a": [0.5, 0.1, 0.01, 1e-6]}).axes
    points, line = data_lines(ax)
    np.testing.assert_allclose(points.get_ydata(), [0.5, 0.1, 1e-3, 1e-3])
    np.testing.assert_allclose(line.get_ydata(), [0.5, 0.1, 0.01, np.nan])
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert ax.get_ylim() == (1e-3, 1)
    assert "log axes" in ax.get_title(loc="left")


@pytest.mark.parametrize(
    ("log", "scales"), [("none", ("linear", "linear")), ("at", ("log", "linear")), ("both", ("log", "log"))]
)
def test_axes_are_as_asked_and_hold_the_data(log, scales):
    (ax,) = draw(curves(1), log=log).axes
    assert (ax.get_xscale(), ax.get_yscale()) == scales
    left, right = ax.get_xlim()
    assert left == AT[0]
    assert right > AT[-1]
    assert ("log" in ax.get_title(loc="left")) == (log != "none")
    assert max(ax.get_xticks()) <= AT[-1]
    assert draw(curves(1), log=log, limits=(0.1, 2)).axes[0].get_ylim() == (0.1, 2)
    zero = [line for line in ax.lines if to_hex(line.get_color()) == INK]
    ends = [(list(line.get_xdata()), list(line.get_ydata())) for line in zero]
    assert ends == ([] if log == "both" else [([1, 20], [0, 0])])


def test_ticks_of_a_log_axis_are_the_places_measured():
    assert [t.get_text() for t in draw(curves(1), log="at").axes[0].get_xticklabels()] == ["1", "2", "4", "20"]
    (ax,) = draw({"a": [[1, 0]]}, [1e-6, 1e-2], log="at").axes
    assert [t.get_text() for t in ax.get_xticklabels()] == ["10⁻⁶", "10⁻²"]


@pytest.mark.parametrize("log", ["none", "at", "both"])
@pytest.mark.parametrize("ends", [(0.9, 0.5, 0.2, 0.05), (0.01, 0.01, 0.01, 0.01), (1, 1, 0.99, 0.002)])
def test_labels_stand_beside_their_ends_and_never_on_each_other(log, ends):
    measured = {label: [[0.5, 0.5, 0.5, end]] for label, end in zip(LABELS, ends, strict=True)}
    figure = draw(measured, log=log)
    (ax,) = figure.axes
    assert sorted(words_on(figure)) == sorted(LABELS)
    right = ax.transData.transform((AT[-1], 0.5))[0]
    assert all(right < box.x0 < box.x1 < figure.bbox.x1 for box in boxes_of_texts(figure).values())
    assert all(ax.bbox.y0 - 1 < box.y0 < box.y1 < ax.bbox.y1 + 1 for box in boxes_of_texts(figure).values())
    assert {text.get_text(): text.get_color() for text in ax.texts} == dict(zip(LABELS, COLORS, strict=True))
    assert_texts_have_room(figure)
    if ends[0] != ends[1]:
        for label, end in zip(LABELS, ends, strict=True):
            box = boxes_of_texts(figure)[label]
            assert abs((box.y0 + box.y1) / 2 - ax.transData.transform((1, end))[1]) < 12


def test_panels_show_each_gradient_divided_by_its_largest_size():
    inputs = np.linspace(-2, 2, 9)
    gradients = {label: (k + 1) * np.sin(inputs * (k + 1) + 0.1) for k, label in enumerate(LABELS)}
    figure = figures.gradients_along_input(inputs, gradients, settings="Sines.")
    assert [ax.get_title(loc="left") for ax in figure.axes] == LABELS
    for ax, values, color in zip(figure.axes, gradients.values(), COLORS, strict=True):
        (line,) = data_lines(ax)
        np.testing.assert_allclose(line.get_xdata(), inputs)
        np.testing.assert_allclose(line.get_ydata(), values / np.abs(values).max())
        assert to_hex(line.get_color()) == to_hex(ax._left_title.get_color()) == color
        low, high = ax.get_ylim()
        assert low < -1 < 1 < high
    assert figure.axes[-1].get_xlabel() == "input"
    assert figure.caption == "Sines."


@pytest.mark.parametrize(
    ("values", "times"), [([1, 2, 3], 0), ([1, -1, 1], 2), ([1, 0, -1], 1), ([1, 0, 1], 0), ([-3, 0, 0], 0)]
)
def test_panels_words_count_the_changes_of_sign(values, times):
    figure = figures.gradients_along_input([0, 1, 2], {"a": values}, settings="Three points.")
    assert f"a: changes its sign {times} times." in figure.alt


@pytest.mark.parametrize("wrong", [{"limits": (0, 1)}, {"limits": (-1, 1)}, {"at": [0.0, 1.0]}, {"at": [-1.0, 1.0]}])
def test_log_axes_refuse_what_has_no_logarithm(wrong):
    with pytest.raises(ValueError, match="positive and finite"):
        draw({"a": [[1.0, 0.5]]}, **{"at": [1.0, 2.0], "log": "both", **wrong})
