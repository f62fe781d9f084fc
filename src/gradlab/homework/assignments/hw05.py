"""Homework 5: diagnosis, with a monitor of one's own. After chapters 2, 5, 7 and 8."""

from __future__ import annotations

import math

import numpy as np
import torch

from gradlab.homework.assignments.hw05_trials import (
    KINDS,
    NINE_OF_TEN,
    accuses,
    at_step,
    descent,
    first_overflow,
    own_run,
    require_birth,
    require_ratios,
    require_score,
    require_shares,
    stepped,
    told_step,
    trace,
)
from gradlab.homework.checks import Answer, Draw, Homework, Words, require, require_numbers
from gradlab.homework.runs import practice_runs, training_runs

homework = Homework("hw05", "Diagnosis, with a monitor of your own")


# q1: the step beside the weights ------------------------------------------------------------------------------------

updates = homework.question("q1", "The step beside the weights", asks_for="relative_updates")


@updates.requires("divides the length of each step by the length of the weights", points=2)
def _(answer: Answer, draw: Draw) -> None:
    truth = {"0.weight": draw.number(0.001, 0.01, 5), "0.bias": draw.number(0.1, 0.4), "2.weight": draw.number(1, 6)}
    shapes = [(6, 4), (6,), (2, 3, 4)]
    pairs = {name: stepped(draw, truth[name], *shape) for name, shape in zip(truth, shapes, strict=True)}
    before, after = ({name: pair[which] for name, pair in pairs.items()} for which in (0, 1))
    got, left = answer.after(before, after)
    tried = "relative_updates of three parameters"
    require_ratios(got, truth, tried=tried, expected="the length of the change, beside that of what was changed")
    for name, given, now in zip(("before", "after"), (before, after), left, strict=True):
        kept = isinstance(now, dict) and all(torch.equal(now.get(key, old[:0]), old) for key, old in given.items())
        require(
            kept, tried=tried, got=Words(f"other weights in `{name}` than it was given"), expected="no change in them"
        )


@updates.requires("gives 0 to what is frozen, and leaves out what has no length", points=1)
def _(answer: Answer, draw: Draw) -> None:
    old, new = stepped(draw, 0.25, 5, 3)
    before = {"body": old, "frozen": draw.normal(4), "bias": torch.zeros(3), "off": torch.zeros(2), "none": old[:0]}
    after = {**before, "body": new, "bias": draw.normal(3)}
    require_ratios(
        answer(before, after),
        {"body": 0.25, "frozen": 0.0},
        tried='relative_updates of "body", which moved, "frozen", which did not, two of zeros and one without entries',
        expected="0 for what did not move; no entry for what began as zeros, or has no entries",
    )


@updates.requires("holds for very large and very small weights", points=2, hidden=True)
def _(answer: Answer, draw: Draw) -> None:
    for dtype, scale in (
        (torch.float32, 1e25),
        (torch.float32, 1e-28),
        (torch.float16, 4000.0),
        (torch.bfloat16, 1e30),
    ):
        old, new = (weights.to(dtype) for weights in stepped(draw, 0.5, 20, 10, scale=scale))
        truth = float((new.double() - old.double()).norm() / old.double().norm())
        require_ratios(
            answer({"w": old}, {"w": new}),
            {"w": truth},
            tried=f"relative_updates of {str(dtype).removeprefix('torch.')} weights of size {scale:g}",
            expected="the same ratio as for weights of size 1: all of these are finite, and none is zero",
        )


@updates.requires("does not hide a NaN", points=1, hidden=True)
def _(answer: Answer, draw: Draw) -> None:
    old, new = stepped(draw, 0.1, 4, 4)
    spoilt = new.clone()
    spoilt[draw.integer(0, 3), draw.integer(0, 3)] = math.nan
    before = {"sane": old, "fresh": old, "late": spoilt, "bias": torch.zeros(4, 4)}
    require_ratios(
        answer(before, {"sane": new, "fresh": spoilt, "late": spoilt, "bias": spoilt}),
        {"sane": 0.1, "fresh": math.nan, "late": math.nan},
        tried='relative_updates with a NaN in "fresh" after the step, in "late" before and after it, and in "bias" '
        "after it, which began as zeros",
        expected="NaN for the first two, a number for the other, and no entry for what began as zeros",
    )


# q2: where it was born ----------------------------------------------------------------------------------------------

birth = homework.question("q2", "Where it was born", asks_for="born")


@birth.requires("names the first of those that are not finite", points=2)
def _(answer: Answer, draw: Draw) -> None:
    for value in (math.nan, math.inf, -math.inf):
        start = draw.integer(1, 7)
        record = trace(draw, {start: value} | dict.fromkeys(range(start + 1, 9), math.nan))
        require_birth(answer, record, f"layer {start}", f"{value} in one entry of layer {start}, NaN in all after it")
    require_birth(answer, trace(draw, dict.fromkeys(range(9), math.nan)), "data", "NaN in the data, and from there on")


