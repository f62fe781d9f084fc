"""Runs that explode because of how they step: rate, momentum, schedule, accumulation, clipping and decay."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn
from torch.nn import functional
from torch.optim import SGD, Adam

from gradlab.zoo import data
from gradlab.zoo.architectures import Transformer, leaky
from gradlab.zoo.kinds import Run, pair


def _regression(seed: int, *, rate: float, momentum: float = 0.0, decay: float = 0.0, **loop) -> Run:
    """Regression with three hidden layers; SGD on batches of 32."""
    x, y = data.regression(seed)
    model = leaky(3)
    optimizer = SGD(model.parameters(), lr=rate, momentum=momentum, weight_decay=decay)
    return Run(model, optimizer, data.squared_error(model, x, y, data.batches(seed, 128, 32)), steps=100, **loop)


def _accumulating(seed: int, *, divide: bool) -> Run:
    """The same, on batches of 16 of which 8 make one update; SGD."""
    x, y = data.regression(seed, rows=512)
    model = leaky(3)
    optimizer = SGD(model.parameters(), lr=0.06)
    loss = data.squared_error(model, x, y, data.batches(seed, 512, 16))
    return Run(model, optimizer, loss, steps=60, parts=8, divide=divide)


def _deep(seed: int, *, norm: bool) -> Run:
    """Regression with 20 layers whose weights are a little larger than He's; SGD."""
    x, y = data.regression(seed)
    model = leaky(20, norm=norm, gain=1.2)
    return Run(model, SGD(model.parameters(), lr=0.05), data.squared_error(model, x, y), steps=60)


def _adam(seed: int, *, rate: float) -> Run:
    """Regression with eight hidden layers; Adam."""
    x, y = data.regression(seed)
    model = leaky(8)
    optimizer = Adam(model.parameters(), lr=rate)
    return Run(model, optimizer, data.squared_error(model, x, y, data.batches(seed, 128, 32)), steps=100)


def _warmed_up(seed: int, *, over: int) -> Run:
    """Regression with four hidden layers at a rate that they bear only once they have settled; SGD with momentum."""
    x, y = data.regression(seed)
    model = leaky(4, width=96)
    optimizer = SGD(model.parameters(), lr=0.065, momentum=0.9)
    loss = data.squared_error(model, x, y)
    return Run(model, optimizer, loss, steps=100, schedule=lambda step: min(1.0, (step + 1) / over))


def _averaged(seed: int, *, reduction: str) -> Run:
    """Regression on all 256 rows at once; SGD."""
    x, y = data.regression(seed, rows=256)
    model = leaky(3)
    optimizer = SGD(model.parameters(), lr=0.02)
    return Run(model, optimizer, lambda batch: functional.mse_loss(model(x), y, reduction=reduction), steps=100)


def _penalised(seed: int, *, sign: float) -> Run:
    """Regression with a penalty on the weights, written by hand; SGD."""
    x, y = data.regression(seed)
    model = leaky(3)
    fit = data.squared_error(model, x, y, data.batches(seed, 128, 32))
    weights = [parameter for parameter in model.parameters() if parameter.ndim == 2]

    def loss(batch: int) -> Tensor:
        return fit(batch) + sign * sum(weight.square().sum() for weight in weights) / len(weights)

    return Run(model, SGD(model.parameters(), lr=0.05), loss, steps=100)


def _language(seed: int, *, rate: float) -> Run:
    """A language model of two blocks with normalization; SGD."""
    x, y = data.tokens(seed)
    model = Transformer(12, 24, 2, norm=True)
    return Run(model, SGD(model.parameters(), lr=rate), data.cross_entropy(model, x, y), steps=60)


def _linear(seed: int, *, rate: float) -> Run:
    """Linear regression on 8 columns; SGD."""
    x, y = data.regression(seed)
    model = nn.Linear(8, 1)
    optimizer = SGD(model.parameters(), lr=rate)
    return Run(model, optimizer, data.squared_error(model, x + 0.5, y, data.batches(seed, 128, 32)), steps=100)


def _jump(at: int, factor: float) -> Callable[[int], float]:
    """Return a schedule that multiplies the rate by a factor from one step on."""
    return lambda step: factor if step >= at else 1.0


KINDS = (
    *pair(
        "rate-too-high",
        _regression,
        fault="SGD with a rate 50 times too high",
        mended="the same run at a fiftieth of the rate",
        change={"rate": (1.0, 0.02)},
    ),
    *pair(
        "rate-slightly-too-high",
        _linear,
        fault="linear regression at a rate just beyond 2 / curvature: a slow, steady growth",
        mended="linear regression at a tenth of that rate",
        change={"rate": (0.85, 0.08)},
    ),
    *pair(
        "momentum-too-high",
        _regression,
        fault="momentum 0.995 at a rate that was tuned for 0.5",
        mended="the same rate with momentum 0.5",
        change={"momentum": (0.995, 0.5)},
        rate=0.05,
    ),
    *pair(
        "deep-without-normalization",
        _deep,
        fault="20 layers with weights a fifth above He's, no normalization, and a rate made for a normalised network",
        mended="the same network and rate, each layer normalised",
        change={"norm": (False, True)},
    ),
    *pair(
        "adam-rate-of-one",
        _adam,
        fault="Adam with a rate of 1, as if it were SGD's",
        mended="Adam with a rate of 0.003",
        change={"rate": (1.0, 0.003)},
    ),
    *pair(
        "warm-up-missing",
        _warmed_up,
        fault="the full rate from the first step on",
        mended="the same rate, reached over 80 steps",
        change={"over": (1, 80)},
    ),
    *pair(
        "schedule-jumps",
        _regression,
        fault="a schedule that multiplies the rate by 100 at step 60",
        mended="a schedule that leaves the rate as it is",
        change={"schedule": (_jump(60, 100.0), _jump(60, 1.0))},
        rate=0.02,
    ),
    *pair(
        "gradients-not-zeroed",
        _regression,
        fault="zero_grad is missing: every gradient is added to all those before",
        mended="the same run with zero_grad",
        change={"zero_grad": (False, True)},
        rate=0.05,
    ),
    *pair(
        "accumulation-undivided",
        _accumulating,
        fault="gradients of 8 batches added up, and not divided by 8",
        mended="the same gradients, averaged",
        change={"divide": (False, True)},
    ),
    *pair(
        "loss-summed",
        _averaged,
        fault="the loss summed over 256 rows, at a rate made for the mean",
        mended="the mean over the same rows",
        change={"reduction": ("sum", "mean")},
    ),
    *pair(
        "decay-too-strong",
        _regression,
        fault="rate times weight decay beyond 2: each step overshoots zero by more than the weight",
        mended="weight decay 0.001",
        change={"decay": (110.0, 0.001)},
        rate=0.02,
    ),
    *pair(
        "penalty-of-wrong-sign",
        _penalised,
        fault="a penalty on the weights that was subtracted, so that it rewards growth",
        mended="the same penalty, added",
        change={"sign": (-1.0, 1.0)},
    ),
    *pair(
        "transformer-rate-too-high",
        _language,
        fault="a transformer with normalization, trained by SGD at a rate of 30",
        mended="the same transformer at a rate of 0.3",
        change={"rate": (30.0, 0.3)},
    ),
)
