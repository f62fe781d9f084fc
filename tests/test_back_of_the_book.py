"""The field guide fits one sheet of paper, the short answers are short, and the chapters lead into the glossary."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

ROOT = Path(__file__).parents[1]
CHAPTERS = sorted((ROOT / "chapters").glob("*.ipynb"))
TERM = re.compile(r"\{term\}`(?:[^`<]*<)?([^`>]*)>?`")
PAGE_OF_PDF = re.compile(rb"/Type\s*/Page\b(?!s)")
SMALLEST_TYPE = 7.5  # points
FONT_SIZE = "(cell) => parseFloat(getComputedStyle(cell).fontSize)"
SENTENCE = re.compile(r"[.?!](?=\s|$)")


def prose(path):
    cells = json.loads(path.read_text("utf-8"))["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")


def terms(text):
    """Return the glossary's entries to which a text leads; a line may break within one."""
    return [" ".join(term.split()) for term in TERM.findall(text)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a {term}`gain` and {term}`gates <gate>`", ["gain", "gate"]),
        ("{term}`fan-in, fan-out`, **{term}`cell`**", ["fan-in, fan-out", "cell"]),
        ("{term}`spectral\nradius` and `term`", ["spectral radius"]),
    ],
)
def test_terms_are_found(text, found):
    assert terms(text) == found


def test_every_entry_of_the_glossary_is_led_to_and_every_term_is_an_entry():
    glossary = (ROOT / "book" / "glossary.md").read_text("utf-8")
    entries = re.findall(r"^(\S.*)\n {2}\S", glossary, re.MULTILINE)
    assert len(entries) > 40
    assert {term for path in CHAPTERS for term in terms(prose(path))} == {*entries}


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_chapter_leads_to_an_entry_once_and_to_ten_at_most(path):
    counts = Counter(terms(prose(path)))
    assert {term: count for term, count in counts.items() if count > 1} == {}
    assert len(counts) <= 10


def test_terms_are_links_to_the_glossary(site):
    for path in CHAPTERS:
        document = BeautifulSoup((site / "chapters" / f"{path.stem}.html").read_text("utf-8"), "html.parser")
        links = document.select("article a[href*='glossary.html#term-']")
        assert len(links) == len(terms(prose(path)))


@pytest.fixture(scope="module")
def answers(site):
    """The sections of the short answers."""
    return BeautifulSoup((site / "book" / "faq.html").read_text("utf-8"), "html.parser").select(
        "article section section"
    )


def test_short_answers_are_two_sentences_with_a_link_each(answers):
    assert len(answers) >= 15
    for answer in answers:
        (paragraph,) = answer.select(":scope > p")
        assert answer.h2.get_text().removesuffix("#").endswith("?")
        assert len(SENTENCE.findall(paragraph.get_text().strip())) == 2, paragraph.get_text()
        assert paragraph.select("a[href]")


def test_every_line_of_the_field_guide_links_to_its_evidence(site):
    guide = BeautifulSoup((site / "book" / "field_guide.html").read_text("utf-8"), "html.parser")
    rows = guide.select(".field-guide tbody tr")
    assert len(rows) >= 8
    for row in rows:
        seen, test, remedies = row.find_all("td")
        assert seen.get_text().strip()
        assert test.select("a[href*='#']")
        assert remedies.select("a[href*='#']")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_field_guide_prints_on_one_sheet_and_can_be_read(visit, origin, scheme):
    with visit(f"{origin}/book/field_guide.html", color_scheme=scheme) as (page, _):
        sheet = page.pdf(prefer_css_page_size=True)
        assert len(PAGE_OF_PDF.findall(sheet)) == 1
        page.emulate_media(media="print")
        sizes = [cell.evaluate(FONT_SIZE) for cell in page.locator(".field-guide td").all()]
        assert min(sizes) * 72 / 96 >= SMALLEST_TYPE
