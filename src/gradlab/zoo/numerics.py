"""Runs that end because a number leaves its format, or a formula its domain."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional
from torch.optim import SGD, Adam

from gradlab.networks import deep_network
from gradlab.zoo import data
from gradlab.zoo.kinds import Run, pair


def _likelihood(seed: int, *, by_hand: bool) -> Run:
    """Two classes, and the probability of each taken by hand or by PyTorch; SGD with momentum."""
    x, y = data.classes(seed, number=2, spread=0.5)
    model = deep_network(2, 32, inputs=8, outputs=1, bias=True, seed=seed)
    right, rows = y[:, None].float(), data.batches(seed, 128, 32)

    def loss(batch: int) -> Tensor:
        logit, target = model(x[rows(batch)]), right[rows(batch)]
        if not by_hand:
            return functional.binary_cross_entropy_with_logits(logit, target)
        p = logit.sigmoid()
        return -(target * p.log() + (1 - target) * (1 - p).log()).mean()

    return Run(model, SGD(model.parameters(), lr=0.05, momentum=0.9), loss, steps=80)


def _softmax(seed: int, *, by_hand: bool) -> Run:
    """Four classes, with the softmax taken by hand or by PyTorch; Adam."""
    x, y = data.classes(seed)
    model = deep_network(2, 32, inputs=8, outputs=4, bias=True, init="lecun", seed=seed)
    rows = data.batches(seed, 128, 32)

    def loss(batch: int) -> Tensor:
        logits, target = 25 * model(x[rows(batch)]), y[rows(batch)]
        if not by_hand:
            return functional.cross_entropy(logits, target)
        p = logits.exp() / logits.exp().sum(dim=1, keepdim=True)
        return -p.gather(1, target[:, None]).log().mean()

    return Run(model, Adam(model.parameters(), lr=0.05), loss, steps=80)


def _distances(seed: int, *, floor: float) -> Run:
    """Pairs of rows whose distance is to be kept; one pair is twice the same row; SGD."""
    x, _ = data.regression(seed, rows=256)
    first, second = x[:128], x[128:].clone()
    rows = data.batches(seed, 128, 16)
    second[rows(30)[0]] = first[rows(30)[0]]
    wanted = (first - second).square().sum(dim=1).sqrt()
    model = deep_network(1, 32, inputs=8, outputs=4, bias=True, seed=seed)

    def loss(batch: int) -> Tensor:
        apart = model(first[rows(batch)]) - model(second[rows(batch)])
        distance = (apart.square().sum(dim=1) + floor).sqrt()
        return functional.mse_loss(distance, wanted[rows(batch)])

    def score() -> float:
        return sum(loss(batch).item() for batch in range(8)) / 8  # the batches of one epoch

    return Run(model, SGD(model.parameters(), lr=0.02), loss, steps=80, score=score)


def _masked(seed: int, *, least: float) -> Run:
    """A loss averaged over the rows that count, of which batch 40 has none; Adam."""
    x, y = data.regression(seed)
    rows = data.batches(seed, 128, 8)
    counts = torch.ones(128, 1)
    counts[rows(40)] = 0.0
    model = deep_network(2, 32, inputs=8, outputs=1, bias=True, seed=seed)

    def loss(batch: int) -> Tensor:
        chosen = counts[rows(batch)]
        error = (model(x[rows(batch)]) - y[rows(batch)]).square() * chosen
        return error.sum() / chosen.sum().clamp(min=least)

    return Run(model, Adam(model.parameters(), lr=0.01), loss, steps=80)


def _counting(seed: int, *, factor: float) -> Run:
    """Counts with an exponential link and half the deviance, as in Poisson regression; SGD."""
    x, y = data.regression(seed)
    counts = (y + 2).clamp(min=0).round()
    model = deep_network(1, 16, inputs=8, outputs=1, bias=True, seed=seed)
    rows = data.batches(seed, 128, 32)

    def loss(batch: int) -> Tensor:
        count, output = counts[rows(batch)], model(factor * x[rows(batch)])
        return (output.exp() - count * output + count.xlogy(count) - count).mean()

    return Run(model, SGD(model.parameters(), lr=0.03), loss, steps=100)


def _spread(seed: int, *, floor: float) -> Run:
    """A mean and a variance, learned together from rows without noise; Adam."""
    x, y = data.regression(seed, noise=0.0)
    model = deep_network(2, 32, inputs=8, outputs=2, bias=True, init="lecun", gain=0.5, seed=seed)
    rows = data.batches(seed, 128, 32)

    def loss(batch: int) -> Tensor:
        mean, size = model(x[rows(batch)]).chunk(2, dim=1)
        variance = (1 + size).relu() + floor
        return (variance.log() + (mean - y[rows(batch)]).square() / variance).mean() / 2

    def score() -> float:
        return functional.mse_loss(model(x)[:, :1], y).item()

    return Run(model, Adam(model.parameters(), lr=0.01), loss, steps=100, score=score)


def _mixed_precision(seed: int, *, dtype: torch.dtype) -> Run:
    """Targets of up to 200,000, learned with autocast and a gradient scaler; Adam."""
    x, y = data.regression(seed)
    x, y = 100 * x, 50_000 * (y - y.min())
    model = deep_network(2, 32, inputs=8, outputs=1, bias=True, seed=seed)
    rows = data.batches(seed, 128, 32)

    def loss(batch: int) -> Tensor:
        with torch.autocast("cpu", dtype=dtype):
            output = model(x[rows(batch)])
        return functional.mse_loss(output.float(), y[rows(batch)]) / 1e9

    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10)
    return Run(model, Adam(model.parameters(), lr=0.03), loss, steps=100, scaler=scaler)


def _half(seed: int, *, epsilon: float) -> Run:
    """Regression with weights, gradients and optimizer in float16; Adam."""
    x, y = data.regression(seed)
    model = deep_network(2, 32, inputs=8, outputs=1, bias=True, seed=seed).half()
    loss = data.squared_error(model, x.half(), y.half(), data.batches(seed, 128, 32))
    return Run(model, Adam(model.parameters(), lr=0.003, eps=epsilon), loss, steps=80)


KINDS = (
    *pair(
        "log-of-zero",
        _likelihood,
        fault="the logarithm of a probability that has become exactly 0",
        mended="the same loss, from logits",
        change={"by_hand": (True, False)},
    ),
    *pair(
        "softmax-by-hand",
        _softmax,
        fault="a softmax that takes exp of the logits as they are",
        mended="the same softmax, with the largest logit taken off first",
        change={"by_hand": (True, False)},
    ),
    *pair(
        "root-at-zero",
        _distances,
        fault="the square root of a distance that is exactly 0 in one pair: its derivative is infinite",
        mended="the same root, of the squared distance plus 0.001",
        change={"floor": (0.0, 1e-3)},
    ),
    *pair(
        "mean-over-nothing",
        _masked,
        fault="an average over the rows that count, in a batch where none does: 0 / 0",
        mended="the same average, divided by at least 1",
        change={"least": (0.0, 1.0)},
    ),
    *pair(
        "exponential-link-overflows",
        _counting,
        fault="an exponential link on inputs that are 5 times too large",
        mended="the same link on inputs of size 1",
        change={"factor": (5.0, 1.0)},
    ),
    *pair(
        "variance-collapses",
        _spread,
        fault="a learned variance that nothing keeps from being 0, under a squared error",
        mended="the same variance, at least 0.1",
        change={"floor": (0.0, 0.1)},
    ),
    *pair(
        "float16-output-overflows",
        _mixed_precision,
        fault="outputs grow beyond float16's 65,504: the scaler skips every step from there on",
        mended="the same run in bfloat16",
        change={"dtype": (torch.float16, torch.bfloat16)},
    ),
    *pair(
        "float16-epsilon-vanishes",
        _half,
        fault="Adam in float16, where its epsilon and its squared gradients are 0",
        mended="the same Adam with an epsilon that float16 holds",
        change={"epsilon": (1e-8, 1e-3)},
    ),
)
