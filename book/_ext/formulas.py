"""Sphinx extension: formulas are typeset when the book is built, as MathML.

Browsers draw MathML and screen readers speak it, both without a script: nothing has to load, and nothing jumps when it
has. Pandoc translates the TeX; STIX Two Math, cut down to the characters in use, is the font.
"""

from __future__ import annotations

import html
import json
import re
from importlib import resources
from pathlib import Path
from typing import Any

import pypandoc
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.util import logging

from cut_fonts import cut

logger = logging.getLogger(__name__)

FORMULA = re.compile(r"<math .*?</math>", re.DOTALL)
SOURCE = re.compile(r"<annotation .*?</annotation>", re.DOTALL)
TAG = re.compile(r"<[^>]*>")
NAMED_FUNCTION = re.compile(
    r"(?<!<msub>)(?<!<msup>)(?<!<munder>)"  # there it is one of two or three parts, and a space would be one too many
    r"(<mrow><mi[^>]*>\w\w+</mi><mo>&#8289;</mo></mrow>)"
    r"(?!<mo[^>]*>[(\[{]|</)"
)
"""A function such as ln before something other than a bracket: there TeX leaves a thin space, which Pandoc forgets."""
THIN_SPACE = r'\1<mspace width="0.167em"></mspace>'

ITALIC = {0x210E, *range(0x1D434, 0x1D468), *range(0x1D6E2, 0x1D71C)}
"""What browsers draw for a variable, which the page writes as an ordinary letter."""
FONT = "stix-two-math.woff2"
STYLE = f"""/* STIX Two Math, cut down. Copyright the STIX Fonts Project Authors; SIL Open Font License 1.1. */
@font-face {{ font-family: "STIX Two Math"; src: url("{FONT}") format("woff2"); font-display: block; }}
math {{ font-family: "STIX Two Math", math; font-size: 1.1em; }}
"""


def configure(app: Sphinx, config: Config) -> None:
    """Take over from MathJax, which Jupyter Book sets up."""
    config.html_math_renderer = "mathml"


def typeset(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Give every formula of a page its MathML."""
    formulas = [*doctree.findall(nodes.math), *doctree.findall(nodes.math_block)]
    for node, markup in zip(formulas, mathml(formulas), strict=True):
        if not markup:
            logger.warning("pandoc cannot typeset this formula: %s", node.astext(), location=node)
        node["mathml"] = markup


def mathml(formulas: list[nodes.Element]) -> list[str]:
    """Return the MathML of each formula, empty where there is none, from one call of Pandoc."""
    if not formulas:
        return []
    version = json.loads(pypandoc.convert_text("", "json", format="markdown"))["pandoc-api-version"]
    blocks = [
        {"t": "Para", "c": [{"t": "Math", "c": [{"t": kind}, " ".join(node.astext().split())]}]}
        for node in formulas
        for kind in ["DisplayMath" if isinstance(node, nodes.math_block) else "InlineMath"]
    ]
    document = json.dumps({"pandoc-api-version": version, "meta": {}, "blocks": blocks})
    page = pypandoc.convert_text(document, "html", format="json", extra_args=["--mathml", "--wrap=none"])
    found = (FORMULA.search(line) for line in page.splitlines())
    return [NAMED_FUNCTION.sub(THIN_SPACE, match[0]) if match else "" for match in found]


def write_inline(writer: Any, node: nodes.math) -> None:
    """Write a formula within a sentence, or in a title that stands in a list of contents."""
    writer.body.append(node["mathml"] if "mathml" in node else mathml([node])[0])
    raise nodes.SkipNode


def write_block(writer: Any, node: nodes.math_block) -> None:
    """Write a formula on a line of its own; the reader scrolls it where it is wider than the page."""
    writer.body.append(f'<div class="math">{node["mathml"]}</div>\n')
    raise nodes.SkipNode


def cut_font(app: Sphinx, exception: Exception | None) -> None:
    """Write the font with the characters in use, and the style sheet that names it."""
    if exception is not None or app.builder.format != "html":
        return
    site = Path(app.outdir)
    characters = characters_in_use(site) | ITALIC
    with resources.as_file(resources.files("ziamath").joinpath("fonts/STIXTwoMath-Regular.ttf")) as source:
        cut(app, source, site / "_static" / FONT, characters, layout_features=["ssty"])
    (site / "_static" / "formulas.css").write_text(STYLE, encoding="utf-8")


def characters_in_use(site: Path) -> set[int]:
    """Return the code points of all characters that stand in a formula of the site."""
    pages = (path.read_text(encoding="utf-8") for path in site.rglob("*.html"))
    formulas = (formula for page in pages for formula in FORMULA.findall(page))
    return {ord(letter) for formula in formulas for letter in html.unescape(TAG.sub("", SOURCE.sub("", formula)))}


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.connect("config-inited", configure, priority=900)
    app.add_html_math_renderer("mathml", inline_renderers=(write_inline, None), block_renderers=(write_block, None))
    app.connect("doctree-resolved", typeset)
    app.connect("build-finished", cut_font)
    app.add_css_file("formulas.css", priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
