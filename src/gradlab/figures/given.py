"""What several pictures ask of what they are given: a shape, an order, labels of one another, limits with logarithms.

What is asked of one number or text alone is in `gradlab.arguments`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

import numpy as np
from numpy.typing import ArrayLike

from gradlab.arguments import interval, positive_number, real_array


def of_shape(name: str, values: ArrayLike, shape: tuple[int | str, ...], *, positive: bool = False) -> np.ndarray:
    """Return an array of finite numbers.

    Parameters
    ----------
    name : str
        What to call the numbers where they are wrong.
    values : array_like
    shape : tuple of int and str
        Of each axis, how long it must be, or a word for what it counts, if it may have any length.
    positive : bool
        Whether all numbers must be positive.

    Raises
    ------
    TypeError
        If `values` does not hold real numbers.
    ValueError
        If it has another shape, or a number that is not finite, or not positive.
    """
    array = real_array(name, values, ndim=len(shape), finite=True, positive=positive)
    if any(wanted != size for wanted, size in zip(shape, array.shape, strict=True) if not isinstance(wanted, str)):
        wanted = ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "")
        raise ValueError(f"{name} must have shape ({wanted}), got shape {array.shape}")
    return array


def growing(name: str, values: ArrayLike, *, at_least: int = 2, positive: bool = False) -> np.ndarray:
    """Return finite numbers in growing order, shape (k,).

    Raises
    ------
    TypeError
        If `values` does not hold real numbers.
    ValueError
        If it does not have one axis, holds fewer than `at_least`, or they do not grow, are not finite, or not positive.
    """
    array = of_shape(name, values, ("k",), positive=positive)
    if len(array) < at_least or not (np.diff(array) > 0).all():
        raise ValueError(f"{name} must be {at_least} numbers at least, in growing order, got {values!r}")
    return array


def require_among(name: str, labels: Iterable[str], known: Collection[str]) -> None:
    """See to it that what is drawn beside something else has its labels.

    Raises
    ------
    ValueError
        If one of `labels` is not `known`.
    """
    if unknown := set(labels) - set(known):
        raise ValueError(f"{name} must have labels among {', '.join(known)}, got {', '.join(map(repr, unknown))}")


def exponents_of(limits: tuple[float, float] | None) -> tuple[float, float] | None:
    """Return log10 of the ends of an axis, or ``None`` if it is to be fitted to the data.

    Raises
    ------
    TypeError
        If `limits` does not hold real numbers.
    ValueError
        If it is not a pair of positive, finite numbers, the lower one first.
    """
    if (ends := interval("limits", limits)) is None:
        return None
    low, high = np.log10([positive_number("limits", end) for end in ends])
    return float(low), float(high)
