"""What the answers of homework 4 are tried on: networks built from a student's numbers, measured and trained."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gradlab import tasks
from gradlab.backward import norms_along_depth
from gradlab.homework.checks import Answer, Draw, Words, require, require_close, require_number, require_tensor
from gradlab.networks import ACTIVATIONS, deep_network
from gradlab.residual import residual_network

Blocks = list[tuple[Tensor, Tensor, float]]

STEPS, BATCH, RATE = 40, 32, 0.1
"""How a student's network is trained, with plain gradient descent."""


def a_batch(draw: Draw, examples: int, units: int) -> tuple[Tensor, ...]:
    """Return inputs, factors, shifts, and running averages that fit none of them."""
    x = draw.normal(examples, units) * draw.uniform(0.5, 4, units) + draw.uniform(-5, 5, units)
    return x, draw.uniform(0.5, 2, units), draw.normal(units), draw.normal(units), draw.uniform(0.5, 5, units)


def three_of(got: object, x: Tensor, tried: str) -> tuple[Tensor, Tensor, Tensor]:
    """Return the output and the new averages, if they are that."""
    triple = isinstance(got, list | tuple) and len(got) == 3
    require(triple, tried=tried, got=got, expected="three tensors: the output, the new mean and the new variance")
    shapes = (tuple(x.shape), (x.shape[1],), (x.shape[1],))
    return tuple(require_tensor(one, shape, tried=tried).double() for one, shape in zip(got, shapes, strict=True))


def loss_of(x: Tensor, weight: Tensor, error: Tensor) -> Tensor:
    """Sum of the normalised outputs of a layer, each times a number of its own."""
    z = x @ weight.T
    return (((z - z.mean(dim=0)) / z.std(dim=0, correction=0)) * error).sum()


def layer(draw: Draw, examples: int = 12) -> tuple[Tensor, Tensor, Tensor]:
    """Return inputs, weights and the numbers that outputs are multiplied by."""
    return draw.normal(examples, 5) + 1, draw.normal(3, 5), draw.normal(examples, 3)


def require_slope(answer: Answer, draw: Draw, scale: float, examples: int) -> None:
    """Require that the gradient foretells what small changes of the weights at that scale do to the loss."""
    x, weight, error = layer(draw, examples)
    tried = f"weight_gradient at scale {scale:g} with {examples} examples, times a small change of the weights"
    got = require_tensor(answer(x, weight, error, scale), (3, 5), tried=tried).double()
    for _ in range(3):
        change, tiny = draw.normal(3, 5), 1e-5 * scale
        ahead, behind = (loss_of(x, scale * weight + sign * tiny * change, error) for sign in (1, -1))
        slope = float((ahead - behind) / (2 * tiny))
        size = float(got.norm() * change.norm())
        require_close(
            float((got * change).sum()),
            slope,
            tried=tried,
            expected="the change of the loss, for a change at the weights scale * weight",
            rtol=1e-3,
            atol=1e-4 * size + 1e-9,
        )


def activation_on_normal(name: str) -> tuple[Tensor, Tensor]:
    """Values and slopes of an activation at numbers that lie as a standard normal distribution does."""
    even = (torch.arange(40_000, dtype=torch.float64) + 0.5) / 40_000
    u = (torch.special.ndtri(even)).requires_grad_()
    values = ACTIVATIONS[name]()(u)
    (slopes,) = torch.autograd.grad(values.sum(), u)
    return values.detach(), slopes


def measured_factor(activation: str, norm: str, draw: Draw, depth: int = 24, width: int = 128) -> float:
    """By how much the backward signal grows per layer in real networks."""
    x, error = (draw.normal(256, width, dtype=torch.float32) for _ in range(2))
    many = [deep_network(depth, width, activation=activation, norm=norm, seed=draw.integer(0, 10**6)) for _ in range(2)]
    signals = norms_along_depth(many, x, lambda h: (h * error).sum()).signals[:, 5:-5]
    return float(np.exp(-np.polyfit(range(signals.shape[1]), np.log(signals).T, deg=1)[0]).mean())


def own_network(draw: Draw) -> dict[str, Any]:
    """Return how many layers and blocks a student's network has, and how much its gradient may grow."""
    return {"layers": draw.integer(6, 12), "blocks": draw.integer(20, 60), "factor": 5.0 * draw.integer(3, 9)}


def scale_on_paper(own: dict[str, Any]) -> float:
    """Branch scale with which theory gives the growth that is allowed."""
    layers = 0.5 * (torch.pi / (torch.pi - 1)) ** (own["layers"] - 1)  # of the squared signal
    return ((own["factor"] ** 2 / layers) ** (1 / own["blocks"]) - 1) ** 0.5


def measured_growth(own: dict[str, Any], scale: float, draw: Draw, width: int = 128) -> float:
    """By how much the signal grows on its way back through a student's network; the median of three."""
    x, error = (draw.normal(128, width, dtype=torch.float32) for _ in range(2))

    def make(seed: int) -> torch.nn.Sequential:
        first = deep_network(own["layers"], width, norm="batch", seed=seed)
        return torch.nn.Sequential(*first, *residual_network(own["blocks"], width, scale=scale, seed=seed + 1))

    many = [make(draw.integer(0, 10**6)) for _ in range(3)]
    signals = norms_along_depth(many, x, lambda h: (h * error).sum()).signals
    return float(np.median(signals[:, 0] / signals[:, -1]))


