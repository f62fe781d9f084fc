"""Looking at tensors of every kind: which are inside an object, are they finite, what do they look like."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

PLAIN = (str, bytes, int, float, complex, bool, type(None), torch.nn.Module, torch.dtype, torch.device)


def tensors_in(value: Any, depth: int = 6) -> Iterator[Tensor]:
    """Yield the tensors inside tuples, lists, sets, mappings, dataclasses and other objects, at most `depth` deep."""
    if isinstance(value, Tensor):
        yield value
    elif depth > 0 and not isinstance(value, PLAIN):
        for part in _parts(value):
            yield from tensors_in(part, depth - 1)


def _parts(value: Any) -> Iterator[Any]:
    """Return what an object that is no tensor holds."""
    if isinstance(value, Mapping):
        return iter(value.values())
    if isinstance(value, tuple | list | set | frozenset):
        return iter(value)
    if dataclasses.is_dataclass(value):
        return (getattr(value, field.name, None) for field in dataclasses.fields(value))
    return iter(list(getattr(value, "__dict__", {}).values()))


def unwrapped(tensor: Tensor) -> Tensor:
    """Return the tensor of all examples where `torch.func.vmap` shows its function only one."""
    while torch._C._functorch.is_functorch_wrapped_tensor(tensor):
        tensor = torch._C._functorch.get_unwrapped(tensor)
    return tensor


def is_finite(tensor: Tensor) -> bool:
    """Return whether no entry is NaN or infinite; True for integers, and where nobody can tell."""
    values = _readable(tensor)
    return values is None or bool(torch.isfinite(values).all())


def has_nan(tensor: Tensor) -> bool:
    """Return whether an entry is NaN."""
    values = _readable(tensor)
    return values is not None and bool(torch.isnan(values).any())


def looks_like_a_mask(tensor: Tensor) -> bool:
    """Return whether the tensor is an additive mask: entries 0 and minus infinity, nothing else."""
    values = _readable(tensor)
    return values is not None and not values.is_complex() and bool(((values == 0) | (values == -torch.inf)).all())


def memory_of(tensor: Tensor) -> int:
    """Return the address of the memory that a tensor shares with its views."""
    try:
        dense = tensor._values() if tensor.layout == torch.sparse_coo else tensor
        return dense.untyped_storage().data_ptr()
    except (RuntimeError, NotImplementedError):  # a layout without storage
        return id(tensor)


def described(tensor: Tensor) -> str:
    """Return what a tensor looks like: dtype, shape, share of non-finite entries, largest finite magnitude."""
    words = f"{str(tensor.dtype).removeprefix('torch.')} {tuple(tensor.shape)}"
    values = _readable(tensor)
    if values is None:
        return words
    finite = torch.isfinite(values)
    sizes = values[finite].abs()
    if finite.all():
        return f"{words}, finite, largest magnitude {sizes.max().item():.3g}"
    entries, broken, nans = values.numel(), int((~finite).sum()), int(torch.isnan(values).sum())
    kinds = " and ".join([f"{nans} NaN"] * (nans > 0) + [f"{broken - nans} infinite"] * (broken > nans))
    first = tuple((~finite).nonzero()[0].tolist())
    place = f", the first at {first}" if first and values.shape == tensor.shape else ""
    rest = f"largest finite magnitude {sizes.max().item():.3g}" if sizes.numel() else "none finite"
    return f"{words}, {broken} of {entries} entries not finite ({broken / entries:.2%}: {kinds}{place}), {rest}"


def _readable(tensor: Tensor) -> Tensor | None:
    """Return the entries in a form that torch can judge; None if there is nothing that could be non-finite."""
    tensor = unwrapped(tensor)
    try:
        if tensor.layout != torch.strided:
            tensor = tensor.coalesce().values() if tensor.layout == torch.sparse_coo else tensor.values()
        if not (tensor.is_floating_point() or tensor.is_complex()) or tensor.numel() == 0 or tensor.is_meta:
            return None
        tensor = tensor.detach()
        if tensor.dtype.itemsize == 1:  # the 8-bit formats know few operations
            return tensor.float()
        torch.isfinite(tensor.flatten()[:1])  # refused here, not in the middle of a description
        return tensor
    except (RuntimeError, NotImplementedError, AttributeError):
        return None
