"""What the signs of an explosion look like in time: loss curves to be sorted by eye, and how early each sign comes."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from gradlab.arguments import mapping, real_array, some_text, whole_number
from gradlab.canvas import BLUE, INK, RED, Sheet, log_axis, sheet, styled
from gradlab.figures.seeds import spread

MOST_CURVES = 12
LOSSES = (1e-3, 1e3)
"""Limits of the axis; what is beyond is drawn at the edge."""

LEADS = (0, 1, 3, 7, 15, 31, 63, 127)
"""Steps before the NaN that are labelled."""


@styled
def loss_curves(
    curves: Mapping[str, ArrayLike],
    *,
    exploding: Collection[str] | None = None,
    shown: int | None = None,
    settings: str,
) -> Sheet:
    """Loss curves side by side, all on the same axes, to be sorted by eye; and later how they end.

    A loss is drawn by its size, whatever its sign.

    Parameters
    ----------
    curves : mapping of str to array_like, shape (steps,)
        Label of each run, two to twelve, and its losses. A curve ends in a cross before its first NaN or infinity.
    exploding : collection of str, optional
        Labels of the runs that explode; unless it is given, nothing tells which they are.
    shown : int, optional
        Number of the first steps that a reader has seen before; a line marks their end.
    settings : str
        What was trained, for the caption.

    Returns
    -------
    Sheet

    Raises
    ------
    TypeError
        If `curves` is not a mapping of real numbers, `exploding` is no collection, `shown` not an integer, or
        `settings` not text.
    ValueError
        If there are fewer than two curves or more than twelve, one does not have one axis, `exploding` names a run
        that is not there, `shown` is below 1, or `settings` is blank.
    """
    runs = {label: real_array(f"curves[{label!r}]", run, ndim=1) for label, run in mapping("curves", curves).items()}
    if not 2 <= len(runs) <= MOST_CURVES:
        raise ValueError(f"curves must hold two to {MOST_CURVES} runs, got {curves!r}")
    ill = None if exploding is None else _labels_among(runs, exploding)
    shown = None if shown is None else whole_number("shown", shown, at_least=1)
    across = 3 if len(runs) > 4 else 2
    figure, grid = sheet(
        alt=" ".join(_course(label, run, ill) for label, run in runs.items()),
        caption=some_text("settings", settings),
        nrows=-(-len(runs) // across),
        ncols=across,
        sharex=True,
        sharey=True,
        squeeze=False,
        figsize=(4.8, 0.6 + 1.15 * -(-len(runs) // across)),
    )
    for ax, (label, run) in zip(grid.flat, runs.items(), strict=False):
        _draw_run(ax, run, INK if ill is None else RED if label in ill else BLUE, shown)
        fate = "" if ill is None else ": explodes" if label in ill else ": does not"
        ax.set_title(f"{label}{fate}", color=INK if ill is None else RED if label in ill else BLUE)
    for ax in grid.flat[len(runs) :]:
        ax.set_axis_off()
    _share_axes(grid)
    return figure


def _labels_among(runs: Mapping[str, np.ndarray], exploding: Collection[str]) -> set[str]:
    if isinstance(exploding, str) or not isinstance(exploding, Collection):
        raise TypeError(f"exploding must be a collection of labels, got {exploding!r}")
    if not set(exploding) <= set(runs):
        raise ValueError(f"exploding must name runs among {', '.join(runs)}, got {exploding!r}")
    return set(exploding)


def _course(label: str, run: np.ndarray, ill: set[str] | None) -> str:
    """Return in words how a curve goes, and how it ends if that may be told."""
    finite = np.isfinite(run)
    seen = run if finite.all() else run[: np.argmin(finite)]
    if len(seen) == 0:
        way = "is never finite"
    else:
        ratio = abs(np.median(seen[-5:])) / max(abs(seen[0]), 1e-300)
        way = "falls" if ratio < 0.8 else "rises" if ratio > 1.25 else "stays about where it was"
    died = "" if finite.all() or len(seen) == 0 else f", and is not finite at step {len(seen)}"
    fate = "" if ill is None else "; it explodes" if label in ill else "; it does not explode"
    return f"{label} {way}{died}{fate}."


def _draw_run(ax: Axes, run: np.ndarray, color: str, shown: int | None) -> None:
    finite = np.isfinite(run)
    end = len(run) if finite.all() else int(np.argmin(finite))
    drawn = np.clip(np.abs(run[:end]), *LOSSES)
    ax.plot(drawn, color=color, linewidth=1.2)
    if end < len(run):
        ax.plot(max(end - 1, 0), drawn[-1] if end else LOSSES[1], "X", color=color, markersize=6, clip_on=False)
    if shown is not None:
        ax.axvline(shown - 1, color=INK, linewidth=0.8, linestyle=":")


def _share_axes(grid: np.ndarray) -> None:
    first = grid.flat[0]
    first.set(ylim=LOSSES)
    log_axis(first.yaxis)
    first.set_yticks([1e-2, 1, 1e2])
    first.xaxis.set_major_locator(MaxNLocator(3, integer=True))
    for ax in grid[-1]:
        ax.set_xlabel("step")


@styled
def warning_times(leads: Mapping[str, ArrayLike], *, settings: str) -> Sheet:
    """How many steps before a run's first NaN or infinity each sign was seen, a dot for each run.

    Parameters
    ----------
    leads : mapping of str to array_like, shape (runs,)
        Sign, eight at most, and for each run by how many steps it came before the end: 0 for a sign seen in the last
        step itself, NaN for one that was not seen at all.
    settings : str
        Which runs, for the caption.

    Returns
    -------
    Sheet

    Raises
    ------
    TypeError
        If `leads` is not a mapping of real numbers, or `settings` is not text.
    ValueError
        If there is no sign or more than eight, one does not have one axis, a number is negative or infinite, or
        `settings` is blank.
    """
    signs = {sign: real_array(f"leads[{sign!r}]", steps, ndim=1) for sign, steps in mapping("leads", leads).items()}
    if not 1 <= len(signs) <= 8:
        raise ValueError(f"leads must hold one to eight signs, got {leads!r}")
    for sign, steps in signs.items():
        if ((steps < 0) | np.isinf(steps)).any():
            raise ValueError(f"leads[{sign!r}] must be finite and at least 0, or NaN, got {steps.tolist()!r}")
    figure, ax = sheet(
        alt=" ".join(_warnings_in_words(sign, steps) for sign, steps in signs.items()),
        caption=some_text("settings", settings),
        figsize=(4.8, 1.1 + 0.5 * len(signs)),
    )
    most = max([15, *(np.nanmax(steps) for steps in signs.values() if not np.isnan(steps).all())])
    for row, steps in enumerate(signs.values()):
        seen = np.sort(steps[~np.isnan(steps)])
        color = BLUE if (seen > 0).any() else RED
        ax.plot(-np.log2(1 + seen), row + 0.28 * spread(len(seen)), "o", color=color, markersize=4, alpha=0.55)
        silent = len(steps) - len(seen)
        ax.annotate(f"{silent} silent" if silent else "", (0.45, row), va="center", color=RED, weight="bold")
    ax.axvline(0, color=INK, linewidth=0.8, linestyle=":")
    ticks = [lead for lead in LEADS if lead <= most]
    ax.set_xticks([-np.log2(1 + lead) for lead in ticks], ["NaN" if lead == 0 else f"{lead}" for lead in ticks])
    ax.set_yticks(range(len(signs)), signs)
    ax.set(xlabel="steps before the NaN", xlim=(-np.log2(1 + most) - 0.3, 2.4), ylim=(len(signs) - 0.4, -0.6))
    ax.tick_params(axis="y", length=0)
    return figure


def _warnings_in_words(sign: str, steps: np.ndarray) -> str:
    early = steps[steps > 0]  # NaN is not above 0
    when = f" (steps before it, median: {np.median(early):g})" if len(early) else ""
    silent = int(np.isnan(steps).sum())
    return f"{sign}: seen before the NaN in {len(early)} of {len(steps)} runs{when}, not at all in {silent}."
