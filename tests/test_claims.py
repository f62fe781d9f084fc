"""Verdicts follow from what was measured, and a number in the prose is the number that the code computes."""

import itertools
import json
import math
import re
from xml.etree import ElementTree

import numpy as np
import pytest
import torch

from gradlab import claims
from gradlab.claims import Claim, ClaimCheck, check, said
from gradlab.evidence import Evidence

SEEDS = range(20)
PLAIN = Claim("plain", "Statement.", "chapters/page", "An experiment.")
YES, NO = Evidence(1.0, expected=1), Evidence(2.0, expected=1)
WITH_CONDITION = next(claim for claim in claims.registry().values() if claim.condition)
WITHOUT_CONDITION = next(claim for claim in claims.registry().values() if not claim.condition)


# --- said -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("57.67", 57.6650390625),
        ("58", 57.6650390625),
        ("40,000", 40_000),
        ("1,252,782.94", 1.1**99 * 100),
        ("40000", 40_000),
        ("-0.29", -0.28861),
        ("−0.29", -0.28861),
        ("99.5 %", 0.995),
        ("99.5%", 0.995),
        ("−3 %", -0.0301),
        ("0.00098", 0.0009765625),
        ("0.0", -1e-9),  # a reader writes no minus sign before a zero
        ("1.50", 1.5),
        ("7", np.int64(7)),
        ("0.1", np.float32(0.1)),
        ("0.1", np.array([[0.1]])),
        ("2.5", torch.tensor(2.5, requires_grad=True)),
        ("3", torch.tensor([3])),
    ],
)
def test_said_accepts_the_value_rounded_to_the_decimals_of_the_text(text, value):
    said(text, value)


@pytest.mark.parametrize(
    ("text", "value", "computed"),
    [
        ("57.66", 57.6650390625, "57.6650390625"),
        ("57.68", 57.6650390625, "57.6650390625"),
        ("38.443", 57.6650390625, "57.6650390625"),
        ("40,000", 4000, "4000.0"),
        ("0.29", -0.29, "-0.29"),
        ("−0.29", 0.29, "0.29"),
        ("99.5 %", 99.5, "9950.0"),
        ("0.995", 99.5, "99.5"),
        ("1.5", 1.55001, "1.55001"),
        ("1", math.inf, "inf"),
        ("0", -math.inf, "-inf"),
    ],
)
def test_said_names_both_numbers_where_they_disagree(text, value, computed):
    with pytest.raises(AssertionError) as error:
        said(text, value)
    assert text in str(error.value)
    assert computed in str(error.value)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("decimals", [0, 1, 3])
def test_said_agrees_with_pythons_own_formatting_and_notices_the_last_digit(decimals, seed):
    for value in np.random.default_rng(seed).uniform(-2e6, 2e6, 20):
        said(f"{value:,.{decimals}f}", value)
        said(f"{value:.{decimals}f}".replace("-", "−"), value)
        said(f"{value:.{decimals}f} %", value / 100, tolerance=0.51 * 10.0**-decimals)
        for step in (-1, 1):
            with pytest.raises(AssertionError):
                said(f"{value + step * 10.0**-decimals:.{decimals}f}", value)


@pytest.mark.parametrize(
    ("text", "value", "tolerance"), [("24.23", 24.9, 1.95), ("24.23", 22.3, 1.95), ("5 %", 0.06, 1), ("1,000", 990, 10)]
)
def test_said_accepts_a_measured_value_within_the_tolerance_in_units_of_the_text(text, value, tolerance):
    said(text, value, tolerance=tolerance)


@pytest.mark.parametrize(
    ("text", "value", "tolerance"), [("24.23", 26.2, 1.95), ("5 %", 0.0601, 1), ("1", math.inf, 5), ("−1", 1, 1.9)]
)
def test_said_refuses_a_measured_value_outside_the_tolerance(text, value, tolerance):
    with pytest.raises(AssertionError, match=re.escape(text)):
        said(text, value, tolerance=tolerance)


@pytest.mark.parametrize("text", ["", "4000,000", "4,00", "1.", ".5", "1e3", "about 3", "3 ", "--1", "3 %%", "nan"])
def test_said_refuses_text_that_is_no_number_of_the_book(text):
    with pytest.raises(ValueError, match="text must be a number"):
        said(text, 1.0)


