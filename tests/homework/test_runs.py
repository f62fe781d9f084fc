"""The runs that a detector is judged by: what is in their logs, and which signs they tell apart."""

import numpy as np
import pytest

from gradlab.homework.assignments.hw05_trials import HIDDEN, KINDS
from gradlab.homework.checks.draws import Draw
from gradlab.homework.runs import PRACTICE, STEPS, practice_runs, training_runs

SEEDS = range(4)
SIGNS = {
    "loss above 10": lambda log: log["loss"].max() > 10,
    "gradient above 1": lambda log: log["grad"].max() > 1,
    "update above 1": lambda log: log["update"].max() > 1,
    "weights above 10": lambda log: log["weight"].max() > 10,
    "loss rises tenfold": lambda log: log["loss"].max() > 10 * log["loss"][0],
    "gradient rises tenfold": lambda log: log["grad"].max() > 10 * log["grad"][0],
    "not finite": lambda log: not all(np.isfinite(values).all() for values in log.values()),
    "short": lambda log: len(log["loss"]) < 20,
    "long": lambda log: len(log["loss"]) > 20,
    "always": lambda log: True,
    "never": lambda log: False,
}


@pytest.fixture(scope="module", params=SEEDS)
def runs(request):
    return training_runs(Draw("test", str(request.param)), 187, KINDS)


def worse_share(sign, runs):
    """The smaller of a sign's precision and recall."""
    seen, ill = (
        np.array([of(run) for run in runs]) for of in (lambda run: sign(run.history), lambda run: run.explodes)
    )
    right = (seen & ill).sum()
    return min(right / max(seen.sum(), 1), right / ill.sum())


def test_same_seed_gives_the_same_runs_and_another_gives_others():
    one, same, other = practice_runs(3), practice_runs(3), practice_runs(4)
    assert [run.kind for run in one] == [run.kind for run in same]
    for run, again in zip(one, same, strict=True):
        for what in run.history:
            np.testing.assert_array_equal(run.history[what], again.history[what])
    assert one[0].history["loss"][0] != other[0].history["loss"][0]


def test_practice_and_hidden_kinds_do_not_overlap(runs):
    assert not set(PRACTICE) & set(HIDDEN)
    assert {run.kind for run in practice_runs()} == set(PRACTICE)
    assert {run.kind for run in runs} <= set(KINDS)
    assert len({run.kind for run in runs} & set(HIDDEN)) == len(HIDDEN)


def test_logs_are_finite_but_for_the_gradient_of_skipped_steps(runs):
    for run in runs:
        log = run.history
        assert 2 <= len(log["loss"]) <= STEPS
        assert len({len(values) for values in log.values()}) == 1
        for what in ("loss", "weight", "update"):
            assert np.isfinite(log[what]).all(), run.kind
            assert (log[what] >= 0).all()
        skipped = ~np.isfinite(log["grad"])
        assert (log["update"][skipped] == 0).all()
        assert not skipped.any() or run.kind == "steps skipped"


def test_a_third_of_the_runs_explode(runs):
    assert 0.25 < np.mean([run.explodes for run in runs]) < 0.45


@pytest.fixture(scope="module")
def many():
    """As many as nine of ten are asked of."""
    return [run for seed in range(3) for run in training_runs(Draw("many", str(seed)), 187, KINDS)]


@pytest.mark.parametrize("threshold", [0.15, 0.2, 0.3])
def test_update_beside_weight_tells_them_apart(threshold, runs, many):
    def sign(log):
        return (log["update"] / log["weight"]).max() > threshold

    assert worse_share(sign, runs) > 0.85
    assert worse_share(sign, many) > 0.91


def test_chapters_threshold_gets_four_of_five_and_not_nine_of_ten(many):
    assert 0.8 < worse_share(lambda log: (log["update"] / log["weight"]).max() > 1, many) < 0.89


@pytest.mark.parametrize("sign", SIGNS)
def test_other_signs_do_not(sign, runs):
    assert worse_share(SIGNS[sign], runs) < 0.78
