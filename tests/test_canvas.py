"""The book's sheet of paper: readable on both grounds, at home inside a page, the same on every run."""

import hashlib
import io
import math
import os
import re
import subprocess
import sys
import unicodedata
from pathlib import Path
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

from gradlab import canvas
from gradlab.canvas import svg_of


@canvas.styled
def draw(height):
    figure, (left, right) = canvas.sheet(alt="alt", caption="caption", ncols=2)
    left.plot([0, 1, 2], [0, height, 1], marker="o", label="line")
    left.fill_between([0, 1], [0, 0], [1, 1], hatch="//")
    left.legend()
    right.bar([1, 2], [3, 4], hatch="////", facecolor="none", edgecolor=canvas.ORANGE)
    right.plot([1, 2], [1e-3, 1e3])
    right.set_title("size of the gradient")
    canvas.log_axis(right.yaxis)
    return figure


@pytest.fixture(scope="module")
def svg():
    return svg_of(draw(2))


def ids(svg):
    return re.findall(r'\bid="([^"]*)"', svg)


def texts(svg):
    return ["".join(element.itertext()) for element in ElementTree.fromstring(svg).iter() if element.tag[-4:] == "text"]


# --- the picture inside a page ----------------------------------------------------------------------------------------


def test_svg_is_one_xml_element_hidden_from_assistive_technology(svg):
    root = ElementTree.fromstring(svg)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.attrib["aria-hidden"] == "true"
    assert svg.startswith("<svg ")


def test_svg_draws_text_and_axes_in_the_colour_of_the_page(svg):
    assert canvas.INK not in svg
    assert svg.count("currentColor") > 10
    assert "#000000" not in svg
    assert "fill: #ffffff" not in svg


@pytest.mark.parametrize(
    "foreign", ["<style", "*{", "* {", "font-family", "font:", "<metadata", "<!--", "<?xml", "<!D"]
)
def test_svg_brings_nothing_that_reaches_into_the_page(svg, foreign):
    assert foreign not in svg


def test_svg_keeps_text_as_text_in_its_own_size(svg):
    assert {"size of the gradient", "line"} <= set(texts(svg))
    assert re.search(r"font-size: [\d.]+px", svg)


def test_svg_has_no_id_twice_and_every_reference_inside_resolves(svg):
    references = re.findall(r'(?:href="|url\()#([^")]+)', svg)
    assert len(references) > 10
    assert set(references) <= set(ids(svg))
    assert len(ids(svg)) == len(set(ids(svg)))


def test_two_different_pictures_share_no_id(svg):
    assert ids(svg_of(draw(3)))
    assert not set(ids(svg)) & set(ids(svg_of(draw(3))))


def test_same_drawing_gives_the_same_bytes_again_and_in_a_fresh_process(svg):
    assert svg_of(draw(2)) == svg
    code = "import sys, test_canvas; sys.stdout.buffer.write(test_canvas.svg_of(test_canvas.draw(2)).encode())"
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    environment = os.environ | {"PYTHONPATH": path, "PYTHONHASHSEED": "7"}  # sets have another order there
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, env=environment).stdout
    assert hashlib.sha256(other).hexdigest() == hashlib.sha256(svg.encode()).hexdigest()


def test_plain_figure_becomes_an_svg_of_the_same_kind():
    with matplotlib.rc_context(canvas.STYLE):
        figure = Figure()
        figure.subplots().plot([1, 2])
    svg = svg_of(figure)
    assert canvas.INK not in svg
    assert "currentColor" in svg


@pytest.mark.filterwarnings("ignore:Data has no positive values")
@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize(
    "data", [[1, math.nan, 3], [1, math.inf, 3], [-math.inf, 1, 10], [math.nan] * 3, [math.inf] * 3, [0.0, 0.0, 0.0]]
)
def test_data_that_are_not_finite_draw_without_error(data, log):
    figure, ax = canvas.sheet(alt="alt", caption="caption")
    ax.plot(data)
    if log:
        canvas.log_axis(ax.yaxis)
    ElementTree.fromstring(svg_of(figure))


# --- words and notebook -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["alt", "caption"])
@pytest.mark.parametrize("blank", ["", " ", "\n\t"])
def test_figure_without_words_is_refused(which, blank):
    with pytest.raises(ValueError, match=rf"^{which} must say something"):
        canvas.sheet(**{"alt": "alt", "caption": "caption", which: blank})


def test_html_speaks_the_alt_text_once_and_shows_the_caption_as_text():
    rude = "5 < 6 & \"quoted\" 'too'"
    figure, _ = canvas.sheet(alt=f"alt {rude}", caption=f"caption {rude}")
    root = ElementTree.fromstring(figure._repr_html_())
    image, caption = root
    assert (root.tag, image.attrib["role"], caption.tag) == ("figure", "img", "figcaption")
    assert image.attrib["aria-label"] == f"alt {rude}"
    assert caption.text == f"caption {rude}"
    assert image[0].attrib["aria-hidden"] == "true"


def test_png_for_places_without_svg_is_on_white():
    picture = imread(io.BytesIO(draw(2)._repr_png_()), format="png")
    assert picture.shape[0] > 300
    np.testing.assert_array_equal(picture[0, 0], [1, 1, 1, 1])
    assert picture.min() < 0.2  # and there is ink on it


