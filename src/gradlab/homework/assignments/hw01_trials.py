"""What the answers of homework 1 are held against: chains, ends of formats, growth rates, matrices with a hump."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from gradlab.homework.checks import Answer, Draw, require, require_number, require_numbers
from gradlab.jacobians import norms_of_powers, spectral_radius


def gradient_of_chain(slopes: Tensor) -> Tensor:
    """Slope of ``slopes[-1] * ... * slopes[0] * x`` in ``x``, as autograd finds it."""
    x = torch.ones((), dtype=torch.float64, requires_grad=True)
    h = x
    for slope in slopes:
        h = slope * h
    return torch.autograd.grad(h, x)[0]


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


def require_layer(answer: Answer, key: str, truth: int, what: str) -> None:
    """Require the entry `key` of the answer to be the layer at which `what` happens."""
    told = answer.value
    listed = isinstance(told, dict) and key in told
    require(listed, tried=f'ends["{key}"]', got=told, expected=f'a dictionary with an entry "{key}"')
    got = require_number(told[key], tried=f'ends["{key}"]')
    require(
        got == truth, tried=f'ends["{key}"] with your numbers', got=got, expected=f"the first layer at which {what}"
    )


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


def own_hump(draw: Draw) -> dict[str, Any]:
    """Return where the hump is to be, and how high."""
    return {"layer": draw.integer(6, 19), "peak": float(draw.integer(25, 240))}


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
