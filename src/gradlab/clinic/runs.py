"""Where cases are trained: many seeds at once, or one alone under the gradient monitor."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor, nn

from gradlab import training
from gradlab.arguments import whole_number
from gradlab.clinic.case import Case
from gradlab.monitor import GradMonitor
from gradlab.training import History


def train(case: Case, *, first: int = 0, seeds: int = 20, order: int = 0) -> History:
    """Train a case with many seeds at once.

    Parameters
    ----------
    case : Case
    first : int
        Seed of the first network, at least 0; the others' follow.
    seeds : int
        How many networks, at least 1.
    order : int
        Seed of the order of the examples, at least 0.

    Returns
    -------
    History
        With losses and norms in the loss's own unit, whatever the loss scale.

    Raises
    ------
    TypeError
        If an argument is not of the kind stated.
    ValueError
        If a number is below its least value.
    """
    _require_case(case)
    first, seeds = whole_number("first", first, at_least=0), whole_number("seeds", seeds, at_least=1)
    order = whole_number("order", order, at_least=0)
    task, factor = case.task, case.loss_scale
    history = training.train(
        [case.network(seed) for seed in range(first, first + seeds)],
        task,
        rate=case.step[1],
        steps=case.steps,
        batch=case.batch,
        max_norm=None if case.max_norm is None else case.max_norm * factor,
        optimizer=lambda parameters, lr: _stepper(case, parameters, lr),
        loss=lambda output, y: factor * task.loss(output, y),
        seed=order,
    )
    return dataclasses.replace(history, losses=history.losses / factor, norms=history.norms / factor)


def _require_case(case: Case) -> None:
    if not isinstance(case, Case):
        raise TypeError(f"case must be a gradlab.clinic.Case, got {case!r}")


def _stepper(case: Case, parameters: Iterable[Tensor], lr: float, *, scaled: bool = True) -> torch.optim.Optimizer:
    """Return the optimizer of a case, for gradients that are still times the loss scale, or not."""
    factor = case.loss_scale if scaled else 1.0
    if case.step[0] == "sgd":
        stepper = torch.optim.SGD(parameters, lr=lr / factor, weight_decay=case.decay * factor)
    else:
        stepper = torch.optim.Adam(parameters, lr=lr, eps=1e-8 * factor, weight_decay=case.decay * factor)
    if case.warm_up:
        stepper.register_step_pre_hook(_warming(stepper.param_groups[0]["lr"], case.warm_up))
    return stepper


def _warming(rate: float, steps: int) -> Callable:
    """Return a hook that lets the rate grow linearly, step by step, to its value."""
    taken = 0

    def set_rate(stepper: torch.optim.Optimizer, *_: object) -> None:
        nonlocal taken
        taken += 1
        for group in stepper.param_groups:
            group["lr"] = rate * min(1.0, taken / steps)

    return set_rate


def examine(case: Case, seed: int = 0, *, steps: int | None = None) -> GradMonitor:
    """Train one network alone, as a script would, with the gradient monitor watching every step.

    It is the network, and gets the batches, that `train` gives it as its first with ``first=seed``.

    Parameters
    ----------
    case : Case
    seed : int
        At least 0.
    steps : int, optional
        Updates, at least 1; all of the case's unless given.

    Returns
    -------
    GradMonitor
        Closed; ask it for its report.

    Raises
    ------
    TypeError
        If an argument is not of the kind stated.
    ValueError
        If a number is below its least value.
    """
    _require_case(case)
    steps = case.steps if steps is None else whole_number("steps", steps, at_least=1)
    task, network = case.task, case.network(whole_number("seed", seed, at_least=0))
    stepper = _stepper(case, network.parameters(), case.step[1], scaled=False)
    with GradMonitor(network, stepper, every=1) as monitor:
        for (rows,) in training.batches(len(task.x), steps, batch=case.batch):
            stepper.zero_grad()
            loss = task.loss(network(task.x[rows]), task.y[rows])
            (loss * case.loss_scale).backward()
            _unscale_(list(network.parameters()), case.loss_scale)
            monitor.record(loss)
            if case.max_norm is not None:
                nn.utils.clip_grad_norm_(network.parameters(), case.max_norm)
            stepper.step()
    return monitor


def _unscale_(parameters: Sequence[nn.Parameter], factor: float) -> None:
    for parameter in parameters:
        if parameter.grad is not None:
            parameter.grad.div_(factor)
