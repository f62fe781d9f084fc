"""Sphinx extension: every script, font and style that a page loads comes from the site itself, and no more than needed.

* ``explorables.js`` brings explorable figures and quizzes to life from the state that the build stored in the page;
  until it has run, and without JavaScript, the figure's first picture stands there, or the questions with their
  answers folded.
* What a page would load without need is left out: Thebe, and scripts named twice.
"""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sphinx.application import Sphinx
from sphinx.config import Config

STATIC = Path(__file__).parents[1] / "_static"
FRONT_DOOR = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title><link rel="icon" href="data:,">
<meta http-equiv="refresh" content="0; url={first}"></head><body><p><a href="{first}">{title}</a></p></body></html>
"""
NOT_FOUND = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Not found: {title}</title><style>:root {{ color-scheme: light dark; font: 1.1em/1.6 sans-serif }}
body {{ max-width: 40em; margin: 2em auto; padding: 0 1em }} a {{ color: LinkText }}</style></head>
<body><main><h1>This page has exploded</h1>
<p>There is nothing at this address. These pages exist:</p><ul>{pages}</ul></main></body></html>
"""
STATE = "application/vnd.jupyter.widget-state+json"
VIEW = re.compile(r'<script type="application/vnd\.jupyter\.widget-view\+json">(.*?)</script>', re.DOTALL)


def configure(app: Sphinx, config: Config) -> None:
    """Add our static files.

    Not in ``_config.yml``: Jupyter Book would put every script and style sheet below a folder named there on every
    page.
    """
    config.html_static_path = [*config.html_static_path, str(STATIC)]
    config.nb_ipywidgets_js = {"explorables.js": {}}


def trim_page(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Leave out what the page does not need, put what stands still in each widget's place, mend a role."""
    seen, kept = set(), []
    for script in context["script_files"]:
        name, body = str(getattr(script, "filename", script) or ""), getattr(script, "attributes", {}).get("body") or ""
        needless = "THEBE_JS_URL" in body or "thebe" in name
        if (name, body) in seen or needless:
            continue
        seen.add((name, body))
        kept.append(script)
        if getattr(script, "attributes", {}).get("type") == STATE:
            models = json.loads(body)["state"]
            context["body"] = VIEW.sub(lambda view, models=models: _still(view, models), context["body"])
    context["script_files"] = kept
    if ".ipynb" not in context.get("sourcename", ""):  # Binder would open a text notebook as text, Colab not at all
        buttons = context.get("header_buttons", [])
        context["header_buttons"] = [button for button in buttons if button.get("label") != "launch-buttons"]
    if "body" in context:  # docutils still writes a role that ARIA has withdrawn, and that a list may not hold
        context["body"] = context["body"].replace('role="doc-biblioentry"', 'role="listitem"')


def _still(view: re.Match, models: dict[str, Any]) -> str:
    """Return the stored view with something still before it, for `explorables.js` to replace."""
    state = models.get(json.loads(view[1])["model_id"], {}).get("state", {})
    if "frames" in state:
        return _first_picture(state) + view[0]
    return _folded_answers(state) + view[0] if "questions" in state else view[0]


def _first_picture(state: dict[str, Any]) -> str:
    """Return the picture that an explorable figure shows first, with its caption."""
    flat = 0
    for param, index in zip(state["params"], state["index"], strict=True):
        flat = flat * len(param["text"]) + index
    frame = state["frames"][flat]
    return (
        f'<figure class="gradlab-figure gradlab-still" style="--sliders: {len(state["params"])}">'
        f'<div role="img" aria-label="{html.escape(frame["alt"])}">'
        f"{frame['svg']}</div><figcaption>{html.escape(state['caption'])}</figcaption></figure>"
    )


def _folded_answers(state: dict[str, Any]) -> str:
    """Return a quiz's questions and options, with what is to be said of each option folded away."""
    asked = []
    for question in state["questions"]:
        options = "".join(f"<li>{_marked_up(answer)}</li>" for answer, _ in question["options"])
        reasons = "".join(
            f"<li><strong>{_marked_up(answer)}: {'right' if k == question['right'] else 'not so'}.</strong> "
            f"{_marked_up(why)}</li>"
            for k, (answer, why) in enumerate(question["options"])
        )
        asked.append(
            f"<li><p>{_marked_up(question['text'])}</p><ul>{options}</ul>"
            f"<details><summary>Answers</summary><ul>{reasons}</ul></details></li>"
        )
    return f'<ol class="gradlab-still">{"".join(asked)}</ol>'


def _marked_up(text: str) -> str:
    """Return a quiz's text as HTML; words between backticks are code."""
    return re.sub("`([^`]*)`", r"<code>\1</code>", html.escape(text))


def write_doors(app: Sphinx, exception: Exception | None) -> None:
    """Write the site's front door, and the page for addresses that lead nowhere."""
    if exception is not None or app.builder.format != "html":
        return
    title, site = html.escape(app.config.html_title), Path(app.outdir)
    front = FRONT_DOOR.format(first=app.builder.get_target_uri(app.config.root_doc), title=title)
    (site / "index.html").write_text(front, encoding="utf-8")
    root = urlsplit(app.config.html_baseurl).path  # it is shown at any depth, so its links have to begin at the top
    pages = (
        f'<li><a href="{root}{app.builder.get_target_uri(name)}">{html.escape(app.env.titles[name].astext())}</a></li>'
        for name in [app.config.root_doc, *app.env.toctree_includes.get(app.config.root_doc, [])]
    )
    (site / "404.html").write_text(NOT_FOUND.format(title=title, pages="\n".join(pages)), encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.connect("config-inited", configure, priority=900)
    app.connect("html-page-context", trim_page, priority=900)
    app.connect("build-finished", write_doors)
    app.add_css_file("book.css", priority=900)
    app.add_js_file("accessible.js", priority=900, loading_method="defer")
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
