"""Every page of the book as a browser shows it: it fails nowhere, and is there for every reader and every screen."""

import functools
import itertools
from typing import NamedTuple

import pytest
from axe_playwright_python.sync_playwright import Axe
from fontTools.ttLib import TTFont

# to preload, axe would ask for style sheets, and for one in the wrong place
AXE = {"resultTypes": ["violations"], "preload": False}
PHONE = {"width": 320, "height": 640}
STICKING_OUT = """() => {
    const width = document.documentElement.clientWidth;
    const scrolls = (element) => getComputedStyle(element).overflowX !== "visible";
    const inside = (box) => box && box !== document.body && (scrolls(box) || inside(box.parentElement));
    return [...document.body.querySelectorAll("*")]
        .filter((element) => element.checkVisibility({ visibilityProperty: true }) && !inside(element.parentElement))
        .filter((element) => element.getBoundingClientRect().right > width + 0.5) // half a pixel: rounding
        .map((element) => element.outerHTML.slice(0, 120));
}"""
"""Finds what is visible beyond the right edge, and not in a box that scrolls by itself."""
WIDTHS = "[document.scrollingElement.scrollWidth, document.scrollingElement.clientWidth]"
NAMELESS = """() => [...document.querySelectorAll("img, [role=img]")]
    .filter((image) => {
        const label = image.ariaLabelledByElements?.[0]?.textContent ?? image.ariaLabel ?? image.alt ?? "";
        return !label.trim() || /\\.\\w{3,4}$/.test(label.trim()); // a file's name says nothing
    })
    .map((image) => image.outerHTML.slice(0, 120))"""
HEADINGS = """() => [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")]
    .filter((heading) => heading.checkVisibility())
    .map((heading) => Number(heading.tagName[1]))"""
GAPS = """() => {
    const height = (heading) => heading.getBoundingClientRect().height;
    const links = [...document.querySelectorAll(":is(h1, h2, h3, h4) > a.headerlink")];
    const full = links.map((link) => height(link.parentElement));
    links.forEach((link) => { link.style.display = "none"; });
    const higher = links.map((link) => link.parentElement).filter((heading, k) => height(heading) < full[k]);
    links.forEach((link) => { link.style.display = ""; });
    return higher.map((heading) => heading.textContent);
}"""
"""Finds headings that are higher for the sign, seen only by who points at it, that links to them."""
BOXES = """() => [...document.querySelectorAll(".cell_output .text_html")]
    .filter((box) => getComputedStyle(box).backgroundColor !== "rgba(0, 0, 0, 0)")
    .map((box) => box.innerHTML.slice(0, 120))"""
"""Finds what a cell shows on a ground of its own, which the theme gives it on dark pages, where it is light."""
DRAWN = """() => [...document.querySelectorAll("*")].flatMap((element) =>
    ["::before", "::after"].map((part) => getComputedStyle(element, part))
        .filter((style) => style.fontFamily.includes("Font Awesome") && style.content.startsWith('"'))
        .map((style) => style.content.slice(1, -1))
).filter((text) => text.trim())"""
"""The characters that style sheets draw in an icon font."""
ONE_OF_EACH = """() => {
    const seen = new Set();
    for (const token of document.querySelectorAll(".highlight pre span[class]")) {
        const around = [token.closest(".cell > div, .highlight"), token.parentElement];
        const kind = [...around, token].map((element) => element.className).join();
        if (seen.has(kind)) token.replaceWith(...token.childNodes);
        seen.add(kind);
    }
    for (const formula of document.querySelectorAll("math")) {
        const made = new Set([...formula.querySelectorAll("*")].map((element) => element.localName));
        const kind = [formula.parentElement.closest("[class]").className, ...[...made].sort()].join();
        if (seen.has(kind)) formula.remove();
        seen.add(kind);
    }
    document.querySelectorAll("svg > :not(title, desc)").forEach((drawn) => drawn.remove());
}"""
"""Leaves one token of each colour in each kind of code block, and one formula of each make in each kind of place.

Of drawings it leaves the name: axe does not know the colour of their text, which tests/test_colours.py looks at.

axe takes milliseconds for each element of thousands.
"""
NEXT_FRAME = "() => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))"
SETTLE = """() => {
    document.querySelectorAll("details").forEach((details) => { details.open = true; });
    document.getAnimations().forEach((animation) => animation.finish()); // half faded in, text has no contrast
}"""


