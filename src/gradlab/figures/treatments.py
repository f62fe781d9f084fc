"""Broken runs under treatment: what every remedy does to every patient, and losses with and without one."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from gradlab.arguments import flag, mapping, one_of, real_array, some_text
from gradlab.canvas import BLUE, GREEN, INK, ORANGE, RED, Sheet, log_axis, sheet, styled

OUTCOMES = {
    "cured": (GREEN, "o", "full"),
    "helped": (BLUE, "o", "left"),
    "no effect": (INK, "o", "none"),
    "harmed": (RED, "X", "full"),
    "does not apply": (INK, "_", "full"),
}
"""What a remedy may do, and its mark: told apart by shape, not by colour alone."""

MOST_PATIENTS = 7
MOST_REMEDIES = 20
LOSSES = (1e-4, 1e6)
"""Limits of the axis; what is beyond is drawn at the edge."""


@styled
def remedies_on_patients(outcomes: Mapping[str, Mapping[str, tuple[str, bool]]], *, settings: str) -> Sheet:
    """Return a table of what each of several remedies does to each of several patients.

    Parameters
    ----------
    outcomes : mapping of str to mapping of str to (str, bool)
        Remedy, 20 at most, and for each patient, seven at most and the same in every row, a key of `OUTCOMES` and
        whether it was close, which is marked with a question mark.
    settings : str
        What was tried how often, for the caption.

    Returns
    -------
    Sheet

    Raises
    ------
    TypeError
        If `outcomes` or one of its values is not a mapping, whether an outcome is close is not True or False, or
        `settings` is not text.
    ValueError
        If there is no remedy or more than 20, no patient or more than seven, rows differ in their patients, an
        outcome is unknown, or `settings` is blank.
    """
    rows = {name: mapping(f"outcomes[{name!r}]", row) for name, row in mapping("outcomes", outcomes).items()}
    if not 1 <= len(rows) <= MOST_REMEDIES:
        raise ValueError(f"outcomes must hold one to {MOST_REMEDIES} remedies, got {outcomes!r}")
    patients = list(next(iter(rows.values())))
    for name, row in rows.items():
        _check_row(name, row, patients)
    figure, ax = sheet(
        alt=" ".join(f"{name}: {_row_in_words(row)}." for name, row in rows.items()),
        caption=some_text("settings", settings),
        figsize=(4.1, 0.75 + 0.4 * len(rows)),
    )
    for top, (name, row) in enumerate(rows.items()):
        ax.axhline(top - 0.42, color=INK, linewidth=0.4, alpha=0.4)
        ax.text(-0.45, top - 0.17, name, va="center", weight="bold", fontsize=8.5)
        for column, (outcome, close) in enumerate(row.values()):
            _mark(ax, column, top + 0.23, outcome, close=close)
    ax.set(xlim=(-0.5, len(patients) - 0.4), ylim=(len(rows) - 0.4, -0.5), yticks=[])
    ax.set_xticks(np.arange(len(patients)) - 0.05, patients, fontsize=8.5)
    ax.xaxis.tick_top()
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    _explain(figure)
    return figure


def _check_row(name: str, row: Mapping[str, tuple[str, bool]], patients: list[str]) -> None:
    if not 1 <= len(row) <= MOST_PATIENTS or list(row) != patients:
        raise ValueError(f"outcomes[{name!r}] must have one to {MOST_PATIENTS} patients, {patients!r}, got {row!r}")
    for patient, cell in row.items():
        place = f"outcomes[{name!r}][{patient!r}]"
        if not isinstance(cell, tuple) or len(cell) != 2:
            raise TypeError(f"{place} must be an outcome and whether it was close, got {cell!r}")
        one_of(place, cell[0], tuple(OUTCOMES))
        flag(place, cell[1])


def _row_in_words(row: Mapping[str, tuple[str, bool]]) -> str:
    """Return which patients had which outcome."""
    groups = {
        outcome: [f"{name}{' (close)' if close else ''}" for name, (found, close) in row.items() if found == outcome]
        for outcome in OUTCOMES
    }
    return "; ".join(f"{outcome}: {', '.join(names)}" for outcome, names in groups.items() if names)


def _mark(ax: Axes, x: float, y: float, outcome: str, *, close: bool) -> None:
    color, marker, fill = OUTCOMES[outcome]
    style = {"markersize": 6, "markeredgecolor": color, "markerfacecoloralt": "none", "fillstyle": fill}
    ax.plot(x - 0.35, y, marker, color=color, markeredgewidth=1.0, linestyle="none", **style)
    word = outcome if outcome in ("cured", "helped", "harmed") else ""
    ax.text(x - 0.22, y, f"{word}{'?' if close else ''}", va="center", color=color, fontsize=7)


def _explain(figure: Sheet) -> None:
    handles = []
    for outcome in ("no effect", "does not apply"):
        color, marker, fill = OUTCOMES[outcome]
        (handle,) = figure.axes[0].plot(
            [], [], marker, color=color, fillstyle=fill, markersize=6, markeredgewidth=1.0, label=outcome
        )
        handles.append(handle)
    figure.legend(handles=handles, loc="outside lower center", ncols=2, fontsize=8, handletextpad=0.2)


@styled
def losses_under_treatment(
    steps: ArrayLike,
    before: ArrayLike,
    after: ArrayLike | None,
    *,
    title: str,
    settings: str,
) -> Sheet:
    """Losses of the same seeds without a remedy, as a band, and with it, a line for each.

    Parameters
    ----------
    steps : array_like, shape (points,)
    before, after : array_like, shape (seeds, points)
        Losses; NaN from where a run is dead, which is marked by a cross. No `after`: the remedy does not apply.
    title : str
        What was done, and what came of it.
    settings : str
        Which runs, for the caption.

    Returns
    -------
    Sheet

    Raises
    ------
    TypeError
        If an array does not hold real numbers, or a text is not text.
    ValueError
        If an array has the wrong number of axes, the losses do not have a column for each step, or a text is blank.
    """
    steps, before = real_array("steps", steps, ndim=1), real_array("before", before, ndim=2)
    after = None if after is None else real_array("after", after, ndim=2)
    for name, losses in (("before", before), ("after", after)):
        if losses is not None and losses.shape[1] != len(steps):
            raise ValueError(f"{name} must have a column for each of {len(steps)} steps, got shape {losses.shape}")
    words = [f"{some_text('title', title)}.", f"Untreated: {_course(before)}."]
    figure, ax = sheet(
        alt=" ".join(words if after is None else [*words, f"Treated: {_course(after)}."]),
        caption=some_text("settings", settings),
        figsize=(4.2, 3.0),
    )
    _draw_untreated(ax, steps, before)
    if after is not None:
        _draw_treated(ax, steps, after)
    ax.set(xlabel="step", ylabel="loss (log axis)", ylim=LOSSES, title=title)
    log_axis(ax.yaxis)
    ax.set_yticks([1e-4, 1e-2, 1, 1e2, 1e4, 1e6])
    ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    ax.margins(x=0.03)
    handles = [ax.plot([], [], color=ORANGE, linestyle="--", label="untreated")[0]]
    if after is not None:
        handles.append(ax.plot([], [], color=BLUE, linewidth=1.0, label="treated")[0])
    figure.legend(handles=handles, loc="outside lower center", ncols=2)
    return figure


def _course(losses: np.ndarray) -> str:
    """Return in words how many runs die, and what the others' losses come to."""
    dead = np.isnan(losses).any(axis=1)
    died = f"{int(dead.sum())} of {len(losses)} runs die"
    if dead.all():
        return died
    first, last = (float(np.median(losses[~dead, column])) for column in (0, -1))
    return f"{died}, median loss of the others {first:.2g} at first and {last:.2g} in the end"


def _draw_untreated(ax: Axes, steps: np.ndarray, losses: np.ndarray) -> None:
    drawn = np.clip(losses, *LOSSES)
    living = ~np.isnan(drawn).all(axis=0)
    if not living.any():
        return
    low, middle, high = np.nanquantile(drawn[:, living], (0.05, 0.5, 0.95), axis=0)
    ax.fill_between(steps[living], low, high, color=ORANGE, alpha=0.2, linewidth=0)
    ax.plot(steps[living], middle, "--", color=ORANGE, linewidth=1.8)
    if np.isnan(losses).any():
        ax.plot(steps[living][-1], middle[-1], "X", color=ORANGE, markersize=8, clip_on=False)


def _draw_treated(ax: Axes, steps: np.ndarray, losses: np.ndarray) -> None:
    for run in np.clip(losses, *LOSSES):
        living = ~np.isnan(run)
        if living.any():
            ax.plot(steps[living], run[living], color=BLUE, linewidth=0.7, alpha=0.8)
        if living.any() and not living.all():
            ax.plot(steps[living][-1], run[living][-1], "X", color=BLUE, markersize=5, clip_on=False)
