"""Homework 1: products, their logarithms, and the numbers that rule them. After chapters 1 and 2."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from gradlab.homework.checks import (
    Answer,
    Draw,
    Homework,
    Words,
    require,
    require_close,
    require_number,
    require_numbers,
)
from gradlab.jacobians import norms_of_powers, spectral_radius

homework = Homework("hw01", "Products and matrices")


# q1: the logarithm of a gradient
chain = homework.question("q1", "The logarithm of a gradient", asks_for="log_gradient")


def gradient_of_chain(slopes: Tensor) -> Tensor:
    """Slope of ``slopes[-1] * ... * slopes[0] * x`` in ``x``, as autograd finds it."""
    x = torch.ones((), dtype=torch.float64, requires_grad=True)
    h = x
    for slope in slopes:
        h = slope * h
    return torch.autograd.grad(h, x)[0]


@chain.requires("agrees with autograd on a short chain", points=1)
def _(answer: Answer, draw: Draw) -> None:
    for length in (1, draw.integer(4, 9)):
        slopes = draw.uniform(0.3, 3.0, length)
        require_close(
            answer(slopes),
            gradient_of_chain(slopes).log(),
            tried=f"log_gradient of a chain of length {length}, with slopes between 0.3 and 3",
            expected="the natural logarithm of the gradient that autograd finds for this chain",
        )


@chain.requires("counts a negative slope by its size", points=1)
def _(answer: Answer, draw: Draw) -> None:
    slopes = draw.uniform(0.3, 3.0, 7)
    slopes[draw.integer(0, 6)] *= -1
    require_close(
        answer(slopes),
        gradient_of_chain(slopes).abs().log(),
        tried="log_gradient of seven slopes, one of them negative",
        expected="the logarithm of the size of the gradient, whatever its sign",
    )


@chain.requires("stays finite where the product leaves float64", points=1)
def _(answer: Answer, draw: Draw) -> None:
    for low, high, fate in (
        (0.6, 0.8, "overflows"),
        (-1.0, -0.7, "underflows"),
        (-8.0, 8.0, "may leave float64 on the way and come back"),
    ):
        slopes = 10 ** draw.uniform(low, high, 2000)
        signs = draw.uniform(-1, 1, 2000).sign()
        require_close(
            answer(slopes * signs),
            slopes.log().sum(),
            tried=f"log_gradient of 2000 slopes of sizes between {10**low:.2g} and {10**high:.2g} and of either sign, "
            f"whose product {fate}",
            expected="a finite number, the same as on paper",
            atol=1e-6,
        )


@chain.requires("is minus infinity if a slope is zero", points=1, hidden=True)
def _(answer: Answer, draw: Draw) -> None:
    slopes = draw.uniform(0.3, 3.0, 5)
    slopes[draw.integer(0, 4)] = 0.0
    got = require_number(answer(slopes), tried="log_gradient of five slopes, one of them zero")
    require(
        got == -math.inf,
        tried="log_gradient of five slopes, one of them zero",
        got=got,
        expected="minus infinity, as the docstring says: no gradient passes",
    )


# q2: where the numbers end
def first_infinite(factor: float, dtype: torch.dtype) -> int:
    """Layer at which 1, multiplied by `factor` in a number format again and again, is infinite."""
    value, factor = torch.tensor([1.0, factor], dtype=dtype)
    layer = 0
    while value < torch.inf:
        value, layer = value * factor, layer + 1
    return layer


def layers_on_paper(factor: float, largest: float) -> float:
    """Layers after which a product of equal factors has reached `largest`, as a real number."""
    return math.log(largest) / math.log(factor)


def first_infinite_norm(factor: float, entries: int) -> int:
    """Layer at which the float32 norm of so many entries, each a power of `factor`, is infinite."""
    squares = torch.finfo(torch.float32).max
    return math.floor(layers_on_paper(factor, math.sqrt(squares / entries))) + 1


def own_ends(draw: Draw) -> dict[str, Any]:
    """Return a factor that bfloat16 visibly cannot store, and how many entries a gradient has."""
    while True:
        factor, entries = draw.number(1.06, 1.4, digits=2), 100 * draw.integer(3, 90)
        paper = layers_on_paper(factor, torch.finfo(torch.bfloat16).max)
        norm = layers_on_paper(factor, math.sqrt(torch.finfo(torch.float32).max / entries))
        told_apart = abs(first_infinite(factor, torch.bfloat16) - paper) > 3
        if told_apart and 0.1 < norm % 1 < 0.9:
            return {"factor": factor, "entries": entries}


ends = homework.question("q2", "Where your numbers end", asks_for="ends", personal=own_ends)


def require_layer(answer: Answer, key: str, truth: int, what: str) -> None:
    """Require the entry `key` of the answer to be the layer at which `what` happens."""
    told = answer.value
    listed = isinstance(told, dict) and key in told
    require(listed, tried=f'ends["{key}"]', got=told, expected=f'a dictionary with an entry "{key}"')
    got = require_number(told[key], tried=f'ends["{key}"]')
    require(
        got == truth, tried=f'ends["{key}"] with your numbers', got=got, expected=f"the first layer at which {what}"
    )


@ends.requires("finds the end of float16", points=1)
def _(answer: Answer, draw: Draw) -> None:
    layer = first_infinite(draw.personal["factor"], torch.float16)
    require_layer(answer, "float16", layer, "a product kept in float16 is infinite")


@ends.requires("finds the end of bfloat16", points=1)
def _(answer: Answer, draw: Draw) -> None:
    layer = first_infinite(draw.personal["factor"], torch.bfloat16)
    require_layer(answer, "bfloat16", layer, "a product kept in bfloat16, like the factor itself, is infinite")


@ends.requires("finds the end of the norm", points=2)
def _(answer: Answer, draw: Draw) -> None:
    layer = first_infinite_norm(draw.personal["factor"], draw.personal["entries"])
    require_layer(answer, "norm", layer, "the float32 norm of so many entries is infinite")


# q3: the growth rate of a random product
rate = homework.question("q3", "The growth rate, measured", asks_for="growth_rate")


def rotation(draw: Draw, n: int) -> Tensor:
    """Return a random matrix that changes no length."""
    return torch.linalg.qr(draw.normal(n, n))[0]


def simulated_rate(matrices: Tensor, draw: Draw, *, depth: int, runs: int) -> tuple[float, float]:
    """Growth rate of random products of `matrices`, and the standard deviation of one run's."""
    x = torch.nn.functional.normalize(draw.normal(runs, matrices.shape[-1], 1), dim=1)
    logs = torch.zeros(runs, dtype=torch.float64)
    for _ in range(depth):
        which = torch.randint(len(matrices), (runs,), generator=draw.generator)
        x = matrices[which] @ x
        length = x.norm(dim=1, keepdim=True)
        x, logs = x / length, logs + length.flatten().log()
    return float(logs.mean()) / depth, float(logs.std()) / depth