class Sight(NamedTuple):
    """What is to be seen of a page."""

    themes: dict
    violations: dict
    nameless: list
    headings: list
    boxes: list
    icons: set
    sticking_out: list
    widths: list
    gaps: list
    troubles: list


@pytest.fixture(scope="module")
def see(visit, origin):
    """A function that looks at a page, everything unfolded; once only."""

    @functools.cache
    def see(address):
        with visit(f"{origin}/{address}", color_scheme="dark") as (page, troubles):
            page.evaluate(SETTLE)
            seen = {"nameless": page.evaluate(NAMELESS), "headings": page.evaluate(HEADINGS)}
            seen["boxes"] = page.evaluate(BOXES)
            seen["icons"] = set("".join(page.evaluate(DRAWN)))
            size = page.viewport_size
            page.set_viewport_size(PHONE)
            page.evaluate(SETTLE)
            seen |= {"sticking_out": page.evaluate(STICKING_OUT), "widths": page.evaluate(WIDTHS)}
            seen["gaps"] = page.evaluate(GAPS)
            page.set_viewport_size(size)
            seen["gaps"] += page.evaluate(GAPS)
            page.evaluate(ONE_OF_EACH)
            seen["themes"] = {"loaded in the dark": theme(page)}
            seen["violations"] = {"dark": violations(page, runOnly=["color-contrast", "link-in-text-block"])}
            page.emulate_media(media="print")
            seen["themes"]["printed in the dark"] = theme(page)
            page.emulate_media(media="screen")
            seen["themes"]["dark after printing"] = theme(page)
            page.emulate_media(color_scheme="light")
            seen["themes"]["light"] = theme(page)
            seen["violations"]["light"] = violations(page)
            page.wait_for_load_state("networkidle")
            return Sight(**seen, troubles=troubles)

    return see


def theme(page):
    page.evaluate(NEXT_FRAME)
    return page.locator("html").get_attribute("data-theme")


def violations(page, **options):
    """Return what axe has against a page as it stands: pairs of a rule and of the element that breaks it."""
    page.evaluate(SETTLE)
    page.evaluate(Axe().axe_script)
    rules = page.evaluate("(options) => axe.run(options).then((found) => found.violations)", AXE | options)
    return [(rule["id"], node["html"]) for rule in rules for node in rule["nodes"]]


def test_theme_follows_the_reader_and_paper_is_light(see, address):
    themes = {"loaded in the dark": "dark", "printed in the dark": "light", "dark after printing": "dark"}
    assert see(address).themes == themes | {"light": "light"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation(see, address, scheme):
    assert see(address).violations[scheme] == []


def test_page_served_asks_no_other_host_and_fails_nowhere(see, address):
    assert see(address).troubles == []


def test_page_opened_as_a_file_asks_no_other_host_and_fails_nowhere(visit, site, plain_page):
    with visit(f"{site.as_uri()}/{plain_page}") as (page, troubles):  # the others: tests/test_explorables.py
        assert page.title()
        assert troubles == []


def test_page_fits_a_phone(see, address):
    sight = see(address)
    assert sight.sticking_out == []
    content, window = sight.widths
    assert content <= window


def test_images_have_names(see, address):
    assert see(address).nameless == []


def test_headings_have_an_order(see, address):
    levels = see(address).headings
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert [below for above, below in itertools.pairwise(levels) if below > above + 1] == []


def test_nothing_stands_on_a_light_ground_in_the_dark(see, address):
    assert see(address).boxes == []


def test_headings_are_no_higher_than_their_words(see, address):
    assert see(address).gaps == []


@pytest.fixture(scope="session")
def icon_fonts(site):
    """The icon fonts that the site serves, cut down to what pages show."""
    return [*site.glob("_static/vendor/fontawesome/webfonts/*.woff2")]


@pytest.fixture(scope="session")
def glyphs(icon_fonts):
    """Every character for which the site's icon fonts have a glyph."""
    return {chr(code) for font in icon_fonts for code in TTFont(font).getBestCmap()}


def test_every_icon_on_a_page_has_its_glyph(see, address, glyphs):
    drawn = see(address).icons
    assert drawn, "every page of the theme has a search button"
    assert drawn <= glyphs


def test_icon_fonts_hold_little_else(icon_fonts):
    assert sum(font.stat().st_size for font in icon_fonts) < 20_000  # the theme's own are 300 kB
