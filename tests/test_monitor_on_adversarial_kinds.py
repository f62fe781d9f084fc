"""How well the monitor judges kinds of runs that were made to trick it: those its rules were mended on, and the rest.

Before the rules were mended, precision was 0.76 and recall 0.94 on the former, 0.75 and 0.88 on those held out, and one
healthy run in six was said to be worth a look. They were mended with only the former in view; on those held out they
had, at the first try, a precision of 0.96 (one of 12 runs that fail otherwise counts as exploding) and a recall of 1.
"""

import functools
import math
import warnings
from collections import Counter

import pytest

import adversarial_calm
import adversarial_exploding
import adversarial_healthy
import adversarial_other
from adversarial import LATE, set_aside
from gradlab.monitor import GradMonitor

SEEDS = (0, 1)
ROOMS = (adversarial_calm, adversarial_exploding, adversarial_healthy, adversarial_other)
KINDS = set_aside(kind for room in ROOMS for kind in room.KINDS)
pytestmark = pytest.mark.xdist_group("adversarial kinds")  # each run is trained once for all tests
PRECISION = {False: 0.97, True: 0.93}  # held out, a single false alarm is one in 17
seeds = pytest.mark.parametrize("seed", SEEDS)
both = pytest.mark.parametrize("held_out", [False, True], ids=["tuned", "held out"])


@functools.cache
def watched(kind, seed):
    """Train; return how the run ends, beside its start (infinite if it is not finite), and the monitor's verdict."""
    run = kind.prepare(seed)
    before = None if run.score is None else run.score()
    losses = []
    with warnings.catch_warnings(), GradMonitor(run.model, run.optimizer, scaler=run.scaler, every=1) as monitor:
        warnings.simplefilter("ignore")
        for loss in run:
            monitor.record(loss)
            losses.append(abs(loss.item()))
    last = losses[-LATE:]
    if not all(p.isfinite().all() for p in run.model.parameters()) or not all(map(math.isfinite, last)):
        return math.inf, monitor.diagnose().verdict
    end = sorted(last)[LATE // 2] / losses[0] if before is None else run.score() / before
    return end, monitor.diagnose().verdict


def counts(held_out):
    """Return how often runs of each label were given each verdict."""
    return Counter(
        (kind.label, watched(kind, seed)[1]) for kind in KINDS if kind.held_out is held_out for seed in SEEDS
    )


@seeds
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_label_rests_on_how_the_run_ends(kind, seed):
    end, _ = watched(kind, seed)
    assert {"exploding": end > 10, "healthy": end < 0.75, "other": 0.7 < end <= 10}[kind.label]


@both
def test_exploding_is_said_of_runs_that_explode_and_of_no_healthy_one(held_out):
    seen = counts(held_out)
    said = sum(number for (_, verdict), number in seen.items() if verdict == "EXPLODING")
    assert seen["exploding", "EXPLODING"] / said >= PRECISION[held_out]
    assert seen["healthy", "EXPLODING"] == 0


@both
def test_runs_that_explode_are_said_to(held_out):
    seen = counts(held_out)
    explode = sum(number for (label, _), number in seen.items() if label == "exploding")
    assert seen["exploding", "EXPLODING"] / explode >= 0.95
    assert seen["exploding", "NOT EXPLODING"] == 0


@both
def test_few_healthy_runs_are_said_to_be_worth_a_look(held_out):
    seen = counts(held_out)
    assert seen["healthy", "WATCH"] / sum(n for (label, _), n in seen.items() if label == "healthy") <= 0.08
