"""The monitor's picture: loss, gradients and updates over the same steps, and where the trouble began.

Nothing is left out because it is extreme: what is not finite is a cross at the upper edge, and zero lies at the lower
one. Only this module of the monitor imports matplotlib.
"""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

from gradlab.canvas import BLUE, GREEN, INK, PALETTE, RED, Sheet, label_ends, label_powers_of_ten, sheet, styled
from gradlab.monitor.diagnosis import Diagnosis
from gradlab.monitor.readings import Readings
from gradlab.monitor.report import headline
from gradlab.monitor.sizes import relative_updates, watched
from gradlab.monitor.weight_rules import LARGE, LARGER_THAN_WEIGHTS, OVERWRITING
from gradlab.numerals import readable

GREY = "#8a8f94"
"""For the lines that are there for comparison; legible on light and dark."""

DASHES = ("-", "--", "-.", ":")
FEW = 4
"""Up to this many parameters, each has a colour and a name."""

LETTERS = 20
"""Letters of a name that fit beside the axes."""

WIDE = 1e4
"""Times its usual size at which a loss that is also negative needs an axis that is logarithmic to both sides."""

SPARSE = 30
"""Up to this many values on a line, each has a dot."""


@styled
def history_figure(readings: Readings, diagnosis: Diagnosis) -> Sheet:
    """Loss, gradient norm and relative update over the steps of a run, one line for each parameter.

    Parameters
    ----------
    readings : Readings
        Of a run of any length, also of none.
    diagnosis : Diagnosis
        Of the same run; its onset and its layer are marked.

    Returns
    -------
    Sheet
        Three stacked axes that share their steps.
    """
    figure, (top, middle, bottom) = sheet(
        alt=_alt(readings, diagnosis),
        caption="Loss, 2-norm of each parameter's gradient before clipping, and norm of each update over that of the "
        "weights it changes. Grey: parameters without a label. A cross at the upper edge is where a value stops being "
        "finite, each tick beyond it one more that is not; zero lies at the lower edge.",
        nrows=3,
        sharex=True,
        figsize=(6.4, 6.4),
        gridspec_kw={"height_ratios": (2, 3, 3)},
    )
    steps = max(len(readings.loss), 1)
    bottom.set(xlabel="step", xlim=(-0.02 * steps - 0.5, 1.02 * steps - 0.5))
    bottom.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    _draw_loss(top, readings)
    top.set_title(_title(diagnosis), weight="bold" if diagnosis.verdict == "EXPLODING" else "normal")
    chosen = _chosen(readings, diagnosis)
    _draw_norms(middle, readings, readings.grad, np.arange(len(readings.names)), chosen, ())
    middle.set_title("norm of the gradient (log axis)")
    _draw_norms(
        bottom, readings, _updates(readings), watched(readings), chosen, (LARGE, LARGER_THAN_WEIGHTS, OVERWRITING)
    )
    bottom.set_title("update / weights (log axis)")
    if diagnosis.onset is not None:
        for ax in (top, middle, bottom):
            ax.axvline(diagnosis.onset, color=INK, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
    return figure


def _title(diagnosis: Diagnosis) -> str:
    where = f", {_short(diagnosis.where)}" if diagnosis.where else ""
    return f"loss: {headline(diagnosis)}{where}"


def _updates(readings: Readings) -> np.ndarray:
    """Return relative updates with infinity where the step was taken and is not finite."""
    return np.where(np.isinf(readings.update) | np.isinf(readings.weight), np.inf, relative_updates(readings))


def _chosen(readings: Readings, diagnosis: Diagnosis) -> dict[int, tuple[str, str]]:
    """Return colour and line style of the parameters that get a name: first, last and worst, or all of a few."""
    columns = [int(k) for k in watched(readings)]
    if len(columns) <= FEW:
        return {k: (PALETTE[i], DASHES[i]) for i, k in enumerate(columns)}
    chosen = {columns[0]: (BLUE, "--"), columns[-1]: (GREEN, "-.")}
    if diagnosis.where in readings.names:
        chosen[readings.names.index(diagnosis.where)] = (RED, "-")
    return chosen


def _draw_loss(ax: Axes, readings: Readings) -> None:
    loss = readings.loss
    at, finite = np.arange(len(loss)), np.isfinite(loss)
    if finite.any():
        values = _set_loss_scale(ax, np.where(finite, loss, np.nan), loss[finite])
        ax.plot(at, values, color=BLUE, linewidth=1.4, marker="." if finite.sum() < SPARSE else None, markersize=5)
    else:
        ax.set(ylim=(0, 1), yticks=[])
    _cross(ax, at[~finite], BLUE)
    skipped = np.flatnonzero(~readings.applied[:-1])  # the last step may still be taken
    if len(skipped):
        ax.plot(skipped, np.zeros(len(skipped)), "|", color=INK, markersize=7, transform=ax.get_xaxis_transform())
        label_ends(ax, ax.get_xlim()[1], [(f"{len(skipped)} skipped", ax.get_ylim()[0], INK)])


def _set_loss_scale(ax: Axes, loss: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Choose the scale of the loss's axis and return what to draw: exponents of ten where the axis holds those."""
    low, high, usual = known.min(), known.max(), float(np.median(np.abs(known)))
    if low > 0 and high > 10 * low:
        _limit(ax, np.log10(known))
        label_powers_of_ten(ax)
        return np.log10(loss)
    if usual > 0 and max(abs(low), abs(high)) > WIDE * usual:
        ax.set_yscale("symlog", linthresh=usual)
        ax.set_ylim(min(10 * low, 0.0) if low < 0 else -usual, max(10 * high, usual))
        ax.set_yticks(sorted({float(low), 0.0, float(high)} if high > usual else {float(low), 0.0}), minor=False)
        ax.yaxis.set_minor_locator(NullLocator())
    else:
        _limit(ax, known)
        ax.yaxis.set_major_locator(MaxNLocator(4))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: readable(value, 3)))
    return loss


