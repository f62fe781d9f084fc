"""Every explorable figure of the built book answers keys, mouse, touch, links, and readers who ask for less.

What a figure ought to show is read from the state that the build stored in the page.
"""

import re
from itertools import combinations
from urllib.parse import parse_qsl, quote

import numpy as np
import pytest
from bs4 import BeautifulSoup
from playwright.sync_api import expect

from explorable import Explorable, explorables, stored_figures

SCREEN, PHONE = {"width": 1280, "height": 720}, {"width": 360, "height": 740}
FEW = ("01_chain_rule", "07_symptoms", "12_batch_normalization", "17_clinic")
on_few = pytest.mark.parametrize("explorable_page", [f"chapters/{n}.html" for n in FEW], indirect=True, scope="module")
"""For what does not depend on the figure: all have the same script and style. Keys move every slider of every page."""
LONG = 60_000  # milliseconds; far more than any figure plays
WITHOUT_OUTLINE = """(control) => {
    const style = getComputedStyle(control);
    return style.outlineStyle === "none" || parseFloat(style.outlineWidth) === 0;
}"""


@pytest.fixture(scope="module")
def stored(site, explorable_page):
    """The stored state of each figure of the page."""
    return stored_figures((site / explorable_page).read_text("utf-8"))


@pytest.fixture(scope="module")
def opened_page(visit, origin, explorable_page):
    """The page, opened once for all tests; its clock stands still until a test puts it forward."""
    with visit(f"{origin}/{explorable_page}", clock=True, has_touch=True, viewport=SCREEN) as (page, _):
        page.clock.pause_at(page.evaluate("Date.now()") + 1000)
        yield page


@pytest.fixture
def page(opened_page):
    """The page as at the beginning, but for the positions of its sliders."""
    yield opened_page
    opened_page.emulate_media(media="screen", reduced_motion="no-preference")
    opened_page.set_viewport_size(SCREEN)
    opened_page.evaluate("document.documentElement.removeAttribute('style')")


@pytest.fixture
def figures(page, stored):
    """Each explorable figure of the page."""
    return explorables(page, stored)


def test_pages_with_figures_are_all_tested(site, pages, explorable_pages):
    assert [page for page in pages if stored_figures((site / page).read_text("utf-8"))] == explorable_pages


def test_keys_move_every_slider(figures):
    for figure in figures:
        for k, end in enumerate(figure.ends):
            figure.sliders[k].press("Home")
            before = figure.has(k, 0)
            for key, position in (("ArrowRight", 1), ("ArrowLeft", 0), ("End", end), ("ArrowLeft", end - 1)):
                figure.sliders[k].press(key)
                after = figure.has(k, position)
                assert after.picture != before.picture, f"{figure.name}: {key} changes the picture"
                assert after.label != before.label, f"{figure.name}: {key} changes the words"
                before = after


@on_few
def test_mouse_drags_every_slider(figures):
    for figure in figures:
        for k, slider in enumerate(figure.sliders):
            slider.scroll_into_view_if_needed()
            mouse, (left, top, width, height) = figure.page.mouse, slider.bounding_box().values()
            mouse.move(left + 0.02 * width, top + height / 2)
            mouse.down()
            before = figure.has(k, 0)
            mouse.move(left + 0.98 * width, top + height / 2, steps=4)
            after = figure.has(k, figure.ends[k])  # while the button is still held
            mouse.up()
            assert after.picture != before.picture


@on_few
def test_finger_moves_every_slider(figures):
    for figure in figures:
        for k, slider in enumerate(figure.sliders):
            slider.press("Home")
            before, box = figure.has(k, 0), slider.bounding_box()
            figure.page.touchscreen.tap(box["x"] + 0.98 * box["width"], box["y"] + box["height"] / 2)
            assert figure.has(k, figure.ends[k]).picture != before.picture


@on_few
def test_play_runs_to_the_end_and_stops(figures):
    for figure in figures:
        slider, last = figure.sliders[0], figure.ends[0]
        slider.press("End")
        figure.button.click()
        figure.has(0, 0)  # from the end it begins anew
        slider.press("End")
        for _ in range(4):
            slider.press("ArrowLeft")
        positions = figure.index[:1]
        figure.button.click()
        while figure.button.inner_text() == "Pause" and len(positions) < LONG / 40:
            positions += figure.index[:1]
            figure.page.clock.run_for(40)  # milliseconds; less than between two steps
        assert sorted({*positions}) == list(range(positions[0], last))
        assert figure.button.inner_text() == "Play"
        figure.page.clock.run_for(LONG)
        figure.has(0, last)


