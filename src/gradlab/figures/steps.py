"""What a training run measures at each step: medians and bands over seeds, and a threshold."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from gradlab.arguments import mapping, positive_number, some_text, whole_number
from gradlab.canvas import INK, Sheet, label_ends, label_powers_of_ten, sheet, styled
from gradlab.figures.given import exponents_of
from gradlab.figures.looks import looks_of
from gradlab.figures.seeds import band, in_powers_of_ten, median
from gradlab.numerals import readable

MOST = 4
"""Curves that can be told apart by their dashes."""


@styled
def norms_over_steps(
    norms: Mapping[str, ArrayLike],
    *,
    threshold: float | None = None,
    first: int = 0,
    limits: tuple[float, float] | None = None,
    quantity: str = "norm of the gradient",
    settings: str,
) -> Sheet:
    """Norms at every training step: the median over seeds, and a band that holds nine seeds in ten.

    Parameters
    ----------
    norms : mapping of str to array_like, shape (seeds, steps)
        Label of each curve, four at most, and its norms, not negative. Where half of the seeds are infinite or NaN,
        the curve ends in a cross at the upper edge.
    threshold : float, optional
        Drawn as a line, positive.
    first : int
        Number of the first step, at least 0.
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
        If a number is not real, a text not text, or `norms` not a mapping.
    ValueError
        If there is no curve or more than four, an array does not have two axes or two steps, a norm is negative,
        `threshold` is not positive and finite, `first` is negative, or `limits` is not a pair of positive numbers, the
        lower one first.
    """
    curves = {label: in_powers_of_ten(f"norms[{label!r}]", given) for label, given in mapping("norms", norms).items()}
    for label, tens in curves.items():
        whole_number(f"the number of steps of norms[{label!r}]", tens.shape[1], at_least=2)
    if not 1 <= len(curves) <= MOST:
        raise ValueError(f"norms must hold one to {MOST} curves, got {norms!r}")
    threshold = None if threshold is None else positive_number("threshold", threshold)
    first = whole_number("first", first, at_least=0)
    limits = exponents_of(limits)
    figure, ax = sheet(
        alt=" ".join(_in_words(label, tens, threshold, first) for label, tens in curves.items()),
        caption=some_text("settings", settings),
    )
    steps = max(tens.shape[1] for tens in curves.values())
    labels, crosses = [], []
    looks = looks_of(curves)
    for label, tens in curves.items():
        middle, (color, dash, _) = median(tens), looks[label]
        if len(tens) > 1:
            ax.fill_between(first + np.arange(len(middle)), *band(tens), color=color, alpha=0.2, linewidth=0)
        ax.plot(first + np.arange(len(middle)), middle, color=color, linestyle=dash, linewidth=1.6)
        finite = middle < np.inf
        if finite.all():
            labels.append((label, middle[-1], color))
        else:
            crosses.append((label, first + int(finite.argmin()), color))
    if threshold is not None:
        ax.hlines(np.log10(threshold), first, first + steps - 1, color=INK, linewidth=0.9)
        labels.append((f"threshold {readable(threshold)}", np.log10(threshold), INK))
    room = 0.08 + 0.023 * max([0, *(len(text) for text, *_ in labels)])
    title = f"{some_text('quantity', quantity)} (log axis)"
    ax.set(xlabel="training step", title=title, xlim=(first, first + (1 + room) * steps), ylim=limits)
    low, high = ax.get_ylim()
    for k, (label, step, color) in enumerate(crosses):
        lower = 0.075 * k * (high - low)  # those that end at the same step have their labels below one another
        ax.plot(step, high, "X", color=color, markersize=8, clip_on=False)
        beside = {"xytext": (7, -9)} if step - first < steps / 2 else {"xytext": (-18, -9), "ha": "right"}
        ax.annotate(label, (step, high - lower), **beside, textcoords="offset points", color=color)
    label_ends(ax, first + steps - 1, [(text, float(np.clip(y, low, high)), color) for text, y, color in labels])
    ticks = MaxNLocator(5, integer=True).tick_values(first, first + steps - 1)
    ax.set_xticks(ticks[(ticks >= first) & (ticks < first + steps)])
    label_powers_of_ten(ax)
    return figure


def _in_words(label: str, tens: np.ndarray, threshold: float | None, first: int) -> str:
    """Say where a curve begins, ends and is largest, and how often it is above the threshold."""
    middle = median(tens)
    finite = middle < np.inf
    above = "" if threshold is None else f", above the threshold at {np.mean(tens > np.log10(threshold)):.0%} of steps"
    gone = "" if finite.all() else f"infinite or NaN from step {first + int(finite.argmin())} on"
    if not finite[0]:
        return f"{label}: {gone}{above}."
    begin, peak, end = (readable(10.0**value, 2) for value in (middle[0], middle[finite].max(), middle[-1]))
    return f"{label}: {begin} at first, {peak} at most, {gone or f'{end} in the end'}{above}."
