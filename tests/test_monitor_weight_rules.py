"""The rules about large steps and growing weights, on readings made by hand: each fires on what it is for only."""

import dataclasses

import numpy as np
import pytest

from gradlab.monitor.rules import events
from readings_by_hand import bursts, changed, fired, quiet, stuck, verdict, with_updates

INF, NAN = np.inf, np.nan


@pytest.mark.parametrize("ratio", [51.0, 1e9])
def test_a_destructive_update_is_worth_a_look_even_if_the_loss_falls(ratio):
    falls_at_once = np.where(np.arange(60) < 21, stuck(), stuck(at=0.3))
    (event,) = events(with_updates({20: ratio}, loss=falls_at_once))
    assert (event.rule, event.level, event.step, event.layer) == ("one_update", "WATCH", 20, "2.weight")
    guessing = np.where(np.arange(60) < 1, 1e6, stuck())
    assert verdict(with_updates({0: ratio}, loss=guessing)) == "WATCH"


def test_a_linear_model_that_learns_huge_targets_is_not_exploding():
    assert events(with_updates({0: 9e3}, loss=3e9 * np.exp(-np.arange(60) / 4))) == ()


@pytest.mark.parametrize("ratio", [8.0, 51.0])
@pytest.mark.parametrize(("times", "level"), [(20.0, "EXPLODING"), (4.5, "EXPLODING"), (3.0, "WATCH"), (1.0, "WATCH")])
def test_an_overwriting_update_is_exploding_only_if_the_loss_bears_witness(ratio, times, level):
    found = fired(with_updates({5: ratio}, loss=bursts(5, times=times)))
    assert ("one_update", level, 5) in found
    assert verdict(with_updates({5: ratio}, loss=changed(stuck(), [20, 21], 200.0))) == "WATCH"  # two steps are no more


def test_a_loss_that_rises_long_after_a_large_update_is_no_witness_of_it():
    assert ("one_update", "EXPLODING", 5) in fired(with_updates({5: 8.0}, loss=bursts(20)))
    assert verdict(with_updates({5: 8.0}, loss=bursts(40))) == "WATCH"


def test_a_loss_around_zero_bears_witness_only_beyond_all_that_it_had_fallen():
    swings = 1e-4 - 0.1 * np.sin(np.arange(60.0) / 4)
    assert verdict(with_updates({5: 8.0}, loss=swings)) == "WATCH"
    assert verdict(with_updates({30: 8.0}, loss=np.where(np.arange(60) < 32, swings, 2.0))) == "EXPLODING"


def test_a_run_that_gets_over_an_overwriting_update_is_not_exploding():
    assert events(with_updates({5: 8.0})) == ()


@pytest.mark.parametrize("ratio", [8.0, 400.0])
@pytest.mark.parametrize("lacking", [0.0, 0.05])
def test_an_outlier_that_heals_is_not_exploding(ratio, lacking):
    before = 0.2 + 2.0 * np.exp(-np.arange(60) / 8)
    after = 0.2 + lacking * 2.0 + 3000 * np.exp(-np.arange(140) / 5)
    assert events(with_updates({59: ratio}, steps=200, loss=np.concatenate([before, after]))) == ()


def test_an_outlier_that_costs_half_of_the_progress_has_not_healed():
    before = 0.2 + 2.0 * np.exp(-np.arange(60) / 8)
    after = 1.2 + 3000 * np.exp(-np.arange(140) / 5)
    assert verdict(with_updates({59: 8.0}, steps=200, loss=np.concatenate([before, after]))) == "EXPLODING"


def test_a_perfect_fit_is_not_taken_for_a_dead_network():
    base = quiet()
    solved = np.where(np.arange(60) < 20, 80.0 * np.exp(-np.arange(60.0)), 0.0)
    zero = changed(base.grad, slice(20, None), 0.0)
    assert events(with_updates({0: 8.0}, loss=solved, grad=zero)) == ()


def test_a_destroyed_network_that_falls_back_to_guessing_has_not_recovered():
    guessing = np.where(np.arange(60) < 1, 1.45, stuck(at=1.386))
    assert verdict(with_updates({0: 8.0}, loss=guessing)) == "WATCH"


