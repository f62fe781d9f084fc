"""What the monitor refuses to watch, because it could not read it rightly; and the loss as it is given."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from gradlab.arguments import real_number


def check_model(model: Any) -> None:
    """Refuse what is no module, or has parameters that cannot be read.

    Raises
    ------
    TypeError
        If `model` is not an ``nn.Module``.
    ValueError
        If it has no floating point parameters, some without values, or is sharded by ``FullyShardedDataParallel``.
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"model must be a torch.nn.Module, got {model!r}")
    if any(type(module).__name__ == "FullyShardedDataParallel" for module in model.modules()):
        raise ValueError(
            "model must not be sharded by FullyShardedDataParallel, whose flat shards hide where a parameter begins; "
            f"use torch.distributed.fsdp.fully_shard, got {model!r}"
        )
    for name, parameter in model.named_parameters():
        if isinstance(parameter, nn.parameter.UninitializedParameter) or parameter.is_meta:
            raise ValueError(
                f"model must have values in all its parameters, got {model!r}, in which {name} has none yet: call it "
                "once on a batch, or load its weights, before the monitor is made"
            )
    if not any(parameter.is_floating_point() or parameter.is_complex() for parameter in model.parameters()):
        raise ValueError(f"model must have parameters to train, got {model!r}")


def check_optimizer(optimizer: Any, model: nn.Module) -> torch.optim.Optimizer:
    """Return the optimizer, without the wrapping of accelerate and its like, around which no hooks can be hung.

    Refused are one whose steps have no single gradient, and that of another model.

    Raises
    ------
    TypeError
        If `optimizer` is not a ``torch.optim.Optimizer``.
    ValueError
        If it is LBFGS, or holds none of the model's parameters.
    """
    if not isinstance(optimizer, torch.optim.Optimizer):
        raise TypeError(f"optimizer must be a torch.optim.Optimizer, got {optimizer!r}")
    while isinstance(getattr(optimizer, "optimizer", None), torch.optim.Optimizer):
        optimizer = optimizer.optimizer
    if isinstance(optimizer, torch.optim.LBFGS):
        raise ValueError(
            "optimizer must take one gradient for each step; LBFGS evaluates several within one step(), and none of "
            f"them is that of the update, got {optimizer!r}"
        )
    held = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
    if not any(id(parameter) in held for parameter in model.parameters()):
        raise ValueError(
            "optimizer must hold parameters of the model (was the model made anew, sharded or converted after the "
            f"optimizer was?), got {optimizer!r}"
        )
    return optimizer


def check_scaler(scaler: Any) -> torch.amp.GradScaler | None:
    """Return the scaler, or None for one that is switched off.

    Raises
    ------
    TypeError
        If `scaler` is neither None nor a ``torch.amp.GradScaler``.
    """
    if scaler is None:
        return None
    if not isinstance(scaler, torch.amp.GradScaler):
        raise TypeError(f"scaler must be a torch.amp.GradScaler or None, got {scaler!r}")
    return scaler if scaler.is_enabled() else None


def loss_as_number(loss: Any) -> Tensor | float:
    """Return a loss as a float, or as a tensor without graph that holds one number, without waiting for its device.

    Raises
    ------
    TypeError
        If it is anything but one real number.
    """
    if not isinstance(loss, Tensor):
        return real_number("loss", loss, or_nan=True)
    if loss.numel() != 1 or loss.is_complex() or loss.dtype is torch.bool:
        raise TypeError(f"loss must be one real number, got {loss!r}")
    whole = loss.full_tensor() if hasattr(loss, "full_tensor") else loss
    return whole.detach().reshape(()) if whole.ndim else whole.detach()
