"""Statements put to the test: popular claims get a verdict, numbers in the prose get checked.

The claims themselves, in words, are in ``claims.toml``. Nobody types a verdict: it follows from what was measured.
The book's ledger of claims is assembled elsewhere, from the record that every `ClaimCheck` carries in its card.
"""

from __future__ import annotations

import html
import json
import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib import resources
from typing import Any

import numpy as np

from gradlab.arguments import real_array, real_number
from gradlab.numerals import readable

HOLDS, CONDITIONAL, FAILS = VERDICTS = ("holds", "holds, with a condition", "does not hold")

_NUMBER = re.compile(r"(?P<digits>[-−]?\d+(?:,\d{3})*(?:\.(?P<decimals>\d+))?)(?P<percent> ?%)?")


@dataclass(frozen=True)
class Claim:
    """A statement as it goes around, and how the book tests it.

    Parameters
    ----------
    id : str
        Its key in the registry.
    statement : str
        The claim in one sentence.
    page : str
        The page of the book with the evidence, such as ``"chapters/01_chain_rule"``.
    experiment : str
        What is measured.
    condition : str, optional
        What has to be added for the claim to be true. Empty for a claim that is true or false as it stands.
    """

    id: str
    statement: str
    page: str
    experiment: str
    condition: str = ""


@cache
def registry() -> Mapping[str, Claim]:
    """Every claim of the book by its id, from ``claims.toml``."""
    text = resources.files("gradlab").joinpath("claims.toml").read_text(encoding="utf-8")
    return {id: Claim(id, **entry) for id, entry in tomllib.loads(text).items()}


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
        If there is not exactly one prediction, if a number is NaN, or if `tolerance` is negative or comes without
        `expected`.
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
        values = self.measured.detach() if hasattr(self.measured, "detach") else self.measured
        values = real_array("measured", np.atleast_1d(np.asarray(values)).reshape(-1), ndim=1)
        if np.isnan(values).any():
            raise ValueError(f"measured must not hold NaN (count the runs that end in NaN), got {values}")
        tolerance = real_number("tolerance", self.tolerance)
        if tolerance < 0 or (tolerance > 0 and self.expected is None):
            raise ValueError(f"tolerance must be non-negative and go with expected, got {self.tolerance!r}")
        fields = {"measured": tuple(values.tolist()), "tolerance": tolerance}
        fields |= {name: real_number(name, predictions[name]) for name in stated}
        for name, value in fields.items():
            object.__setattr__(self, name, value)  # a frozen dataclass normalises its fields this way

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
        if self.expected is None:
            return (
                f"at least {readable(self.at_least)}" if self.at_most is None else f"at most {readable(self.at_most)}"
            )
        return readable(self.expected) + (f" ± {readable(self.tolerance, 2)}" if self.tolerance else "")

    @property
    def finding(self) -> str:
        """The measured values in words: one number, or the range over the seeds."""
        low, high = readable(min(self.measured)), readable(max(self.measured))
        if len(self.measured) == 1:
            return low
        return (
            f"{low} in each of {len(self.measured)} runs"
            if low == high
            else (f"{low} to {high} over {len(self.measured)} runs")
        )


