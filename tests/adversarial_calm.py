"""More healthy kinds made to look like explosions; see `adversarial_healthy`."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import SGD, Adam, RMSprop

from adversarial import clouds, order_of, perceptron, regression, rows_of
from gradlab.randomness import stream
from gradlab.zoo.kinds import Kind, Run


def _scale_free(seed: int) -> Run:
    x, y = clouds(seed)
    model = nn.Sequential(
        nn.Linear(8, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 32, bias=False),
        nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 4),
    )  # fmt: skip
    groups = [{"params": model[:6].parameters(), "lr": 30.0}, {"params": model[6].parameters(), "lr": 0.1}]
    return Run(model, SGD(groups, lr=0.1), lambda b: functional.cross_entropy(model(x), y), 120)


def _density(seed: int) -> Run:
    x, y = regression(seed)
    model = perceptron(8, 32, 2)

    def loss(batch: int) -> Tensor:
        mean, log_scale = model(x).chunk(2, dim=1)
        return ((y - mean) * (-log_scale).exp()).square().mean() / 2 + log_scale.mean()

    def score() -> float:
        return functional.mse_loss(model(x)[:, :1], y).item()

    return Run(model, Adam(model.parameters(), lr=0.01), loss, 250, score=score)


def _quantile(seed: int) -> Run:
    x = rows_of("x", seed, 256, 8)
    own = stream("adversarial tails", seed)
    tails = torch.randn(256, 1, generator=own) / torch.randn(256, 1, generator=own).abs().clamp(min=0.02)
    y, model, rows = 8 * x[:, :1] + tails, perceptron(8, 32, 1), order_of(seed, 256, 8)

    def pinball(k: Tensor | slice) -> Tensor:
        error = y[k] - model(x[k])
        return torch.maximum(0.9 * error, -0.1 * error)

    return Run(
        model, RMSprop(model.parameters(), lr=0.01), lambda b: pinball(rows(b)).mean(), 250,
        score=lambda: pinball(slice(None)).median().item(),
    )  # fmt: skip


def _twenty_steps(seed: int) -> Run:
    x, y = clouds(seed, number=3)
    model, rows = perceptron(8, 64, 3), order_of(seed, 120, 8)

    def score() -> float:
        return functional.cross_entropy(model(x), y).item()

    return Run(
        model, SGD(model.parameters(), lr=0.5), lambda b: functional.cross_entropy(model(x[rows(b)]), y[rows(b)]), 20,
        score=score,
    )  # fmt: skip


def _single_rows(seed: int) -> Run:
    x, y = regression(seed)
    model, rows = perceptron(8, 32, 1), order_of(seed, 128, 1)

    def score() -> float:
        return functional.mse_loss(model(x), y).item()

    return Run(
        model, SGD(model.parameters(), lr=0.02), lambda b: functional.mse_loss(model(x[rows(b)]), y[rows(b)]), 500,
        score=score,
    )  # fmt: skip


def _sharp_edge(seed: int) -> Run:
    x, y = regression(seed, rows=24)
    model = perceptron(8, 32, 32, 1, activation=nn.Tanh)
    return Run(model, SGD(model.parameters(), lr=0.25), lambda b: functional.mse_loss(model(x), y), 500)


def _new_task(seed: int) -> Run:
    x, y = regression(seed)
    model, rows = perceptron(8, 32, 1), order_of(seed, 128, 32)

    def loss(batch: int) -> Tensor:
        k = rows(batch)
        return functional.mse_loss(model(x[k]), y[k] if batch < 100 else 6 * x[k, :1] + 5)

    def score() -> float:
        return functional.mse_loss(model(x), 6 * x[:, :1] + 5).item()

    return Run(model, SGD(model.parameters(), lr=0.03, momentum=0.9), loss, 250, score=score)


def _counts(seed: int) -> Run:
    x = rows_of("x", seed, 128, 6)
    y = (4 + x[:, :1]).exp().round()
    model = nn.Linear(6, 1)

    def score() -> float:
        return (model(x) - 4 - x[:, :1]).square().mean().item()

    return Run(
        model, Adam(model.parameters(), lr=0.05), lambda b: functional.poisson_nll_loss(model(x), y), 150, score=score
    )


def _perfect(seed: int) -> Run:
    x = rows_of("x", seed, 64, 4)
    y, model = x @ rows_of("w", seed, 4, 1), nn.Linear(4, 1)
    return Run(model, Adam(model.parameters(), lr=0.1), lambda b: functional.mse_loss(model(x), y), 500)


def _heavy_ball(seed: int) -> Run:
    x, y = regression(seed)
    model = perceptron(8, 32, 1)
    return Run(
        model, SGD(model.parameters(), lr=0.02, momentum=0.98), lambda b: functional.mse_loss(model(x), 5 * y), 300
    )


def _stronger_attack(seed: int) -> Run:
    x, y = clouds(seed)
    model, rows = perceptron(8, 48, 4), order_of(seed, 120, 40)

    def loss(batch: int) -> Tensor:
        inputs = x[rows(batch)].clone().requires_grad_()
        (slope,) = torch.autograd.grad(functional.cross_entropy(model(inputs), y[rows(batch)]), inputs)
        return functional.cross_entropy(model(inputs.detach() + min(batch / 100, 0.9) * slope.sign()), y[rows(batch)])

    def score() -> float:
        return functional.cross_entropy(model(x), y).item()

    return Run(model, Adam(model.parameters(), lr=0.02), loss, 200, score=score)


def _returns(seed: int) -> Run:
    own, model = stream("adversarial returns", seed), perceptron(2, 24, 4)
    worth = torch.tensor([0.0, 20.0, -30.0, 100.0])

    def loss(batch: int) -> Tensor:
        state = torch.randn(64, 2, generator=own)
        p = model(state).log_softmax(dim=1)
        action = torch.multinomial(p.exp().detach(), 1, generator=own)
        reward = worth[action] + 10 * torch.randn(64, 1, generator=own)
        return -(p.gather(1, action) * (reward - reward.mean())).mean()

    def score() -> float:
        p = model(rows_of("states", seed, 256, 2)).softmax(dim=1)
        return 100 - (p @ worth).mean().item()

    return Run(model, Adam(model.parameters(), lr=0.01), loss, 200, score=score)


def _energies(seed: int) -> Run:
    own, x = stream("adversarial energies", seed), rows_of("real", seed, 128, 2) * 0.3
    model = perceptron(2, 32, 1, activation=nn.SiLU)

    def loss(batch: int) -> Tensor:
        away = 2 * torch.randn(128, 2, generator=own)
        low, high = model(x), model(away)
        return (low - high).mean() + 0.1 * (low.square() + high.square()).mean()

    def score() -> float:
        return (model(x).mean() - model(2 * rows_of("probe", seed, 128, 2)).mean()).exp().item()

    return Run(model, Adam(model.parameters(), lr=0.01), loss, 150, score=score)


def _starts_solved(seed: int) -> Run:
    x, y = regression(seed)
    model = perceptron(8, 32, 1)
    start = model(x).detach()

    def loss(batch: int) -> Tensor:
        share = min(batch / 60, 1.0)
        return functional.mse_loss(model(x), (1 - share) * start + share * y)

    def score() -> float:
        return functional.mse_loss(model(x), y).item()

    return Run(model, Adam(model.parameters(), lr=0.01), loss, 250, score=score)


def _mixture(seed: int) -> Run:
    x = torch.cat([rows_of("left", seed, 64, 2) * 0.2 - 6, rows_of("right", seed, 64, 2) * 0.2 + 6])
    model = nn.ParameterDict({"means": rows_of("means", seed, 4, 2), "scales": torch.zeros(4)})

    def loss(batch: int) -> Tensor:
        squares = (x[:, None] - model["means"]).square().sum(dim=2) * (-2 * model["scales"]).exp()
        return -(-squares / 2 - 2 * model["scales"]).logsumexp(dim=1).mean()

    def score() -> float:
        return torch.cdist(x, model["means"]).min(dim=1).values.mean().item()

    return Run(model, Adam(model.parameters(), lr=0.1), loss, 250, score=score)


def _self_taught(seed: int) -> Run:
    x = rows_of("x", seed, 128, 8)
    model, teacher = perceptron(8, 32, 4), perceptron(8, 32, 4)
    teacher.load_state_dict(model.state_dict())
    drift = 4 * x[:, :4]

    def loss(batch: int) -> Tensor:
        with torch.no_grad():
            for ours, theirs in zip(model.parameters(), teacher.parameters(), strict=True):
                theirs.lerp_(ours, 0.1)
            target = 0.7 * teacher(x) + 0.3 * drift
        return functional.mse_loss(model(x), target)

    def score() -> float:
        return functional.mse_loss(model(x), drift).item()

    return Run(model, Adam(model.parameters(), lr=0.01), loss, 200, score=score)


KINDS = tuple(
    Kind(f"{name}-healthy", "healthy", fault, build)
    for name, build, fault in (
        ("scale-free", _scale_free, "weights before a batch normalization at a rate of 30: they grow until it fits"),
        ("density", _density, "a log-likelihood that turns negative, as it may"),
        ("quantile", _quantile, "quantiles of targets with tails that have no mean, batches of 8"),
        ("twenty-steps", _twenty_steps, "twenty steps, batches of 8"),
        ("single-rows", _single_rows, "500 batches of one row"),
        ("sharp-edge", _sharp_edge, "500 steps of full-batch descent at the border of stability"),
        ("new-task", _new_task, "other targets, ten times larger, from step 100 on"),
        ("counts", _counts, "counts in the hundreds and an exponential link: a loss in the negative thousands"),
        ("perfect", _perfect, "Adam at a high rate around a perfect fit: the loss leaps by powers of ten close to 0"),
        ("heavy-ball", _heavy_ball, "momentum 0.98: the loss swings far up on its way down"),
        ("stronger-attack", _stronger_attack, "inputs moved against the network, further at each step"),
        ("returns", _returns, "returns in the hundreds without a critic: a loss of either sign"),
        ("energies", _energies, "energies of data pushed down and of noise pushed up"),
        (
            "starts-solved",
            _starts_solved,
            "targets that move from what the network says at first to others: a loss that must rise",
        ),
        ("mixture", _mixture, "a mixture of Gaussians whose centres are far away at first"),
        ("self-taught", _self_taught, "a network that learns from its own moving average"),
    )
)
