"""The icon fonts are cut down to what pages show: no icon may be missing from them, and little else be in them."""

import pytest
from fontTools.ttLib import TTFont

DRAWN = """() => [...document.querySelectorAll("*")].flatMap((element) =>
    ["::before", "::after"].map((part) => getComputedStyle(element, part))
        .filter((style) => style.fontFamily.includes("Font Awesome") && style.content.startsWith('"'))
        .map((style) => style.content.slice(1, -1))
).filter((text) => text.trim())"""
"""The characters that style sheets draw in an icon font."""


@pytest.fixture(scope="session")
def fonts(site):
    """The icon fonts that the site serves."""
    return [*site.glob("_static/vendor/fontawesome/webfonts/*.woff2")]


@pytest.fixture(scope="session")
def glyphs(fonts):
    """Every character for which the site's icon fonts have a glyph."""
    return {chr(code) for font in fonts for code in TTFont(font).getBestCmap()}


def test_every_icon_on_a_page_has_its_glyph(visit, origin, address, glyphs):
    with visit(f"{origin}/{address}") as opened:
        drawn = set("".join(opened.page.evaluate(DRAWN)))
    assert drawn, "every page of the theme has a search button"
    assert drawn <= glyphs


def test_icon_fonts_hold_little_else(fonts):
    assert sum(font.stat().st_size for font in fonts) < 20_000  # the theme's own are 300 kB
