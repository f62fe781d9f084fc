"""Several seeds in one picture: norms in powers of ten, their median, a band of nine in ten, dots apart in a row."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from gradlab.arguments import real_array


def in_powers_of_ten(name: str, norms: ArrayLike) -> np.ndarray:
    """Return log10 of norms with NaN as infinity: both have left the number format.

    Parameters
    ----------
    name : str
        What to call the norms where they are wrong.
    norms : array_like, shape (seeds, columns)
        Not negative.

    Returns
    -------
    ndarray, shape (seeds, columns)

    Raises
    ------
    TypeError
        If `norms` does not hold real numbers.
    ValueError
        If `norms` does not have two axes, or has a negative entry.
    """
    array = real_array(name, norms, ndim=2)
    if (array < 0).any():
        raise ValueError(f"{name} must have no negative entry, got {norms!r}")
    with np.errstate(divide="ignore"):
        tens = np.log10(array)
    return np.where(np.isnan(tens), np.inf, tens)


def median(tens: np.ndarray) -> np.ndarray:
    """Return the median over the first axis; infinite where half of the seeds are."""
    return np.quantile(tens, 0.5, axis=0, method=_method(tens, "higher"))


def band(tens: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the lower and the upper edge of a band over the first axis that holds nine seeds in ten."""
    low, high = np.quantile(tens, (0.05, 0.95), axis=0, method=_method(tens, "nearest"))
    return low, high


def spread(dots: int) -> np.ndarray:
    """Return by how much to lift dots in a row so that they do not hide each other; shape (dots,), between -1 and 1."""
    return np.sin(2.4 * np.arange(dots))


def _method(tens: np.ndarray, otherwise: str) -> Any:
    """Interpolate between finite numbers only: halfway between two infinities is NaN."""
    return "linear" if np.isfinite(tens).all() else otherwise
