"""Signs of what may have gone wrong, each a number read off norms and shapes; `causes` puts them into words.

The monitor has seen no activation. The size of a layer's input is estimated from its gradients: those of weight and
bias differ by just that factor, if the examples of a batch do not cancel. Take it as an order of magnitude.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gradlab.monitor.readings import Readings
from gradlab.monitor.sizes import largest, relative_updates, total_gradient, watched

LATELY = 20
"""Steps before the onset in which a change of the rate, or a spike, can be its cause."""

TABLES = ("emb", "wte", "wpe", "pos", "token", "cls")
"""In names of lookup tables, whose rows are not multiplied by a signal: their norm says nothing of a gain."""

CANCELLED = 1e5
"""An estimated input above this means a bias whose gradient is rounding error, as before a normalization."""


@dataclass(frozen=True)
class Signs:
    """What the readings say about the time before and at the onset; NaN where nothing can be said.

    Parameters
    ----------
    onset : int
        Step at which the trouble was first seen.
    quiet : bool
        Whether there were at least five sampled steps before it, with ordinary updates.
    gain : float
        Largest norm per row of an initial matrix: sqrt(2) keeps a ReLU's signal, 1 a linear layer's.
    steep : int
        How many matrices have a gain above 1.7.
    forward : float
        Estimated size of the last layer's input over that of the first, per entry, at the first sample.
    backward : float
        Gradient in the first third of the matrices over that in the last third, at the first sample.
    inputs : float
        Estimated root mean square of the first layer's input, at the first sample.
    input_jump : float
        The same at the onset over its median before.
    recurrent_gain : float
        Largest gain of a recurrent matrix when training began, per gate.
    recurrent_ratio : float
        Gradient of recurrent matrices over that of the last matrix, at its largest up to the onset.
    rate_factor : float
        Learning rate at the onset over its median in the steps before the recent ones.
    jump : float
        Loss or gradient at the onset, whichever rose more, over its median in the steps before; 1 if it fell.
    first_update : float
        Median over matrices of the first relative update.
    climb : float
        Growth of the gradient over the first steps if it was steady and the loss hardly changed.
    depth_of_fall : float
        How far the loss fell below its start, over the size of that.
    spread : float
        Largest over smallest gradient of a matrix, at the first sample.
    usual_norm : float
        Median norm of the whole gradient before the onset.
    """

    onset: int
    quiet: bool
    gain: float
    steep: int
    forward: float
    backward: float
    inputs: float
    input_jump: float
    recurrent_gain: float
    recurrent_ratio: float
    rate_factor: float
    jump: float
    first_update: float
    climb: float
    depth_of_fall: float
    spread: float
    usual_norm: float


def signs_of(readings: Readings, onset: int) -> Signs:
    """Return what the readings say about trouble that began at a step."""
    gains = _gains(readings)
    known = list(gains.values())
    first = _sizes_of_inputs(readings, 0)
    recurrent = _recurrent(readings)
    return Signs(
        onset=onset,
        quiet=_quiet_before(readings, onset),
        gain=max(known, default=math.nan),
        steep=sum(gain > 1.7 for gain in known),
        forward=_ratio(first[-1], first[0]) if len(first) > 1 else math.nan,
        backward=_backward_growth(readings),
        inputs=first[0] if first else math.nan,
        input_jump=_input_jump(readings, onset),
        recurrent_gain=max((_gate_gain(readings, k) for k in recurrent), default=math.nan),
        recurrent_ratio=_recurrent_ratio(readings, recurrent, onset),
        rate_factor=_rate_factor(readings, onset),
        jump=_jump(readings, onset),
        first_update=_first_update(readings),
        climb=_climb(readings),
        depth_of_fall=_depth_of_fall(readings),
        spread=_spread(readings),
        usual_norm=_usual_norm(readings, onset),
    )


def _ratio(a: float, b: float) -> float:
    return a / b if b > 0 else math.nan


def _is_table(name: str) -> bool:
    return any(part in name.lower() for part in TABLES)


def _recurrent(readings: Readings) -> list[int]:
    """Return the recurrent matrices: those that torch.nn.RNN and its kin call weight_hh, and others named so."""
    shapes = readings.shapes
    return [
        k
        for k, name in enumerate(readings.names)
        if ("hh" in name or "recurrent" in name.lower()) and len(shapes[k]) == 2 and shapes[k][0] % shapes[k][1] == 0
    ]


def _gains(readings: Readings) -> dict[int, float]:
    """Return the norm per root of rows of each initial matrix that passes a signal on."""
    recurrent = set(_recurrent(readings))
    return {
        k: float(readings.initial[k]) / math.sqrt(readings.shapes[k][0])
        for k in watched(readings)
        if len(readings.shapes[k]) >= 2 and not _is_table(readings.names[k]) and k not in recurrent
    }


def _gate_gain(readings: Readings, k: int) -> float:
    """Return a recurrent matrix's norm per root of rows; one gate's, on average, if it holds several."""
    return float(readings.initial[k]) / math.sqrt(readings.shapes[k][0])


def _sizes_of_inputs(readings: Readings, sample: int) -> list[float]:
    """Return the estimated root mean square of each linear layer's input at a sample, in the model's order."""
    if sample >= len(readings.step):
        return []
    at = {name: k for k, name in enumerate(readings.names)}
    sizes = []
    for name, k in at.items():
        bias = at.get(name.removesuffix("weight") + "bias") if name.endswith("weight") else None
        if bias is None or len(readings.shapes[k]) != 2 or _is_table(name):
            continue
        weight_gradient, bias_gradient = readings.grad[sample, k], readings.grad[sample, bias]
        if np.isfinite(weight_gradient) and np.isfinite(bias_gradient) and bias_gradient > 0 < weight_gradient:
            size = float(weight_gradient / bias_gradient / math.sqrt(readings.shapes[k][1]))
            sizes += [size] if size < CANCELLED else []
    return sizes


def _sample_at(readings: Readings, step: int) -> int:
    """Return the last sample up to a step, at least the first."""
    return max(int(np.searchsorted(readings.step, step, side="right")) - 1, 0)


def _input_jump(readings: Readings, onset: int) -> float:
    """Return the size of the first layer's input just before or at the onset over its median before."""
    at = _sample_at(readings, onset)
    sizes = [_sizes_of_inputs(readings, k) for k in range(max(at - LATELY, 0), at + 1)]
    first = [size[0] for size in sizes if size]
    return _ratio(max(first[-3:]), float(np.median(first[:-3]))) if len(first) > 5 else math.nan


