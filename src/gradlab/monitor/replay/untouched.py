"""Run something on a model, and leave the model and the random numbers as they were."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn


@contextmanager
def untouched(model: nn.Module) -> Iterator[None]:
    """Put everything back at the end, also after an error.

    Kept are the values and the identity of parameters and buffers, ``requires_grad``, the ``.grad`` tensors, the
    attributes of each module (among them ``training``), and random states (torch on the CPU and on CUDA, NumPy,
    Python). Inside, every parameter's ``.grad`` is None, so that nothing adds to the old ones. Costs one copy of the
    parameters and buffers.
    """
    modules = [_Module.of(module) for module in model.modules()]
    tensors = [_Tensor.of(tensor) for tensor in _tensors_of(model)]
    with ExitStack() as stack:
        stack.enter_context(_random_states())
        try:
            for tensor in tensors:
                if tensor.tensor.is_leaf:
                    tensor.tensor.grad = None
            yield
        finally:
            for module in modules:
                module.restore()
            for tensor in tensors:
                tensor.restore()


def _tensors_of(model: nn.Module) -> list[Tensor]:
    return [*model.parameters(), *model.buffers()]


@contextmanager
def _random_states() -> Iterator[None]:
    """Restore the random states of torch, NumPy and Python."""
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else []
    python, numpy = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices=devices):
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)


@dataclass
class _Module:
    """A module's attributes, parameters and buffers: which objects they are."""

    module: nn.Module
    attributes: dict[str, Any]
    parameters: dict[str, Any]
    buffers: dict[str, Any]

    @classmethod
    def of(cls, module: nn.Module) -> _Module:
        if isinstance(module, torch.jit.ScriptModule):  # its parts are not Python's to exchange
            return cls(module, {}, {}, {})
        return cls(module, dict(vars(module)), dict(module._parameters), dict(module._buffers))

    def restore(self) -> None:
        for now, before in [
            (vars(self.module), self.attributes),
            (self.module._parameters, self.parameters),
            (self.module._buffers, self.buffers),
        ]:
            if self.attributes and (list(now) != list(before) or any(now[name] is not before[name] for name in before)):
                now.clear()
                now.update(before)


@dataclass
class _Tensor:
    """A parameter's or buffer's value, gradient and ``requires_grad``."""

    tensor: Tensor
    value: Tensor
    grad: Tensor | None
    requires_grad: bool

    @classmethod
    def of(cls, tensor: Tensor) -> _Tensor:
        return cls(tensor, tensor.detach().clone(), tensor.grad if tensor.is_leaf else None, tensor.requires_grad)

    def restore(self) -> None:
        now = self.tensor.data  # writing through .detach() would spoil a graph that the caller keeps
        if not _same(now, self.value):
            now.copy_(self.value)
        if self.tensor.is_leaf:  # a buffer may be the result of a computation, and have no gradient of its own
            self.tensor.requires_grad_(self.requires_grad)
            self.tensor.grad = self.grad


def _same(a: Tensor, b: Tensor) -> bool:
    """Return whether two tensors of one shape have the same entries, NaN equal to NaN."""
    try:
        if torch.equal(a, b):
            return True
        both_nan = torch.isnan(a) & torch.isnan(b)
        return bool(both_nan.any()) and torch.equal(torch.where(both_nan, 0, a), torch.where(both_nan, 0, b))
    except (RuntimeError, NotImplementedError):  # a layout that cannot be compared
        return False
