"""A training run as a list of settings, so that two runs can differ in exactly one of them.

How it is trained is left to `gradlab.clinic.runs`, which runs are broken to `gradlab.clinic.patients`.
"""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass
from typing import Any

from torch import nn

from gradlab import tasks
from gradlab.arguments import flag, one_of, positive_number, real_number, whole_number
from gradlab.clinic.rounding import NUMBERS, round_linear_layers_
from gradlab.initialization import SCHEMES
from gradlab.networks import NORMS, deep_network
from gradlab.recurrent import LongShortTermMemory, RecurrentNetwork
from gradlab.residual import residual_network
from gradlab.tasks import Task

DATA = ("digits", "cancer", "two cues")
ROUNDED = ("float16", "bfloat16")
FORGET_BIAS = {"half open": 0.0, "open": 3.0}


@dataclass(frozen=True)
class Case:
    """All that a run is made from, but for its seed.

    Parameters
    ----------
    data : {"digits", "cancer", "two cues"}
        What is learned: `tasks.digits`, `tasks.measurements`, or `tasks.temporal_order` over `length` steps.
    step : (str, float)
        ``"sgd"`` or ``"adam"``, and the learning rate.
    steps : int
        Updates.
    batch : int
        Examples in each.
    depth : int
        Hidden layers; two make a residual block.
    width : int
        Units in each, or of the recurrent state.
    weights : (str, float)
        Scheme and gain, as for `deep_network`; residual and recurrent networks keep to their own schemes and take the
        gain.
    norm : {"batch", "layer"}, optional
        In every hidden layer; in a recurrent network, before the activation.
    skips : {"plain", "scaled", "zero"}, optional
        Around every two layers: with the branch as it is, times one over the root of the number of blocks, or with
        its last weights at zero.
    length : int, optional
        If given, the network is recurrent, and the sequences have so many steps.
    gates : {"half open", "open"}, optional
        If given, the recurrent network is an LSTM, and its forget gates start with a bias of 0 or 3.
    scaled : bool
        Whether the inputs are standardised.
    max_norm : float, optional
        Where the gradient is clipped, by its norm.
    decay : float
        Weight decay, as PyTorch's optimizers take it.
    warm_up : int
        Updates over which the rate grows to its value.
    numbers : {"float16", "bfloat16", "float32", "float64"}
        The first two: float32, with every linear layer rounded as in mixed precision.
    loss_scale : float
        Factor on the loss during the backward pass, taken back before anything else is done with the gradient.

    Raises
    ------
    TypeError
        If a setting is not of the kind stated.
    ValueError
        If one is outside its range, or two do not go together.
    """

    data: str
    step: tuple[str, float]
    steps: int
    batch: int = 32
    depth: int = 1
    width: int = 64
    weights: tuple[str, float] = ("he", 1.0)
    norm: str | None = None
    skips: str | None = None
    length: int | None = None
    gates: str | None = None
    scaled: bool = True
    max_norm: float | None = None
    decay: float = 0.0
    warm_up: int = 0
    numbers: str = "float32"
    loss_scale: float = 1.0

    def __post_init__(self) -> None:
        one_of("data", self.data, DATA)
        _pair("step", self.step, ("sgd", "adam"))
        _pair("weights", self.weights, tuple(SCHEMES))
        for name, least in (("steps", 1), ("batch", 1), ("depth", 1), ("width", 1), ("warm_up", 0)):
            whole_number(name, getattr(self, name), at_least=least)
        one_of("norm", self.norm, (None, *NORMS))
        one_of("skips", self.skips, (None, "plain", "scaled", "zero"))
        one_of("gates", self.gates, (None, *FORGET_BIAS))
        one_of("numbers", self.numbers, tuple(NUMBERS))
        flag("scaled", self.scaled)
        if self.length is not None:
            whole_number("length", self.length, at_least=10)
        if self.max_norm is not None:
            positive_number("max_norm", self.max_norm)
        if not real_number("decay", self.decay) >= 0:
            raise ValueError(f"decay must be at least 0, got {self.decay!r}")
        positive_number("loss_scale", self.loss_scale)
        self._check_fit()

    def _check_fit(self) -> None:
        """Refuse settings that are right one by one, and do not go together."""
        if (self.data == "two cues") != (self.length is not None):
            raise ValueError(f"length must be given with data='two cues', and only then, got {self.length!r}")
        if self.length is None and self.gates is not None:
            raise ValueError(f"gates must be None where there is no length, got {self.gates!r}")
        if self.length is not None and (self.skips is not None or self.norm == "batch" or self.numbers in ROUNDED):
            raise ValueError(f"length must be None with skips, norm='batch' or rounded numbers, got {self.length!r}")
        if self.skips is not None and self.depth % 2:
            raise ValueError(f"depth must be even with skips, which lead around two layers each, got {self.depth!r}")

    def but(self, **change: Any) -> Case:
        """Return the same case with one setting changed.

        Parameters
        ----------
        **change
            One setting and its new value.

        Raises
        ------
        TypeError
            If there is no such setting.
        ValueError
            If not exactly one is given, it has that value already, or the value is not allowed.
        """
        if len(change) != 1:
            raise ValueError(f"change must be exactly one setting, got {change!r}")
        ((setting, value),) = change.items()
        if setting not in {field.name for field in dataclasses.fields(self)}:
            raise TypeError(f"change must be a setting of the case, got {setting!r}")
        if getattr(self, setting) == value:
            raise ValueError(f"change must be a change, got {setting}={value!r}, which it is already")
        return dataclasses.replace(self, **change)

    @property
    def task(self) -> Task:
        """What is learned; the same object for equal settings."""
        task = _task(self.data, self.length, self.scaled)
        if self.numbers != "float64":
            return task
        return dataclasses.replace(task, x=task.x.double(), x_test=task.x_test.double())

    def network(self, seed: int) -> nn.Module:
        """Return the untrained network of a seed; the same random numbers in every format of numbers."""
        inputs, outputs = self.task.x.shape[-1], self.task.outputs
        network = self._recurrent(inputs, outputs, seed) if self.length else self._deep(inputs, outputs, seed)
        if self.numbers in ROUNDED:
            round_linear_layers_(network, NUMBERS[self.numbers])
        return network.to(NUMBERS["float64"]) if self.numbers == "float64" else network

    def _deep(self, inputs: int, outputs: int, seed: int) -> nn.Module:
        sizes = {"inputs": inputs, "outputs": outputs, "norm": self.norm, "bias": True, "seed": seed}
        scheme, gain = self.weights
        if self.skips is None:
            return deep_network(self.depth, self.width, init=scheme, gain=gain, **sizes)
        blocks = self.depth // 2
        scale = blocks**-0.5 if self.skips == "scaled" else 1.0
        return residual_network(blocks, self.width, gain=gain, scale=scale, zero_last=self.skips == "zero", **sizes)

    def _recurrent(self, inputs: int, outputs: int, seed: int) -> nn.Module:
        scheme, gain = self.weights
        if self.gates is not None:
            bias = FORGET_BIAS[self.gates]
            return LongShortTermMemory(inputs, self.width, outputs, forget_bias=bias, gain=gain, seed=seed)
        network = RecurrentNetwork(inputs, self.width, outputs, init=scheme, gain=gain, seed=seed)
        if self.norm is not None:
            network.activation = nn.Sequential(nn.LayerNorm(self.width), network.activation)
        return network


def _pair(name: str, value: tuple[str, float], allowed: tuple[str, ...]) -> None:
    if not isinstance(value, tuple) or len(value) != 2 or value[0] not in allowed:
        raise ValueError(f"{name} must be a pair of one of {', '.join(allowed)} and a number, got {value!r}")
    positive_number(name, value[1])


@functools.cache
def _task(data: str, length: int | None, scaled: bool) -> Task:
    if data == "digits":
        return tasks.digits()
    if data == "cancer":
        return tasks.measurements("cancer", standardised=scaled)
    return tasks.temporal_order(length, samples=8000, seed=0)
