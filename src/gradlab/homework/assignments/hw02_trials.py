"""What the questions of homework 2 try answers on: small networks, and activations on a fine grid."""

from __future__ import annotations

import itertools
import math

import torch
from torch import Tensor

from gradlab import networks
from gradlab.backward import norms_of_gradients
from gradlab.homework.checks import Answer, Draw, Words, require, require_numbers, require_tensor

Case = tuple[list[Tensor], Tensor, Tensor]
"""Weights, input, and the gradient in the output."""


def norms_by_autograd(weights: list[Tensor], x: Tensor, error: Tensor) -> Tensor:
    """Norms of the gradient of ``error @ h_L`` in ``h_0 ... h_L``, for ReLU layers without biases."""
    h = [x.clone().requires_grad_()]
    for weight in weights:
        h.append(torch.relu(weight @ h[-1]))
    return torch.as_tensor(norms_of_gradients((error * h[-1]).sum(), h))


def small_case(draw: Draw) -> Case:
    """Return two layers of two units that can be typed in, and through which some gradient passes."""
    while True:
        weights, x, error = [draw.normal(2, 2) for _ in range(2)], draw.normal(2), draw.normal(2)
        *weights, x, error = (tensor.round(decimals=1) for tensor in (*weights, x, error))
        inner = weights[0] @ x
        outer = weights[1] @ inner.relu()
        clear = torch.cat([inner, outer]).abs().min() > 0.05
        if clear and norms_by_autograd(weights, x, error).min() > 0.1:
            return weights, x, error


def random_case(draw: Draw, sizes: list[int], *, dead: bool = False) -> Case:
    """Return a random network with layers of these sizes; `dead` gives it a unit whose input is 0 exactly."""
    pairs = itertools.pairwise(sizes)
    weights = [draw.normal(rows, columns, scale=math.sqrt(2 / columns)) for columns, rows in pairs]
    x, error = draw.normal(sizes[0]), draw.normal(sizes[-1])
    if dead:
        weights[0][0] = 0.0
        weights[0][0, :2], x[1] = torch.tensor([1.0, -1.0]), x[0]
    return weights, x, error


def in_full(case: Case) -> str:
    """Return a small network as one would type it in."""
    weights, x, error = case
    layers = ", ".join(f"W_{at} = {_typed(weight)}" for at, weight in enumerate(weights, 1))
    return f"{layers}, x = {_typed(x)}, error = {_typed(error)}"


def _typed(tensor: Tensor) -> list:
    return [_typed(row) for row in tensor] if tensor.ndim > 1 else [round(number, 3) for number in tensor.tolist()]


def require_norms(answer: Answer, case: Case, tried: str) -> None:
    """Require the norms of the backward signal in a network.

    Raises
    ------
    Unmet
        It says from which layer on they are wrong.
    """
    truth = norms_by_autograd(*case)
    got = require_tensor(answer(*case), tuple(truth.shape), tried=tried).double()
    wrong = ~torch.isclose(got, truth, rtol=1e-6, atol=1e-8, equal_nan=True)
    require(
        not wrong.any(),
        tried=tried,
        got=Words(f"{_where(wrong.tolist())} ({', '.join(f'{norm:.4g}' for norm in got.tolist())})"),
        expected="the norms of the gradients in h_0, h_1, ... h_L, in this order, that autograd finds",
    )


def _where(wrong: list[bool]) -> str:
    """Say on which stretch of the way back the numbers are right."""
    last = len(wrong) - 1
    first = max((at for at, one in enumerate(wrong) if one), default=-1)
    others = [f"h_{at}" for at, one in enumerate(wrong) if one and at < first]
    if first == last:
        return f"wrong already in h_{last}, where the way back starts"
    right = f"right in h_{last}" if first == last - 1 else f"right from h_{last} down to h_{first + 1}"
    if len(others) == first > 0:
        return f"{right}, wrong from h_{first} on"
    return f"{right}, wrong in {' and '.join([f'h_{first}', *others[::-1]])}"


def gain_and_factor(steep: float, leak: float, square: float) -> tuple[float, float]:
    """Gain that keeps a mean square, and the backward signal's factor, for ``tanh(steep a) + leak a``."""
    z = torch.linspace(-9, 9, 40_001, dtype=torch.float64)
    density = torch.exp(-(z**2) / 2)
    density /= density.sum()
    a = math.sqrt(square) * z
    bent = torch.tanh(steep * a)
    squares = (density * (bent + leak * a) ** 2).sum()
    slopes = (density * (steep * (1 - bent**2) + leak) ** 2).sum()
    level = math.sqrt(square / squares)
    return level, level * math.sqrt(slopes)


def require_level(answer: Answer, steep: float, leak: float, square: float, part: str) -> None:
    """Require one of the two numbers, or both, to within one per cent."""
    tried = f"level_gain(steep={steep:g}, leak={leak:g}, square={square:g})"
    got = require_numbers(answer(steep, leak, square), (2,), tried=tried)
    gain, factor = gain_and_factor(steep, leak, square)
    if part in ("gain", "both"):
        found = float(got[0])
        ratio = found / gain
        require(
            math.isclose(ratio, 1, rel_tol=0.01),
            tried=tried,
            got=Words(f"a gain of {found:.4g}: with it, q becomes {ratio * ratio:.2g} q in the next layer"),
            expected="the gain that keeps this mean square, to 1 %",
        )
    if part in ("factor", "both"):
        require(
            math.isclose(float(got[1]), factor, rel_tol=0.01),
            tried=tried,
            got=Words(f"a factor of {float(got[1]):.4g}"),
            expected="what a layer of the level gain multiplies the length of the backward signal by, to 1 %",
        )


def network_of(matrices: list[Tensor]) -> torch.nn.Sequential:
    """Return the ReLU network with these weights."""
    shape = {"inputs": matrices[0].shape[1], "outputs": len(matrices[-1])}
    network = networks.deep_network(len(matrices) - 1, len(matrices[0]), **shape, seed=0)
    with torch.no_grad():
        for parameter, matrix in zip(network.parameters(), matrices, strict=True):
            parameter.copy_(matrix)
    return network
