"""Deep feed-forward networks, built from their depth, width, activation, initial weights and normalization.

A network is a plain ``nn.Sequential`` whose children are its layers, so that anything that walks along the depth can
iterate over it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import nn

from gradlab.arguments import flag, floating_dtype, one_of, whole_number
from gradlab.initialization import draw_
from gradlab.randomness import stream

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "linear": nn.Identity,
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "gelu": nn.GELU,
}

NORMS: dict[str, type[nn.Module]] = {"batch": nn.BatchNorm1d, "layer": nn.LayerNorm}


def deep_network(
    depth: int,
    width: int,
    *,
    inputs: int | None = None,
    outputs: int | None = None,
    activation: str = "relu",
    init: str = "he",
    gain: float = 1.0,
    bias: bool = False,
    norm: str | None = None,
    norm_last: bool = False,
    dtype: torch.dtype = torch.float32,
    seed: int,
) -> nn.Sequential:
    """Fully connected network ``h_l = activation(norm(W_l h_(l-1) + b_l))`` for ``l = 1 ... depth``.

    Parameters
    ----------
    depth : int
        Number of hidden layers, at least 1.
    width : int
        Units in each hidden layer, at least 1.
    inputs : int, optional
        Units of the input; as many as `width` unless given.
    outputs : int, optional
        Units of a linear output layer, which comes after the hidden ones; none unless given.
    activation : {"linear", "relu", "tanh", "sigmoid", "gelu"}
        What follows each hidden layer's linear map.
    init : str
        How all weights are drawn: a key of `gradlab.initialization.SCHEMES`.
    gain : float
        Positive factor on what `init` draws, in every layer.
    bias : bool
        Whether layers have biases. They start at zero, except with ``init="default"``, where they are drawn as
        `torch.nn.Linear` draws them.
    norm : {"batch", "layer"}, optional
        Normalization in each hidden layer, ``nn.BatchNorm1d`` or ``nn.LayerNorm`` as PyTorch makes them; none unless
        given.
    norm_last : bool
        Whether it comes after the activation instead of before it.
    dtype : torch.dtype
        Of all parameters.
    seed : int
        Seed of the weights, at least 0.

    Returns
    -------
    nn.Sequential
        Maps ``(batch, inputs)`` to ``(batch, outputs)``, or to ``(batch, width)`` without an output layer. Its
        children are the hidden layers, each an ``nn.Sequential`` of a linear map, an activation and perhaps a
        normalization, in their order, and then the output layer, an ``nn.Linear``.

    Raises
    ------
    TypeError
        If an argument is not of the kind stated.
    ValueError
        If a size is below 1, `activation`, `init` or `norm` is unknown, `gain` is not positive and finite, or
        `norm_last` is asked for without a `norm`.
    """
    depth, width = whole_number("depth", depth, at_least=1), whole_number("width", width, at_least=1)
    inputs = width if inputs is None else whole_number("inputs", inputs, at_least=1)
    rest = _after_the_linear_map(width, activation, norm, norm_last, floating_dtype("dtype", dtype))
    generator = stream("weights", whole_number("seed", seed, at_least=0))
    draw = {"init": init, "gain": gain, "bias": bias, "dtype": dtype, "generator": generator}
    layers = [
        nn.Sequential(linear_layer(fan_in, width, **draw), *(make() for make in rest))
        for fan_in in (inputs, *[width] * (depth - 1))
    ]
    if outputs is not None:
        layers.append(linear_layer(width, whole_number("outputs", outputs, at_least=1), **draw))
    return nn.Sequential(*layers)


def _after_the_linear_map(
    width: int, activation: str, norm: str | None, norm_last: bool, dtype: torch.dtype
) -> list[Callable[[], nn.Module]]:
    """Return what makes the other parts of a hidden layer, in their order."""
    nonlinearity = ACTIVATIONS[one_of("activation", activation, tuple(ACTIVATIONS))]
    if flag("norm_last", norm_last) and norm is None:
        raise ValueError(f"norm_last must be False where there is no norm, got {norm_last!r}")
    if one_of("norm", norm, (None, *NORMS)) is None:
        return [nonlinearity]
    normalization = partial(NORMS[norm], width, dtype=dtype)
    return [nonlinearity, normalization] if norm_last else [normalization, nonlinearity]


def linear_layer(
    fan_in: int,
    fan_out: int,
    *,
    init: str,
    gain: float = 1.0,
    bias: bool = False,
    dtype: torch.dtype = torch.float32,
    generator: torch.Generator,
) -> nn.Linear:
    """``nn.Linear`` with its weights drawn by a scheme.

    Parameters
    ----------
    fan_in, fan_out : int
        Units before and after, at least 1.
    init, gain, bias, dtype
        As for `deep_network`.
    generator : torch.Generator
        Where the random numbers come from.

    Returns
    -------
    nn.Linear

    Raises
    ------
    TypeError
        If an argument is not of the kind stated.
    ValueError
        If a size is below 1, `init` is unknown, or `gain` is not positive and finite.
    """
    fan_in, fan_out = whole_number("fan_in", fan_in, at_least=1), whole_number("fan_out", fan_out, at_least=1)
    kind = {"bias": flag("bias", bias), "dtype": floating_dtype("dtype", dtype)}
    # without nn.Linear's own random weights; nn.utils.skip_init does the same in more than twice the time
    layer = nn.Linear(fan_in, fan_out, device="meta", **kind).to_empty(device="cpu")
    draw_(layer.weight, init, gain=gain, generator=generator)
    if bias:
        bound = 1 / math.sqrt(fan_in) if init == "default" else 0.0
        nn.init.uniform_(layer.bias, -bound, bound, generator=generator)
    return layer
