"""One training loop for many networks at once: same architecture, different seeds, one batched computation.

`torch.func` stacks their parameters along a first axis. Every optimizer whose update treats each entry by itself
(SGD, Adam, ...) then trains each network exactly as it would train it alone.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

from gradlab.arguments import positive_number, sequence_of, whole_number
from gradlab.randomness import stream
from gradlab.tasks import Task


@dataclass(frozen=True)
class History:
    """What became of some networks in training; NaN and infinities are kept.

    Parameters
    ----------
    losses : ndarray, shape (networks, steps)
        Loss on the batch before each update.
    norms : ndarray, shape (networks, steps)
        2-norm of the gradient in all parameters together, before clipping.
    scores : ndarray, shape (networks,)
        `Task.score` of each network at the end, in evaluation mode; NaN if it died.
    networks : list of nn.Module
        The trained networks.
    """

    losses: np.ndarray
    norms: np.ndarray
    scores: np.ndarray
    networks: list[nn.Module]

    @property
    def died(self) -> np.ndarray:
        """Which networks met a loss, or ended with an output, that is not finite; bool, shape (networks,)."""
        return np.isnan(self.scores)


def train(
    networks: Sequence[nn.Module],
    task: Task,
    *,
    rate: float,
    steps: int,
    batch: int | None = None,
    max_norm: float | None = None,
    optimizer: Callable[..., torch.optim.Optimizer] = torch.optim.SGD,
    loss: Callable[[Tensor, Tensor], Tensor] | None = None,
    seed: int = 0,
) -> History:
    """Train copies of one architecture on a task, each with its own batches.

    Parameters
    ----------
    networks : sequence of nn.Module
        Of one architecture; they are left as they are. Parameters that require no gradient stay as they are. Batch
        normalization works as always, each network with its own statistics; dropout, `torch.nn.RNN` and its kin are
        beyond `torch.func.vmap`.
    task : Task
        What to learn.
    rate : float
        Learning rate, positive.
    steps : int
        Number of updates, at least 1.
    batch : int, optional
        Examples in each batch, at least 1, in an order that is shuffled anew in every epoch; the last batch of an
        epoch is smaller if the numbers do not divide. All examples at once unless given.
    max_norm : float, optional
        Clip each network's gradient to this 2-norm, as `torch.nn.utils.clip_grad_norm_` does.
    optimizer : callable
        Takes parameters and ``lr``. It must treat every entry of a parameter by itself.
    loss : callable, optional
        Takes output and targets, returns a mean over examples; the task's own unless given.
    seed : int
        Seed of the order of the examples, at least 0.

    Returns
    -------
    History

    Raises
    ------
    TypeError
        If an argument is not of the kind stated.
    ValueError
        If a number is outside its range, or there is no network.
    """
    networks = sequence_of("networks", networks, nn.Module)
    if not isinstance(task, Task):
        raise TypeError(f"task must be a gradlab.tasks.Task, got {task!r}")
    rate, steps = positive_number("rate", rate), whole_number("steps", steps, at_least=1)
    if not callable(optimizer):
        raise TypeError(f"optimizer must be a function of parameters and lr, got {optimizer!r}")
    if not (loss is None or callable(loss)):
        raise TypeError(f"loss must be a function of output and targets, got {loss!r}")
    limit = None if max_norm is None else positive_number("max_norm", max_norm)
    loss = task.loss if loss is None else loss
    parameters, buffers = stack_module_state(networks)
    skeleton = copy.deepcopy(networks[0]).to("meta")
    call = vmap(partial(functional_call, skeleton), in_dims=((0, 0), 0))
    trainable = [parameter for parameter in parameters.values() if parameter.requires_grad]
    step_size = optimizer(trainable, lr=rate)
    # one place for all: a small tensor kept from each step would keep what was freed around it from being used again
    losses, norms = torch.full((2, len(networks), steps), torch.nan, dtype=torch.float64)
    in_order = batches(len(task.x), steps, batch=batch, networks=len(networks), seed=seed)
    for step, rows in enumerate(in_order):
        each = vmap(loss)(call((parameters, buffers), task.x[rows]), task.y[rows])
        step_size.zero_grad()
        each.sum().backward()  # the networks share nothing, so that each gets the gradient of its own loss
        gradients = [parameter.grad for parameter in trainable if parameter.grad is not None]
        norms[:, step] = norm = _norm_of_each(gradients)
        if limit is not None:
            _clip_each_(gradients, norm, limit)
        step_size.step()
        losses[:, step] = each.detach()
        if each.isnan().all():  # NaN parameters stay NaN, and so does all that follows
            break
    step_size.zero_grad()  # the gradients' room is for the copies
    trained, judged = _unstack(networks, {**parameters, **buffers}), copy.deepcopy(networks[0]).eval()
    with torch.no_grad():  # one at a time: for all at once the test examples would take most of the memory
        outputs = (functional_call(judged, network.state_dict(), task.x_test) for network in trained)
        scores = np.array([task.score(output) for output in outputs])
    losses, norms = losses.numpy(), norms.numpy()
    return History(
        losses=losses,
        norms=norms,
        scores=np.where(np.isfinite(losses).all(axis=1), scores, np.nan),
        networks=trained,
    )


def _unstack(networks: Sequence[nn.Module], state: Mapping[str, Tensor]) -> list[nn.Module]:
    """Return copies of the networks with each its own part of the stacked state."""
    copies = [copy.deepcopy(network) for network in networks]
    for k, network in enumerate(copies):
        network.load_state_dict({name: values[k].detach() for name, values in state.items()})
    return copies


def batches(
    examples: int, steps: int, *, batch: int | None = None, networks: int = 1, seed: int = 0
) -> Iterator[Tensor]:
    """Return, step by step, the rows of the batches that `train` gives its networks.

    Parameters
    ----------
    examples, steps : int
        How many there are, at least 1.
    batch : int, optional
        Examples in each, at least 1; all unless given.
    networks : int
        How many, at least 1; each has an order of its own.
    seed : int
        Seed of the order of the examples, at least 0.

    Returns
    -------
    iterator of Tensor
        int64, each of shape (networks, batch), or smaller at the end of an epoch.

    Raises
    ------
    TypeError
        If an argument is not an integer.
    ValueError
        If one is below its least value.
    """
    examples = whole_number("examples", examples, at_least=1)
    steps, networks = whole_number("steps", steps, at_least=1), whole_number("networks", networks, at_least=1)
    seed = whole_number("seed", seed, at_least=0)
    batch = examples if batch is None else whole_number("batch", batch, at_least=1)
    return _shuffled(
        examples, steps, batch, [stream("order of the examples", seed, network) for network in range(networks)]
    )


def _shuffled(examples: int, steps: int, batch: int, streams: Sequence[torch.Generator]) -> Iterator[Tensor]:
    order: list[Tensor] = []
    for _ in range(steps):
        if not order:
            order = list(torch.stack([torch.randperm(examples, generator=own) for own in streams]).split(batch, dim=1))
        yield order.pop(0)


def _norm_of_each(gradients: Iterable[Tensor]) -> Tensor:
    """Return the gradient's norm in each network; `torch.nn.utils.get_total_norm` would mix the networks."""
    return torch.stack([gradient.reshape(len(gradient), -1).norm(dim=1) for gradient in gradients]).norm(dim=0)


def _clip_each_(gradients: Iterable[Tensor], norms: Tensor, max_norm: float) -> None:
    """Scale each network's gradient as `torch.nn.utils.clip_grad_norm_` scales that of one network."""
    factors = (max_norm / (norms + 1e-6)).clamp(max=1.0)
    for gradient in gradients:
        gradient.mul_(factors.view(-1, *[1] * (gradient.ndim - 1)))
