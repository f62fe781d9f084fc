"""Homework 2: the backward signal of a deep network, and the weights that keep it. After chapters 3, 6 and 9."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gradlab import tasks, training
from gradlab.homework.assignments.hw02_trials import (
    in_full,
    network_of,
    norms_by_autograd,
    random_case,
    require_level,
    require_norms,
    small_case,
)
from gradlab.homework.checks import (
    Answer,
    Draw,
    Homework,
    Words,
    require,
    require_number,
    require_numbers,
    require_tensor,
)

homework = Homework("hw02", "Deep networks and initialisation")


# q1: the backward signal
signal = homework.question("q1", "The backward signal", asks_for="backward_norms")


@signal.requires("agrees with autograd", points=2)
def _(answer: Answer, draw: Draw) -> None:
    small = small_case(draw)
    require_norms(answer, small, f"backward_norms of two layers: {in_full(small)}")
    depth, width = draw.integer(3, 7), draw.integer(8, 16)
    for layers in (depth, 1):
        tried = f"backward_norms of {layers} layer{'s'[: layers - 1]} of {width} units"
        require_norms(answer, random_case(draw, [width] * (layers + 1)), tried)


@signal.requires("takes layers of different widths", points=1)
def _(answer: Answer, draw: Draw) -> None:
    sizes = [draw.integer(6, 20) + 20 * (i % 2) for i in range(draw.integer(4, 6))]
    tried = f"backward_norms of layers of {', '.join(map(str, sizes))} units"
    require_norms(answer, random_case(draw, sizes), tried)


@signal.requires("takes the slope at zero to be zero", points=1, hidden=True)
def _(answer: Answer, draw: Draw) -> None:
    case = random_case(draw, [12, 10, 8], dead=True)
    require_norms(answer, case, "backward_norms of two layers, with a unit whose input is exactly 0")


# q2: weights of the right size
weights = homework.question("q2", "Weights of the right size", asks_for="draw_weights")
VARIANCE = {"he": lambda fan_in, fan_out: 2 / fan_in, "xavier": lambda fan_in, fan_out: 2 / (fan_in + fan_out)}


def drawn(answer: Answer, draw: Draw, scheme: str, fan_in: int, fan_out: int) -> tuple[Tensor, str]:
    """Return weights that the answer draws, divided by the standard deviation they should have; and what was tried."""
    tried = f'draw_weights({fan_in}, {fan_out}, "{scheme}", seed)'
    got = require_tensor(answer(fan_in, fan_out, scheme, draw.integer(0, 9999)), (fan_out, fan_in), tried=tried)
    return got.double() / math.sqrt(VARIANCE[scheme](fan_in, fan_out)), tried


def require_scale(answer: Answer, draw: Draw, scheme: str, words: str) -> None:
    """Require mean and variance of a scheme, in a layer that widens and in one that narrows."""
    for fan_in, fan_out in ((draw.integer(100, 150), 2500), (2500, draw.integer(100, 150))):
        z, tried = drawn(answer, draw, scheme, fan_in, fan_out)
        mean, variance, count = float(z.mean()), float(z.var()), z.numel()
        require(
            abs(mean) < 5 / math.sqrt(count),
            tried=tried,
            got=Words(f"weights with a mean of {mean:.2g} standard deviations"),
            expected="a mean of 0, within five standard errors",
        )
        # the variance of normal numbers has the standard error root(2 / count)
        require(
            abs(variance - 1) < 5 * math.sqrt(2 / count),
            tried=tried,
            got=Words(f"weights whose variance is {variance:.3g} times what it should be"),
            expected=f"{words}, within five standard errors",
        )


@weights.requires("gives He's weights their variance", points=2)
def _(answer: Answer, draw: Draw) -> None:
    require_scale(answer, draw, "he", "the variance that keeps a signal through ReLU layers on its way in")


@weights.requires("gives Xavier's weights theirs", points=1)
def _(answer: Answer, draw: Draw) -> None:
    require_scale(answer, draw, "xavier", "Xavier's compromise between the way in and the way back")


@weights.requires("draws from a normal distribution", points=1, hidden=True)
def _(answer: Answer, draw: Draw) -> None:
    for scheme in VARIANCE:
        z, tried = drawn(answer, draw, scheme, 300, 200)
        for limit in (1.0, 2.0, 3.0):
            share = math.erfc(limit / math.sqrt(2))
            beyond = float((z.abs() > limit).double().mean())
            require(
                abs(beyond - share) < 5 * math.sqrt(share * (1 - share) / z.numel()) + 0.001,
                tried=tried,
                got=Words(f"{beyond:.2%} of the weights beyond {limit:g} standard deviations"),
                expected="as many as a normal distribution has there",
            )


@weights.requires("depends on the seed, and on nothing else", points=1)
def _(answer: Answer, draw: Draw) -> None:
    seed = draw.integer(0, 9999)
    first, again, other = (
        require_tensor(answer(7, 5, "he", s), (5, 7), tried='draw_weights(7, 5, "he", seed)')
        for s in (seed, seed, seed + 1)
    )
    require(
        torch.equal(first, again) and torch.isclose(first, other).double().mean() < 0.5,
        tried="draw_weights twice with one seed, and once with the next",
        got=[first, again, other],
        expected="the same weights for the same seed, and others for another",
    )


# q3: a gain for an activation that has none in the books
gain = homework.question("q3", "A gain of one's own", asks_for="level_gain")


@gain.requires("is exact for a straight line", points=1)
def _(answer: Answer, draw: Draw) -> None:
    require_level(answer, 0.0, draw.number(0.3, 3.0), draw.number(0.3, 3.0), "both")


@gain.requires("keeps the mean square", points=2)
def _(answer: Answer, draw: Draw) -> None:
    for square in (1.0, draw.number(0.2, 0.6), draw.number(2.0, 5.0)):
        require_level(answer, draw.number(0.6, 1.6), draw.number(0.05, 0.4), square, "gain")


@gain.requires("foretells the backward signal", points=2)
def _(answer: Answer, draw: Draw) -> None:
    for square in (1.0, draw.number(0.2, 0.6), draw.number(2.0, 5.0)):
        require_level(answer, draw.number(0.6, 1.6), draw.number(0.05, 0.4), square, "factor")


@gain.requires("holds where the activation is steep", points=1, hidden=True)
def _(answer: Answer, draw: Draw) -> None:
    require_level(answer, draw.number(4.0, 6.0), draw.number(0.0, 0.1), draw.number(1.5, 3.0), "both")


# q4: an explosion to repair


def own_network(draw: Draw) -> dict[str, Any]:
    """Return the depth and the width that are to be kept."""
    return {"depth": draw.integer(10, 12), "width": 4 * draw.integer(14, 24)}


repair = homework.question("q4", "Find three faults", asks_for="build", personal=own_network)


def built(answer: Answer, draw: Draw, seed: int) -> list[Tensor]:
    """Return the matrices that `build` makes.

    Raises
    ------
    Unmet
        If they do not have the depth and the width asked for, or are not finite.
    """
    tried = f"build({seed})"
    got, (depth, width) = answer(seed), (draw.personal["depth"], draw.personal["width"])
    listed = isinstance(got, list | tuple) and len(got) == depth + 1
    require(listed, tried=tried, got=got, expected="a list of as many matrices as your depth, and one for the output")
    shapes = [(width, 64), *[(width, width)] * (depth - 1), (10, width)]
    matrices = [require_numbers(one, shape, tried=tried) for one, shape in zip(got, shapes, strict=True)]
    for one in matrices:
        require(one.isfinite().all(), tried=tried, got=one, expected="finite weights")
    return matrices


@repair.requires("draws every layer anew, in your depth and width", points=2)
def _(answer: Answer, draw: Draw) -> None:
    seed = draw.integer(0, 9999)
    first, again, other = (built(answer, draw, s) for s in (seed, seed, seed + 1))
    require(
        all(torch.equal(one, two) for one, two in zip(first, again, strict=True)),
        tried=f"build({seed}), twice",
        got=Words("two networks that differ"),
        expected="the same weights for the same seed",
    )
    layers = torch.stack([one.flatten() for one in (*first[1:-1], *other[1:-1])])
    likeness = torch.corrcoef(layers).nan_to_num(1.0).fill_diagonal_(0).abs().max()
    require(
        likeness < 0.2,  # ten standard deviations for the smallest width
        tried=f"the hidden matrices of build({seed}) and build({seed + 1})",
        got=Words(f"two of them with a correlation of {float(likeness):.2f}"),
        expected="independent draws, from layer to layer and from seed to seed",
    )


@repair.requires("keeps the backward signal", points=1)
def _(answer: Answer, draw: Draw) -> None:
    ratios = []
    for seed in range(5):
        hidden = built(answer, draw, draw.integer(0, 9999) + seed)[:-1]
        norms = norms_by_autograd(hidden, draw.normal(64), draw.normal(len(hidden[-1])))
        ratios.append(require_number(norms[0] / norms[-1], tried="build"))
    middle = float(np.median(ratios))
    require(
        1 / 5 < middle < 5,
        tried="the gradient in the input over that in the last hidden layer, for five seeds",
        got=middle,
        expected="in the median, neither five times larger nor five times smaller",
    )


@repair.requires("begins without strong opinions", points=1)
def _(answer: Answer, draw: Draw) -> None:
    digits, losses = tasks.digits(), []
    for _ in range(3):
        network = network_of(built(answer, draw, draw.integer(0, 9999)))
        with torch.no_grad():
            losses.append(float(digits.loss(network(digits.x), digits.y)))
    require(
        np.median(losses) < 6,
        tried="the loss on the digits before training, for three seeds",
        got=losses,
        expected="not far above that of ten equal guesses, ln 10: in the median below 6",
    )


@repair.requires("learns the digits", points=2)
def _(answer: Answer, draw: Draw) -> None:
    start = draw.integer(0, 9999)
    fresh = [network_of(built(answer, draw, start + i)) for i in range(3)]
    scores = training.train(fresh, tasks.digits(), rate=0.05, steps=150, batch=32).scores
    alive = scores[np.isfinite(scores)]
    require(
        len(alive) == 3 and scores.max() > 0.5,  # one network in thirty is slow by bad luck
        tried="150 steps of gradient descent at a rate of 0.05, for three seeds",
        got=Words(f"{3 - len(alive)} of 3 died; right answers of the others: {', '.join(f'{s:.0%}' for s in alive)}"),
        expected="all three alive, and more than half of the digits right in the best",
    )


# q5: in words
homework.question("q5", "Five thirds", written_points=4)
