"""Print the built book as one PDF: `make pdf`. Chromium sets it; links, contents and page numbers lead inside.

The pages are joined into one document, in which each explorable figure shows its first picture, and printed twice: the
first time tells on which page each chapter begins, which the contents then say.
"""

from __future__ import annotations

import io
import posixpath
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import yaml
from bs4 import BeautifulSoup, Tag
from playwright.sync_api import Page, sync_playwright
from pypdf import PdfReader, PdfWriter

ROOT = Path(__file__).parents[2]
SITE = ROOT / "_build" / "html"
TARGET = ROOT / "_build" / "exploding-gradients.pdf"
STYLE = Path(__file__).with_name("pdf.css")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
NOT_PRINTED = "script, a.headerlink, details.page-citation, details.above-input, .gradlab-controls, button, input"
NAMING = ("id", "for", "aria-labelledby", "aria-describedby")
FOOTER = (
    '<div style="width:100%;font:8px sans-serif;color:#555;text-align:center"><span class="pageNumber"></span></div>'
)


def parts() -> list[tuple[str, list[str]]]:
    """Return the parts of the book: each its title and the addresses of its pages."""
    contents = yaml.safe_load((ROOT / "_toc.yml").read_text("utf-8"))
    listed = [(part["caption"], [f"{page['file']}.html" for page in part["chapters"]]) for part in contents["parts"]]
    return [("", [f"{contents['root']}.html"]), *listed]


def pages() -> list[str]:
    """Return the addresses of all pages, in order."""
    return [page for _, some in parts() for page in some]


def article(page: str) -> Tag:
    """Return what is printed of a page, with names that are its own and links that lead within the document."""
    whole = BeautifulSoup((SITE / page).read_text("utf-8"), "html.parser")
    body = whole.select_one("article.bd-article")
    for element in body.select(NOT_PRINTED):
        element.decompose()
    for details in body.select("details"):
        details["open"] = ""
    for element in body.find_all(True):
        for name in NAMING:
            if element.get(name):
                element[name] = " ".join(own(page, one) for one in element[name].split())
        for name in ("href", "xlink:href"):
            if element.get(name):
                element[name] = inside(page, element[name])
        if element.get("src"):
            element["src"] = posixpath.normpath(posixpath.join(posixpath.dirname(page), element["src"]))
    body.name, body["class"], body["id"] = "section", "bd-article printed-page", own(page, "")
    return body


def own(page: str, name: str) -> str:
    """Return a name within a page as a name within the whole document."""
    return f"{page.removesuffix('.html').replace('/', '-')}--{name}"


def inside(page: str, address: str) -> str:
    """Return where a link leads within the document; addresses of other hosts stay as they are."""
    parsed = urlsplit(address)
    if parsed.scheme or parsed.netloc:
        return address
    target = posixpath.normpath(posixpath.join(posixpath.dirname(page), parsed.path)) if parsed.path else page
    if target not in pages():
        return "#"
    name = unquote(parsed.fragment).partition("?")[0]  # after it stands the setting of a figure, which paper has not
    return f"#{own(target, name)}"


def document(numbers: dict[str, int]) -> str:
    """Return the whole book as one page of HTML; `numbers` are those of the pages where chapters begin."""
    articles = {page: article(page) for page in pages()}
    names = {element["id"] for body in articles.values() for element in [body, *body.find_all(id=True)]}
    for link in (link for body in articles.values() for link in body.find_all("a", href=True)):
        if link["href"].startswith("#") and link["href"][1:] not in names:  # sets a figure, which paper cannot
            link.unwrap()
    rows = []
    for caption, some in parts():
        rows += [f"<h3>{caption}</h3>"] if caption else []
        for page in some:
            title = articles[page].h1.get_text().strip()
            rows.append(f'<p><a href="#{own(page, "")}">{title}</a><span>{numbers.get(page, "")}</span></p>')
    sheets = BeautifulSoup((SITE / pages()[0]).read_text("utf-8"), "html.parser").select("link[rel=stylesheet]")
    links = "".join(f'<link rel="stylesheet" href="{sheet["href"].removeprefix("../")}">' for sheet in sheets)
    title = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))["title"]
    return (
        f'<!DOCTYPE html><html lang="en" data-theme="light"><head><meta charset="utf-8"><title>{title}</title>{links}'
        f"<style>{STYLE.read_text('utf-8')}</style></head><body><div class='bd-content'>"
        f'<section class="front"><h1>{title}</h1></section>'
        f'<nav class="printed-contents"><h2>Contents</h2>{"".join(rows)}</nav>'
        f"{''.join(map(str, articles.values()))}</div></body></html>"
    )


def printed(numbers: dict[str, int], page: Page) -> bytes:
    """Return the document as Chromium prints it."""
    joined = SITE / "whole-book.html"
    joined.write_text(document(numbers), encoding="utf-8")
    try:
        page.goto(joined.as_uri())
        page.evaluate("document.fonts.ready")
        margin = {"top": "18mm", "bottom": "18mm", "left": "20mm", "right": "20mm"}
        options = {"format": "A4", "margin": margin, "print_background": True, "tagged": True, "outline": True}
        return page.pdf(**options, display_header_footer=True, header_template="<p></p>", footer_template=FOOTER)
    finally:
        joined.unlink()


def beginnings(pdf: bytes) -> Iterator[tuple[str, int]]:
    """Yield each page of the book that has a place in the PDF, with the number of the sheet where it begins."""
    reader = PdfReader(io.BytesIO(pdf))
    places = {str(name).removeprefix("/"): place for name, place in reader.named_destinations.items()}
    for page in pages():
        if own(page, "") in places:
            yield page, reader.get_destination_page_number(places[own(page, "")]) + 1


def main() -> None:
    """Print twice, and write the file."""
    if not SITE.is_dir():
        sys.exit("there is no built book to print: run `make book`")
    with sync_playwright() as playwright:
        found = next(filter(None, map(shutil.which, BROWSERS)), playwright.chromium.executable_path)
        # a container runs as root, where Chromium has no sandbox; the pages are our own
        page = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"]).new_page()
        numbers = dict(beginnings(printed({}, page)))
        if missing := [name for name in pages() if name not in numbers]:
            sys.exit(f"these pages have no place in the PDF: {', '.join(missing)}")
        writer = PdfWriter(clone_from=io.BytesIO(printed(numbers, page)))
    about = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))
    writer.add_metadata({"/Title": about["title"], "/Author": about["author"]})
    writer.compress_identical_objects()
    writer.write(TARGET)
    print(f"{TARGET.relative_to(ROOT)}: {len(writer.pages)} pages, {TARGET.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
