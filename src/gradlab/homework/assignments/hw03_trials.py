"""What the questions of homework 3 try answers on: gradients, parameters that carry them, and runs to be clipped."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor, nn

from gradlab import recurrent, tasks, training
from gradlab.homework.draws import Draw


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
