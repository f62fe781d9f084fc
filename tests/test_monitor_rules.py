"""The rules on readings made by hand: each fires on what it is for, and on nothing else."""

import dataclasses

import numpy as np
import pytest

from gradlab.monitor import rules
from gradlab.monitor.rules import events
from readings_by_hand import NAMES, changed, no_steps, quiet

INF, NAN = np.inf, np.nan


def verdict(readings):
    levels = {event.level for event in events(readings)}
    return next((level for level in ("EXPLODING", "WATCH") if level in levels), "NOT EXPLODING")


def fired(readings):
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


@pytest.mark.parametrize("readings", [quiet(), quiet(every=10), quiet(1), no_steps(), quiet(loss=np.full(60, 2.0))])
def test_a_quiet_run_is_not_exploding(readings):
    assert events(readings) == ()


@pytest.mark.parametrize("shift", [-5.0, -0.7, 0.0])
@pytest.mark.parametrize("seed", range(20))
def test_a_noisy_loss_around_or_below_zero_is_not_exploding(seed, shift):
    noise = np.random.default_rng(seed).standard_normal(500)
    assert events(quiet(500, loss=shift + noise)) == ()


def test_a_non_finite_loss_is_exploding_from_the_step_it_is_taken():
    readings = quiet(loss=changed(quiet().loss, slice(40, None), NAN))
    assert fired(readings) == [("non_finite", "EXPLODING", 40)]


def test_a_non_finite_loss_is_found_between_samples():
    base = quiet(every=10)
    rows = {name: changed(getattr(base, name), slice(5, None), INF) for name in ("grad", "weight", "update")}
    readings = dataclasses.replace(base, loss=changed(base.loss, slice(43, None), NAN), **rows)
    assert fired(readings) == [("non_finite", "EXPLODING", 43)]


def test_a_non_finite_gradient_with_finite_loss_names_its_only_layer():
    base = quiet()
    readings = dataclasses.replace(
        base, grad=changed(base.grad, (30, 0), INF), update=changed(base.update, (30, 0), INF)
    )
    (event,) = events(readings)
    assert (event.level, event.step, event.layer) == ("EXPLODING", 30, "0.weight")
    assert "while the loss was finite" in event.text


def test_one_non_finite_step_that_left_no_trace_is_only_worth_a_look():
    assert fired(quiet(loss=changed(quiet().loss, 30, INF))) == [("survived", "WATCH", 30)]


def test_a_run_that_ends_on_a_non_finite_loss_is_exploding_whether_its_step_was_taken_or_not():
    base = quiet()
    readings = dataclasses.replace(base, loss=changed(base.loss, -1, NAN), applied=changed(base.applied, -1, False))
    assert fired(readings) == [("non_finite", "EXPLODING", 59)]


@pytest.mark.parametrize("missed", [[30], [5, 30, 50]])
def test_skipping_a_bad_batch_now_and_then_is_not_exploding(missed):
    base = quiet()
    readings = dataclasses.replace(
        base, loss=changed(base.loss, missed, NAN), applied=changed(base.applied, missed, False)
    )
    assert events(readings) == ()


@pytest.mark.parametrize("last_is_pending", [False, True])
def test_a_caller_who_skips_non_finite_steps_for_good_is_told_so(last_is_pending):
    base = quiet()
    bad = slice(40, 60)
    readings = dataclasses.replace(base, loss=changed(base.loss, bad, NAN), applied=changed(base.applied, bad, False))
    assert fired(readings) == [("skipped_in_a_row", "EXPLODING", 40)]


def test_skipping_that_is_long_over_is_only_worth_a_look():
    base = quiet(200)
    bad = slice(40, 60)
    readings = dataclasses.replace(base, loss=changed(base.loss, bad, NAN), applied=changed(base.applied, bad, False))
    assert fired(readings) == [("skipped_in_a_row", "WATCH", 40)]


