"""What every public function says when an argument is wrong: its name, its value, and what is allowed.

Each function here returns the argument in the form the caller works with, or raises.
"""

from __future__ import annotations

import math
import numbers
import operator
from typing import Any

import numpy as np


def whole_number(name: str, value: Any, *, at_least: int) -> int:
    """Return `value` as an ``int``.

    Raises
    ------
    TypeError
        If `value` is not an integer (a ``bool`` and a float such as ``3.0`` are not).
    ValueError
        If `value` is below `at_least`.
    """
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    if number < at_least:
        raise ValueError(f"{name} must be at least {at_least}, got {value!r}")
    return number


def real_number(name: str, value: Any) -> float:
    """Return `value` as a ``float``; infinities are numbers here, NaN is not.

    Raises
    ------
    TypeError
        If `value` is neither a real number nor an array or tensor that holds exactly one.
    ValueError
        If `value` is NaN.
    """
    single = isinstance(value, numbers.Real) or (hasattr(value, "item") and math.prod(getattr(value, "shape", ())) == 1)
    if not single or isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be one real number, got {value!r}")
    number = value.item() if hasattr(value, "item") else value
    if isinstance(number, complex | bool):
        raise TypeError(f"{name} must be one real number, got {value!r}")
    if math.isnan(number):
        raise ValueError(f"{name} must be a number, got {value!r}")
    return float(number)


def positive_number(name: str, value: Any) -> float:
    """Return `value` as a finite ``float`` above zero.

    Raises
    ------
    TypeError
        If `value` is not one real number.
    ValueError
        If `value` is zero, negative, infinite or NaN.
    """
    number = real_number(name, value)
    if not 0 < number < math.inf:
        raise ValueError(f"{name} must be positive and finite, got {value!r}")
    return number


def real_array(name: str, value: Any, *, ndim: int) -> np.ndarray:
    """Return `value` as a float64 array with `ndim` axes, none of them empty.

    Infinities and NaN pass: catastrophes are drawn in this book, not refused.

    Raises
    ------
    TypeError
        If `value` holds anything but real numbers.
    ValueError
        If `value` has another number of axes, or an empty one.
    """
    try:
        array = np.asarray(value.detach() if hasattr(value, "detach") else value)
    except ValueError as ragged:
        raise ValueError(f"{name} must be a regular array with {ndim} axes, got {value!r}") from ragged
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name} must hold real numbers, got {value!r}")
    if array.ndim != ndim or array.size == 0:
        raise ValueError(f"{name} must have {ndim} non-empty axes, got shape {array.shape}")
    return array.astype(np.float64)


def square_matrix(name: str, value: Any) -> np.ndarray:
    """Return `value` as a square float64 matrix with finite entries.

    Raises
    ------
    TypeError
        If `value` holds anything but real numbers.
    ValueError
        If `value` is not a square matrix, or has an infinite or NaN entry.
    """
    matrix = real_array(name, value, ndim=2)
    if matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"{name} must be square, got shape {matrix.shape}")
    if not np.isfinite(matrix).all():
        raise ValueError(f"{name} must have finite entries, got {value!r}")
    return matrix


def one_of(name: str, value: Any, allowed: tuple[Any, ...]) -> Any:
    """Return `value` if it is among `allowed`.

    Raises
    ------
    ValueError
        If it is not.
    """
    if value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, allowed))}, got {value!r}")
    return value
