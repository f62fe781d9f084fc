"""Gradient descent on a parabola, step by step."""

from __future__ import annotations

import numpy as np
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from gradlab.arguments import positive_number, real_array, some_text
from gradlab.canvas import BLUE, INK, ORANGE, RED, Sheet, label_powers_of_ten, sheet, styled
from gradlab.numerals import readable

REACH, DISTANCES = 2.2, (-8, 8)
"""Limits of the axes, the same for every learning rate: of w, and of the exponents of ten of its distance."""


@styled
def descent_on_parabola(iterates: ArrayLike, *, curvature: float, settings: str) -> Sheet:
    """Where the steps land on the parabola ``curvature * w**2 / 2``, and how far from its minimum.

    Parameters
    ----------
    iterates : array_like, shape (steps + 1,)
        ``w`` before the first step and after each; at least one step.
    curvature : float
        Second derivative, positive.
    settings : str
        How the steps were made, for the caption.

    Returns
    -------
    Sheet

    Raises
    ------
    TypeError
        If a number is not real, or `settings` is not text.
    ValueError
        If `iterates` does not have one axis with two entries or more, `curvature` is not positive and finite, or
        `settings` is blank.
    """
    w = real_array("iterates", iterates, ndim=1)
    if len(w) < 2:
        raise ValueError(f"iterates must have at least two entries, got {iterates!r}")
    curvature, steps = positive_number("curvature", curvature), len(w) - 1
    figure, (valley, path) = sheet(
        alt=f"{_way(w)} After {steps} steps the distance from the minimum is {readable(abs(w[-1]))}, "
        f"where it was {readable(abs(w[0]))}.",
        caption=some_text("settings", settings),
        nrows=2,
        figsize=(4.8, 4.8),
    )
    color = RED if not abs(w[-1]) <= abs(w[0]) else BLUE  # NaN is no closer
    ground = np.linspace(-REACH, REACH, 61)
    valley.plot(ground, curvature * ground**2 / 2, color=INK, linewidth=0.8)
    seen = w[: np.argmax(np.abs(w) > REACH) + 1] if (np.abs(w) > REACH).any() else w
    with np.errstate(over="ignore"):
        valley.plot(seen, curvature * seen**2 / 2, "o-", color=color, markersize=4, linewidth=1)
    valley.set(xlabel="w", title="loss", xlim=(-REACH, REACH), ylim=(0, curvature * REACH**2 / 2))
    with np.errstate(divide="ignore"):
        tens = np.log10(np.abs(w))
    at = np.arange(steps + 1)
    path.axhline(0, color=INK, linewidth=0.8)
    for sign, marker, shade in ((1, "o", color), (-1, "s", ORANGE)):
        side = np.sign(w) == sign
        path.plot(at[side], tens[side], marker, color=shade, markersize=4)
    path.set(xlabel="step", title="distance from the minimum (log axis; squares: left of it)")
    path.set(xlim=(-0.05 * steps, 1.05 * steps), ylim=DISTANCES)
    path.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    label_powers_of_ten(path)
    return figure


def _way(w: np.ndarray) -> str:
    """Say in words which way the steps take."""
    if np.isnan(w[-1]):
        return "The steps end outside of the number format."
    crossings = int((np.sign(w[1:]) * np.sign(w[:-1]) < 0).sum())
    if abs(w[-1]) > abs(w[0]):
        return "The steps jump from side to side, further out each time." if crossings else "The steps lead away."
    closer = abs(w[-1]) < abs(w[0])
    if crossings == 0:
        return "The steps approach the minimum from one side." if closer else "The steps come no closer."
    return "The steps jump from side to side, " + ("closer each time." if closer else "and come no closer.")
