"""How alike the gradients at neighbouring or different inputs are, and how that fades."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from gradlab.arguments import interval, mapping, one_of, positive_number, some_text
from gradlab.canvas import INK, Sheet, log_axis, sheet, styled
from gradlab.figures.given import growing, of_shape, require_among
from gradlab.figures.looks import looks_of
from gradlab.numerals import power_of_ten, readable

MOST = 4
"""Curves that can be told apart by their dashes."""
LOG_AXES = ("none", "at", "both")


@styled
def gradients_along_input(inputs: ArrayLike, gradients: Mapping[str, ArrayLike], *, settings: str) -> Sheet:
    """Derivative of an output in a single input number, one panel for each network, each divided by its largest value.

    Parameters
    ----------
    inputs : array_like, shape (k,)
        Where the derivative was taken, three points at least, in growing order.
    gradients : mapping of str to array_like, shape (k,)
        Label of each panel, four at most, and the derivatives, finite and not all of them zero.
    settings : str
        What was measured, for the caption.

    Returns
    -------
    Sheet

    Raises
    ------
    TypeError
        If a number is not real, a text not text, or `gradients` not a mapping.
    ValueError
        If there is no panel or more than four, shapes do not fit, a number is not finite, `inputs` do not grow, or a
        panel's derivatives are all zero.
    """
    inputs = growing("inputs", inputs, at_least=3)
    panels = {label: _panel(label, g, inputs.shape) for label, g in _one_to_four("gradients", gradients).items()}
    changes = {label: int((np.diff(np.sign(g[g != 0])) != 0).sum()) for label, g in panels.items()}
    figure, axes = sheet(
        alt=f"Derivative against the input from {readable(inputs[0])} to {readable(inputs[-1])}. "
        + " ".join(f"{label}: changes its sign {times} times." for label, times in changes.items()),
        caption=some_text("settings", settings),
        nrows=len(panels),
        sharex=True,
        squeeze=False,
        figsize=(4.8, 0.6 + 1.05 * len(panels)),
    )
    looks = looks_of(panels)
    for ax, (label, g) in zip(axes[:, 0], panels.items(), strict=True):
        ax.axhline(0, color=INK, linewidth=0.6)
        ax.plot(inputs, g, color=looks[label].color, linewidth=1.2)
        ax.set_title(label, color=looks[label].color)
        ax.set(xlim=(inputs[0], inputs[-1]), ylim=(-1.1, 1.1), yticks=(-1, 0, 1))
    axes[-1, 0].set_xlabel("input")
    return figure


@styled
def correlations(
    at: ArrayLike,
    measured: Mapping[str, ArrayLike],
    *,
    theory: Mapping[str, ArrayLike] | None = None,
    axis: str,
    log: str = "none",
    limits: tuple[float, float] | None = None,
    quantity: str,
    settings: str,
) -> Sheet:
    """How alike gradients are: the median over seeds with a band over nine seeds in ten, and theory as thin lines.

    Parameters
    ----------
    at : array_like, shape (k,)
        Depths, distances or steps, two at least, in growing order.
    measured : mapping of str to array_like, shape (seeds, k)
        Label of each curve, four at most, and its correlations, finite.
    theory : mapping of str to array_like, shape (k,), optional
        Expected values for some of the curves.
    axis : str
        What `at` is.
    log : {"none", "at", "both"}
        Which axes are logarithmic; with both, a power of the depth is a straight line. What is below the lower limit
        is then drawn on it.
    limits : pair of float, optional
        Of the vertical axis, the lower one first; 0.001 to 1 or -0.25 to 1 unless given.
    quantity : str
        The title.
    settings : str
        What was measured, for the caption.

    Returns
    -------
    Sheet

    Raises
    ------
    TypeError
        If a number is not real, a text not text, or `measured` or `theory` not a mapping.
    ValueError
        If there is no curve or more than four, shapes do not fit, a number is not finite, `at` does not grow, `theory`
        has a label that `measured` lacks, `log` is unknown, or `limits` or `at` does not suit a logarithmic axis.
    """
    at, both = growing("at", at, at_least=2), one_of("log", log, LOG_AXES) == "both"
    curves = {
        label: of_shape(f"measured[{label!r}]", c, ("seeds", len(at)))
        for label, c in _one_to_four("measured", measured).items()
    }
    lines = {
        label: of_shape(f"theory[{label!r}]", t, at.shape)
        for label, t in mapping("theory", {} if theory is None else theory).items()
    }
    require_among("theory", lines, curves)
    low, high = ((1e-3, 1.0) if both else (-0.25, 1.0)) if limits is None else interval("limits", limits)
    if both:
        positive_number("limits", low)
    if log != "none":
        positive_number("at", at[0])
    middles = {label: np.median(c, axis=0) for label, c in curves.items()}
    ends = [f"{label}: {readable(m[0], 2)} at {readable(at[0])}" for label, m in middles.items()]
    ends = [f"{e}, {readable(m[-1], 2)} at {readable(at[-1])}" for e, m in zip(ends, middles.values(), strict=True)]
    figure, ax = sheet(
        alt=f"{some_text('quantity', quantity)} against {some_text('axis', axis)}. {'; '.join(ends)}.",
        caption=some_text("settings", settings),
        figsize=(4.8, 3.4),
    )
    floor = low if both else -np.inf
    for label, (color, dash, marker) in looks_of(curves).items():
        c = curves[label]
        lower, upper = np.clip(np.quantile(c, (0.05, 0.95), axis=0), floor, None)
        ax.fill_between(at, lower, upper, color=color, alpha=0.2, linewidth=0)
        style = {"linestyle": "none" if label in lines else dash, "marker": marker if len(at) <= 12 else None}
        ax.plot(at, np.clip(middles[label], floor, None), color=color, markersize=5, clip_on=False, **style)
        if label in lines:
            ax.plot(at, np.where(lines[label] < floor, np.nan, lines[label]), color=color, linestyle=dash, linewidth=1)
    _dress(ax, at, log)
    words = {"none": "", "at": " (log axis below)", "both": " (log axes)"}[log]
    ax.set(xlabel=axis, title=f"{quantity}{words}", ylim=(low, high))
    _label(ax, at[-1], {label: max(m[-1], low) for label, m in middles.items()})
    return figure


def _dress(ax: Axes, at: np.ndarray, log: str) -> None:
    """Set scales and ticks, and leave room for labels on the right."""
    if log == "none":
        ax.set_xlim(at[0], at[-1] + 0.35 * (at[-1] - at[0]))
        ticks = ax.get_xticks()
        ax.set_xticks(ticks[(ticks >= at[0]) & (ticks <= at[-1])])
    else:
        log_axis(ax.xaxis)
        ax.set_xlim(at[0], at[-1] * (at[-1] / at[0]) ** 0.35)
        ax.set_xticks(at, [f"{tick:g}" if tick >= 1 else power_of_ten(tick) for tick in at])
    if log == "both":
        log_axis(ax.yaxis)
    else:
        ax.plot(at[[0, -1]], (0, 0), color=INK, linewidth=0.6)  # ends where the labels begin


def _label(ax: Axes, x: float, heights: dict[str, float]) -> None:
    """Write each label beside the end of its curve, pushed apart where two would overlap, whatever the axes' scales."""
    to_axes = ax.transData + ax.transAxes.inverted()
    ends = {label: to_axes.transform((x, y)) for label, y in heights.items()}
    looks, apart, places = looks_of(heights), 0.075, {}
    ordered, floor, ceiling = sorted(ends, key=lambda label: ends[label][1]), 0.03, 0.96
    for label in ordered:
        places[label] = max(ends[label][1], floor)
        floor = places[label] + apart
    for label in reversed(ordered):  # back down what has left the axes
        places[label] = min(places[label], ceiling)
        ceiling = places[label] - apart
        where = {"xycoords": "axes fraction", "textcoords": "offset points", "va": "center"}
        ax.annotate(label, (ends[label][0], places[label]), (7, 0), **where, color=looks[label].color)


def _one_to_four(name: str, given: Mapping[str, ArrayLike]) -> Mapping[str, ArrayLike]:
    if not 1 <= len(mapping(name, given)) <= MOST:
        raise ValueError(f"{name} must hold one to four curves, got {given!r}")
    return given


def _panel(label: str, values: ArrayLike, shape: tuple[int, ...]) -> np.ndarray:
    array = of_shape(f"gradients[{label!r}]", values, shape)
    if not array.any():
        raise ValueError(f"gradients[{label!r}] must not be zero everywhere, got {values!r}")
    return array / np.abs(array).max()
