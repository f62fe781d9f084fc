"""What becomes of training runs, beside the gradient that they began with."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from gradlab.arguments import real_array, some_text
from gradlab.canvas import BLUE, RED, Sheet, log_axis, sheet, styled
from gradlab.numerals import readable

LOSSES = (1e-3, 1e7)
SIGNALS = (1e-9, 1e13)
"""Limits of the axes, the same in every chapter, wide enough for the catastrophe."""


@styled
def signal_and_loss(signals: ArrayLike, losses: ArrayLike, *, settings: str) -> Sheet:
    """What became of training runs, above the gradient that they began with.

    Parameters
    ----------
    signals : array_like, shape (seeds, layers + 1)
        Norm of the backward signal at the input (layer 0) and after each layer, before training.
    losses : array_like, shape (seeds, steps)
        Loss before every step of training. A run dies, and ends in a cross at the upper edge, where it
        leaves the picture or becomes NaN or infinite.
    settings : str
        What was trained, for the caption.

    Returns
    -------
    Sheet

    Raises
    ------
    TypeError
        If an array does not hold real numbers, or `settings` is not text.
    ValueError
        If an array does not have two axes, the two have different numbers of seeds, or `settings` is blank.
    """
    signals, losses = real_array("signals", signals, ndim=2), real_array("losses", losses, ndim=2)
    if len(signals) != len(losses):
        raise ValueError(f"losses must have as many seeds as signals ({len(signals)}), got shape {losses.shape}")
    seeds = len(losses)
    inside = np.isfinite(losses) & (losses < LOSSES[1])
    dead = ~inside.all(axis=1)
    with np.errstate(all="ignore"):
        growth = readable(np.median(signals[:, 0] / signals[:, -1]), 2)
    when = f", the first at step {int(np.argmin(inside.all(axis=0)))}" if dead.any() else ""
    figure, (fate, cause) = sheet(
        alt=f"{dead.sum()} of {seeds} training runs die{when}. "
        f"From the last layer to the input the gradient is multiplied by {growth}.",
        caption=some_text("settings", settings),
        nrows=2,
        figsize=(4.8, 4.8),
    )
    _draw_fates(fate, losses, inside)
    _draw_signals(cause, signals)
    return figure


def _draw_fates(ax: Axes, losses: np.ndarray, inside: np.ndarray) -> None:
    ax.set(xlabel="training step", title="loss (log axis)", xlim=(-0.5, losses.shape[1] - 0.5), ylim=LOSSES)
    log_axis(ax.yaxis)
    ax.set_yticks(10.0 ** np.arange(-2, 7, 2))
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    for run, alive in zip(losses, inside, strict=True):
        if alive.all():
            ax.plot(run, color=BLUE, linewidth=1.2)
        else:
            end = int(np.argmin(alive))
            ax.plot(np.append(run[:end], LOSSES[1]), color=RED, linewidth=1.2)
            ax.plot(end, LOSSES[1], "X", color=RED, markersize=7, clip_on=False)
    if not inside.all():
        words = f"{(~inside.all(axis=1)).sum()} of {len(losses)} runs die"
        ax.annotate(words, (0.98, 0.8), xycoords="axes fraction", ha="right", color=RED, weight="bold")


def _draw_signals(ax: Axes, signals: np.ndarray) -> None:
    at = np.arange(signals.shape[1])
    ax.fill_between(at, signals.min(axis=0), signals.max(axis=0), color=BLUE, alpha=0.2, linewidth=0)
    ax.plot(at, np.median(signals, axis=0), color=BLUE)
    title = "norm of the gradient in the activations, before the first step"
    ax.set(xlabel="layer (0 is the input)", title=title, ylim=SIGNALS)
    log_axis(ax.yaxis)
    ax.set_yticks(10.0 ** np.arange(-8, 13, 4))
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
