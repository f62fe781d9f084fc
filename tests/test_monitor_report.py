"""Causes are opinions with a number behind them, and the report says them in a fixed layout without gaps."""

import dataclasses
import re

import numpy as np
import pytest

from gradlab.monitor import report
from gradlab.monitor.causes import causes_of, explain
from gradlab.monitor.diagnosis import Diagnosis, Event
from gradlab.monitor.readings import Method
from gradlab.monitor.report import in_words
from gradlab.monitor.rules import events, onset
from gradlab.monitor.signs import signs_of
from readings_by_hand import NAMES, SHAPES, adding_up, bursts_at, by, changed, no_steps, quiet

INF, NAN = np.inf, np.nan
FIELDS = ("What", "Where", "Likely", "Unlikely", "Try", "Basis")


def diagnosis_of(readings, overhead=0.013):
    """Return what the monitor says of readings."""
    found = events(readings)
    likely, unlikely, advice, where = explain(readings, found)
    levels = {event.level for event in found}
    return Diagnosis(
        verdict=next((level for level in ("EXPLODING", "WATCH") if level in levels), "NOT EXPLODING"),
        events=found,
        onset=onset(found),
        where=where,
        likely=likely,
        unlikely=unlikely,
        advice=advice,
        steps=len(readings.loss),
        sampled=len(readings.step),
        skipped=int((~readings.applied).sum()),
        overhead=overhead,
    )


def with_nan_loss(readings, step=40):
    gone = slice(step, None)
    rows = {name: changed(getattr(readings, name), gone, INF) for name in ("grad", "update")}
    return dataclasses.replace(readings, loss=changed(readings.loss, gone, NAN), **rows)


def first_gradients(factors, readings):
    return dataclasses.replace(readings, grad=changed(readings.grad, 0, readings.grad[0] * factors))


def deep(gain, layers=12):
    """Return the readings of a deep network whose weights have a gain and burst at once."""
    names = tuple(f"{k}.{part}" for k in range(layers) for part in ("weight", "bias"))
    shapes = ((32, 32), (32,)) * layers
    readings = quiet(names=names, shapes=shapes)
    initial = np.where([len(shape) == 2 for shape in shapes], gain * np.sqrt(32), 0.0)
    return bursts_at(0, dataclasses.replace(readings, initial=initial))


def recurrent(gain, ratio):
    names = ("rnn.weight_ih_l0", "rnn.weight_hh_l0", "out.weight", "out.bias")
    readings = quiet(names=names, shapes=((32, 4), (32, 32), (2, 32), (2,)))
    grad = changed(readings.grad, (slice(None), 1), ratio * readings.grad[:, 2])
    return bursts_at(
        0, dataclasses.replace(readings, initial=changed(readings.initial, 1, gain * np.sqrt(32)), grad=grad)
    )


def with_scaler(steps=60):
    base = quiet(steps)
    return dataclasses.replace(
        base, applied=np.zeros(steps, dtype=bool), scale=2.0 ** (16 - np.arange(steps)), grad=base.grad * INF
    )


def with_outlier(step=30):
    base = quiet()
    grad = changed(base.grad, (step, 0), 1e5 * base.grad[step, 0])
    return bursts_at(step, dataclasses.replace(base, loss=changed(base.loss, step, 1e6), grad=grad))


def nan_behind_a_scaler(step=40):
    base = with_nan_loss(quiet(), step)
    gone = slice(step, None)
    return dataclasses.replace(
        base, applied=changed(base.applied, gone, False), scale=2.0 ** (12 - np.maximum(np.arange(60) - step, 0))
    )


CASES = {
    "rate": (bursts_at(0, quiet()), "learning rate too large"),
    "rate_late": (bursts_at(30, quiet()), "border of stability: quiet until step 30"),
    "rate_change": (
        bursts_at(30, quiet(rate=np.where(np.arange(60) < 29, 0.02, 2.0)[:, None])),
        "rose from 0.02 to 2 by step 29",
    ),
    "depth": (deep(3.0), "12 weights have a gain of up to 3 where 1.4"),
    "inputs": (first_gradients([80 * np.sqrt(8 * 16), np.sqrt(8), 1, 1], bursts_at(0, quiet())), "about 80"),
    "recurrence": (recurrent(1.5, 400.0), "gain of 1.5 where 1 keeps the signal and their gradient is 400 ×"),
    "batch": (with_outlier(), "× its usual size"),
    "numerics": (with_nan_loss(quiet()), "no update exceeded 0.01 × its weights"),
    "half_precision": (with_scaler(), "loss scale down to"),
    "objective": (bursts_at(30, quiet(loss=-np.exp(np.arange(60) / 3.0))), "it fell to"),
    "numerics_behind_scaler": (nan_behind_a_scaler(), "plays no part in the forward pass"),
    "rate_adam": (by(Method("Adam", adaptive=True), bursts_at(0, quiet())), "too large for Adam, whose steps"),
    "decay_coupled": (by(Method(decay=(21.0,)), bursts_at(3, quiet())), "rate times decay is 2.1"),
    "decay_momentum": (by(Method(momentum=0.9, decay=(39.0,)), bursts_at(3, quiet())), "rate times decay is 3.9"),
    "decay_decoupled": (by(Method("AdamW", True, decay=(11.0,), decoupled=True), bursts_at(3, quiet())), "is 1.1, so"),
    "momentum": (by(Method(momentum=0.99), bursts_at(8, quiet())), "the rate of 0.1 acts like 10"),
    "accumulation": (adding_up(), "never set to zero: over the first steps they grew steadily, 10 ×"),
}


