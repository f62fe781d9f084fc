"""Readings made by hand, for the tests of what the monitor makes of them."""

import dataclasses

import numpy as np

from gradlab.monitor.readings import Readings
from gradlab.monitor.rules import events

NAMES = ("0.weight", "0.bias", "2.weight", "2.bias")
SHAPES = ((32, 16), (32,), (4, 32), (4,))


def quiet(steps=60, *, every=1, names=NAMES, shapes=SHAPES, unit=1.0, **replaced):
    """Return the readings of a run in which nothing happens: the loss falls, updates are 0.01 of the weights.

    Every `every`th step is sampled; `replaced` fields take the place of the quiet ones.
    """
    step = np.arange(0, steps, every)
    norms = np.array([np.sqrt(shape[0] / 3) if shape else 0.5 for shape in shapes])
    rows = np.ones((len(step), 1))
    fields = {
        "names": tuple(names),
        "shapes": tuple(shapes),
        "initial": norms,
        "loss": unit * (0.2 + np.exp(-np.arange(steps) / 20)),
        "applied": np.ones(steps, dtype=bool),
        "rate": np.full((steps, 1), 0.1 / unit),
        "scale": np.full(steps, np.nan),
        "max_norm": np.full(steps, np.nan),
        "final": np.full(len(names), np.nan),
        "step": step,
        "grad": unit * 0.1 * rows * norms,
        "weight": rows * norms,
        "update": 0.01 * rows * norms,
    }
    return Readings(**fields | replaced)


def changed(values, where, to):
    """Return a copy of an array with some entries replaced."""
    copy = np.array(values)
    copy[where] = to
    return copy


def no_steps():
    """Return the readings of a monitor that has recorded nothing."""
    empty, rows = np.zeros(0), np.zeros((0, 4))
    return quiet(
        1,
        loss=empty,
        applied=empty.astype(bool),
        rate=np.zeros((0, 1)),
        scale=empty,
        max_norm=empty,
        step=empty.astype(int),
        grad=rows,
        weight=rows,
        update=rows,
    )


def verdict(readings):
    """Return the gravest level among what the rules say."""
    levels = {event.level for event in events(readings)}
    return next((level for level in ("EXPLODING", "WATCH") if level in levels), "NOT EXPLODING")


def fired(readings):
    """Return rule, level and step of each event."""
    return [(event.rule, event.level, event.step) for event in events(readings)]


def with_updates(ratios, steps=60, *, column=2, **fields):
    """Return quiet readings in which one parameter's updates are these multiples of its weights, at these steps."""
    readings = quiet(steps, **fields)
    update = np.array(readings.update)
    for step, ratio in ratios.items():
        update[step, column] = ratio * readings.weight[step, column]
    return dataclasses.replace(readings, update=update)


def stuck(steps=60, at=2.3):
    """Return a loss that stays where it is, but for small noise."""
    return at + 0.01 * np.sin(7.0 * np.arange(steps))


def bursts(at, steps=60, times=20.0):
    """Return a loss that stays where it is until a step, and then many times above."""
    return np.where(np.arange(steps) <= at, 1.0, times) * stuck(steps)


def bursts_at(step, readings):
    """Return the readings with a destructive update at a step, and everything not finite afterwards."""
    update, gone = changed(readings.update, step, 100 * readings.weight[step]), slice(step + 1, None)
    rows = {name: changed(getattr(readings, name), gone, np.inf) for name in ("grad", "weight")}
    return dataclasses.replace(
        readings, loss=changed(readings.loss, gone, np.nan), update=changed(update, gone, np.inf), **rows
    )


def by(method, readings, rate=0.1):
    """Return the readings of 60 steps by an optimizer that steps so."""
    return dataclasses.replace(readings, method=method, rate=np.full((60, 1), rate))


def adding_up():
    """Return the readings of gradients that are never set to zero."""
    base = quiet(loss=2.3 + 0.01 * np.sin(7.0 * np.arange(60)))
    return dataclasses.replace(base, grad=base.grad * (1 + np.arange(60))[:, None])