@birth.requires("names somebody only if the last one is not finite", points=1)
def _(answer: Answer, draw: Draw) -> None:
    require_birth(answer, trace(draw, {8: math.inf}), "layer 8", "infinity in the last layer alone")
    require_birth(answer, trace(draw, {}), None, "everything finite")
    masked = draw.integer(2, 6)
    require_birth(answer, trace(draw, {masked: -math.inf}), None, f"-inf in layer {masked} alone, as a mask makes it")


@birth.requires("does not blame an infinity that was masked", points=2, hidden=True)
def _(answer: Answer, draw: Draw) -> None:
    for later in (8, 6):
        early = draw.integer(1, 3)
        record = trace(draw, {early: -math.inf, 4: math.inf} | dict.fromkeys(range(later, 9), math.nan))
        tried = f"-inf in layer {early} and inf in layer 4 alone, and NaN from layer {later} to the end"
        require_birth(answer, record, f"layer {later}", tried)


@birth.requires("does not blame numbers that are merely large", points=1, hidden=True)
def _(answer: Answer, draw: Draw) -> None:
    start = draw.integer(6, 8)
    record = trace(draw, dict.fromkeys(range(start, 9), math.inf))
    record[start - 1] = (f"layer {start - 1}", draw.uniform(1e200, 2e200, 4))
    record[1] = ("layer 1", draw.uniform(1e38, 3e38, 5, 5, dtype=torch.float32))
    record[2] = ("layer 2", draw.uniform(5e4, 6e4, 30, dtype=torch.float16))
    record[3] = ("layer 3", torch.arange(6))
    record[4] = ("layer 4", torch.empty(0, 3))
    tried = f"large but finite numbers, whole numbers and an empty tensor before layer {start}, where infinity begins"
    require_birth(answer, record, f"layer {start}", tried)
    require_birth(answer, record[:2], None, "a last layer of large but finite numbers")
    both = trace(draw, {7: math.inf, 8: math.inf})
    both[8] = ("layer 8", torch.tensor([math.inf, -math.inf, 1.0]))
    require_birth(answer, both, "layer 7", "infinities of both signs at the end")


# q3: what a step delivers -------------------------------------------------------------------------------------------

share = homework.question("q3", "What a step delivers", asks_for="delivered")


@share.requires("is 1 on a straight slope", points=1)
def _(answer: Answer, draw: Draw) -> None:
    steps, slope = draw.integer(4, 8), draw.number(0.5, 4)
    rates = draw.uniform(0.05, 0.5, steps)
    falls = torch.cat([torch.zeros(1, dtype=torch.float64), (rates * slope**2).cumsum(0)[:-1]])
    log = (draw.number(50, 90) - falls.numpy(), np.full(steps, slope), rates.numpy())
    require_shares(
        answer(*log),
        torch.ones(steps - 1, dtype=torch.float64),
        tried=f"delivered for {steps} steps down a slope of {slope:g} that does not bend",
        expected="one number for each step but the last, and each of them 1: such a slope delivers what it promises",
    )


@share.requires("tells steps that overshoot from steps that do not", points=2)
def _(answer: Answer, draw: Draw) -> None:
    for low, high in ((0.2, 1.8), (2.2, 3.5)):
        curvature, product = draw.number(0.5, 5), draw.number(low, high)
        rates = torch.full((5,), product / curvature, dtype=torch.float64)
        log = descent(torch.tensor([curvature]), draw.normal(1), rates)
        tried = f"delivered on a parabola, rate times curvature {product:g}"
        got = require_numbers(answer(*log), (4,), tried=tried)
        right = ((got < 0) == (product > 2)).all() and torch.isfinite(got).all() and (got < 1).all()
        require(right, tried=tried, got=got, expected="below 1; below 0 if each step overshoots, above 0 if not")


@share.requires("does not change with the unit of the loss", points=2)
def _(answer: Answer, draw: Draw) -> None:
    curvature, start, rates = draw.uniform(0.2, 2, 6), draw.normal(6), draw.uniform(0.1, 1.5, 7)
    tried = "delivered for seven steps, and for the same with losses {} times as large and rates divided by as much"
    truth = require_numbers(answer(*descent(curvature, start, rates)), (6,), tried=tried.format(1))
    require((truth.abs() > 1e-9).any(), tried=tried.format(1), got=truth, expected="numbers that are not all zero")
    for unit in (2.0**-12, 2.0**7, 2.0**-60, 2.0**60):
        got = answer(*descent(curvature, start, rates, unit))
        require_shares(
            got, truth, tried=tried.format(unit), expected="the same numbers: the weights take the same path"
        )


