"""Rules about the loss: one that rises, multiplies itself, loses what was won, or has no lower bound."""

from __future__ import annotations

import dataclasses

import numpy as np

from gradlab.monitor.course import (
    TENFOLD,
    beginning,
    comes_down,
    ends_far_above,
    falls_on,
    levels,
    multiplies,
    noise_of,
    recovered,
    streaks,
)
from gradlab.monitor.diagnosis import Event
from gradlab.monitor.readings import Readings
from gradlab.monitor.sizes import (
    STEADY_FOR,
    gradient_growth,
    largest,
    proportional_growth,
    total_gradient,
    watched,
    weight_growth,
)
from gradlab.monitor.weight_rules import SAMPLES, WEIGHTS_GREW, growth_since, often_large
from gradlab.numerals import readable

RISE, NOISE, IN_A_ROW = 0.5, 3.0, 5
"""How far above its start a loss must stay: by more than all progress made, half its size, and three times its noise,
for five steps running. Less, and the first losses of small batches raise false alarms."""

GRADIENT_GREW, LOST = 10.0, 0.4
"""Growth of the gradient's norm, and share of the progress lost again, that together are worth a look."""

PARTLY_GREW = 3.0
"""Growth of a weight's norm that must accompany them."""


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
    moved = _moved(readings, int(at[0]) - 2 * SAMPLES, int(np.nanargmax(np.where(np.isfinite(loss), loss, -np.inf))))
    start = float(np.median(loss[np.isfinite(loss)][:3]))
    text = f"the loss, {readable(loss[at[0]], 3)}, stays above its start, {readable(start, 3)}"
    if moved:
        level = "WATCH" if comes_down(loss) and not ends_far_above(loss) else "EXPLODING"
        return Event(level, int(at[0]), None, f"{text}, by more than all progress made", "risen_loss")
    if comes_down(loss) or not above[-max(SAMPLES, len(loss) // 5) :].any():
        return None
    return Event("WATCH", int(at[0]), None, f"{text}, though updates are ordinary", "risen_loss")


def _moved(readings: Readings, first: int, last: int) -> bool:
    """Whether the weights took large steps, or grew, while a loss rose: what rises by itself is no explosion."""
    during = (readings.step >= first) & (readings.step <= last)
    if not during.any():
        return False
    part = dataclasses.replace(
        readings, **{name: getattr(readings, name)[during] for name in ("step", "grad", "weight", "update")}
    )
    columns = watched(readings)
    growth = growth_since(part, np.zeros(len(part.step), dtype=int))[:, columns]
    grew = bool(largest(growth).max(initial=0.0) > WEIGHTS_GREW)
    return grew or often_large(part)


def _multiplied_loss(readings: Readings) -> Event | None:
    growth = multiplies(readings.loss)
    if growth is None:
        return None
    text = f"the loss grew by a steady factor at each step, {readable(growth, 2)} × over the second half of the run"
    return Event("EXPLODING", int(np.argmin(np.abs(levels(readings.loss)))), None, text, "multiplied_loss")


def _bottomless_loss(readings: Readings) -> Event | None:
    depth = falls_on(readings.loss)
    if depth is None:
        return None
    level = "EXPLODING" if weight_growth(readings)[watched(readings)].max(initial=1.0) > WEIGHTS_GREW else "WATCH"
    text = f"the loss, now {readable(depth, 3)}, falls on below zero and does not slow down, as if it had no bound"
    deep = readings.loss < -TENFOLD * abs(beginning(readings.loss))
    return Event(level, int(np.argmax(deep)), None, text, "bottomless_loss")


def _lost_progress(readings: Readings) -> Event | None:
    loss = readings.loss[np.isfinite(readings.loss)]
    if len(loss) < 2 * SAMPLES or len(readings.step) < 3 or comes_down(loss):
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
    total = total_gradient(readings)
    at = int(np.argmax(total > GRADIENT_GREW * np.median(total[:SAMPLES])))
    return Event("WATCH", int(readings.step[at]), layer, text, "lost_progress")


def _accumulating(readings: Readings) -> Event | None:
    growth = proportional_growth(readings)
    if growth is None:
        return None
    text = f"gradients grew steadily from the first step, {readable(growth, 2)} ×, while the loss hardly changed"
    return Event("WATCH", STEADY_FOR - 1, None, text, "steady_gradients")


LOSS_RULES = (_risen_loss, _multiplied_loss, _bottomless_loss, _lost_progress, _accumulating)
