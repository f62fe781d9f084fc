"""Small training runs, many at once, for a detector to be made on and judged by: some explode, the others do not.

All runs of a set are trained side by side, a network for each, so that a hundred take a fraction of a second. A run's
label rests on how it ends; a history stops before that, so that the end does not give it away.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from gradlab.homework.checks.draws import Draw

STEPS = 80
INPUTS, WIDTH, BATCH, LAYERS = 8, 16, 16, 4
NEVER = 10 * STEPS
DAMAGE = 30.0
"""A run has exploded whose loss ends this many times above what guessing the mean costs."""
WELL = 1.5
"""The same for one that is well; in between, a run is left out."""


@dataclass(frozen=True)
class Run:
    """What was logged of a training run, and how it ended.

    Parameters
    ----------
    kind : str
        What is special about it.
    explodes : bool
        Whether it went on to NaN, infinity, or losses far above those of guessing.
    history : dict of str to ndarray, shape (steps,)
        ``loss``, and the norms ``grad``, ``weight`` (before the step) and ``update`` over all parameters, step by
        step, float64.
    """

    kind: str
    explodes: bool
    history: dict[str, np.ndarray] = field(repr=False)


@dataclass(frozen=True)
class Setting:
    """How one run is trained; see `PRACTICE` for what each number does to it."""

    rate: float = 0.02
    gain: float = 1.0
    momentum: float = 0.0
    noise: float = 0.0
    decay: float = 0.0
    clip: float = np.inf
    burst: int = NEVER  # at this step the inputs are `burst_size` times too large
    burst_size: float = 1.0
    jump: int = NEVER  # from this step on the rate is `jump_size` times as large
    jump_size: float = 1.0
    skip: int = NEVER  # every so many steps the gradient overflows, and the optimizer leaves the step out
    ramp: float = 1.0  # by how much the weight of the loss grows, gradually, and the rate falls
    inputs: float = 1.0
    change: int = NEVER  # from this step on the targets are `change_size` times as large
    change_size: float = 1.0

    @property
    def event(self) -> int:
        """The step at which something happens, or 0."""
        return min((step for step in (self.burst, self.jump, self.change) if step < STEPS), default=0)


def decades(draw: Draw, low: float, high: float) -> float:
    """Return one number between `low` and `high`, all its decades being equally likely."""
    return float(10 ** draw.uniform(float(np.log10(low)), float(np.log10(high))))


# what one may practise on
PRACTICE: dict[str, Callable[[Draw], Setting]] = {
    "ordinary": lambda d: Setting(rate=decades(d, 0.003, 0.03)),
    "noisy targets": lambda d: Setting(rate=decades(d, 0.003, 0.01), noise=decades(d, 2, 5)),
    "steep start": lambda d: Setting(rate=decades(d, 3e-4, 1e-3), gain=d.number(1.3, 1.5)),
    "outlier, clipped": lambda d: Setting(burst=d.integer(5, 40), burst_size=decades(d, 10, 60), clip=1.0),
    "momentum": lambda d: Setting(rate=decades(d, 0.001, 0.003), momentum=0.9),
    "small start": lambda d: Setting(rate=decades(d, 0.005, 0.02), gain=d.number(0.3, 0.6)),
    "new targets": lambda d: Setting(rate=decades(d, 5e-4, 1e-3), change=d.integer(5, 40), change_size=d.number(5, 12)),
    "rate too high": lambda d: Setting(rate=decades(d, 0.2, 2)),
    "schedule jumps": lambda d: Setting(jump=d.integer(5, 50), jump_size=decades(d, 50, 300)),
    "outlier": lambda d: Setting(burst=d.integer(5, 50), burst_size=decades(d, 20, 100)),
    "weights too large": lambda d: Setting(gain=d.number(2.5, 5.0)),
}


def training_runs(draw: Draw, count: int = 90, kinds: Mapping[str, Callable[[Draw], Setting]] = PRACTICE) -> list[Run]:
    """Train runs of some kinds in turn, and return those whose end leaves no doubt.

    Parameters
    ----------
    draw : Draw
        Where all numbers come from.
    count : int
        How many are trained. Those that end between well and ill, or before their second step, are left out.
    kinds : mapping
        Kind, and what draws the settings of such a run.

    Returns
    -------
    list of Run
    """
    names = [list(kinds)[index % len(kinds)] for index in range(count)]
    settings = [kinds[name](draw) for name in names]
    logs, ends = _train(settings, draw)
    whole = np.isfinite(logs["loss"]) & np.isfinite(logs["weight"]) & np.isfinite(logs["update"])
    lasted = np.where(whole.all(axis=0), STEPS, whole.argmin(axis=0))
    exploded = (lasted < STEPS) | ~(ends < DAMAGE)
    cut = [_cut(draw, setting, int(last)) for setting, last in zip(settings, lasted, strict=True)]
    fatal = [length for length, ill in zip(cut, exploded, strict=True) if ill] or [STEPS]
    runs = []
    for index, (name, setting) in enumerate(zip(names, settings, strict=True)):
        # a healthy run is cut where some other one was: else its length would tell
        length = cut[index] if exploded[index] else draw.choice([n for n in fatal if n > setting.event] or [STEPS])
        if lasted[index] > 1 and (exploded[index] or ends[index] < WELL):
            history = {what: log[:length, index].copy() for what, log in logs.items()}
            runs.append(Run(name, bool(exploded[index]), history))
    return runs


def practice_runs(seed: int = 0) -> list[Run]:
    """Return about a hundred runs of the kinds in `PRACTICE`, the same for the same seed."""
    return training_runs(Draw("practice", str(seed)), 121, PRACTICE)


def _cut(draw: Draw, setting: Setting, lasted: int) -> int:
    """Return after how many steps a dying run is cut: two to five before its end, but not before what it dies of."""
    return max(lasted - draw.integer(2, 5), setting.event + 1, min(lasted, 2))


def _train(settings: Sequence[Setting], draw: Draw) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return what is logged, each of shape (steps, runs), and the last losses beside those of guessing."""
    column = {name: torch.tensor([getattr(s, name) for s in settings]) for name in Setting.__dataclass_fields__}
    count = len(settings)
    unit, multiplier = 10 ** draw.uniform(-3, 3, count), 10 ** draw.uniform(-3, 3, count)
    sizes = [INPUTS, *[WIDTH] * (LAYERS - 1), 1]
    weights = []
    for fan_in, fan_out in pairwise(sizes):
        scale = column["gain"] * (2 / fan_in) ** 0.5
        drawn = draw.normal(count, fan_in, fan_out) * scale.double()[:, None, None]
        weights.append(drawn.float().requires_grad_())
    teacher = draw.normal(count, INPUTS, 1, dtype=torch.float32) / INPUTS**0.5
    momenta = [torch.zeros_like(weight) for weight in weights]
    logs: dict[str, list[Tensor]] = {"loss": [], "grad": [], "weight": [], "update": []}
    for step in range(STEPS):
        x = draw.normal(count, BATCH, INPUTS, dtype=torch.float32)
        targets = (x @ teacher).abs() * _size_of_targets(column, step)
        targets += draw.normal(count, BATCH, 1, dtype=torch.float32) * _each(column["noise"])
        losses = _losses(weights, x * _each(_scale_of_inputs(column, step)), targets)
        gradients = torch.autograd.grad(losses.sum(), weights)
        factor = unit * column["ramp"].double() ** (step / STEPS)
        updates, skipped = _step(weights, momenta, gradients, column, step)
        grad = _norms(gradients) * factor
        row = (losses.detach().double() * factor, torch.where(skipped, torch.inf, grad) * multiplier)
        lengths = (_norms(weights) / multiplier, _norms(updates) / multiplier)
        for what, values in zip(logs, (*row, *lengths), strict=True):
            logs[what].append(values)
        with torch.no_grad():
            for weight, update in zip(weights, updates, strict=True):
                weight += update
    arrays = {what: torch.stack(rows).numpy() for what, rows in logs.items()}
    final = np.median(arrays["loss"][-8:], axis=0) / (unit * column["ramp"].double()).numpy()
    # |teacher| * 2 varies by 4 (1 - 2/pi), and what is noise cannot be learnt
    size = torch.where(column["change"] < STEPS, column["change_size"], 1.0).double().numpy()
    return arrays, final / (4 * (1 - 2 / np.pi) * size**2 + column["noise"].double().numpy() ** 2)


