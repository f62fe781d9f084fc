"""Homework 3: gradients through time, clipping, and a memory with gates. After chapters 4, 10 and 13."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from gradlab.homework.assignments.hw03_trials import (
    gradients_by_autograd,
    parameters_with,
    require_step,
    three_gradients,
    trained,
)
from gradlab.homework.checks import (
    Answer,
    Draw,
    Homework,
    Words,
    require,
    require_close,
    require_number,
    require_numbers,
    require_tensor,
)

homework = Homework("hw03", "RNN, LSTM and clipping")


# q1: backpropagation through time
through_time = homework.question("q1", "Back through time", asks_for="gradients")


def require_gradient(answer: Answer, draw: Draw, part: int, *, steps: int, w: float) -> None:
    """Require the gradient in `w` (part 0) or in `u` (part 1)."""
    u, x, target = draw.number(-2, 2), draw.normal(steps).round(decimals=2), draw.number(-3, 3)
    tried = f"gradients(w={w:g}, u={u:g}, x, target={target:g}) with x = {[round(one, 2) for one in x.tolist()]}"
    got = answer(w, u, x, target)
    two = len(got) == 2 if isinstance(got, list | tuple) else getattr(got, "shape", ()) == (2,)
    require(two, tried=tried, got=got, expected="two numbers, the gradient in w and the gradient in u")
    require_close(
        [require_number(one, tried=tried) for one in (got if isinstance(got, list | tuple) else got.tolist())][part],
        gradients_by_autograd(w, u, x, target)[part],
        tried=tried,
        expected=f"as the {('first', 'second')[part]} number the gradient in {'wu'[part]} that autograd finds",
    )


@through_time.requires("agrees with autograd in w", points=1)
def _(answer: Answer, draw: Draw) -> None:
    for steps in (2, 3, draw.integer(10, 20)):
        require_gradient(answer, draw, 0, steps=steps, w=draw.number(0.6, 1.3))


@through_time.requires("agrees with autograd in u", points=1)
def _(answer: Answer, draw: Draw) -> None:
    for steps in (1, 2, draw.integer(10, 20)):
        require_gradient(answer, draw, 1, steps=steps, w=draw.number(0.6, 1.3))


@through_time.requires("takes a single step, and weights of zero", points=1, hidden=True)
def _(answer: Answer, draw: Draw) -> None:
    for part in (0, 1):
        require_gradient(answer, draw, part, steps=1, w=draw.number(0.6, 1.3))
        require_gradient(answer, draw, part, steps=5, w=0.0)


# q2: clipping by norm
clipping = homework.question("q2", "Clipping by norm", asks_for="clip_grad_norm_")


def clipped(
    answer: Answer, draw: Draw, gradients: list[Tensor | None], max_norm: float, tried: str
) -> tuple[float, list[Tensor | None]]:
    """Return what `clip_grad_norm_` returns, and the gradients that it leaves.

    Raises
    ------
    Unmet
        If it does anything to the parameters themselves, or to the shape of their gradients.
    """
    parameters = parameters_with(gradients, draw)
    result, (left, _) = answer.after(parameters, max_norm)
    kept = isinstance(left, list) and len(left) == len(parameters)
    require(kept, tried=tried, got=left, expected="the list of parameters as it was")
    for before, after, gradient in zip(parameters, left, gradients, strict=True):
        same = isinstance(after, Tensor) and torch.equal(after.detach(), before.detach())
        require(same, tried=tried, got=after, expected="the parameters themselves as they were")
        if gradient is not None:
            require_tensor(after.grad, tuple(gradient.shape), tried=f"{tried}, and looked at p.grad")
    return require_number(result, tried=tried), [after.grad for after in left]


def require_all_close(got: list[Tensor | None], truth: list[Tensor], *, tried: str, expected: str) -> None:
    """Require gradients to be close to others, one by one; float32 may add to the millionth that is allowed."""
    for one, other in zip(got, truth, strict=True):
        require_close(one, other, tried=tried, expected=expected, rtol=2e-6, atol=1e-12)


@clipping.requires("returns the norm before clipping", points=1)
def _(answer: Answer, draw: Draw) -> None:
    for norm in (draw.number(3, 9), draw.number(0.1, 0.9)):
        tried = f"clip_grad_norm_ on three gradients of norm {norm:g} together, with max_norm=1"
        got, _ = clipped(answer, draw, three_gradients(draw, norm), 1.0, tried)
        require_close(got, norm, tried=tried, expected="the norm of all gradients together, before clipping", rtol=1e-5)


@clipping.requires("shortens all gradients by one factor", points=2)
def _(answer: Answer, draw: Draw) -> None:
    for norm, limit in ((draw.number(3, 9), draw.number(0.5, 2)), (1.02, 1.0)):
        gradients = three_gradients(draw, norm)
        tried = f"clip_grad_norm_ on three gradients of norm {norm:g} together, with max_norm={limit:g}"
        _, left = clipped(answer, draw, gradients, limit, tried)
        expected = "gradients in the old direction; the norm of all of them together the threshold, to a millionth"
        require_all_close(left, [g * (limit / norm) for g in gradients], tried=tried, expected=expected)


@clipping.requires("leaves alone what is below the threshold", points=1)
def _(answer: Answer, draw: Draw) -> None:
    for norm, limit in ((draw.number(0.2, 0.9), draw.number(1, 3)), (1.96, 2.0)):
        gradients = three_gradients(draw, norm)
        tried = f"clip_grad_norm_ on three gradients of norm {norm:g} together, with max_norm={limit:g}"
        _, left = clipped(answer, draw, gradients, limit, tried)
        require_all_close(left, gradients, tried=tried, expected="the gradients as they were")


@clipping.requires("passes over a parameter without a gradient, and over zeros", points=1)
def _(answer: Answer, draw: Draw) -> None:
    first, *others = three_gradients(draw, 5.0)
    tried = "clip_grad_norm_ on four parameters, one of which has no gradient, with max_norm=1"
    got, left = clipped(answer, draw, [first, None, *others], 1.0, tried)
    require(left.pop(1) is None, tried=tried, got=left, expected="None where there was None")
    require_close(got, 5.0, tried=tried, expected="the norm of the others", rtol=1e-5)
    require_all_close(left, [g / 5 for g in (first, *others)], tried=tried, expected="the others clipped")
    tried = "clip_grad_norm_ on two parameters, none of which has a gradient, with max_norm=1"
    got, left = clipped(answer, draw, [None, None], 1.0, tried)
    require(left == [None, None], tried=tried, got=left, expected="None where there was None")
    require_close(got, 0.0, tried=tried, expected="a norm of zero")
    tried = "clip_grad_norm_ on gradients that are zero, with max_norm=1"
    got, left = clipped(answer, draw, [torch.zeros(3), torch.zeros(2, 2)], 1.0, tried)
    require_close(got, 0.0, tried=tried, expected="a norm of zero")
    require_all_close(left, [torch.zeros(3), torch.zeros(2, 2)], tried=tried, expected="zeros, and no NaN")


@clipping.requires("changes nothing if the norm is not finite", points=1)
def _(answer: Answer, draw: Draw) -> None:
    for bad in (torch.inf, -torch.inf, torch.nan):
        gradients = three_gradients(draw, 5.0)
        gradients[1][draw.integer(0, 4)] = bad
        tried = f"clip_grad_norm_ on gradients with one entry {bad}, with max_norm=1"
        got, left = clipped(answer, draw, gradients, 1.0, tried)
        require(not math.isfinite(got), tried=tried, got=got, expected="a norm that is not finite, for the loop to see")
        require_all_close(left, gradients, tried=tried, expected="all gradients as they were, the bad entry too")


@clipping.requires("does not lose a large but finite gradient", points=1, hidden=True)
def _(answer: Answer, draw: Draw) -> None:
    for norm in (1e20, 1e37):
        gradients = [(g * norm).float() for g in three_gradients(draw, 1.0)]
        tried = f"clip_grad_norm_ on float32 gradients of norm {norm:g} together, with max_norm=1"
        got, left = clipped(answer, draw, gradients, 1.0, tried)
        expected = "the norm, which is finite: only its square leaves float32"
        require_close(got, norm, tried=tried, expected=expected, rtol=1e-5)
        require_all_close(left, [g / norm for g in gradients], tried=tried, expected="gradients clipped, not zero")


# q3: an LSTM's step
cell = homework.question("q3", "One step of an LSTM", asks_for="lstm_step")


@cell.requires("computes the new cell", points=1)
def _(answer: Answer, draw: Draw) -> None:
    require_step(answer, draw, 1, batch=draw.integer(3, 6), inputs=4, hidden=4)


@cell.requires("computes the new state", points=1)
def _(answer: Answer, draw: Draw) -> None:
    require_step(answer, draw, 0, batch=draw.integer(3, 6), inputs=4, hidden=4)


@cell.requires("takes any sizes", points=1)
def _(answer: Answer, draw: Draw) -> None:
    for batch, inputs, hidden in ((1, draw.integer(2, 5), draw.integer(6, 9)), (draw.integer(2, 4), 7, 1)):
        for part in (0, 1):
            require_step(answer, draw, part, batch=batch, inputs=inputs, hidden=hidden)


@cell.requires("stands gates that are wide open or shut", points=1, hidden=True)
def _(answer: Answer, draw: Draw) -> None:
    for part in (0, 1):
        require_step(answer, draw, part, batch=4, inputs=5, hidden=6, scale=1000.0)


# q4: a memory to order


def own_memory(draw: Draw) -> dict[str, Any]:
    """Return how much is to be left, and after how many steps; not half, for which the book has a formula."""
    share = draw.number(0.15, 0.4, digits=2) if draw.integer(0, 1) else draw.number(0.6, 0.9, digits=2)
    return {"share": share, "steps": 10 * draw.integer(6, 90), "units": draw.integer(3, 8)}


memory = homework.question("q4", "A memory to order", asks_for="biases", personal=own_memory)


def added_biases(answer: Answer, draw: Draw) -> Tensor:
    """Return the sums of the two bias vectors, a row for each of i, f, g, o."""
    units = draw.personal["units"]
    return require_numbers(answer.value, (2, 4 * units), tried="biases").sum(dim=0).reshape(4, units)


@memory.requires("keeps your share for your time", points=2)
def _(answer: Answer, draw: Draw) -> None:
    kept = torch.sigmoid(added_biases(answer, draw)[1]) ** draw.personal["steps"]
    require(
        ((kept - draw.personal["share"]).abs() < 0.01).all(),
        tried=f"an nn.LSTM with these biases and no weights, over {draw.personal['steps']} steps",
        got=Words(f"units whose cells keep from {float(kept.min()):.6f} to {float(kept.max()):.6f} of a gradient"),
        expected="your share in every unit, to one in a hundred",
    )


@memory.requires("leaves the other gates at their middle", points=1)
def _(answer: Answer, draw: Draw) -> None:
    others = added_biases(answer, draw)[[0, 2, 3]]
    require(
        (others == 0).all(),
        tried="what the two bias vectors add up to, outside the forget gates",
        got=others,
        expected="zero: only the forget gates are to be told anything",
    )


# q5: settings for a loss of another size


def own_scale(draw: Draw) -> dict[str, Any]:
    """Return the number by which the loss is multiplied."""
    return {"scale": float(f"{10 ** draw.number(1, 5, digits=6):.2g}")}


settings = homework.question("q5", "A loss of another size", asks_for="settings", personal=own_scale)


def two_settings(answer: Answer) -> tuple[float, float]:
    """Return the learning rate and the threshold.

    Raises
    ------
    Unmet
        If they are not two positive numbers by these names.
    """
    told = answer.value
    named = isinstance(told, dict) and set(told) == {"rate", "max_norm"}
    require(named, tried="settings", got=told, expected='a dictionary with the entries "rate" and "max_norm"')
    found = tuple(require_number(told[name], tried=f'settings["{name}"]') for name in ("rate", "max_norm"))
    for one in found:
        require(0 < one < 1e9, tried="settings", got=told, expected="two positive numbers")
    return found


def require_learning(answer: Answer, draw: Draw, seed: int) -> None:
    """Require all three networks to learn the order."""
    scores = trained(*two_settings(answer), draw.personal["scale"], seed).scores
    require(
        (scores > 0.9).all(),
        tried=f"150 steps with these settings, three networks, from seed {seed} on",
        got=Words("right answers " + ", ".join("none: it died" if s != s else f"{s:.0%}" for s in scores)),
        expected="more than 90 % in each of them",
    )


@settings.requires("lets three networks learn the order", points=2)
def _(answer: Answer, draw: Draw) -> None:
    require_learning(answer, draw, seed=0)


@settings.requires("clips some steps and not all", points=2)
def _(answer: Answer, draw: Draw) -> None:
    rate, max_norm = two_settings(answer)
    acted = float((trained(rate, max_norm, draw.personal["scale"], 0).norms > max_norm).mean())
    require(
        0.2 < acted < 0.7,
        tried="the share of the steps on which the threshold acts",
        got=Words(f"{acted:.0%}"),
        expected="between 20 % and 70 %: a threshold, and not a fixed stride",
    )


@settings.requires("does so from other seeds", points=1, hidden=True)
def _(answer: Answer, draw: Draw) -> None:
    require_learning(answer, draw, seed=draw.integer(10, 10_000))


# q6: in words
homework.question("q6", "The order of three lines", written_points=3)
