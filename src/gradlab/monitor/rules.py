"""The rules by which the monitor judges a run: each looks at the readings and reports what it saw, once.

What fails in an explosion is the step, not the gradient, whose size is that of the loss's unit. So every rule compares
like with like: a step with the weights that it changes, a loss with its own past. The numbers were chosen on runs with
known faults and scored on others (``tests/test_monitor_on_zoo.py``).
"""

from __future__ import annotations

import numpy as np

from gradlab.monitor.course import (
    STEADY_FOR,
    fell,
    floors,
    gradient_growth,
    largest,
    learned_anew,
    noise_of,
    proportional_growth,
    recent,
    recovered,
    relative_updates,
    streaks,
    total_gradient,
    watched,
    weight_growth,
)
from gradlab.monitor.diagnosis import Event
from gradlab.monitor.nonfinite import nonfinite_events
from gradlab.monitor.readings import Readings
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

RISE, NOISE, IN_A_ROW = 0.5, 3.0, 5
"""How far above its start a loss must stay: by more than all progress made, half its size, and three times its noise,
for five steps running. Less, and the first losses of small batches raise false alarms."""

WEIGHTS_GREW = 10.0
"""Growth of a weight's norm that, with a risen loss, makes it an explosion (torchmortem's rule, which alone is too
harsh: linear models and new layers grow as much in health)."""

WITHIN = 100
"""Steps within which such a growth, without a fall of the loss, is worth a look; over thousands it is usual."""

GRADIENT_GREW, LOST = 10.0, 0.4
"""Growth of the gradient's norm, and share of the progress lost again, that together are worth a look."""

PARTLY_GREW = 3.0
"""Growth of a weight's norm that must accompany them."""


RECOVERED = "; the loss fell nevertheless"


def events(readings: Readings) -> tuple[Event, ...]:
    """Return every rule that fired, each once, in order of step.

    Parameters
    ----------
    readings : Readings
        Of a run of any length, also of none.

    Returns
    -------
    tuple of Event
    """
    if not len(readings.loss):
        return ()
    found = nonfinite_events(readings)
    for rule in RULES:
        event = rule(readings)
        if event is not None:
            found.append(event)
    return tuple(sorted(found, key=lambda event: event.step))


def _jumped_weights(readings: Readings) -> Event | None:
    """Look for growth between two samples that lie apart: an update that nobody measured must have made it."""
    columns = watched(readings)
    growth = _growth_since(readings, np.maximum(np.arange(len(readings.step)) - 1, 0))[:, columns]
    at = np.flatnonzero(largest(growth) > WEIGHTS_GREW)
    if not len(at) or not (apart := np.diff(readings.step, prepend=0) > 1)[at].any():
        return None
    at = at[apart[at]]
    k = int(np.nanargmax(growth[at[0]]))
    since, step, layer = int(readings.step[at[0] - 1]), int(readings.step[at[0]]), readings.names[columns[k]]
    if recovered(readings, since, int(readings.step[at[-1]])):
        return None
    text = f"the weights of {layer} grew {readable(growth[at[0], k], 3)} × between steps {since} and {step}"
    return Event("EXPLODING", step, layer, text, "jumped_weights")


def _grown_weights(readings: Readings) -> Event | None:
    """Look for fast growth in a run that makes no progress."""
    columns = watched(readings)
    growth = _growth_since(readings, np.searchsorted(readings.step, readings.step - WITHIN))[:, columns]
    at = np.flatnonzero(largest(growth) > WEIGHTS_GREW)
    if not len(at) or fell(readings):
        return None
    k = int(np.nanargmax(growth[at[0]]))
    layer = readings.names[columns[k]]
    text = f"the weights of {layer} grew {readable(growth[at[0], k], 3)} × within {WITHIN} steps; the loss did not fall"
    return Event("WATCH", int(readings.step[at[0]]), layer, text, "grown_weights")


def _growth_since(readings: Readings, earlier: np.ndarray) -> np.ndarray:
    """Return each weight's norm over what it was at an earlier sample; shape (S, P), NaN where unknown."""
    with np.errstate(all="ignore"):
        growth = readings.weight / np.maximum(readings.weight[earlier], floors(readings))
    return np.where(np.isfinite(growth), growth, np.nan)


def _updates(readings: Readings) -> tuple[np.ndarray, np.ndarray]:
    """Return the relative updates of the parameters that count, shape (S, M), and which those are."""
    columns = watched(readings)
    return relative_updates(readings)[:, columns], columns


def _one_update(readings: Readings) -> Event | None:
    updates, columns = _updates(readings)
    top = largest(updates)
    above = np.flatnonzero(top > OVERWRITING)
    if not len(above):
        return None
    over = (learned_anew if top.max() > DESTRUCTIVE else recovered)(readings, *_span(readings, above))
    level = "WATCH" if over else "EXPLODING"
    at = int(np.flatnonzero(top > OVERWRITING)[0])
    k = int(np.nanargmax(updates[at]))
    layer = readings.names[columns[k]]
    text = f"one update was {readable(top[at], 3)} × the weights of {layer}{_before(updates[:at, k])}"
    text += RECOVERED if level == "WATCH" else ""
    return Event(level, int(readings.step[at]), layer, text, "one_update")


