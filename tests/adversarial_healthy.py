"""Healthy kinds made to look like explosions: losses that leap, rise or start at 0, and steps larger than weights."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import SGD, Adagrad, Adam, AdamW

from adversarial import clouds, order_of, perceptron, regression, rows_of
from adversarial_models import Adapted, Encoder, Factors, Hyper
from gradlab.randomness import stream
from gradlab.zoo.kinds import Kind, Run


def _generator(seed: int) -> Run:
    own, real = stream("adversarial gan", seed), rows_of("real", seed, 256, 2) * 0.3 + 2.0
    model, critic = perceptron(4, 24, 2), perceptron(2, 24, 1)
    against = Adam(critic.parameters(), lr=0.01, betas=(0.5, 0.99))
    rows, probe = order_of(seed, 256, 32), rows_of("probe", seed, 256, 4)

    def loss(batch: int) -> Tensor:
        fake = model(torch.randn(32, 4, generator=own))
        against.zero_grad()
        both = (
            functional.softplus(-critic(real[rows(batch)])).mean() + functional.softplus(critic(fake.detach())).mean()
        )
        both.backward()
        against.step()
        return functional.softplus(-critic(fake)).mean()

    def score() -> float:
        return (model(probe).mean(0) - real.mean(0)).norm().item()

    return Run(model, Adam(model.parameters(), lr=0.005, betas=(0.5, 0.99)), loss, 250, score=score)


def _critic(seed: int) -> Run:
    own, x = stream("adversarial critic", seed), rows_of("real", seed, 256, 2)
    model = perceptron(2, 32, 1, activation=nn.Softplus)

    def gap(a: Tensor, b: Tensor) -> Tensor:
        return model(b).mean() - model(a).mean()

    def loss(batch: int) -> Tensor:
        a, b = x[:64], 1.5 + 0.5 * torch.randn(64, 2, generator=own)
        mixed = (torch.rand(64, 1, generator=own) * (a - b) + b).requires_grad_()
        (slope,) = torch.autograd.grad(model(mixed).sum(), mixed, create_graph=True)
        return gap(a, b) + 10 * (slope.norm(dim=1) - 1).square().mean()

    probe = 1.5 + 0.5 * rows_of("probe", seed, 256, 2)
    return Run(model, Adam(model.parameters(), lr=0.01), loss, 150, score=lambda: gap(x, probe).item() + 3)


def _late_reward(seed: int) -> Run:
    own, model = stream("adversarial actions", seed), perceptron(1, 16, 30)
    state = torch.ones(64, 1)

    def loss(batch: int) -> Tensor:
        p = model(state).log_softmax(dim=1)
        actions = torch.multinomial(p.exp().detach(), 1, generator=own)
        reward = (actions == 7).float() * 5.0
        return -(p.gather(1, actions) * reward).mean()

    def score() -> float:
        return 1 - model(state[:1]).softmax(dim=1)[0, 7].item()

    return Run(model, Adam(model.parameters(), lr=0.01), loss, 250, score=score)


def _values(seed: int) -> Run:
    model, aim = nn.Linear(12, 1, bias=False), torch.eye(12)
    nn.init.normal_(model.weight, std=1e-3)
    truth = 0.9 ** torch.arange(11, -1, -1.0)[:, None]
    frozen = [torch.zeros(12, 1)]

    def loss(batch: int) -> Tensor:
        if batch % 10 == 0:
            frozen[0] = model(aim).detach()
        target = torch.cat([0.9 * frozen[0][1:], torch.ones(1, 1)]) if batch >= 20 else torch.zeros(12, 1)
        return functional.mse_loss(model(aim), target)

    def score() -> float:
        return functional.mse_loss(model(aim), truth).item()

    return Run(model, Adam(model.parameters(), lr=0.05), loss, 300, score=score)


def _harder_scales(seed: int) -> Run:
    x, y = regression(seed)
    model, rows = perceptron(8, 32, 1), order_of(seed, 128, 32)

    def loss(batch: int) -> Tensor:
        return functional.mse_loss(model(x[rows(batch)]), y[rows(batch)] * 4.0 ** (batch // 60))

    def score() -> float:
        return functional.mse_loss(model(x), 16 * y).item()

    return Run(model, Adam(model.parameters(), lr=0.02), loss, 180, score=score)


def _longer_sequences(seed: int) -> Run:
    x = rows_of("sequences", seed, 48, 40, 1)
    cell, head = nn.GRU(1, 24, batch_first=True), nn.Linear(24, 1)
    both = nn.ModuleList([cell, head])

    def error(length: int) -> Tensor:
        return functional.mse_loss(head(cell(x[:, :length])[0][:, -1]), x[:, :length].sum(dim=1))

    def loss(batch: int) -> Tensor:
        return error(min(2 + batch // 4, 40))

    return Run(both, Adam(both.parameters(), lr=0.01), loss, 170, score=lambda: error(40).item())


def _restarts(seed: int) -> Run:
    x, y = clouds(seed)
    model, rows = perceptron(8, 32, 32, 4), order_of(seed, 120, 24)
    return Run(
        model,
        SGD(model.parameters(), lr=0.15, momentum=0.9),
        lambda b: functional.cross_entropy(model(x[rows(b)]), y[rows(b)]),
        240,
        schedule=lambda step: 0.5 + 0.499 * math.cos(math.pi * (step % 60) / 60),
    )


def _catapult(seed: int) -> Run:
    model, x = Factors(256), torch.tensor([[1.0], [0.5]])
    curvature = (model.a.square().sum() + model.b.square().sum()).item() / 256 * 1.25
    return Run(model, SGD(model.parameters(), lr=2.8 / curvature), lambda b: model(x).square().mean(), 120)


def _catapult_deep(seed: int) -> Run:
    x, y = regression(seed, rows=16)
    model = nn.Sequential(nn.Linear(8, 256), nn.ReLU(), nn.Linear(256, 1))
    return Run(model, SGD(model.parameters(), lr=0.13), lambda b: functional.mse_loss(model(x), y), 150)


def _healing_line(seed: int) -> Run:
    x = rows_of("x", seed, 256, 8)
    y, model, rows = 3 * x @ rows_of("w", seed, 8, 1), nn.Linear(8, 1), order_of(seed, 256, 32)

    def loss(batch: int) -> Tensor:
        k = rows(batch)
        return functional.mse_loss(model(x[k]), y[k] + 500.0 * (batch == 70))

    return Run(model, SGD(model.parameters(), lr=0.1), loss, 160)


def _healing_network(seed: int) -> Run:
    x, y = regression(seed)
    model = nn.Sequential(nn.Linear(8, 48), nn.LayerNorm(48), nn.Tanh(), nn.Linear(48, 1))
    rows = order_of(seed, 128, 32)

    def loss(batch: int) -> Tensor:
        k = rows(batch)
        return functional.mse_loss(model(x[k]), y[k] * (150.0 if batch == 60 else 1.0))

    return Run(model, SGD(model.parameters(), lr=0.01), loss, 300)


def _contrast(seed: int) -> Run:
    x = rows_of("views", seed, 64, 12)
    model = nn.ModuleDict({"net": perceptron(12, 48, 16)})
    model.register_parameter("temperature", nn.Parameter(torch.tensor(0.0)))
    own = stream("adversarial views", seed)

    def loss(batch: int) -> Tensor:
        a, b = (functional.normalize(model.net(x + 0.3 * torch.randn(64, 12, generator=own)), dim=1) for _ in "ab")
        return functional.cross_entropy(a @ b.T * model.temperature.exp(), torch.arange(64))

    return Run(model, SGD(model.parameters(), lr=0.2, momentum=0.9), loss, 150)


def _annealed_divergence(seed: int) -> Run:
    x = rows_of("codes", seed, 128, 3) @ rows_of("mixing", seed, 3, 12) * 2
    model, own, probe = Encoder(), stream("adversarial codes", seed), rows_of("probe", seed, 128, 4)

    def loss(batch: int) -> Tensor:
        fit, divergence = model.parts(x, torch.randn(128, 4, generator=own))
        return fit + divergence * min(max((batch - 80) / 40, 0.0), 1.0) * 2

    return Run(model, Adam(model.parameters(), lr=0.01), loss, 240, score=lambda: sum(model.parts(x, probe)).item())


def _summed(seed: int) -> Run:
    x, y = regression(seed, rows=512)
    model = perceptron(8, 32, 1, activation=nn.SiLU)
    return Run(
        model, SGD(model.parameters(), lr=1e-5), lambda b: functional.mse_loss(model(x), 30 * y, reduction="sum"), 60
    )


def _zero_head(seed: int) -> Run:
    x, y = clouds(seed)
    model = perceptron(8, 64, 64, 4)
    nn.init.zeros_(model[-1].weight)
    nn.init.zeros_(model[-1].bias)
    return Run(
        model, SGD(model.parameters(), lr=0.5, momentum=0.9), lambda b: functional.cross_entropy(model(x), y), 60
    )


def _rare_words(seed: int) -> Run:
    own = stream("adversarial words", seed)
    words = (torch.rand(400, 6, generator=own).square() * 60).long()
    table = torch.randn(60, 1, generator=own)
    y, model = table[words].sum(dim=1), nn.Sequential(nn.EmbeddingBag(60, 16, mode="sum"), nn.Linear(16, 1))
    nn.init.normal_(model[0].weight, std=0.01)
    rows = order_of(seed, 400, 8)
    return Run(
        model,
        Adagrad(model.parameters(), lr=0.5),
        lambda b: functional.mse_loss(model(words[rows(b)]), y[rows(b)]),
        200,
    )


def _adapter(seed: int) -> Run:
    x, model = rows_of("x", seed, 128, 16), Adapted(8.0)
    y = model.base(x).detach() + x @ rows_of("left", seed, 16, 1) @ rows_of("right", seed, 1, 16)
    return Run(
        model,
        AdamW([p for p in model.parameters() if p.requires_grad], lr=0.05),
        lambda b: functional.mse_loss(model(x), y),
        120,
    )


def _hypernetwork(seed: int) -> Run:
    x, y = regression(seed)
    model, rows = Hyper(), order_of(seed, 128, 32)
    return Run(
        model, Adam(model.parameters(), lr=0.02), lambda b: functional.mse_loss(model(x[rows(b)]), y[rows(b)]), 150
    )


KINDS = tuple(
    Kind(f"{name}-healthy", "healthy", fault, build)
    for name, build, fault in (
        ("generator", _generator, "the generator of a pair that plays against each other: its loss rises as it learns"),
        ("critic", _critic, "a critic under a penalty on its slope: its loss turns negative"),
        ("late-reward", _late_reward, "a policy that is rarely rewarded at first: its loss starts near 0 and rises"),
        ("values", _values, "values learned from their own predictions, after 20 steps without any reward"),
        ("harder-scales", _harder_scales, "targets that grow fourfold, twice"),
        ("longer-sequences", _longer_sequences, "sums over sequences that become longer and longer"),
        ("restarts", _restarts, "a cosine schedule that restarts three times"),
        (
            "catapult",
            _catapult,
            "a product of vectors at a rate beyond 2 / curvature: the loss leaps and lands in a flatter place",
        ),
        ("catapult-deep", _catapult_deep, "a wide ReLU network at a rate beyond 2 / curvature"),
        (
            "healing-line",
            _healing_line,
            "a linear model that one batch of absurd targets throws far off, and that comes back",
        ),
        ("healing-network", _healing_network, "a normalised network that one batch of absurd targets throws off"),
        ("contrast", _contrast, "pairs of views told apart, with a learned temperature"),
        ("annealed-divergence", _annealed_divergence, "an autoencoder whose divergence term sets in at step 80"),
        ("summed", _summed, "a loss summed over 512 rows, targets of 30, and a rate to match"),
        ("zero-head", _zero_head, "an output layer that starts at zero, with momentum"),
        ("rare-words", _rare_words, "embeddings that start at a hundredth, Adagrad, batches of 8"),
        ("adapter", _adapter, "a low-rank correction that starts at zero, beside frozen weights"),
        ("hypernetwork", _hypernetwork, "a network that makes the weights of another"),
    )
)
