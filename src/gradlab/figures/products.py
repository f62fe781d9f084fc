"""Products along the depth: their steps, their paths, the norms of powers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from gradlab.arguments import (
    interval,
    mapping,
    one_of,
    positive_number,
    real_array,
    real_number,
    some_text,
    whole_number,
)
from gradlab.canvas import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    VIOLET,
    Sheet,
    label_ends,
    label_powers_of_ten,
    sheet,
    styled,
)
from gradlab.figures.given import exponents_of
from gradlab.figures.seeds import band, median
from gradlab.numerals import readable, ten_to

THIN_LINES = 12
"""How many single runs a picture of many runs shows."""


@styled
def log_gradient_as_a_sum(factors: ArrayLike, *, layers: Sequence[int] | None = None) -> Sheet:
    """Waterfall of a product: every factor is a step of the logarithm, up or down.

    Parameters
    ----------
    factors : array_like, shape (k,)
        Positive, finite factors in the order in which they are multiplied.
    layers : sequence of int, optional
        The layer that each factor belongs to, for the axis; the factors are counted from 1 unless given.

    Returns
    -------
    Sheet

    Raises
    ------
    TypeError
        If `factors` does not hold real numbers, or `layers` is not a sequence.
    ValueError
        If `factors` is empty or not positive and finite, or `layers` has another length.
    """
    factors = real_array("factors", factors, ndim=1, positive=True)
    if layers is not None and (isinstance(layers, str) or not isinstance(layers, Iterable)):
        raise TypeError(f"layers must be a sequence of integers, got {layers!r}")
    if layers is not None and len(layers := list(layers)) != len(factors):
        raise ValueError(f"layers must have one entry for each of the {len(factors)} factors, got {layers!r}")
    sums = np.concatenate([[0.0], np.cumsum(np.log10(factors))])
    product, ups = readable(ten_to(sums[-1])), int((factors > 1).sum())
    figure, ax = sheet(
        alt=f"{ups} of {len(factors)} steps go up, the others down; together they end at a product of {product}.",
        caption=f"Product of the first 1, 2, ..., {len(factors)} factors, log axis: a bar for each factor, "
        "blue if it is above one, hatched orange if below.",
    )
    at = np.arange(1, len(factors) + 1)
    for up, style in ((True, {"color": BLUE}), (False, {"facecolor": "none", "edgecolor": ORANGE, "hatch": "////"})):
        some = (factors > 1) == up
        ax.bar(at[some], np.diff(sums)[some], bottom=sums[:-1][some], width=0.8, **style)
    ax.axhline(0, color=INK, linewidth=0.8)
    ax.annotate(product, (at[-1] + 0.4, sums[-1]), (4, 0), textcoords="offset points", va="center", weight="bold")
    room = 0.06 * max(np.ptp(sums), 0.1)
    limits = (sums.min() - room, sums.max() + room)
    ax.set(xlabel="factor", title="product so far (log axis)", xlim=(0.2, len(factors) * 1.14 + 1), ylim=limits)
    if layers is not None:
        ax.set_xticks(at, layers)
        ax.set_xlabel("layer")
    else:
        ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    label_powers_of_ten(ax)
    return figure


@styled
def paths_along_depth(
    logs: ArrayLike,
    *,
    lines: Mapping[str, float] | None = None,
    limits: tuple[float, float] | None = None,
    quantity: str = "product",
) -> Sheet:
    """Many runs of a growing or shrinking quantity against depth, with their median and straight lines to compare.

    Parameters
    ----------
    logs : array_like, shape (runs, depth + 1)
        Natural logarithm of the quantity after 0, 1, ..., depth layers.
    lines : mapping of str to float, optional
        Label of each straight line to compare with, and its slope in nats per layer; three at most.
    limits : pair of float, optional
        Lowest and highest exponent of ten on the axis; from the data unless given.
    quantity : str
        What is drawn, for title and alt text.

    Returns
    -------
    Sheet

    Raises
    ------
    TypeError
        If a number is not real, `lines` is not a mapping, or `quantity` is not text.
    ValueError
        If `logs` does not have two axes, or has fewer than two columns; if there are more than three `lines`, or
        `limits` is not a pair of finite numbers, the lower one first.
    """
    tens = real_array("logs", logs, ndim=2) / math.log(10)
    runs, depth = tens.shape[0], tens.shape[1] - 1
    whole_number("the number of columns of logs", depth + 1, at_least=2)
    middle, (low, high) = median(tens), band(tens)
    limits, quantity = interval("limits", limits), some_text("quantity", quantity)
    if len(lines := mapping("lines", lines or {})) > 3:
        raise ValueError(f"lines must be three at most, got {lines!r}")
    lines = {label: real_number(f"lines[{label!r}]", slope) / math.log(10) for label, slope in lines.items()}
    ends = "; ".join(f"{label}: {readable(ten_to(slope * depth), 2)}" for label, slope in lines.items())
    least, halfway, most = (readable(ten_to(level[-1]), 2) for level in (low, middle, high))
    figure, ax = sheet(
        alt=f"After {depth} layers the median {quantity} is {halfway}; nine runs in ten lie "
        f"between {least} and {most}." + (f" {ends}." if ends else ""),
        caption=f"Median of {runs:,} runs (thick), the band that holds nine runs in ten, and {min(runs, THIN_LINES)} "
        "of the runs (thin), on a logarithmic axis.",
    )
    at = np.arange(depth + 1)
    ax.fill_between(at, low, high, color=BLUE, alpha=0.18, linewidth=0)
    ax.plot(at, tens[:THIN_LINES].T, color=BLUE, linewidth=0.6, alpha=0.6)
    ax.plot(at, middle, color=BLUE, linewidth=2.6)
    labels = [("median", middle[-1], BLUE)]
    for (label, slope), color, dash in zip(lines.items(), (ORANGE, VIOLET, GREEN), ("--", ":", "-."), strict=False):
        ax.plot(at, slope * at, color=color, linestyle=dash)
        labels.append((label, slope * depth, color))
    ax.set(xlabel="depth", title=f"{quantity} (log axis)", xlim=(0, depth * 1.35), ylim=limits)
    label_ends(ax, depth, labels)
    ax.set_xticks(np.linspace(0, depth, 5))
    label_powers_of_ten(ax)
    return figure


@styled
def norm_along_depth(gain: float, depth: int = 50) -> Sheet:
    """Norm after 0 ... `depth` identical layers that each multiply by `gain`, on the axes that all gains share.

    Parameters
    ----------
    gain : float
        Positive factor of a layer.
    depth : int
        Number of layers, at least 1.

    Returns
    -------
    Sheet

    Raises
    ------
    TypeError
        If an argument is not a number of the kind stated.
    ValueError
        If `gain` is not positive and finite or `depth` is below 1.
    """
    gain, depth = positive_number("gain", gain), whole_number("depth", depth, at_least=1)
    tens = math.log10(gain) * np.arange(depth + 1)
    end = readable(ten_to(tens[-1]))
    figure, ax = sheet(
        alt=f"With gain {gain:g} the norm after {depth} layers is {end}.",
        caption=f"Norm of the signal after each of {depth} layers that multiply it by the gain, on a logarithmic axis.",
    )
    color = BLUE if gain > 1 else ORANGE
    ax.axhline(0, color=INK, linewidth=0.8)
    ax.plot(tens, color=color, marker="o", markersize=2.5)
    ax.annotate(end, (depth, tens[-1]), (6, 0), textcoords="offset points", va="center", weight="bold", color=color)
    furthest = max(17, 1.05 * abs(tens[-1]))  # 17 decades hold the gains from 0.5 to 2 at 50 layers
    ax.set(xlabel="layer", title="norm of the signal (log axis)", xlim=(0, depth * 1.3), ylim=(-furthest, furthest))
    ax.set_xticks(np.linspace(0, depth, 6))
    label_powers_of_ten(ax)
    return figure


@styled
def norm_against_depth(
    norms: ArrayLike, *, radius: float | None = None, mark: str | None = None, limits: tuple[float, float] | None = None
) -> Sheet:
    """Norms of the powers of one matrix against the depth, beside what its spectral radius alone would say.

    Parameters
    ----------
    norms : array_like, shape (depth + 1,)
        As `gradlab.jacobians.norms_of_powers` returns them. Zeros lie below the axis and leave the picture;
        infinities leave it at the top.
    radius : float, optional
        Spectral radius, drawn as the line ``radius**k``.
    mark : {"peak"}, optional
        What to mark.
    limits : pair of float, optional
        Lowest and highest norm on the axis; from the data unless given.

    Returns
    -------
    Sheet

    Raises
    ------
    TypeError
        If a number is not real.
    ValueError
        If `norms` does not have one axis with two entries or more, `mark` is not among those above, `radius` is
        not positive, or `limits` is not a pair of positive numbers, the lower one first.
    """
    norms = real_array("norms", norms, ndim=1)
    depth = whole_number("the length of norms", len(norms), at_least=2) - 1
    one_of("mark", mark, (None, "peak"))
    limits = exponents_of(limits)
    peak, end = int(norms.argmax()), readable(norms[-1], 2)
    figure, ax = sheet(
        alt=f"The norm is largest at depth {peak}, where it is {readable(norms[peak])}; at depth {depth} it is {end}.",
        caption="Largest singular value of the powers of one matrix (solid), on a logarithmic axis"
        + (", and the spectral radius to the same power (dashed)." if radius is not None else "."),
    )
    with np.errstate(divide="ignore"):
        tens = np.log10(norms)
    at, labels = np.arange(depth + 1), [("norm", tens[-1], BLUE)]
    ax.set(xlabel="depth", title="norm of the product (log axis)", xlim=(0, depth * 1.45))
    ax.axhline(0, color=INK, linewidth=0.8)
    ax.plot(at, tens, color=BLUE)
    ax.margins(y=0.12)
    if radius is not None:
        slope = math.log10(positive_number("radius", radius))
        ax.plot(at, slope * at, color=ORANGE, linestyle="--")
        labels.append(("spectral radius alone", slope * depth, ORANGE))
    if limits is not None:
        ax.set_ylim(*limits)
    if mark == "peak" and peak > 0:
        ax.plot(peak, tens[peak], "o", color=BLUE, markersize=7)
        words = f"{readable(norms[peak])} at depth {peak}"
        ax.annotate(words, (peak, tens[peak]), (6, 7), textcoords="offset points", weight="bold")
    label_ends(ax, depth, labels)
    ax.set_xticks(np.linspace(0, depth, 5))
    label_powers_of_ten(ax)
    return figure
