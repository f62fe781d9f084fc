"""Exploding kinds of all sorts and onsets, made to be missed: slow, late, negative, or in one operation."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import SGD, Adam, AdamW, RMSprop

from adversarial import clouds, order_of, perceptron, regression, rows_of
from adversarial_models import Adapted, Hyper, ReluRecurrent, Residual
from gradlab.randomness import stream
from gradlab.zoo.kinds import Kind, Run


def _restart_too_high(seed: int) -> Run:
    x, y = regression(seed)
    model, rows = perceptron(8, 32, 32, 1), order_of(seed, 128, 32)
    return Run(
        model,
        SGD(model.parameters(), lr=0.03, momentum=0.9),
        lambda b: functional.mse_loss(model(x[rows(b)]), y[rows(b)]),
        140,
        schedule=lambda step: (1 + math.cos(math.pi * (step % 100) / 100)) * (30.0 if step >= 100 else 1.0),
    )


def _from_perfect_fit(seed: int) -> Run:
    x = rows_of("x", seed, 64, 4)
    model, w = nn.Linear(4, 1, bias=False), rows_of("w", seed, 1, 4)
    with torch.no_grad():
        model.weight.copy_(w + 1e-5 * rows_of("off", seed, 1, 4))
    curvature = 2 * torch.linalg.eigvalsh(x.T @ x / 64)[-1].item()
    return Run(
        model, SGD(model.parameters(), lr=2.02 / curvature), lambda b: functional.mse_loss(model(x), x @ w.T), 400
    )


def _to_and_from_perfect_fit(seed: int) -> Run:
    x = rows_of("x", seed, 64, 4)
    y = x @ rows_of("w", seed, 4, 1) + 1e-4 * rows_of("noise", seed, 64, 1)
    model, rows = nn.Linear(4, 1, bias=False), order_of(seed, 64, 48)
    curvature = 2 * torch.linalg.eigvalsh(x.T @ x / 64)[-1].item()
    return Run(
        model,
        SGD(model.parameters(), lr=1.0 / curvature),
        lambda b: functional.mse_loss(model(x[rows(b)]), y[rows(b)]),
        200,
        schedule=lambda step: 1.0 if step < 40 else 2.2,
    )


def _outlier_for_good(seed: int) -> Run:
    x, y = regression(seed)
    model, rows = perceptron(8, 32, 32, 32, 1), order_of(seed, 128, 32)

    def loss(batch: int) -> Tensor:
        k = rows(batch)
        return functional.mse_loss(model(x[k] * (300.0 if batch == 45 else 1.0)), y[k])

    return Run(model, SGD(model.parameters(), lr=0.05), loss, 90)


def _heavy_momentum(seed: int) -> Run:
    x, y = regression(seed)
    model, rows = perceptron(8, 48, 48, 1), order_of(seed, 128, 32)
    return Run(
        model,
        SGD(model.parameters(), lr=0.6, momentum=0.98),
        lambda b: functional.mse_loss(model(x[rows(b)]), y[rows(b)]),
        120,
    )


def _decoupled_decay(seed: int) -> Run:
    x, y = regression(seed)
    model = perceptron(8, 32, 1)
    return Run(
        model, AdamW(model.parameters(), lr=0.02, weight_decay=110.0), lambda b: functional.mse_loss(model(x), y), 120
    )


def _coupled_decay(seed: int) -> Run:
    x, y = clouds(seed)
    model = perceptron(8, 32, 4)
    return Run(
        model, SGD(model.parameters(), lr=0.3, weight_decay=7.5), lambda b: functional.cross_entropy(model(x), y), 120
    )


def _free_critic(seed: int) -> Run:
    a, b = rows_of("real", seed, 128, 2), rows_of("fake", seed, 128, 2) + 1
    model = perceptron(2, 32, 32, 1)
    return Run(model, RMSprop(model.parameters(), lr=0.01), lambda k: (model(b) - model(a)).mean(), 150)


def _deadly_triad(seed: int) -> Run:
    features = torch.cat([2 * torch.eye(6), torch.ones(6, 1)], dim=1)
    last = torch.tensor([[0.0] * 5 + [1.0, 2.0]])
    model = nn.Linear(7, 1, bias=False)
    own = stream("adversarial states", seed)

    def loss(batch: int) -> Tensor:
        k = torch.randint(6, (32,), generator=own)
        return functional.mse_loss(model(features[k]), 0.99 * model(last).detach().expand(32, 1))

    return Run(model, SGD(model.parameters(), lr=0.05), loss, 500, score=lambda: model.weight.norm().item())


def _relu_recurrent(seed: int) -> Run:
    x, model = rows_of("sequences", seed, 32, 40, 1), ReluRecurrent(1.7)
    return Run(model, SGD(model.parameters(), lr=0.01), lambda b: functional.mse_loss(model(x), x.sum(dim=1) / 5), 60)


def _lengthened(seed: int) -> Run:
    x, model = rows_of("sequences", seed, 32, 120, 1), ReluRecurrent(2.8)

    def loss(batch: int) -> Tensor:
        length = 4 if batch < 60 else 4 + 3 * (batch - 60)
        return functional.mse_loss(model(x[:, :length]), x[:, :4].sum(dim=1))

    return Run(model, SGD(model.parameters(), lr=0.01), loss, 95)


def _nan_rows_scaled(seed: int) -> Run:
    x, y = regression(seed)
    x = x.clone()
    model, rows = perceptron(8, 32, 1), order_of(seed, 128, 32)

    def loss(batch: int) -> Tensor:
        inputs = torch.where(torch.tensor(batch >= 50) & (x[rows(batch)] > 1.5), math.nan, x[rows(batch)])
        return functional.mse_loss(model(inputs), y[rows(batch)])

    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**12)
    return Run(model, Adam(model.parameters(), lr=0.01), loss, 110, scaler=scaler)


def _counts_of_wide_inputs(seed: int) -> Run:
    x = 6 * rows_of("x", seed, 128, 6)
    y = (1 + x[:, :1] / 6).exp().round()
    model, rows = perceptron(6, 16, 1), order_of(seed, 128, 16)
    return Run(
        model, SGD(model.parameters(), lr=0.5), lambda b: functional.poisson_nll_loss(model(x[rows(b)]), y[rows(b)]), 60
    )


def _scale_through_zero(seed: int) -> Run:
    x = rows_of("x", seed, 64, 4)
    y = x @ rows_of("w", seed, 4, 1)
    model = nn.Linear(4, 1)
    model.register_parameter("scale", nn.Parameter(torch.tensor(1.0)))

    def loss(batch: int) -> Tensor:
        return ((model(x) - y) / model.scale).square().mean() / 2 + model.scale.log()

    return Run(model, Adam(model.parameters(), lr=0.5), loss, 200)


def _sharp_attention(seed: int) -> Run:
    x = 4 * rows_of("tokens", seed, 24, 10, 16)
    y = x[:, 0]
    model = nn.ModuleDict({name: nn.Linear(16, 16) for name in ("query", "key", "value")})

    def loss(batch: int) -> Tensor:
        scores = model["query"](x) @ model["key"](x).transpose(1, 2)
        return functional.mse_loss((scores.softmax(dim=2) @ model["value"](x))[:, 0], y)

    return Run(model, SGD(model.parameters(), lr=2.0), loss, 80)


def _hypernetwork(seed: int) -> Run:
    x, y = regression(seed)
    model = Hyper()
    return Run(model, SGD(model.parameters(), lr=3.0), lambda b: functional.mse_loss(model(3 * x), 10 * y), 80)


def _adapter(seed: int) -> Run:
    x, model = rows_of("x", seed, 128, 16), Adapted(256.0)
    y = model.base(x).detach() + x @ rows_of("left", seed, 16, 1) @ rows_of("right", seed, 1, 16)
    trained = [p for p in model.parameters() if p.requires_grad]
    return Run(model, SGD(trained, lr=0.01), lambda b: functional.mse_loss(model(x), y), 80)


def _bags_of_words(seed: int) -> Run:
    words = torch.randint(50, (64, 200), generator=stream("adversarial words", seed))
    model = nn.Sequential(nn.EmbeddingBag(50, 16, mode="sum"), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 1))
    y = (words == 3).float().sum(dim=1, keepdim=True)
    return Run(model, SGD(model.parameters(), lr=0.02), lambda b: functional.mse_loss(model(words), y), 60)


def _endless_warm_up(seed: int) -> Run:
    x, y = regression(seed)
    model, rows = perceptron(8, 32, 32, 1), order_of(seed, 128, 32)
    return Run(
        model,
        SGD(model.parameters(), lr=1e-4),
        lambda b: functional.mse_loss(model(x[rows(b)]), 3 * y[rows(b)]),
        300,
        schedule=lambda step: 1.05 ** min(step, 280),
    )


def _temperature_to_zero(seed: int) -> Run:
    x, y = clouds(seed)
    model = perceptron(8, 32, 4)

    def loss(batch: int) -> Tensor:
        return functional.cross_entropy(model(x) / (1 - batch / 100), y)

    return Run(model, Adam(model.parameters(), lr=0.01), loss, 130)


def _deviation_of_one(seed: int) -> Run:
    x, y = regression(seed)
    model = perceptron(8, 16, 1)

    def loss(batch: int) -> Tensor:
        kept = x[batch % 128 : batch % 128 + (1 if batch == 35 else 16)]
        h = model(kept)
        return functional.mse_loss((h - h.mean()) / (h.std() + 1e-5), y[: len(kept)])

    return Run(model, Adam(model.parameters(), lr=0.01), loss, 70)


def _residual_sum(seed: int) -> Run:
    x, y = regression(seed)
    model = Residual(12)
    return Run(model, SGD(model.parameters(), lr=0.003), lambda b: functional.mse_loss(model(x), y), 60)


def _inner_loop(seed: int) -> Run:
    x, model = rows_of("x", seed, 32, 8), nn.Linear(8, 1)
    tasks = rows_of("tasks", seed, 16, 8, 1)

    def loss(batch: int) -> Tensor:
        w, y = model.weight.T, x @ tasks[batch % 16]
        for _ in range(5):
            w = w - (0.05 + 0.03 * batch) * x.T @ (x @ w - y) / 16
        return functional.mse_loss(x @ w, y)

    return Run(model, SGD(model.parameters(), lr=0.01), loss, 80)


def _noisy_creep(seed: int) -> Run:
    x = rows_of("x", seed, 256, 12)
    y, model, rows = x @ rows_of("w", seed, 12, 1), nn.Linear(12, 1), order_of(seed, 256, 4)
    return Run(
        model, SGD(model.parameters(), lr=0.52), lambda b: functional.mse_loss(model(x[rows(b)]), y[rows(b)] + 1), 250
    )


KINDS = tuple(
    Kind(f"{name}-exploding", "exploding", fault, build)
    for name, build, fault in (
        ("restart-too-high", _restart_too_high, "a schedule that restarts at step 100 at thirty times its first rate"),
        (
            "from-perfect-fit",
            _from_perfect_fit,
            "a linear model that starts at a perfect fit, and a loss that grows by 4 % a step",
        ),
        (
            "to-and-from-perfect-fit",
            _to_and_from_perfect_fit,
            "the same once the fit is there: a rate doubled at step 40",
        ),
        ("outlier-for-good", _outlier_for_good, "one batch whose inputs are 300 times too large"),
        ("heavy-momentum", _heavy_momentum, "momentum 0.98 at a rate made for none"),
        ("decoupled-decay", _decoupled_decay, "AdamW with a rate times decay above 2"),
        ("coupled-decay", _coupled_decay, "SGD with a rate times decay above 2"),
        ("free-critic", _free_critic, "a critic that nothing holds back: a loss without a lower bound"),
        (
            "deadly-triad",
            _deadly_triad,
            "values learned off policy from their own predictions: they grow slowly, without end",
        ),
        ("relu-recurrent", _relu_recurrent, "recurrent ReLUs with a gain of 1.7 over 40 steps of time"),
        ("lengthened", _lengthened, "recurrent weights that do no harm until, at step 60, sequences become longer"),
        ("nan-rows-scaled", _nan_rows_scaled, "missing values in the data from step 50 on, behind a GradScaler"),
        ("counts-of-wide-inputs", _counts_of_wide_inputs, "an exponential link on inputs that were not standardised"),
        (
            "scale-through-zero",
            _scale_through_zero,
            "a standard deviation that is learned without a bound, and steps across 0",
        ),
        ("sharp-attention", _sharp_attention, "attention without a scale, at a high rate"),
        ("hypernetwork", _hypernetwork, "a network that makes the weights of another, at a high rate"),
        ("adapter", _adapter, "a low-rank correction enlarged 256 times"),
        ("bags-of-words", _bags_of_words, "embeddings of 200 words summed up, not averaged"),
        ("endless-warm-up", _endless_warm_up, "a rate that grows by 5 % a step and does not stop in time"),
        ("temperature-to-zero", _temperature_to_zero, "a temperature lowered by a hundredth a step, to 0"),
        ("deviation-of-one", _deviation_of_one, "the standard deviation of a batch of one row, at step 35"),
        ("residual-sum", _residual_sum, "twelve residual branches at full strength, no normalization"),
        ("inner-loop", _inner_loop, "an inner loop of descent whose own rate grows too large"),
        ("noisy-creep", _noisy_creep, "batches of 4 at a rate just too high for them: a slow growth under much noise"),
    )
)
