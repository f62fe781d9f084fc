"""Formulas are in the page as MathML, which browsers draw and screen readers speak without a script."""

import pytest
from bs4 import BeautifulSoup
from docutils import nodes
from fontTools.ttLib import TTFont
from playwright.sync_api import expect

import formulas

WITH_FORMULAS = "chapters/13_lstm_gating.html"
FEW = "book/glossary.html"


def typeset(*tex):
    return [
        BeautifulSoup(markup, "html.parser").math for markup in formulas.mathml([nodes.math("", one) for one in tex])
    ]


def tree(element):
    """Return the elements of a formula as nested lists of their names, with the text of the leaves."""
    children = [child for child in element.find_all(recursive=False) if child.name != "annotation"]
    return [element.name, *(tree(child) for child in children)] if children else f"{element.name} {element.text}"


def test_formula_becomes_what_its_tex_says():
    (fraction, root) = typeset(r"\frac{a}{b}", r"\sqrt x")
    assert tree(fraction.mfrac) == ["mfrac", "mi a", "mi b"]
    assert tree(root.msqrt) == ["msqrt", "mi x"]


def test_tex_is_kept_for_whoever_copies_it():
    assert typeset(r"\lambda_{\max}")[0].annotation.text == r"\lambda_{\max}"


def test_formula_on_its_own_line_may_span_several():
    markup = formulas.mathml([nodes.math_block("", "\\begin{aligned}\na &= b \\\\\n c &= d\n\\end{aligned}")])
    math = BeautifulSoup(markup[0], "html.parser").math
    assert math["display"] == "block"
    assert len(math.find_all("mtr")) == 2


@pytest.mark.parametrize(
    ("tex", "spaces"),
    [(r"\ln 2", 1), (r"\ln\frac12", 1), (r"\ln(2)", 0), (r"\max_i x", 0), (r"\tanh^2 x", 0), (r"\tanh", 0)],
)
def test_function_keeps_its_distance_from_all_but_a_bracket(tex, spaces):
    (math,) = typeset(tex)
    assert len(math.find_all("mspace")) == spaces
    for script in math.find_all(["msub", "msup"]):
        assert len(script.find_all(recursive=False)) == 2


def test_what_is_no_formula_is_reported():
    assert formulas.mathml([nodes.math("", r"\frac{"), nodes.math("", "x")])[0] == ""


def test_build_fails_on_what_is_no_formula(monkeypatch):
    said = []
    monkeypatch.setattr(formulas.logger, "warning", lambda message, *details, location: said.append(message % details))
    page = nodes.document(None, None)
    page += nodes.math("", r"\frac{")
    formulas.typeset(None, page, "page")
    assert said == [r"pandoc cannot typeset this formula: \frac{"]


def test_pages_show_no_tex(site, pages):
    count = 0
    for address in pages:
        page = BeautifulSoup((site / address).read_text("utf-8"), "html.parser")
        for hidden in page.find_all(["script", "style", "annotation", "pre", "code"]):
            hidden.extract()
        count += len(page.find_all("math"))
        assert [text for text in page.stripped_strings if "\\(" in text or "\\[" in text] == [], address
        assert page.find_all("merror") == []
    assert count > 500


def test_font_has_every_character_of_every_formula(site):
    font = TTFont(site / "_static" / formulas.FONT)
    assert formulas.characters_in_use(site) - font.getBestCmap().keys() <= {0x20, 0xA0, 0x2061}, "spaces, and nothing"
    assert "MATH" in font, "how far roots and brackets stretch"
    assert (site / "_static" / formulas.FONT).stat().st_size < 80_000


@pytest.mark.parametrize("page", [WITH_FORMULAS, FEW])
def test_formulas_stand_without_a_script(browser, origin, page):
    with browser.new_context(java_script_enabled=False) as fresh:
        opened = fresh.new_page()
        opened.goto(f"{origin}/{page}")
        formula = opened.locator("math").first
        expect(formula).to_be_visible()
        assert formula.bounding_box()["width"] > 5


def test_formulas_are_drawn_in_the_book_s_font(visit, origin):
    with visit(f"{origin}/{WITH_FORMULAS}") as opened:
        assert opened.page.evaluate("document.fonts.check('16px \"STIX Two Math\"', '\u2113')")
        fraction = opened.page.locator("mfrac").first.bounding_box()
        assert fraction["height"] > 20, "numerator above denominator"
    assert opened.troubles == []


DRAWN = """(display) => {
    const boxes = [...display.querySelectorAll("mi, mo, mn, mtext")].map((leaf) => leaf.getBoundingClientRect());
    const around = display.getBoundingClientRect();
    const inked = boxes.filter((box) => box.width);
    const left = Math.min(...inked.map((box) => box.left)), right = Math.max(...inked.map((box) => box.right));
    return { before: left - around.left, after: around.right - right };
}"""


@pytest.mark.parametrize("width", [1280, 320])
def test_formula_on_its_own_line_stands_in_the_middle_or_begins_at_the_left(visit, origin, width):
    with visit(f"{origin}/{WITH_FORMULAS}", viewport={"width": width, "height": 800}) as (page, _):
        gaps = [display.evaluate(DRAWN) for display in page.locator("div.math").all()]
    assert gaps
    for gap in gaps:
        if gap["after"] > 0:  # it fits
            assert gap["before"] == pytest.approx(gap["after"], abs=8)  # pixels: space around a sign at an end
        else:  # it scrolls
            assert 0 <= gap["before"] < 8