def scaled(skips, start=2.0**16, steps=60):
    """Return the readings of a run with a GradScaler that skips these steps and halves its scale."""
    base = quiet(steps)
    applied = ~np.isin(np.arange(steps), list(skips))
    halvings = np.concatenate([[0], np.cumsum(~applied)[:-1]])
    grad = changed(base.grad, ~applied, INF)
    rows = changed(base.update, ~applied, NAN)
    return dataclasses.replace(base, applied=applied, scale=start * 0.5**halvings, grad=grad, update=rows, weight=rows)


@pytest.mark.parametrize(
    ("start", "skips"), [(2.0**16, range(13)), (2.0**24, range(20)), (2.0**16, range(0, 60, 5)), (1.0, [7])]
)
def test_a_scaler_that_looks_for_its_scale_is_not_exploding(start, skips):
    assert events(scaled(skips, start)) == ()


def test_a_scaler_that_skips_at_a_scale_of_one_is_exploding_before_it_has_skipped_for_long():
    assert verdict(scaled(range(16), steps=16)) == "NOT EXPLODING"
    assert verdict(scaled(range(19), steps=19)) == "EXPLODING"


def test_a_scaler_that_skips_at_its_lowest_scales_is_exploding():
    (event,) = events(scaled(range(60)))
    assert (event.rule, event.level, event.step) == ("skipped_in_a_row", "EXPLODING", 0)


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


@pytest.mark.parametrize("base", [2.3, -2.3, 1e-9, 4e9])
def test_a_loss_that_rises_for_good_while_weights_grow_is_exploding(base):
    loss = base + abs(base) * np.arange(60) / 10
    readings = quiet(loss=loss)
    assert verdict(readings) == "WATCH"
    grown = readings.weight * np.linspace(1, 30, 60)[:, None]
    assert verdict(dataclasses.replace(readings, weight=grown)) == "EXPLODING"


def test_weights_that_grew_before_or_after_a_rise_do_not_make_it_an_explosion():
    loss = np.concatenate([stuck(100), stuck(100, at=30.0)])
    base = quiet(200, loss=loss)
    early = base.weight * np.minimum(1 + np.arange(200), 50)[:, None]
    for weight in (early, base.weight * (1 + np.maximum(np.arange(200) - 120, 0))[:, None]):
        found = fired(dataclasses.replace(base, weight=weight, loss=np.where(np.arange(200) == 104, 31, loss)))
        assert ("risen_loss", "WATCH") in {(rule, level) for rule, level, _ in found}
        assert "EXPLODING" not in {level for _, level, _ in found}


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("unit", [1e-12, 1.0, 1e6])
def test_a_loss_that_multiplies_itself_is_exploding_at_any_size(unit, sign):
    growth = sign * unit * 1.04 ** np.arange(200)  # 0.04 a step: 50 times over the second half
    noise = np.exp(0.1 * np.random.default_rng(0).standard_normal(200))
    assert ("multiplied_loss", "EXPLODING") in {event[:2] for event in fired(quiet(200, loss=growth * noise))}


@pytest.mark.parametrize(
    "course",
    [
        1.02 ** np.arange(200.0),  # 7 times over the second half
        np.where(np.arange(200) < 100, 1e4, 1e-4) * 1.04 ** np.arange(200.0),  # ends below where it began
        np.where(np.arange(200) < 170, 1.0, 1e4) * np.exp(0.3 * np.sin(np.arange(200.0))),  # a single leap
    ],
)
def test_a_loss_that_grows_little_or_from_below_or_at_once_does_not_multiply_itself(course):
    assert "multiplied_loss" not in {rule for rule, *_ in fired(quiet(200, loss=course))}


def test_a_loss_that_falls_below_zero_ever_faster_is_worth_a_look_and_with_grown_weights_exploding():
    base = quiet(200, loss=1 - (np.arange(200) / 10.0) ** 3)
    assert fired(base) == [("bottomless_loss", "WATCH", 23)]
    grown = dataclasses.replace(base, weight=base.weight * np.linspace(1, 30, 200)[:, None])
    assert ("bottomless_loss", "EXPLODING", 23) in fired(grown)
    bounded = 1 - 100 * np.tanh(np.arange(200) / 60)
    assert events(quiet(200, loss=bounded)) == ()


