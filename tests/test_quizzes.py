"""Every quiz of the built book answers the keyboard, without a kernel and without a network, and says why.

What it ought to say is read from the state that the build stored in the page.
"""

import json
import re

import pytest
from bs4 import BeautifulSoup
from playwright.sync_api import expect

NARROW = {"width": 320, "height": 640}
WIDGET = re.compile(r"application/vnd\.jupyter\.widget-(state|view)\+json")
CHAPTER = re.compile(r"chapters/\d\d_")
FEW = ("chapters/01_chain_rule.html", "chapters/08_monitor.html", "chapters/17_clinic.html")
on_few = pytest.mark.parametrize("quiz_page", FEW, indirect=True, scope="module")
"""For what does not depend on the questions: all quizzes have the same script and style."""
INVALID = "(radio) => !radio.validity.valid"
OUTLINED = "(control) => getComputedStyle(control).outlineStyle !== 'none'"
SPILLING = """(quiz) => [...quiz.querySelectorAll("*")]
    .filter((node) => node.getBoundingClientRect().right > document.documentElement.clientWidth + 0.5)
    .map((node) => node.outerHTML.slice(0, 80))"""


def parsed(path):
    return BeautifulSoup(path.read_text("utf-8"), "html.parser")


def stored_questions(document):
    """Return the questions that a page stores, of all its quizzes."""
    scripts = {"state": [], "view": []}
    for script in document.find_all("script", type=WIDGET):
        scripts[WIDGET.fullmatch(script["type"])[1]].append(json.loads(script.string))
    models = {id: model["state"] for stored in scripts["state"] for id, model in stored["state"].items()}
    shown = [models[view["model_id"]] for view in scripts["view"]]
    return [question for state in shown for question in state.get("questions", [])]


def plain(text):
    return text.replace("`", "")


@pytest.fixture(scope="module")
def document(site, quiz_page):
    """The page as it was built."""
    return parsed(site / quiz_page)


@pytest.fixture(scope="module")
def questions(document):
    """The questions of the page."""
    return stored_questions(document)


@pytest.fixture(scope="module")
def quiz(visit, origin, site, quiz_page):
    """The quiz on the page, which lost its network when it had loaded; every other page is opened from disk."""
    place = site.as_uri() if int(re.search(r"\d+", quiz_page)[0]) % 2 else origin
    with visit(f"{place}/{quiz_page}") as (page, troubles):
        page.wait_for_load_state("networkidle")  # the page's icon comes last
        page.context.set_offline(True)
        yield page.locator(".gradlab-quiz")
        assert troubles == []


@pytest.fixture
def forms(quiz):
    """The quiz's questions, on a wide screen."""
    yield quiz.locator("form").all()
    quiz.page.emulate_media(media="screen")
    quiz.page.set_viewport_size({"width": 1280, "height": 720})
    quiz.page.evaluate("document.documentElement.removeAttribute('style')")


def test_every_chapter_asks_three_to_five_questions(site, pages):
    asked = {page: len(stored_questions(parsed(site / page))) for page in pages if CHAPTER.match(page)}
    assert len(asked) == 17
    assert {page: count for page, count in asked.items() if not 3 <= count <= 5} == {}


def test_right_answer_is_not_always_in_the_same_place(site, pages):
    found = [stored_questions(parsed(site / page)) for page in pages]
    places = [question["right"] for questions in found for question in questions]
    assert max(map(places.count, places)) < 0.6 * len(places)


def test_question_is_a_group_with_a_name_and_its_options_are_radio_buttons(forms, questions):
    for form, question in zip(forms, questions, strict=True):
        group = form.get_by_role("group", name=plain(question["text"]), exact=True)
        for answer, _ in question["options"]:
            expect(group.get_by_role("radio", name=plain(answer), exact=True)).to_have_count(1)


@on_few
def test_check_asks_for_a_choice_first(forms):
    form = forms[0]
    form.get_by_role("button", name="Check").press("Enter")
    expect(form.get_by_role("status")).to_be_empty()
    assert form.get_by_role("radio").first.evaluate(INVALID)


