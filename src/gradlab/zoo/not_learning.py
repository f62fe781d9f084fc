"""Runs that fail to learn for other reasons. They do not explode, and a monitor must not say so."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import SGD, Adam

from gradlab.networks import deep_network
from gradlab.randomness import stream
from gradlab.zoo import data
from gradlab.zoo.architectures import leaky
from gradlab.zoo.kinds import Kind, Run


def _vanishing(seed: int) -> Run:
    x, y = data.classes(seed)
    model = deep_network(10, 32, inputs=8, outputs=4, activation="sigmoid", init="lecun", bias=True, seed=seed)
    return Run(model, SGD(model.parameters(), lr=0.02), data.cross_entropy(model, x, y), steps=80)


def _dead(seed: int) -> Run:
    x, y = data.regression(seed)
    model = deep_network(3, 32, inputs=8, outputs=1, bias=True, seed=seed)
    for layer in model[:-1]:
        nn.init.constant_(layer[0].bias, -20.0)
    return Run(model, SGD(model.parameters(), lr=0.02), data.squared_error(model, x, y), steps=80)


def _slow(seed: int) -> Run:
    x, y = data.regression(seed)
    model = leaky(3)
    return Run(model, SGD(model.parameters(), lr=1e-6), data.squared_error(model, x, y), steps=80)


def _random_labels(seed: int) -> Run:
    own = stream("random labels of the zoo", seed)
    x = torch.randn(2048, 8, generator=own)
    y = torch.randint(4, (2048,), generator=own)
    model = deep_network(2, 16, inputs=8, outputs=4, init="lecun", gain=0.5, bias=True, seed=seed)
    loss = data.cross_entropy(model, x, y, data.batches(seed, 2048, 64))
    return Run(model, SGD(model.parameters(), lr=0.05), loss, steps=80)


def _frozen(seed: int) -> Run:
    x, y = data.regression(seed)
    model = leaky(3)
    extra = nn.Linear(4, 4)
    both = nn.ModuleList([model, extra])
    return Run(both, SGD(extra.parameters(), lr=0.1), data.squared_error(model, x, y), steps=80)


def _zeros(seed: int) -> Run:
    x, y = data.regression(seed)
    model = deep_network(3, 32, inputs=8, outputs=1, bias=True, seed=seed)
    for parameter in model.parameters():
        nn.init.zeros_(parameter)
    return Run(model, SGD(model.parameters(), lr=0.05), data.squared_error(model, x, y), steps=80)


def _saturated(seed: int) -> Run:
    x, y = data.classes(seed, number=2)
    model = deep_network(2, 32, inputs=8, outputs=1, activation="tanh", init="lecun", bias=True, seed=seed)
    nn.init.constant_(model[-1].bias, -40.0)
    loss = data.squared_error(lambda x: model(x).sigmoid(), x, y[:, None].float())
    return Run(model, Adam(model.parameters(), lr=1e-3), loss, steps=80)


def _shuffled(seed: int) -> Run:
    x, y = data.regression(seed)
    model = leaky(2, gain=0.3)
    own = stream("shuffled targets of the zoo", seed)

    def loss(batch: int) -> Tensor:
        return functional.mse_loss(model(x), y[torch.randperm(128, generator=own)])

    return Run(model, SGD(model.parameters(), lr=0.02), loss, steps=80)


def _blocked(seed: int) -> Run:
    x, y = data.classes(seed)
    model = deep_network(3, 32, inputs=8, outputs=4, init="lecun", gain=0.1, seed=seed)
    loss = data.cross_entropy(model, x, y)
    return Run(model, SGD(model.parameters(), lr=0.05), loss, steps=80, max_norm=1e-5)


KINDS = tuple(
    Kind(name, "other", fault, build)
    for name, build, fault in (
        ("vanishing-gradient", _vanishing, "ten sigmoid layers: no gradient reaches the first"),
        ("dead-units", _dead, "biases so negative that no ReLU is ever on"),
        ("rate-too-low", _slow, "a rate of a millionth"),
        ("random-labels", _random_labels, "labels that have nothing to do with the inputs"),
        ("frozen-by-mistake", _frozen, "an optimizer that was given the wrong parameters"),
        ("zero-weights", _zeros, "all weights start at zero, so that all gradients but one are zero"),
        ("saturated-output", _saturated, "a sigmoid so far out that its derivative is zero"),
        ("shuffled-targets", _shuffled, "targets shuffled apart from their inputs at every step"),
        ("clipped-to-nothing", _blocked, "clipping at a norm of a hundred-thousandth"),
    )
)