@pytest.mark.parametrize("name", CASES)
def test_the_first_cause_is_the_planted_one_and_carries_its_number(name):
    readings, words = CASES[name]
    found = causes_of(readings, events(readings))
    assert found[0].name == re.sub("_(late|adam|coupled|momentum|decoupled|behind_scaler)$", "", name)
    assert words in found[0].text
    likely, _, advice, _ = explain(readings, events(readings))
    assert likely[0] == f"likely {found[0].text}"
    assert advice[0] == found[0].advice[0]


@pytest.mark.parametrize("name", CASES)
def test_every_cause_says_how_sure_it_is_and_rests_on_a_number(name):
    likely, unlikely, advice, _ = explain(CASES[name][0], events(CASES[name][0]))
    assert likely
    assert advice
    for text in likely:
        assert text.startswith(("likely ", "perhaps "))
        assert re.search(r"\d", text)
    assert all(re.search(r"\d|the same", text) for text in unlikely)


def test_what_the_readings_speak_against_is_unlikely_and_never_likely_too():
    _, unlikely, _, _ = explain(CASES["rate_late"][0], events(CASES["rate_late"][0]))
    assert [re.split(r" \(", text)[0] for text in unlikely] == [
        "the initialisation",
        "the scale of the inputs",
        "a bad batch",
        "a change of the learning rate",
    ]
    _, unlikely, _, _ = explain(CASES["depth"][0], events(CASES["depth"][0]))
    assert not any("initialization" in text for text in unlikely)


@pytest.mark.parametrize("name", ["numerics"])
def test_advice_for_a_non_finite_birth_is_to_locate_it(name):
    _, _, advice, _ = explain(CASES[name][0], events(CASES[name][0]))
    assert advice[0].startswith("gradlab.monitor.locate_nonfinite(model, closure)")


@pytest.mark.parametrize("rms", [0.3, 1.0, 30.0])
def test_size_of_inputs_is_the_ratio_of_weight_and_bias_gradients(rms):
    # dL/dW = sum over examples of delta x^T, dL/db = sum of delta: one example, so that the two differ by |x|
    factors = [rms * np.sqrt(16) / np.sqrt(32 / 3), 1 / np.sqrt(32 / 3), 1, 1]
    assert signs_of(first_gradients(factors, quiet()), 0).inputs == pytest.approx(rms)


def test_a_run_without_events_has_no_cause():
    assert explain(quiet(), ()) == ((), (), (), None)
    assert causes_of(quiet(), ()) == ()


SPOKEN = [*(readings for readings, _ in CASES.values()), quiet(), quiet(1), no_steps(), quiet(every=10)]


@pytest.mark.parametrize("readings", SPOKEN, ids=[*CASES, "quiet", "one step", "no step", "sampled"])
def test_report_has_no_empty_field_and_fits_its_width(readings):
    diagnosis = diagnosis_of(readings)
    first, *lines = in_words(diagnosis).splitlines()
    assert first == report.headline(diagnosis)
    assert max(map(len, [first, *lines])) <= 100
    assert all(line[report.MARGIN :].strip() for line in lines)
    assert all(line.startswith("  ") and line == line.rstrip() for line in lines)
    named = [line.split()[0] for line in lines if line[: report.MARGIN].strip()]
    assert named == [field for field in FIELDS if field in named]
    assert {"What", "Basis"} <= set(named)
    assert "nan" not in in_words(diagnosis).lower().replace("nan in the batch", "").replace("batch for nan", "")


def test_report_leads_with_verdict_and_step():
    assert in_words(diagnosis_of(bursts_at(30, quiet()))).startswith(
        "EXPLODING at step 30\n  What      one update was 100"
    )
    watched = dataclasses.replace(quiet(), loss=2.0 + np.arange(60.0))
    assert in_words(diagnosis_of(watched)).startswith("WATCH since step")


def test_not_exploding_is_no_certificate_of_health():
    words = in_words(diagnosis_of(quiet()))
    assert words.startswith("NOT EXPLODING\n")
    assert "not a certificate of health" in words


def test_a_monitor_that_recorded_nothing_says_so():
    assert "nothing was recorded" in in_words(diagnosis_of(no_steps(), overhead=0.0))


def test_basis_tells_samples_skips_and_cost():
    words = in_words(diagnosis_of(with_scaler(), overhead=0.0321))
    assert "60 of 60 steps sampled, 60 skipped steps, 3.2 % of run time" in words
    assert "1 of 1 step sampled, 0 skipped steps" in in_words(diagnosis_of(quiet(1)))


def test_layer_of_the_first_event_is_where():
    base = quiet()
    readings = bursts_at(30, dataclasses.replace(base, update=base.update))
    assert diagnosis_of(readings).where in NAMES
    assert len(SHAPES) == len(NAMES)
    only = changed(base.update, (30, 2), 100 * base.weight[30, 2])
    stuck = np.full(60, 2.3)
    assert diagnosis_of(dataclasses.replace(base, update=only, loss=stuck)).where == "2.weight"


def test_a_report_never_states_a_cause_as_fact():
    for readings, _ in CASES.values():
        assert "Likely" in in_words(diagnosis_of(readings))
        assert "from which causes are inferred, not proved" in re.sub(r"\s+", " ", in_words(diagnosis_of(readings)))


def test_report_says_so_where_most_records_had_no_step():
    for verdict in ("NOT EXPLODING", "EXPLODING"):
        events = () if verdict == "NOT EXPLODING" else (Event("EXPLODING", 5, None, "the loss rose", "risen_loss"),)
        of = {"verdict": verdict, "events": events, "onset": 5 if events else None, "steps": 8, "sampled": 8}
        rest = {"where": None, "likely": (), "unlikely": (), "advice": (), "overhead": 0.01}
        assert "not followed by a step" in in_words(Diagnosis(**of, **rest, skipped=6))
        assert "not followed by a step" not in in_words(Diagnosis(**of, **rest, skipped=4))
