"""Curves of one picture are told apart, and one that comes back in another chapter looks the same there."""

import itertools
import re
from collections import defaultdict
from html import unescape

import pytest

from gradlab.figures.looks import CHARACTERS, LOOKS, looks_of


@pytest.mark.parametrize("labels", [[], ["a"], list("abcde"), ["He", "a", "N(0, 1)"], ["tanh", "a", "b", "relu", "c"]])
def test_every_curve_of_a_picture_has_a_look_of_its_own(labels):
    looks = looks_of(labels)
    assert list(looks) == labels
    assert len(set(looks.values())) == len(labels)
    assert all(looks[label] == CHARACTERS[label] for label in labels if label in CHARACTERS)


@pytest.mark.parametrize("part", range(3), ids=("color", "dash and marker", "marker"))
def test_looks_differ_in_each_of_their_parts(part):
    parts = [(look.color, (look.dash, look.marker), look.marker)[part] for look in LOOKS]
    assert len(set(parts)) == len(LOOKS)


def test_others_are_given_what_is_left_in_order():
    assert list(looks_of("abcde").values()) == list(LOOKS)
    assert looks_of(["a", "He", "b"]) == {"a": LOOKS[0], "He": LOOKS[1], "b": LOOKS[2]}


@pytest.mark.parametrize("pair", list(itertools.permutations(["He", "relu"])))
def test_first_of_two_characters_with_one_look_keeps_it(pair):
    assert CHARACTERS["He"] == CHARACTERS["relu"]
    first, second = looks_of(pair).values()
    assert first == CHARACTERS[pair[0]] != second


def colors_on(page):
    """Return the colours of each label of a page's figures, without what stands behind it in brackets."""
    colors = defaultdict(set)
    text = page.read_text("utf-8").replace('\\"', '"')
    for color, label in re.findall(r'color-mix\(in srgb, (#\w{6}) \d+%, currentColor\)"[^>]*>([^<]*)<', text):
        colors[re.sub(r" \([^)]*\)$", "", unescape(label))].add(color)
    return colors


def test_label_has_one_colour_on_all_pages(site):
    on_pages = defaultdict(dict)
    for page in sorted(site.glob("chapters/*.html")):
        for label, colors in colors_on(page).items():
            on_pages[label][page.name] = colors
    shared = {label: pages for label, pages in on_pages.items() if len(pages) > 1}
    assert {"He", "backward signal", "relu"} < set(shared)
    assert {label: pages for label, pages in shared.items() if len(set.union(*pages.values())) > 1} == {}