def test_keyboard_reaches_every_option_and_each_is_judged_and_explained(forms, questions):
    for form, question in zip(forms, questions, strict=True):
        radios, status = form.get_by_role("radio"), form.get_by_role("status")
        radios.first.press(" ")
        heard = []
        for k, (_, why) in enumerate(question["options"]):
            if k:
                radios.nth(k - 1).press("ArrowDown")
                expect(status).to_be_empty()  # what was said is not about this one
            expect(radios.nth(k)).to_be_checked()
            expect(radios.nth(k)).to_be_focused()
            radios.nth(k).press("Enter")
            expect(status).to_have_text(f"{'Right.' if k == question['right'] else 'Not so.'} {plain(why)}")
            heard.append(status.inner_text())
        assert sum(text.startswith("Right.") for text in heard) == 1
        assert len({*heard}) == len(heard)


@on_few
def test_button_judges_as_well(forms, questions):
    for form, question in zip(forms, questions, strict=True):
        form.locator("label").nth(question["right"]).click()
        form.get_by_role("button", name="Check").click()
        expect(form.get_by_role("status")).to_contain_text("Right.")


@on_few
def test_keyboard_shows_where_it_is(forms):
    form = forms[-1]
    form.get_by_role("radio").first.press(" ")
    assert form.get_by_role("radio").first.evaluate(OUTLINED)
    form.page.keyboard.press("Tab")
    expect(form.get_by_role("button")).to_be_focused()
    assert form.get_by_role("button").evaluate(OUTLINED)


@on_few
def test_no_control_leaves_its_keys_to_jupyterlab(quiz):
    controls = quiz.locator("input, button")
    assert controls.count() == quiz.locator("[data-lm-suppress-shortcuts]").count() > 0


@on_few
def test_controls_are_large_enough_for_a_finger(quiz, forms):
    quiz.page.set_viewport_size(NARROW)
    for control in [*quiz.get_by_role("radio").all(), *quiz.get_by_role("button").all()]:
        box = control.bounding_box()
        assert min(box["width"], box["height"]) >= 24  # CSS pixels: WCAG 2.5.8


def test_quiz_fits_a_narrow_screen(quiz, forms):
    quiz.page.set_viewport_size(NARROW)
    for text_size in ("100%", "200%"):
        quiz.page.evaluate("(size) => { document.documentElement.style.fontSize = size; }", text_size)
        assert quiz.evaluate(SPILLING) == [], text_size


@on_few
def test_print_has_the_questions_and_no_buttons(quiz, forms):
    quiz.page.emulate_media(media="print")
    for form in forms:
        expect(form.locator("legend")).to_be_visible()
        expect(form.get_by_role("radio").first).to_be_visible()
        expect(form.locator("button")).to_be_hidden()


def test_questions_stand_in_the_page_itself_with_their_answers(document, questions):
    for item, question in zip(document.select("ol.gradlab-still > li"), questions, strict=True):
        assert item.p.get_text() == plain(question["text"])
        assert [reason.get_text() for reason in item.select("details li")] == reasons(question)


def reasons(question):
    """Return what is said of each option where no script runs."""
    verdicts = ["right" if k == question["right"] else "not so" for k in range(len(question["options"]))]
    return [
        f"{plain(answer)}: {verdict}. {plain(why)}"
        for (answer, why), verdict in zip(question["options"], verdicts, strict=True)
    ]


@on_few
def test_without_javascript_answers_are_folded(visit, origin, quiz_page, questions):
    with visit(f"{origin}/{quiz_page}", javascript=False) as (page, _):
        assert page.get_by_role("radio").count() == 0
        for item, question in zip(page.locator("ol.gradlab-still > li").all(), questions, strict=True):
            expect(item.get_by_text(plain(question["text"]), exact=True)).to_be_visible()
            expect(item.locator("details li").first).to_be_hidden()
            item.locator("summary").press("Enter")
            for said, text in zip(item.locator("details li").all(), reasons(question), strict=True):
                expect(said).to_be_visible()
                expect(said).to_have_text(text)
