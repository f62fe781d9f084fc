"""Streams of random numbers that do not meet: one for each purpose and seed."""

from __future__ import annotations

import numpy as np
import torch

from gradlab.arguments import some_text, whole_number


def stream(purpose: str, seed: int, member: int = 0) -> torch.Generator:
    """Return a generator of its own for a purpose, a seed, and a member of a group that shares the seed.

    Data drawn with ``torch.Generator().manual_seed(0)`` and weights drawn with the same would begin with the same
    numbers, and a network would meet its own weights as its input.

    Parameters
    ----------
    purpose : str
        What the numbers are for, such as ``"weights"``.
    seed : int
        At least 0.
    member : int
        At least 0.

    Returns
    -------
    torch.Generator
        Equal for equal arguments; for others, independent of it and of ``torch.Generator().manual_seed``.

    Raises
    ------
    TypeError
        If `purpose` is not text, or `seed` or `member` not an integer.
    ValueError
        If `purpose` is blank, or `seed` or `member` is negative.

    References
    ----------
    `numpy.random.SeedSequence`, which mixes the arguments.
    """
    seeds = whole_number("seed", seed, at_least=0), whole_number("member", member, at_least=0)
    (state,) = np.random.SeedSequence([*some_text("purpose", purpose).encode(), *seeds]).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state))
