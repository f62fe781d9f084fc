"""Healthy runs that look ill for their scales, their tasks or how they start. Each ends well, which is what counts."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import SGD, Adam, SparseAdam

from gradlab.networks import deep_network
from gradlab.randomness import stream
from gradlab.zoo import data
from gradlab.zoo.architectures import Dropout, leaky
from gradlab.zoo.kinds import Kind, Run


def _summed(seed: int) -> Run:
    x, y = data.regression(seed, rows=2048)
    model = leaky(2)
    optimizer = SGD(model.parameters(), lr=0.05 / 2048)
    return Run(model, optimizer, lambda batch: functional.mse_loss(model(x), y, reduction="sum"), steps=80)


def _large_targets(seed: int) -> Run:
    x, y = data.regression(seed)
    model = nn.Linear(8, 1)
    loss = data.squared_error(model, x, 5000 * y, data.batches(seed, 128, 32))
    return Run(model, SGD(model.parameters(), lr=0.05), loss, steps=100)


def _pairs(seed: int) -> Run:
    x, y = data.regression(seed, noise=0.3)
    model = leaky(2)
    loss = data.squared_error(model, x, y, data.batches(seed, 128, 2))
    whole = data.squared_error(model, x, y)
    return Run(model, SGD(model.parameters(), lr=0.01), loss, steps=120, score=lambda: whole(0).item())


def _exact(seed: int) -> Run:
    own = stream("exact targets of the zoo", seed)
    x = torch.randn(128, 4, generator=own)
    model = nn.Linear(4, 1)
    y = x @ torch.randn(4, 1, generator=own)
    return Run(model, SGD(model.parameters(), lr=0.15), data.squared_error(model, x, y), steps=120)


def _separable(seed: int) -> Run:
    x, y = data.classes(seed, number=2, spread=0.3)
    model = nn.Linear(8, 2)
    return Run(model, SGD(model.parameters(), lr=2.0), data.cross_entropy(model, x, y), steps=120)


def _overflowing_scale(seed: int) -> Run:
    x, y = data.regression(seed)
    model = leaky(2)
    rows = data.batches(seed, 128, 32)

    def loss(batch: int) -> Tensor:
        with torch.autocast("cpu", dtype=torch.float16):
            output = model(x[rows(batch)])
        return functional.mse_loss(output.float(), y[rows(batch)])

    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**24, growth_interval=20)
    return Run(model, Adam(model.parameters(), lr=0.01), loss, steps=100, scaler=scaler)


def _zero_head(seed: int) -> Run:
    x, y = data.classes(seed)
    model = deep_network(3, 32, inputs=8, outputs=4, bias=True, seed=seed)
    for parameter in model[-1].parameters():
        nn.init.zeros_(parameter)
    loss = data.cross_entropy(model, x, y, data.batches(seed, 128, 32))
    return Run(model, SGD(model.parameters(), lr=0.02, momentum=0.9), loss, steps=80)


def _bad_batch(seed: int) -> Run:
    x, y = data.regression(seed)
    model = leaky(2)
    rows = data.batches(seed, 128, 32)

    def loss(batch: int) -> Tensor:
        target = y[rows(batch)] * (-20.0 if batch == 40 else 1.0)
        return functional.mse_loss(model(x[rows(batch)]), target)

    return Run(model, Adam(model.parameters(), lr=0.01), loss, steps=120)


def _annealed(seed: int) -> Run:
    x, _ = data.regression(seed, inputs=8)
    own = stream("codes of the zoo", seed)
    encode, decode = nn.Linear(8, 8), nn.Linear(4, 8)
    model = nn.ModuleList([encode, decode])
    nn.init.zeros_(decode.weight)
    with torch.no_grad():
        encode.weight.mul_(2.0)

    def parts() -> tuple[Tensor, Tensor]:
        mean, spread = encode(x).chunk(2, dim=1)
        code = mean + spread.mul(0.5).exp() * torch.randn(mean.shape, generator=own)
        divergence = (mean.square() + spread.exp() - 1 - spread).sum(dim=1).mean() / 2
        return functional.mse_loss(decode(code), x), divergence

    def loss(batch: int) -> Tensor:
        error, divergence = parts()
        return error + 0.5 * min(1.0, batch / 100) * divergence

    return Run(model, Adam(model.parameters(), lr=0.003), loss, steps=120, score=lambda: parts()[1].item())


def _noisy_labels(seed: int) -> Run:
    x, y = data.classes(seed, rows=256, spread=0.5)
    own = stream("wrong labels of the zoo", seed)
    y = torch.where(torch.rand(256, generator=own) < 0.3, torch.randint(4, (256,), generator=own), y)
    model = deep_network(2, 32, inputs=8, outputs=4, bias=True, seed=seed)
    loss = data.cross_entropy(model, x, y, data.batches(seed, 256, 16))
    return Run(model, Adam(model.parameters(), lr=0.003), loss, steps=120)


def _dropout(seed: int) -> Run:
    x, y = data.classes(seed)
    drop = Dropout(0.7, stream("dropout of the zoo", seed))
    model = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), drop, nn.Linear(64, 64), nn.ReLU(), drop, nn.Linear(64, 4))
    loss = data.cross_entropy(model, x, y, data.batches(seed, 128, 16))
    return Run(model, Adam(model.parameters(), lr=0.01), loss, steps=120)


def _rare_words(seed: int) -> Run:
    own = stream("rare words of the zoo", seed)
    often = 1 / torch.arange(1.0, 201.0)
    x = torch.multinomial(often, 128 * 5, replacement=True, generator=own).view(128, 5)
    worth = torch.randn(200, 1, generator=own)
    y = worth[x].sum(dim=1)
    model = nn.EmbeddingBag(200, 1, mode="sum", sparse=True)
    optimizer = SparseAdam(model.parameters(), lr=0.1)
    return Run(model, optimizer, data.squared_error(model, x, y, data.batches(seed, 128, 32)), steps=100)


def _bandit(seed: int) -> Run:
    own = stream("bandit of the zoo", seed)
    contexts = torch.randn(64, 6, generator=own)
    worth = contexts @ torch.randn(6, 3, generator=own)
    model = deep_network(1, 32, inputs=6, outputs=3, bias=True, seed=seed)

    def loss(batch: int) -> Tensor:
        choice = torch.distributions.Categorical(logits=model(contexts))
        arm = torch.multinomial(choice.probs, 1, generator=own)[:, 0]
        reward = worth[torch.arange(64), arm] + 3 * torch.randn(64, generator=own)
        return -(reward * choice.log_prob(arm)).mean()

    def regret() -> float:
        choice = model(contexts).softmax(dim=1)
        return (worth.max(dim=1).values - (choice * worth).sum(dim=1)).mean().item()

    return Run(model, Adam(model.parameters(), lr=0.01), loss, steps=120, score=regret)


def _new_task(seed: int) -> Run:
    x, y = data.regression(seed)
    z = data.regression(seed + 1000)[1] * 3
    model = leaky(2)

    def loss(batch: int) -> Tensor:
        return functional.mse_loss(model(x), y if batch < 50 else z)

    return Run(model, Adam(model.parameters(), lr=0.01), loss, steps=120)


def _heavy_tails(seed: int) -> Run:
    x, y = data.regression(seed, rows=256)
    own = stream("heavy tails of the zoo", seed)
    noise = torch.randn(256, 1, generator=own) / torch.randn(256, 1, generator=own).abs().clamp(min=0.02)
    model = leaky(2)
    rows, target = data.batches(seed, 256, 8), y + 0.3 * noise

    def score() -> float:
        return functional.mse_loss(model(x), y).item()

    loss = data.squared_error(model, x, target, rows)
    return Run(model, Adam(model.parameters(), lr=0.003), loss, steps=120, score=score)


KINDS = tuple(
    Kind(name, "healthy", fault, build)
    for name, build, fault in (
        ("summed-loss", _summed, "a loss summed over 2048 rows, in the thousands, with a rate to match"),
        (
            "targets-in-thousands",
            _large_targets,
            "targets in the thousands and a loss in the millions, which a linear map can bear",
        ),
        ("batches-of-two", _pairs, "batches of two rows, so that the loss jumps by factors from step to step"),
        ("exact-fit", _exact, "a loss that falls to the limits of float32 and flickers there"),
        ("separable-classes", _separable, "classes that a line separates: the weights grow for ever, the loss falls"),
        (
            "scale-starts-too-high",
            _overflowing_scale,
            "a gradient scale that starts too high: the first steps are inf, and are skipped",
        ),
        ("zero-head", _zero_head, "an output layer that starts at zero: updates infinitely large beside the weights"),
        ("bad-batch-recovers", _bad_batch, "one batch with absurd targets at step 40, forgotten soon after"),
        (
            "annealed-penalty",
            _annealed,
            "a variational autoencoder whose penalty is faded in, so that its loss rises while it learns",
        ),
        ("noisy-labels", _noisy_labels, "three labels in ten drawn at random"),
        ("heavy-dropout", _dropout, "dropout of 70 % twice, and the noise that comes with it"),
        ("rare-words", _rare_words, "embeddings with sparse gradients, most of them zero at any one step"),
        ("noisy-rewards", _bandit, "a policy gradient without a baseline: the loss says nothing, the policy improves"),
        ("new-task-halfway", _new_task, "another task, with larger targets, from step 50 on"),
        ("heavy-tailed-noise", _heavy_tails, "targets with rare errors a hundred times the usual size"),
    )
)
