"""What may have caused the trouble, and what to try: an opinion with its evidence, never a fact.

Each function below looks for one cause among the signs. What it finds is a `Cause` with the number that speaks for
it; what the signs speak against is said too, so that nobody loses an afternoon to it.
"""

from __future__ import annotations

import math

import numpy as np

from gradlab.monitor.course import fell
from gradlab.monitor.diagnosis import Cause, Event
from gradlab.monitor.rate_causes import (
    RATE_ROSE,
    WARM_UP,
    changed_rate,
    clip_at,
    heavy_momentum,
    rate_too_large,
    strong_decay,
)
from gradlab.monitor.readings import Readings
from gradlab.monitor.rules import onset
from gradlab.monitor.signs import Signs, signs_of
from gradlab.monitor.sizes import largest, proportional_growth, relative_updates, watched
from gradlab.numerals import readable

LOCATE = "gradlab.monitor.locate_nonfinite(model, closure) on the batch of that step: it names the module"
INITIALIZE = "initialize with He's (ReLU) or Xavier's (tanh) scale"
NORMALIZE = "add LayerNorm or BatchNorm, or scale each residual branch by 1/sqrt(number of blocks)"

LARGE_INPUT = 5.0
"""Root mean square of inputs that is unusual for standardised data, whose own is 1; the estimate is good to a factor
of about 3."""

MUCH = 10.0
"""A factor between the sizes of two signals, or of one before and after, that chance does not explain."""

OVER_DEPTH = 100.0
"""A factor over the whole depth that is more than the few-fold differences of ordinary layers."""


def explain(
    readings: Readings, events: tuple[Event, ...]
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], str | None]:
    """Return what speaks for and against the usual causes.

    Parameters
    ----------
    readings : Readings
        Of the run.
    events : tuple of Event
        As `gradlab.monitor.rules.events` returns them.

    Returns
    -------
    likely, unlikely, advice : tuple of str
        Empty without events.
    where : str or None
        The layer in which the trouble was first seen, or was largest when it was first seen.
    """
    start = onset(events)
    if start is None:
        return (), (), (), None
    signs = signs_of(readings, start)
    found = causes_of(readings, events)
    likely = tuple(f"{'likely' if cause.weight >= 2 else 'perhaps'} {cause.text}" for cause in found)
    advice = tuple(dict.fromkeys(step for cause in found for step in cause.advice))[:4]
    return likely, _unlikely(signs, {cause.name for cause in found}), advice, _where(readings, events, start)


def causes_of(readings: Readings, events: tuple[Event, ...]) -> tuple[Cause, ...]:
    """Return the causes that the signs speak for, the strongest first, three at most; none without events."""
    start = onset(events)
    if start is None:
        return ()
    signs = signs_of(readings, start)
    rules = {event.rule for event in events}
    found = [
        _skipping(readings, events),
        _numerics(readings, events, signs),
        _accumulating(readings, signs),
        _unbounded(readings, signs),
        changed_rate(readings, signs),
        strong_decay(readings, signs),
        _outlier(signs),
        _inputs(signs),
        _recurrence(signs),
        _depth(signs),
    ]
    causes = [cause for cause in found if cause is not None]
    if all(cause.weight < 2 for cause in causes):
        harmless = rules == {"risen_loss"} and events[0].level == "WATCH"
        causes.append(
            _objective() if harmless else heavy_momentum(readings, signs) or rate_too_large(readings.method, signs)
        )
    return tuple(sorted(causes, key=lambda cause: -cause.weight)[:3])


