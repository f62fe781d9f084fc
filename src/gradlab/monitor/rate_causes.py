"""Causes that lie in how the optimizer steps: its rate, a change of it, momentum and weight decay."""

from __future__ import annotations

import math

import numpy as np

from gradlab.monitor.diagnosis import Cause
from gradlab.monitor.readings import Method, Readings
from gradlab.monitor.signs import Signs
from gradlab.numerals import readable

WARM_UP = "warm the rate up over the first steps"

RATE_ROSE = 1.5
"""A factor by which the rate must have risen before the onset to be suspected."""

HEAVY = 0.9
"""Momentum above this adds up more than ten steps: a rate that was tuned for less is then too large."""

USUAL = 0.1
"""Largest first update, beside the weights, that a rate should cause; ordinary ones are around a hundredth."""


def changed_rate(readings: Readings, signs: Signs) -> Cause | None:
    """Suspect a rate that rose shortly before."""
    if not signs.rate_factor > RATE_ROSE or signs.onset < 2:
        return None
    start = max(signs.onset - 20, 0)
    group = int(np.argmax(readings.rate[start : signs.onset + 1].max(axis=0) / readings.rate[0].clip(1e-300)))
    window = readings.rate[start : signs.onset + 1, group]
    at = start + int(np.argmax(window))
    before = float(np.median(readings.rate[: max(start, 1), group]))
    text = f"the learning rate: it rose from {readable(before, 2)} to {readable(window.max(), 2)} by step {at}"
    advice = (f"let the rate end at {readable(before, 2)}, or rise more slowly",)
    if signs.jump > 3:  # of no use where the gradient was an ordinary one
        advice += (clip_at(signs),)
    return Cause("rate_change", 3 if signs.rate_factor > 2 else 1.5, text, advice)


def strong_decay(readings: Readings, signs: Signs) -> Cause | None:
    """Suspect weight decay that overshoots zero: of each weight, a step takes away rate times decay.

    Decoupled decay beyond 1 turns its sign, beyond 2 makes it grow. As a part of the gradient it makes weights grow
    beyond 2, with momentum m beyond 2 (1 + m); an adaptive optimizer divides it away.
    """
    method, until = readings.method, min(signs.onset + 1, len(readings.rate))
    groups = min(len(method.decay), readings.rate.shape[1])
    if not groups or not until or (method.adaptive and not method.decoupled):
        return None
    shares = readings.rate[:until, :groups].max(axis=0) * np.array(method.decay[:groups])
    group = int(np.argmax(shares))
    limit = 1.0 if method.decoupled else 2 * (1 + method.momentum)
    if not shares[group] > limit:
        return None
    share, decay = readable(shares[group], 2), readable(method.decay[group], 2)
    text = f"weight decay: rate times decay is {share}, so that each step takes {share} × of every weight away"
    small = readable(0.01 * method.decay[group] / shares[group], 2)
    advice = (f"lower the decay from {decay} to {small} or less: rate times decay belongs far below 1",)
    return Cause("decay", 3.5, text, advice)


def heavy_momentum(readings: Readings, signs: Signs) -> Cause | None:
    """Suspect momentum where the first step was an ordinary one and later ones added up."""
    method, until = readings.method, min(signs.onset + 1, len(readings.rate))
    ordinary = signs.first_update < 0.3 and signs.onset > 0
    if method.adaptive or not HEAVY < method.momentum < 1 or not ordinary or not until:
        return None
    rate = float(readings.rate[:until].max())
    times, whole = readable(1 / (1 - method.momentum), 2), readable(rate / (1 - method.momentum), 2)
    text = (
        f"momentum {method.momentum:g}: steps add up to {times} ×, so that the rate of {readable(rate, 2)} acts like "
        f"{whole}; the first update alone was {readable(signs.first_update, 2)} × the weights"
    )
    less = readable(0.1 * rate, 2)
    return Cause("momentum", 2.1, text, (f"momentum 0.9 at this rate, or a rate of {less} with this momentum", WARM_UP))


def rate_too_large(method: Method, signs: Signs) -> Cause:
    """Suspect the rate itself, for want of a better reason."""
    first = readable(signs.first_update, 2)
    if signs.quiet:
        text = f"a learning rate at the border of stability: quiet until step {signs.onset}, the rate was the same"
        advice = ("divide the learning rate by 3, or let it decay: the border moves as training goes on",)
        more = "a smaller beta2, such as 0.95, or a larger eps" if method.adaptive else clip_at(signs)
        return Cause("rate", 2, text, (*advice, more))
    if signs.first_update > 0.3:
        by = f"divide the learning rate by {_divisor(signs.first_update):g}"
        if method.adaptive:
            text = (
                f"a learning rate too large for {method.name}, whose steps are about as large as the rate, whatever "
                f"the size of the loss: the first update was {first} × the weights in the typical layer"
            )
            return Cause("rate", 2, text, (by, WARM_UP))
        text = (
            f"a learning rate too large for the size of this loss: the first update was {first} × the weights in the "
            "typical layer (unscaled targets, a summed loss and undivided accumulation do the same)"
        )
        return Cause("rate", 2, text, (by, "average the loss, standardise the targets", clip_at(signs)))
    text = f"a learning rate too large: trouble came at step {signs.onset}, with ordinary inputs and layers"
    return Cause("rate", 2, text, ("divide the learning rate by 10", WARM_UP, clip_at(signs)))


def _divisor(update: float) -> float:
    """Return the power of ten by which the rate must be divided to make an update usual, at least 10."""
    return 10.0 ** max(math.ceil(math.log10(update / USUAL)), 1)


def clip_at(signs: Signs) -> str:
    """Return the advice to clip, with the norm that was usual before the trouble, if it is known."""
    if signs.usual_norm > 0:
        return f"clip the gradient at its usual norm: monitor.clip_({signs.usual_norm:.2g})"
    return "clip the gradient at the norm it has in quiet steps: monitor.clip_(max_norm)"
