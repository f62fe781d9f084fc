"""The ledger of claims says what the pages measured: no verdict is typed, none is lost, and every link arrives."""

import json
import posixpath
import re
from collections import Counter
from pathlib import PurePosixPath

import pytest
from bs4 import BeautifulSoup

from gradlab.claims import VERDICTS, registry

LEDGER = PurePosixPath("book/claims.html")


@pytest.fixture(scope="module")
def documents(site, pages):
    """The markup of every page, by its name without the suffix; index.html only leads elsewhere."""
    return {
        page.removesuffix(".html"): BeautifulSoup((site / page).read_text("utf-8"), "html.parser") for page in pages
    }


@pytest.fixture(scope="module")
def cards(documents):
    """The claim checks on each page, as pairs of the page's name and the card."""
    return [(page, card) for page, document in documents.items() for card in document.select("div.claim-check")]


@pytest.fixture(scope="module")
def rows(documents):
    """The rows of the ledger, as lists of cells."""
    return [row.find_all("td") for row in documents[str(LEDGER.with_suffix(""))].select("table.claim-ledger tbody tr")]


def verdict(record):
    """Recompute a verdict from nothing but the numbers of a record."""
    if true_of(record["as_stated"]):
        return "holds"
    if record["on_condition"] is not None and true_of(record["on_condition"]):
        return "holds, with a condition"
    return "does not hold"


def true_of(evidence):
    for measured in map(float, evidence["measured"]):
        if "at_least" in evidence and not measured >= float(evidence["at_least"]):
            return False
        if "at_most" in evidence and not measured <= float(evidence["at_most"]):
            return False
        if "expected" in evidence:
            expected, tolerance = float(evidence["expected"]), float(evidence.get("tolerance", 0))
            if not (measured == expected or abs(measured - expected) <= tolerance):  # inf - inf is not a number
                return False
    return len(evidence["measured"]) > 0 and len({"at_least", "at_most", "expected"} & evidence.keys()) == 1


def test_every_registered_claim_has_one_card_on_its_page_and_no_other_has_any(cards):
    found = [(card["id"], page) for page, card in cards]
    assert sorted(found) == sorted((f"claim-{claim.id}", claim.page) for claim in registry().values())


def test_card_and_record_are_of_the_same_claim(cards):
    for _, card in cards:
        claim = registry()[json.loads(card["data-record"])["id"]]
        assert card["id"] == f"claim-{claim.id}"
        assert card.select_one(".claim-statement").get_text() == f"“{claim.statement}”"


def test_verdict_of_card_and_record_follows_from_the_numbers(cards):
    for _, card in cards:
        record = json.loads(card["data-record"])
        recomputed = verdict(record)
        assert record["verdict"] == recomputed, record["id"]
        assert card["data-verdict"] == recomputed, record["id"]
        assert card.select_one(".claim-verdict strong").get_text() == recomputed, record["id"]


def test_ledger_has_one_row_for_each_claim_in_the_order_of_the_registry(rows):
    assert [statement.get_text() for statement, *_ in rows] == [claim.statement for claim in registry().values()]


def test_verdict_of_a_row_follows_from_the_numbers(cards, rows):
    records = {(record := json.loads(card["data-record"]))["id"]: record for _, card in cards}
    written = {statement.get_text(): said.get_text() for statement, said, *_ in rows}
    assert written == {registry()[id].statement: verdict(record) for id, record in records.items()}


def test_row_says_what_the_card_says_was_measured(cards, rows):
    on_cards = {card.select_one(".claim-statement").get_text(): findings(card) for _, card in cards}
    for statement, _, evidence, _ in rows:
        predicted, measured, *condition = on_cards[f"“{statement.get_text()}”"]
        as_stated, *on_condition = [paragraph.get_text() for paragraph in evidence.find_all("p")]
        assert as_stated == f"{measured} (claimed: {predicted})"
        assert len(on_condition) == (1 if condition else 0)
        if condition:
            words, predicted, measured = condition
            assert on_condition == [f"{words} {measured} (then: {predicted})"]


def findings(card):
    """Return the card's words, but for the experiment: prediction, measurement; condition, and both again."""
    return [term.find_next_sibling("dd").get_text() for term in card.select("dt")[1:]]