@rate.requires("is the logarithm of the factor, if there is but one", points=1)
def _(answer: Answer, draw: Draw) -> None:
    for depth, runs in ((1, 3), (draw.integer(5, 40), 1)):
        n, factor = draw.integer(2, 5), draw.number(0.4, 2.5)
        require_close(
            answer(factor * rotation(draw, n)[None], depth, runs, draw.integer(0, 999)),
            math.log(factor),
            tried=f"growth_rate of one matrix, a rotation times {factor:g}, with depth={depth}, runs={runs}",
            expected="what one layer adds to the natural logarithm of a length",
        )


@rate.requires("survives products that leave float64", points=1)
def _(answer: Answer, draw: Draw) -> None:
    for factor in (draw.number(20, 90), draw.number(0.01, 0.05)):
        require_close(
            answer(factor * rotation(draw, 3)[None], 400, 2, draw.integer(0, 999)),
            math.log(factor),
            tried=f"growth_rate of one matrix, a rotation times {factor:g}, with depth=400",
            expected="a finite number, the same as for a shallow product",
        )


@rate.requires("is the mean of the logarithm", points=2)
def _(answer: Answer, draw: Draw) -> None:
    spread = draw.number(0.6, 0.85)
    factors = [1 - spread, 1 + spread]
    matrices = torch.stack([factor * rotation(draw, 2) for factor in factors])
    low, high = (math.log(factor) for factor in factors)
    # runs that share their draws, or of which only some are made, are far off in the shallow products
    for depth, runs in ((60, 60), *[(1, 4000)] * 3):
        standard_error = (high - low) / 2 / math.sqrt(depth * runs)
        require_close(
            answer(matrices, depth, runs, draw.integer(0, 999)),
            (low + high) / 2,
            tried=f"growth_rate of two rotations, one times {factors[0]:.3g}, one times {factors[1]:.3g}, "
            f"with depth={depth}, runs={runs}",
            expected=f"the mean, over runs, of the logarithm of the growth: with {depth * runs} independent layers, "
            f"within {5 * standard_error:.2g} (five standard errors). Is each layer drawn afresh, in each run?",
            rtol=0,
            atol=5 * standard_error,
        )


