"""What the zoo's runs have in common: a kind, the run that comes of it, and the one loop that trains every run.

Which kinds there are is left to the other rooms. Nothing here knows how a monitor judges a run.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from gradlab.arguments import positive_number, whole_number
from gradlab.randomness import stream


@dataclass(frozen=True)
class Run:
    """A training run, ready to go; iterating over it trains.

    It yields the loss of each step between backward (with gradients unscaled) and clipping; going on clips and steps::

        for loss in run:
            monitor.record(loss)

    Parameters
    ----------
    model : nn.Module
    optimizer : torch.optim.Optimizer
    loss : callable
        Takes the number of a batch, from 0, and returns its loss.
    steps : int
        Number of updates.
    scaler : torch.amp.GradScaler, optional
    max_norm : float, optional
        Where the gradient is clipped, by its norm.
    schedule : callable, optional
        Takes the step, returns a factor on the learning rate.
    parts : int
        Batches whose gradients are added up to one update.
    divide : bool
        Whether the gradients of the parts are averaged, as they should be.
    zero_grad : bool
        Whether gradients are set to zero before each step, as they should be.
    score : callable, optional
        Returns what the run should be judged by where single losses do not say how well it learns; the lower the
        better.
    unit : float
        Factor on the loss.
    """

    model: nn.Module
    optimizer: torch.optim.Optimizer
    loss: Callable[[int], Tensor]
    steps: int
    scaler: torch.amp.GradScaler | None = None
    max_norm: float | None = None
    schedule: Callable[[int], float] | None = None
    parts: int = 1
    divide: bool = True
    zero_grad: bool = True
    score: Callable[[], float] | None = None
    unit: float = 1.0

    def __iter__(self) -> Iterator[Tensor]:
        """Train, and yield the loss before each update, times the unit."""
        rates = [group["lr"] for group in self.optimizer.param_groups]
        for step in range(self.steps):
            if self.schedule is not None:
                for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
                    group["lr"] = rate * self.schedule(step)
            yield self._gradients(step)
            self._update()

    def _gradients(self, step: int) -> Tensor:
        """Run forward and backward; return the loss, averaged over the parts."""
        if self.zero_grad:
            self.optimizer.zero_grad()
        losses = []
        for part in range(self.parts):
            loss = self.loss(step * self.parts + part) * self.unit
            share = loss / self.parts if self.divide else loss
            (share if self.scaler is None else self.scaler.scale(share)).backward()
            losses.append(loss)
        if self.scaler is not None:
            self.scaler.unscale_(self.optimizer)
        return losses[0] if self.parts == 1 else torch.stack(losses).detach().mean()

    def _update(self) -> None:
        """Clip, and take a step."""
        if self.max_norm is not None:
            nn.utils.clip_grad_norm_(self.model.parameters(), self.max_norm)
        if self.scaler is None:
            self.optimizer.step()
        else:
            self.scaler.step(self.optimizer)
            self.scaler.update()


@dataclass(frozen=True, eq=False)  # each is itself alone, and can be a key
class Kind:
    """A way in which a run goes wrong, or right, with a label that rests on how it ends.

    Parameters
    ----------
    name : str
        Words joined by hyphens.
    label : {"exploding", "healthy", "other"}
        ``exploding``: the loss or a parameter ends up not finite, or the loss far above where it began and far above
        where the twin ends. ``healthy``: it learns, or stays where nothing is left to learn. ``other``: it fails to
        learn, but does not explode.
    fault : str
        One line: what is wrong; or, in a healthy run, what looks wrong and is not.
    build : callable
        Takes the seed and `settings` and returns a `Run`.
    settings : mapping
        The twin's are the same but for one.
    twin : str or None
        Name of the healthy kind that differs only by the fault; None unless this one explodes.
    held_out : bool
        Whether rules must be made without looking at it.
    """

    name: str
    label: str
    fault: str
    build: Callable[..., Run] = field(repr=False)
    settings: Mapping[str, Any] = field(default_factory=dict, repr=False)
    twin: str | None = None
    held_out: bool = False

    def prepare(self, seed: int, *, unit: float = 1.0) -> Run:
        """Build the run: network, data and optimizer, from the seed alone.

        Parameters
        ----------
        seed : int
            At least 0. A fault and its twin have the same weights and data at the same seed.
        unit : float
            What to measure the loss in: it is multiplied by `unit`, and all that depends on it is adjusted (the rate
            of SGD divided, decay, the threshold of clipping and Adam's epsilon multiplied, a gradient scale divided),
            so that the parameters take the same path. Runs whose weights are float16 are left as they are: how far
            their gradients reach depends on the unit, which is the fault itself.

        Returns
        -------
        Run

        Raises
        ------
        TypeError
            If `seed` is not an integer, or `unit` not one real number.
        ValueError
            If `seed` is negative, or `unit` not positive and finite.
        """
        seed, unit = whole_number("seed", seed, at_least=0), positive_number("unit", unit)
        with torch.random.fork_rng(devices=[]):  # PyTorch's own initial weights come from the global generator
            torch.manual_seed(stream("weights of the zoo", seed).initial_seed())
            run = self.build(seed, **self.settings)
        if any(parameter.dtype == torch.float16 for parameter in run.model.parameters()):
            return run
        return _measured_in(run, unit)


def _measured_in(run: Run, unit: float) -> Run:
    """Return the same run with its loss times a factor, and all that hangs on it adjusted."""
    adapts = "eps" in run.optimizer.defaults  # Adam and its kin divide by the gradient's size
    for group in run.optimizer.param_groups:
        if adapts:
            group["eps"] *= unit
        else:
            group["lr"] /= unit
        if "weight_decay" in group and not group.get("decoupled_weight_decay", False):
            group["weight_decay"] *= unit
    scaler = run.scaler
    if scaler is not None:
        scaler = torch.amp.GradScaler(
            "cpu", init_scale=scaler.get_scale() / unit, growth_interval=scaler.get_growth_interval()
        )
    max_norm = None if run.max_norm is None else run.max_norm * unit
    return dataclasses.replace(run, unit=unit, max_norm=max_norm, scaler=scaler)


def pair(
    name: str, build: Callable[..., Run], *, fault: str, mended: str, change: Mapping[str, tuple[Any, Any]], **same: Any
) -> tuple[Kind, Kind]:
    """Return an exploding kind and its healthy twin, which differ in one setting.

    Parameters
    ----------
    name : str
        Of the fault; the twin's is this with ``-mended`` at its end.
    build : callable
        Takes a seed and the settings.
    fault, mended : str
        What is wrong, and what is right instead.
    change : mapping
        The one setting, with its two values: the faulty and the right one.
    **same
        All other settings.
    """
    ((setting, (wrong, right)),) = change.items()
    twin = f"{name}-mended"
    return (
        Kind(name, "exploding", fault, build, {**same, setting: wrong}, twin),
        Kind(twin, "healthy", mended, build, {**same, setting: right}),
    )


def hold_out(kinds: tuple[Kind, ...]) -> tuple[Kind, ...]:
    """Mark every third kind of each label, in alphabetical order; a twin goes with its fault.

    The rule was fixed before any monitor was run on the zoo.
    """
    twins = {kind.twin for kind in kinds}
    chosen = set()
    for label in ("exploding", "healthy", "other"):
        eligible = (kind for kind in kinds if kind.label == label and kind.name not in twins)
        for kind in sorted(eligible, key=lambda kind: kind.name)[2::3]:
            chosen |= {kind.name, kind.twin}
    return tuple(dataclasses.replace(kind, held_out=kind.name in chosen) for kind in kinds)
