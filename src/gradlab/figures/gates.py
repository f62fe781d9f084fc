"""What the gates of an LSTM do to its memory, step by step."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from gradlab.arguments import mapping, real_array, some_text
from gradlab.canvas import BLUE, GREEN, INK, ORANGE, VIOLET, Sheet, sheet, styled
from gradlab.numerals import readable

COLORS = (ORANGE, GREEN, VIOLET, BLUE)


@styled
def gates_and_cell(gates: Mapping[str, ArrayLike], offered: ArrayLike, cells: ArrayLike, *, settings: str) -> Sheet:
    """The cell of one unit, and below it how far each gate is open at each step.

    Parameters
    ----------
    gates : mapping of str to array_like, shape (steps,)
        Label of each gate, four at most, and its openings, between 0 and 1.
    offered : array_like, shape (steps,)
        What could be written into the cell at each step, drawn as dots.
    cells : array_like, shape (steps,)
        The cell after each step, drawn as a line.
    settings : str
        What was run, for the caption.

    Returns
    -------
    Sheet

    Raises
    ------
    TypeError
        If a number is not real, `settings` not text, or `gates` not a mapping.
    ValueError
        If there is no gate or more than four, the arrays do not have one axis of equal length, an opening is not
        between 0 and 1, or what is offered or in the cell is not finite.
    """
    rows = {label: real_array(f"gates[{label!r}]", y, ndim=1) for label, y in mapping("gates", gates).items()}
    if not 1 <= len(rows) <= len(COLORS):
        raise ValueError(f"gates must hold one to four gates, got {gates!r}")
    offered = real_array("offered", offered, ndim=1, finite=True)
    cells = real_array("cells", cells, ndim=1, finite=True)
    for label, row in rows.items():
        if not ((row >= 0) & (row <= 1)).all():
            raise ValueError(f"gates[{label!r}] must be between 0 and 1, got {row.tolist()!r}")
    sizes = {"cells": len(cells), "offered": len(offered), **{f"gates[{label!r}]": len(y) for label, y in rows.items()}}
    if len(set(sizes.values())) != 1:
        raise ValueError(f"gates, offered and cells must have equally many steps, got {sizes}")
    open_at = "; ".join(f"{label} more than half open at {_steps(row > 0.5)}" for label, row in rows.items())
    figure, (memory, openings) = sheet(
        alt=f"The cell is {readable(cells[0])} after the first of {len(cells)} steps and {readable(cells[-1])} after "
        f"the last. {open_at[:1].upper()}{open_at[1:]}.",
        caption=some_text("settings", settings),
        nrows=2,
        sharex=True,
        figsize=(4.8, 2.6 + 0.42 * len(rows)),
        height_ratios=(3.4, len(rows)),
    )
    _draw_memory(memory, offered, cells)
    _draw_openings(openings, rows)
    return figure


def _draw_memory(ax: Axes, offered: np.ndarray, cells: np.ndarray) -> None:
    at = np.arange(1, len(cells) + 1)
    ax.axhline(0, color=INK, linewidth=0.6)
    ax.plot(at, offered, "o", color=ORANGE, markersize=4, markerfacecolor="none", label="offered")
    ax.step(np.append(at, at[-1] + 1) - 0.5, np.append(cells, cells[-1]), where="post", color=BLUE, label="cell")
    ax.set(title="what is offered, and what the cell holds")
    ax.legend(loc="upper right", ncols=2, fontsize="small", borderaxespad=0)
    low, high = ax.get_ylim()
    ax.set_ylim(low, high + 0.25 * (high - low))  # room for the legend
    ax.tick_params(axis="x", length=0)


def _draw_openings(ax: Axes, rows: Mapping[str, np.ndarray]) -> None:
    for row, (values, color) in enumerate(zip(rows.values(), COLORS, strict=False)):
        at = np.arange(1, len(values) + 1)
        ax.bar(at, 0.75 * values, width=1.0, bottom=-row, color=color, alpha=0.75, linewidth=0)
        ax.axhline(-row, color=INK, linewidth=0.6)
    ax.set_yticks(0.3 - np.arange(len(rows)), rows)
    ax.tick_params(axis="y", length=0)
    ax.set(xlabel="time step", title="gates, from shut (0) to open (1)", ylim=(0.05 - len(rows) + 0.9, 0.85))
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))


def _steps(marked: np.ndarray) -> str:
    """Say at which steps something is so."""
    count = int(marked.sum())
    if count in (0, len(marked)):
        return "every step" if count else "no step"
    return f"{count} of {len(marked)} steps"
