"""Healthy runs that look ill for their steps or their weights. Each ends well, which is what counts."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional
from torch.optim import SGD, Adam

from gradlab.networks import deep_network
from gradlab.randomness import stream
from gradlab.zoo import data
from gradlab.zoo.architectures import leaky
from gradlab.zoo.kinds import Kind, Run


def _curvature(model: nn.Sequential, x: Tensor) -> float:
    """Largest curvature of the mean squared error if the targets were met: beyond 2 / curvature, a rate is unstable."""
    names, weights = zip(*((name, weight.detach()) for name, weight in model.named_parameters()), strict=True)
    slopes = torch.autograd.functional.jacobian(
        lambda *weights: functional_call(model, dict(zip(names, weights, strict=True)), (x,)), weights
    )
    slopes = torch.cat([slope.reshape(len(x), -1) for slope in slopes], dim=1)
    return 2 / len(x) * torch.linalg.matrix_norm(slopes, ord=2).square().item()


def _edge(seed: int) -> Run:
    x, y = data.regression(seed, rows=64)
    model = deep_network(2, 32, inputs=8, outputs=1, activation="tanh", init="lecun", bias=True, seed=seed)
    return Run(
        model, SGD(model.parameters(), lr=1.8 / _curvature(model, x)), data.squared_error(model, x, y), steps=120
    )


def _catapult(seed: int) -> Run:
    own = stream("catapult of the zoo", seed)
    x = torch.randn(64, 4, generator=own)
    model = nn.Sequential(nn.Linear(4, 64, bias=False), nn.Linear(64, 1, bias=False))
    for layer in model:
        nn.init.normal_(layer.weight, std=8**-0.5, generator=own)
    y = 0.1 * x[:, :1]

    optimizer = SGD(model.parameters(), lr=2.6 / _curvature(model, x))
    return Run(model, optimizer, data.squared_error(model, x, y), steps=100)


def _large_early_updates(seed: int) -> Run:
    x, y = data.regression(seed)
    model = leaky(3)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(0.02)
    loss = data.squared_error(model, x, y, data.batches(seed, 128, 32))
    return Run(model, Adam(model.parameters(), lr=0.02), loss, steps=100)


def _restarts(seed: int) -> Run:
    x, y = data.regression(seed)
    model = leaky(2)
    loss = data.squared_error(model, x, y, data.batches(seed, 128, 32))
    optimizer = SGD(model.parameters(), lr=0.1)
    return Run(model, optimizer, loss, steps=120, schedule=lambda step: (1 + math.cos(math.pi * (step % 40) / 40)) / 2)


def _cycles(seed: int) -> Run:
    x, y = data.regression(seed)
    model = leaky(2)
    loss = data.squared_error(model, x, y, data.batches(seed, 128, 32))
    optimizer = SGD(model.parameters(), lr=0.1)
    return Run(model, optimizer, loss, steps=120, schedule=lambda step: 0.02 + 0.98 * abs((step % 30) / 15 - 1))


def _tiny_weights(seed: int) -> Run:
    x, y = data.regression(seed)
    body, head = leaky(2)[:-1], nn.Linear(32, 1)
    adapter = nn.Linear(32, 32, bias=False)
    nn.init.normal_(adapter.weight, std=1e-5)
    for parameter in body.parameters():
        parameter.requires_grad_(False)
    model = nn.ModuleDict({"body": body, "adapter": adapter, "head": head})

    def output(x: Tensor) -> Tensor:
        h = model["body"](x)
        return model["head"](h + model["adapter"](h))

    trained = [*adapter.parameters(), *head.parameters()]
    return Run(model, Adam(trained, lr=0.005), data.squared_error(output, x, y, data.batches(seed, 128, 32)), steps=100)


def _biases_only(seed: int) -> Run:
    x, y = data.classes(seed, spread=0.5)
    model = deep_network(2, 64, inputs=8, outputs=4, bias=True, init="lecun", seed=seed)
    biases = [parameter for parameter in model.parameters() if parameter.ndim == 1]
    for parameter in model.parameters():
        parameter.requires_grad_(parameter.ndim == 1)
    return Run(model, Adam(biases, lr=0.05), data.cross_entropy(model, x, y), steps=120)


def _saddle(seed: int) -> Run:
    own = stream("saddle of the zoo", seed)
    x = torch.randn(128, 8, generator=own)
    y = x @ nn.init.orthogonal_(torch.empty(8, 8), generator=own)
    model = deep_network(2, 16, inputs=8, outputs=8, activation="linear", init="lecun", gain=0.15, seed=seed)
    return Run(model, SGD(model.parameters(), lr=0.8), data.squared_error(model, x, y), steps=120)


def _growing_weights(seed: int) -> Run:
    x, y = data.classes(seed, spread=0.7)
    model = deep_network(3, 32, inputs=8, outputs=4, norm="batch", init="lecun", gain=0.3, seed=seed)
    for layer in model[:-1]:
        with torch.no_grad():
            layer[0].weight.mul_(0.1)
    loss = data.cross_entropy(model, x, y, data.batches(seed, 128, 32))
    return Run(model, SGD(model.parameters(), lr=0.1, momentum=0.9), loss, steps=80)


def _large_weights(seed: int) -> Run:
    x, y = data.classes(seed, spread=0.7)
    model = deep_network(3, 32, inputs=8, outputs=4, norm="layer", init="lecun", seed=seed)
    for layer in model[:-1]:
        with torch.no_grad():
            layer[0].weight.mul_(1000.0)
    loss = data.cross_entropy(model, x, y, data.batches(seed, 128, 32))
    return Run(model, SGD(model.parameters(), lr=0.1), loss, steps=100)


def _huge_start(seed: int) -> Run:
    x, y = data.regression(seed)
    model = nn.Sequential(leaky(2)[:-1], nn.Linear(32, 1))
    with torch.no_grad():
        model[1].weight.mul_(300.0)
    loss = data.squared_error(model, x, y, data.batches(seed, 128, 32))
    return Run(model, SGD(model.parameters(), lr=0.02), loss, steps=120, max_norm=50.0)


def _always_clipped(seed: int) -> Run:
    x, y = data.regression(seed)
    model = leaky(3)
    loss = data.squared_error(model, x, 30 * y, data.batches(seed, 128, 32))
    return Run(model, SGD(model.parameters(), lr=0.5), loss, steps=120, max_norm=1.0)


def _overshooting(seed: int) -> Run:
    x, y = data.regression(seed)
    model = nn.Linear(8, 1)
    optimizer = SGD(model.parameters(), lr=0.1, momentum=0.95)
    return Run(model, optimizer, data.squared_error(model, 2 * x, y), steps=120)


def _unfrozen(seed: int) -> Run:
    x, y = data.classes(seed, spread=1.5)
    model = deep_network(2, 32, inputs=8, outputs=4, bias=True, seed=seed)
    for parameter in model[:-1].parameters():
        parameter.requires_grad_(False)
    rows = data.batches(seed, 128, 32)

    def loss(batch: int) -> Tensor:
        for parameter in model[:-1].parameters():
            parameter.requires_grad_(batch >= 40)
        return functional.cross_entropy(model(x[rows(batch)]), y[rows(batch)])

    return Run(model, Adam(model.parameters(), lr=0.02), loss, steps=100)


def _rare_class(seed: int) -> Run:
    x, y = data.classes(seed, rows=128, spread=0.7)
    kept = torch.cat([torch.arange(128)[y > 0], torch.arange(128)[y == 0][:3]])
    x, y = x[kept], y[kept]
    model = deep_network(2, 32, inputs=8, outputs=4, bias=True, seed=seed)
    loss = data.cross_entropy(model, x, y, data.batches(seed, len(y), 8))
    return Run(model, SGD(model.parameters(), lr=0.05), loss, steps=120)


def _converged(seed: int) -> Run:
    x, y = data.regression(seed, noise=1.0)
    model = nn.Linear(8, 1)
    rows = torch.cat([x, torch.ones(128, 1)], dim=1).double()  # so that float32 holds the minimum to its last bit
    best = torch.linalg.solve(rows.T @ rows, rows.T @ y.double())
    with torch.no_grad():
        model.weight.copy_(best[:8].T)
        model.bias.copy_(best[8])
    loss, whole = data.squared_error(model, x, y, data.batches(seed, 128, 16)), data.squared_error(model, x, y)
    return Run(model, SGD(model.parameters(), lr=0.02), loss, steps=100, score=lambda: whole(0).item())


KINDS = tuple(
    Kind(name, "healthy", fault, build)
    for name, build, fault in (
        ("edge-of-stability", _edge, "gradient descent at the largest rate that works: the loss falls in zigzag"),
        ("catapult", _catapult, "a rate beyond 2 / curvature: the loss leaps up, lands where it is flatter, and falls"),
        (
            "large-early-updates",
            _large_early_updates,
            "weights so small that Adam's first updates are larger than they are",
        ),
        ("warm-restarts", _restarts, "a rate that falls along a cosine and jumps back every 40 steps"),
        ("cyclic-rate", _cycles, "a rate that goes up and down by a factor of 50"),
        ("tiny-adapter", _tiny_weights, "a frozen network with a new part whose weights start at a hundred-thousandth"),
        ("biases-only", _biases_only, "only the biases learn, and they start at zero"),
        ("leaving-a-saddle", _saddle, "a plateau left at last: the gradient grows a hundredfold while the loss falls"),
        (
            "growing-under-norm",
            _growing_weights,
            "weights before batch normalization, which grow manyfold and change nothing",
        ),
        (
            "large-weights-under-norm",
            _large_weights,
            "weights 1000 times the usual size, which a normalization takes back",
        ),
        ("huge-first-loss", _huge_start, "a head drawn 300 times too large, and clipping that brings it down"),
        ("always-clipped", _always_clipped, "a gradient many times the threshold at every step"),
        ("overshooting-momentum", _overshooting, "momentum that swings past the minimum several times"),
        ("unfrozen-halfway", _unfrozen, "hidden layers that get their first gradient at step 40"),
        ("rare-class", _rare_class, "a class of three rows: a jump in the loss whenever one of them comes up"),
        ("already-converged", _converged, "a run that starts at the minimum: nothing left but noise"),
    )
)
