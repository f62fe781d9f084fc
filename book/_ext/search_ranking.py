"""Sphinx extension: the search shows the pages first that say most about the words sought.

Sphinx knows whether a page has a word, not how often. The number of times is counted here, and the search page loads
the counts.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment
from sphinx.search.en import SearchEnglish

AT_LEAST = 2
"""Words that a page has only once are found all the same; their number would not put it before another."""
PER = 1000
"""Words of a page from which on length counts against it, by its root: pages that are long do not come first for their
length alone, nor short ones for a single paragraph."""
SCORER = Path(__file__).parents[1] / "_static" / "search_scorer.js"


def configure(app: Sphinx, config: Config) -> None:
    """Name the script that ranks."""
    config.html_search_scorer = str(SCORER)


def count_words(app: Sphinx, doctree: nodes.document) -> None:
    """Count the words of a page, by the stems that the search compares."""
    language = SearchEnglish({})
    words = re.findall(r"\w+", doctree.astext().lower())
    counts = Counter(language.stem(word) for word in words if not word.isdigit())
    share = (PER / max(len(words), PER)) ** 0.5
    _counts(app.env)[app.env.docname] = {stem: round(n * share, 1) for stem, n in counts.items() if n >= AT_LEAST}


def forget(app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    """Drop the counts of a page that is read again, or is no more."""
    _counts(env).pop(docname, None)


def load_counts(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Have the search page, and no other, load the counts."""
    if pagename == "search":
        app.add_js_file("search_counts.js")


def write_counts(app: Sphinx, exception: Exception | None) -> None:
    """Write the counts as a script, which a page opened from disk can load as well."""
    if exception is None and app.builder.format == "html":
        text = json.dumps(_counts(app.env), ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        (Path(app.outdir) / "_static" / "search_counts.js").write_text(f"const WORD_COUNTS = {text};\n", "utf-8")


def _counts(env: BuildEnvironment) -> dict[str, dict[str, int]]:
    if not hasattr(env, "word_counts"):
        env.word_counts = {}  # kept with the environment from build to build
    return env.word_counts


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.connect("config-inited", configure)
    app.connect("env-purge-doc", forget)
    app.connect("doctree-read", count_words)
    app.connect("html-page-context", load_counts)
    app.connect("build-finished", write_counts)
    return {"version": "1", "parallel_read_safe": False, "parallel_write_safe": True}
