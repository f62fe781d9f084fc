"""The picture of an LSTM's gates: what is drawn is what was given."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from drawn import assert_texts_have_room, axes_titled
from gradlab import figures
from gradlab.canvas import BLUE, GREEN, ORANGE, VIOLET

GATES = {"input gate": [1, 0, 0.25, 0], "forget gate": [1, 1, 0, 0.5], "output gate": [0, 0, 0, 1]}
OFFERED, CELLS = [0.5, -0.9, 1.0, 0.2], [0.5, 0.5, 0.25, 0.125]


@pytest.fixture
def picture():
    return figures.gates_and_cell(GATES, OFFERED, CELLS, settings="Four steps.")


def test_every_gate_is_a_row_of_bars_as_high_as_it_is_open(picture):
    rows = axes_titled(picture, "gates").containers
    assert [to_hex(bars[0].get_facecolor()) for bars in rows] == [ORANGE, GREEN, VIOLET]
    for row, (bars, values) in enumerate(zip(rows, GATES.values(), strict=True)):
        np.testing.assert_allclose([bar.get_height() / 0.75 for bar in bars], values)
        np.testing.assert_allclose([bar.get_x() + bar.get_width() / 2 for bar in bars], [1, 2, 3, 4])
        assert {bar.get_y() for bar in bars} == {-row}


def test_rows_do_not_overlap_and_carry_their_labels(picture):
    ax = axes_titled(picture, "gates")
    assert [label.get_text() for label in ax.get_yticklabels()] == list(GATES)
    for row, tick in enumerate(ax.get_yticks()):
        assert -row < tick < -row + 1
    low, high = ax.get_ylim()
    assert low < -len(GATES) + 1
    assert high > 0.75


def test_the_cell_is_a_staircase_through_its_values_and_what_is_offered_are_dots(picture):
    ax = axes_titled(picture, "holds")
    stairs = next(line for line in ax.lines if to_hex(line.get_color()) == BLUE)
    assert stairs.get_drawstyle() == "steps-post"
    np.testing.assert_allclose(stairs.get_ydata(), [*CELLS, CELLS[-1]])
    np.testing.assert_allclose(stairs.get_xdata(), [0.5, 1.5, 2.5, 3.5, 4.5])
    dots = next(line for line in ax.lines if line.get_marker() == "o")
    np.testing.assert_allclose(np.array(dots.get_data()), [[1, 2, 3, 4], OFFERED])


def test_nothing_leaves_the_picture_and_no_words_overlap(picture):
    ax = axes_titled(picture, "holds")
    low, high = ax.get_ylim()
    assert low < min(OFFERED + CELLS) < max(OFFERED + CELLS) < high
    assert_texts_have_room(picture)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["offered", "cell"]


def test_the_legend_covers_no_data(picture):
    ax = axes_titled(picture, "holds")
    picture.draw_without_rendering()
    box = ax.get_legend().get_window_extent()
    highest = ax.transData.transform((1, max([*OFFERED, *CELLS])))[1]
    assert box.y0 > highest
