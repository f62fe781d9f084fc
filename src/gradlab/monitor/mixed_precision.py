"""What a `torch.amp.GradScaler` has done to the gradients by now."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def is_unscaled(scaler: torch.amp.GradScaler, optimizer: torch.optim.Optimizer) -> bool:
    """Whether ``scaler.unscale_(optimizer)`` has been called for this step, as far as torch lets us know."""
    state = getattr(scaler, "_per_optimizer_states", {}).get(id(optimizer))
    return state is not None and state["stage"].name != "READY"


def current_scale(scaler: torch.amp.GradScaler | None) -> Tensor | float:
    """Return what the loss is multiplied by, without waiting for its device; NaN without a scaler."""
    if scaler is None:
        return math.nan
    on_device = getattr(scaler, "_get_scale_async", lambda: None)()  # None too before the first loss was scaled
    return scaler.get_scale() if on_device is None else on_device
