"""What the zoo's runs learn from: small tasks, drawn from a seed, and the order in which their rows come."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from gradlab.randomness import stream


def regression(seed: int, *, rows: int = 128, inputs: int = 8, noise: float = 0.1) -> tuple[Tensor, Tensor]:
    """Inputs of shape (rows, inputs) and smooth targets of shape (rows, 1), both of mean 0 and variance about 1."""
    own = stream("regression of the zoo", seed)
    x = torch.randn(rows, inputs, generator=own)
    directions = torch.randn(inputs, 3, generator=own) / inputs**0.5
    y = (x @ directions).sin().sum(dim=1, keepdim=True)
    y = (y - y.mean()) / y.std()
    return x, y + noise * torch.randn(rows, 1, generator=own)


def classes(
    seed: int, *, rows: int = 128, inputs: int = 8, number: int = 4, spread: float = 1.0
) -> tuple[Tensor, Tensor]:
    """Gaussian clouds of shape (rows, inputs) around `number` centres, and which centre, int64 of shape (rows,)."""
    own = stream("classes of the zoo", seed)
    centres = 1.5 * torch.randn(number, inputs, generator=own)
    y = torch.arange(rows) % number
    return centres[y] + spread * torch.randn(rows, inputs, generator=own), y


def sequences(seed: int, *, rows: int = 64, length: int = 30) -> tuple[Tensor, Tensor]:
    """Noise of shape (rows, length, 2), and the mean over the last five steps of the first channel, (rows, 1)."""
    own = stream("sequences of the zoo", seed)
    x = torch.randn(rows, length, 2, generator=own)
    return x, x[:, -5:, 0].sum(dim=1, keepdim=True) / 5**0.5


def images(seed: int, *, rows: int = 64) -> tuple[Tensor, Tensor]:
    """Noisy pictures of shape (rows, 1, 8, 8) with one bright bar, and whether it stands or lies, (rows,)."""
    own = stream("images of the zoo", seed)
    x, y = 0.5 * torch.randn(rows, 8, 8, generator=own), torch.arange(rows) % 2
    at = torch.randint(8, (rows,), generator=own)
    for picture, place, lies in zip(x, at, y, strict=True):
        (picture if lies else picture.T)[place] += 2.0
    return x[:, None], y


def tokens(seed: int, *, rows: int = 32, length: int = 10, vocabulary: int = 12) -> tuple[Tensor, Tensor]:
    """Sentences of a random language in which each word has a favourite successor: tokens and next tokens."""
    own = stream("tokens of the zoo", seed)
    successor = torch.randperm(vocabulary, generator=own)
    text = torch.randint(vocabulary, (rows, length + 1), generator=own)
    for step in range(length):
        follows = torch.rand(rows, generator=own) < 0.9
        text[follows, step + 1] = successor[text[follows, step]]
    return text[:, :-1], text[:, 1:]


def batches(seed: int, rows: int, size: int) -> Callable[[int], Tensor]:
    """Return a function from the number of a batch to its rows, shuffled anew in every epoch."""
    own, order = stream("batches of the zoo", seed), []

    def rows_of(batch: int) -> Tensor:
        while len(order) <= batch:
            order.extend(torch.randperm(rows, generator=own)[: rows - rows % size].split(size))
        return order[batch]

    return rows_of


def squared_error(model: Callable[[Tensor], Tensor], x: Tensor, y: Tensor, rows: Callable[[int], Tensor] | None = None):
    """Return the mean squared error as a function of the number of a batch; all rows at once without `rows`."""
    if rows is None:
        return lambda batch: functional.mse_loss(model(x), y)
    return lambda batch: functional.mse_loss(model(x[rows(batch)]), y[rows(batch)])


def cross_entropy(model: Callable[[Tensor], Tensor], x: Tensor, y: Tensor, rows: Callable[[int], Tensor] | None = None):
    """Return the mean cross-entropy as a function of the number of a batch; all rows at once without `rows`."""
    if rows is None:
        return lambda batch: functional.cross_entropy(model(x), y)
    return lambda batch: functional.cross_entropy(model(x[rows(batch)]), y[rows(batch)])
