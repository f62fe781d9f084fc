"""What the tests of the built book share: the book, built from scratch in a copy; a server for it; and a browser."""

import functools
import http.server
import os
import re
import shutil
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from filelock import FileLock

# one thread for each process that runs tests or is started by one: several processes that all use every core wait for
# each other, and run many times slower
os.environ.setdefault("OMP_NUM_THREADS", "1")

ROOT = Path(__file__).parents[1]
MAKE_BOOK = re.search(r"^\t\$\(BIN\)/(jupyter-book .*)$", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)[1]
"""The command with which `make book` builds the book."""
KEPT = ROOT / "_build" / ".jupyter_cache"
"""Where the book keeps executed chapters."""
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
"""Chromium or Chrome; the shell, which is the engine without a browser around it, takes half the time."""
QUIET = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]
PATIENCE = 10_000  # milliseconds until something that should appear on a page is given up


READY = """async () => {
    await document.fonts.ready;
    const pending = () => document.querySelector(".gradlab-still");
    for (let tries = 0; pending() && tries < 200; tries += 1) await new Promise((go) => setTimeout(go, 20));
}"""
"""Waits until a page's fonts and its explorable figures stand, for a few seconds at most."""


def _names(entry):
    yield from (entry[key] for key in ("root", "file") if key in entry)
    for child in (child for key in ("parts", "chapters", "sections") for child in entry.get(key, ())):
        yield from _names(child)


def _source(name):
    return next(path for end in (".md", ".ipynb") if (path := ROOT / f"{name}{end}").exists())


CONTENTS = {f"{name}.html": _source(name) for name in _names(yaml.safe_load((ROOT / "_toc.yml").read_text("utf-8")))}
"""The table of contents: from the address of each page to the file it is made from."""
PAGES = [*CONTENTS, "index.html", "search.html", "genindex.html"]
EXPLORABLE = [page for page, source in CONTENTS.items() if "explore(" in source.read_text("utf-8")]
QUIZZED = [page for page, source in CONTENTS.items() if "quiz(" in source.read_text("utf-8")]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Where processes share the tests, let one do all that build in the book's folder, or that look at one page."""
    for item in items:
        names = getattr(item, "fixturenames", ())
        if "built" in names and "site" not in names:
            item.add_marker(pytest.mark.xdist_group("book"))
        params = getattr(getattr(item, "callspec", None), "params", {})
        for page in filter(None, map(params.get, ("address", "explorable_page", "quiz_page"))):
            item.add_marker(pytest.mark.xdist_group(f"{item.module.__name__} {page}"))


class Build(NamedTuple):
    """How a build of the book ended, and what it said."""

    status: int
    log: str

    def __str__(self):
        warnings = "\n".join(line for line in self.log.splitlines() if re.search("(WARNING|ERROR|Error): ", line))
        return f"jupyter-book ended with status {self.status}\n{warnings}\nIts last words:\n{self.log[-1500:]}"