# --- evidence ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("measured", "prediction", "agrees"),
    [
        (4000.0, {"expected": 4000}, True),
        (4000.0000001, {"expected": 4000}, False),
        (1.4, {"expected": 1, "tolerance": 0.5}, True),
        (0.5, {"expected": 1, "tolerance": 0.5}, True),
        (1.51, {"expected": 1, "tolerance": 0.5}, False),
        ([0.9, 1.1], {"expected": 1, "tolerance": 0.2}, True),
        ([0.9, 1.1, 1.3], {"expected": 1, "tolerance": 0.2}, False),
        (10, {"at_least": 10}, True),
        ([10, 9.99], {"at_least": 10}, False),
        (1, {"at_most": 1}, True),
        (np.array([[0.5, 1.0], [0.2, 1.01]]), {"at_most": 1}, False),
        (math.inf, {"expected": math.inf}, True),
        (math.inf, {"expected": 3, "tolerance": 1e300}, False),
        (-math.inf, {"expected": math.inf}, False),
        ([1.0, math.inf], {"at_least": 1}, True),
        ([1.0, math.inf], {"at_most": 1e308}, False),
        (-math.inf, {"at_most": 0}, True),
    ],
)
def test_evidence_agrees_when_every_measured_value_is_as_predicted(measured, prediction, agrees):
    assert Evidence(measured, **prediction).agrees is agrees


@pytest.mark.parametrize(
    "measured",
    [
        [1.0, 2.0],
        (1, 2),
        np.array([1, 2]),
        np.array([[1.0], [2.0]], dtype=np.float32),
        torch.tensor([1.0, 2.0]),
        torch.tensor([1.0, 2.0], requires_grad=True),
        torch.tensor([1.0, 2.0], dtype=torch.float16),
        torch.tensor([1.0, 2.0], dtype=torch.bfloat16),
        torch.tensor([1, 2]),
    ],
)
def test_evidence_keeps_one_plain_float_for_each_seed(measured):
    evidence = Evidence(measured, at_least=torch.tensor(0.5))
    assert evidence.measured == (1.0, 2.0)
    assert evidence.at_least == 0.5
    assert {type(value) for value in (*evidence.measured, evidence.at_least, evidence.tolerance)} == {float}


@pytest.mark.parametrize("measured", [math.nan, [1.0, math.nan], torch.tensor([math.nan])])
def test_evidence_refuses_nan_because_no_comparison_with_it_is_true(measured):
    with pytest.raises(ValueError, match="measured must not hold NaN"):
        Evidence(measured, at_most=1)


@pytest.mark.parametrize(
    ("evidence", "prediction", "finding"),
    [
        (Evidence(40_000, expected=4000), "4,000", "40,000"),
        (Evidence([0.1, 0.3], expected=0.25, tolerance=0.06), "0.25 ± 0.06", "0.1 to 0.3 over 2 runs"),
        (Evidence([2, 2, 2], at_least=1.5), "at least 1.5", "2 in each of 3 runs"),
        (Evidence(math.inf, at_most=1e9), "at most 1.00 × 10⁹", "infinity"),
    ],
)
def test_evidence_says_what_was_predicted_and_found(evidence, prediction, finding):
    assert (evidence.prediction, evidence.finding) == (prediction, finding)


@pytest.mark.parametrize("seed", SEEDS)
def test_evidence_comes_back_from_strict_json_unchanged(seed):
    rng = np.random.default_rng(seed)
    measured = [*rng.normal(size=3) * 10.0 ** rng.integers(-300, 300, 3), math.inf, -math.inf]
    for prediction in ({"expected": rng.normal(), "tolerance": 0.1}, {"at_least": -math.inf}, {"at_most": math.inf}):
        evidence = Evidence(measured, **prediction)
        written = json.dumps(evidence.as_json(), allow_nan=False)
        assert Evidence.from_json(json.loads(written)) == evidence


# --- verdicts and records ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("as_stated", "on_condition", "verdict"),
    [
        (YES, None, "holds"),
        (YES, YES, "holds"),
        (YES, NO, "holds"),
        (NO, YES, "holds, with a condition"),
        (NO, NO, "does not hold"),
        (NO, None, "does not hold"),
    ],
)
def test_verdict_follows_from_the_evidence(as_stated, on_condition, verdict):
    assert ClaimCheck(PLAIN, as_stated, on_condition).verdict == verdict
    assert verdict in claims.VERDICTS