def _limit(ax: Axes, values: np.ndarray, *marks: float) -> None:
    """Set the limits so that all values and marks lie inside, with room for crosses above."""
    known = np.append(values, marks)
    low, high = (known.min(), known.max()) if len(known) else (0.0, 1.0)
    room = max(0.06 * (high - low), 0.02 * max(abs(low), abs(high)), 1e-12)
    ax.set_ylim(low - room, high + 2 * room)


def _cross(ax: Axes, steps: np.ndarray, color: str, apart: int = 1) -> None:
    """Mark what is not finite at the upper edge: a cross where it begins, a tick for each value that follows."""
    first = np.diff(steps, prepend=-np.inf) > apart
    edge = {"color": color, "clip_on": False, "transform": ax.get_xaxis_transform(), "zorder": 4, "in_layout": False}
    ax.plot(steps, np.ones(len(steps)), "|", markersize=4, markeredgewidth=0.8, **edge)
    ax.plot(steps[first], np.ones(first.sum()), "X", markersize=6.5, markeredgewidth=0, **edge)


def _draw_norms(
    ax: Axes,
    readings: Readings,
    norms: np.ndarray,
    columns: np.ndarray,
    chosen: dict[int, tuple[str, str]],
    thresholds: tuple[float, ...],
) -> None:
    """Draw norms over sampled steps on a logarithmic axis: grey lines, a few in colour, and thresholds."""
    with np.errstate(divide="ignore", invalid="ignore"):
        tens = np.log10(norms)
    known = tens[:, columns][np.isfinite(tens[:, columns])]
    if not len(known) and not thresholds:
        known = np.array([-1.0, 1.0])
    _limit(ax, known, *np.log10(thresholds))
    low, high = ax.get_ylim()
    tens = np.where(np.isneginf(tens), low, tens)  # zero
    drawn = np.where(np.isfinite(tens), tens, np.nan)
    others = [k for k in columns if k not in chosen]
    _draw_thin(ax, readings.step, drawn[:, others], np.isposinf(norms[:, others]).any(axis=1))
    labels = _draw_thresholds(ax, thresholds)
    for k in (k for k in columns if k in chosen):
        color, dash = chosen[k]
        broken = readings.step[np.isposinf(norms[:, k])]
        few = "." if np.isfinite(drawn[:, k]).sum() < SPARSE else None
        ax.plot(readings.step, drawn[:, k], color=color, linestyle=dash, linewidth=1.6, marker=few, markersize=5)
        labels += _end(readings.names[k], drawn[:, k], broken, high, color)
        _cross(ax, broken, color, _apart(readings.step))
    label_powers_of_ten(ax)
    label_ends(ax, ax.get_xlim()[1], labels)


def _draw_thin(ax: Axes, steps: np.ndarray, series: np.ndarray, broken: np.ndarray) -> None:
    """Draw the parameters without a colour; one row of marks tells where any of them is not finite."""
    thin = {"colors": GREY, "linewidths": 0.6, "alpha": 0.6, "in_layout": False}
    ax.add_collection(LineCollection([np.column_stack([steps, one]) for one in series.T], **thin))
    _cross(ax, steps[broken], GREY, _apart(steps))


def _draw_thresholds(ax: Axes, thresholds: tuple[float, ...]) -> list[tuple[str, float, str]]:
    """Draw thresholds as thin lines and return their labels."""
    for mark in thresholds:
        ax.axhline(np.log10(mark), color=INK, linewidth=0.5, alpha=0.6)
    unit = {LARGER_THAN_WEIGHTS: " × weights"}
    return [(readable(mark) + unit.get(mark, ""), np.log10(mark), INK) for mark in thresholds]


def _apart(steps: np.ndarray) -> int:
    return int(np.diff(steps).max(initial=1))


def _end(name: str, series: np.ndarray, broken: np.ndarray, high: float, color: str) -> list[tuple[str, float, str]]:
    """Return a name and the height at which its line ends; at the upper edge if it ends in crosses."""
    known = series[~np.isnan(series)]
    if not len(known) and not len(broken):
        return []
    return [(_short(name), high if len(broken) else float(known[-1]), color)]


def _short(name: str) -> str:
    return name if len(name) <= LETTERS else f"…{name[-LETTERS + 1 :]}"


def _alt(readings: Readings, diagnosis: Diagnosis) -> str:
    """Say what a sighted reader takes away."""
    steps = len(readings.loss)
    if not steps:
        return "Three empty axes: no step was recorded."
    finite = np.isfinite(readings.loss)
    where = f", first seen in {diagnosis.where}" if diagnosis.where else ""
    words = [f"{headline(diagnosis)}{where}, in a run of {steps} steps."]
    if finite.any():
        first, last = readings.loss[finite][[0, -1]]
        words.append(f"The loss goes from {readable(first)} to {readable(last)}.")
    if not finite.all():
        words.append(f"It is not finite at {(~finite).sum()} steps, first at step {int(np.argmin(finite))}.")
    updates = relative_updates(readings)[:, watched(readings)]
    if (~np.isnan(updates)).any():
        at, k = np.unravel_index(int(np.nanargmax(updates)), updates.shape)
        name = readings.names[watched(readings)[k]]
        words.append(
            f"The largest finite update is {readable(updates[at, k], 2)} times its weights, "
            f"at step {readings.step[at]} in {name}."
        )
    return " ".join(words)
