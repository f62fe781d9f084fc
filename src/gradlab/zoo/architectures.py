"""The networks of the zoo that `gradlab.networks` does not build, each as small as its fault allows."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class Residual(nn.Module):
    """Blocks ``h + scale * W2 relu(W1 h)`` between a linear input and a linear output, weights drawn as He's."""

    def __init__(self, inputs: int, width: int, blocks: int, *, scale: float) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(inputs, width), nn.Linear(width, 1)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width)) for _ in range(blocks)
        )
        for block in self.blocks:
            nn.init.kaiming_normal_(block[0].weight)
            nn.init.kaiming_normal_(block[2].weight, nonlinearity="linear")
        self.scale = scale

    def forward(self, x: Tensor) -> Tensor:
        """Map (rows, inputs) to (rows, 1)."""
        h = self.first(x)
        for block in self.blocks:
            h = h + self.scale * block(h)
        return self.last(h)


class Block(nn.Module):
    """Attention with one head and a feed-forward part, each added to its input."""

    def __init__(self, width: int, *, norm: bool) -> None:
        super().__init__()
        self.mix, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.think = nn.Sequential(nn.Linear(width, 2 * width), nn.ReLU(), nn.Linear(2 * width, width))
        self.norms = nn.ModuleList(nn.LayerNorm(width) if norm else nn.Identity() for _ in range(2))

    def forward(self, h: Tensor) -> Tensor:
        """Map (rows, length, width) to the same shape."""
        query, key, value = self.mix(self.norms[0](h)).chunk(3, dim=2)
        h = h + self.out(functional.scaled_dot_product_attention(query, key, value, is_causal=True))
        return h + self.think(self.norms[1](h))


class Transformer(nn.Module):
    """A language model of a few blocks; with `norm`, each part of a block is normalised first."""

    def __init__(self, vocabulary: int, width: int, blocks: int, *, norm: bool) -> None:
        super().__init__()
        self.embed = nn.Embedding(vocabulary, width)
        self.blocks = nn.Sequential(*(Block(width, norm=norm) for _ in range(blocks)))
        self.last = nn.Sequential(nn.LayerNorm(width) if norm else nn.Identity(), nn.Linear(width, vocabulary))

    def forward(self, text: Tensor) -> Tensor:
        """Map (rows, length) to logits of shape (rows, vocabulary, length)."""
        return self.last(self.blocks(self.embed(text))).transpose(1, 2)


class Recurrent(nn.Module):
    """A recurrent layer that reads a sequence, and a linear map of its last state.

    Recurrent weights are the identity times `gain` under ReLU, else orthogonal matrices times `gain`; in an LSTM the
    input weights are multiplied by it too.
    """

    def __init__(self, cell: str, hidden: int, *, gain: float) -> None:
        super().__init__()
        make = {"relu": nn.RNN, "tanh": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}[cell]
        kind = {"nonlinearity": cell} if make is nn.RNN else {}
        self.cell, self.last = make(2, hidden, batch_first=True, **kind), nn.Linear(hidden, 1)
        with torch.no_grad():
            for gate in self.cell.weight_hh_l0.split(hidden):
                gate.copy_(gain * torch.eye(hidden)) if cell == "relu" else nn.init.orthogonal_(gate, gain=gain)
            if cell == "lstm":
                self.cell.weight_ih_l0.mul_(gain)

    def forward(self, x: Tensor) -> Tensor:
        """Map (rows, length, 2) to (rows, 1)."""
        return self.last(self.cell(x)[0][:, -1])


class Dropout(nn.Module):
    """Dropout from a generator of its own, so that a run does not depend on the global one."""

    def __init__(self, share: float, generator: torch.Generator) -> None:
        super().__init__()
        self.share, self.generator = share, generator

    def forward(self, h: Tensor) -> Tensor:
        """Set a share of the entries to zero and make up for it in the others."""
        kept = torch.rand(h.shape, generator=self.generator) >= self.share
        return h * kept / (1 - self.share)


class Reversal(torch.autograd.Function):
    """The identity, whose gradient is multiplied by a negative factor: what comes before it works against the loss."""

    @staticmethod
    def forward(ctx, h: Tensor, strength: float) -> Tensor:
        """Return `h`."""
        ctx.strength = strength
        return h.view_as(h)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:
        """Return the gradient against its direction."""
        return -ctx.strength * gradient, None


def leaky(depth: int, *, width: int = 32, norm: bool = False, gain: float = 1.0) -> nn.Sequential:
    """Hidden layers of leaky ReLUs, which cannot die, between 8 inputs and 1 output; a norm before each with `norm`."""
    parts: list[nn.Module] = []
    for layer in range(depth):
        linear = nn.Linear(width if layer else 8, width)
        nn.init.kaiming_normal_(linear.weight, a=0.2)
        with torch.no_grad():
            linear.weight.mul_(gain)
        parts += [linear, *([nn.LayerNorm(width)] if norm else []), nn.LeakyReLU(0.2)]
    return nn.Sequential(*parts, nn.Linear(width, 1))


def convolutions(layers: int, channels: int, classes: int, *, gain: float) -> nn.Sequential:
    """Convolutions of 3 x 3 on one input channel with He's weights times `gain`, then the mean and a linear map."""
    parts: list[nn.Module] = []
    for layer in range(layers):
        convolution = nn.Conv2d(channels if layer else 1, channels, 3, padding=1)
        nn.init.kaiming_normal_(convolution.weight)
        with torch.no_grad():
            convolution.weight.mul_(gain)
        parts += [convolution, nn.ReLU()]
    return nn.Sequential(*parts, nn.AdaptiveMaxPool2d(2), nn.Flatten(), nn.Linear(4 * channels, classes))
