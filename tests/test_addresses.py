"""Addresses in the built pages: nothing is fetched from another host, every local link leads somewhere."""

import posixpath
import re
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup

OTHER_HOST = re.compile(r"\s*(?:\w+:)?//")
IN_STYLE = re.compile(r"""(?:@import\s+|url\(\s*)["']?((?:\w+:)?//[^"')\s;]+)""")
FOLLOWED_BY_HAND = {"a", "area", "base", "form"}
"""Elements with addresses to which only the reader goes."""
NOT_LOADED = {"alternate", "author", "canonical", "help", "license", "next", "prev", "search"}
"""Relations of a <link> that say something and load nothing."""


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
    # the page for lost readers is no page of the theme: tests/test_found.py looks at it
    assert {name for name in written if not name.startswith("_static/")} == {*pages, "404.html"}


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


@pytest.fixture(scope="module")
def documents(site, pages):
    """The markup of every page by its address."""
    return {page: BeautifulSoup((site / page).read_text("utf-8"), "html.parser") for page in pages}


def test_every_page_names_its_icon(documents):
    """Where it does not, browsers ask for /favicon.ico, which is not there."""
    assert [page for page, document in documents.items() if not document.select("link[rel~=icon]")] == []


def test_every_local_link_leads_somewhere(site, documents):
    names = {page: {tag["id"] for tag in document.select("[id]")} for page, document in documents.items()}
    dead = []
    for page, document in documents.items():
        for link in {tag.get("href") or tag.get("src") or "" for tag in document.select("[href], [src]")}:
            scheme, host, path, _, name = urlsplit(link)
            target = posixpath.normpath(posixpath.join(posixpath.dirname(page), unquote(path))) if path else page
            if scheme or host or "?" in name:  # elsewhere, or to a state of an explorable figure
                continue
            if not (site / target).is_file() or (name and unquote(name) not in names.get(target, ())):
                dead.append(f"{page}: {link}")
    assert dead == []
