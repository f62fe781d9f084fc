"""Every page of the book: it needs no other host, fails nowhere, and is there for every reader and every screen."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from bs4 import BeautifulSoup

OTHER_HOST = re.compile(r"\s*(?:\w+:)?//")
IN_STYLE = re.compile(r"""(?:@import\s+|url\(\s*)["']?((?:\w+:)?//[^"')\s;]+)""")
FOLLOWED_BY_HAND = {"a", "area", "base", "form"}
"""Elements with addresses to which only the reader goes."""
NOT_LOADED = {"alternate", "author", "canonical", "help", "license", "next", "prev", "search"}
"""Relations of a <link> that say something and load nothing."""

PHONE = {"width": 360, "height": 740}
STICKING_OUT = """() => {
    const width = document.documentElement.clientWidth;
    const scrolls = (element) => getComputedStyle(element).overflowX !== "visible";
    const inside = (element) => element && element !== document.body && (scrolls(element) || inside(element.parentElement));
    return [...document.body.querySelectorAll("*")]
        .filter((element) => element.checkVisibility({ visibilityProperty: true }) && !inside(element.parentElement))
        .filter((element) => element.getBoundingClientRect().right > width + 0.5) // half a pixel: rounding
        .map((element) => element.outerHTML.slice(0, 120));
}"""
NAMELESS = """() => [...document.querySelectorAll("img, [role=img]")]
    .filter((image) => {
        const label = image.ariaLabelledByElements?.[0]?.textContent ?? image.ariaLabel ?? image.alt ?? "";
        return !label.trim() || /\\.\\w{3,4}$/.test(label.trim()); // a file's name says nothing
    })
    .map((image) => image.outerHTML.slice(0, 120))"""
HEADINGS = """() => [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")]
    .filter((heading) => heading.checkVisibility())
    .map((heading) => Number(heading.tagName[1]))"""


def sources(markup):
    """Return the addresses on other hosts that a browser fetches by itself when it opens this page."""
    found = []
    for tag in BeautifulSoup(markup, "html.parser").find_all(True):
        if tag.name == "style":
            found += style_sources(tag.get_text())
        found += style_sources(tag.get("style", ""))
        if tag.name in FOLLOWED_BY_HAND or (tag.name == "link" and {*tag.get("rel", [])} <= NOT_LOADED):
            continue
        addresses = [tag[key] for key in ("src", "href", "xlink:href", "poster", "data") if tag.has_attr(key)]
        addresses += re.findall(r"[^\s,]+", tag.get("srcset", "") + " " + tag.get("imagesrcset", ""))
        if tag.name == "meta" and tag.get("http-equiv", "").lower() == "refresh":
            addresses.append(tag["content"].partition("=")[2])
        found += filter(OTHER_HOST.match, addresses)
    return found


def style_sources(style):
    """Return the addresses on other hosts that a browser fetches by itself for this style sheet."""
    return IN_STYLE.findall(re.sub(r"/\*.*?\*/", "", style, flags=re.DOTALL))


def test_pages_are_those_of_the_table_of_contents(site, pages):
    written = {path.relative_to(site).as_posix() for path in site.rglob("*.html")}
    assert {name for name in written if not name.startswith("_static/")} == {*pages}


@pytest.mark.parametrize(("suffix", "find"), [("html", sources), ("css", style_sources)])
def test_no_file_names_a_source_on_another_host(site, suffix, find):
    texts = {path: path.read_text("utf-8") for path in site.rglob(f"*.{suffix}")}
    assert texts, f"there are .{suffix} files"
    assert {str(path): found for path, text in texts.items() if (found := find(text))} == {}


@pytest.mark.parametrize(
    "markup",
    [
        '<script src="https://a.org/a.js"></script>',
        '<script type="module" src="//a.org/a.js"></script>',
        '<link rel="stylesheet" href="http://a.org/a.css">',
        '<link rel="preconnect" href="https://a.org">',
        '<img src="a.png" srcset="b.png 1x, https://a.org/c.png 2x">',
        '<iframe src="https://a.org"></iframe>',
        '<video poster="https://a.org/a.png"></video>',
        '<object data="https://a.org/a.svg"></object>',
        '<svg><image xlink:href="https://a.org/a.png"/><use href="#b"/></svg>',
        '<p style="background: url(https://a.org/a.png)">',
        "<style>@import 'https://a.org/a.css';</style>",
        "<style>p { background: url( '//a.org/a.png' ) }</style>",
        '<meta http-equiv="Refresh" content="0; url=https://a.org">',
    ],
)
def test_source_on_another_host_is_found(markup):
    assert len(sources(markup)) == 1


@pytest.mark.parametrize(
    "markup",
    [
        '<a href="https://a.org">there</a>',
        '<link rel="canonical" href="https://a.org"><link rel="license" href="https://a.org">',
        '<script src="../a.js"></script><img src="data:image/png;base64,//8="><img srcset="a.png 1x, b.png 2x">',
        "<style>/* url(https://a.org/a.png) */ p { background: url(a.png) }</style>",
        '<meta http-equiv="refresh" content="0; url=book/intro.html">',
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"></svg>',
    ],
)
def test_link_and_own_source_are_fine(markup):
    assert sources(markup) == []


@pytest.mark.parametrize("opened", ["served", "as a file"])
def test_page_asks_no_other_host_and_fails_nowhere(visit, origin, site, address, opened):
    place = origin if opened == "served" else site.as_uri()
    with visit(f"{place}/{address}") as (page, troubles):
        page.wait_for_load_state("networkidle")
        assert page.title()
        assert troubles == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation(visit, origin, address, scheme):
    with visit(f"{origin}/{address}", color_scheme=scheme) as (page, _):
        assert page.locator("html").get_attribute("data-theme") == scheme
        unfold(page)
        violations = Axe().run(page).response["violations"]
        assert [(rule["id"], node["html"]) for rule in violations for node in rule["nodes"]] == []


def test_page_fits_a_phone(visit, origin, address):
    with visit(f"{origin}/{address}", viewport=PHONE) as (page, _):
        unfold(page)
        assert page.evaluate(STICKING_OUT) == []
        assert page.evaluate("document.scrollingElement.scrollWidth <= document.scrollingElement.clientWidth")


def test_images_have_names_and_headings_an_order(visit, origin, address):
    with visit(f"{origin}/{address}") as (page, _):
        unfold(page)
        assert page.evaluate(NAMELESS) == []
        levels = page.evaluate(HEADINGS)
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(below - above <= 1 for above, below in zip(levels, levels[1:], strict=False)), levels


def unfold(page):
    """Open what the page has folded, so that a check sees it."""
    page.evaluate("document.querySelectorAll('details').forEach((details) => { details.open = true; })")