def _quiet_before(readings: Readings, onset: int) -> bool:
    """Whether a few steps had been sampled before the onset, of which the typical one was ordinary."""
    before = largest(relative_updates(readings)[readings.step < onset][:, watched(readings)])
    return len(before) >= 5 and bool(np.median(before) < 0.3) and onset >= 10


def _matrix_gradients(readings: Readings) -> np.ndarray:
    """Return the finite, non-zero gradients of matrices at the first sample, in the model's order."""
    if not len(readings.step):
        return np.zeros(0)
    first = readings.grad[0, [k for k in watched(readings) if not _is_table(readings.names[k])]]
    return first[np.isfinite(first) & (first > 0)]


def _backward_growth(readings: Readings) -> float:
    first = _matrix_gradients(readings)
    third = len(first) // 3
    return _ratio(float(np.median(first[:third])), float(np.median(first[-third:]))) if third else math.nan


def _spread(readings: Readings) -> float:
    first = _matrix_gradients(readings)
    return _ratio(float(first.max()), float(first.min())) if len(first) > 1 else math.nan


def _usual_norm(readings: Readings, onset: int) -> float:
    before = total_gradient(readings)[readings.step < onset]
    return float(np.median(before)) if len(before) >= 5 else math.nan


def _recurrent_ratio(readings: Readings, recurrent: list[int], onset: int) -> float:
    """Return the largest ratio, up to the onset, between the gradients of recurrent matrices and of the last one."""
    others = [k for k in watched(readings) if k not in recurrent and "ih" not in readings.names[k]]
    rows = readings.grad[: _sample_at(readings, onset) + 1]
    if not recurrent or not others or not len(rows):
        return math.nan
    with np.errstate(all="ignore"):
        ratio = rows[:, recurrent].max(axis=1) / rows[:, others[-1]]
    return float(np.max(ratio[np.isfinite(ratio)], initial=0.0))


def _rate_factor(readings: Readings, onset: int) -> float:
    """Return by how much the rate of some group had risen: at the onset, against the time before it."""
    start, until = max(onset - LATELY, 0), min(onset + 1, len(readings.rate))
    if until < 1 or not readings.rate.shape[1]:
        return math.nan
    usual = np.median(readings.rate[: max(start, 1)], axis=0)
    highest = readings.rate[start:until].max(axis=0)
    with np.errstate(all="ignore"):
        factor = np.where(usual > 0, highest / usual, np.nan)
    return float(np.nanmax(factor)) if np.isfinite(factor).any() else math.nan


def _jump(readings: Readings, onset: int) -> float:
    """Return how suddenly the loss or the gradient rose in the steps up to the onset, against their median before."""
    return max(
        _rise(readings.loss, np.arange(len(readings.loss)), onset),
        _rise(total_gradient(readings), readings.step, onset),
        1.0,
    )


def _rise(values: np.ndarray, steps: np.ndarray, onset: int) -> float:
    """Return how far one of the last values up to the onset stands above those before, if the one before it did not."""
    series = np.abs(values[(steps <= onset) & (steps > onset - LATELY)])
    if len(series) < 6:
        return 1.0
    usual = float(np.median(series[:-3]))
    sudden = np.isfinite(series[-3:]) & (series[-4:-1] <= 3 * usual)
    return float(np.max(series[-3:][sudden], initial=0.0)) / usual if usual > 0 else 1.0


def _first_update(readings: Readings) -> float:
    rows = relative_updates(readings)[:, watched(readings)]
    known = rows[0][~np.isnan(rows[0])] if len(rows) else np.zeros(0)
    return float(np.median(known)) if len(known) else math.nan


def _climb(readings: Readings) -> float:
    """Return the growth of the gradient over the first steps, if all were sampled; less strict than the rule."""
    if len(readings.step) < LATELY or readings.step[LATELY - 1] != LATELY - 1:
        return math.nan
    total, loss = total_gradient(readings)[:LATELY], readings.loss[:LATELY]
    start, end = np.median(total[:2]), np.median(total[-4:])
    if not (np.isfinite(loss).all() and end > 2 * start > 0):
        return math.nan
    before, after = np.median(loss[: LATELY // 3]), np.median(loss[-(LATELY // 3) :])
    steady = np.corrcoef(np.arange(LATELY), total)[0, 1] > 0.85 and abs(after - before) < 0.3 * abs(before)
    return float(end / start) if steady else math.nan


def _depth_of_fall(readings: Readings) -> float:
    finite = readings.loss[np.isfinite(readings.loss)]
    if not len(finite):
        return math.nan
    start = float(np.median(finite[:3]))
    return (start - float(finite.min())) / abs(start) if start else math.nan
