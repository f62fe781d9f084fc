"""Linear layers that compute as mixed precision does: what goes in, the weights and what comes out are rounded.

Rounding is done by conversion to the narrow format and back, the same on every processor. A gradient passes the same
conversions on its way back, so that one beyond the format's range becomes infinite there.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from gradlab.arguments import floating_dtype


class RoundedLinear(nn.Module):
    """``nn.Linear`` whose inputs, parameters and outputs are rounded to a narrower format; float32 in storage.

    Parameters
    ----------
    linear : nn.Linear
        Whose parameters are used, not copied.
    dtype : torch.dtype
        The narrower format, such as ``torch.float16``.

    Raises
    ------
    TypeError
        If `linear` is not an ``nn.Linear``, or `dtype` no format of floating point numbers.
    """

    def __init__(self, linear: nn.Linear, dtype: torch.dtype) -> None:
        super().__init__()
        if not isinstance(linear, nn.Linear):
            raise TypeError(f"linear must be an nn.Linear, got {linear!r}")
        self.weight, self.bias, self.dtype = linear.weight, linear.bias, floating_dtype("dtype", dtype)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(batch, fan_in)`` to ``(batch, fan_out)``."""
        bias = None if self.bias is None else self._rounded(self.bias)
        return self._rounded(functional.linear(self._rounded(x), self._rounded(self.weight), bias))

    def _rounded(self, values: Tensor) -> Tensor:
        return values.to(self.dtype).to(values.dtype)


def round_linear_layers_(network: nn.Module, dtype: torch.dtype) -> nn.Module:
    """Replace every ``nn.Linear`` below a network by a `RoundedLinear` with the same parameters, in place.

    Parameters
    ----------
    network : nn.Module
        Changed in place.
    dtype : torch.dtype
        The narrower format.

    Returns
    -------
    nn.Module
        The same `network`.

    Raises
    ------
    TypeError
        If `network` is not a module, or `dtype` no format of floating point numbers.
    """
    if not isinstance(network, nn.Module):
        raise TypeError(f"network must be an nn.Module, got {network!r}")
    floating_dtype("dtype", dtype)
    for name, child in list(network.named_children()):
        if isinstance(child, nn.Linear):
            setattr(network, name, RoundedLinear(child, dtype))
        else:
            round_linear_layers_(child, dtype)
    return network


NUMBERS: dict[str, torch.dtype] = {
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
    "float32": torch.float32,
    "float64": torch.float64,
}
"""What a case may compute in."""
