"""Ten exploding kinds that no rule was made on, of other architectures, tasks and optimizers than the zoo's.

The rules were scored on them once, before anybody who made rules had seen them, and not changed for it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import ASGD, SGD, Adagrad, AdamW, NAdam, RMSprop

from gradlab.randomness import stream
from gradlab.zoo.kinds import Kind, Run


def rows_of(purpose: str, seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=stream(f"unseen {purpose}", seed))


def order_of(seed: int, rows: int, size: int):
    own = stream("unseen order", seed)
    table = torch.stack([torch.randperm(rows, generator=own)[:size] for _ in range(400)])
    return lambda batch: table[batch]


def _autoencoder_rmsprop(seed: int) -> Run:
    x = rows_of("pictures", seed, 128, 24) @ rows_of("mixing", seed, 24, 24) / 5
    model = nn.Sequential(nn.Linear(24, 32), nn.ELU(), nn.Linear(32, 6), nn.Linear(6, 32), nn.ELU(), nn.Linear(32, 24))
    rows = order_of(seed, 128, 32)
    return Run(
        model, RMSprop(model.parameters(), lr=0.8), lambda b: functional.mse_loss(model(x[rows(b)]), x[rows(b)]), 80
    )


def _adagrad_huge(seed: int) -> Run:
    x = rows_of("x", seed, 96, 10)
    y = x[:, :1] * x[:, 1:2]
    model = nn.Sequential(*(layer for _ in range(5) for layer in (nn.LazyLinear(24), nn.SELU())), nn.LazyLinear(1))
    model(x)
    return Run(model, Adagrad(model.parameters(), lr=30.0), lambda b: functional.mse_loss(model(x), y), 80)


class _Hopf(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.field = nn.Sequential(nn.Linear(3, 32), nn.Softplus(), nn.Linear(32, 3))

    def forward(self, h: Tensor, steps: int, dt: float) -> Tensor:
        for _ in range(steps):
            h = h + dt * self.field(h)
        return h


def _euler_flow(seed: int) -> Run:
    x = rows_of("flow", seed, 64, 3)
    y = x.roll(1, dims=1) * 2
    model = _Hopf()
    return Run(model, SGD(model.parameters(), lr=0.02), lambda b: functional.mse_loss(model(x, 24, 0.5), y), 60)


def _dot_products(seed: int) -> Run:
    users, items = nn.Embedding(40, 16), nn.Embedding(40, 16)
    nn.init.normal_(users.weight, std=1.5)
    nn.init.normal_(items.weight, std=1.5)
    model = nn.ModuleList([users, items])
    own = stream("unseen ratings", seed)
    pairs, rating = torch.randint(40, (256, 2), generator=own), torch.randint(1, 6, (256,), generator=own).float()

    def loss(batch: int) -> Tensor:
        return functional.mse_loss((users(pairs[:, 0]) * items(pairs[:, 1])).sum(dim=1), rating, reduction="sum")

    return Run(model, SGD(model.parameters(), lr=0.03, nesterov=True, momentum=0.9), loss, 80)


def _message_passing(seed: int) -> Run:
    own = stream("unseen graph", seed)
    edges = (torch.rand(60, 60, generator=own) < 0.15).float()
    edges = ((edges + edges.T) > 0).float()
    x, y = torch.randn(60, 6, generator=own), torch.randn(60, 1, generator=own)
    layers = nn.ModuleList([nn.Linear(6, 16), *(nn.Linear(16, 16) for _ in range(3)), nn.Linear(16, 1)])

    def loss(batch: int) -> Tensor:
        h = x
        for layer in layers[:-1]:
            h = functional.silu(edges @ layer(h))
        return functional.mse_loss(layers[-1](h), y)

    return Run(layers, SGD(layers.parameters(), lr=0.05), loss, 70)


def _growing_curriculum(seed: int) -> Run:
    model = nn.GRU(1, 20, batch_first=True)
    head = nn.Linear(20, 1)
    both = nn.ModuleList([model, head])
    series = rows_of("series", seed, 32, 16).cumsum(dim=1)

    def loss(batch: int) -> Tensor:
        scale = 1.0 if batch < 25 else 4.0 ** (batch - 24)
        x = (series * min(scale, 1e18))[:, :, None]
        return functional.mse_loss(head(model(x[:, :-1])[0]), x[:, 1:])

    return Run(both, SGD(both.parameters(), lr=0.05), loss, 60)


def _normal_equations(seed: int) -> Run:
    x = torch.linspace(-3, 3, 64)[:, None] ** torch.arange(8)
    y = torch.sin(torch.linspace(-3, 3, 64))[:, None] + 0.05 * rows_of("sine", seed, 64, 1)
    model = nn.Linear(8, 1, bias=False)
    return Run(model, ASGD(model.parameters(), lr=5e-6), lambda b: functional.mse_loss(model(x), y), 60)


def _cosine_nan(seed: int) -> Run:
    x, y = rows_of("left", seed, 96, 12), rows_of("right", seed, 96, 12)
    y[17] = x[17]
    model = nn.Sequential(nn.Linear(12, 24), nn.GELU(), nn.Linear(24, 8))

    def loss(batch: int) -> Tensor:
        k = torch.arange(8) + 8 * (batch // 4 % 12)
        a, b = (functional.normalize(model(one[k]), dim=1) for one in (x, y))
        return torch.acos((a * b).sum(dim=1).clamp(-1, 1)).mean()

    return Run(model, AdamW(model.parameters(), lr=2e-3, amsgrad=True), loss, 70)


def _gumbel_underflow(seed: int) -> Run:
    own = stream("unseen counts", seed)
    x, y = torch.randn(128, 6, generator=own), torch.randint(3, (128,), generator=own)
    model = nn.Sequential(nn.Linear(6, 24), nn.Tanh(), nn.Linear(24, 3))

    def loss(batch: int) -> Tensor:
        cold = 0.7 ** (batch / 1.2)
        p = torch.softmax(model(x) / cold, dim=1)
        return -torch.log(p[torch.arange(128), y]).mean()

    return Run(model, NAdam(model.parameters(), lr=0.01), loss, 80)


def _separate_rates(seed: int) -> Run:
    x = rows_of("images", seed, 48, 1, 10, 10)
    y = x.mean(dim=(1, 2, 3))[:, None] * 10
    model = nn.Sequential(
        nn.Conv2d(1, 6, 3), nn.GELU(), nn.Conv2d(6, 6, 3, stride=2), nn.GELU(), nn.Flatten(), nn.Linear(54, 1)
    )
    groups = [{"params": model[:4].parameters(), "lr": 0.01}, {"params": model[4:].parameters(), "lr": 2.0}]
    order = order_of(seed, 48, 16)
    return Run(model, SGD(groups, lr=0.01), lambda b: functional.mse_loss(model(x[order(b)]), y[order(b)]), 70)


KINDS = tuple(
    Kind(name, "exploding", fault, build)
    for name, build, fault in (
        ("unseen-autoencoder", _autoencoder_rmsprop, "an autoencoder under RMSprop at a rate of 0.8"),
        ("unseen-adagrad", _adagrad_huge, "SELU layers under Adagrad at a rate of 30"),
        ("unseen-flow", _euler_flow, "a flow integrated over 24 steps that are too long"),
        ("unseen-factors", _dot_products, "dot products of embeddings, a summed loss, Nesterov momentum"),
        ("unseen-graph", _message_passing, "messages summed over neighbours and never normalised"),
        (
            "unseen-series",
            _growing_curriculum,
            "a series whose amplitude is multiplied by 4 at each step from 25 on",
        ),
        ("unseen-polynomial", _normal_equations, "powers up to the seventh as inputs, averaged SGD"),
        ("unseen-angle", _cosine_nan, "the angle between equal vectors"),
        ("unseen-temperature", _gumbel_underflow, "a temperature annealed until a probability is 0"),
        ("unseen-groups", _separate_rates, "one group of parameters with a rate of 2"),
    )
)