def test_a_task_that_becomes_harder_is_not_exploding():
    falls = np.exp(-np.arange(100) / 15)
    loss = np.concatenate([1 + 9 * falls, 20 + 180 * falls])
    base = quiet(200, loss=loss)
    assert events(base) == ()
    grown = dataclasses.replace(base, weight=base.weight * np.linspace(1, 12, 200)[:, None])
    assert verdict(grown) != "EXPLODING"
    assert verdict(dataclasses.replace(base, loss=np.where(np.arange(200) < 100, loss, 200 + loss))) == "WATCH"


def test_a_loss_that_rises_and_comes_back_is_not_exploding():
    loss = changed(quiet(200).loss, slice(100, 120), 9.0)
    assert events(quiet(200, loss=loss)) == ()


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


def test_progress_that_is_lost_while_gradients_and_weights_grow_is_worth_a_look():
    loss = np.concatenate([np.linspace(2.3, 0.3, 50), np.linspace(0.3, 2.0, 150)])
    base = quiet(200, loss=loss)
    grad = base.grad * np.linspace(1, 50, 200)[:, None]
    for growth, level in ((1, None), (5, "WATCH"), (30, "WATCH")):
        weight = base.weight * np.linspace(1, growth, 200)[:, None]
        found = {rule: level for rule, level, _ in fired(dataclasses.replace(base, grad=grad, weight=weight))}
        assert found.get("lost_progress") == level


def test_gradients_that_add_up_are_worth_a_look_unless_the_loss_falls():
    base = quiet()
    grad = base.grad * (1 + np.arange(60))[:, None]
    assert ("steady_gradients", "WATCH", 9) in fired(dataclasses.replace(base, grad=grad, loss=stuck()))
    slowly = 2.3 - 0.02 * np.arange(60)
    assert fired(dataclasses.replace(base, grad=grad, loss=slowly)) == []
    grad = base.grad * (1 + 0.3 * np.arange(60))[:, None]  # 3.7 times
    assert fired(dataclasses.replace(base, grad=grad, loss=stuck())) == []


@pytest.mark.parametrize("unit", [1e-6, 0.01, 100.0, 1e6])
@pytest.mark.parametrize("case", ["quiet", "rise", "stuck", "steady"])
def test_the_unit_of_the_loss_changes_nothing_but_numbers_in_the_text(unit, case):
    loss = {"quiet": quiet().loss, "rise": np.exp(np.arange(60) / 10), "stuck": stuck(), "steady": stuck()}[case]
    slope = 1 + np.arange(60)[:, None] * (case == "steady")
    both = [
        dataclasses.replace(
            with_updates({10: 6.0, 30: 0.5, 31: 0.5, 32: 0.5}, loss=loss * u, unit=u), grad=quiet(unit=u).grad * slope
        )
        for u in (1.0, unit)
    ]
    assert fired(both[0]) == fired(both[1])


def test_a_parameter_that_never_has_a_gradient_or_an_update_is_left_alone():
    base = quiet()
    readings = dataclasses.replace(
        base,
        grad=changed(base.grad, (slice(None), 0), NAN),
        initial=changed(base.initial, 0, INF),
        weight=changed(base.weight, (slice(None), 0), INF),
        update=changed(base.update, (slice(None), 0), NAN),
    )
    assert events(readings) == ()


def test_events_come_in_order_of_step_and_onset_is_the_first_alarm():
    readings = with_updates({3: 0.4, 4: 0.4, 5: 0.4, 50: 60.0}, loss=bursts(51, times=1e3))
    found = events(readings)
    assert [event.step for event in found] == [5, 50, 56]
    assert rules.onset(found) == 50  # the scare at step 5 was long over
    assert rules.onset(events(with_updates({43: 0.4, 44: 0.4, 45: 0.4, 50: 60.0}, loss=bursts(51)))) == 45
    assert rules.onset(()) is None
    assert {event.layer for event in found} == {NAMES[2], None}
