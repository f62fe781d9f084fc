"""Rules about values that are not finite: taken into the weights, survived, or skipped again and again.

A step that was not taken harms nothing: a GradScaler looks for its scale by skipping. A run that does little else
than skip, though, is broken.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gradlab.monitor.course import recent, streaks
from gradlab.monitor.diagnosis import Event
from gradlab.monitor.readings import Readings

LOWEST_SCALE = 1.0
"""Loss scale at which a GradScaler helps no more: gradients overflow although nothing enlarges them."""

SKIPS_IN_A_ROW = 25
"""A search for the scale from 2**16, PyTorch's default, takes 16 skips at most to come down to 1; from 2**24, 24."""

GUARDED_IN_A_ROW = 5
"""Steps in a row that the caller itself refused, or that had no finite loss: no single bad batch lasts so long."""

WINDOW, HALF, SOME = 20, 10, 3
"""Of the last 20 steps: half of them not finite breaks a run, three are worth a look."""


@dataclass(frozen=True)
class Steps:
    """What is known of the finiteness of each step; bool arrays of shape (T,).

    Parameters
    ----------
    loss : ndarray
        The loss is not finite.
    gradient : ndarray
        A sampled gradient is not finite.
    taken : ndarray
        The optimizer stepped; also a last step that is still to be taken, unless a GradScaler may skip it.
    broken : ndarray
        The weights, or what the step made of them, are not finite.
    """

    loss: np.ndarray
    gradient: np.ndarray
    taken: np.ndarray
    broken: np.ndarray


def steps_of(readings: Readings) -> Steps:
    """Return what the readings say of each step."""
    loss = ~np.isfinite(readings.loss)
    gradient, broken = np.zeros_like(loss), np.zeros_like(loss)
    own = np.isfinite(readings.initial)  # a parameter that holds infinities on purpose, such as a mask, is not broken
    gradient[readings.step] = np.isinf(readings.grad).any(axis=1)
    broken[readings.step] = (np.isinf(readings.weight) | np.isinf(readings.update))[:, own].any(axis=1)
    broken[-1:] |= np.isinf(readings.final[own]).any()
    taken = readings.applied.astype(bool).copy()
    guarded = (~taken & (loss | gradient))[:-1].any()  # the caller refuses such steps
    if len(taken) and np.isnan(readings.scale[-1]) and not guarded:
        taken[-1] = True
    return Steps(loss, gradient, taken, broken)


def nonfinite_events(readings: Readings) -> list[Event]:
    """Return what there is to say about values that are not finite."""
    steps = steps_of(readings)
    found = [_taken(readings, steps), _skipped(readings, steps)]
    return [event for event in found if event]


def _taken(readings: Readings, steps: Steps) -> Event | None:
    """Judge losses and gradients that were not finite on steps that were taken."""
    bad = (steps.loss | steps.gradient | steps.broken) & steps.taken
    if not bad.any():
        return None
    lasting = _start_of_the_end(readings, steps)
    if lasting is not None:
        return _event(readings, steps, lasting, "EXPLODING", "")
    often = np.flatnonzero(recent(bad, WINDOW) >= GUARDED_IN_A_ROW)
    if len(often):
        return _event(readings, steps, int(np.argmax(bad)), "EXPLODING", f", {bad.sum()} times in all")
    return _event(readings, steps, int(np.argmax(bad)), "WATCH", "; the run went on with finite values")


def _start_of_the_end(readings: Readings, steps: Steps) -> int | None:
    """Return the step from which the run is no longer finite; None if it came back."""
    ends = []
    if (steps.loss & steps.taken)[-1]:
        # refused steps before it belong to it: the values were not finite either
        first = len(steps.loss) - int(streaks(steps.loss)[-1])
        ends.append(first + int(np.argmax(steps.taken[first:])))
    if (steps.gradient & steps.taken)[-1] and not readings.applied[-1]:
        ends.append(len(steps.loss) - 1)
    if steps.broken.any():
        seen = int(np.argmax(steps.broken))
        bad_loss = steps.loss & steps.taken
        ends.append(seen - int(streaks(bad_loss)[seen - 1]) if seen and bad_loss[seen - 1] else seen)
    return min(ends) if ends else None


def _skipped(readings: Readings, steps: Steps) -> Event | None:
    """Judge steps that were refused because something was not finite."""
    scaler = ~np.isnan(readings.scale)
    refused = ~steps.taken & (steps.loss | steps.gradient | scaler)
    if len(refused) and not readings.applied[-1] and scaler[-1]:
        refused[-1] &= steps.loss[-1] | steps.gradient[-1]  # not yet taken, rather than refused, if it is finite
    hopeless = ~steps.taken & (steps.loss | (steps.gradient & ~scaler))
    at_bottom = streaks(refused & (np.nan_to_num(readings.scale, nan=np.inf) <= LOWEST_SCALE)) >= 2
    stuck = at_bottom | (streaks(refused) >= SKIPS_IN_A_ROW)
    stuck |= (streaks(hopeless) >= GUARDED_IN_A_ROW) | (recent(hopeless, WINDOW) >= HALF)
    if stuck.any():
        return _skip_event(readings, steps, refused, stuck)
    some = np.flatnonzero(recent(hopeless, WINDOW) >= SOME)
    if len(some):
        text = f"{hopeless.sum()} steps were skipped because the loss or gradient was not finite"
        return Event("WATCH", int(some[0]), _first_layer(readings, int(some[0])), text, "skipped_often")
    return None


def _skip_event(readings: Readings, steps: Steps, refused: np.ndarray, stuck: np.ndarray) -> Event:
    last = int(np.flatnonzero(stuck)[-1])
    over = int(steps.taken[last + 1 :].sum()) >= WINDOW
    seen = int(np.argmax(stuck))
    first = seen - int(streaks(refused)[seen]) + 1 if refused[seen] else seen
    share = f"{int(refused[first:].sum())} of {len(refused) - first} steps from step {first} on were skipped"
    scale = readings.scale[last]
    text = share if np.isnan(scale) else f"{share}, down to a loss scale of {scale:g}"
    level = "WATCH" if over else "EXPLODING"
    return Event(level, first, _first_layer(readings, first), text, "skipped_in_a_row")


def _event(readings: Readings, steps: Steps, step: int, level: str, more: str) -> Event:
    what = {
        (True, True): "the loss and gradients were",
        (True, False): "the loss was",
        (False, True): "gradients were",
        (False, False): "the weights were",
    }[bool(steps.loss[step]), bool(steps.gradient[step])]
    finite_loss = " while the loss was finite" if steps.gradient[step] and not steps.loss[step] else ""
    text = f"{what} not finite on a step that was taken{finite_loss}{more}"
    return Event(level, step, _first_layer(readings, step), text, "non_finite" if level == "EXPLODING" else "survived")


def _first_layer(readings: Readings, step: int) -> str | None:
    """Return the one layer with a broken gradient nearest to the loss, if the step was sampled and others are whole."""
    at = np.flatnonzero(readings.step == step)
    if not len(at):
        return None
    known = ~np.isnan(readings.grad[at[0]])
    broken = np.isinf(readings.grad[at[0]])
    if not broken.any() or broken[known].all():
        return None
    return readings.names[int(np.flatnonzero(broken)[-1])]  # the backward pass meets the last one first
