"""Sphinx extension: end a chapter's opening box (class ``chapter-box``) with the minutes to read and seconds to run.

Both are measured when the book is built: words at 200 a minute plus half a minute for each visible cell, and the time
that executing the chapter took.
"""

from __future__ import annotations

import math
from typing import Any

from docutils import nodes
from myst_nb.sphinx_ import NbMetadataCollector
from sphinx.application import Sphinx

WORDS_PER_MINUTE = 200
MINUTES_PER_CELL = 0.5


def add_times(app: Sphinx, doctree: nodes.document) -> None:
    """Append the sentence to every chapter box of a page that was executed."""
    executed = NbMetadataCollector.get_exec_data(app.env, app.env.docname)
    boxes = [node for node in doctree.findall(nodes.admonition) if "chapter-box" in node["classes"]]
    if not boxes or not executed or executed["runtime"] is None:
        return
    words = sum(len(node.astext().split()) for node in doctree.findall(nodes.paragraph))
    cells = sum("cell_input" in node["classes"] for node in doctree.findall(nodes.container))
    minutes = math.ceil(words / WORDS_PER_MINUTE + cells * MINUTES_PER_CELL)
    text = f"{minutes} minutes to read, {math.ceil(executed['runtime'])} seconds to run."
    for box in boxes:
        box += nodes.paragraph("", "", nodes.emphasis("", text))


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.connect("doctree-read", add_times)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
