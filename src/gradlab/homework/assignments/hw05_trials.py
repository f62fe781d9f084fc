"""What the answers of homework 5 are tried on: weights before and after a step, records, logs, a student's own run."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gradlab.homework.checks import Answer, Draw, Words, require, require_number, require_numbers
from gradlab.homework.runs import PRACTICE, Run, Setting, decades

FOUR_OF_FIVE, NINE_OF_TEN, PATIENCE = 0.8, 0.9, 25.0  # the last in seconds, for all runs of a property

Log = tuple[np.ndarray, np.ndarray, np.ndarray]

# what a detector meets for the first time when it is graded; student code is not shown this file in the sandbox
HIDDEN: dict[str, Callable[[Draw], Setting]] = {
    "steps skipped": lambda d: Setting(rate=decades(d, 0.003, 0.03), skip=d.integer(7, 20)),
    "loss weighted anew": lambda d: Setting(rate=decades(d, 0.003, 0.02), ramp=decades(d, 30, 300)),
    "restarts": lambda d: Setting(rate=decades(d, 0.002, 0.005), jump=d.integer(5, 50), jump_size=5.0),
    "momentum too high": lambda d: Setting(rate=decades(d, 0.05, 0.2), momentum=0.99),
    "inputs unscaled": lambda d: Setting(inputs=decades(d, 10, 100)),
    "decay with the wrong sign": lambda d: Setting(decay=-decades(d, 2.5, 8)),
}

KINDS = {**PRACTICE, **HIDDEN}


def stepped(draw: Draw, ratio: float, *shape: int, scale: float = 1.0) -> tuple[Tensor, Tensor]:
    """Return weights and what a step makes of them, whose length is `ratio` times theirs."""
    old, step = draw.normal(*shape), draw.normal(*shape)
    return scale * old, scale * (old + step * ratio * old.norm() / step.norm())


def require_ratios(got: Any, truth: dict[str, float], *, tried: str, expected: str) -> None:
    """Require a dictionary with the keys of `truth` and, within a tenth of a per cent, its numbers."""
    keys = set(got) if isinstance(got, dict) else None
    require(keys == set(truth), tried=tried, got=got, expected=f"a dictionary with the keys {sorted(truth)}")
    for name, ratio in truth.items():
        number = require_number(got[name], tried=f'{tried}, entry "{name}"')
        close = math.isnan(number) if math.isnan(ratio) else math.isclose(number, ratio, rel_tol=1e-3)
        require(close, tried=f'{tried}, entry "{name}"', got=number, expected=expected)


def trace(draw: Draw, ill: dict[int, float], length: int = 9) -> list[tuple[str, Tensor]]:
    """Return results in their order, finite but for one entry in those at the places of `ill`."""
    results = []
    for at in range(length):
        result = draw.normal(4, draw.integer(2, 6), dtype=torch.float32)
        if at in ill:
            result[draw.integer(0, 3), draw.integer(0, 1)] = ill[at]
        results.append(("data" if at == 0 else f"layer {at}", result))
    return results


def require_birth(answer: Answer, record: list[tuple[str, Tensor]], truth: str | None, tried: str) -> None:
    """Require `truth` as the name of the culprit."""
    got = answer(record)
    wanted = "the first of those that are not finite from there on to the last" if truth else "None"
    right = got == truth if isinstance(got, str | None) else False
    require(right, tried=f"born, {tried}", got=got, expected=wanted)


def descent(curvature: Tensor, start: Tensor, rates: Tensor, unit: float = 1.0) -> Log:
    """Losses and norms of the gradient, as plain gradient descent sees them on a sum of parabolas, and its rates."""
    w, losses, norms = start.clone(), [], []
    for rate in rates:
        gradient = unit * curvature * w
        losses.append(float(unit * (curvature * w * w).sum() / 2))
        norms.append(float(gradient.norm()))
        w = w - rate / unit * gradient
    return np.array(losses), np.array(norms), (rates / unit).numpy()


def require_shares(got: Any, truth: Tensor, *, tried: str, expected: str) -> None:
    """Require the numbers of `truth`, NaN included."""
    numbers = require_numbers(got, tuple(truth.shape), tried=tried)
    close = torch.isclose(numbers, truth, rtol=1e-4, atol=1e-6, equal_nan=True).all()
    require(close, tried=tried, got=got, expected=expected)


def scaled_gradient(step: int, own: dict[str, Any]) -> float:
    """Largest entry of the gradient at a step, times the scale, before it is rounded to float16."""
    return own["gradient"] * own["growth"] ** step * own["scale"] * 2.0 ** (step // own["interval"])


def first_overflow(own: dict[str, Any]) -> int:
    """First step at which the scaled gradient is beyond float16."""
    step = 0
    while scaled_gradient(step, own) <= torch.finfo(torch.float16).max:
        step += 1
    return step


def own_run(draw: Draw) -> dict[str, Any]:
    """Return a run that overflows in a step that doubles the scale, far from where rounding would matter."""
    end = torch.finfo(torch.float16).max
    while True:
        own = {"gradient": draw.number(0.001, 0.02, 4), "growth": draw.number(1.02, 1.08), "scale": 2.0**16}
        own["interval"] = draw.integer(17, 45)
        step = first_overflow(own)
        clear = scaled_gradient(step, own) > 1.01 * end and scaled_gradient(step - 1, own) < 0.99 * end
        if clear and step % own["interval"] == 0:
            return own


def at_step(step: int, own: dict[str, Any]) -> Words:
    """Say what there is at a step."""
    if step >= 2000:  # far beyond, and soon beyond Python's own numbers
        return Words(f"{step}, long after")
    scale, limit = own["scale"] * 2.0 ** (step // own["interval"]), torch.finfo(torch.float16).max
    scaled = scaled_gradient(step, own)
    return Words(f"{step}: scale {scale:,.0f}, scaled gradient {scaled:,.0f}; {limit:,.0f} is the limit")


def told_step(answer: Answer) -> int:
    """Return the answer if it is a whole number of steps."""
    got = require_number(answer.value, tried="overflow_step")
    whole = math.isfinite(got) and got >= 0 and got == int(got)
    require(whole, tried="overflow_step", got=got, expected="the number of a step: whole, counted from 0")
    return int(got)


def accuses(answer: Answer, run: Run, unit: float = 1.0) -> bool:
    """Ask the detector about a run, its loss measured in another unit."""
    measured = {what: log * (unit if what in ("loss", "grad") else 1.0) for what, log in run.history.items()}
    got = answer(measured)
    if isinstance(got, Tensor | np.ndarray) and got.ndim == 0:
        got = got.item()
    tried = f"detect, with a history of {len(measured['loss'])} steps"
    require(isinstance(got, bool), tried=tried, got=got, expected="True or False")
    return got


def _score(accused: int, right: int, explosions: int, runs: int) -> str:
    """Say how a detector fared."""
    if accused in (0, runs):
        return f"always {bool(accused)}: it accuses {'everybody' if accused else 'nobody'}"
    found = f"{right} of {explosions} explosions found ({right / explosions:.0%})"
    return f"{found}; {right} of {accused} accusations right ({right / accused:.0%})"


def require_score(answer: Answer, runs: list[Run], which: str, bar: float = FOUR_OF_FIVE) -> None:
    """Require a share of right ones among the accusations, and of found ones among the explosions."""
    verdicts, start = np.zeros(len(runs), dtype=bool), time.monotonic()
    for at, run in enumerate(runs):
        verdicts[at] = accuses(answer, run)
        slow = time.monotonic() - start > PATIENCE
        require(not slow, tried=f"detect, {at + 1} times", got=Words(f"{PATIENCE:g} seconds"), expected="far less")
    explodes = np.array([run.explodes for run in runs])
    right = int((verdicts & explodes).sum())
    require(
        right >= bar * max(verdicts.sum(), 1) and right >= bar * explodes.sum(),
        tried=f"detect, on {len(runs)} {which}, of which {explodes.sum()} explode",
        got=Words(_score(int(verdicts.sum()), right, int(explodes.sum()), len(runs))),
        expected=f"{bar:.0%} of the accusations right, and {bar:.0%} of the explosions found",
    )