def blocks_in(got: Any, count: int, width: int, *, tried: str) -> Blocks:
    """Return a student's blocks, if they are that.

    Raises
    ------
    Unmet
        If there are not `count` triples of two finite matrices and a finite number.
    """
    listed = isinstance(got, list | tuple) and len(got) == count
    require(listed, tried=tried, got=got, expected=f"a list of {count} blocks")
    blocks = []
    for block in got:
        triple = isinstance(block, list | tuple) and len(block) == 3
        require(triple, tried=tried, got=block, expected="a triple (W, V, scale) for each block")
        inner, outer = (require_tensor(matrix, (width, width), tried=tried).float() for matrix in block[:2])
        scale = require_number(block[2], tried=f"{tried}, the scale of a block")
        finite = inner.isfinite().all() and outer.isfinite().all() and abs(scale) < 1e6
        require(finite, tried=tried, got=block, expected="finite numbers")
        blocks.append((inner, outer, scale))
    return blocks


def through(blocks: Blocks, h: Tensor) -> Tensor:
    """Return what comes out of a stack of blocks."""
    for inner, outer, scale in blocks:
        h = h + scale * (torch.relu(h @ inner.T) @ outer.T)
    return h


def growth_both_ways(blocks: Blocks, draw: Draw) -> tuple[float, float]:
    """By how much the length of a signal grows, forwards and backwards."""
    width = len(blocks[0][0])
    x, error = (draw.normal(64, width, dtype=torch.float32) for _ in range(2))
    x.requires_grad_()
    out = through(blocks, x)
    (back,) = torch.autograd.grad((out * error).sum(), x)
    return float(out.detach().norm() / x.detach().norm()), float(back.norm() / error.norm())


def how_it_ended(losses: list[float]) -> str:
    """Say in words how training went that ended in weights that are not finite."""
    course = ", ".join(f"{loss:.3g}" for loss in losses[:6])
    if all(map(math.isfinite, losses)):
        return f"weights that were not finite after step {len(losses)}; first losses {course}, ..."
    word = "NaN" if math.isnan(losses[-1]) else "infinite"
    return (
        f"a loss that was {word} at step {len(losses)} of {STEPS}; first losses {course}{', ...' * (len(losses) > 6)}"
    )


def trained(blocks: Blocks, draw: Draw) -> tuple[float, Tensor, list[float]]:
    """Train a stack between a first and a last layer on digits.

    Returns
    -------
    float
        Share of right answers on held-out digits; NaN if a loss or a weight was not finite, whereupon training stops.
    Tensor, shape (blocks,)
        By how much the output changes when one block is switched off, as a share of its length.
    list of float
        The loss before each step.
    """
    digits, width = tasks.digits(), len(blocks[0][0])
    first = draw.normal(width, digits.x.shape[1], dtype=torch.float32) / digits.x.shape[1] ** 0.5
    last = draw.normal(10, width, dtype=torch.float32) / width**0.5
    weights = [first, last, *(matrix for block in blocks for matrix in block[:2])]
    weights = [weight.clone().requires_grad_() for weight in weights]
    first, last, *matrices = weights
    stack = [(w, v, block[2]) for w, v, block in zip(matrices[::2], matrices[1::2], blocks, strict=True)]
    losses = []
    for _ in range(STEPS):
        rows = torch.randint(len(digits.x), (BATCH,), generator=draw.generator)
        loss = digits.loss(through(stack, digits.x[rows] @ first.T) @ last.T, digits.y[rows])
        losses.append(loss.item())
        if not math.isfinite(losses[-1]):
            break
        gradients = torch.autograd.grad(loss, weights)
        with torch.no_grad():
            for weight, gradient in zip(weights, gradients, strict=True):
                weight -= RATE * gradient
    with torch.no_grad():
        start = digits.x_test @ first.T
        out = through(stack, start)
        right = ((out @ last.T).argmax(dim=1) == digits.y_test).float().mean()
        without = [(through(stack[:at] + stack[at + 1 :], start) - out).norm() / out.norm() for at in range(len(stack))]
    finite = all(weight.isfinite().all() for weight in weights)
    return float(right) if finite and len(losses) == STEPS else math.nan, torch.stack(without), losses


def stack_of(answer: Answer, draw: Draw, count: int, width: int) -> Blocks:
    """Ask for a stack with a seed that is drawn."""
    seed = draw.integer(0, 10**6)
    tried = f"residual_stack(blocks={count}, width={width}, seed={seed})"
    return blocks_in(answer(count, width, seed), count, width, tried=tried)


def require_growth(answer: Answer, draw: Draw, count: int, width: int) -> None:
    """Require that neither a signal nor a gradient more than doubles, or is more than halved."""
    grown = growth_both_ways(stack_of(answer, draw, count, width), draw)
    tried = f"the length of a signal through {count} blocks of {width} units, and of a gradient on its way back"
    right = all(0.5 <= factor <= 2 for factor in grown)
    require(right, tried=tried, got=list(grown), expected="two factors between a half and 2")


def require_learning(answer: Answer, draw: Draw, count: int) -> None:
    """Require that a stack learns digits, and that all of it does."""
    score, without, losses = trained(stack_of(answer, draw, count, 32), draw)
    tried = f"{count} blocks of 32 units, trained on digits for {STEPS} steps at a rate of {RATE:g}"
    expected = "80 % or more of held-out digits right"
    require(math.isfinite(score), tried=tried, got=Words(how_it_ended(losses)), expected=expected)
    got = Words(f"{100 * score:.0f} %, after losses from {losses[0]:.3g} to {losses[-1]:.3g}")
    require(score >= 0.8, tried=tried, got=got, expected=expected)
    tried = f"{tried}: change of the output, in per cent of its length, if one block is left out"
    got = Words(f"{100 * float(without.min()):.2g} % for block {int(without.argmin()) + 1}, the least of all")
    require((without >= 0.005).all(), tried=tried, got=got, expected="0.5 % or more for every block")
