"""How the tests of figures read what is drawn."""

import math
from itertools import combinations

import numpy as np
from matplotlib.colors import to_hex

SEEDS = range(20)
INF, NAN = math.inf, math.nan


def axes_titled(figure, words):
    return next(ax for ax in figure.axes if words in ax.get_title(loc="left"))


def exponents(ax, values):
    """Return exponents of ten, whether the axis holds them or the numbers themselves."""
    with np.errstate(divide="ignore"):
        return np.log10(values) if ax.get_yscale() == "log" else np.asarray(values)


def lines(ax, *, color, style="-"):
    """Return exponents of ten along each line of a colour and a line style, but not the axes' own base line."""
    drawn = [line for line in ax.lines if to_hex(line.get_color()) == color and line.get_linestyle() == style]
    return [exponents(ax, line.get_ydata()) for line in drawn]


def assert_data_inside(ax):
    for line in ax.lines:
        x, y = line.get_xdata(), line.get_ydata()
        seen = np.isfinite(y) & ((ax.get_yscale() == "linear") | (np.asarray(y) > 0))
        for values, (low, high) in ((np.asarray(x)[seen], ax.get_xlim()), (np.asarray(y)[seen], ax.get_ylim())):
            assert ((low <= values) & (values <= high)).all()


def words_on(figure):
    return [text.get_text() for ax in figure.axes for text in ax.texts]


def band_at(ax, x, which=0):
    """Return the lower and the upper end of a band at one place."""
    corners = ax.collections[which].get_paths()[0].vertices
    heights = corners[np.isclose(corners[:, 0], x), 1]
    return heights.min(), heights.max()


def boxes_of_texts(figure):
    """Return where each text stands, in pixels, once the figure is laid out."""
    figure.draw_without_rendering()
    return {text.get_text(): text.get_window_extent() for ax in figure.axes for text in ax.texts}


def assert_texts_have_room(figure):
    boxes = boxes_of_texts(figure)
    titles = [ax.get_title(loc="left") and ax._left_title.get_window_extent() for ax in figure.axes]
    for words, box in boxes.items():
        assert (figure.bbox.p0 <= box.p0).all(), words
        assert (box.p1 <= figure.bbox.p1).all(), words
        assert not any(title and title.overlaps(box) for title in titles), words
    assert not [pair for pair in combinations(boxes, 2) if boxes[pair[0]].overlaps(boxes[pair[1]])]
