"""Runs that explode because of what they are fed, and runs whose loss or partner pushes them away."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import SGD, Adam

from gradlab.networks import deep_network
from gradlab.randomness import stream
from gradlab.tasks import measurements
from gradlab.zoo import data
from gradlab.zoo.architectures import Reversal, leaky
from gradlab.zoo.kinds import Run, pair


def _patients(seed: int, *, standardised: bool) -> Run:
    """How diabetes went on, from ten measurements; SGD."""
    task = measurements("diabetes", standardised=standardised, seed=seed)
    model = deep_network(2, 32, inputs=10, outputs=1, bias=True, seed=seed)
    loss = data.squared_error(model, task.x, task.y, data.batches(seed, len(task.x), 32))
    return Run(model, SGD(model.parameters(), lr=0.02), loss, steps=100)


def _targets(seed: int, *, factor: float) -> Run:
    """Regression, the targets in another unit; SGD."""
    x, y = data.regression(seed)
    model = leaky(3)
    loss = data.squared_error(model, x, factor * y, data.batches(seed, 128, 32))
    return Run(model, SGD(model.parameters(), lr=0.02), loss, steps=100)


def _with_outlier(seed: int, *, factor: float, max_norm: float | None = None) -> Run:
    """Regression in which the inputs of one batch are multiplied by a factor; SGD, perhaps with clipping."""
    x, y = data.regression(seed)
    model = leaky(3)
    rows = data.batches(seed, 128, 32)

    def loss(batch: int) -> Tensor:
        inputs = x[rows(batch)] * (factor if batch == 50 else 1.0)
        return functional.mse_loss(model(inputs), y[rows(batch)])

    return Run(model, SGD(model.parameters(), lr=0.02), loss, steps=100, max_norm=max_norm)


def _with_label(seed: int, *, value: float | None) -> Run:
    """Regression in which one of 256 targets is replaced by a value; Adam."""
    x, y = data.regression(seed, rows=256)
    rows = data.batches(seed, 256, 8)
    if value is not None:
        y[rows(20)[0]] = value
    model = deep_network(2, 32, inputs=8, outputs=1, bias=True, seed=seed)
    return Run(model, Adam(model.parameters(), lr=0.01), data.squared_error(model, x, y, rows), steps=100)


def _with_code(seed: int, *, code: float) -> Run:
    """Regression in which one in fifty inputs is missing, and is given as a code instead; SGD with momentum."""
    x, y = data.regression(seed)
    x[torch.rand(x.shape, generator=stream("missing inputs of the zoo", seed)) < 0.02] = code
    model = deep_network(2, 32, inputs=8, outputs=1, bias=True, seed=seed)
    optimizer = SGD(model.parameters(), lr=0.01, momentum=0.9)
    return Run(model, optimizer, data.squared_error(model, x, y, data.batches(seed, 128, 16)), steps=100)


def _against_adversary(seed: int, *, strength: float) -> Run:
    """Regression on features that a reversed gradient makes useless for a second task; SGD."""
    x, y = data.regression(seed)
    body = deep_network(2, 32, inputs=8, bias=True, seed=seed)
    model = nn.ModuleDict({"body": body, "head": nn.Linear(32, 1), "critic": nn.Linear(32, 1)})
    rows, other = data.batches(seed, 128, 32), x[:, :1]

    def loss(batch: int) -> Tensor:
        h = model["body"](x[rows(batch)])
        guess = model["critic"](Reversal.apply(h, strength))
        return functional.mse_loss(model["head"](h), y[rows(batch)]) + functional.mse_loss(guess, other[rows(batch)])

    return Run(model, SGD(model.parameters(), lr=0.03), loss, steps=120)


def _bootstrapped(seed: int, *, discount: float) -> Run:
    """Values of states learned from one's own estimate of the next state's, as in Q-learning; SGD.

    The next states are twice the states: where the estimate is linear it is twice as large, and the target runs
    away faster than the estimate follows once the discount is beyond one half.
    """
    own = stream("states of the zoo", seed)
    states = torch.randn(128, 8, generator=own)
    rewards = torch.randn(128, 1, generator=own) * 0.1 + states @ torch.randn(8, 1, generator=own) / 8**0.5
    model = deep_network(2, 32, inputs=8, outputs=1, seed=seed)
    rows = data.batches(seed, 128, 32)

    def loss(batch: int) -> Tensor:
        now = states[rows(batch)]
        target = rewards[rows(batch)] + discount * model(2 * now).detach()
        return functional.mse_loss(model(now), target)

    return Run(model, SGD(model.parameters(), lr=0.05), loss, steps=120)


def _ascending(seed: int, *, sign: float) -> Run:
    """Regression by a likelihood, with the sign of the loss; SGD."""
    x, y = data.regression(seed)
    model = deep_network(2, 32, inputs=8, outputs=1, bias=True, seed=seed)
    rows = data.batches(seed, 128, 32)
    fit = data.squared_error(model, x, y, rows)
    return Run(model, SGD(model.parameters(), lr=0.02), lambda batch: sign * fit(batch), steps=100)


KINDS = (
    *pair(
        "inputs-unscaled",
        _patients,
        fault="inputs in the units of the laboratory, some of them in the hundreds",
        mended="the same inputs, standardised",
        change={"standardised": (False, True)},
    ),
    *pair(
        "targets-unscaled",
        _targets,
        fault="targets in the thousands, at a rate made for targets of size 1",
        mended="the same targets in units of a thousand",
        change={"factor": (1000.0, 1.0)},
    ),
    *pair(
        "outlier-batch",
        _with_outlier,
        fault="one batch, at step 50, whose inputs are 100 times too large",
        mended="the same batch as it should be",
        change={"factor": (100.0, 1.0)},
    ),
    *pair(
        "clipping-too-loose",
        _with_outlier,
        fault="clipping at a norm of a million, which lets through the gradient of an outlier at step 50",
        mended="clipping at a norm of 1, which takes the same outlier",
        change={"max_norm": (1e6, 1.0)},
        factor=30.0,
    ),
    *pair(
        "label-is-nan",
        _with_label,
        fault="one of 256 targets is NaN, and comes up at step 20",
        mended="the same targets without it",
        change={"value": (float("nan"), None)},
    ),
    *pair(
        "missing-value-code",
        _with_code,
        fault="missing inputs given as -999",
        mended="missing inputs given as 0",
        change={"code": (-999.0, 0.0)},
    ),
    *pair(
        "adversary-too-strong",
        _against_adversary,
        fault="a gradient reversed with 30 times the strength of the task's: body and critic drive each other outwards",
        mended="the same reversal at a tenth of the task's strength",
        change={"strength": (30.0, 0.1)},
    ),
    *pair(
        "bootstrap-runs-away",
        _bootstrapped,
        fault="targets made from one's own estimates, which grow faster than they can be met",
        mended="the same targets with a discount of 0.2",
        change={"discount": (0.95, 0.2)},
    ),
    *pair(
        "loss-of-wrong-sign",
        _ascending,
        fault="the log-likelihood is minimised instead of its negative",
        mended="the negative log-likelihood",
        change={"sign": (-1.0, 1.0)},
    ),
)
