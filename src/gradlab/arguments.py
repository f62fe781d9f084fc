"""What every public function says when an argument is wrong: its name, its value, and what is allowed.

Each function here returns the argument in the form the caller works with, or raises.
"""

from __future__ import annotations

import math
import numbers
import operator
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np


def whole_number(name: str, value: Any, *, at_least: float = -math.inf) -> int:
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


def real_number(name: str, value: Any, *, or_nan: bool = False) -> float:
    """Return `value` as a ``float``; infinities are numbers here, NaN only with `or_nan`.

    Raises
    ------
    TypeError
        If `value` is neither a real number nor an array or tensor that holds exactly one.
    ValueError
        If `value` is NaN, or an integer beyond the range of a ``float``.
    """
    single = isinstance(value, numbers.Real) or (hasattr(value, "item") and math.prod(getattr(value, "shape", ())) == 1)
    if not single or isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be one real number, got {value!r}")
    number = value.item() if hasattr(value, "item") else value
    if not isinstance(number, numbers.Real) or isinstance(number, bool):
        raise TypeError(f"{name} must be one real number, got {value!r}")
    try:
        number = float(number)
    except OverflowError:
        raise ValueError(f"{name} must be within the range of a float, got {value!r}") from None
    if math.isnan(number) and not or_nan:
        raise ValueError(f"{name} must be a number, got {value!r}")
    return number


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


def real_array(name: str, value: Any, *, ndim: int | None, finite: bool = False, positive: bool = False) -> np.ndarray:
    """Return `value` as a float64 array with `ndim` axes (``None``: any number), none of them empty.

    Infinities and NaN pass unless `finite` or `positive`: catastrophes are drawn in this book, not refused.

    Raises
    ------
    TypeError
        If `value` holds anything but real numbers.
    ValueError
        If `value` has another number of axes, or an empty one, an entry that is not `finite`, or one that is not
        `positive` and finite.
    """
    plain = value
    if hasattr(value, "detach"):  # a tensor; numpy knows no bfloat16
        plain = value.detach().double() if value.is_floating_point() else value.detach()
    try:
        array = np.asarray(plain)
    except ValueError as ragged:
        raise ValueError(f"{name} must be a regular array, got {value!r}") from ragged
    except (TypeError, RuntimeError) as unreadable:  # such as a list of tensors that require a gradient
        raise TypeError(f"{name} must hold real numbers, got {value!r}") from unreadable
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name} must hold real numbers, got {value!r}")
    if ndim not in (None, array.ndim) or array.size == 0:
        wanted = "non-empty axes" if ndim is None else f"{ndim} non-empty axes"
        raise ValueError(f"{name} must have {wanted}, got shape {array.shape}")
    array = array.astype(np.float64)
    if (finite or positive) and not (np.isfinite(array) & ((array > 0) | (not positive))).all():
        raise ValueError(f"{name} must be {'positive and ' if positive else ''}finite, got {value!r}")
    return array


def tensor(name: str, value: Any, *, ndim: int | None = None) -> Any:
    """Return `value` if it is a torch tensor of floating point numbers with `ndim` axes (``None``: any number).

    Raises
    ------
    TypeError
        If `value` is not a tensor, or holds no floating point numbers.
    ValueError
        If `value` has another number of axes.
    """
    if not (hasattr(value, "detach") and value.is_floating_point()):
        raise TypeError(f"{name} must be a torch tensor of floating point numbers, got {value!r}")
    if ndim not in (None, value.ndim):
        raise ValueError(f"{name} must have {ndim} axes, got shape {tuple(value.shape)}")
    return value


def floating_dtype(name: str, value: Any) -> Any:
    """Return `value` if it is a torch dtype of floating point numbers.

    Raises
    ------
    TypeError
        If it is not.
    """
    if getattr(value, "is_floating_point", None) is not True:  # a tensor has a method by that name
        raise TypeError(f"{name} must be a floating point torch.dtype, got {value!r}")
    return value


def square_matrix(name: str, value: Any) -> np.ndarray:
    """Return `value` as a square float64 matrix with finite entries.

    Raises
    ------
    TypeError
        If `value` holds anything but real numbers.
    ValueError
        If `value` is not a square matrix, or has an infinite or NaN entry.
    """
    matrix = real_array(name, value, ndim=2, finite=True)
    if matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"{name} must be square, got shape {matrix.shape}")
    return matrix


def some_text(name: str, value: Any) -> str:
    """Return `value` if it says something.

    Raises
    ------
    TypeError
        If `value` is not text.
    ValueError
        If `value` is blank.
    """
    if not isinstance(value, str):
        raise TypeError(f"{name} must be text, got {value!r}")
    if not value.strip():
        raise ValueError(f"{name} must say something, got {value!r}")
    return value


def interval(name: str, value: Any) -> tuple[float, float] | None:
    """Return `value` as the lower and the upper end of an axis, or ``None`` if it is ``None``.

    Raises
    ------
    TypeError
        If `value` does not hold real numbers.
    ValueError
        If `value` is not a pair of finite numbers, the lower one first.
    """
    if value is None:
        return None
    ends = real_array(name, value, ndim=None)
    if ends.shape != (2,) or not (np.isfinite(ends).all() and ends[0] < ends[1]):
        raise ValueError(f"{name} must be two finite numbers, the lower one first, got {value!r}")
    return float(ends[0]), float(ends[1])


def mapping(name: str, value: Any) -> Mapping[Any, Any]:
    """Return `value` if it is a mapping.

    Raises
    ------
    TypeError
        If it is not.
    """
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} must be a mapping, got {value!r}")
    return value


def sequence_of(name: str, value: Any, kind: type) -> list[Any]:
    """Return `value` as a list of one or more objects of one kind.

    Raises
    ------
    TypeError
        If `value` is no list or tuple, or one of its entries is of another kind.
    ValueError
        If `value` is empty.
    """
    if not isinstance(value, list | tuple) or not all(isinstance(entry, kind) for entry in value):
        raise TypeError(f"{name} must be a list of {kind.__name__}, got {value!r}")
    if not value:
        raise ValueError(f"{name} must not be empty, got {value!r}")
    return list(value)


def one_of(name: str, value: Any, allowed: tuple[Any, ...]) -> Any:
    """Return `value` if it is among `allowed`.

    Raises
    ------
    ValueError
        If it is not.
    """
    if not isinstance(value, Hashable) or value not in allowed:  # an array would be compared entry by entry
        raise ValueError(f"{name} must be one of {', '.join(map(repr, allowed))}, got {value!r}")
    return value


def flag(name: str, value: Any) -> bool:
    """Return `value` if it is True or False.

    Raises
    ------
    TypeError
        If it is neither.
    """
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be True or False, got {value!r}")
    return value