def _skipping(readings: Readings, events: tuple[Event, ...]) -> Cause | None:
    skip = next((event for event in events if event.rule.startswith("skipped")), None)
    if skip is None:
        return None
    scale = readings.scale[np.isfinite(readings.scale)]
    before, whole = readings.loss[max(skip.step - 20, 0) : skip.step], np.isfinite(readings.loss[skip.step])
    if len(scale) and not whole and len(before) and np.isfinite(before).all() and _calm(before):
        text = (
            f"NaN in the batch, or one operation that makes the loss not finite: it is so from step {skip.step} on, "
            "and was ordinary before; the loss scale plays no part in the forward pass"
        )
        advice = (f"check the inputs and targets of step {skip.step}: x.isfinite().all()", LOCATE)
        return Cause("numerics", 4, text, advice)
    if len(scale):
        what = "gradients overflow float16" if whole else "the forward pass overflows float16, or the batch holds NaN"
        text = f"numbers too large for float16: {what}, at a loss scale down to {scale.min():g}"
        return Cause("half_precision", 4, text, ("train in bfloat16, or keep the layer it names in float32", LOCATE))
    what = "the gradient" if whole else "the loss"
    text = f"one operation or batch that makes {what} not finite: it was so from step {skip.step} on"
    return Cause("numerics", 3, text, (LOCATE, "do not only skip such steps: the run no longer learns from them"))


def _numerics(readings: Readings, events: tuple[Event, ...], signs: Signs) -> Cause | None:
    birth = next((event for event in events if event.rule in ("non_finite", "survived")), None)
    if birth is None or any(event.step < birth.step for event in events if event.level == "EXPLODING"):
        return None
    before = largest(relative_updates(readings)[readings.step < birth.step][:, watched(readings)])
    top = float(before[-10:].max(initial=0.0))
    if top > 0.3 or signs.jump > MUCH or not _calm(readings.loss[max(birth.step - 20, 0) : birth.step]):
        return None
    so_far = (
        f"before it, no update exceeded {readable(top, 2)} × its weights" if len(before) else "it is the first step"
    )
    if np.isfinite(readings.loss[birth.step]):
        text = f"a derivative that is not finite, such as sqrt'(0) or 0/0, while the loss is ({so_far})"
    else:
        text = f"an operation that is not finite, such as log(0), 0/0 or a large exp, or NaN in the batch ({so_far})"
    advice = (LOCATE, "check that batch for NaN", "guard the operation it names: log(x + eps), sqrt(x + eps)")
    return Cause("numerics", 4, text, advice)


def _calm(loss: np.ndarray) -> bool:
    """Whether the last loss is of the usual size: what grows until it overflows is no birth out of nothing."""
    return not len(loss) or bool(np.abs(loss[-1]) <= MUCH * np.median(np.abs(loss)))


def _accumulating(readings: Readings, signs: Signs) -> Cause | None:
    strict = proportional_growth(readings)
    growth = signs.climb if strict is None else strict
    if math.isnan(growth) or fell(readings):
        return None
    text = (
        f"gradients that are never set to zero: over the first steps they grew steadily, {readable(growth, 2)} ×, "
        "while the loss hardly changed"
    )
    return Cause("accumulation", 2.3 if strict is None else 3.5, text, ("call optimizer.zero_grad() for each step",))


def _unbounded(readings: Readings, signs: Signs) -> Cause | None:
    finite = readings.loss[np.isfinite(readings.loss)]
    if not (signs.depth_of_fall > MUCH and finite.min() < 0):
        return None
    text = f"a loss without a lower bound, such as one of the wrong sign: it fell to {readable(finite.min(), 2)}"
    advice = ("check the sign of each term of the loss", "bound what can grow: clamp log-variances and rewards")
    return Cause("objective", 3, text, advice)


def _outlier(signs: Signs) -> Cause | None:
    if signs.onset < 5 or not (signs.jump > MUCH or signs.input_jump > MUCH) or signs.rate_factor > RATE_ROSE:
        return None
    inputs = f", the input of the first layer about {readable(signs.input_jump, 2)} ×" if signs.input_jump > 3 else ""
    text = f"an outlying batch: at once the loss or the gradient was {readable(signs.jump, 2)} × its usual size{inputs}"
    weight = 3.0 if signs.input_jump > 3 else 2.2 if signs.jump > 1000 else 1.5
    return Cause("batch", weight, text, (f"look at the batch of step {signs.onset} and the one before", clip_at(signs)))