@dataclass(frozen=True)
class ClaimCheck:
    """A claim, the evidence, and the verdict that follows. Shows itself as a card in a notebook.

    Parameters
    ----------
    claim : Claim
        What was tested.
    as_stated : Evidence
        The outcome for the claim as it goes around.
    on_condition : Evidence, optional
        The outcome for the claim with its condition added.
    """

    claim: Claim
    as_stated: Evidence
    on_condition: Evidence | None = None

    @property
    def verdict(self) -> str:
        """One of `VERDICTS`: true as stated, true once the condition is added, or neither."""
        if self.as_stated.agrees:
            return HOLDS
        return CONDITIONAL if self.on_condition is not None and self.on_condition.agrees else FAILS

    @property
    def record(self) -> dict[str, Any]:
        """The check as JSON data, from which the verdict can be recomputed."""
        return {
            "id": self.claim.id,
            "verdict": self.verdict,
            "as_stated": _as_json(self.as_stated),
            "on_condition": _as_json(self.on_condition),
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> ClaimCheck:
        """Return the check that left `record`; its verdict is computed anew.

        Raises
        ------
        ValueError
            If the record's claim is not registered, or its verdict is not the one that its evidence gives.
        """
        evidence = [
            Evidence(**{name: _number(value) for name, value in fields.items()}) if fields else None
            for fields in (record["as_stated"], record["on_condition"])
        ]
        if record["id"] not in registry():
            raise ValueError(f"record must be of a registered claim, got {record['id']!r}")
        recomputed = cls(registry()[record["id"]], *evidence)
        if recomputed.verdict != record["verdict"]:
            raise ValueError(f"record must have the verdict {recomputed.verdict!r}, got {record['verdict']!r}")
        return recomputed

    def __repr__(self) -> str:
        lines = [f"Claim check: {self.verdict}", f"“{self.claim.statement}”"]
        return "\n".join(lines + [f"{term}: {words}" for term, words in self.findings])

    @property
    def findings(self) -> list[tuple[str, str]]:
        """The card's lines, as pairs of a term and the words that go with it."""
        lines = [
            ("Experiment", self.claim.experiment),
            ("The claim predicts", self.as_stated.prediction),
            ("Measured", self.as_stated.finding),
        ]
        if self.on_condition is not None:
            lines += [
                ("Condition", self.claim.condition),
                ("Then it predicts", self.on_condition.prediction),
                ("Measured", self.on_condition.finding),
            ]
        return lines

    def _repr_html_(self) -> str:
        rows = "".join(f"<dt>{term}</dt><dd>{html.escape(words)}</dd>" for term, words in self.findings)
        record = html.escape(json.dumps(self.record, allow_nan=False))
        return (
            f'<div class="claim-check" id="claim-{self.claim.id}" data-verdict="{self.verdict}" data-record="{record}">'
            f'<p class="claim-verdict">Claim check: <strong>{self.verdict}</strong></p>'
            f'<p class="claim-statement">“{html.escape(self.claim.statement)}”</p><dl>{rows}</dl></div>'
        )


def check(
    id: str,
    *,
    measured: Any,
    expected: float | None = None,
    tolerance: float = 0.0,
    at_least: float | None = None,
    at_most: float | None = None,
    on_condition: Evidence | None = None,
) -> ClaimCheck:
    """Put a registered claim to the test.

    Parameters
    ----------
    id : str
        The claim's key in ``claims.toml``.
    measured, expected, tolerance, at_least, at_most
        The outcome for the claim as it goes around, and what the claim predicts: see `Evidence`.
    on_condition : Evidence, optional
        The outcome with the registered condition added; needed exactly when the claim has one.

    Returns
    -------
    ClaimCheck
        End a cell with it: it shows a card, and leaves the record from which the ledger is made.

    Raises
    ------
    TypeError
        If a number is not a number or `on_condition` is not an `Evidence`.
    ValueError
        If `id` is not registered, if the registered condition and `on_condition` do not go together, or if the
        evidence is not well formed.
    """
    if id not in registry():
        raise ValueError(f"id must be one of {', '.join(registry())}, got {id!r}")
    claim = registry()[id]
    if on_condition is not None and not isinstance(on_condition, Evidence):
        raise TypeError(f"on_condition must be an Evidence, got {on_condition!r}")
    if (on_condition is not None) != bool(claim.condition):
        raise ValueError(f"on_condition must be given exactly when claim {id!r} has a condition, got {on_condition!r}")
    as_stated = Evidence(measured, expected=expected, tolerance=tolerance, at_least=at_least, at_most=at_most)
    return ClaimCheck(claim, as_stated, on_condition)


def said(text: str, value: Any, *, tolerance: float | None = None) -> None:
    """Fail the chapter unless a number in its prose is what the code computes.

    Parameters
    ----------
    text : str
        The number exactly as the prose has it: ``"57.67"``, ``"40,000"``, ``"99.5 %"`` (then `value` is the fraction).
    value : float
        One real number, or an array or tensor that holds one.
    tolerance : float, optional
        For measured values: the largest absolute difference from `text` allowed. Without it, `value` rounded to
        as many decimals as `text` has must read exactly the same.

    Raises
    ------
    AssertionError
        If text and value disagree.
    TypeError
        If `text` is not text or `value` is not one real number.
    ValueError
        If `text` is not a number as above, `value` is NaN, or `tolerance` is not positive and finite.
    """
    if not isinstance(text, str):
        raise TypeError(f"text must be the number as the prose has it, got {text!r}")
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise ValueError(f"text must be a number such as '57.67', '40,000' or '99.5 %', got {text!r}")
    number = real_number("value", value) * (100 if match["percent"] else 1)
    plain = match["digits"].replace(",", "").replace("−", "-")
    if tolerance is None:
        agrees = f"{number:.{len(match['decimals'] or '')}f}" == plain
    else:
        if not 0 < tolerance < math.inf:
            raise ValueError(f"tolerance must be positive and finite, got {tolerance!r}")
        agrees = abs(number - float(plain)) <= tolerance
    if not agrees:
        raise AssertionError(f"the text says {text}, the code gives {number!r}")


def _as_json(evidence: Evidence | None) -> dict[str, Any] | None:
    """Strict JSON has no infinity: non-finite numbers are written as text, which `_number` reads back."""
    if evidence is None:
        return None
    return {name: _text(value) for name, value in asdict(evidence).items() if value is not None}


def _text(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_text(item) for item in value]
    return value if math.isfinite(value) else str(value)


def _number(value: Any) -> Any:
    return [_number(item) for item in value] if isinstance(value, list) else float(value)
