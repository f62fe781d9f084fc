"""Runs of the zoo as a monitor reads them, each trained once for all tests: those who ask for them share a group."""

import functools
import warnings

import pytest

from gradlab import zoo
from gradlab.monitor import GradMonitor
from gradlab.monitor.readings import Readings

shares_runs = pytest.mark.xdist_group("zoo")


def readings_of(name: str, seed: int, unit: float = 1.0, every: int = 1) -> Readings | None:
    """Return what a monitor read of a run; None if it refuses the run because nothing has a gradient."""
    return _recorded(name, seed, unit, every)  # a cache takes arguments that are left out for other ones


@functools.cache
def _recorded(name: str, seed: int, unit: float, every: int) -> Readings | None:
    run = zoo.kind(name).prepare(seed, unit=unit)
    with warnings.catch_warnings(), GradMonitor(run.model, run.optimizer, scaler=run.scaler, every=every) as monitor:
        warnings.simplefilter("ignore")
        for loss in run:
            if all(parameter.grad is None for group in run.optimizer.param_groups for parameter in group["params"]):
                return None
            monitor.record(loss)
    return monitor._readings()
