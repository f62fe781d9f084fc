"""Sphinx extension: the directive ``claim-ledger``, a table of every claim check that the book's pages ran.

Above it stands how many claims got which verdict; ``ledger.js`` lets readers sort the rows. The role ``claim`` links to
one check: ``{claim}`chapter 10 <clip-cures>```.

The records are read from the cards in the executed pages, so the table cannot say anything that no page has measured. A
registered claim without a check, or with two, is a warning, which the book's build treats as an error.
"""

from __future__ import annotations

import html
import json
import re
from collections import Counter
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.docutils import ReferenceRole, SphinxDirective

from gradlab.claims import VERDICTS, Claim, ClaimCheck, registry

logger = logging.getLogger(__name__)

RECORD = re.compile(r'<div class="claim-check"[^>]* data-record="([^"]*)"')
HEADINGS = ("The claim, as it goes around", "Verdict", "What was measured", "Evidence")


class Ledger(nodes.General, nodes.Element):
    """Where the table goes once every page has been read."""


class ClaimLedger(SphinxDirective):
    """Leave a `Ledger` in the page."""

    def run(self) -> list[nodes.Node]:
        """Return the placeholder."""
        self.env.metadata[self.env.docname]["claim_ledger"] = True
        return [Ledger()]


class ClaimLink(nodes.Inline, nodes.TextElement):
    """Where a link to a claim check goes once the titles of all pages are known."""


class ClaimRole(ReferenceRole):
    """Leave a `ClaimLink` in the text."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Return the placeholder, or only the words if there is no such claim."""
        if self.target not in registry():
            logger.warning("there is no claim %r", self.target, location=self.get_location())
            return [nodes.Text(self.title)], []
        return [ClaimLink("", self.title, claim=self.target)], []


def collect(app: Sphinx, doctree: nodes.document) -> None:
    """Remember the records in the outputs of the page that was just read."""
    pages = (node.astext() for node in doctree.findall(nodes.raw) if node["format"] == "html")
    records = [json.loads(html.unescape(found)) for text in pages for found in RECORD.findall(text)]
    _records(app.env)[app.env.docname] = records


def forget(app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    """Drop the records of a page that is read again or gone."""
    _records(env).pop(docname, None)


def merge(app: Sphinx, env: BuildEnvironment, docnames: set[str], other: BuildEnvironment) -> None:
    """Take over what a parallel reader collected."""
    _records(env).update({name: records for name, records in _records(other).items() if name in docnames})


def examine(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Warn of claims that are not checked exactly once where the registry says; return the pages to write again."""
    for claim in registry().values():
        pages = [page for page, records in _records(env).items() for record in records if record["id"] == claim.id]
        if pages != [claim.page]:
            logger.warning("claim %r must have one check, in %s; it has: %s", claim.id, claim.page, pages or "none")
    return [name for name, metadata in env.metadata.items() if "claim_ledger" in metadata]


def fill(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Put the table and the links in the places of their placeholders."""
    checks = [ClaimCheck.from_record(record) for records in _records(app.env).values() for record in records]
    order = list(registry())
    checks.sort(key=lambda check: order.index(check.claim.id))
    for placeholder in list(doctree.findall(Ledger)):
        placeholder.replace_self([_summary(checks), _table(app, docname, checks)])
    for placeholder in list(doctree.findall(ClaimLink)):
        placeholder.replace_self(_link(app, docname, registry()[placeholder["claim"]], placeholder.astext()))


def load_sorting(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Have the page with the table load the script that sorts it."""
    if "claim_ledger" in app.env.metadata.get(pagename, {}):
        app.add_js_file("ledger.js", loading_method="defer")


def _summary(checks: list[ClaimCheck]) -> nodes.paragraph:
    counts = Counter(check.verdict for check in checks)
    shares = [f"{verdict}: {counts[verdict]}" for verdict in VERDICTS]
    return nodes.paragraph("", f"{len(checks)} claims. {'; '.join(shares).capitalize()}.")


def _table(app: Sphinx, docname: str, checks: list[ClaimCheck]) -> nodes.table:
    body = nodes.tbody("", *(_row(app, docname, check) for check in checks))
    head = nodes.thead("", nodes.row("", *(nodes.entry("", nodes.paragraph("", text)) for text in HEADINGS)))
    columns = [nodes.colspec(colwidth=1) for _ in HEADINGS]  # the style sheet sets the widths
    return nodes.table("", nodes.tgroup("", *columns, head, body, cols=len(HEADINGS)), classes=["claim-ledger"])


def _row(app: Sphinx, docname: str, check: ClaimCheck) -> nodes.row:
    measured = [nodes.paragraph("", f"{check.as_stated.finding} (claimed: {check.as_stated.prediction})")]
    if check.on_condition is not None:
        text = f"{check.claim.condition} {check.on_condition.finding} (then: {check.on_condition.prediction})"
        measured.append(nodes.paragraph("", text))
    title = app.env.titles[check.claim.page].astext()
    link = nodes.paragraph("", "", _link(app, docname, check.claim, title))
    cells = [[nodes.paragraph("", check.claim.statement)], [nodes.paragraph("", check.verdict)], measured, [link]]
    return nodes.row("", *(nodes.entry("", *cell) for cell in cells))


def _link(app: Sphinx, docname: str, claim: Claim, text: str) -> nodes.reference:
    uri = f"{app.builder.get_relative_uri(docname, claim.page)}#claim-{claim.id}"
    return nodes.reference("", text, internal=True, refuri=uri)


def _records(env: BuildEnvironment) -> dict[str, list[dict[str, Any]]]:
    if not hasattr(env, "claim_records"):
        env.claim_records = {}
    return env.claim_records


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.add_node(Ledger)
    app.add_node(ClaimLink)
    app.add_directive("claim-ledger", ClaimLedger)
    app.add_role("claim", ClaimRole())
    app.connect("doctree-read", collect)
    app.connect("env-purge-doc", forget)
    app.connect("env-merge-info", merge)
    app.connect("env-updated", examine)
    app.connect("doctree-resolved", fill)
    app.connect("html-page-context", load_sorting)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
