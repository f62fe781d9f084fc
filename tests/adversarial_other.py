"""Kinds that fail to learn, or get stuck far out, but do not explode; made to look as if they did."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import SGD, Adam, RMSprop

from adversarial import clouds, order_of, perceptron, regression, rows_of
from gradlab.randomness import stream
from gradlab.zoo.kinds import Kind, Run


def _hot_plateau(seed: int) -> Run:
    x, _ = clouds(seed, number=6)
    model, rows = perceptron(8, 24, 24, 6, activation=nn.Tanh), order_of(seed, 120, 8)
    noise = torch.randint(6, (120,), generator=stream("adversarial labels", seed))
    return Run(
        model,
        SGD(model.parameters(), lr=1.5),
        lambda b: functional.cross_entropy(model(x[rows(b)]), noise[rows(b)]),
        200,
    )


def _leap_into_saturation(seed: int) -> Run:
    x, y = regression(seed)
    model, rows = perceptron(8, 32, 1, activation=nn.Sigmoid), order_of(seed, 128, 32)

    def loss(batch: int) -> Tensor:
        k = rows(batch)
        return functional.mse_loss(model(x[k]).tanh(), y[k].sign() * (100 if batch == 30 else 1))

    return Run(model, SGD(model.parameters(), lr=1.0), loss, 120)


def _killed_units(seed: int) -> Run:
    x, y = regression(seed)
    model, rows = perceptron(8, 32, 32, 1), order_of(seed, 128, 32)
    with torch.no_grad():
        model[-1].weight.abs_()

    def loss(batch: int) -> Tensor:
        k = rows(batch)
        return functional.huber_loss(
            model(x[k]), y[k] - (500 if batch == 10 else 0), delta=80.0 if batch == 10 else 1.0
        )

    return Run(model, SGD(model.parameters(), lr=0.02), loss, 120)


def _memoryless(seed: int) -> Run:
    own, model = stream("adversarial noise", seed), perceptron(8, 32, 1)

    def loss(batch: int) -> Tensor:
        return functional.mse_loss(model(torch.randn(2, 8, generator=own)), torch.randn(2, 1, generator=own).pow(3))

    probe = rows_of("probe", seed, 256, 8)
    return Run(
        model, Adam(model.parameters(), lr=0.01), loss, 300, score=lambda: model(probe).square().mean().item() + 15
    )


def _forgetting(seed: int) -> Run:
    x, y = regression(seed)
    model = perceptron(8, 32, 1)

    def loss(batch: int) -> Tensor:
        return functional.mse_loss(model(x), y.roll(batch // 4 * 7, dims=0) * (-1) ** (batch // 4))

    return Run(model, SGD(model.parameters(), lr=0.05), loss, 150)


def _squeezed(seed: int) -> Run:
    x, y = clouds(seed)
    model = perceptron(8, 32, 32, 4)
    return Run(
        model, SGD(model.parameters(), lr=0.1, weight_decay=4.0), lambda b: functional.cross_entropy(model(x), y), 100
    )


def _collapsed(seed: int) -> Run:
    own = stream("adversarial sparse", seed)
    model = perceptron(4, 16, 50)

    def loss(batch: int) -> Tensor:
        p = model(torch.randn(32, 4, generator=own)).log_softmax(dim=1)
        action = torch.multinomial(p.exp().detach(), 1, generator=own)
        reward = torch.randn(32, 1, generator=own)
        return -(p.gather(1, action) * reward).mean()

    def score() -> float:
        p = model(rows_of("states", seed, 64, 4)).softmax(dim=1)
        return 1 - p[:, 0].mean().item()

    return Run(model, RMSprop(model.parameters(), lr=0.003), loss, 200, score=score)


def _rate_of_almost_nothing(seed: int) -> Run:
    x, y = regression(seed)
    model, rows = perceptron(8, 32, 1), order_of(seed, 128, 2)

    def score() -> float:
        return functional.mse_loss(model(1000 * x), y).item()

    return Run(
        model,
        SGD(model.parameters(), lr=1e-12),
        lambda b: functional.mse_loss(model(1000 * x[rows(b)]), y[rows(b)]),
        60,
        score=score,
    )


def _bouncing(seed: int) -> Run:
    x, y = clouds(seed)
    model = nn.Sequential(nn.Linear(8, 32), nn.LayerNorm(32), nn.Tanh(), nn.Linear(32, 4))
    y = y[torch.randperm(len(y), generator=stream("adversarial labels", seed))]
    return Run(
        model,
        Adam(model.parameters(), lr=0.3),
        lambda b: functional.cross_entropy(model(3 * rows_of(f"jitter {b}", seed, *x.shape)), y),
        120,
    )


def _on_the_border(seed: int) -> Run:
    x = rows_of("x", seed, 64, 4)
    values, vectors = torch.linalg.eigh(x.T @ x / 64)
    model = nn.Linear(4, 1, bias=False)
    with torch.no_grad():
        model.weight.copy_(vectors[:, -1])
    return Run(model, SGD(model.parameters(), lr=1 / values[-1].item()), lambda b: model(x).square().mean(), 200)


def _far_plateau(seed: int) -> Run:
    x, y = clouds(seed)
    model, rows = perceptron(8, 32, 32, 4, activation=nn.Tanh), order_of(seed, 120, 24)

    def loss(batch: int) -> Tensor:
        k = rows(batch)
        return functional.cross_entropy(functional.layer_norm(model(x[k]), (4,)), y[k]) * (1e4 if batch == 25 else 1.0)

    return Run(model, SGD(model.parameters(), lr=0.1), loss, 100)


def _wrong_signs(seed: int) -> Run:
    x, y = regression(seed)
    model, rows = perceptron(8, 32, 1), order_of(seed, 128, 16)
    return Run(
        model,
        Adam(model.parameters(), lr=0.02),
        lambda b: -functional.mse_loss(model(x[rows(b)]).tanh(), y[rows(b)].sign()),
        150,
    )


KINDS = tuple(
    Kind(f"{name}-other", "other", fault, build)
    for name, build, fault in (
        ("hot-plateau", _hot_plateau, "a rate so high that the loss hovers above its start"),
        (
            "leap-into-saturation",
            _leap_into_saturation,
            "one batch that drives a bounded output into saturation, for good",
        ),
        ("killed-units", _killed_units, "one batch that switches most ReLUs off"),
        ("memoryless", _memoryless, "cubed noise as targets, batches of 2"),
        ("forgetting", _forgetting, "targets that change every four steps"),
        ("squeezed", _squeezed, "weight decay that leaves no weights"),
        ("collapsed", _collapsed, "rewards that are noise"),
        (
            "rate-of-almost-nothing",
            _rate_of_almost_nothing,
            "inputs in the thousands and a rate of a billionth of a thousandth",
        ),
        ("bouncing", _bouncing, "random labels, noise as inputs, Adam at 0.3"),
        ("on-the-border", _on_the_border, "a linear model at exactly 2 / curvature: it swings for ever"),
        (
            "far-plateau",
            _far_plateau,
            "one step that throws a normalised classifier far off, from where it does not return",
        ),
        ("wrong-signs", _wrong_signs, "a bounded loss with the wrong sign"),
    )
)