def test_a_dead_network_has_not_recovered():
    base = quiet()
    readings = with_updates(
        {0: 8.0}, loss=np.where(np.arange(60) < 1, 80.0, 1.0), grad=changed(base.grad, slice(1, None), 0.0)
    )
    assert verdict(readings) == "WATCH"


def test_updates_larger_than_the_weights_must_come_twice_within_ten_samples():
    assert events(with_updates({20: 3.0}, loss=stuck())) == ()
    assert events(with_updates({20: 3.0, 40: 3.0}, loss=stuck())) == ()
    assert fired(with_updates({20: 3.0, 29: 3.0}, loss=stuck())) == [("repeated_updates", "WATCH", 29)]
    assert ("repeated_updates", "EXPLODING", 29) in fired(with_updates({20: 3.0, 29: 3.0}, loss=bursts(29)))


def test_large_updates_are_worth_a_look_only_while_the_loss_does_not_fall():
    thirds = dict.fromkeys((10, 13, 16), 0.4)
    assert fired(with_updates(thirds, loss=stuck())) == [("large_updates", "WATCH", 16)]
    assert events(with_updates(thirds)) == ()


@pytest.mark.parametrize("initial", [0.0, 1e-4])
def test_a_layer_that_starts_near_zero_may_multiply_itself(initial):
    base = quiet(loss=stuck())
    column = np.cumsum(np.full(60, 0.05))  # ordinary steps: 0.05, where an ordinary matrix of this shape has 1.15
    readings = dataclasses.replace(
        base,
        initial=changed(base.initial, 2, initial),
        weight=changed(base.weight, (slice(None), 2), np.concatenate([[initial], column[:-1]])),
        update=changed(base.update, (slice(None), 2), 0.05),
    )
    assert events(readings) == ()


def test_biases_count_only_where_there_is_no_matrix():
    assert events(with_updates({5: 100.0}, column=1, loss=stuck())) == ()
    names, shapes = ("scale", "shift"), ((32,), (32,))
    assert verdict(with_updates({5: 100.0}, column=1, names=names, shapes=shapes, loss=stuck())) == "WATCH"


@pytest.mark.parametrize("every", [2, 10, 25])
def test_weights_that_jump_between_samples_are_exploding_unless_the_run_recovers(every):
    base = quiet(100, every=every)
    grown = base.weight * np.where(base.step >= 50, 40.0, 1.0)[:, None]
    assert fired(dataclasses.replace(base, weight=grown, loss=stuck(100)))[0] == ("jumped_weights", "WATCH", 50)
    assert ("jumped_weights", "EXPLODING", 50) in fired(dataclasses.replace(base, weight=grown, loss=bursts(49, 100)))
    early = base.weight * np.where(base.step >= every, 40.0, 1.0)[:, None]
    assert events(dataclasses.replace(base, weight=early)) == ()


def test_weights_that_grow_fast_are_worth_a_look_only_while_the_loss_does_not_fall():
    base = quiet(200)
    grown = base.weight * np.linspace(1, 40, 200)[:, None]
    assert {rule for rule, *_ in fired(dataclasses.replace(base, weight=grown, loss=stuck(200)))} == {"grown_weights"}
    assert events(dataclasses.replace(base, weight=grown)) == ()
    slow = quiet(2000, loss=stuck(2000))
    assert events(dataclasses.replace(slow, weight=slow.weight * np.linspace(1, 40, 2000)[:, None])) == ()


def test_weights_that_jump_after_the_last_sample_are_seen_when_the_monitor_closes():
    base = quiet(95, every=10, loss=bursts(92, 95))
    assert fired(base) == []
    closed = dataclasses.replace(base, final=40 * base.weight[-1])
    assert fired(closed) == [("jumped_weights", "WATCH", 94)]
    assert "between steps 90 and 94" in events(closed)[0].text
    (event,) = events(dataclasses.replace(base, final=changed(base.weight[-1], 1, INF)))
    assert (event.rule, event.level, event.step) == ("non_finite", "EXPLODING", 94)
