"""Networks of the adversarial kinds that are more than a stack of layers."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from adversarial import perceptron


class Factors(nn.Module):
    """Input times the product of two vectors."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.a, self.b = (nn.Parameter(torch.randn(width)) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        return x * (self.a @ self.b) / len(self.a) ** 0.5


class Encoder(nn.Module):
    """An autoencoder with a Gaussian code."""

    def __init__(self) -> None:
        super().__init__()
        self.encode, self.decode = perceptron(12, 32, 8), perceptron(4, 32, 12)

    def parts(self, x: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Return the error of what is rebuilt, and the divergence of the code."""
        mean, log_scale = self.encode(x).chunk(2, dim=1)
        divergence = (mean.square() + (2 * log_scale).exp() - 2 * log_scale - 1).sum(dim=1).mean() / 2
        return (self.decode(mean + noise * log_scale.exp()) - x).square().sum(dim=1).mean(), divergence


class Adapted(nn.Module):
    """A frozen layer and a low-rank correction that starts at zero."""

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.base = nn.Linear(16, 16).requires_grad_(False)
        self.down, self.up, self.scale = nn.Linear(16, 2, bias=False), nn.Linear(2, 16, bias=False), scale
        nn.init.zeros_(self.up.weight)

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        return self.base(x) + self.scale * self.up(self.down(x))


class Hyper(nn.Module):
    """A network that makes the weights of three small ones, whose outputs are averaged."""

    def __init__(self) -> None:
        super().__init__()
        self.code, self.make = nn.Parameter(torch.randn(3, 8)), perceptron(8, 32, 72)

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        made = self.make(self.code)
        first, last = made[:, :64].reshape(3, 8, 8), made[:, 64:]
        return torch.stack([(x @ w).tanh() @ v for w, v in zip(first, last, strict=True)]).mean(0)[:, None]


class ReluRecurrent(nn.Module):
    """Leaky ReLUs that see their own last outputs; the weights between them are orthogonal, times a gain."""

    def __init__(self, gain: float) -> None:
        super().__init__()
        self.recurrent, self.into, self.out = nn.Linear(24, 24), nn.Linear(1, 24), nn.Linear(24, 1)
        nn.init.orthogonal_(self.recurrent.weight, gain=gain)

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        h = torch.zeros(len(x), 24)
        for t in range(x.shape[1]):
            h = functional.leaky_relu(self.recurrent(h) + self.into(x[:, t]), 0.2)
        return self.out(h)


class Residual(nn.Module):
    """Blocks whose outputs are added to their inputs, at full strength."""

    def __init__(self, blocks: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(perceptron(16, 32, 16) for _ in range(blocks))
        self.first, self.last = nn.Linear(8, 16), nn.Linear(16, 1)
        for block in self.blocks:
            nn.init.kaiming_normal_(block[0].weight)
            nn.init.kaiming_normal_(block[2].weight)

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        x = self.first(x)
        for block in self.blocks:
            x = x + block(x)
        return self.last(x)
