"""Runs that explode because of how the network was drawn or wired, each beside one that is drawn or wired well."""

from __future__ import annotations

from torch import nn
from torch.optim import SGD

from gradlab.networks import deep_network
from gradlab.zoo import data
from gradlab.zoo.architectures import Residual, Transformer, convolutions
from gradlab.zoo.kinds import Run, pair


def _deep(seed: int, *, activation: str, depth: int, gain: float, rate: float, init: str = "he") -> Run:
    """Regression with a deep network; SGD."""
    x, y = data.regression(seed)
    model = deep_network(depth, 32, inputs=8, outputs=1, activation=activation, init=init, gain=gain, seed=seed)
    rows = data.batches(seed, 128, 32)
    return Run(model, SGD(model.parameters(), lr=rate), data.squared_error(model, x, y, rows), steps=100)


def _residual(seed: int, *, scale: float) -> Run:
    """Regression with 16 residual blocks; SGD."""
    x, y = data.regression(seed)
    model = Residual(8, 32, 16, scale=scale)
    rows = data.batches(seed, 128, 32)
    return Run(model, SGD(model.parameters(), lr=0.01), data.squared_error(model, x, y, rows), steps=80)


def _transformer(seed: int, *, norm: bool) -> Run:
    """A language model of two blocks; SGD with momentum."""
    x, y = data.tokens(seed)
    model = Transformer(12, 24, 2, norm=norm)
    optimizer = SGD(model.parameters(), lr=0.6, momentum=0.9)
    return Run(model, optimizer, data.cross_entropy(model, x, y, data.batches(seed, 32, 16)), steps=60)


def _images(seed: int, *, gain: float) -> Run:
    """Whether a bar stands or lies, as a number that four convolutions predict; SGD with momentum."""
    x, y = data.images(seed)
    model = convolutions(4, 8, 1, gain=gain)
    optimizer = SGD(model.parameters(), lr=0.01, momentum=0.9)
    loss = data.squared_error(model, x, 2.0 * y[:, None] - 1, data.batches(seed, 64, 16))
    return Run(model, optimizer, loss, steps=80)


def _embedding(seed: int, *, spread: float) -> Run:
    """The sum of the embeddings of ten words, classified by a small network; SGD."""
    x, y = data.tokens(seed, rows=64)
    words = nn.EmbeddingBag(12, 16, mode="sum")
    nn.init.normal_(words.weight, std=spread)
    model = nn.Sequential(words, deep_network(2, 32, inputs=16, outputs=1, bias=True, seed=seed))
    target = (y[:, -1:] - 5.5) / 3.5
    return Run(model, SGD(model.parameters(), lr=0.01), data.squared_error(model, x, target), steps=100)


def _fine_tuned(seed: int, *, spread: float) -> Run:
    """A new head on a network; Adam."""
    x, y = data.regression(seed)
    body = deep_network(4, 32, inputs=8, bias=True, seed=seed)
    head = nn.Linear(32, 1)
    nn.init.normal_(head.weight, std=spread)
    model = nn.Sequential(body, head)
    return Run(model, SGD(model.parameters(), lr=0.01), data.squared_error(model, x, y), steps=100)


KINDS = (
    *pair(
        "relu-weights-too-large",
        _deep,
        fault="12 ReLU layers whose weights were drawn 1.33 times too large",
        mended="12 ReLU layers with He's weights",
        change={"gain": (1.35, 1.0)},
        activation="relu",
        depth=12,
        rate=0.01,
    ),
    *pair(
        "tanh-weights-too-large",
        _deep,
        fault="12 tanh layers whose weights were drawn 8 times too large: saturated units, and a head that diverges",
        mended="12 tanh layers with LeCun's weights",
        change={"gain": (8.0, 1.0)},
        activation="tanh",
        init="lecun",
        depth=12,
        rate=0.13,
    ),
    *pair(
        "standard-normal-weights",
        _deep,
        fault="weights drawn from a standard normal distribution, whatever the width",
        mended="the same network with weights of variance 2 / fan_in",
        change={"init": ("standard", "he")},
        activation="relu",
        gain=1.0,
        depth=5,
        rate=0.01,
    ),
    *pair(
        "residual-branches-unscaled",
        _residual,
        fault="16 residual blocks without normalization, each adding a branch as large as its input",
        mended="16 residual blocks, each branch divided by 4",
        change={"scale": (1.0, 0.25)},
    ),
    *pair(
        "transformer-without-norm",
        _transformer,
        fault="a transformer from which the normalization was left out",
        mended="the same transformer, each part normalised first",
        change={"norm": (False, True)},
    ),
    *pair(
        "convolution-weights-too-large",
        _images,
        fault="four convolutions whose weights were drawn 5 times too large",
        mended="four convolutions with He's weights",
        change={"gain": (3.0, 1.0)},
    ),
    *pair(
        "embedding-too-large",
        _embedding,
        fault="embeddings with a standard deviation of 5, summed over ten words",
        mended="the same embeddings with a standard deviation of 0.3",
        change={"spread": (5.0, 0.3)},
    ),
    *pair(
        "new-head-too-large",
        _fine_tuned,
        fault="a new head with weights of size 4 sends gradients 40 times too large into the body",
        mended="the same head with weights of size 0.1",
        change={"spread": (4.0, 0.1)},
    ),
)
