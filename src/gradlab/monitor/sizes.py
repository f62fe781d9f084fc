"""How large weights, updates and gradients are in the readings of a run, and how they grow: numbers without a unit."""

from __future__ import annotations

import numpy as np

from gradlab.monitor.course import fell
from gradlab.monitor.readings import Readings

FIXED_FLOOR = 0.3 / np.sqrt(3)
"""Norm per row, times the root of the rows, below which a weight counts as this large: 0.3 times that of PyTorch's
default initialisation, U(-1, 1)/sqrt(fan_in). A layer that starts at or near zero multiplies itself by any step."""

STEADY_FOR = 10
"""First steps over which the gradient's growth is held against a straight line."""


def watched(readings: Readings) -> np.ndarray:
    """Return which parameters the rules look at: the matrices, or all if there is none; int, shape (M,)."""
    matrices = [k for k, shape in enumerate(readings.shapes) if len(shape) >= 2 and 0 not in shape]
    return np.array(matrices or range(len(readings.shapes)), dtype=int)


def floors(readings: Readings) -> np.ndarray:
    """Return the norm that each parameter is counted as at least; shape (P,)."""
    return FIXED_FLOOR * np.sqrt([max(shape[0], 1) if shape else 1 for shape in readings.shapes])


def relative_updates(readings: Readings) -> np.ndarray:
    """Return each step's norm over that of the weights it changed; shape (S, P), NaN where unknown or not finite."""
    with np.errstate(all="ignore"):
        ratio = readings.update / np.maximum(readings.weight, floors(readings))
    return np.where(np.isfinite(ratio), ratio, np.nan)


def weights_to_the_end(readings: Readings) -> tuple[np.ndarray, np.ndarray]:
    """Return the samples' steps and weights, and after them the last step and what it left; (S + 1,), (S + 1, P).

    Without the latter while the run goes on.
    """
    if np.isnan(readings.final).all():
        return readings.step, readings.weight
    return np.append(readings.step, len(readings.loss) - 1), np.vstack([readings.weight, readings.final])


def weight_growth(readings: Readings) -> np.ndarray:
    """Return by how much each parameter's norm had grown, at most, at any sample; shape (P,), at least 1."""
    base = np.maximum(readings.initial, floors(readings))
    _, weight = weights_to_the_end(readings)
    with np.errstate(all="ignore"):
        growth = np.where(np.isfinite(weight), weight, 0.0).max(axis=0, initial=0.0) / base
    return np.maximum(np.nan_to_num(growth, nan=1.0), 1.0)


def largest(rows: np.ndarray) -> np.ndarray:
    """Return the largest number in each row, 0 where there is none; shape (S,)."""
    return np.where(np.isnan(rows), 0.0, rows).max(axis=1, initial=0.0)


def total_gradient(readings: Readings) -> np.ndarray:
    """Return the norm of the whole gradient, without what is not finite; shape (S,)."""
    finite = np.where(np.isfinite(readings.grad), readings.grad, 0.0)
    top = finite.max(axis=1, initial=1e-300)  # what is squared is at most 1, or it would overflow
    return top * np.sqrt(((finite / top[:, None]) ** 2).sum(axis=1))


def gradient_growth(readings: Readings) -> float:
    """Return the norm of the whole gradient of late over that at the beginning; 1 if there is nothing to compare."""
    total = total_gradient(readings)
    count = max(min(STEADY_FOR, len(total) // 3), 1)
    early, late = (float(np.median(part)) if len(part) else 0.0 for part in (total[:count], total[-count:]))
    return late / early if early > 0 else 1.0


def proportional_growth(readings: Readings) -> float | None:
    """Return how much the gradient grew over the first steps if it did so along a straight line, the loss did not.

    Gradients that are never set back to zero add up like this.

    Returns
    -------
    float or None
        At least 5, where a gradient that does not change would grow tenfold; None for any other course, or if not every
        one of the first steps was sampled.
    """
    if len(readings.step) < STEADY_FOR or readings.step[STEADY_FOR - 1] != STEADY_FOR - 1:
        return None
    total, loss = total_gradient(readings)[:STEADY_FOR], readings.loss[:STEADY_FOR]
    if fell(readings) or not (total > 0).all() or not np.isfinite(loss).all() or np.ptp(loss) > 0.5 * np.abs(loss[0]):
        return None
    growth, half = float(total[-1] / total[0]), STEADY_FOR // 2
    if growth < 5:
        return None
    bend = (total[-1] - total[half]) / max(total[half] - total[0], 1e-300)
    straight = np.corrcoef(np.arange(STEADY_FOR), total)[0, 1] > 0.9
    return growth if straight and 0.4 < bend < 2 else None
