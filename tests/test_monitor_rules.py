"""The rules on readings made by hand: quiet runs, values that are not finite, and what holds for all rules."""

import dataclasses

import numpy as np
import pytest

from gradlab.monitor import rules
from gradlab.monitor.rules import events
from readings_by_hand import NAMES, bursts, changed, fired, no_steps, quiet, stuck, verdict, with_updates

INF, NAN = np.inf, np.nan


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
