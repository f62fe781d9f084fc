"""The book on paper: one document, in which every link leads somewhere and nothing is cut off."""

import importlib.util
from collections import Counter
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

pytestmark = pytest.mark.xdist_group("print")  # the pages are joined once for all tests
TOOL = Path(__file__).parents[1] / "book" / "_tools" / "pdf.py"
SPEC = importlib.util.spec_from_file_location("pdf", TOOL)
pdf = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(pdf)

PAPER = {"width": 643, "height": 986}  # CSS pixels of A4 within its margins
CUT_OFF = """() => [...document.querySelectorAll("pre, table, figure, math, p, svg, .claim-check, .admonition")]
    .filter((element) => element.checkVisibility() && element.getBoundingClientRect().right > innerWidth + 1)
    .map((element) => element.outerHTML.slice(0, 120))"""


@pytest.fixture(scope="module")
def whole(site):
    """The whole book as one page, with the number 7 for the sheet where its first chapter begins."""
    pdf.SITE, first = site, pdf.pages()[1]
    return BeautifulSoup(pdf.document({first: 7}), "html.parser")


def test_every_page_is_in_it_once_and_listed_in_the_contents(whole):
    listed = [link["href"].removeprefix("#") for link in whole.select("nav.printed-contents a")]
    assert listed == [pdf.own(page, "") for page in pdf.pages()]
    assert [section["id"] for section in whole.select(".printed-page")] == listed
    assert whole.select("nav.printed-contents p span")[1].text == "7"


def test_every_link_leads_to_another_host_or_to_a_place_in_it(whole):
    names = Counter(element["id"] for element in whole.find_all(id=True))
    assert [name for name, times in names.items() if times > 1] == []
    inner = {link["href"] for link in whole.find_all("a", href=True) if not link["href"].startswith("http")}
    assert len(inner) > 100
    assert {link for link in inner if link.removeprefix("#") not in names} == set()


def test_explorable_figures_show_a_still_and_nothing_to_press(whole):
    assert whole.select("figure.gradlab-still svg")
    assert whole.select("script, button, input") == []


def test_solutions_are_unfolded_and_drawing_code_is_left_out(whole):
    assert whole.select("details:not([open])") == []
    assert "Show code cell source" not in whole.text


def test_nothing_is_wider_than_the_paper(whole, site, browser):
    joined = site / "as-printed.html"
    joined.write_text(str(whole), encoding="utf-8")
    try:
        page = browser.new_page(viewport=PAPER)
        page.emulate_media(media="print")
        page.goto(joined.as_uri())
        assert page.evaluate(CUT_OFF) == []
        page.close()
    finally:
        joined.unlink()


def test_printing_says_on_which_sheet_each_page_begins(monkeypatch, site, browser):
    few = ["book/intro.html", "chapters/01_chain_rule.html"]
    monkeypatch.setattr(pdf, "SITE", site)
    monkeypatch.setattr(pdf, "parts", lambda: [("", few[:1]), ("Some", few[1:])])
    page = browser.new_page()
    sheets = dict(pdf.beginnings(pdf.printed({}, page)))
    page.close()
    assert sheets[few[0]] == 3, "after the title and the contents"
    assert sheets[few[1]] > sheets[few[0]] + 1
