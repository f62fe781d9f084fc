"""Rules about steps that are large for the weights they change, and about weights that grow.

A run may live with such steps, or fail to learn because of them; only one whose loss bears witness explodes.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from gradlab.monitor.course import bears_witness, comes_down, fell, learned_anew, recent, recovered
from gradlab.monitor.diagnosis import Event
from gradlab.monitor.readings import Readings
from gradlab.monitor.sizes import floors, largest, relative_updates, watched, weights_to_the_end
from gradlab.numerals import readable

DESTRUCTIVE = 50.0
"""One step this many times its weights leaves nothing of them. It is forgiven only if the run then learns what it had
not known, as a linear model with huge targets does: a loss that fell may have fallen to that of guessing."""

OVERWRITING = 5.0
"""One step this many times its weights overwrites them, unless the loss shows that it did good. SageMaker's 10 misses
training that Adam ruins at once; the first steps of healthy linear models come close to 5."""

LARGER_THAN_WEIGHTS, TWICE = 1.0, 2
"""Steps larger than the weights, twice among recent samples; one at the very start is usual for small new layers."""

LARGE, THREE_TIMES = 0.3, 3
"""Steps that turn the weights by a third: the border of stability, where full-batch training often lives."""

SAMPLES = 10
"""Recent samples that count for the two rules above."""

WEIGHTS_GREW = 10.0
"""Growth of a weight's norm that, with a risen loss, makes it an explosion (torchmortem's rule, which alone is too
harsh: linear models and new layers grow as much in health)."""

WITHIN = 100
"""Steps within which such a growth, without a fall of the loss, is worth a look; over thousands it is usual."""


def _level(readings: Readings, span: tuple[int, int]) -> Literal["EXPLODING", "WATCH"]:
    """Return what large updates mean: a run may live with them, or fail to learn, and not explode."""
    return "EXPLODING" if bears_witness(readings.loss, *span) else "WATCH"


def _one_update(readings: Readings) -> Event | None:
    updates, columns = _updates(readings)
    top = largest(updates)
    above = np.flatnonzero(top > OVERWRITING)
    if not len(above):
        return None
    span = _span(readings.step, above)
    if (learned_anew if top.max() > DESTRUCTIVE else recovered)(readings, *span):
        return None
    level, at = _level(readings, span), int(above[0])
    k = int(np.nanargmax(updates[at]))
    layer = readings.names[columns[k]]
    text = f"one update was {readable(top[at], 3)} × the weights of {layer}{_before(updates[:at, k])}"
    return Event(level, int(readings.step[at]), layer, text, "one_update")


def _repeated_updates(readings: Readings) -> Event | None:
    updates, columns = _updates(readings)
    at = _often(largest(updates) > LARGER_THAN_WEIGHTS, TWICE)
    if not len(at) or recovered(readings, *(span := _span(readings.step, at))):
        return None
    threshold = LARGER_THAN_WEIGHTS, TWICE
    return _frequent(readings, updates, columns, at[0], *threshold, _level(readings, span), "repeated_updates")


def _large_updates(readings: Readings) -> Event | None:
    updates, columns = _updates(readings)
    at = _often(largest(updates) > LARGE, THREE_TIMES)
    if not len(at) or recovered(readings, *_span(readings.step, at)):
        return None
    return _frequent(readings, updates, columns, at[0], LARGE, THREE_TIMES, "WATCH", "large_updates")


def _frequent(
    readings: Readings,
    updates: np.ndarray,
    columns: np.ndarray,
    at: int,
    threshold: float,
    times: int,
    level: str,
    rule: str,
) -> Event:
    k = int(np.nanargmax(updates[at]))
    layer = readings.names[columns[k]]
    text = (
        f"updates above {threshold:g} × the weights in {times} of {min(at + 1, SAMPLES)} samples"
        f" (now {readable(updates[at, k], 3)}, {layer})"
    )
    return Event(level, int(readings.step[at]), layer, text, rule)


def _often(above: np.ndarray, times: int) -> np.ndarray:
    """Return the samples at which a threshold was exceeded for the nth time among the recent ones."""
    return np.flatnonzero(above & (recent(above, SAMPLES) >= times))


def _span(steps: np.ndarray, samples: np.ndarray) -> tuple[int, int]:
    return int(steps[samples[0]]), int(steps[samples[-1]])


def _before(series: np.ndarray) -> str:
    known = series[~np.isnan(series)]
    return f" (median before: {readable(np.median(known), 2)})" if len(known) else " (it was the first)"


def _jumped_weights(readings: Readings) -> Event | None:
    """Look for growth between two samples that lie apart: an update that nobody measured must have made it."""
    columns = watched(readings)
    steps, weight = weights_to_the_end(readings)
    growth = _growth(weight, np.maximum(np.arange(len(steps)) - 1, 0), floors(readings))[:, columns]
    at = np.flatnonzero((largest(growth) > WEIGHTS_GREW) & (np.diff(steps, prepend=0) > 1))
    if not len(at):
        return None
    k = int(np.nanargmax(growth[at[0]]))
    layer, since = readings.names[columns[k]], int(steps[at[0] - 1])
    step, last = _span(steps, at)
    if recovered(readings, since, last):
        return None
    text = f"the weights of {layer} grew {readable(growth[at[0], k], 3)} × between steps {since} and {step}"
    return Event(_level(readings, (since, last)), step, layer, text, "jumped_weights")


def _grown_weights(readings: Readings) -> Event | None:
    """Look for fast growth in a run that makes no progress."""
    columns = watched(readings)
    growth = growth_since(readings, np.searchsorted(readings.step, readings.step - WITHIN))[:, columns]
    at = np.flatnonzero(largest(growth) > WEIGHTS_GREW)
    if not len(at) or fell(readings) or comes_down(readings.loss):
        return None
    k = int(np.nanargmax(growth[at[0]]))
    layer = readings.names[columns[k]]
    text = f"the weights of {layer} grew {readable(growth[at[0], k], 3)} × within {WITHIN} steps; the loss did not fall"
    return Event("WATCH", int(readings.step[at[0]]), layer, text, "grown_weights")


def growth_since(readings: Readings, earlier: np.ndarray) -> np.ndarray:
    """Return each weight's norm over what it was at an earlier sample; shape (S, P), NaN where unknown."""
    return _growth(readings.weight, earlier, floors(readings))


def _growth(weight: np.ndarray, earlier: np.ndarray, least: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        growth = weight / np.maximum(weight[earlier], least)
    return np.where(np.isfinite(growth), growth, np.nan)


def often_large(readings: Readings) -> bool:
    """Whether three of some recent samples turned the weights by a third."""
    return len(_often(largest(_updates(readings)[0]) > LARGE, THREE_TIMES)) > 0


def _updates(readings: Readings) -> tuple[np.ndarray, np.ndarray]:
    """Return the relative updates of the parameters that count, shape (S, M), and which those are."""
    columns = watched(readings)
    return relative_updates(readings)[:, columns], columns


WEIGHT_RULES = (_one_update, _repeated_updates, _large_updates, _jumped_weights, _grown_weights)
