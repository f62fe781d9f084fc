"""2-norms of many tensors in one pass: dense, sparse or sharded, and right where float32 squares leave its range.

Nothing here waits for an accelerator. On one, norms are summed in float64; on the CPU, where float64 is many times
slower, only a norm that float32 cannot be trusted with is measured again.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor

# below these a norm may have lost entries whose squares vanish; above, squares times the factor's stay finite
TINY = {torch.float64: 1e-150}
OTHER_TINY = 1e-15
FACTOR = {torch.float64: 2.0**600}  # powers of two: multiplying by them rounds nothing
OTHER_FACTOR = 2.0**80
HALVES = (torch.float16, torch.bfloat16)
SUMMED = (*HALVES, torch.float32, torch.float64, torch.complex64, torch.complex128)  # what `_foreach_norm` takes


def is_sharded(tensor: Tensor) -> bool:
    """Whether a tensor is a `torch.distributed.tensor.DTensor`, of which this process holds a part."""
    return hasattr(tensor, "device_mesh") and hasattr(tensor, "to_local")


def local_part(tensor: Tensor) -> Tensor:
    """Return the part of a tensor that this process holds; it has the tensor's memory."""
    return tensor.to_local() if is_sharded(tensor) else tensor


def native_norms(tensors: Sequence[Tensor]) -> list[Tensor]:
    """2-norms of dense tensors as `torch.nn.utils.get_total_norm` takes them; halves in float32, CUDA in float64.

    Parameters
    ----------
    tensors : sequence of Tensor
        Of any dtypes and devices.

    Returns
    -------
    list of Tensor, each of shape ()
        One for each tensor, on its device. Infinite where squares overflowed.
    """
    norms: list[Tensor | None] = [None] * len(tensors)
    groups: dict[tuple[torch.device, torch.dtype], list[int]] = {}
    for index, tensor in enumerate(tensors):
        groups.setdefault((tensor.device, tensor.dtype), []).append(index)
    for (device, dtype), members in groups.items():
        batch = [tensors[index] for index in members]
        if dtype not in SUMMED:  # such as float8
            batch, dtype = [tensor.float() for tensor in batch], torch.float32
        if device.type == "cuda" and not dtype.is_complex:
            found = torch._foreach_norm(batch, 2, dtype=torch.float64)
        elif dtype in HALVES:
            found = torch._foreach_norm(batch, 2, dtype=torch.float32)
        else:
            found = torch._foreach_norm(batch, 2)
        for index, norm in zip(members, found, strict=True):
            norms[index] = norm
    return norms


def norms_of(tensors: Sequence[Tensor]) -> Tensor:
    """2-norm of each tensor, of the whole of it where it is sharded; see `local_norms` and `whole_norms`."""
    return whole_norms(local_norms(tensors), tensors)


def local_norms(tensors: Sequence[Tensor], native: Sequence[Tensor] | None = None) -> Tensor:
    """2-norm of each tensor, or of the part of it that this process holds.

    Parameters
    ----------
    tensors : sequence of Tensor, length n
        Of any layout, dtype and device.
    native : sequence of Tensor, optional
        What `native_norms` says of them, if it was asked already and all are dense.

    Returns
    -------
    Tensor, shape (n,)
        On the first tensor's device, in float64 where it has that; infinite where an entry is NaN or infinite.
    """
    parts = [_values(local_part(tensor)) for tensor in tensors]
    norms = native_norms(parts) if native is None else native
    if not parts:
        return torch.zeros(0, dtype=torch.float64, device="cpu")
    if all(part.device.type == "cpu" for part in parts):
        return _rescued(parts, [norm.item() for norm in norms])
    return _on_one_device(norms).nan_to_num(nan=math.inf, posinf=math.inf)


def whole_norms(vector: Tensor, tensors: Sequence[Tensor], *, failed: bool = False) -> Tensor:
    """Turn norms of local parts into norms of whole tensors, with one reduction for each way of sharding.

    Every process must ask for the same tensors, also one that has failed to measure its parts.

    Parameters
    ----------
    vector : Tensor, shape (n,)
        Norms of the local parts; it is overwritten.
    tensors : sequence of Tensor, length n
        They say how they are sharded.
    failed : bool
        Whether this process has nothing to contribute.

    Returns
    -------
    Tensor, shape (n,)
        Norms; -1 where a process that holds a part has failed.
    """
    groups: dict[tuple[object, tuple[int, ...]], list[int]] = {}
    for index, tensor in enumerate(tensors):
        if is_sharded(tensor):
            groups.setdefault((tensor.device_mesh, tuple(_split_axes(tensor))), []).append(index)
    for (mesh, axes), members in groups.items():
        chosen = slice(None) if len(members) == len(tensors) else members  # a slice needs no copying to the device
        squares = torch.cat([vector[chosen] ** 2, vector.new_full((1,), float(failed))])
        for axis in axes:
            torch.distributed.all_reduce(squares, group=mesh.get_group(axis))
        vector[chosen] = torch.where(squares[-1] > 0, -1.0, squares[:-1].sqrt())
    return vector


def _values(tensor: Tensor) -> Tensor:
    """Return the entries of a sparse tensor, each once; a dense one as it is."""
    if tensor.layout is torch.strided:
        return tensor
    return (tensor.coalesce() if tensor.layout is torch.sparse_coo else tensor).values()


def _on_one_device(norms: Sequence[Tensor]) -> Tensor:
    """Stack scalars in the widest float of the first one's device."""
    device = norms[0].device
    dtype = torch.float32 if device.type == "mps" else torch.float64
    if all(norm.dtype == norms[0].dtype and norm.device == device for norm in norms):
        return torch.stack(list(norms)).to(dtype)
    return torch.stack([norm.to(device, dtype, non_blocking=True) for norm in norms])


def _rescued(tensors: Sequence[Tensor], norms: list[float]) -> Tensor:
    """Measure again what overflowed or nearly vanished, and put down the rest as it is."""
    for index, (tensor, norm) in enumerate(zip(tensors, norms, strict=True)):
        if TINY.get(tensor.dtype, OTHER_TINY) <= norm < math.inf or tensor.numel() == 0:
            continue
        if math.isnan(norm):  # squares overflow to infinity, so an entry is to blame
            norms[index] = math.inf
        elif tensor.dtype is not torch.float16:
            norms[index] = _norm_by_rescaling(tensor, math.isfinite(norm))
    return torch.from_numpy(np.array(norms))


def _norm_by_rescaling(tensor: Tensor, is_small: bool) -> float:
    """2-norm of a tensor that is first brought to where its squares fit; infinite if an entry is not finite."""
    factor, dtype = FACTOR.get(tensor.dtype, OTHER_FACTOR), torch.float32 if tensor.dtype in HALVES else None
    if is_small:
        return torch.linalg.vector_norm(tensor * factor, dtype=dtype).item() / factor
    norm = torch.linalg.vector_norm(tensor * (1 / factor), dtype=dtype).item()
    # beyond float64 too, though every entry is finite: the largest float is nearer than infinity
    return min(norm * factor, torch.finfo(torch.float64).max) if math.isfinite(norm) else math.inf


def _split_axes(tensor: Tensor) -> Iterable[int]:
    """Yield the axes of the device mesh along which a tensor is cut into parts."""
    for axis, placement in enumerate(tensor.placements):
        if placement.is_partial():
            raise NotImplementedError("a gradient whose sum over processes is pending cannot be read")
        if not placement.is_replicate():
            yield axis
