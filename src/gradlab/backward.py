"""The backward signal: how large the gradient is at each layer, or at each time step, on its way back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from gradlab.arguments import sequence_of, tensor


@dataclass(frozen=True)
class Norms:
    """2-norms along the depth of networks, float64.

    Parameters
    ----------
    activations : ndarray, shape (networks, layers + 1)
        Of ``h_0`` (the input) to ``h_L``.
    signals : ndarray, shape (networks, layers + 1)
        Of the backward signal, the gradient of the loss in ``h_0 ... h_L``.
    weights : ndarray, shape (networks, layers)
        Of the gradient of the loss in the weight matrix of each layer (Frobenius); NaN for a layer without one.
    """

    activations: np.ndarray
    signals: np.ndarray
    weights: np.ndarray


def norms_of_gradients(loss: Tensor, tensors: Sequence[Tensor]) -> np.ndarray:
    """2-norm of the gradient of `loss` in each of some tensors.

    Parameters
    ----------
    loss : Tensor
        One number, computed from the tensors.
    tensors : sequence of Tensor
        Such as the layers' activations or the states of a recurrent network.

    Returns
    -------
    ndarray, shape (len(tensors),)
        Float64; norms are accumulated in float64, so that only the gradient itself can overflow. Zero for a tensor
        that the loss does not depend on.

    Raises
    ------
    TypeError
        If `loss` or one of `tensors` is not a tensor of floating point numbers.
    ValueError
        If `loss` is not one number, `tensors` is empty, or one of them has no gradient because nothing was recorded.
    """
    if tensor("loss", loss).numel() != 1:
        raise ValueError(f"loss must be one number, got shape {tuple(loss.shape)}")
    tensors = sequence_of("tensors", tensors, Tensor)
    if not all(t.requires_grad for t in (loss, *tensors)):
        raise ValueError(f"loss and tensors must require a gradient, got {loss!r} and {tensors!r}")
    gradients = torch.autograd.grad(loss.sum(), tensors, allow_unused=True, materialize_grads=True)
    return np.array([_norm(gradient) for gradient in gradients])


def norms_along_depth(networks: Iterable[nn.Sequential], x: Tensor, loss: Callable[[Tensor], Tensor]) -> Norms:
    """Norms of activations, backward signal and weight gradients in each of some networks of equal depth.

    Parameters
    ----------
    networks : iterable of nn.Sequential
        Their children are the layers, as `gradlab.networks.deep_network` makes them. A generator that makes them one
        at a time needs the memory of two.
    x : Tensor, shape (batch, inputs)
        What goes in.
    loss : callable
        Takes the output, returns one number.

    Returns
    -------
    Norms

    Raises
    ------
    TypeError
        If an argument is not of the kind stated.
    ValueError
        If there is no network, or the networks have different numbers of layers.
    """
    if not isinstance(networks, Iterator):
        networks = sequence_of("networks", networks, nn.Sequential)
    if not callable(loss):
        raise TypeError(f"loss must be a function of the output, got {loss!r}")
    x, rows = tensor("x", x), []
    for network in networks:
        sequence_of("networks", [network], nn.Sequential)
        rows.append(_along_one(network, x, loss))
    depths = sequence_of("networks", [len(weights) for *_, weights in rows], int)
    if len(set(depths)) != 1:
        raise ValueError(f"networks must have equally many layers, got {depths}")
    return Norms(*(np.array(column) for column in zip(*rows, strict=True)))


def _along_one(network: nn.Sequential, x: Tensor, loss: Callable[[Tensor], Tensor]) -> tuple[list, list, list]:
    h = [x.detach().requires_grad_()]
    for layer in network:
        h.append(layer(h[-1]))
    weights = [_weight(layer) for layer in network]
    some = [weight for weight in weights if weight is not None]
    norms = iter(norms_of_gradients(loss(h[-1]), [*h, *some]))
    signals = [next(norms) for _ in h]
    return [_norm(a) for a in h], signals, [np.nan if weight is None else next(norms) for weight in weights]


def _weight(layer: nn.Module) -> Tensor | None:
    """Return the first weight matrix of a layer."""
    return next((parameter for parameter in layer.parameters() if parameter.ndim == 2), None)


def _norm(values: Tensor) -> float:
    return torch.linalg.vector_norm(values.detach(), dtype=torch.float64).item()
