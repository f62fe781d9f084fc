"""The parameters under watch: which of them a step concerns, what they were before it, and how far it moved them."""

from __future__ import annotations

from itertools import islice

import numpy as np
import torch
from torch import Tensor, nn

from gradlab.monitor.norms import is_sharded, local_part, native_norms, norms_of

SENTINELS = 4  # the smallest of the first few parameters is read at every step: backward ends there


class Watched:
    """A model's parameters, read through an optimizer's eyes.

    Parameters
    ----------
    model : nn.Module
    optimizer : torch.optim.Optimizer

    Attributes
    ----------
    names, shapes, parameters
        Of all floating point parameters of the model, in its order; P of them.
    """

    def __init__(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        named = [(name, p) for name, p in model.named_parameters() if p.is_floating_point() or p.is_complex()]
        self.names = tuple(name for name, _ in named)
        self.shapes = tuple(tuple(parameter.shape) for _, parameter in named)
        self.parameters = [parameter for _, parameter in named]
        self.model, self.optimizer = model, optimizer
        self.device = local_part(self.parameters[0]).device if named else torch.device("cpu")
        self.is_sharded = any(map(is_sharded, self.parameters))
        self._before: dict[int, Tensor] = {}  # one copy of the parameters, made at the first sample and used again
        self._taken: list[int] = []
        self._native: tuple[list[Tensor], list[tuple[int, int]]] | None = None

    @property
    def owned(self) -> list[int]:
        """Which parameters the optimizer holds; groups may be added at any time."""
        held = {id(parameter) for group in self.optimizer.param_groups for parameter in group["params"]}
        return [index for index, parameter in enumerate(self.parameters) if id(parameter) in held]

    @property
    def present(self) -> list[int]:
        """Which of them have a gradient now."""
        return [index for index in self.owned if self.parameters[index].grad is not None]

    @torch.no_grad()
    def initial_norms(self) -> np.ndarray:
        """Norm of every parameter, float64 of shape (P,)."""
        return np.array(norms_of([parameter.detach() for parameter in self.parameters]).tolist())

    @torch.no_grad()
    def sentinel(self) -> Tensor | None:
        """Norm of one small early gradient; None where there is no dense one."""
        dense = (p.grad for p in self.parameters if p.grad is not None and p.grad.layout is torch.strided)
        smallest = min(islice(dense, SENTINELS), key=torch.numel, default=None)
        return None if smallest is None else torch.linalg.vector_norm(smallest)

    @torch.no_grad()
    def gradient_norms(self) -> tuple[list[int], Tensor]:
        """Read the gradients: indices of those there are, and their norms, on the device."""
        present = self.present
        gradients = [self.parameters[index].grad for index in present]
        native = None
        self._native = None
        if gradients and not any(is_sharded(g) or g.layout is not torch.strided for g in gradients):
            native = native_norms(gradients)
            self._native = native, [(id(gradient), gradient._version) for gradient in gradients]
        return present, norms_of(gradients, native=native)

    @torch.no_grad()
    def keep(self) -> None:
        """Copy the parameters that have a gradient: what they are before the step."""
        self._taken = self.present
        parameters = [local_part(self.parameters[index].detach()) for index in self._taken]
        for index, parameter in zip(self._taken, parameters, strict=True):
            room = self._before.get(index)
            like = None if room is None else (room.shape, room.dtype, room.device)
            if like != (parameter.shape, parameter.dtype, parameter.device):  # the first time, or after model.to(...)
                self._before[index] = torch.empty_like(parameter)
        if parameters:
            torch._foreach_copy_([self._before[index] for index in self._taken], parameters)

    @torch.no_grad()
    def movement(self) -> tuple[list[int], Tensor, Tensor]:
        """Compare with the copies: indices, norms before the step, and norms of the change, on the device."""
        taken, self._taken = self._taken, []
        parameters = [self.parameters[index].detach() for index in taken]
        before = [self._before[index] for index in taken]
        weights = norms_of(before, sharded_as=parameters)
        if before:
            torch._foreach_sub_(before, [local_part(parameter) for parameter in parameters])
        return taken, weights, norms_of(before, sharded_as=parameters)

    @torch.no_grad()
    def total_norm(self) -> Tensor | None:
        """Norm of all gradients of the model from those read last, exactly as torch computes it; None if it cannot."""
        native, self._native = self._native, None
        gradients = [p.grad for p in self.model.parameters() if p.grad is not None]
        if native is None or native[1] != [(id(gradient), gradient._version) for gradient in gradients]:
            return None  # others have a gradient too, or somebody changed them since
        kinds = {(gradient.device.type, gradient.dtype) for gradient in gradients}
        if kinds not in ({("cpu", torch.float32)}, {("cpu", torch.float64)}):
            return None  # these were summed up in a wider format than torch does
        return torch.linalg.vector_norm(torch.stack(native[0]), 2.0)

    def release(self) -> None:
        """Let go of the copies, and of the model and its optimizer."""
        self._before, self._native = {}, None
