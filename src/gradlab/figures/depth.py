"""The book's recurring picture: norms of the backward signal along the depth of networks, over seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from gradlab.arguments import mapping, one_of, real_number, some_text
from gradlab.canvas import INK, Sheet, label_ends, label_powers_of_ten, sheet, styled
from gradlab.figures.given import exponents_of, require_among
from gradlab.figures.looks import looks_of
from gradlab.figures.seeds import band, in_powers_of_ten, median
from gradlab.numerals import readable, ten_to

MOST = 4
"""Curves that can be told apart by their dashes."""
AXES = {"layer": "layer (0 is the input)", "time lag": "time lag (steps back from the loss)"}


@styled
def signals_against_depth(
    norms: Mapping[str, ArrayLike],
    *,
    rates: Mapping[str, float] | None = None,
    against: str = "layer",
    limits: tuple[float, float] | None = None,
    quantity: str = "norm of the backward signal",
    settings: str,
) -> Sheet:
    """Norms at every layer, or at every time lag: the median over seeds, and a band that holds nine seeds in ten.

    Parameters
    ----------
    norms : mapping of str to array_like, shape (seeds, layers + 1) or (seeds, layers)
        Label of each curve, four at most, and its norms at layers 0, 1, ..., or lags 0, 1, .... A curve with one
        column fewer than the others begins at layer 1, as gradients in weights do. Where half of the seeds are
        infinite or NaN, the curve ends in a cross at the upper edge, at the nearest such layer.
    rates : mapping of str to float, optional
        Theory for some of the curves: nats per layer by which the norm grows toward the input (or the past), drawn
        thin from the curve's last layer (or lag 0). Such a curve's label says its measured factor per layer.
    against : {"layer", "time lag"}
        What the columns count.
    limits : pair of float, optional
        Lowest and highest norm on the axis, positive; from the data unless given.
    quantity : str
        The title.
    settings : str
        What was measured, for the caption.

    Returns
    -------
    Sheet

    Raises
    ------
    TypeError
        If a number is not real, a text not text, or `norms` or `rates` not a mapping.
    ValueError
        If there is no curve or more than four, an array does not have two axes or a fitting number of columns,
        `rates` has a label that `norms` lacks or a rate that is not finite, `against` is unknown, or
        `limits` is not a pair of positive numbers, the lower one first.
    """
    curves = _curves(norms)
    columns = max(tens.shape[1] for tens in curves.values())
    middles = {label: median(tens) for label, tens in curves.items()}
    rates = _rates(rates, curves)
    limits = exponents_of(limits)
    backwards = one_of("against", against, tuple(AXES)) == "layer"
    figure, ax = sheet(
        alt=" ".join(_in_words(label, middle, columns, rates.get(label), against) for label, middle in middles.items()),
        caption=some_text("settings", settings),
    )
    labels = []
    looks = looks_of(curves)
    for label, tens in curves.items():
        at, middle, (color, dash, _) = np.arange(columns - tens.shape[1], columns), middles[label], looks[label]
        _draw_band(ax, at, tens, color)
        ax.plot(at, middle, color=color, linestyle=dash)
        if label in rates:
            slope = rates[label] / math.log(10)
            start = middle[-1] if backwards else middle[0]
            ax.plot(at, start + slope * (at[-1] - at if backwards else at), color=INK, linewidth=0.9)
        end = middle[0] if backwards else middle[-1]
        words = (
            f"{label} (×{readable(ten_to(_grown(middle, backwards) / (at[-1] - at[0])))})" if label in rates else label
        )
        labels.append((words, end, color))
    room = 0.08 + 0.023 * max(len(text) for text, _, _ in labels)
    ends = (-room * columns, columns - 1) if backwards else (0, (1 + room) * columns)
    ax.set(xlabel=AXES[against], title=f"{some_text('quantity', quantity)} (log axis)", xlim=ends, ylim=limits)
    low, high = ax.get_ylim()
    for label, middle in middles.items():
        if (left := _left_the_format(middle)) is not None:
            cross = {"color": looks[label].color, "markersize": 8, "clip_on": False}
            ax.plot(columns - len(middle) + left[0], high, "X", **cross)
    floor = low + 0.04 * (high - low)  # the label of a curve that leaves the picture is not on the axis
    labels = [(text, min(max(y, floor), high), color) for text, y, color in labels]
    label_ends(ax, 0 if backwards else columns - 1, labels, leftward=backwards)
    ticks = MaxNLocator(5, integer=True).tick_values(0, columns - 1)
    ax.set_xticks(ticks[(ticks >= 0) & (ticks < columns)])
    label_powers_of_ten(ax)
    return figure


def _curves(norms: Mapping[str, ArrayLike]) -> dict[str, np.ndarray]:
    """Return log10 of each array, four at most, that fit side by side."""
    arrays = {label: in_powers_of_ten(f"norms[{label!r}]", a) for label, a in mapping("norms", norms).items()}
    if not 1 <= len(arrays) <= MOST:
        raise ValueError(f"norms must hold one to {MOST} curves, got {norms!r}")
    widths = {array.shape[1] for array in arrays.values()}
    if max(widths) - min(widths) > 1 or min(widths) < 2:
        raise ValueError(f"norms must have equally many columns, or one fewer, and two at least, got {sorted(widths)}")
    return arrays


def _rates(rates: Mapping[str, float] | None, curves: Mapping[str, np.ndarray]) -> dict[str, float]:
    given = mapping("rates", {} if rates is None else rates)
    require_among("rates", given, curves)
    rates = {label: real_number(f"rates[{label!r}]", rate) for label, rate in given.items()}
    if not np.isfinite(list(rates.values())).all():
        raise ValueError(f"rates must be finite, got {rates!r}")
    return rates


def _draw_band(ax: Axes, at: np.ndarray, tens: np.ndarray, color: str) -> None:
    if len(tens) > 1:
        ax.fill_between(at, *band(tens), color=color, alpha=0.2, linewidth=0)


def _left_the_format(middle: np.ndarray) -> tuple[int, str] | None:
    """Return the column at which a curve becomes infinite, seen from its finite part, and where it is so in words."""
    gone = np.isposinf(middle)
    if not gone.any():
        return None
    if gone[0] and not gone.all():
        return int(gone.argmin()) - 1, "up to {}"
    return int(gone.argmax()), "from {} on"


def _in_words(label: str, middle: np.ndarray, columns: int, rate: float | None, against: str) -> str:
    """Say what a curve does from its one end to the other."""
    if (left := _left_the_format(middle)) is not None:
        column, where = left
        return f"{label}: infinite or NaN {where.format(f'{against} {columns - len(middle) + column}')}."
    backwards, steps = against == "layer", len(middle) - 1
    grown = _grown(middle, backwards)
    unit, way = ("layer", "back to the input") if backwards else ("step", f"back over {steps} steps")
    theory = "" if rate is None else f" (theory {readable(ten_to(rate / math.log(10)))})"
    total, each = readable(ten_to(grown), 2), readable(ten_to(grown / steps))
    return f"{label}: multiplied by {total} on the way {way}, {each} a {unit}{theory}."


def _grown(middle: np.ndarray, backwards: bool) -> float:
    """Return by how many powers of ten a curve grows toward the input or the past."""
    with np.errstate(invalid="ignore"):
        return middle[0] - middle[-1] if backwards else middle[-1] - middle[0]
