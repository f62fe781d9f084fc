"""What the adversarial kinds have in common: data, networks, and which of them are held out.

The kinds were made to trick the monitor, by somebody who knew its rules; each is labelled by how its runs end. Before
any was scored, a third of each label was set aside at random (`held_out`): rules were mended with the other
two thirds in view.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from gradlab.randomness import stream
from gradlab.zoo.kinds import Kind

LATE = 10  # losses at the end of a run


def rows_of(purpose: str, seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=stream(f"adversarial {purpose}", seed))


def order_of(seed: int, rows: int, size: int) -> Callable[[int], Tensor]:
    own = stream("adversarial order", seed)
    table = torch.stack([torch.randperm(rows, generator=own)[:size] for _ in range(600)])
    return lambda batch: table[batch]


def perceptron(*sizes: int, activation: type[nn.Module] = nn.ReLU) -> nn.Sequential:
    layers = []
    for inputs, outputs in itertools.pairwise(sizes):
        layers += [nn.Linear(inputs, outputs), activation()]
    return nn.Sequential(*layers[:-1])


def regression(seed: int, rows: int = 128, inputs: int = 8) -> tuple[Tensor, Tensor]:
    """Inputs (rows, inputs), and a smooth function of them with a little noise (rows, 1), of unit variance."""
    x = rows_of("x", seed, rows, inputs)
    y = (x @ rows_of("direction", seed, inputs, 2) / inputs**0.5).sin().sum(dim=1, keepdim=True)
    return x, (y - y.mean()) / y.std() + 0.05 * rows_of("noise", seed, rows, 1)


def clouds(seed: int, rows: int = 120, number: int = 4, inputs: int = 8) -> tuple[Tensor, Tensor]:
    """Gaussian clouds (rows, inputs) around a few centres, and which centre, int64 (rows,)."""
    y = torch.arange(rows) % number
    return 1.5 * rows_of("centres", seed, number, inputs)[y] + rows_of("clouds", seed, rows, inputs), y


def set_aside(kinds: Iterable[Kind]) -> tuple[Kind, ...]:
    """Mark a third of the kinds of each label as held out, at random; the draw was made before any was scored."""
    own, marked = stream("adversarial split", 0), []
    kinds = sorted(kinds, key=lambda kind: kind.name)
    for label in ("exploding", "healthy", "other"):
        members = [kind for kind in kinds if kind.label == label]
        chosen = set(torch.randperm(len(members), generator=own)[: len(members) // 3].tolist())
        marked += [dataclasses.replace(kind, held_out=k in chosen) for k, kind in enumerate(members)]
    return tuple(marked)
