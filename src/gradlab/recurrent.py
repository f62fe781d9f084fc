"""Recurrent networks that keep the state of every time step, so that a gradient can be followed back in time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from gradlab.arguments import floating_dtype, one_of, positive_number, real_number, tensor, whole_number
from gradlab.initialization import draw_
from gradlab.networks import ACTIVATIONS
from gradlab.randomness import stream


class RecurrentNetwork(nn.Module):
    """``h_t = activation(W_rec h_(t-1) + W_in x_t + b)`` for ``t = 1 ... T``, from ``h_0 = 0``; read out at the end.

    The same function as ``nn.RNN`` with one layer, which does not give gradients in its states and has no linear
    variant. All parameters but ``W_rec`` are drawn as ``nn.RNN`` draws them, uniformly within ``1 / sqrt(hidden)``.

    Parameters
    ----------
    inputs : int
        Entries of each ``x_t``, at least 1.
    hidden : int
        Units of the state, at least 1.
    outputs : int, optional
        Units of a linear layer that reads the last state; without it the network returns that state.
    activation : {"tanh", "relu", "linear", "sigmoid", "gelu"}
        What follows the linear map of each step.
    init : str
        How ``W_rec`` is drawn: a key of `gradlab.initialization.SCHEMES`.
    gain : float
        Positive factor on ``W_rec``. With ``"orthogonal"`` and ``"identity"`` it is the spectral radius.
    dtype : torch.dtype
        Of all parameters.
    seed : int
        Seed of the parameters, at least 0.

    Attributes
    ----------
    to_state : nn.Linear
        ``W_in`` and ``b``.
    recurrent : nn.Linear
        ``W_rec``, without a bias.
    readout : nn.Linear or nn.Identity
        Reads the last state.

    Raises
    ------
    TypeError
        If an argument is not of the kind stated.
    ValueError
        If a size is below 1, `activation` or `init` is unknown, or `gain` is not positive and finite.
    """

    def __init__(
        self,
        inputs: int,
        hidden: int,
        outputs: int | None = None,
        *,
        activation: str = "tanh",
        init: str = "orthogonal",
        gain: float = 1.0,
        dtype: torch.dtype = torch.float32,
        seed: int,
    ) -> None:
        super().__init__()
        inputs, hidden = whole_number("inputs", inputs, at_least=1), whole_number("hidden", hidden, at_least=1)
        generator = stream("weights", whole_number("seed", seed, at_least=0))
        self.activation = ACTIVATIONS[one_of("activation", activation, tuple(ACTIVATIONS))]()
        kind = {"dtype": floating_dtype("dtype", dtype)}
        self.to_state = nn.utils.skip_init(nn.Linear, inputs, hidden, **kind)
        self.recurrent = nn.utils.skip_init(nn.Linear, hidden, hidden, bias=False, **kind)
        self.readout = nn.Identity()
        if outputs is not None:
            outputs = whole_number("outputs", outputs, at_least=1)
            self.readout = nn.utils.skip_init(nn.Linear, hidden, outputs, **kind)
        for parameter in (*self.to_state.parameters(), *self.readout.parameters()):
            nn.init.uniform_(parameter, -1 / math.sqrt(hidden), 1 / math.sqrt(hidden), generator=generator)
        draw_(self.recurrent.weight, init, gain=gain, generator=generator)

    def states(self, x: Tensor, start: Tensor | None = None) -> list[Tensor]:
        """Return ``h_0 ... h_T``.

        Parameters
        ----------
        x : Tensor, shape (batch, T, inputs)
            The sequences.
        start : Tensor, shape (batch, hidden), optional
            ``h_0``; zeros unless given. Pass one that requires a gradient to follow the gradient back to it.

        Returns
        -------
        list of Tensor, T + 1 of shape (batch, hidden)
            All part of one graph, so that gradients in all of them can be asked for.

        Raises
        ------
        TypeError
            If `x` or `start` is not a tensor of floating point numbers.
        ValueError
            If `x` does not have three axes or `start` two.
        """
        pushes = self.to_state(tensor("x", x, ndim=3))
        h = [torch.zeros_like(pushes[:, 0]) if start is None else tensor("start", start, ndim=2)]
        for push in pushes.unbind(dim=1):
            h.append(self.activation(self.recurrent(h[-1]) + push))
        return h

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(batch, T, inputs)`` to ``(batch, outputs)``."""
        return self.readout(self.states(x)[-1])


class Gates(NamedTuple):
    """The gates of one step, each in (0, 1), and what the cell is offered, in (-1, 1); in PyTorch's order."""

    input: Tensor
    forget: Tensor
    offer: Tensor
    output: Tensor


@dataclass(frozen=True)
class Memory:
    """What an LSTM held at the steps of a sequence; all tensors have shape (batch, hidden) and are part of one graph.

    Parameters
    ----------
    hidden : list of Tensor
        ``h_0 ... h_T``, what the network shows of its memory.
    cells : list of Tensor
        ``c_0 ... c_T``, the memory.
    gates : list of Gates
        One for each step ``1 ... T``.
    """

    hidden: list[Tensor]
    cells: list[Tensor]
    gates: list[Gates]