@rate.requires("agrees with another simulation", points=1, hidden=True)
def _(answer: Answer, draw: Draw) -> None:
    turn, stretch = rotation(draw, 2), torch.diag(torch.tensor([4.0, 0.25], dtype=torch.float64))
    there = turn @ stretch @ turn.T
    depth, runs = 150, 40
    for kind, matrices in {
        "random 3 × 3": draw.normal(draw.integer(2, 4), 3, 3),
        "2 × 2, each the other's inverse": torch.stack([there, torch.linalg.inv(there)]),
    }.items():
        truth, spread = simulated_rate(matrices, draw, depth=depth, runs=1000)
        require_close(
            answer(matrices, depth, runs, draw.integer(0, 999)),
            truth,
            tried=f"growth_rate of {len(matrices)} matrices ({kind}), with depth={depth}, runs={runs}",
            expected="the growth rate of fresh choices at every layer, within five standard errors",
            rtol=0,
            atol=5 * spread / math.sqrt(runs) + 2 / depth,  # where a run starts may matter for a layer or two
        )


@rate.requires("is a measurement that can be repeated", points=1)
def _(answer: Answer, draw: Draw) -> None:
    matrices, seed = draw.normal(3, 2, 2), draw.integer(0, 999)
    rates = [require_number(answer(matrices, 20, 5, s), tried="growth_rate") for s in (seed, seed, seed + 1)]
    require(
        rates[0] == rates[1] != rates[2],
        tried="growth_rate of three random matrices, twice with one seed and once with another",
        got=rates,
        expected="the same number for the same seed, and a slightly different one for another",
    )


# q4: a hump by design
def own_hump(draw: Draw) -> dict[str, Any]:
    """Return where the hump is to be, and how high."""
    return {"layer": draw.integer(6, 19), "peak": float(draw.integer(25, 240))}


hump = homework.question("q4", "A hump by design", asks_for="hump", personal=own_hump)


def powers_of(answer: Answer) -> tuple[Tensor, Any]:
    """Return the answer as a matrix, and the norms of its powers up to the hundredth.

    Raises
    ------
    Unmet
        If it is no finite 2 x 2 matrix, or explodes.
    """
    matrix = require_numbers(answer.value, (2, 2), tried="hump")
    finite = matrix.isfinite().all() and matrix.abs().max() < 1e6
    require(finite, tried="hump", got=matrix, expected="four finite numbers below a million")
    radius = spectral_radius(matrix.numpy())
    require(radius < 1, tried="its eigenvalues", got=radius, expected="a spectral radius below 1")
    return matrix, norms_of_powers(matrix.numpy(), depth=100)


@hump.requires("dies out in the end, but for a radius that is not zero", points=2)
def _(answer: Answer, draw: Draw) -> None:
    matrix, norms = powers_of(answer)
    require(
        norms[100] < norms.max() / 2 and spectral_radius(matrix.numpy()) > 0.5,
        tried="the norms of its first hundred powers",
        got=norms[[1, 10, 100]].tolist(),
        expected="a spectral radius between 0.5 and 1, and at layer 100 less than half of the peak",
    )


@hump.requires("is highest at your layer", points=2)
def _(answer: Answer, draw: Draw) -> None:
    _, norms = powers_of(answer)
    layer = draw.personal["layer"]
    require(
        norms[layer] >= norms.max() * (1 - 1e-9),
        tried="the norms of its first hundred powers",
        got=Words(f"the largest at layer {int(norms.argmax())}"),
        expected=f"the largest at layer {layer}",
    )


@hump.requires("is as high as your peak", points=2)
def _(answer: Answer, draw: Draw) -> None:
    _, norms = powers_of(answer)
    peak = draw.personal["peak"]
    require(
        abs(norms.max() / peak - 1) < 0.02,
        tried="the norms of its first hundred powers",
        got=Words(f"a largest one of {norms.max():.4g}"),
        expected=f"a largest one within 2 % of {peak:g}",
    )


# q5: in words
homework.question("q5", "Fifty radii", written_points=5)