def build(book, **environment):
    """Build the book in a folder as `make book` does; its own package comes before the installed one."""
    program, *arguments = MAKE_BOOK.split()
    environment = os.environ | {"PYTHONPATH": str(book / "src")} | environment
    done = subprocess.run(
        [Path(sys.executable).with_name(program), *arguments],
        cwd=book,
        env=environment,
        text=True,
        encoding="utf-8",
        errors="replace",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    return Build(done.returncode, re.sub(r"\x1b\[[\d;]*m", "", done.stdout))


def copy_project(target):
    """Copy the project's files, committed or not, but nothing that git ignores or that was built."""
    git = ["git", "-C", str(ROOT)]
    top = subprocess.run([*git, "rev-parse", "--show-toplevel"], capture_output=True, text=True)
    if top.returncode != 0 or Path(top.stdout.strip()).resolve() != ROOT.resolve():
        return shutil.copytree(ROOT, target, ignore=shutil.ignore_patterns(".venv", "_build", "__pycache__"))
    listed = [*git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(listed, capture_output=True, text=True, check=True).stdout.split("\0"):
        if (ROOT / name).is_file():  # a file deleted from the work tree is still listed
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    return target


@contextmanager
def served(folder, handler=http.server.SimpleHTTPRequestHandler):
    """Serve a folder on this machine; give the address."""

    class Quiet(handler):
        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def launched():
    """Start the Chromium or Chrome of this machine; give None where there is none."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path  # there after `playwright install chromium`
        found = next(filter(None, map(shutil.which, [*BROWSERS, own])), None)
        if found is None:
            yield None
            return
        # a container runs as root, where Chromium has no sandbox; the pages are our own
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", *QUIET])
        yield browser
        browser.close()


class Visit(NamedTuple):
    """An open page, and what went wrong on it so far."""

    page: object
    troubles: list


@contextmanager
def opened(browser, address, *, javascript=True, clock=False, **context):
    """Open a page in a fresh context until its fonts and its figures stand; give a `Visit`."""
    origin = re.match(r"https?://[^/]*|file:", address)[0]
    with browser.new_context(java_script_enabled=javascript, **context) as fresh:
        page, troubles = fresh.new_page(), []
        page.set_default_timeout(PATIENCE)
        _listen(page, origin, troubles)
        if clock:
            page.clock.install()
        page.goto(address)
        if javascript:
            page.wait_for_url(re.compile(r"^(?!.*/index\.html)"))  # index.html only leads to the first page
            page.wait_for_load_state("load")
            page.evaluate(READY)
        yield Visit(page, troubles)


def _listen(page, origin, troubles):
    """Note requests to another host, failures, and errors."""
    listeners = {
        "request": lambda it: not it.url.startswith((origin, "data:", "blob:")) and f"asks another host: {it.url}",
        "response": lambda it: it.status >= 400 and f"status {it.status}: {it.url}",
        "requestfailed": lambda it: f"failed, {it.failure}: {it.url}",
        "pageerror": lambda it: f"error: {it}",
        "console": lambda it: it.type == "error" and f"console: {it.text}",
    }
    for event, complaint in listeners.items():
        page.on(event, lambda it, complaint=complaint: troubles.extend(filter(None, [complaint(it)])))


@pytest.fixture(scope="session", name="build")
def function_that_builds():
    """The function `build`."""
    return build


@pytest.fixture(scope="session")
def built(tmp_path_factory, worker_id):
    """The folder of a copy of the project in which the book was built from scratch, warnings being errors.

    Built once, by the first of the processes that run the tests; the others wait for it. Chapters that `make book` has
    executed with these very files, and keeps, are not executed again.
    """
    own = tmp_path_factory.getbasetemp()
    shared = own if worker_id == "master" else own.parent
    with FileLock(shared / "book.lock"):
        if not (shared / "site").exists():
            book = copy_project(shared / "book")
            if KEPT.is_dir():
                shutil.copytree(KEPT, book / KEPT.relative_to(ROOT))
            outcome = build(book)
            assert outcome.status == 0, str(outcome)
            shutil.copytree(book / "_build" / "html", shared / "site")
    return shared / "book"


@pytest.fixture(scope="session")
def site(built):
    """The folder with the book's pages; its own, so that building once more does not change it."""
    return built.parent / "site"


@pytest.fixture(scope="session")
def origin(site):
    """Where the site is served."""
    with served(site) as address:
        yield address


@pytest.fixture(scope="module")  # while Playwright runs, its event loop is in the way of any other
def browser():
    """Chromium, started once for all tests of a file."""
    with launched() as browser:
        if browser is None:
            refuse = pytest.fail if os.environ.get("CI") else pytest.skip
            refuse("no Chromium or Chrome on the PATH: install one, or run `playwright install chromium`")
        yield browser


@pytest.fixture(scope="module")
def visit(browser):
    """The function `opened`, for use in a ``with`` statement: ``visit(address, color_scheme="dark")``."""
    return functools.partial(opened, browser)


@pytest.fixture(scope="session")
def pages():
    """Every page that the book ought to have."""
    return PAGES


@pytest.fixture(params=PAGES)
def address(request):
    """Each page of the book in turn."""
    return request.param


@pytest.fixture(params=[page for page in PAGES if page not in EXPLORABLE])
def plain_page(request):
    """Each page without explorable figures in turn."""
    return request.param


@pytest.fixture(scope="module", params=EXPLORABLE)
def explorable_page(request):
    """Each page with explorable figures in turn."""
    return request.param


@pytest.fixture(scope="module", params=QUIZZED)
def quiz_page(request):
    """Each page with a quiz in turn."""
    return request.param


@pytest.fixture(scope="session")
def explorable_pages():
    """Every page that makes an explorable figure."""
    return EXPLORABLE
