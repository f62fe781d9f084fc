"""How fast the backward signal grows per layer, against the scale of the weights."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.ticker import NullLocator
from numpy.typing import ArrayLike

from gradlab.arguments import mapping, some_text
from gradlab.canvas import INK, Sheet, label_ends, label_powers_of_ten, sheet, styled
from gradlab.figures.given import exponents_of, growing, of_shape, require_among
from gradlab.figures.looks import LOOKS, looks_of
from gradlab.numerals import readable

DASHES = ("-", "-", "-", "-", "--")
"""The last line is drawn over the others, and must not hide one that it falls together with."""


@styled
def growth_against_scale(
    scales: ArrayLike,
    theory: Mapping[str, ArrayLike],
    *,
    measured_at: ArrayLike | None = None,
    measured: Mapping[str, ArrayLike] | None = None,
    limits: tuple[float, float] | None = None,
    scale: str,
    settings: str,
) -> Sheet:
    """Factor per layer of the backward signal: theory as lines, measurements as points, the border at 1.

    Parameters
    ----------
    scales : array_like, shape (k,)
        Positive scales of the weights, two at least, in growing order, on a logarithmic axis.
    theory : mapping of str to array_like, shape (k,)
        Label of each line, five at most, and its positive factors.
    measured_at : array_like, shape (m,), optional
        Scales at which there are measurements.
    measured : mapping of str to array_like, shape (m, seeds), optional
        Measured factors for some of the labels: the median is drawn, with a bar over all seeds.
    limits : pair of float, optional
        Lowest and highest factor on the axis, positive; from the data unless given.
    scale : str
        What the scale is, for the axis.
    settings : str
        What was measured, for the caption.

    Returns
    -------
    Sheet

    Raises
    ------
    TypeError
        If a number is not real, a text not text, or `theory` or `measured` not a mapping.
    ValueError
        If there is no line or more than five, shapes do not fit, a scale or factor is not positive and finite,
        `scales` do not grow, `measured` has a label that `theory` lacks, or `limits` is not a pair of positive
        numbers, the lower one first.
    """
    scales = growing("scales", scales, positive=True)
    lines = {
        label: of_shape(f"theory[{label!r}]", y, scales.shape, positive=True)
        for label, y in mapping("theory", theory).items()
    }
    if not 1 <= len(lines) <= len(LOOKS):
        raise ValueError(f"theory must hold one to {len(LOOKS)} lines, got {theory!r}")
    points = mapping("measured", {} if measured is None else measured)
    at = of_shape("measured_at", measured_at, ("m",), positive=True) if points else np.array([])
    points = {
        label: of_shape(f"measured[{label!r}]", y, (len(at), "seeds"), positive=True) for label, y in points.items()
    }
    require_among("measured", points, lines)
    limits = exponents_of(limits)
    words = [
        f"{label}: {readable(y[0])} at {readable(scales[0])}, {readable(y[-1])} at {readable(scales[-1])}"
        for label, y in lines.items()
    ]
    figure, ax = sheet(
        alt=f"Factor per layer against the {some_text('scale', scale)}. {'; '.join(words)}.",
        caption=some_text("settings", settings),
        figsize=(4.8, 3.6),
    )
    ax.axhline(0, color=INK, linewidth=0.8)
    looks = looks_of(lines)
    for (label, y), dash in zip(lines.items(), DASHES, strict=False):
        color, _, marker = looks[label]
        ax.plot(scales, np.log10(y), color=color, linestyle=dash)
        if label in points:
            low, middle, high = np.log10(np.quantile(points[label], (0, 0.5, 1), axis=1))
            bars = [(middle - low).tolist(), (high - middle).tolist()]  # of an array matplotlib 3.10 warns on NumPy 2.0
            ax.errorbar(at, middle, bars, fmt=marker, color=color, markersize=5, linewidth=1)
    title = "factor per layer of the backward signal (log axes)"
    room = (scales[-1] / scales[0]) ** 0.25
    ax.set(xscale="log", xlabel=scale, title=title, xlim=(scales[0], scales[-1] * room), ylim=limits)
    low = ax.get_ylim()[0]
    ends = [(label, np.log10(y[-1]), looks[label].color) for label, y in lines.items()]
    label_ends(ax, scales[-1] * room**0.08, [end for end in ends if end[1] > low])
    ticks = [digit * 10.0**k for k in range(-6, 7) for digit in (1, 2, 5)]
    ticks = [tick for tick in ticks if scales[0] <= tick <= scales[-1]]
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.xaxis.set_minor_locator(NullLocator())
    label_powers_of_ten(ax)
    return figure
