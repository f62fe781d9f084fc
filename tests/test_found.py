"""Readers find the book, the page they need in it, and how to cite it."""

import tomllib
from pathlib import Path
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pybtex.database
import pytest
import yaml
from bs4 import BeautifulSoup

ROOT = Path(__file__).parents[1]
CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))
HOME = CONFIG["html"]["baseurl"]


@pytest.fixture(scope="module")
def contents(site, pages):
    """Every page of the table of contents, parsed, by address."""
    own = {"index.html", "search.html", "genindex.html", "404.html"}
    return {name: BeautifulSoup((site / name).read_text("utf-8"), "html.parser") for name in pages if name not in own}


def property_of(page, name):
    return page.find("meta", attrs={"property": name})["content"]


def test_every_page_says_in_words_of_its_own_what_it_is_about(contents):
    described = {name: page.find("meta", attrs={"name": "description"})["content"] for name, page in contents.items()}
    assert [name for name, text in described.items() if len(text) < 40] == []
    assert len(set(described.values())) == len(described)


def test_every_page_can_be_shown_by_those_who_link_to_it(contents, site):
    for name, page in contents.items():
        assert property_of(page, "og:url") == HOME + name
        assert property_of(page, "og:title") in page.title.text
        image = property_of(page, "og:image").removeprefix(HOME)
        assert (site / image).is_file(), image
        assert property_of(page, "og:image:alt").strip()


def test_site_map_lists_the_table_of_contents(contents, site):
    tree = ElementTree.parse(site / "sitemap.xml")
    listed = {entry.text for entry in tree.iter("{http://www.sitemaps.org/schemas/sitemap/0.9}loc")}
    assert listed == {HOME + name for name in contents}


def test_page_for_lost_readers_leads_to_every_page(contents, site):
    page = BeautifulSoup((site / "404.html").read_text("utf-8"), "html.parser")
    root = urlsplit(HOME).path
    links = {link["href"] for link in page.find_all("a")}
    assert links == {root + name for name in contents}
    assert page.html["lang"] == "en"
    assert page.find(["script", "link", "img"]) is None, (
        "it is served at any depth: it can load nothing by a relative path"
    )


def test_every_page_says_how_to_cite_it(contents):
    authors = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))["authors"]
    keys = set()
    for name, page in contents.items():
        ((key, entry),) = pybtex.database.parse_string(
            page.select_one(".page-citation pre").text, "bibtex"
        ).entries.items()
        keys.add(key)
        assert entry.fields["url"] == HOME + name
        assert entry.fields["title"] in page.h1.get_text()
        assert str(entry.persons["author"][0]).strip("{}") == authors[0]["name"]
    assert len(keys) == len(contents)


def test_address_is_where_the_package_says_the_book_is():
    urls = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["urls"]
    assert urls["Documentation"] == HOME
    assert urls["Repository"] == CONFIG["repository"]["url"]


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("clip", {"10_clipping"}),
        ("NaN", {"07_symptoms", "08_monitor"}),
        ("exploding", {"01_chain_rule", "03_deep_networks", "05_learning_rate_and_scale", "07_symptoms", "faq"}),
        ("LSTM", {"13_lstm_gating"}),
        ("batch norm", {"12_batch_normalization"}),
        ("monitor", {"08_monitor"}),
        ("residual", {"14_shattered_gradients", "15_skip_connections"}),
    ],
)
@pytest.mark.parametrize("scheme", ["served", "from disk"])
def test_search_shows_the_right_chapter_first(query, first, scheme, visit, origin, site):
    root = origin if scheme == "served" else site.as_uri()
    with visit(f"{root}/search.html?q={query.replace(' ', '+')}") as opened:
        link = opened.page.locator("#search-results li a").first
        link.wait_for()
        opened.page.locator("#search-progress").filter(has_text="Searching").wait_for(state="detached")
        assert Path(urlsplit(link.get_attribute("href")).path).stem in first
    if scheme == "served":  # from disk, a browser lets no page read another: results come without an excerpt
        assert opened.troubles == []


FROM_GLASS_TO_TEXT = """(form) => {
    const [glass, input] = ["i", "input"].map((name) => form.querySelector(name));
    const text = input.getBoundingClientRect().left + parseFloat(getComputedStyle(input).paddingLeft);
    return text - glass.getBoundingClientRect().right;
}"""


@pytest.mark.parametrize(("page", "form"), [("search", "main form.bd-search"), ("book/faq", "#pst-search-dialog form")])
def test_magnifying_glass_covers_no_text(page, form, visit, origin):
    with visit(f"{origin}/{page}.html") as opened:
        opened.page.keyboard.press("Control+k")  # opens the dialog where the page has no field of its own
        field = opened.page.locator(form)
        field.wait_for()
        assert 0 < field.evaluate(FROM_GLASS_TO_TEXT) < 20


def test_every_chapter_opens_itself_in_jupyterlab_and_in_colab_and_can_be_downloaded(contents, site):
    repository = urlsplit(CONFIG["repository"]["url"]).path.strip("/")
    for name, page in contents.items():
        notebook = name.removesuffix(".html") + ".ipynb"
        if not (ROOT / notebook).exists():
            continue
        links = {link["href"] for link in page.find_all("a", href=True)}
        assert f"https://mybinder.org/v2/gh/{repository}/main?urlpath=lab/tree/{notebook}" in links
        assert f"https://colab.research.google.com/github/{repository}/blob/main/{notebook}" in links
        (own,) = {link for link in links if link.endswith(f"_sources/{notebook}")}
        assert (site / name).parent.joinpath(own).read_bytes() == (ROOT / notebook).read_bytes()