def naive_verdict(record):
    """Recompute a verdict from nothing but the record's data."""

    def agrees(part):
        values, tolerance = [float(value) for value in part["measured"]], float(part["tolerance"])
        if "at_least" in part:
            return min(values) >= float(part["at_least"])
        if "at_most" in part:
            return max(values) <= float(part["at_most"])
        low, high = float(part["expected"]) - tolerance, float(part["expected"]) + tolerance
        return low <= min(values) and max(values) <= high

    if agrees(record["as_stated"]):
        return "holds"
    conditional = record["on_condition"] is not None and agrees(record["on_condition"])
    return "holds, with a condition" if conditional else "does not hold"


SOME_EVIDENCE = [
    *(Evidence(value, expected=1, tolerance=0.25) for value in (1.25, 1.5, [0.75, 1], [0.5, 1], math.inf)),
    *(Evidence(value, at_least=2) for value in (2, [2, 1], [math.inf, 5], -math.inf)),
    *(Evidence(value, at_most=math.inf) for value in (0, math.inf)),
]


@pytest.mark.parametrize(("as_stated", "on_condition"), [*itertools.product(SOME_EVIDENCE, [None, *SOME_EVIDENCE])])
def test_verdict_can_be_recomputed_from_the_strict_json_record_alone(as_stated, on_condition):
    outcome = ClaimCheck(WITH_CONDITION, as_stated, on_condition)
    record = json.loads(json.dumps(outcome.record, allow_nan=False))
    assert record["id"] == WITH_CONDITION.id
    assert record["verdict"] == naive_verdict(record) == outcome.verdict
    assert ClaimCheck.from_record(record) == outcome


@pytest.mark.parametrize("change", [{"verdict": "holds"}, {"verdict": "maybe"}, {"id": "no-such-claim"}])
def test_record_with_a_typed_verdict_or_an_unknown_claim_is_refused(change):
    with pytest.raises(ValueError, match=next(iter(change.values()))):
        ClaimCheck.from_record(ClaimCheck(WITHOUT_CONDITION, NO).record | change)


def test_card_shows_every_word_as_text_and_carries_its_record():
    rude = "<script>alert('1 < 2 & \"3\"')</script>"
    claim = Claim("rude", f"S {rude}", "chapters/page", f"E {rude}", f"C {rude}")
    outcome = ClaimCheck(claim, NO, Evidence([3, 4], at_least=2.5))
    card = ElementTree.fromstring(outcome._repr_html_())
    shown = "".join(card.itertext())
    assert {element.tag for element in card.iter()} == {"div", "p", "strong", "dl", "dt", "dd"}
    texts = (claim.statement, claim.experiment, claim.condition, "at least 2.5", "3 to 4 over 2 runs", outcome.verdict)
    assert [words for words in texts if words not in shown or words not in repr(outcome)] == []
    assert card.attrib["id"] == "claim-rude"
    assert card.attrib["data-verdict"] == "holds, with a condition"
    assert json.loads(card.attrib["data-record"]) == outcome.record


# --- the registry -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("claim", claims.registry().values(), ids=lambda claim: claim.id)
def test_registered_claim_is_well_formed(claim):
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", claim.id)
    assert claims.registry()[claim.id] is claim
    assert re.fullmatch(r"(book|chapters)/[a-z0-9_]+", claim.page)
    assert claim.statement.endswith((".", "?", "!"))
    assert claim.experiment.endswith(".")
    assert claim.condition == "" or claim.condition.endswith(".")


def test_check_puts_a_registered_claim_to_the_test():
    assert check(WITHOUT_CONDITION.id, measured=40_000, expected=4000) == ClaimCheck(
        WITHOUT_CONDITION, Evidence(40_000, expected=4000)
    )
    for prediction in ({"expected": 1, "tolerance": 0.5}, {"at_least": 2}, {"at_most": 3}):
        expected = ClaimCheck(WITH_CONDITION, Evidence([1, 2], **prediction), YES)
        assert check(WITH_CONDITION.id, measured=[1, 2], on_condition=YES, **prediction) == expected


@pytest.mark.parametrize(("claim", "on_condition"), [(WITH_CONDITION, None), (WITHOUT_CONDITION, YES)])
def test_check_wants_a_condition_tested_exactly_when_one_is_registered(claim, on_condition):
    with pytest.raises(ValueError, match="on_condition"):
        check(claim.id, measured=1, expected=1, on_condition=on_condition)
