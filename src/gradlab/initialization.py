"""How weights are drawn before training: each scheme by its name, times a gain.

The schemes are PyTorch's own (`torch.nn.init`); what a network does with the weights is left to other rooms.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from gradlab.arguments import one_of, positive_number, tensor

SCHEMES: dict[str, Callable[..., Tensor]] = {
    "standard": nn.init.normal_,
    "lecun": lambda weight, generator: nn.init.kaiming_normal_(weight, nonlinearity="linear", generator=generator),
    "xavier": nn.init.xavier_normal_,
    "he": lambda weight, generator: nn.init.kaiming_normal_(weight, nonlinearity="relu", generator=generator),
    "orthogonal": nn.init.orthogonal_,
    "identity": lambda weight, generator: nn.init.eye_(weight),
    "default": lambda weight, generator: nn.init.kaiming_uniform_(weight, a=math.sqrt(5), generator=generator),
}
"""Fill a weight of shape (fan_out, fan_in).

With mean 0, ``standard`` has variance 1, ``lecun`` 1 / fan_in, ``xavier`` 2 / (fan_in + fan_out), ``he`` 2 / fan_in,
and ``default`` (what `torch.nn.Linear` does, a uniform distribution) 1 / (3 fan_in).
"""


@torch.no_grad()
def draw_(weight: Tensor, init: str, *, gain: float = 1.0, generator: torch.Generator) -> Tensor:
    """Fill a weight matrix in place.

    Parameters
    ----------
    weight : Tensor, shape (fan_out, fan_in)
        Floating point; overwritten.
    init : str
        A key of `SCHEMES`.
    gain : float
        Positive factor on what `init` draws. With ``lecun`` it is the book's gain ``g``: an entry has standard
        deviation ``g / sqrt(fan_in)``.
    generator : torch.Generator
        Where the random numbers come from.

    Returns
    -------
    Tensor
        The same `weight`.

    Raises
    ------
    TypeError
        If `weight` is not a tensor of floating point numbers, `gain` not one real number, or `generator` no generator.
    ValueError
        If `weight` does not have two axes, `init` is unknown, or `gain` is not positive and finite.

    References
    ----------
    LeCun et al. (1998), "Efficient BackProp"; Glorot and Bengio (2010); He et al. (2015); Saxe et al. (2014).
    """
    tensor("weight", weight, ndim=2)
    draw, gain = SCHEMES[one_of("init", init, tuple(SCHEMES))], positive_number("gain", gain)
    if not isinstance(generator, torch.Generator):  # torch takes None for the global generator
        raise TypeError(f"generator must be a torch.Generator, got {generator!r}")
    return draw(weight, generator=generator).mul_(gain)