class LongShortTermMemory(nn.Module):
    """LSTM that keeps every state: ``c_t = f_t * c_(t-1) + i_t * g_t`` and ``h_t = o_t * tanh(c_t)``, from zeros.

    The same function as ``nn.LSTM`` with one layer, which gives no gradients in its cells and cannot be trained under
    `torch.func.vmap`. The gates are ``i, f, o = sigmoid(W_in x_t + W_rec h_(t-1) + b)``, and ``g`` the same with tanh.
    All parameters are drawn as ``nn.LSTM`` draws them, uniformly within ``1 / sqrt(hidden)``; ``nn.LSTM`` adds two
    biases, here there is one.

    Parameters
    ----------
    inputs : int
        Entries of each ``x_t``, at least 1.
    hidden : int
        Units of the state, at least 1.
    outputs : int, optional
        Units of a linear layer that reads the last ``h_t``; without it the network returns that state.
    forget_bias : float, optional
        The forget gates' bias before training; drawn like the other parameters unless given. Infinity fixes the gates
        at 1, which is the LSTM of 1997.
    gain : float
        Positive factor on ``W_rec``.
    dtype : torch.dtype
        Of all parameters.
    seed : int
        Seed of the parameters, at least 0.

    Attributes
    ----------
    to_gates : nn.Linear
        ``W_in`` and ``b``, of all four gates in PyTorch's order: input, forget, what is offered, output.
    recurrent : nn.Linear
        ``W_rec`` of all four, without a bias.
    readout : nn.Linear or nn.Identity
        Reads the last state.

    Raises
    ------
    TypeError
        If an argument is not of the kind stated.
    ValueError
        If a size is below 1, `forget_bias` is NaN, or `gain` is not positive and finite.

    References
    ----------
    Hochreiter and Schmidhuber (1997), "Long Short-Term Memory"; the forget gate is of Gers, Schmidhuber and Cummins
    (2000), "Learning to Forget".
    """

    def __init__(
        self,
        inputs: int,
        hidden: int,
        outputs: int | None = None,
        *,
        forget_bias: float | None = None,
        gain: float = 1.0,
        dtype: torch.dtype = torch.float32,
        seed: int,
    ) -> None:
        super().__init__()
        inputs, hidden = whole_number("inputs", inputs, at_least=1), whole_number("hidden", hidden, at_least=1)
        generator = stream("weights", whole_number("seed", seed, at_least=0))
        kind = {"dtype": floating_dtype("dtype", dtype)}
        self.to_gates = nn.utils.skip_init(nn.Linear, inputs, 4 * hidden, **kind)
        self.recurrent = nn.utils.skip_init(nn.Linear, hidden, 4 * hidden, bias=False, **kind)
        self.readout = nn.Identity()
        if outputs is not None:
            outputs = whole_number("outputs", outputs, at_least=1)
            self.readout = nn.utils.skip_init(nn.Linear, hidden, outputs, **kind)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -1 / math.sqrt(hidden), 1 / math.sqrt(hidden), generator=generator)
        with torch.no_grad():
            self.recurrent.weight.mul_(positive_number("gain", gain))
            if forget_bias is not None:
                self.to_gates.bias[hidden : 2 * hidden] = real_number("forget_bias", forget_bias)

    def memory(self, x: Tensor, hidden: Tensor | None = None, cell: Tensor | None = None) -> Memory:
        """Return the states of all steps, and the gates.

        Parameters
        ----------
        x : Tensor, shape (batch, T, inputs)
            The sequences.
        hidden, cell : Tensor, shape (batch, hidden), optional
            ``h_0`` and ``c_0``; zeros unless given. Pass some that require a gradient to follow it back to them.

        Returns
        -------
        Memory

        Raises
        ------
        TypeError
            If an argument is not a tensor of floating point numbers.
        ValueError
            If `x` does not have three axes, or `hidden` or `cell` two.
        """
        pushes = self.to_gates(tensor("x", x, ndim=3))
        zeros = torch.zeros_like(pushes[:, 0, : self.recurrent.in_features])
        h = [zeros if hidden is None else tensor("hidden", hidden, ndim=2)]
        c = [zeros if cell is None else tensor("cell", cell, ndim=2)]
        gates = []
        for push in pushes.unbind(dim=1):
            i, f, g, o = (push + self.recurrent(h[-1])).chunk(4, dim=1)
            gates.append(Gates(torch.sigmoid(i), torch.sigmoid(f), torch.tanh(g), torch.sigmoid(o)))
            c.append(gates[-1].forget * c[-1] + gates[-1].input * gates[-1].offer)
            h.append(gates[-1].output * torch.tanh(c[-1]))
        return Memory(h, c, gates)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(batch, T, inputs)`` to ``(batch, outputs)``."""
        return self.readout(self.memory(x).hidden[-1])