def _repeated_updates(readings: Readings) -> Event | None:
    updates, columns = _updates(readings)
    at = _often(largest(updates) > LARGER_THAN_WEIGHTS, TWICE)
    if not len(at):
        return None
    level = "WATCH" if recovered(readings, *_span(readings, at)) else "EXPLODING"
    return _frequent(readings, updates, columns, at[0], LARGER_THAN_WEIGHTS, TWICE, level, "repeated_updates")


def _large_updates(readings: Readings) -> Event | None:
    updates, columns = _updates(readings)
    at = _often(largest(updates) > LARGE, THREE_TIMES)
    if not len(at) or recovered(readings, *_span(readings, at)):
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
    text += RECOVERED if rule == "repeated_updates" and level == "WATCH" else ""
    return Event(level, int(readings.step[at]), layer, text, rule)


def _often(above: np.ndarray, times: int) -> np.ndarray:
    """Return the samples at which a threshold was exceeded for the nth time among the recent ones."""
    return np.flatnonzero(above & (recent(above, SAMPLES) >= times))


def _span(readings: Readings, samples: np.ndarray) -> tuple[int, int]:
    return int(readings.step[samples[0]]), int(readings.step[samples[-1]])


def _before(series: np.ndarray) -> str:
    known = series[~np.isnan(series)]
    return f" (median before: {readable(np.median(known), 2)})" if len(known) else " (it was the first)"


def risen(loss: np.ndarray) -> np.ndarray:
    """Return the steps whose loss stands above its start by more than all progress made; bool, shape (T,)."""
    finite = np.isfinite(loss)
    if not finite.any():
        return np.zeros(len(loss), dtype=bool)
    start = float(np.median(loss[finite][:3]))
    best = np.minimum.accumulate(np.where(finite, loss, np.inf))
    margin = np.maximum(start - best, max(RISE * abs(start), NOISE * noise_of(loss)))
    with np.errstate(all="ignore"):
        return finite & (loss > start + margin) & (margin > 0)


def _risen_loss(readings: Readings) -> Event | None:
    loss, above = readings.loss, risen(readings.loss)
    at = np.flatnonzero(streaks(above) >= IN_A_ROW)
    if not len(at) or recovered(readings, int(at[0]) - IN_A_ROW, int(at[-1])):
        return None
    grew = weight_growth(readings)[watched(readings)].max(initial=1.0) > WEIGHTS_GREW
    moved = grew or len(_often(largest(_updates(readings)[0]) > LARGE, THREE_TIMES)) > 0
    start = float(np.median(loss[np.isfinite(loss)][:3]))
    text = f"the loss, {readable(loss[at[0]], 3)}, stays above its start, {readable(start, 3)}"
    if moved:
        return Event("EXPLODING", int(at[0]), None, f"{text}, by more than all progress made", "risen_loss")
    if not above[-max(SAMPLES, len(loss) // 5) :].any():  # it came back down
        return None
    return Event("WATCH", int(at[0]), None, f"{text}, though updates are ordinary", "risen_loss")


def _lost_progress(readings: Readings) -> Event | None:
    loss = readings.loss[np.isfinite(readings.loss)]
    if len(loss) < 2 * SAMPLES or len(readings.step) < 3:
        return None
    late = float(np.median(loss[-max(SAMPLES, len(loss) // 5) :]))
    start, best = float(np.median(loss[:3])), float(np.quantile(loss, 0.1))
    grew = gradient_growth(readings)
    columns = watched(readings)
    growth = weight_growth(readings)[columns]
    lost = start - best > 3 * noise_of(loss) and late - best > LOST * (start - best)
    if not lost or grew < GRADIENT_GREW or growth.max(initial=1.0) < PARTLY_GREW:
        return None
    layer = readings.names[columns[int(np.argmax(growth))]]
    text = (
        f"the loss lost much of its progress while gradients grew {readable(grew, 2)} × and"
        f" the weights of {layer} {readable(growth.max(), 2)} ×"
    )
    level = "EXPLODING" if growth.max() > WEIGHTS_GREW else "WATCH"
    total = total_gradient(readings)
    at = int(np.argmax(total > GRADIENT_GREW * np.median(total[:SAMPLES])))
    return Event(level, int(readings.step[at]), layer, text, "lost_progress")


def _accumulating(readings: Readings) -> Event | None:
    growth = proportional_growth(readings)
    if growth is None:
        return None
    text = f"gradients grew steadily from the first step, {readable(growth, 2)} ×, while the loss hardly changed"
    return Event("WATCH", STEADY_FOR - 1, None, text, "steady_gradients")


RULES = (
    _one_update,
    _jumped_weights,
    _repeated_updates,
    _risen_loss,
    _large_updates,
    _grown_weights,
    _lost_progress,
    _accumulating,
)


def onset(found: tuple[Event, ...]) -> int | None:
    """Return the step at which the trouble was first seen; None without events.

    That is the first alarm, or large updates shortly before it; an older scare, long over, is not part of it.
    """
    if not found:
        return None
    if any(event.rule == "steady_gradients" for event in found):  # it began with the first step, and was seen at once
        return found[0].step
    first = next((event.step for event in found if event.level == "EXPLODING"), found[0].step)
    return min(event.step for event in found if first - 2 * SAMPLES <= event.step <= first)