@on_few
def test_pause_and_slider_stop_the_play(figures):
    for figure in figures:
        slider, button = figure.sliders[0], figure.button
        for stop in (button.click, lambda slider=slider: slider.press("ArrowRight")):
            slider.press("Home")
            button.click()
            assert button.inner_text() == "Pause"
            stop()
            assert button.inner_text() == "Play"
            stopped = figure.index
            figure.page.clock.run_for(LONG)
            figure.show(stopped)


@on_few
def test_reader_who_asked_for_less_motion_takes_one_step_at_a_press(page, figures):
    page.emulate_media(reduced_motion="reduce")
    for figure in figures:
        figure.sliders[0].press("Home")
        for position in (1, 2, 3)[: figure.ends[0]]:
            assert figure.button.inner_text() == "Step"
            figure.button.click()
            page.clock.run_for(LONG)
            figure.has(0, position)


def test_links_in_the_prose_set_their_figure(page, figures):
    page.emulate_media(reduced_motion="reduce")  # scrolls at once
    page.set_viewport_size(SCREEN | {"height": 240})  # from its beginning, no figure can be seen
    named = {figure.name: figure for figure in figures}
    assert len(named) == len(figures), "two figures of a page must not share a name"
    for link in page.locator("a[href^='#'][href*='?']").all():
        name, query = link.get_attribute("href").removeprefix("#").split("?")
        figure = named[name]
        index = positions(figure, dict(parse_qsl(query, strict_parsing=True)))
        figure.sliders[0].press("Home" if index[0] else "End")
        page.evaluate("scrollTo(0, 0)")
        expect(figure.stage).not_to_be_in_viewport()
        status, said = figure.locator.get_by_role("status"), None
        for _ in ("asked", "asked again"):
            link.evaluate("(link) => link.click()")
            assert status.inner_text().strip() == figure.show(index).label
            assert status.inner_text() != said, "only what changes is announced"
            said = status.inner_text()
        expect(figure.stage).to_be_in_viewport()


def positions(figure, wanted):
    """Return the positions at which the figure's values are exactly the wanted ones; others stay as they are."""
    assert wanted.keys() <= {param["name"] for param in figure.params}
    index = figure.index
    for k, param in enumerate(figure.params):
        if param["name"] in wanted:
            (index[k],) = (i for i, text in enumerate(param["text"]) if plain(text) == plain(wanted[param["name"]]))
    return index


def plain(text):
    return float(text) if re.fullmatch(r"[-+.\de]+", text) else text


def addresses(place, explorable_page, stored):
    """Return an address of the page for each value of the first slider of its last figure."""
    name, (param, *_) = stored[-1]["name"], stored[-1]["params"]
    return [f"{place}/{explorable_page}#{name}?{param['name']}={quote(text)}" for text in param["text"]]


@on_few
def test_address_of_the_page_sets_a_figure(visit, origin, explorable_page, stored):
    first, second, *_ = addresses(origin, explorable_page, stored)
    with visit(second) as (page, troubles):
        figure = explorables(page, stored)[-1]
        figure.has(0, 1)
        expect(figure.stage).to_be_in_viewport()
        figure.sliders[0].press("End")
        figure.has(0, figure.ends[0])
        page.goto(first)  # does not load the page again
        expect(figure.sliders[0]).to_have_value("0")
        assert troubles == []


def test_page_opened_as_a_file_obeys_its_address_but_not_one_that_means_nothing(visit, site, explorable_page, stored):
    with visit(f"{site.as_uri()}/{explorable_page}#100%") as (page, troubles):
        figures = explorables(page, stored)
        for figure, state in zip(figures, stored, strict=True):
            figure.show(state["index"])
        page.goto(addresses(site.as_uri(), explorable_page, stored)[1])
        expect(figures[-1].sliders[0]).to_have_value("1")
        figures[-1].sliders[0].press("End")
        figures[-1].has(0, figures[-1].ends[0])
        assert troubles == []


