"""Residual networks: blocks ``x + scale * branch(x)``, with or without normalization, built like `gradlab.networks`.

A network is a plain ``nn.Sequential`` whose children are its blocks, so that anything that walks along the depth can
iterate over it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gradlab.arguments import flag, floating_dtype, one_of, positive_number, whole_number
from gradlab.networks import NORMS, linear_layer
from gradlab.randomness import stream


class Block(nn.Module):
    """``after(x + scale * branch(x))``.

    Parameters
    ----------
    branch, after : nn.Module
        Maps from ``(batch, width)`` to the same shape.
    scale : float
        Positive factor on the branch.

    Raises
    ------
    TypeError
        If `branch` or `after` is not a module, or `scale` not one real number.
    ValueError
        If `scale` is not positive and finite.
    """

    def __init__(self, branch: nn.Module, after: nn.Module, *, scale: float = 1.0) -> None:
        super().__init__()
        for name, part in (("branch", branch), ("after", after)):
            if not isinstance(part, nn.Module):
                raise TypeError(f"{name} must be an nn.Module, got {part!r}")
        self.branch, self.after, self.scale = branch, after, positive_number("scale", scale)

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output for `x`, both of shape (batch, width)."""
        return self.after(x + self.scale * self.branch(x))


def residual_network(
    blocks: int,
    width: int,
    *,
    inputs: int | None = None,
    outputs: int | None = None,
    norm: str | None = None,
    norm_last: bool = False,
    relu_last: bool = False,
    scale: float = 1.0,
    zero_last: bool = False,
    gain: float = 1.0,
    bias: bool = False,
    dtype: torch.dtype = torch.float32,
    seed: int,
) -> nn.Sequential:
    """Residual network ``x + scale * V relu(W norm(x))``, block after block.

    ``W`` is drawn with He's variance and ``V`` with LeCun's, so that without normalization a branch keeps the mean
    square of what goes in, and the sum has twice that.

    Parameters
    ----------
    blocks : int
        Number of blocks, of two layers each, at least 1.
    width : int
        Units of the sum that runs through the network, and of the layer inside each branch; at least 1.
    inputs : int, optional
        Units of the input. If given, a linear layer (LeCun) brings them to `width`; otherwise there are `width`.
    outputs : int, optional
        Units of a linear output layer (LeCun), after a last normalization if the branches begin with one; none
        unless given.
    norm : {"batch", "layer"}, optional
        ``nn.BatchNorm1d`` or ``nn.LayerNorm`` at the beginning of each branch; none unless given.
    norm_last : bool
        Whether the normalization comes after the sum instead.
    relu_last : bool
        Whether a ReLU comes at the very end of each block, after the sum.
    scale : float
        Positive factor on each branch.
    zero_last : bool
        Whether ``V`` starts at zero, so that each block starts as the identity.
    gain : float
        Positive factor on the weights that are drawn, in every layer.
    bias : bool
        Whether layers have biases; they start at zero.
    dtype : torch.dtype
        Of all parameters.
    seed : int
        Seed of the weights, at least 0.

    Returns
    -------
    nn.Sequential
        Maps ``(batch, inputs)`` to ``(batch, outputs)``, or to ``(batch, width)`` without an output layer. Its
        children are the linear layer that `inputs` asks for, the blocks, each a `Block`, and the output layer, an
        ``nn.Sequential``.

    Raises
    ------
    TypeError
        If an argument is not of the kind stated.
    ValueError
        If a size is below 1, `norm` is unknown, `scale` or `gain` is not positive and finite, or `norm_last` is asked
        for without a `norm`.

    References
    ----------
    He et al. (2016), "Deep Residual Learning for Image Recognition" and "Identity Mappings in Deep Residual Networks";
    Xiong et al. (2020), "On Layer Normalization in the Transformer Architecture".
    """
    blocks, width = whole_number("blocks", blocks, at_least=1), whole_number("width", width, at_least=1)
    kind = {"bias": bias, "dtype": floating_dtype("dtype", dtype)}
    first, last = _normalizations(width, norm, norm_last, dtype)
    rectify = [nn.ReLU] if flag("relu_last", relu_last) else []
    draw = {**kind, "gain": gain, "generator": stream("weights", whole_number("seed", seed, at_least=0))}
    flag("zero_last", zero_last)
    layers: list[nn.Module] = []
    if inputs is not None:
        layers.append(linear_layer(whole_number("inputs", inputs, at_least=1), width, init="lecun", **draw))
    for _ in range(blocks):
        inner, outer = (linear_layer(width, width, init=init, **draw) for init in ("he", "lecun"))
        if zero_last:
            nn.init.zeros_(outer.weight)
        branch = nn.Sequential(*(make() for make in first), inner, nn.ReLU(), outer)
        layers.append(Block(branch, nn.Sequential(*(make() for make in (*last, *rectify))), scale=scale))
    if outputs is not None:
        output = linear_layer(width, whole_number("outputs", outputs, at_least=1), init="lecun", **draw)
        layers.append(nn.Sequential(*(make() for make in first), output))
    return nn.Sequential(*layers)


def _normalizations(width: int, norm: str | None, norm_last: bool, dtype: torch.dtype) -> tuple[list, list]:
    """Return what makes the normalizations at the beginning of a branch, and those after the sum."""
    if flag("norm_last", norm_last) and norm is None:
        raise ValueError(f"norm_last must be False where there is no norm, got {norm_last!r}")
    if one_of("norm", norm, (None, *NORMS)) is None:
        return [], []
    made = [lambda: NORMS[norm](width, dtype=dtype)]
    return ([], made) if norm_last else (made, [])
