"""The rules by which the monitor judges a run: each looks at the readings and reports what it saw, once.

What fails in an explosion is the step, not the gradient, whose size is that of the loss's unit. So every rule compares
like with like: a step with the weights that it changes, a loss with its own past. The numbers were chosen on runs with
known faults and scored on others (``tests/test_monitor_on_zoo.py``).
"""

from __future__ import annotations

from gradlab.monitor.diagnosis import Event
from gradlab.monitor.loss_rules import LOSS_RULES
from gradlab.monitor.nonfinite_rules import nonfinite_events
from gradlab.monitor.readings import Readings
from gradlab.monitor.weight_rules import SAMPLES, WEIGHT_RULES


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
    for rule in (*WEIGHT_RULES, *LOSS_RULES):
        event = rule(readings)
        if event is not None:
            found.append(event)
    return tuple(sorted(found, key=lambda event: event.step))


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
