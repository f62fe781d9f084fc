"""Statements put to the test: popular claims get a verdict, numbers in the prose get checked.

The claims themselves, in words, are in ``claims.toml``. Nobody types a verdict: it follows from what was measured.
The book's ledger of claims is assembled elsewhere, from the record that every `ClaimCheck` carries in its card.
"""

from __future__ import annotations

import html
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from gradlab.arguments import positive_number, real_number
from gradlab.evidence import Evidence

HOLDS, CONDITIONAL, FAILS = VERDICTS = ("holds", "holds, with a condition", "does not hold")

_NUMBER = re.compile(r"(?P<digits>[-−]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.(?P<decimals>\d+))?)(?P<percent> ?%)?")


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
            "as_stated": self.as_stated.as_json(),
            "on_condition": self.on_condition.as_json() if self.on_condition is not None else None,
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> ClaimCheck:
        """Return the check that left `record`; its verdict is computed anew.

        Raises
        ------
        ValueError
            If the record's claim is not registered, or its verdict is not the one that its evidence gives.
        """
        evidence = [Evidence.from_json(record[part]) for part in ("as_stated", "on_condition") if record[part]]
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
    if not isinstance(id, str) or id not in registry():
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
        agrees = f"{number:z.{len(match['decimals'] or '')}f}" == plain  # z: no minus sign before a zero
    else:
        agrees = abs(number - float(plain)) <= positive_number("tolerance", tolerance)
    if not agrees:
        raise AssertionError(f"the text says {text}, the code gives {number!r}")
