"""What a check says when a property does not hold: what was tried, what came out, and what should be true of it.

It never says the right answer: students read it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from gradlab.numerals import readable

FLOATS = (torch.float64, torch.float32, torch.float16, torch.bfloat16)


class Unmet(Exception):  # noqa: N818 - a property that does not hold is no error of a program
    """A property does not hold.

    Parameters
    ----------
    tried : str
        What was done, as a student could repeat it: "clip_grad_norm_ on gradients of norm 3 and 4, max_norm 1".
    got : Any
        What came out; tensors are described, not dumped.
    expected : str
        What should have been true, as a property, never the solution.
    """

    def __init__(self, *, tried: str, got: Any, expected: str) -> None:
        self.tried, self.got, self.expected = tried, described(got), expected
        super().__init__(f"tried {self.tried}; got {self.got}; expected {self.expected}")


class Words(str):
    """What a check says of an answer in its own words, to be shown without quotation marks."""

    def __repr__(self) -> str:
        return str(self)


def described(value: Any) -> str:
    """Return a value in few words: numbers and short text as they are, a tensor by shape, dtype and first numbers."""
    if isinstance(value, Tensor):
        few = ", ".join(described(number) for number in value.flatten()[:4].tolist())
        more = ", ..." if value.numel() > 4 else ""
        kind = str(value.dtype).removeprefix("torch.")
        return f"a {kind} tensor of shape {tuple(value.shape)}: {few}{more}" if value.ndim else few
    if isinstance(value, list | tuple):
        return f"{type(value).__name__} of {len(value)}: " + "; ".join(described(one) for one in value[:3])
    if isinstance(value, float):
        return readable(value)
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]}..."


def require(condition: Any, *, tried: str, got: Any, expected: str) -> None:
    """Raise `Unmet` unless `condition` is true.

    Raises
    ------
    Unmet
    """
    if not bool(condition):
        raise Unmet(tried=tried, got=got, expected=expected)


def require_tensor(got: Any, shape: tuple[int, ...], *, tried: str) -> Tensor:
    """Return `got` if it is a tensor of floats of that shape.

    Raises
    ------
    Unmet
        If it is anything else.
    """
    right = isinstance(got, Tensor) and got.dtype in FLOATS and tuple(got.shape) == tuple(shape)
    require(right, tried=tried, got=got, expected=f"a tensor of floats of shape {tuple(shape)}")
    return got


def require_number(got: Any, *, tried: str) -> float:
    """Return `got` as a float if it is one real number, or a tensor that holds just one.

    Raises
    ------
    Unmet
        If it is anything else; text that reads like a number is not one.
    """
    if isinstance(got, Tensor) and got.numel() == 1 and got.dtype != torch.bool and not got.is_complex():
        return float(got)
    require(isinstance(got, int | float) and not isinstance(got, bool), tried=tried, got=got, expected="one number")
    return float(got)


def require_numbers(got: Any, shape: tuple[int, ...], *, tried: str) -> Tensor:
    """Return `got` as a float64 tensor if it holds real numbers in that shape: nested lists, an array or a tensor.

    For an answer that is typed in, where it would be petty to insist on a tensor; `require_tensor` insists.

    Raises
    ------
    Unmet
        If it is anything else, numbers in quotation marks included.
    """
    held = _as_tensor(got)
    right = held is not None and tuple(held.shape) == tuple(shape)
    require(right, tried=tried, got=got, expected=f"real numbers in the shape {tuple(shape)}")
    return held


def _as_tensor(got: Any) -> Tensor | None:
    """Return what `got` holds in float64, or None if that is not real numbers in a rectangle."""
    if isinstance(got, list | tuple):
        parts = [_as_tensor(one) for one in got]
        if any(part is None for part in parts) or len({part.shape for part in parts}) > 1:
            return None
        return torch.stack(parts) if parts else torch.empty(0, dtype=torch.float64)
    if isinstance(got, bool | str | bytes):
        return None
    try:
        held = got if isinstance(got, Tensor) else torch.from_numpy(np.array(got))
    except (TypeError, ValueError, RuntimeError, OverflowError):
        return None
    return None if held.is_complex() or held.dtype == torch.bool else held.detach().double()


def require_close(
    got: Any, truth: Tensor | float, *, tried: str, expected: str, rtol: float = 1e-6, atol: float = 1e-8
) -> None:
    """Raise `Unmet` unless `got` has the shape of `truth`, and its numbers within the tolerances.

    Infinities are close to themselves, NaN to NaN.

    Raises
    ------
    Unmet
        It says what `got` is, and `expected`, but not `truth`.
    """
    if isinstance(truth, Tensor) and truth.ndim:
        numbers = require_tensor(got, tuple(truth.shape), tried=tried).double()
    else:
        numbers = torch.tensor(require_number(got, tried=tried), dtype=torch.float64)
    wanted = torch.as_tensor(truth, dtype=torch.float64)
    close = torch.isclose(numbers, wanted, rtol=rtol, atol=atol, equal_nan=True).all()
    require(close, tried=tried, got=got, expected=expected)
