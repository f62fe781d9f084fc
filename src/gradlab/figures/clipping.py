"""Gradients of two entries as arrows: what each way to clip makes of them."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from matplotlib.patches import Circle, Rectangle
from numpy.typing import ArrayLike

from gradlab.arguments import mapping, positive_number, real_array, some_text
from gradlab.canvas import BLUE, INK, ORANGE, VIOLET, Sheet, sheet, styled
from gradlab.numerals import readable

COLORS = (INK, BLUE, ORANGE, VIOLET)


@styled
def clipped_arrows(arrows: Mapping[str, ArrayLike], threshold: float, *, settings: str) -> Sheet:
    """A gradient and what clipping leaves of it, with the circle and the square within which clipping keeps them.

    Parameters
    ----------
    arrows : mapping of str to array_like, shape (2,)
        Label of each arrow, two to four, and its finite entries, not both zero. The first is the gradient; the others
        are compared with it.
    threshold : float
        Radius of the circle and half a side of the square, positive.
    settings : str
        What is drawn, for the caption.

    Returns
    -------
    Sheet

    Raises
    ------
    TypeError
        If a number is not real, a text not text, or `arrows` not a mapping.
    ValueError
        If there are fewer than two arrows or more than four, one is not two finite numbers of which one is not zero,
        or `threshold` is not positive and finite.
    """
    tips = {label: real_array(f"arrows[{label!r}]", tip, ndim=1) for label, tip in mapping("arrows", arrows).items()}
    if not 2 <= len(tips) <= len(COLORS):
        raise ValueError(f"arrows must hold two to {len(COLORS)} arrows, got {arrows!r}")
    for label, tip in tips.items():
        if tip.shape != (2,) or not np.isfinite(tip).all() or not tip.any():
            raise ValueError(f"arrows[{label!r}] must be two finite numbers, not both zero, got {tip.tolist()!r}")
    threshold = positive_number("threshold", threshold)
    gradient = next(iter(tips.values()))
    turned = {label: _degrees_between(tip, gradient) for label, tip in tips.items()}
    words = [
        f"{label}: length {readable(np.linalg.norm(tip))}"
        + (
            f", {_degrees(tip):.0f} degrees from the first axis"
            if tip is gradient
            else f", turned by {readable(turned[label], 2)} degrees"
        )
        for label, tip in tips.items()
    ]
    figure, ax = sheet(alt=f"{'; '.join(words)}.", caption=some_text("settings", settings), figsize=(4.8, 4.0))
    ax.add_patch(Circle((0, 0), threshold, fill=False, color=INK, linewidth=0.9))
    corner, side = (-threshold, -threshold), 2 * threshold
    ax.add_patch(Rectangle(corner, side, side, fill=False, color=INK, linewidth=0.9, linestyle=":"))
    reach = 1.2 * max(threshold, *(np.linalg.norm(tip) for tip in tips.values()))
    along = gradient / np.linalg.norm(gradient)
    left = np.array([-along[1], along[0]])
    sides = [np.sign(round(float(tip @ left), 9)) for tip in tips.values()]
    opposite = -next((side for side in sides if side), 1.0)  # where a label along the gradient is in nobody's way
    for (label, tip), side, color in zip(tips.items(), sides, COLORS, strict=False):
        style = {"color": color, "linewidth": 2.2, "shrinkA": 0, "shrinkB": 0}
        ax.annotate("", tip, (0, 0), arrowprops={"arrowstyle": "-|>", **style})
        text = label if tip is gradient else f"{label} ({turned[label]:.0f}°)"
        away = along if tip is gradient else left * (side or opposite)
        align = "left" if tip is gradient or away @ (1, -1) > 0 else "right"
        if not any(sides):
            opposite = -opposite  # all along the gradient: one label on each side
        ax.annotate(text, tip, 10 * away, textcoords="offset points", color=color, ha=align, va="center")
    low = -0.3 * reach if min(tip.min() for tip in tips.values()) >= 0 else -reach
    ax.set(xlim=(low, reach), ylim=(low, reach), xlabel="first entry", title="second entry", aspect="equal")
    return figure


def _degrees(tip: np.ndarray) -> float:
    """Return how far an arrow is turned from the first axis to the second."""
    return math.degrees(math.atan2(tip[1], tip[0]))


def _degrees_between(one: np.ndarray, other: np.ndarray) -> float:
    """Return the angle between two vectors of the plane; exact where the arc cosine of a ratio is not."""
    cross = one[0] * other[1] - one[1] * other[0]
    return round(math.degrees(math.atan2(abs(cross), one @ other)), 9)
