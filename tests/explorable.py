"""Reads explorable figures off a page: what they show, and what the build stored that they ought to."""

import json
import re
from itertools import product
from types import SimpleNamespace

from bs4 import BeautifulSoup

WIDGET = re.compile(r"application/vnd\.jupyter\.widget-(state|view)\+json")

SHOWN = """(figure, expected) => {
    const [stage, inputs] = [figure.querySelector("[role=img]"), [...figure.querySelectorAll("input")]];
    const parsed = Object.assign(document.createElement("div"), { innerHTML: expected });
    return {
        index: inputs.map((input) => Number(input.value)),
        texts: [...figure.querySelectorAll("output")].map((output) => output.value),
        value_texts: inputs.map((input) => input.getAttribute("aria-valuetext")),
        label: stage.getAttribute("aria-label"),
        picture: stage.innerHTML,
        as_stored: stage.innerHTML === parsed.innerHTML,
    };
}"""


class Explorable:
    """A figure on an open page, and the state that the build stored for it."""

    def __init__(self, page, locator, stored):
        self.page, self.locator = page, locator
        self.name, self.params = stored["name"], stored["params"]
        self.ends = [len(param["text"]) - 1 for param in self.params]
        self.frames = dict(zip(product(*(range(end + 1) for end in self.ends)), stored["frames"], strict=True))
        self.stage = locator.locator("[role=img]")
        self.sliders = [locator.get_by_role("slider", name=param["label"], exact=True) for param in self.params]
        self.button = locator.locator("button")

    @property
    def index(self):
        """Position of each slider."""
        return [int(slider.input_value()) for slider in self.sliders]

    def show(self, index):
        """Check that the figure shows the picture stored for these positions, and says so; return what it shows."""
        frame, texts = self.frames[*index], [param["text"][i] for param, i in zip(self.params, index, strict=True)]
        shown = SimpleNamespace(**self.locator.evaluate(SHOWN, frame["svg"]))
        assert (shown.index, shown.texts, shown.label) == (index, texts, frame["alt"])
        assert shown.value_texts == [f"{text}. {frame['alt']}" for text in texts]
        assert shown.as_stored
        return shown

    def has(self, k, position):
        """Check that slider `k` stands at a position, and that the figure shows what it ought to; return that."""
        index = self.index
        return self.show([*index[:k], position, *index[k + 1 :]])


def stored_figures(markup):
    """Return the state of each explorable figure in a page, in the page's order."""
    scripts = {"state": [], "view": []}
    for script in BeautifulSoup(markup, "html.parser").find_all("script", type=WIDGET):
        scripts[WIDGET.fullmatch(script["type"])[1]].append(json.loads(script.string))
    models = {id: model["state"] for stored in scripts["state"] for id, model in stored["state"].items()}
    return [models[view["model_id"]] for view in scripts["view"] if "frames" in models[view["model_id"]]]


def explorables(page, stored):
    return [Explorable(page, *pair) for pair in zip(page.locator(".gradlab-explore").all(), stored, strict=True)]