def _each(values: Tensor) -> Tensor:
    return values[:, None, None].float()


def _scale_of_inputs(column: Mapping[str, Tensor], step: int) -> Tensor:
    return column["inputs"] * torch.where(column["burst"] == step, column["burst_size"], 1.0)


def _size_of_targets(column: Mapping[str, Tensor], step: int) -> Tensor:
    return _each(2 * torch.where(step >= column["change"], column["change_size"], 1.0))


def _losses(weights: Sequence[Tensor], x: Tensor, targets: Tensor) -> Tensor:
    """Return the mean squared error of each run's network."""
    for weight in weights[:-1]:
        x = torch.relu(torch.bmm(x, weight))
    return (torch.bmm(x, weights[-1]) - targets).square().mean(dim=(1, 2))


def _step(
    weights: Sequence[Tensor],
    momenta: list[Tensor],
    gradients: Sequence[Tensor],
    column: Mapping[str, Tensor],
    step: int,
) -> tuple[list[Tensor], Tensor]:
    """Return by what each weight is to change, and which runs leave this step out; renew the momenta."""
    skipped = (step + 1) % column["skip"] == 0
    norms = _norms(gradients)
    shorten = torch.where(norms > column["clip"], column["clip"] / norms, 1.0)
    rate = column["rate"] * torch.where(step >= column["jump"], column["jump_size"], 1.0)
    rate = torch.where(skipped, 0.0, rate)
    updates = []
    for index, (weight, gradient) in enumerate(zip(weights, gradients, strict=True)):
        full = gradient * _each(shorten) + _each(column["decay"]) * weight.detach()
        momenta[index] = torch.where(
            _each(skipped) > 0, momenta[index], _each(column["momentum"]) * momenta[index] + full
        )
        updates.append(-_each(rate) * momenta[index])
    return updates, skipped


def _norms(tensors: Sequence[Tensor]) -> Tensor:
    """Return the norm of all of a run's tensors together, for each run, added up in float64."""
    return torch.stack([tensor.detach().double().square().sum(dim=(1, 2)) for tensor in tensors]).sum(dim=0).sqrt()
