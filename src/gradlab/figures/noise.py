"""How far the gradient of a batch strays from the mean gradient, against the size of the batch."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.ticker import NullLocator
from numpy.typing import ArrayLike

from gradlab.arguments import mapping, positive_number, some_text
from gradlab.canvas import INK, Sheet, label_ends, label_powers_of_ten, sheet, styled
from gradlab.figures.given import exponents_of, growing, of_shape, require_among
from gradlab.figures.looks import looks_of
from gradlab.numerals import readable

MOST = 2
"""Series that can be told apart where they lie close together."""


@styled
def noise_against_batch_size(
    sizes: ArrayLike,
    noise: Mapping[str, ArrayLike],
    *,
    theory: Mapping[str, ArrayLike] | None = None,
    mean: float | None = None,
    limits: tuple[float, float] | None = None,
    settings: str,
) -> Sheet:
    """Root mean square distance between a batch's gradient and the mean gradient, on two logarithmic axes.

    Parameters
    ----------
    sizes : array_like, shape (k,)
        Batch sizes, positive, two at least, in growing order.
    noise : mapping of str to array_like, shape (k,)
        Label of each series of points, two at most, and its positive distances.
    theory : mapping of str to array_like, shape (k,), optional
        Theory for some of the labels, positive, drawn as lines.
    mean : float, optional
        Norm of the mean gradient, positive, drawn level.
    limits : pair of float, optional
        Lowest and highest distance on the axis, positive; from the data unless given.
    settings : str
        What was measured, for the caption.

    Returns
    -------
    Sheet

    Raises
    ------
    TypeError
        If a number is not real, a text not text, or `noise` or `theory` not a mapping.
    ValueError
        If there is no series or more than two, shapes do not fit, a number is not positive and finite, `sizes` do not
        grow, `theory` has a label that `noise` lacks, or `limits` is not a pair of positive numbers, the lower one
        first.
    """
    sizes = growing("sizes", sizes, positive=True)
    points = {
        label: of_shape(f"noise[{label!r}]", y, sizes.shape, positive=True)
        for label, y in mapping("noise", noise).items()
    }
    if not 1 <= len(points) <= MOST:
        raise ValueError(f"noise must hold one or two series, got {noise!r}")
    lines = mapping("theory", {} if theory is None else theory)
    lines = {label: of_shape(f"theory[{label!r}]", y, sizes.shape, positive=True) for label, y in lines.items()}
    require_among("theory", lines, points)
    level = None if mean is None else positive_number("mean", mean)
    limits = exponents_of(limits)
    words = [_in_words(label, sizes, y) for label, y in points.items()]
    if level is not None:
        words.append(f"The mean gradient has norm {readable(level, 2)}.")
    figure, ax = sheet(alt=" ".join(words), caption=some_text("settings", settings))
    ends = []
    for label, (color, dash, marker) in looks_of(points).items():
        y = points[label]
        if label in lines:
            ax.plot(sizes, np.log10(lines[label]), color=color, linestyle=dash, linewidth=1.2)
        ax.plot(sizes, np.log10(y), marker, color=color, markersize=5)
        ends.append((label, np.log10(y[-1]), color))
    if level is not None:
        ax.plot(sizes, np.full(len(sizes), np.log10(level)), color=INK, linewidth=1.0)
        ends.append(("mean gradient", np.log10(level), INK))
    room = (sizes[-1] / sizes[0]) ** (0.08 + 0.025 * max(len(text) for text, _, _ in ends))
    ax.set(xscale="log", xlabel="batch size (log axis)", xlim=(sizes[0] / 1.2, sizes[-1] * room), ylim=limits)
    ax.set(title="distance from the mean gradient (log axis)")
    low, high = ax.get_ylim()
    label_ends(ax, sizes[-1] * room**0.06, [end for end in ends if low < end[1] < high])
    ax.set_xticks(sizes, [f"{size:g}" for size in sizes])
    ax.xaxis.set_minor_locator(NullLocator())
    label_powers_of_ten(ax)
    return figure


def _in_words(label: str, sizes: np.ndarray, y: np.ndarray) -> str:
    slope = np.polyfit(np.log(sizes), np.log(y), 1)[0]
    first, last = readable(y[0], 2), readable(y[-1], 2)
    at = f"{first} at a batch size of {readable(sizes[0])}, {last} at {readable(sizes[-1])}"
    return f"{label}: {at}, a slope of {readable(slope, 2)} on log axes."
