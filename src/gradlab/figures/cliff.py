"""The loss of a recurrent neuron over its weight and bias, and one step of gradient descent at its cliff."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from gradlab.arguments import positive_number, real_array, some_text
from gradlab.canvas import BLUE, INK, RED, Sheet, sheet, styled
from gradlab.numerals import readable


@styled
def step_at_cliff(
    weights: ArrayLike,
    biases: ArrayLike,
    losses: ArrayLike,
    *,
    start: ArrayLike,
    gradient: ArrayLike,
    rate: float,
    max_norm: float,
    settings: str,
) -> Sheet:
    """A loss seen from above, its cut through a starting point, and where one step goes from there.

    Parameters
    ----------
    weights, biases : array_like, shapes (w,) and (b,)
        Axes of the surface, in growing order, two at least, evenly spaced.
    losses : array_like, shape (b, w)
        Loss at each of their pairs, finite.
    start : array_like, shape (2,)
        Weight and bias where the step begins, within the picture.
    gradient : array_like, shape (2,)
        Of the loss in both, there; finite, not zero.
    rate : float
        Learning rate, positive.
    max_norm : float
        Threshold to which the gradient's norm is clipped, positive.
    settings : str
        What was computed, for the caption.

    Returns
    -------
    Sheet

    Raises
    ------
    TypeError
        If a number is not real, or `settings` not text.
    ValueError
        If the shapes do not fit, an axis does not grow, a number is not finite, `start` is outside the picture,
        `gradient` is zero, or `rate` or `max_norm` is not positive.
    """
    w, b = _axis("weights", weights), _axis("biases", biases)
    losses = real_array("losses", losses, ndim=2)
    if losses.shape != (len(b), len(w)) or not np.isfinite(losses).all():
        raise ValueError(f"losses must be finite and of shape {(len(b), len(w))}, got {losses!r}")
    start, gradient = _pair("start", start), _pair("gradient", gradient)
    if not (w[0] <= start[0] <= w[-1] and b[0] <= start[1] <= b[-1]):
        raise ValueError(f"start must be within the picture, got {start.tolist()!r}")
    if not gradient.any():
        raise ValueError(f"gradient must not be zero, got {gradient.tolist()!r}")
    slope, rate = float(np.linalg.norm(gradient)), positive_number("rate", rate)
    free, clipped = rate * slope, rate * min(slope, positive_number("max_norm", max_norm))
    figure, (above, cut) = sheet(
        alt=f"A loss over weight and bias, from {readable(losses.min(), 2)} to {readable(losses.max(), 2)}. At the "
        f"starting point the gradient has norm {readable(slope, 2)}. A step from there has length {readable(free, 2)}, "
        f"or {readable(clipped, 2)} with clipping.",
        caption=some_text("settings", settings),
        nrows=2,
        figsize=(4.8, 5.4),
        gridspec_kw={"height_ratios": [3, 2]},
    )
    across, up = (w[1] - w[0]) / 2, (b[1] - b[0]) / 2  # a pixel is centred on its pair
    ends = (w[0] - across, w[-1] + across, b[0] - up, b[-1] + up)
    picture = above.imshow(losses, origin="lower", extent=ends, aspect="auto", interpolation="none", cmap="cividis")
    figure.colorbar(picture, ax=above, label="loss")
    above.plot(*start, "o", color=RED, markersize=7, markeredgecolor="white")
    above.set(title="bias", xlabel="weight")
    _draw_cut(cut, w, losses[np.abs(b - start[1]).argmin()], start[0], float(gradient[0]), rate)
    words = f"step without clipping: {readable(free, 2)}\nwith clipping: {readable(clipped, 2)}"
    cut.annotate(words, (0.98, 0.97), xycoords="axes fraction", ha="right", va="top", color=INK)
    return figure


def _draw_cut(ax: Axes, w: np.ndarray, losses: np.ndarray, start: float, slope: float, rate: float) -> None:
    """Draw the loss along the weight, and the free step as an arrow, which may leave the picture."""
    ax.plot(w, losses, color=BLUE)
    height = float(np.interp(start, w, losses))
    ax.set(xlabel="weight", title="loss at the starting point's bias", xlim=(w[0], w[-1]))
    ax.set_ylim(0, 1.6 * losses.max() or 1.0)  # room for the words
    low, high = ax.get_xlim()
    end = float(np.clip(start - rate * slope, low, high))
    ax.plot([start, end], [height, height], color=RED, linewidth=1.4)
    if not low <= start - rate * slope <= high:
        ax.plot(end, height, "<" if slope > 0 else ">", color=RED, markersize=9, clip_on=False)
    ax.plot(start, height, "o", color=RED, markersize=7)


def _axis(name: str, values: ArrayLike) -> np.ndarray:
    array = real_array(name, values, ndim=1, finite=True)
    steps = np.diff(array)
    if len(array) < 2 or not ((steps > 0) & np.isclose(steps, steps[0])).all():
        raise ValueError(f"{name} must be evenly spaced finite numbers in growing order, two at least, got {values!r}")
    return array


def _pair(name: str, values: ArrayLike) -> np.ndarray:
    array = real_array(name, values, ndim=1, finite=True)
    if array.shape != (2,):
        raise ValueError(f"{name} must be two finite numbers, got {values!r}")
    return array
