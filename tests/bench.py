"""Measures what readers and authors wait for, each figure beside its limit; run as `make bench`.

The table of chapters in ``CONTRIBUTING.md`` is written anew from what was measured.
Times are wall-clock times of this machine: close other programs first. Exits with status 1 if a figure is over.
"""

import functools
import gzip
import http.server
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar, NamedTuple

import nbformat
import psutil
from myst_nb.core.read import is_myst_markdown_notebook, myst_nb_reader_plugin
from nbclient import NotebookClient
from tests.conftest import CONTENTS, EXPLORABLE, PAGES, ROOT, build, copy_project, launched, opened, served

EXECUTION = 30  # seconds for a chapter, kernel start included
MEMORY = 500  # MB; Binder guarantees 450 and stops at 2000
COLD_BUILD = 300  # seconds, for the whole book on two cores
REBUILD = 15  # seconds
EDITED = 30  # seconds, for the book with one edited chapter, the one that runs longest
IMPORT = 0.5  # seconds
PAGE = 500  # kB compressed, at the first visit
RESPONSE = 50  # ms from key to picture; a tenth of a second is felt

RUN, PEAK, LOAD = "execution", "peak memory", "first load"
TABLE = re.compile(r"(?<=<!-- made by make bench -->\n).*?(?=<!-- end -->)", re.DOTALL)
PRESSES = 40
IMPORTS = 5
COMPRESSED = ("text/", "application/javascript", "application/json", "image/svg+xml")

IMPORT_EVERYTHING = """
import importlib, pkgutil, time
import matplotlib.pyplot, numpy, torch
started = time.perf_counter()
import gradlab
for module in pkgutil.walk_packages(gradlab.__path__, "gradlab."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
print(time.perf_counter() - started)
"""
TIME_KEYS = """(input) => {
    window.responses = [];
    input.addEventListener("keydown", (event) => {
        const note = () => responses.push(performance.now() - event.timeStamp);
        requestAnimationFrame(() => requestAnimationFrame(note)); // the second comes after the picture was painted
    });
}"""


class Figure(NamedTuple):
    """A measured number and the largest allowed one."""

    what: str
    value: float
    limit: float
    unit: str
    note: str = ""

    @property
    def verdict(self):
        """Whether the number is within its limit."""
        return "ok" if self.value <= self.limit else "OVER"

    def __str__(self):
        digits = 2 if self.limit < 5 else 1 if self.limit < 20 else 0
        return (
            f"{self.what:<58} {self.value:>8.{digits}f} {self.unit:<3} (limit {self.limit:>5g}) {self.verdict:<5}"
            f" {self.note}".rstrip()
        )


def timed_build(book, what, limit):
    """Build the book; return how long it took."""
    started = time.perf_counter()
    outcome = build(book)
    if outcome.status != 0:
        sys.exit(f"{what}: {outcome}")
    return Figure(what, time.perf_counter() - started, limit, "s")


def builds(book):
    """Build the book from scratch, then once more."""
    yield timed_build(book, "cold build", COLD_BUILD)
    yield timed_build(book, "unchanged rebuild", REBUILD)


def edited(book, figures):
    """Change the code of the chapter that runs longest, and build the book once more."""
    slowest = max((figure for figure in figures if figure.what.endswith(RUN)), key=lambda figure: figure.value)
    page = slowest.what.removesuffix(f": {RUN}")
    notebook = nbformat.read(book / f"{page}.ipynb", as_version=4)
    next(cell for cell in notebook.cells if cell.cell_type == "code").source += "\n# edited"
    nbformat.write(notebook, book / f"{page}.ipynb")
    yield timed_build(book, f"rebuild after an edit of {page}", EDITED)


def chapters(book):
    """Execute each chapter alone in a fresh kernel."""
    for source in CONTENTS.values():
        path = book / source.relative_to(ROOT)
        if path.suffix == ".ipynb":
            notebook = nbformat.read(path, as_version=4)
        elif is_myst_markdown_notebook(path.read_text("utf-8")):
            notebook = myst_nb_reader_plugin(str(path))
        else:
            continue
        seconds, peak = execute(notebook, path.parent, os.environ | {"PYTHONPATH": str(book / "src")})
        page = path.relative_to(book).with_suffix("").as_posix()
        yield Figure(f"{page}: {RUN}", seconds, EXECUTION, "s")
        yield Figure(f"{page}: {PEAK}", peak, MEMORY, "MB")


def execute(notebook, folder, environment):
    """Return the seconds that a notebook takes, and the most memory in MB that its kernel held."""
    client = NotebookClient(notebook, kernel_name="python3", resources={"metadata": {"path": str(folder)}})
    started = time.perf_counter()
    with (
        client.setup_kernel(env=environment, stderr=subprocess.DEVNULL),  # kernels warn of nothing that matters
        sampled(client.km.provisioner.pid) as samples,
    ):
        for index, cell in enumerate(notebook.cells):
            client.execute_cell(cell, index)
        return time.perf_counter() - started, max(sample.rss for sample in samples) / 1e6


