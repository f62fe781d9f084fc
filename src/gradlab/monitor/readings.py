"""What a monitor has read of a run so far, as arrays; the rules, the report and the picture start from here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch


@dataclass(frozen=True)
class Method:
    """How an optimizer steps, as its parameter groups say.

    Parameters
    ----------
    name : str
        Of its class.
    adaptive : bool
        Whether it divides by the size of the gradient, as Adam does: its steps hardly depend on the unit of the loss.
    momentum : float
        Largest of the groups', by which steps add up to 1 / (1 - momentum); 0 where it averages instead.
    decay : tuple of float, length G
        Weight decay of each group.
    decoupled : bool
        Whether the decay bypasses the gradient, as in AdamW.
    """

    name: str = "SGD"
    adaptive: bool = False
    momentum: float = 0.0
    decay: tuple[float, ...] = ()
    decoupled: bool = False


def method_of(optimizer: torch.optim.Optimizer) -> Method:
    """Return how an optimizer steps."""
    groups, name = optimizer.param_groups, type(optimizer).__name__
    adaptive = any("eps" in group or "etas" in group for group in groups)
    adds_up = [group.get("momentum", 0.0) * (1 - group.get("dampening", 0.0)) for group in groups]
    return Method(
        name=name,
        adaptive=adaptive,
        momentum=0.0 if adaptive else max(map(float, adds_up), default=0.0),
        decay=tuple(float(group.get("weight_decay", 0.0)) for group in groups),
        decoupled=any(group.get("decoupled_weight_decay", name == "AdamW") for group in groups),
    )


@dataclass(frozen=True)
class Readings:
    """Loss and norms of a run: T steps of the optimizer, S of them sampled, P parameters, G parameter groups.

    All norms are 2-norms of whole tensors, as float64, of the gradient that was accumulated and unscaled, before
    clipping. Steps count the calls of `GradMonitor.record` from 0.

    Parameters
    ----------
    names : tuple of str, length P
        The parameters, as ``model.named_parameters()`` calls them, in its order.
    shapes : tuple of tuple of int, length P
        Their shapes (of the whole tensor where it is sharded).
    initial : ndarray, shape (P,)
        Norm of each parameter when the monitor was made.
    loss : ndarray, shape (T,)
        The loss given to each `record`; NaN and infinities are kept.
    applied : ndarray of bool, shape (T,)
        Whether the optimizer stepped after that `record`; False where a GradScaler or the caller skipped the step,
        and for the last one as long as its step has not been taken.
    rate : ndarray, shape (T, G)
        Learning rate of each parameter group at that `record`.
    scale : ndarray, shape (T,)
        Scale of the GradScaler; NaN without one.
    max_norm : ndarray, shape (T,)
        The threshold given to `clip_`; NaN where it was not called.
    final : ndarray, shape (P,)
        Norm of each parameter after the last step, read once more when the monitor was closed; ``inf`` where an entry
        is not finite, NaN until then, and where several processes train together.
    step : ndarray of int, shape (S,)
        The sampled steps, ascending.
    grad : ndarray, shape (S, P)
        Norm of each gradient; NaN where a parameter had none, ``inf`` where an entry was NaN or infinite. A norm too
        large for float32 is measured again in float64, so ``inf`` never means overflow of the norm alone.
    weight : ndarray, shape (S, P)
        Norm of each parameter before the step; ``inf`` where an entry is not finite, NaN if no step was taken.
    update : ndarray, shape (S, P)
        Norm of the change that the step made; ``inf`` where it is not finite, NaN if no step was taken.
    method : Method
        How the optimizer steps.
    """

    names: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]
    initial: np.ndarray
    loss: np.ndarray
    applied: np.ndarray
    rate: np.ndarray
    scale: np.ndarray
    max_norm: np.ndarray
    final: np.ndarray
    step: np.ndarray
    grad: np.ndarray
    weight: np.ndarray
    update: np.ndarray
    method: Method = Method()
