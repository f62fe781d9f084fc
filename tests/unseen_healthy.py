"""Ten healthy kinds that no rule was made on; see `unseen_exploding`."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import SGD, Adagrad, Adam, AdamW, RAdam, RMSprop, Rprop

from gradlab.randomness import stream
from gradlab.zoo.kinds import Kind, Run
from unseen_exploding import order_of, rows_of


def _amsgrad_autoencoder(seed: int) -> Run:
    x = 200 * rows_of("pictures", seed, 128, 24) @ rows_of("mixing", seed, 24, 24)
    model = nn.Sequential(nn.BatchNorm1d(24), nn.Linear(24, 48), nn.ELU(), nn.Linear(48, 24))
    target = (x - x.mean(0)) / x.std(0)
    rows = order_of(seed, 128, 16)
    optimizer = AdamW(model.parameters(), lr=0.02, amsgrad=True, weight_decay=0.1)
    return Run(model, optimizer, lambda b: functional.mse_loss(model(x[rows(b)]), target[rows(b)]), 100)


def _matrix_factors(seed: int) -> Run:
    left, right = rows_of("u", seed, 30, 3), rows_of("v", seed, 3, 30)
    model = nn.ParameterList(
        [nn.Parameter(0.001 * rows_of("a", seed, 30, 3)), nn.Parameter(0.001 * rows_of("b", seed, 3, 30))]
    )
    return Run(
        model,
        SGD(model.parameters(), lr=0.1),
        lambda b: functional.mse_loss(model[0] @ model[1], left @ right, reduction="sum") / 30,
        120,
    )


def _rprop(seed: int) -> Run:
    x = rows_of("x", seed, 128, 6)
    y = torch.sin(2 * x[:, :1]) + x[:, 1:2]
    model = nn.Sequential(nn.Linear(6, 32), nn.SiLU(), nn.Linear(32, 1))
    return Run(model, Rprop(model.parameters(), lr=0.001), lambda b: functional.mse_loss(model(x), y), 80)


def _many_classes(seed: int) -> Run:
    own = stream("unseen words", seed)
    words = torch.randint(50, (128, 4), generator=own)
    y = words[:, 0] * 3
    model = nn.Sequential(nn.Embedding(50, 24), nn.Flatten(), nn.Linear(96, 64), nn.ReLU(), nn.Linear(64, 150))
    rows = order_of(seed, 128, 16)
    return Run(
        model,
        RAdam(model.parameters(), lr=0.01),
        lambda b: functional.cross_entropy(model(words[rows(b)]), y[rows(b)], reduction="sum"),
        110,
    )


def _triplets(seed: int) -> Run:
    own = stream("unseen triplets", seed)
    centres = torch.randn(6, 10, generator=own) * 3
    y = torch.arange(120) % 6
    x = centres[y] + torch.randn(120, 10, generator=own)
    model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 4))
    picks = torch.randint(20, (400, 3, 12), generator=own)
    who = torch.randint(6, (400, 12), generator=own)
    away = (who + torch.randint(1, 6, (400, 12), generator=own)) % 6

    def loss(b: int) -> Tensor:
        a, p, n = (model(x[picks[b, k] * 6 + (away[b] if k == 2 else who[b])]) for k in range(3))
        return functional.triplet_margin_loss(a, p, n, margin=2.0)

    return Run(model, RMSprop(model.parameters(), lr=0.003), loss, 100)


def _ill_conditioned(seed: int) -> Run:
    scales = 10 ** torch.linspace(-2, 2, 12)
    x = rows_of("x", seed, 256, 12) * scales
    y = (x / scales) @ rows_of("w", seed, 12, 1)
    model = nn.Linear(12, 1)
    return Run(model, Adagrad(model.parameters(), lr=0.5), lambda b: functional.mse_loss(model(x), y), 120)


def _gated_clipped(seed: int) -> Run:
    own = stream("unseen bits", seed)
    bits = torch.randint(2, (64, 18, 1), generator=own).float() * 2 - 1
    y = bits[:, -3:].sum(dim=1)
    gru, head = nn.GRU(1, 24, batch_first=True), nn.Linear(24, 1)
    both = nn.ModuleList([gru, head])
    with torch.no_grad():
        gru.weight_hh_l0.mul_(6.0)
    return Run(
        both,
        Adam(both.parameters(), lr=0.01),
        lambda b: functional.mse_loss(head(gru(bits)[0][:, -1]), y),
        100,
        max_norm=0.5,
    )


def _square_wave(seed: int) -> Run:
    x, noise = rows_of("x", seed, 128, 8), rows_of("noise", seed, 128, 1)
    y = x[:, :2].sum(dim=1, keepdim=True).tanh() + 0.1 * noise
    model = nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 1))
    rows = order_of(seed, 128, 32)
    return Run(
        model,
        SGD(model.parameters(), lr=0.01, momentum=0.8, nesterov=True),
        lambda b: functional.mse_loss(model(x[rows(b)]), y[rows(b)]),
        120,
        schedule=lambda step: 10.0 if step // 15 % 2 else 1.0,
    )


def _amplitudes(seed: int) -> Run:
    x = rows_of("x", seed, 128, 8)
    w = rows_of("w", seed, 8, 1)
    y = 1e-4 * torch.sin(x @ w / 3)
    model = nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 1))
    nn.init.zeros_(model[2].weight)
    nn.init.zeros_(model[2].bias)
    return Run(model, Adam(model.parameters(), lr=1e-5), lambda b: functional.mse_loss(model(x), y), 120)


def _augmented(seed: int) -> Run:
    own = stream("unseen shapes", seed)
    y = torch.arange(96) % 3
    x = torch.randn(96, 1, 8, 8, generator=own) * 0.4
    x[y == 0, 0, 2:5] += 1.5
    x[y == 1, 0, :, 2:5] += 1.5
    model = nn.Sequential(
        nn.Conv2d(1, 12, 3), nn.GroupNorm(3, 12), nn.ReLU(), nn.AdaptiveAvgPool2d(3), nn.Flatten(), nn.Linear(108, 3)
    )
    rows = order_of(seed, 96, 4)
    gains = torch.rand(400, generator=own) * 4 + 0.2

    def loss(b: int) -> Tensor:
        k = rows(b)
        return functional.cross_entropy(
            model(x[k] * gains[b] + 0.3 * torch.randn(4, 1, 8, 8, generator=own)), y[k], label_smoothing=0.1
        )

    def score() -> float:
        return functional.cross_entropy(model(x), y).item()

    return Run(model, SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-3), loss, 100, score=score)


KINDS = tuple(
    Kind(name, "healthy", fault, build)
    for name, build, fault in (
        (
            "unseen-amsgrad",
            _amsgrad_autoencoder,
            "inputs in the thousands before a normalization, AdamW with amsgrad",
        ),
        ("unseen-small-factors", _matrix_factors, "a factorization that starts near zero"),
        ("unseen-rprop", _rprop, "Rprop"),
        ("unseen-many-classes", _many_classes, "150 classes, a summed loss, RAdam"),
        ("unseen-triplets", _triplets, "triplets with a margin, RMSprop"),
        ("unseen-conditioning", _ill_conditioned, "inputs whose scales differ by 10,000, Adagrad"),
        ("unseen-clipped-gru", _gated_clipped, "a GRU with large recurrent weights, clipped"),
        ("unseen-square-wave", _square_wave, "a rate that jumps up and down by a factor of 10"),
        ("unseen-small-targets", _amplitudes, "targets of a ten-thousandth and a rate to match"),
        ("unseen-augmented", _augmented, "batches of 4 whose contrast changes twentyfold"),
    )
)