@share.requires("takes each step with its own rate", points=2, hidden=True)
def _(answer: Answer, draw: Draw) -> None:
    curvature, start, rates = draw.uniform(0.2, 2, 5), draw.normal(5), draw.uniform(0.1, 1.5, 8)
    loss, norms, _ = log = descent(curvature, start, rates)
    truth = torch.from_numpy(loss[:-1] - loss[1:]) / (rates[:-1] * torch.from_numpy(norms[:-1]) ** 2)
    require_shares(
        answer(*log),
        truth,
        tried="delivered for eight steps with eight rates, on a sum of five parabolas",
        expected="each fall of the loss beside the one that this step's slope and rate promised",
    )


@share.requires("is NaN where nothing was promised", points=1, hidden=True)
def _(answer: Answer, draw: Draw) -> None:
    loss = draw.uniform(1, 2, 5).numpy()
    log = loss, np.array([1.0, 0.0, 2.0, 1.0, 1.0]), np.array([0.1, 0.1, 0.0, 0.1, 0.1])
    tried = "delivered, the gradient zero in the second step, the rate in the third, while the loss goes up and down"
    got = require_numbers(answer(*log), (4,), tried=tried)
    right = torch.equal(got.isnan(), torch.tensor([False, True, True, False])) and got[[0, 3]].isfinite().all()
    require(right, tried=tried, got=got, expected="NaN for these two and finite numbers for the others")


# q4: the student's own numbers: when the scaled gradient leaves float16 ---------------------------------------------


TOLD = "overflow_step with your numbers"
overflow = homework.question("q4", "When your scale overflows", asks_for="overflow_step", personal=own_run)


@overflow.requires("comes no later than the first overflow", points=1)
def _(answer: Answer, draw: Draw) -> None:
    step = told_step(answer)
    right = first_overflow(draw.personal) / 2 < step <= first_overflow(draw.personal)
    require(right, tried=TOLD, got=at_step(step, draw.personal), expected="all steps before it fit into float16")


@overflow.requires("is an overflow", points=3)
def _(answer: Answer, draw: Draw) -> None:
    step = told_step(answer)
    right = step == first_overflow(draw.personal)
    require(right, tried=TOLD, got=at_step(step, draw.personal), expected="the first step that does not fit")


# q5: a detector -----------------------------------------------------------------------------------------------------

detector = homework.question("q5", "A detector of your own", asks_for="detect", seconds=5.0)


@detector.requires("gets four of five right on the practice runs, both ways", points=2)
def _(answer: Answer, draw: Draw) -> None:
    require_score(answer, practice_runs(), "practice runs")


@detector.requires("does not change its mind with the unit of the loss", points=2)
def _(answer: Answer, draw: Draw) -> None:
    runs = practice_runs(seed=1)[:33]
    verdicts = [accuses(answer, run) for run in runs]
    tried = f"detect on {len(runs)} runs, and on the same with all losses and gradients {{}} times as large"
    mixed = len(set(verdicts)) == 2
    always = Words(f"always {verdicts[0]}: it accuses {'everybody' if verdicts[0] else 'nobody'}")
    require(mixed, tried=tried.format(1), got=always, expected="some accused and some not")
    for unit in (2.0**-14, 2.0**9):
        again = [accuses(answer, run, unit) for run in runs]
        changed = sum(one != other for one, other in zip(verdicts, again, strict=True))
        require(
            changed == 0,
            tried=tried.format(f"{unit:g}"),
            got=Words(f"another verdict on {changed} of them"),
            expected="the same verdicts: the weights of these runs took the same path",
        )


@detector.requires("scores as well on new runs of the same kinds", points=2, hidden=True)
def _(answer: Answer, draw: Draw) -> None:
    require_score(answer, practice_runs(draw.integer(10, 10**9)), "new runs of the kinds you practised on")


@detector.requires("scores as well with kinds it has not met", points=2, hidden=True)
def _(answer: Answer, draw: Draw) -> None:
    require_score(answer, training_runs(draw, 187, KINDS), "runs, some of kinds you have not met")


@detector.requires("gets nine of ten right with kinds it has not met, both ways", points=2, hidden=True)
def _(answer: Answer, draw: Draw) -> None:
    runs = [run for _ in range(3) for run in training_runs(draw, 187, KINDS)]  # so many that luck hardly matters
    require_score(answer, runs, "runs, some of kinds you have not met", NINE_OF_TEN)


# q6: read by a person -----------------------------------------------------------------------------------------------

homework.question("q6", "The next thing to do", written_points=4)
