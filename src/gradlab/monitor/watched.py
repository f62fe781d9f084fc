"""The parameters under watch: which of them a step concerns, what they were before it, and how far it moved them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

import numpy as np
import torch
from torch import Tensor, nn

from gradlab.monitor.norms import is_sharded, local_norms, local_part, native_norms, norms_of, whole_norms

PORTION = 2**17  # entries; half a megabyte of single precision
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
        self.trouble: Exception | None = None  # of this process, which others have to hear of
        self._sentinel: Tensor | None = None
        self._weights: Tensor | None = None
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
    def norms(self) -> np.ndarray:
        """Norm of every parameter, float64 of shape (P,)."""
        return np.array(norms_of([parameter.detach() for parameter in self.parameters]).tolist())

    def sentinel(self) -> Tensor | None:
        """Norm of one small early gradient; None where there is no dense one."""
        gradient = None if self._sentinel is None else self._sentinel.grad
        if gradient is None or gradient.layout is not torch.strided:
            dense = (p for p in self.parameters if p.grad is not None and p.grad.layout is torch.strided)
            self._sentinel = min(islice(dense, SENTINELS), key=torch.numel, default=None)
            if self._sentinel is None:
                return None
            gradient = self._sentinel.grad
        return torch.linalg.vector_norm(gradient.detach())

    @torch.no_grad()
    def gradient_norms(self) -> tuple[list[int], Tensor]:
        """Read the gradients: indices of those there are, and their norms, on the device."""
        self._taken, self._native = self.present, None
        gradients = [self.parameters[index].grad for index in self._taken]
        norms = self._measured(lambda: self._local_gradient_norms(gradients))
        return self._taken, whole_norms(norms, gradients, failed=self.trouble is not None)

    def _local_gradient_norms(self, gradients: list[Tensor]) -> Tensor:
        if any(is_sharded(gradient) or gradient.layout is not torch.strided for gradient in gradients):
            return local_norms(gradients)
        native = native_norms(gradients)
        self._native = native, [(id(gradient), gradient._version) for gradient in gradients]
        return local_norms(gradients, native)

    @torch.no_grad()
    def keep(self) -> None:
        """Copy the parameters whose gradients were read: what they are before the step."""
        self._weights = self._measured(self._local_weight_norms)

    def _local_weight_norms(self) -> Tensor:
        norms = []
        for members in self._portions():
            parameters = [local_part(self.parameters[index].detach()) for index in members]
            copies = [self._room_for(index, parameter) for index, parameter in zip(members, parameters, strict=True)]
            torch._foreach_copy_(copies, parameters)
            norms += native_norms(copies)
        return local_norms([self._before[index] for index in self._taken], norms)

    @torch.no_grad()
    def movement(self) -> tuple[list[int], Tensor, Tensor]:
        """Compare with the copies: indices, norms before the step, and norms of the change, on the device."""
        updates = self._measured(self._local_update_norms)
        weights, self._weights = self._weights, None
        if self.trouble is not None:
            weights = torch.zeros_like(updates)
        parameters = [self.parameters[index] for index in self._taken]
        both = whole_norms(torch.cat([weights, updates]), 2 * parameters, failed=self.trouble is not None)
        return self._taken, *both.chunk(2)

    def _local_update_norms(self) -> Tensor:
        norms = []
        for members in self._portions():
            copies = [self._before[index] for index in members]
            torch._foreach_sub_(copies, [local_part(self.parameters[index].detach()) for index in members])
            norms += native_norms(copies)
        return local_norms([self._before[index] for index in self._taken], norms)

    def _room_for(self, index: int, parameter: Tensor) -> Tensor:
        """Return where to keep a copy of a parameter; the same place each time, unless the model was converted."""
        room = self._before.get(index)
        like = None if room is None else (room.shape, room.dtype, room.device)
        if like != (parameter.shape, parameter.dtype, parameter.device):
            room = self._before[index] = torch.empty_like(parameter)
        return room

    def _portions(self) -> Iterator[list[int]]:
        """Yield the parameters of the step in portions that a processor's cache can hold from one pass to the next."""
        portion, entries = [], 0
        for index in self._taken:
            if portion and entries > PORTION and self.device.type == "cpu":
                yield portion
                portion, entries = [], 0
            portion.append(index)
            entries += self.parameters[index].numel()
        if portion:
            yield portion

    def _measured(self, measure: Callable[[], Tensor]) -> Tensor:
        """Measure; where other processes wait for the result, note an error instead of raising it."""
        if not self.is_sharded:
            return measure()
        try:
            if self.trouble is None:
                return measure()
        except Exception as error:
            self.trouble = error
        return torch.zeros(len(self._taken), dtype=torch.float64, device=self.device)

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
        self._before, self._native, self._weights, self._sentinel = {}, None, None, None
