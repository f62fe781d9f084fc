"""The monitor on kinds of runs that its rules were not made on, and that are not in the zoo."""

import math

import pytest

import unseen_exploding
import unseen_healthy
from gradlab.monitor import GradMonitor

SEEDS = range(3)
KINDS = [*unseen_exploding.KINDS, *unseen_healthy.KINDS]
VERDICT = {"exploding": "EXPLODING", "healthy": "NOT EXPLODING"}


def end_over_start(run):
    """Return how a run ends, beside its start; infinite if the loss or a parameter is not finite."""
    before = None if run.score is None else run.score()
    losses = [abs(loss.item()) for loss in run]
    alive = all(p.isfinite().all() for p in run.model.parameters()) and all(map(math.isfinite, losses[-10:]))
    if not alive:
        return math.inf
    return sorted(losses[-10:])[5] / losses[0] if before is None else run.score() / before


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_label_rests_on_how_the_run_ends(kind, seed):
    ratio = end_over_start(kind.prepare(seed))
    assert ratio > 10 if kind.label == "exploding" else ratio < 0.75


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_verdict_is_right(kind, seed):
    run = kind.prepare(seed)
    with GradMonitor(run.model, run.optimizer, scaler=run.scaler, every=1) as monitor:
        for loss in run:
            monitor.record(loss)
    assert monitor.diagnose().verdict == VERDICT[kind.label]