def _inputs(signs: Signs) -> Cause | None:
    if not signs.inputs > LARGE_INPUT or signs.quiet:
        return None
    text = (
        f"inputs that were not standardised: their root mean square is about {readable(signs.inputs, 2)}, by estimate"
    )
    advice = ("subtract each feature's mean and divide by its standard deviation", "then look for the rate again")
    weight = 3.0 if signs.inputs > MUCH else 1.9
    return Cause("inputs", weight if math.isnan(signs.recurrent_gain) else 1.5, text, advice)  # time steps blur it


def _recurrence(signs: Signs) -> Cause | None:
    if math.isnan(signs.recurrent_gain):
        return None
    large, steep = signs.recurrent_gain > 1.1, signs.recurrent_ratio > MUCH
    if not large and not steep:
        return None
    gain = f"recurrent weights have a gain of {readable(signs.recurrent_gain, 2)} where 1 keeps the signal"
    ratio = f"their gradient is {readable(signs.recurrent_ratio, 2)} × that of the last layer"
    text = "growth over time steps: " + " and ".join([gain] * large + [ratio] * steep)
    advice = (
        clip_at(signs),
        "initialize the recurrent weights orthogonal, gain 1",
        "use an LSTM, or shorter sequences",
    )
    return Cause("recurrence", 3.2 if steep else 2.2, text, advice)


def _depth(signs: Signs) -> Cause | None:
    if signs.quiet:
        return None
    signs_for = []
    if signs.steep >= 2 or (signs.steep and signs.gain > MUCH):
        signs_for.append(
            f"{signs.steep} weights have a gain of up to {readable(signs.gain, 2)} where 1.4 keeps a ReLU's signal"
        )
    if signs.forward > OVER_DEPTH:
        signs_for.append(f"the signal grows about {readable(signs.forward, 2)} × from the first layer to the last")
    if signs.backward > OVER_DEPTH and math.isnan(signs.recurrent_gain):
        signs_for.append(f"gradients grow {readable(signs.backward, 2)} × from the last layers to the first")
    if not signs_for:
        return None
    text = "growth over depth: " + "; ".join(signs_for)
    return Cause("depth", 2.5 + 0.2 * len(signs_for), text, (INITIALIZE, NORMALIZE, WARM_UP))


def _objective() -> Cause:
    text = "another objective or other data: the loss rose while no step was large for its weights"
    return Cause("objective", 1, text, ("compare the loss on a fixed batch", "divide the learning rate by 10"))


def _unlikely(signs: Signs, found: set[str]) -> tuple[str, ...]:
    """Return the usual causes that the signs speak against."""
    against = []
    grows = signs.forward > MUCH or signs.backward > MUCH or signs.steep
    if "depth" not in found and signs.spread > 0 and not grows:
        spread = f"the first gradients differ by {readable(signs.spread, 2)} × between layers"
        against.append(f"the initialisation (largest gain {readable(signs.gain, 2)}; {spread})")
    if "inputs" not in found and signs.inputs < 3:
        against.append(f"the scale of the inputs (root mean square about {readable(signs.inputs, 2)})")
    if not found & {"batch", "numerics", "half_precision"} and signs.quiet and signs.jump < 3:
        against.append(f"a bad batch (no sudden jump: {readable(signs.jump, 2)} × the usual loss at most)")
    if "rate_change" not in found and signs.onset >= 10 and signs.rate_factor <= 1.01:
        against.append("a change of the learning rate (it was the same before)")
    return tuple(against)


def _where(readings: Readings, events: tuple[Event, ...], start: int) -> str | None:
    """Return the layer of the first event that has one, or the one with the largest update at the onset."""
    named = next((event.layer for event in events if event.step >= start and event.layer), None)
    if named or not len(readings.step):
        return named
    columns = watched(readings)
    updates = relative_updates(readings)[max(int(np.searchsorted(readings.step, start, side="right")) - 1, 0), columns]
    return None if np.isnan(updates).all() else readings.names[columns[int(np.nanargmax(updates))]]
