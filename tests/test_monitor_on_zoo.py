"""How well the monitor judges the zoo: kinds that its rules were tuned on, and apart from them those held out.

Every run is recorded with every step sampled; the same readings with every tenth sample kept stand for a monitor that
reads less. Sampling by a budget depends on the clock and would make a test that fails now and then.
"""

import dataclasses
import functools

import numpy as np
import pytest
import torch

from gradlab import zoo
from gradlab.monitor.causes import causes_of
from gradlab.monitor.rules import events
from recorded_zoo import OTHER_UNITS, readings_of, shares_runs

pytestmark = shares_runs
SEEDS = (0, 1, 2)
EVERY = (1, 10)
EXPLODING = [kind for kind in zoo.KINDS if kind.label == "exploding"]

# which first cause is right; for the kinds held out, written from their faults before any answer was seen
RIGHT_CAUSES = {
    "tanh-weights-too-large": "depth",
    "standard-normal-weights": "depth",
    "relu-weights-too-large": "depth",
    "convolution-weights-too-large": "depth",
    "new-head-too-large": "depth",
    "residual-branches-unscaled": "depth",
    "embedding-too-large": "inputs depth",
    "deep-without-normalization": "depth rate",
    "transformer-without-norm": "depth rate",
    "rate-too-high": "rate",
    "rate-slightly-too-high": "rate",
    "momentum-too-high": "momentum rate",
    "adam-rate-of-one": "rate",
    "warm-up-missing": "rate",
    "transformer-rate-too-high": "rate",
    "lstm-rate-too-high": "rate",
    "decay-too-strong": "decay",
    "accumulation-undivided": "rate",
    "loss-summed": "rate",
    "targets-unscaled": "rate",
    "schedule-jumps": "rate_change",
    "gradients-not-zeroed": "accumulation",
    "penalty-of-wrong-sign": "objective",
    "loss-of-wrong-sign": "objective",
    "bootstrap-runs-away": "objective rate",
    "adversary-too-strong": "objective rate",
    "variance-collapses": "objective numerics",
    "inputs-unscaled": "inputs",
    "missing-value-code": "inputs",
    "outlier-batch": "batch",
    "clipping-too-loose": "batch",
    "recurrent-gain-too-large": "recurrence",
    "sequence-too-long": "recurrence",
    "rollout-too-long": "recurrence depth rate",
    "lstm-weights-too-large": "recurrence depth",
    "log-of-zero": "numerics",
    "softmax-by-hand": "numerics",
    "root-at-zero": "numerics",
    "mean-over-nothing": "numerics",
    "label-is-nan": "numerics",
    "exponential-link-overflows": "numerics inputs",
    "float16-epsilon-vanishes": "numerics half_precision",
    "float16-output-overflows": "half_precision",
}


def thinned(readings, every):
    rows = {name: getattr(readings, name)[::every] for name in ("step", "grad", "weight", "update")}
    return dataclasses.replace(readings, **rows)


def verdict(readings):
    levels = set() if readings is None else {event.level for event in events(readings)}
    return next((level for level in ("EXPLODING", "WATCH") if level in levels), "NOT EXPLODING")


@functools.cache
def verdicts(held_out, every):
    """Return label and verdict of each run of the kinds that are, or are not, held out."""
    runs = [(kind, readings_of(kind.name, seed)) for kind in zoo.KINDS if kind.held_out is held_out for seed in SEEDS]
    return [(kind.label, kind.name, verdict(readings and thinned(readings, every))) for kind, readings in runs]


both = pytest.mark.parametrize("held_out", [False, True], ids=["tuned", "held out"])
samplings = pytest.mark.parametrize("every", EVERY)


@both
@samplings
def test_exploding_is_said_of_runs_that_explode(held_out, every):
    said = [name for label, name, said in verdicts(held_out, every) if said == "EXPLODING"]
    true = [name for label, name, said in verdicts(held_out, every) if said == "EXPLODING" and label == "exploding"]
    assert len(true) / len(said) >= 0.97, sorted(set(said) - set(true))


@both
@samplings
def test_runs_that_explode_are_said_to(held_out, every):
    explode = [(name, said) for label, name, said in verdicts(held_out, every) if label == "exploding"]
    missed = [name for name, said in explode if said != "EXPLODING"]
    assert 1 - len(missed) / len(explode) >= 0.95, missed
    assert [name for name, said in explode if said == "NOT EXPLODING"] == []


@pytest.mark.parametrize("name", ["rate-too-high", "schedule-jumps", "log-of-zero"])
def test_thinned_readings_are_among_those_of_a_monitor_that_samples_less(name):
    thin, sparse = thinned(readings_of(name, 0), 10), readings_of(name, 0, every=10)
    kept = np.isin(sparse.step, thin.step)  # it also reads the first steps, and where the loss jumps
    for field in dataclasses.fields(thin):
        less, more = getattr(sparse, field.name), getattr(thin, field.name)
        np.testing.assert_equal(less[kept] if field.name in ("step", "grad", "weight", "update") else less, more)


def test_unit_of_the_loss_changes_no_verdict():
    changed = {
        name: (verdict(readings_of(name, 1)), verdict(readings_of(name, 1, unit)))
        for name, unit in OTHER_UNITS.items()
        if isinstance(zoo.kind(name).prepare(1).optimizer, torch.optim.SGD)
    }
    assert len(changed) > 40
    assert {name: pair for name, pair in changed.items() if pair[0] != pair[1]} == {}


def test_every_exploding_kind_has_a_right_cause():
    assert {kind.name for kind in EXPLODING} == set(RIGHT_CAUSES)


@both
def test_first_cause_is_right_more_often_than_not(held_out):
    # measured with torch 2.13: 0.91 of the runs of the tuned kinds, 0.93 of those held out; other versions may differ
    named = {
        (kind.name, seed): causes_of(readings, events(readings))[0].name
        for kind in EXPLODING
        if kind.held_out is held_out
        for seed in SEEDS
        if (readings := readings_of(kind.name, seed)) is not None
    }
    right = [name in RIGHT_CAUSES[kind].split() for (kind, _), name in named.items()]
    assert np.mean(right) >= 0.7, {run: name for run, name in named.items() if name not in RIGHT_CAUSES[run[0]].split()}
