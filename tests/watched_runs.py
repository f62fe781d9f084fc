"""Small training runs for the tests of the monitor, and what plain float64 arithmetic says of their steps."""

import numpy as np
import torch
from torch import nn

WIDTH = 6


def network(seed=0, dtype=torch.float32):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(WIDTH, 8), nn.Tanh(), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 1)).to(dtype)


def batches(steps, size=5, seed=1, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        x = torch.randn(size, WIDTH, generator=generator)
        yield x.to(dtype), x[:, :1].sin().to(dtype)


def loss_of(model, x, y):
    return ((model(x) - y) ** 2).mean()


def norm(tensor):
    """2-norm in float64, NaN for no tensor, infinite where an entry is not finite."""
    if tensor is None:
        return np.nan
    values = tensor.detach().to_dense().to(torch.complex128 if tensor.is_complex() else torch.float64)
    return float(values.norm()) if values.isfinite().all() else np.inf


def sgd(model):
    return torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)


def train(model, optimizer, steps=6, *, watch=None, clip=None):
    """Train; `watch` is called with the loss between backward and clipping, `clip` then clips."""
    for x, y in batches(steps):
        optimizer.zero_grad()
        loss = loss_of(model, x, y)
        loss.backward()
        if watch is not None:
            watch(loss)
        if clip is not None:
            clip()
        optimizer.step()
    return model


def same_bits(first, second):
    return all(
        torch.equal(a, b) for a, b in zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    )


class Truth:
    """Takes its own copies of everything, at the same places of the loop as the monitor."""

    def __init__(self, model):
        self.parameters = list(model.parameters())
        self.grad, self.weight, self.update = [], [], []

    def before(self):
        """Note gradients and weights as they are before clipping and the step."""
        self.grad.append([norm(p.grad) for p in self.parameters])
        self.weight.append([norm(p) for p in self.parameters])
        self.copies = [p.detach().clone() for p in self.parameters]

    def after(self):
        """Note what the step has changed."""
        changes = [p.detach().double() - copy.double() for p, copy in zip(self.parameters, self.copies, strict=True)]
        self.update.append([norm(change) for change in changes])

    def check(self, history, rtol):
        """Compare with what a monitor has read."""
        for name in ("grad", "weight", "update"):
            np.testing.assert_allclose(history[name], getattr(self, name), rtol=rtol, atol=1e-30, err_msg=name)
