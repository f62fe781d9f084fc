"""What an experiment measured, and what it would have measured if a claim were true."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from gradlab.arguments import real_array, real_number
from gradlab.numerals import readable


@dataclass(frozen=True)
class Evidence:
    """What was measured, and what it would be if the claim were true. State exactly one prediction.

    Parameters
    ----------
    measured : float or array_like
        One number, or one for each seed; infinities are allowed, NaN is not.
    expected : float, optional
        The claim predicts this value ...
    tolerance : float, optional
        ... up to this absolute error, 0 unless stated.
    at_least, at_most : float, optional
        The claim predicts a value on this side.

    Raises
    ------
    TypeError
        If an argument is not a real number (or, for `measured`, an array of them).
    ValueError
        If there is not exactly one prediction, if a number is NaN, or if `tolerance` is negative, infinite or comes
        without `expected`.
    """

    measured: tuple[float, ...]
    expected: float | None = None
    tolerance: float = 0.0
    at_least: float | None = None
    at_most: float | None = None

    def __post_init__(self) -> None:
        predictions = {name: getattr(self, name) for name in ("expected", "at_least", "at_most")}
        stated = [name for name, value in predictions.items() if value is not None]
        if len(stated) != 1:
            raise ValueError(f"exactly one of expected, at_least and at_most must be given, got {predictions}")
        values = real_array("measured", self.measured, ndim=None).reshape(-1)
        if np.isnan(values).any():
            raise ValueError(f"measured must not hold NaN (count the runs that end in NaN), got {values}")
        tolerance = real_number("tolerance", self.tolerance)
        if not 0 <= tolerance < math.inf or (tolerance > 0 and self.expected is None):
            raise ValueError(f"tolerance must be non-negative and finite and go with expected, got {self.tolerance!r}")
        fields = {"measured": tuple(values.tolist()), "tolerance": tolerance}
        fields |= {name: real_number(name, predictions[name]) for name in stated}
        for name, value in fields.items():
            object.__setattr__(self, name, value)  # a frozen dataclass normalises its fields this way

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Evidence:
        """Return the evidence that `as_json` wrote."""
        return cls(**{name: _number(value) for name, value in fields.items()})

    def as_json(self) -> dict[str, Any]:
        """Return the fields as strict JSON data, which has no infinity: that is written as text."""
        return {name: _text(value) for name, value in asdict(self).items() if value is not None}

    @property
    def agrees(self) -> bool:
        """Whether every measured value is as predicted."""
        if self.at_least is not None:
            return all(value >= self.at_least for value in self.measured)
        if self.at_most is not None:
            return all(value <= self.at_most for value in self.measured)
        # equality first: inf - inf is NaN
        return all(v == self.expected or abs(v - self.expected) <= self.tolerance for v in self.measured)

    @property
    def prediction(self) -> str:
        """The prediction in words."""
        if self.at_least is not None:
            return f"at least {readable(self.at_least)}"
        if self.at_most is not None:
            return f"at most {readable(self.at_most)}"
        return readable(self.expected) + (f" ± {readable(self.tolerance, 2)}" if self.tolerance else "")

    @property
    def finding(self) -> str:
        """The measured values in words: one number, or the range over the seeds."""
        runs, low, high = len(self.measured), readable(min(self.measured)), readable(max(self.measured))
        if runs == 1:
            return low
        return f"{low} in each of {runs} runs" if low == high else f"{low} to {high} over {runs} runs"


def _text(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_text(item) for item in value]
    return value if math.isfinite(value) else str(value)


def _number(value: Any) -> Any:
    return [_number(item) for item in value] if isinstance(value, list) else float(value)
