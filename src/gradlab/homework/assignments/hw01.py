"""Homework 1: products, their logarithms, and the numbers that rule them. After chapters 1 and 2."""

from __future__ import annotations

import math

import torch

from gradlab.homework.assignments.hw01_trials import (
    first_infinite,
    first_infinite_norm,
    gradient_of_chain,
    own_ends,
    own_hump,
    powers_of,
    require_layer,
    rotation,
    simulated_rate,
)
from gradlab.homework.checks import (
    Answer,
    Draw,
    Homework,
    Words,
    require,
    require_close,
    require_number,
)
from gradlab.jacobians import spectral_radius

homework = Homework("hw01", "Products and matrices")


# q1: the logarithm of a gradient
chain = homework.question("q1", "The logarithm of a gradient", asks_for="log_gradient")


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
ends = homework.question("q2", "Where your numbers end", asks_for="ends", personal=own_ends)


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
hump = homework.question("q4", "A hump by design", asks_for="hump", personal=own_hump)


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