def test_sheet_passes_its_size_to_the_figure_and_the_rest_to_the_subplots():
    figure, axes = canvas.sheet(alt="alt", caption="caption", nrows=2, ncols=3, figsize=(7, 5))
    assert axes.shape == (2, 3)
    assert tuple(figure.get_size_inches()) == (7, 5)
    assert (figure.alt, figure.caption) == ("alt", "caption")
    plain, ax = canvas.sheet(alt="alt", caption="caption")
    assert tuple(plain.get_size_inches()) == canvas.STYLE["figure.figsize"]
    assert ax.figure is plain


def test_style_is_on_while_a_styled_function_draws_and_off_afterwards():
    before = dict(matplotlib.rcParams)
    drawn = canvas.styled(lambda: matplotlib.rcParams["lines.linewidth"])()
    canvas.sheet(alt="alt", caption="caption")
    assert drawn == canvas.STYLE["lines.linewidth"] != before["lines.linewidth"]
    assert dict(matplotlib.rcParams) == before


# --- axes -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["xaxis", "yaxis"])
def test_log_axis_labels_powers_of_ten_in_plain_text(which):
    figure, ax = canvas.sheet(alt="alt", caption="caption")
    ax.plot([1e-3, 1e4], [1e-3, 1e4])
    canvas.log_axis(getattr(ax, which))
    assert {"xaxis": ax.get_xscale(), "yaxis": ax.get_yscale()}[which] == "log"
    assert {ax.get_xscale(), ax.get_yscale()} == {"linear", "log"}
    assert "10³" in texts(svg_of(figure))
    assert "$" not in svg_of(figure)
    assert "<tspan" not in svg_of(figure)
    assert not getattr(ax, which).get_minorticklocs().size


@pytest.mark.parametrize(
    ("limits", "labels"), [((-4, 4), {"10⁻²", "1", "100"}), ((-400, 400), {"10⁻³⁰⁰", "1", "10³⁰⁰"})]
)
def test_exponents_of_ten_are_labelled_as_powers_beyond_the_range_of_float64(limits, labels):
    figure, ax = canvas.sheet(alt="alt", caption="caption")
    ax.set_ylim(*limits)
    canvas.label_powers_of_ten(ax)
    assert labels <= set(texts(svg_of(figure)))


@pytest.mark.parametrize("limits", [(-0.3, 0.5), (1.1, 2.0), (-2.3, -0.9), (-5, 5), (0, 30)])
def test_labels_of_exponents_stand_at_the_number_that_they_name(limits):
    _, ax = canvas.sheet(alt="alt", caption="caption")
    ax.set_ylim(*limits)
    canvas.label_powers_of_ten(ax)
    ticks = ax.get_yticks()
    assert ((limits[0] <= ticks) & (ticks <= limits[1])).sum() >= 2
    for exponent, label in zip(ticks, ax.yaxis.get_major_formatter().format_ticks(ticks), strict=True):
        base, power = re.fullmatch(r"([\d.,]+|10(?=[⁻⁰-⁹¹²³]))(?: × 10)?([⁻⁰-⁹¹²³]*)", label).groups()
        power = int(unicodedata.normalize("NFKC", power).replace("−", "-")) if power else None
        written = 10.0**power if base == "10" and power is not None else float(base) * 10 ** (power or 0)
        assert written == pytest.approx(10**exponent, rel=0.051)  # the labels have two digits


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("lowest", [0, 0.7])
@pytest.mark.parametrize("leftward", [False, True])
def test_labels_at_the_ends_of_lines_keep_their_order_a_line_of_text_apart_and_inside_the_axes(lowest, seed, leftward):
    _, ax = canvas.sheet(alt="alt", caption="caption")
    ax.set_ylim(0, 1)
    heights = np.random.default_rng(seed).uniform(lowest, lowest + 0.3, 4)
    canvas.label_ends(
        ax, 7, [(str(i), height, canvas.PALETTE[i]) for i, height in enumerate(heights)], leftward=leftward
    )
    drawn = sorted(ax.texts, key=lambda text: text.xy[1])
    assert [int(text.get_text()) for text in drawn] == np.argsort(heights).tolist()
    assert {text.xy[0] for text in drawn} == {7}
    assert all(text.get_color() == canvas.PALETTE[int(text.get_text())] for text in drawn)
    places = [text.xy[1] for text in drawn]
    assert np.diff(places).min() >= 0.075 - 1e-12  # the height of a line of text, as a share of the axes
    assert places[0] >= 0
    assert places[-1] <= 1 - 0.075 / 2  # above is the title


@pytest.mark.parametrize("options", [{}, {"leftward": False}, {"leftward": True}])
def test_labels_stand_on_the_side_where_the_lines_end(options):
    figure, ax = canvas.sheet(alt="alt", caption="caption")
    ax.set(xlim=(0, 2), ylim=(0, 1))
    canvas.label_ends(ax, 1, [("high", 0.9, canvas.RED), ("a long label", 0.2, canvas.BLUE)], **options)
    figure.draw_without_rendering()
    end = ax.transData.transform((1, 0))[0]
    for box in (text.get_window_extent() for text in ax.texts):
        gap = end - box.x1 if options.get("leftward") else box.x0 - end
        assert 2 < gap * 72 / figure.dpi < 6
    assert len(ax.texts) == 2


def test_labels_with_room_stand_exactly_at_the_ends_of_their_lines():
    _, ax = canvas.sheet(alt="alt", caption="caption")
    ax.set_ylim(-100, 100)
    canvas.label_ends(ax, 1, [("high", 90, canvas.RED), ("low", -80, canvas.BLUE), ("middle", 5, canvas.GREEN)])
    assert {text.get_text(): text.xy[1] for text in ax.texts} == {"low": -80, "middle": 5, "high": 90}
