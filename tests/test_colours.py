"""The book's colours: readable on both grounds, told apart without one kind of cones, and the same in all chapters."""

import itertools
import re
from collections import defaultdict
from html import unescape

import colorspacious
import numpy as np
import pytest

from gradlab import canvas


def luminance(color):
    """Return the relative luminance of WCAG 2.2 for a colour such as #078ef4."""
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def apart(one, other, cones):
    """Return how far two colours lie apart, seen without one kind of cones (Machado et al., 2009)."""
    seen = [[int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)] for color in (one, other)]
    if cones is not None:
        space = {"name": "sRGB1+CVD", "cvd_type": cones, "severity": 100}
        seen = np.clip(colorspacious.cspace_convert(seen, space, "sRGB1"), 0, 1)
    return float(colorspacious.deltaE(*seen, input_space="sRGB1"))


def test_contrast_here_is_that_of_wcag():
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)  # the well-known grey that just fails 4.5


@pytest.mark.parametrize("ground", ["light", "dark"])
@pytest.mark.parametrize("color", canvas.PALETTE)
def test_every_colour_has_the_contrast_of_wcag_for_graphics_on_both_grounds(color, ground):
    assert contrast(color, canvas.GROUNDS[ground]) >= 3


@pytest.mark.parametrize("ground", ["light", "dark"])
@pytest.mark.parametrize("color", canvas.PALETTE)
def test_text_in_a_colour_has_the_contrast_of_wcag_for_text_on_both_grounds(color, ground):
    ink = {"light": "#222832", "dark": "#ced6dd"}[ground]  # what the theme gives text
    share = canvas.SHARE_IN_TEXT / 100
    channels = [share * int(color[i : i + 2], 16) + (1 - share) * int(ink[i : i + 2], 16) for i in (1, 3, 5)]
    mixed = "#" + "".join(f"{round(channel):02x}" for channel in channels)
    assert contrast(mixed, canvas.GROUNDS[ground]) >= 4.5
    figure, ax = canvas.sheet(alt="One word in a colour.", caption="A word.")
    ax.text(0.5, 0.5, "word", color=color)
    (style,) = re.findall(r'<text style="([^"]*)"[^>]*>word<', canvas.svg_of(figure))
    assert style.endswith(f"fill: {color}; fill: color-mix(in srgb, {color} {canvas.SHARE_IN_TEXT}%, currentColor)")


@pytest.mark.parametrize("cones", [None, "protanomaly", "deuteranomaly", "tritanomaly"])
@pytest.mark.parametrize(("one", "other"), [*itertools.combinations(canvas.PALETTE, 2)])
def test_colours_are_told_apart_also_without_one_kind_of_cones(one, other, cones):
    assert apart(one, other, cones) > 12, "units of CAM02-UCS, of which one is just noticed side by side"


def test_colours_that_deuteranopes_confuse_are_found():
    assert apart("#2e9e5b", "#e0526b", None) > 30
    assert apart("#2e9e5b", "#e0526b", "deuteranomaly") < 4


def test_names_of_colours_are_the_palette_and_ink_is_not_in_it():
    named = [getattr(canvas, name) for name in ("BLUE", "ORANGE", "GREEN", "VIOLET", "RED")]
    assert list(canvas.PALETTE) == named
    assert len({*named, canvas.INK}) == 6


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
