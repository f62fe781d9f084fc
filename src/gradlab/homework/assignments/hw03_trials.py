"""What the questions of homework 3 try answers on: gradients, parameters that carry them, and runs to be clipped."""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor, nn

from gradlab import recurrent, tasks, training
from gradlab.homework.checks import Answer, Draw, Unmet, Words, require, require_tensor


def gradients_by_autograd(w: float, u: float, x: Tensor, target: float) -> list[float]:
    """Gradients in `w` and `u` of half the squared error of a linear recurrence's last state."""
    weights = [torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in (w, u)]
    h = torch.zeros((), dtype=torch.float64)
    for entry in x:
        h = weights[0] * h + weights[1] * entry
    return [float(g) for g in torch.autograd.grad((h - target) ** 2 / 2, weights)]


def parameters_with(gradients: list[Tensor | None], draw: Draw) -> list[nn.Parameter]:
    """Return random parameters that carry these gradients; one without has two entries."""
    parameters = []
    for gradient in gradients:
        like = torch.zeros(2) if gradient is None else gradient
        parameter = nn.Parameter(draw.normal(*like.shape, dtype=like.dtype))
        parameter.grad = None if gradient is None else gradient.clone()
        parameters.append(parameter)
    return parameters


def three_gradients(draw: Draw, norm: float) -> list[Tensor]:
    """Return random gradients of three parameters with this norm together."""
    gradients = [draw.normal(4, 3), draw.normal(5), draw.normal(2, 2)]
    total = torch.cat([g.flatten() for g in gradients]).norm()
    return [g * (norm / total) for g in gradients]


def require_step(
    answer: Answer, draw: Draw, part: int, *, batch: int, inputs: int, hidden: int, scale: float = 1
) -> None:
    """Require the new h (part 0) or the new c (part 1) of ``nn.LSTMCell`` with random weights.

    Raises
    ------
    Unmet
        It says how far off the numbers are, and which quarter of the weights does not act as it should.
    """
    theirs = nn.LSTMCell(inputs, hidden, dtype=torch.float64)
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.copy_(draw.normal(*parameter.shape, scale=scale))
        x, h, c = (draw.normal(batch, n) for n in (inputs, hidden, hidden))
        truth = theirs(x, (h, c))[part]
    tried = f"lstm_step with a batch of {batch}, {inputs} inputs, {hidden} units" + (", large weights" * (scale > 1))
    weights = [parameter.detach() for parameter in theirs.parameters()]
    got = require_tensor(_two(answer(x, h, c, *weights), tried)[part], tuple(truth.shape), tried=tried).double()
    if torch.isclose(got, truth, rtol=1e-6, atol=1e-8).all():
        return
    name, off = "hc"[part], float((got - truth).abs().max())
    raise Unmet(
        tried=tried,
        got=Words(f"a new {name} that is off by up to {off:.2g}; {_quarters(answer)}"),
        expected=f"{('first the new h', 'second the new c')[part]}, as nn.LSTMCell computes it",
    )


def _two(got: object, tried: str) -> tuple | list:
    two = isinstance(got, list | tuple) and len(got) == 2
    require(two, tried=tried, got=got, expected="two tensors, the new h and the new c")
    return got


def _quarters(answer: Answer) -> str:
    """Say which quarters act as they should in one unit whose weights are zero, the other gates being shut or open.

    Raises
    ------
    Unmet
        If the answer is not even two numbers.
    """
    tried = "lstm_step with one example and one unit, weights of zero, and biases that shut or open the other gates"
    far, bias = 30.0, 0.7  # a sigmoid or a tanh of 30 is 1
    gate = 1 / (1 + math.exp(-bias))
    cases = {  # biases of i, f, g, o; the last cell; and what the new one, or the new state beside it, should be
        "i": ((bias, -far, far, 0.0), 0.0, gate),
        "f": ((-far, bias, 0.0, 0.0), 0.8, gate * 0.8),
        "g": ((far, -far, bias, 0.0), 0.0, math.tanh(bias)),
        "o": ((-far, far, 0.0, bias), 0.8, gate * math.tanh(0.8)),
    }
    wrong = []
    for name, (biases, cell, truth) in cases.items():
        one = torch.zeros(1, 1, dtype=torch.float64)
        column = torch.tensor(biases, dtype=torch.float64)
        got = _two(answer(one, one, one + cell, *[one.repeat(4, 1)] * 2, column, 0 * column), tried)
        number = require_tensor(got[0 if name == "o" else 1], (1, 1), tried=tried)
        if not math.isclose(float(number), truth, rel_tol=1e-6):
            wrong.append(name)
    how = "with weights of zero, and biases in bias_ih alone"
    if not wrong:
        return f"{how}, all four quarters act as they should"
    return f"{how}, {' and '.join(wrong)} {'does' if len(wrong) == 1 else 'do'} not act as in an LSTM"


@lru_cache(maxsize=8)
def trained(rate: float, max_norm: float, scale: float, seed: int) -> training.History:
    """Train three recurrent networks on temporal order, with a loss that is `scale` times too large."""
    task = tasks.temporal_order(15, samples=3000, seed=0)
    fresh = [recurrent.RecurrentNetwork(6, 32, 4, seed=seed + i) for i in range(3)]
    return training.train(
        fresh,
        task,
        rate=rate,
        steps=150,
        batch=32,
        max_norm=max_norm,
        loss=lambda output, target: scale * task.loss(output, target),
        seed=seed,
    )
