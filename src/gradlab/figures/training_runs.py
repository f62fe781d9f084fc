"""What becomes of training runs: their losses, beside the gradient that they began with, and their final scores."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from gradlab.arguments import mapping, real_array, real_number, some_text
from gradlab.canvas import BLUE, INK, RED, Sheet, log_axis, sheet, styled
from gradlab.figures.seeds import spread
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


@styled
def final_scores(
    scores: Mapping[str, ArrayLike], *, chance: float | None = None, score: str = "accuracy", settings: str
) -> Sheet:
    """How good each run was at the end, a dot for each; runs that died are crosses in a column of their own.

    Parameters
    ----------
    scores : mapping of str to array_like, shape (runs,)
        Label of each group of runs, eight at most, and their scores, 1 at most; NaN for a run that died. Scores
        below 0 are drawn at 0.
    chance : float, optional
        Score of guessing, between 0 and 1, drawn as a line.
    score : str
        What the score is, for the axis.
    settings : str
        What was trained, for the caption.

    Returns
    -------
    Sheet

    Raises
    ------
    TypeError
        If a number is not real, a text not text, or `scores` not a mapping.
    ValueError
        If there is no group or more than eight, a group does not have one axis, a score is above 1, or `chance` is
        outside its range.
    """
    groups = {label: real_array(f"scores[{label!r}]", s, ndim=1) for label, s in mapping("scores", scores).items()}
    if not 1 <= len(groups) <= 8:
        raise ValueError(f"scores must hold one to eight groups, got {scores!r}")
    for label, runs in groups.items():
        if (runs > 1).any():
            raise ValueError(f"scores[{label!r}] must be at most 1, got {runs.tolist()!r}")
    if chance is not None and not 0 <= real_number("chance", chance) <= 1:
        raise ValueError(f"chance must be between 0 and 1, got {chance!r}")
    figure, ax = sheet(
        alt=" ".join(_fates_in_words(label, runs) for label, runs in groups.items()),
        caption=some_text("settings", settings),
        figsize=(4.8, 1.0 + 0.42 * len(groups)),
    )
    if chance is not None:
        ax.axvline(chance, color=INK, linewidth=0.8, linestyle=":")
        ax.annotate("chance", (chance, -0.75), (3, 0), textcoords="offset points", va="center")
    deaths = any(np.isnan(runs).any() for runs in groups.values())
    column = 0.9 / max(1.0, 3.8 - 0.075 * max(map(len, groups))) if deaths else 0.04  # long labels leave less room
    for row, runs in enumerate(groups.values()):
        lost = np.isnan(runs)
        alive = np.sort(np.clip(runs[~lost], 0, 1))
        ax.plot(alive, row + 0.22 * spread(len(alive)), "o", color=BLUE, markersize=4.5, alpha=0.6)
        if lost.any():
            cross, words = (-0.9 * column, row), f"{lost.sum()} died"
            ax.plot(*cross, "X", color=RED, markersize=7, clip_on=False)
            ax.annotate(words, cross, (7, 0), textcoords="offset points", color=RED, weight="bold", va="center")
    ax.set(xlabel=some_text("score", score), xlim=(-column, 1.02), ylim=(len(groups) - 0.5, -1.1))
    ax.set_xticks(np.linspace(0, 1, 6))
    ax.set_yticks(range(len(groups)), groups)
    ax.tick_params(axis="y", length=0)
    return figure


def _fates_in_words(label: str, runs: np.ndarray) -> str:
    lost = np.isnan(runs)
    died = f"{lost.sum()} of {len(runs)} runs died" if lost.any() else f"all {len(runs)} runs live"
    if lost.all():
        return f"{label}: {died}."
    method = "linear" if np.isfinite(runs[~lost]).all() else "nearest"
    low, middle, high = (readable(level, 2) for level in np.quantile(runs[~lost], (0, 0.5, 1), method=method))
    return f"{label}: {died}, scores from {low} to {high}, median {middle}."
