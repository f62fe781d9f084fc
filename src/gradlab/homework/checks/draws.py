"""The numbers that an answer is tried on: drawn from a seed, a student, and the place where they are used."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor


class Draw:
    """A stream of random inputs, the same for the same `parts`, and unforeseeable without them.

    Parameters
    ----------
    *parts : str
        Whatever the stream is to depend on, such as a course's seed, a homework, a question and a property.
    personal : mapping, optional
        The student's own numbers, as `Question.personal` gives them.
    """

    def __init__(self, *parts: str, personal: Mapping[str, Any] | None = None) -> None:
        digest = hashlib.sha256("\x1f".join(parts).encode()).digest()
        self.generator = torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)
        self.personal = dict(personal or {})

    def normal(self, *shape: int, scale: float = 1.0, dtype: torch.dtype = torch.float64) -> Tensor:
        """Return standard normal numbers times `scale`."""
        return (torch.randn(shape, generator=self.generator, dtype=torch.float64) * scale).to(dtype)

    def uniform(self, low: float, high: float, *shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
        """Return numbers between `low` and `high`; without a shape, a tensor with one."""
        return (torch.rand(shape, generator=self.generator, dtype=torch.float64) * (high - low) + low).to(dtype)

    def number(self, low: float, high: float, digits: int = 3) -> float:
        """Return one number between `low` and `high`, rounded to so many decimals."""
        return round(float(self.uniform(low, high)), digits)

    def integer(self, low: int, high: int) -> int:
        """Return a whole number from `low` to `high`, both included."""
        return int(torch.randint(low, high + 1, (), generator=self.generator))

    def choice(self, options: Sequence[Any]) -> Any:
        """Return one of the options."""
        return options[self.integer(0, len(options) - 1)]
