"""Runs of the zoo, each trained once for all tests, with a monitor beside it: those who ask for them share a group."""

import functools
import itertools
import warnings
from typing import NamedTuple

import pytest

from gradlab import zoo
from gradlab.monitor import GradMonitor
from gradlab.monitor.readings import Readings

shares_runs = pytest.mark.xdist_group("zoo")
OTHER_UNITS = {kind.name: unit for kind, unit in zip(zoo.KINDS, itertools.cycle([1 / 128, 128.0]), strict=False)}
"""A unit of the loss for each kind, with which it takes the same path: a power of two leaves all other bits alone."""


class Trained(NamedTuple):
    """What became of a run: its losses, its scores before and after (None without one), whether its weights are finite.

    The monitor changes no bit of it (tests/test_monitor_training.py), and has read nothing of a run without gradients.
    """

    losses: list[float]
    scores: tuple[float, float] | None
    finite: bool
    readings: Readings | None


def readings_of(name: str, seed: int, unit: float = 1.0, every: int = 1) -> Readings | None:
    """Return what a monitor read of a run; None if it refuses the run because nothing has a gradient."""
    return _trained(name, seed, unit, every).readings  # a cache takes arguments that are left out for other ones


def trained(name: str, seed: int) -> Trained:
    """Return what became of a run."""
    return _trained(name, seed, 1.0, 1)


@functools.cache
def _trained(name: str, seed: int, unit: float, every: int) -> Trained:
    run = zoo.kind(name).prepare(seed, unit=unit)
    before, losses, learns = run.score and run.score(), [], False
    with warnings.catch_warnings(), GradMonitor(run.model, run.optimizer, scaler=run.scaler, every=every) as monitor:
        warnings.simplefilter("ignore")
        for loss in run:
            learns = learns or any(p.grad is not None for group in run.optimizer.param_groups for p in group["params"])
            if learns:
                monitor.record(loss)
            losses.append(loss.item())
    scores = None if before is None else (before, run.score())
    finite = all(parameter.isfinite().all() for parameter in run.model.parameters())
    return Trained(losses, scores, finite, monitor._readings() if learns else None)
