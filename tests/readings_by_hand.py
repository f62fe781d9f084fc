"""Readings made by hand, for the tests of what the monitor makes of them."""

import numpy as np

from gradlab.monitor.readings import Readings

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
