"""Sphinx extension: every page of the book ends by saying how to cite it."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

import yaml
from sphinx.application import Sphinx

BOX = """<details class="page-citation"><summary>Cite this page</summary>
<pre tabindex="0" aria-label="BibTeX entry">{entry}</pre></details>"""
ENTRY = """@incollection{{{key},
  title     = {{{title}}},
  author    = {{{{{author}}}}},
  booktitle = {{{book}}},
  year      = {{{year}}},
  url       = {{{url}}}
}}"""


def add_citation(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Append a BibTeX entry to the page; who wrote the book is said in ``CITATION.cff``."""
    if doctree is None:
        return
    about = yaml.safe_load((Path(app.srcdir) / "CITATION.cff").read_text("utf-8"))
    authors = (author.get("name") or f"{author['given-names']} {author['family-names']}" for author in about["authors"])
    entry = ENTRY.format(
        key=re.sub(r"\W", "", about["title"]).lower() + ":" + Path(pagename).name,
        title=html.unescape(re.sub(r"<annotation.*?</annotation>|<[^>]+>", "", context["title"])),
        author=" and ".join(authors),
        book=about["title"],
        year=app.config.copyright,
        url=app.config.html_baseurl + app.builder.get_target_uri(pagename),
    )
    context["body"] += BOX.format(entry=html.escape(entry))


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.connect("html-page-context", add_citation)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