@contextmanager
def sampled(pid):
    """Note what a process holds in memory, a hundred times a second."""
    process, samples, over = psutil.Process(pid), [], threading.Event()

    def sample():
        while not over.wait(0.01):
            samples.append(process.memory_info())

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield samples
    finally:
        over.set()
        thread.join()


def imports(book):
    """Import every module of the package, with the large packages there already; the best of a few times."""
    command = [sys.executable, "-c", IMPORT_EVERYTHING]
    run = functools.partial(subprocess.run, command, cwd=book / "src", capture_output=True, text=True, check=True)
    best = min(float(run().stdout) for _ in range(IMPORTS))
    yield Figure("import of gradlab, beyond numpy, torch and matplotlib", best, IMPORT, "s")


class Compressing(http.server.SimpleHTTPRequestHandler):
    """Serves text compressed, as web servers do, and notes the size of all that it sends."""

    sent: ClassVar[list] = []

    def do_GET(self):
        """Send a file; the name of this method is the base class's."""
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            self.send_error(404)
            return
        kind = self.guess_type(path)
        body = compressed(path) if kind.startswith(COMPRESSED) else path.read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if kind.startswith(COMPRESSED):
            self.send_header("Content-Encoding", "gzip")
        self.sent.append((len(body) / 1e3, path.name))
        self.end_headers()
        self.wfile.write(body)


@functools.cache
def compressed(path):
    """Return a file's content as it goes over the wire."""
    return gzip.compress(path.read_bytes(), compresslevel=6)


def weights(browser, site):
    """Open each page in a browser that has seen none before; add up what it loads."""
    with served(site, Compressing) as origin:
        for address in PAGES:
            Compressing.sent.clear()
            with opened(browser, f"{origin}/{address}") as (opened_page, _):
                opened_page.wait_for_load_state("networkidle")
            largest = sorted(Compressing.sent, reverse=True)[:3]
            note = ", ".join(f"{name} {size:.0f}" for size, name in largest)
            yield Figure(
                f"{address.removesuffix('.html')}: {LOAD}", sum(size for size, _ in Compressing.sent), PAGE, "kB", note
            )


def responses(browser, site):
    """Press keys on every slider; take the time until the next picture was painted (and up to 17 ms more)."""
    with served(site) as origin:
        for address in EXPLORABLE:
            with opened(browser, f"{origin}/{address}") as (page, _):
                for k, slider in enumerate(page.locator(".gradlab-explore").get_by_role("slider").all(), start=1):
                    times = press(page, slider)
                    p90 = statistics.quantiles(times, n=10)[-1]
                    note = f"median {statistics.median(times):.0f}"
                    yield Figure(f"{address}: slider {k}, 90th percentile", p90, RESPONSE, "ms", note)


def press(page, slider):
    """Move a slider up and down, one position at a time; return the milliseconds that each press took."""
    slider.press("Home")
    slider.evaluate(TIME_KEYS)
    end = int(slider.get_attribute("max"))
    for n in range(PRESSES):
        slider.press("ArrowLeft" if n // end % 2 else "ArrowRight")
        page.wait_for_function("(count) => responses.length === count", arg=n + 1)
    return page.evaluate("responses")


def measure():
    """Yield every figure as soon as it is known."""
    with tempfile.TemporaryDirectory() as folder:
        book = copy_project(Path(folder) / "book")
        yield from builds(book)
        yield from imports(book)
        alone = []
        for figure in chapters(book):
            alone.append(figure)
            yield figure
        with launched() as browser:
            if browser is None:
                sys.exit("no Chromium or Chrome on the PATH: pages and sliders were not measured")
            yield from weights(browser, book / "_build" / "html")
            yield from responses(browser, book / "_build" / "html")
        yield from edited(book, alone)  # last: what readers load is the book as it is


def table(figures):
    """Return what was measured of each page, as Markdown."""
    found = {figure.what: figure for figure in figures}
    lines = ["| page | runs in, s | peak memory, MB | first load, kB |", "| --- | ---: | ---: | ---: |"]
    for address in CONTENTS:
        page = address.removesuffix(".html")
        cells = [found.get(f"{page}: {what}") for what in (RUN, PEAK, LOAD)]
        lines.append(f"| {page} | " + " | ".join("" if one is None else f"{one.value:.0f}" for one in cells) + " |")
    return "\n".join(lines) + "\n"


def main():
    """Print the figures, and write the table of pages; return the exit status."""
    over, figures = 0, []
    for figure in measure():
        print(figure, flush=True)
        figures.append(figure)
        over += figure.verdict == "OVER"
    guide = ROOT / "CONTRIBUTING.md"
    guide.write_text(TABLE.sub(lambda _: table(figures), guide.read_text("utf-8"), count=1), encoding="utf-8")
    print(f"{over} over the limit" if over else "all within the limits")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