def test_picture_stands_in_the_page_itself(site, explorable_page, stored):
    document = BeautifulSoup((site / explorable_page).read_text("utf-8"), "html.parser")
    for still, state in zip(document.select("figure.gradlab-still"), stored, strict=True):
        shape = [len(param["text"]) for param in state["params"]]
        frame = state["frames"][np.ravel_multi_index(state["index"], shape)]
        assert still.select_one("[role=img]")["aria-label"] == frame["alt"]
        assert still.select_one("[role=img] svg") is not None
        assert still.figcaption.get_text() == state["caption"]


@on_few
def test_without_javascript_a_picture_stands_there(visit, origin, explorable_page, stored):
    with visit(f"{origin}/{explorable_page}", javascript=False) as (page, _):
        for still, state in zip(page.locator("figure.gradlab-still").all(), stored, strict=True):
            words = Explorable(page, still, state).frames[*state["index"]]["alt"]
            expect(still.get_by_role("img", name=words, exact=True).locator("svg").first).to_be_visible()
            expect(still.get_by_text(state["caption"], exact=True)).to_be_visible()
        assert page.get_by_role("slider").count() == 0


@on_few
def test_nothing_jumps_when_the_sliders_arrive(visit, origin, explorable_page, page, figures):
    for size in (SCREEN, PHONE):
        page.set_viewport_size(size)
        with visit(f"{origin}/{explorable_page}", javascript=False, viewport=size) as (bare, _):
            stills = [still.bounding_box() for still in bare.locator("figure.gradlab-still").all()]
            stages = [stage.bounding_box() for stage in bare.locator("figure.gradlab-still svg.gradlab-svg").all()]
        boxes = [figure.locator.bounding_box() for figure in figures]
        assert [box["height"] for box in boxes] == pytest.approx([box["height"] for box in stills], abs=0.5)
        pictures = [figure.stage.bounding_box()["height"] for figure in figures]
        assert [stage["height"] for stage in stages] == pytest.approx(pictures, abs=0.5)


def test_slider_and_value_share_a_line_and_on_a_phone_the_slider_has_its_own(page, figures):
    def boxes():
        for figure in figures:
            for slider, output in zip(figure.sliders, figure.locator.locator("output").all(), strict=True):
                yield slider.bounding_box(), output.bounding_box(), figure.locator.bounding_box()["width"]

    for slider, value, _ in boxes():
        assert value["y"] + value["height"] / 2 == pytest.approx(slider["y"] + slider["height"] / 2, abs=2)
        assert value["x"] > slider["x"] + slider["width"]
    page.set_viewport_size(PHONE)
    for slider, value, width in boxes():
        assert value["y"] + value["height"] <= slider["y"] + 2
        assert slider["width"] > 0.6 * width


@on_few
def test_print_has_the_picture_and_no_controls(page, figures):
    page.emulate_media(media="print")
    for figure in figures:
        expect(figure.stage.locator("svg").first).to_be_visible()
        for control in (*figure.sliders, figure.button):
            expect(control).to_be_hidden()


def test_keyboard_reaches_every_control_and_shows_where_it_is(page, figures):
    for figure in figures:
        figure.sliders[0].focus()
        page.keyboard.press("Shift+Tab")
        for control in (*figure.sliders, figure.button):
            assert control.evaluate(WITHOUT_OUTLINE)
            page.keyboard.press("Tab")
            expect(control).to_be_focused()
            assert not control.evaluate(WITHOUT_OUTLINE)


def test_controls_fit_a_phone_and_a_finger(page, figures):
    page.set_viewport_size(PHONE)
    for text_size in ("100%", "200%"):
        page.evaluate("(size) => { document.documentElement.style.fontSize = size; }", text_size)
        for figure in figures:
            targets = [control.bounding_box() for control in (*figure.sliders, figure.button)]
            assert min(box[side] for box in targets for side in ("width", "height")) >= 24  # CSS pixels: WCAG 2.5.8
            boxes = targets + [output.bounding_box() for output in figure.locator.locator("output").all()]
            assert min(box["x"] for box in boxes) >= 0
            assert max(box["x"] + box["width"] for box in boxes) <= PHONE["width"]
            assert not any(overlap(one, other) for one, other in combinations(boxes, 2))


def overlap(one, other):
    sides = (("x", "width"), ("y", "height"))
    return all(one[a] < other[a] + other[size] and other[a] < one[a] + one[size] for a, size in sides)
