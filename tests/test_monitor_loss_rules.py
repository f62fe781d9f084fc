"""The rules about the loss, on readings made by hand: each fires on what it is for, and on nothing else."""

import dataclasses

import numpy as np
import pytest

from gradlab.monitor.rules import events
from readings_by_hand import changed, fired, quiet, stuck, verdict

INF, NAN = np.inf, np.nan


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


@pytest.mark.parametrize(("late", "level"), [(5.0, "WATCH"), (500.0, "EXPLODING")])
def test_a_rise_that_ends_far_above_the_start_is_exploding_also_if_it_had_been_higher(late, level):
    loss = np.concatenate([stuck(40), np.geomspace(1, 1e5, 20), np.full(140, late)])
    base = quiet(200, loss=loss)
    grown = base.weight * np.clip(np.arange(200) - 39, 1, 30)[:, None]
    found = fired(dataclasses.replace(base, weight=grown))
    assert ("risen_loss", level) in {event[:2] for event in found}


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
