"""Random networks in theory: how activations and gradients grow from layer to layer at infinite width.

There the inputs of a layer's units are Gaussian, so that a layer is described by one number, their mean square.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch

from gradlab.arguments import one_of, positive_number, whole_number
from gradlab.networks import ACTIVATIONS


class Growth(NamedTuple):
    """What theory says of each layer, float64.

    Parameters
    ----------
    squares : ndarray, shape (depth,)
        Mean square of the inputs ``W h`` of the units of layers 1 ... depth.
    factors : ndarray, shape (depth,)
        Factor by which the norm of the backward signal changes on its way back through layers 1 ... depth.
    """

    squares: np.ndarray
    factors: np.ndarray


def growth(activation: str, gain: float, depth: int, *, start: float = 1.0) -> Growth:
    """Growth of the backward signal in a fully connected network without biases.

    The mean square ``q_l`` of the inputs of layer ``l`` follows ``q_(l+1) = g**2 E[phi(sqrt(q_l) z)**2]`` for a
    standard normal ``z``, and layer ``l`` multiplies the squared norm of the backward signal by
    ``g**2 E[phi'(sqrt(q_l) z)**2]``.

    Parameters
    ----------
    activation : {"linear", "relu", "tanh", "sigmoid", "gelu"}
        ``phi``.
    gain : float
        ``g``, the standard deviation of a weight times the root of the width, positive.
    depth : int
        Number of layers, at least 1.
    start : float
        Mean square of the entries of the network's input, positive.

    Returns
    -------
    Growth

    Raises
    ------
    TypeError
        If a number is not of the kind stated.
    ValueError
        If `activation` is unknown or a number is outside its range.

    References
    ----------
    Poole et al. (2016); Schoenholz et al. (2017), "Deep Information Propagation".
    """
    phi = ACTIVATIONS[one_of("activation", activation, tuple(ACTIVATIONS))]()
    gain, start = positive_number("gain", gain), positive_number("start", start)
    # a dense grid, since Gauss-Hermite rules fail for the narrow slope of a saturated unit; 0, where a slope may jump,
    # is not on it
    z = torch.linspace(-10, 10, 40_000, dtype=torch.float64)
    density = torch.exp(-(z**2) / 2) * (z[1] - z[0]) / math.sqrt(2 * math.pi)
    squares, factors, square = [], [], gain**2 * start
    for _ in range(whole_number("depth", depth, at_least=1)):
        a = (math.sqrt(square) * z).requires_grad_()
        value = phi(a)
        (slope,) = torch.autograd.grad(value.sum(), a)
        squares.append(square)
        factors.append(gain * math.sqrt((slope**2 * density).sum().item()))
        square = gain**2 * (value.detach() ** 2 * density).sum().item()
    return Growth(np.array(squares), np.array(factors))
