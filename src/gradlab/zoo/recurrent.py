"""Runs that explode along time: recurrent networks, and models that read their own output."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import SGD

from gradlab.randomness import stream
from gradlab.zoo import data
from gradlab.zoo.architectures import Recurrent
from gradlab.zoo.kinds import Run, pair


def _reading(seed: int, *, cell: str, gain: float, length: int, rate: float) -> Run:
    """The end of a sequence, read by a recurrent network of 24 units; SGD."""
    x, y = data.sequences(seed, length=length)
    model = Recurrent(cell, 24, gain=gain)
    optimizer = SGD(model.parameters(), lr=rate)
    loss = data.squared_error(model, x, y, data.batches(seed, 64, 32))
    return Run(model, optimizer, loss, steps=60)


def _rollout(seed: int, *, horizon: int) -> Run:
    """A linear system learned by letting the model run on its own output for a while; SGD."""
    own = stream("systems of the zoo", seed)
    system = nn.init.orthogonal_(torch.empty(6, 6), generator=own)
    path = [torch.randn(64, 6, generator=own)]
    for _ in range(horizon):
        path.append(path[-1] @ system.T)
    model = nn.Linear(6, 6, bias=False)
    nn.init.orthogonal_(model.weight, gain=1.07, generator=own)

    def loss(batch: int) -> Tensor:
        h, total = path[0], 0.0
        for true in path[1:]:
            h = model(h)
            total = total + functional.mse_loss(h, true)
        return total / horizon

    return Run(model, SGD(model.parameters(), lr=0.02), loss, steps=80)


KINDS = (
    *pair(
        "recurrent-gain-too-large",
        _reading,
        fault="a recurrent ReLU network whose recurrent weights start at 1.15 times the identity",
        mended="the same network from 0.7 times the identity",
        change={"gain": (1.15, 0.7)},
        cell="relu",
        length=25,
        rate=0.01,
    ),
    *pair(
        "sequence-too-long",
        _reading,
        fault="a recurrent ReLU network that starts from the identity and reads 50 steps",
        mended="the same network reads 8 steps",
        change={"length": (50, 8)},
        cell="relu",
        gain=1.0,
        rate=0.01,
    ),
    *pair(
        "lstm-weights-too-large",
        _reading,
        fault="an LSTM whose weights were drawn 60 times too large, at a rate its saturated states do not bear",
        mended="the same LSTM and rate with orthogonal weights",
        change={"gain": (60.0, 1.0)},
        cell="lstm",
        length=15,
        rate=0.45,
    ),
    *pair(
        "lstm-rate-too-high",
        _reading,
        fault="an LSTM at a rate of 5",
        mended="the same LSTM at a rate of 0.3",
        change={"rate": (5.0, 0.3)},
        cell="lstm",
        gain=1.0,
        length=15,
    ),
    *pair(
        "rollout-too-long",
        _rollout,
        fault="a model that runs on its own output for 40 steps before it is corrected",
        mended="the same model, corrected after 3 steps",
        change={"horizon": (40, 3)},
    ),
)
