"""Bring numbers from wherever they are to where Python can look at them, waiting for a device at most once."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor


def to_host(parts: Mapping[str, Any], waited: Callable[[float], None] = lambda seconds: None) -> dict[str, list[float]]:
    """Bring numbers and tensors over from their devices as lists of floats, waiting at most once.

    Parameters
    ----------
    parts : mapping from str to float or Tensor
        Tensors have one axis, or none.
    waited : callable
        Is told for how many seconds an accelerator was waited for.
    """
    host: dict[str, list[float]] = {}
    far: dict[str, Tensor] = {}
    for name, part in parts.items():
        if not isinstance(part, Tensor):
            host[name] = [float(part)]
        elif part.device.type == "cpu":
            numbers = part.tolist()
            host[name] = numbers if part.ndim else [numbers]
        else:
            far[name] = part.reshape(-1)
    if far:
        host |= _fetched(far, waited)
    return host


def _fetched(far: Mapping[str, Tensor], waited: Callable[[float], None]) -> dict[str, list[float]]:
    """Join tensors on the first one's device and copy them from there at once."""
    device = next(iter(far.values())).device
    dtype = torch.float32 if device.type == "mps" else torch.float64
    joined = torch.cat([part.to(device, dtype, non_blocking=True) for part in far.values()])
    started = time.perf_counter()
    numbers = joined.cpu().tolist()
    waited(time.perf_counter() - started)
    ends = list(itertools.accumulate((part.numel() for part in far.values()), initial=0))
    return {name: numbers[ends[k] : ends[k + 1]] for k, name in enumerate(far)}
