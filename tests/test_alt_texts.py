"""Every picture says in words what a sighted reader takes away from it: no title, no caption, no "plot of"."""

import json
import re

import pytest
from bs4 import BeautifulSoup

pytestmark = pytest.mark.xdist_group("alt texts")  # the pages are read once for all tests
NO_MESSAGE = re.compile(r"\s*(a |the )?(plot|figure|chart|graph|image|picture|diagram)s?( of\b|$)", re.IGNORECASE)
STATE = "application/vnd.jupyter.widget-state+json"


def pictures(page):
    """Yield alt text, caption and the titles inside of each figure of a page, each setting of a slider included."""
    for figure in page.select("figure.gradlab-figure:not(.gradlab-still)"):
        titles = {text.get_text().strip() for text in figure.select("svg text")}
        yield figure.select_one("[role=img]")["aria-label"], figure.figcaption.get_text(), titles
    for stored in page.find_all("script", type=STATE):
        for model in json.loads(stored.string)["state"].values():
            for frame in model["state"].get("frames", ()):
                titles = set(re.findall(r"<text[^>]*>([^<]+)</text>", frame["svg"]))
                yield frame["alt"], model["state"]["caption"], titles


@pytest.fixture(scope="module")
def all_pictures(site, pages):
    found = {}
    for address in pages:
        page = BeautifulSoup((site / address).read_text("utf-8"), "html.parser")
        found[address] = list(pictures(page))
    return found


def test_there_are_pictures(all_pictures):
    assert sum(map(len, all_pictures.values())) > 300


def test_alt_text_is_a_sentence_that_says_something(all_pictures):
    poor = [
        alt
        for some in all_pictures.values()
        for alt, _, _ in some
        if len(alt.split()) < 8 or not alt.rstrip().endswith(".") or NO_MESSAGE.match(alt)
    ]
    assert poor == []


def test_alt_text_is_neither_caption_nor_title(all_pictures):
    same = [alt for some in all_pictures.values() for alt, caption, titles in some if alt in {caption, *titles}]
    assert same == []


def test_each_setting_of_a_slider_is_described_by_itself(site, explorable_pages):
    for address in explorable_pages:
        page = BeautifulSoup((site / address).read_text("utf-8"), "html.parser")
        for stored in page.find_all("script", type=STATE):
            for model in json.loads(stored.string)["state"].values():
                alts = [frame["alt"] for frame in model["state"].get("frames", ())]
                assert len(set(alts)) >= len(alts) / 2, address  # other widgets have no pictures


@pytest.mark.parametrize("alt", ["Plot of the loss", "figure", "A graph of norms over depth", "picture"])
def test_alt_text_without_a_message_is_found(alt):
    assert NO_MESSAGE.match(alt)
