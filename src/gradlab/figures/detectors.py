"""How well a sign tells runs that explode from others: precision and recall, and where each run stands."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.ticker import PercentFormatter
from numpy.typing import ArrayLike

from gradlab.arguments import interval, mapping, positive_number, real_array, real_number, some_text
from gradlab.canvas import BLUE, INK, ORANGE, RED, VIOLET, Sheet, log_axis, sheet, styled
from gradlab.figures.seeds import spread
from gradlab.numerals import readable

SERIES = ((BLUE, "o", "full"), (ORANGE, "s", "full"), (ORANGE, "s", "none"))
GROUPS = ((RED, "X", 6.0), (BLUE, "o", 4.5), (VIOLET, "^", 5.0))


@styled
def precision_and_recall(signs: Mapping[str, Mapping[str, float]], *, settings: str) -> Sheet:
    """Shares between 0 and 1 for each of several signs: a row for each sign, a mark for each share.

    Parameters
    ----------
    signs : mapping of str to mapping of str to float
        Sign, twelve at most, and its shares by name, such as precision and recall: one to three, of the same names for
        each sign. NaN for a share that is not defined (the precision of a sign that is never seen).
    settings : str
        Which runs and thresholds, for the caption.

    Returns
    -------
    Sheet

    Raises
    ------
    TypeError
        If `signs` or one of its values is not a mapping, a share not one real number, or `settings` not text.
    ValueError
        If there is no sign or more than twelve, one has no share, more than three or not those of the first, a share
        is not between 0 and 1, or `settings` is blank.
    """
    rows = {sign: mapping(f"signs[{sign!r}]", shares) for sign, shares in mapping("signs", signs).items()}
    if not 1 <= len(rows) <= 12:
        raise ValueError(f"signs must hold one to twelve signs, got {signs!r}")
    names = list(next(iter(rows.values())))
    for sign, shares in rows.items():
        _check_shares(sign, shares, names)
    figure, ax = sheet(
        alt=" ".join(f"{sign}: {_in_words(shares)}." for sign, shares in rows.items()),
        caption=some_text("settings", settings),
        figsize=(4.8, 1.2 + 0.34 * len(rows)),
    )
    for name, (color, marker, fill) in zip(names, SERIES, strict=False):
        values = [float(shares[name]) for shares in rows.values()]
        style = {"color": color, "marker": marker, "fillstyle": fill, "markersize": 7, "linestyle": "none"}
        ax.plot(values, range(len(rows)), label=name, clip_on=False, zorder=3, **style)
    ax.hlines(range(len(rows)), 0, 1, color=INK, linewidth=0.4, alpha=0.4)
    ax.xaxis.set_major_formatter(PercentFormatter(1))
    ax.set(xlim=(0, 1), ylim=(len(rows) - 0.5, -0.5))
    ax.set_yticks(range(len(rows)), rows)
    ax.tick_params(axis="y", length=0)
    figure.legend(loc="outside upper center", ncols=len(names), handletextpad=0.2, columnspacing=1.2)
    return figure


def _check_shares(sign: str, shares: Mapping[str, float], names: list[str]) -> None:
    if not 1 <= len(shares) <= len(SERIES) or list(shares) != names:
        raise ValueError(f"signs[{sign!r}] must have one to three shares, named {names!r}, got {shares!r}")
    for name, share in shares.items():
        if not (np.isnan(real_number(f"signs[{sign!r}][{name!r}]", share, or_nan=True)) or 0 <= share <= 1):
            raise ValueError(f"signs[{sign!r}][{name!r}] must be between 0 and 1, or NaN, got {share!r}")


def _in_words(shares: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {_per_cent(float(share))}" for name, share in shares.items())


def _per_cent(share: float) -> str:
    return "undefined" if np.isnan(share) else f"{100 * share:.0f}%"


@styled
def runs_along_sign(
    scores: Mapping[str, ArrayLike],
    threshold: float,
    *,
    sign: str,
    limits: tuple[float, float] = (1e-3, 1e6),
    settings: str,
) -> Sheet:
    """Where each run stands on the axis of a sign, and what a threshold makes of it.

    Parameters
    ----------
    scores : mapping of str to array_like, shape (runs,)
        Group of runs, two or three, and how strongly each run shows the sign. The first are those that it ought to
        tell from the others. A score beyond the axis is drawn at its edge.
    threshold : float
        Positive; the sign is seen in runs whose score is above it.
    sign : str
        What is measured, for the axis.
    limits : (float, float)
        Ends of the axis, positive.
    settings : str
        Which runs, for the caption.

    Returns
    -------
    Sheet

    Raises
    ------
    TypeError
        If `scores` is not a mapping of real numbers, another number is not real, or a text not text.
    ValueError
        If there are not two or three groups, one does not have one axis, a score is NaN, a number is not positive and
        finite, the limits are not in growing order, or a text is blank.
    """
    groups = {name: real_array(f"scores[{name!r}]", runs, ndim=1) for name, runs in mapping("scores", scores).items()}
    if not 2 <= len(groups) <= len(GROUPS):
        raise ValueError(f"scores must hold two or three groups, got {scores!r}")
    for name, runs in groups.items():
        if np.isnan(runs).any():
            raise ValueError(f"scores[{name!r}] must not hold NaN, got {runs.tolist()!r}")
    threshold = positive_number("threshold", threshold)
    low, high = _positive_interval(limits)
    seen = {name: int((runs > threshold).sum()) for name, runs in groups.items()}
    alarms, (found, *_) = sum(seen.values()), seen.values()
    recall = found / len(next(iter(groups.values())))
    verdict = f"precision {_per_cent(found / alarms if alarms else np.nan)}, recall {_per_cent(recall)}"
    counts = ", ".join(f"{seen[name]} of {len(runs)} {name}" for name, runs in groups.items())
    figure, ax = sheet(
        alt=f"{some_text('sign', sign)}, above {readable(threshold)}: {counts} runs; {verdict}.",
        caption=some_text("settings", settings),
        figsize=(4.8, 1.3 + 0.55 * len(groups)),
    )
    for row, (runs, (color, marker, size)) in enumerate(zip(groups.values(), GROUPS, strict=False)):
        ordered = np.sort(runs)
        y = row + 0.3 * spread(len(runs))
        look = {"color": color, "markersize": size, "alpha": 0.7, "clip_on": False}
        ax.plot(np.clip(ordered, low, high), y, marker, **look)
    ax.axvline(threshold, color=INK, linewidth=1.2)
    ax.axvspan(threshold, high, color=INK, alpha=0.08, linewidth=0)
    ax.set(xlabel=f"{sign} (log axis)", title=verdict, xlim=(low, high), ylim=(len(groups) - 0.4, -0.6))
    log_axis(ax.xaxis)
    ax.set_yticks(range(len(groups)), [f"{seen[name]} of {len(runs)}\n{name}" for name, runs in groups.items()])
    ax.tick_params(axis="y", length=0)
    return figure


def _positive_interval(limits: tuple[float, float]) -> tuple[float, float]:
    ends = interval("limits", limits)
    if ends is None or ends[0] <= 0:
        raise ValueError(f"limits must be two positive numbers, the lower one first, got {limits!r}")
    return ends