def test_link_of_a_row_leads_to_the_card_of_its_claim(documents, rows):
    claims = {claim.statement: claim for claim in registry().values()}
    for statement, _, _, evidence in rows:
        path, _, anchor = evidence.a["href"].partition("#")
        claim = claims[statement.get_text()]
        assert posixpath.normpath(LEDGER.parent / path) == f"{claim.page}.html"
        (card,) = documents[claim.page].select(f"[id='{anchor}']")
        assert json.loads(card["data-record"])["id"] == claim.id
        assert evidence.a.get_text() == documents[claim.page].h1.get_text().removesuffix("#")


def test_summary_counts_the_verdicts_of_the_rows(documents, rows):
    counts = Counter(said.get_text() for _, said, *_ in rows)
    summary = documents[str(LEDGER.with_suffix(""))].select_one("table.claim-ledger").find_previous("p").get_text()
    stated = {int(number) for number in re.findall(r"\d+", summary)}
    assert stated == {len(rows), *counts.values()}


def column(page, number):
    return page.locator(f"table.claim-ledger tbody td:nth-child({number})").all_inner_texts()


@pytest.mark.parametrize("width", [360, 1280])
def test_ledger_is_sorted_by_keyboard_and_says_so(visit, origin, rows, width):
    with visit(f"{origin}/{LEDGER}", viewport={"width": width, "height": 720}) as (page, troubles):
        page.wait_for_load_state("networkidle")  # the page's icon comes last
        page.context.set_offline(True)
        sort_both_ways(page, len(rows))
        assert troubles == []


def sort_both_ways(ledger, count):
    in_order = column(ledger, 1)
    assert len(in_order) == count
    verdict, evidence = (ledger.locator("th", has_text=name) for name in ("Verdict", "Evidence"))
    assert (verdict.get_attribute("aria-sort"), evidence.get_attribute("aria-sort")) == (None, "ascending")
    button = verdict.get_by_role("button", name="Verdict")
    for direction, order in (("ascending", VERDICTS), ("descending", VERDICTS[::-1])):
        button.press("Enter")
        assert (verdict.get_attribute("aria-sort"), evidence.get_attribute("aria-sort")) == (direction, None)
        verdicts = column(ledger, 2)
        assert verdicts == sorted(verdicts, key=order.index)
        for same in VERDICTS:
            group = [claim for claim, said in zip(column(ledger, 1), verdicts, strict=True) if said == same]
            assert group == [claim for claim in in_order if claim in group]
    evidence.get_by_role("button", name="Evidence").press(" ")
    assert column(ledger, 1) == in_order
    evidence.get_by_role("button", name="Evidence").press(" ")
    assert column(ledger, 1) == in_order[::-1]


def test_ledger_without_javascript_is_complete_and_has_no_dead_buttons(visit, origin, rows):
    with visit(f"{origin}/{LEDGER}", javascript=False) as (page, _):
        assert len(column(page, 1)) == len(rows)
        assert page.locator("table.claim-ledger button").count() == 0


def test_verdicts_differ(cards):
    """Otherwise nothing above would notice a verdict that is always the same."""
    assert len(Counter(card["data-verdict"] for _, card in cards)) > 1


STATED, CONDITION = {"measured": [2.0, "inf"], "at_least": 2.0}, {"measured": [0.5], "expected": 1.0, "tolerance": 0.5}
FALSE = {"measured": [0.5], "at_most": 0.25}


@pytest.mark.parametrize(
    ("as_stated", "on_condition", "expected"),
    [
        (STATED, None, "holds"),
        (STATED, FALSE, "holds"),
        (FALSE, None, "does not hold"),
        (FALSE, CONDITION, "holds, with a condition"),
        (FALSE, CONDITION | {"tolerance": 0.25}, "does not hold"),
        (STATED | {"measured": [2.0, 1.0]}, None, "does not hold"),
        ({"measured": ["-inf"], "expected": "-inf"}, None, "holds"),
        ({"measured": [], "expected": 1.0}, None, "does not hold"),
        ({"measured": [1.0]}, None, "does not hold"),
    ],
)
def test_recomputed_verdict(as_stated, on_condition, expected):
    assert verdict({"as_stated": as_stated, "on_condition": on_condition}) == expected
