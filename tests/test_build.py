"""The build executes what has changed and nothing else, and fails when text, code or claims part.

The book itself is built twice. Everything else is tried on a little book of two chapters that has the real one's
settings, extensions and package: what is tested is the machinery, and a real chapter takes long to execute.
"""

import re
import shutil

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

CLAIM = '[one]\nstatement = "One is more than nothing."\npage = "chapters/a"\nexperiment = "Look at one."\n'
RUNS = """
import os
with open(os.environ["RUNS"], "a") as runs:
    runs.write("{name}\\n")
"""
CHECK = 'from gradlab import claims\nclaims.check("one", measured=1.0, at_least=0.5)'
SAID = 'from gradlab.claims import said\nsaid("2.5", 5 / 2)'
TOC = "format: jb-book\nroot: book/start\nchapters:\n" + "".join(
    f"  - file: {file}\n" for file in ("chapters/a", "chapters/b", "book/claims")
)
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


class LittleBook:
    """A book of two chapters, a and b, each of which notes that it was executed."""

    def __init__(self, folder, build):
        self.folder, self.runs, self._build = folder, folder.parent / "runs", build

    def write(self, name, *cells):
        """Write a chapter."""
        words = new_markdown_cell(f"# Chapter {name}\n\nSome words.")
        notebook = new_notebook(cells=[words, *map(new_code_cell, (RUNS.format(name=name), *cells))])
        notebook.metadata.kernelspec = KERNEL
        nbformat.write(notebook, self.folder / "chapters" / f"{name}.ipynb")

    def edit(self, name, old, new):
        """Replace a piece of text in a file."""
        path = self.folder / name
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new), "utf-8")

    def page(self, name):
        """Return the markup of a built chapter."""
        return (self.folder / "_build" / "html" / "chapters" / f"{name}.html").read_text("utf-8")

    def build(self):
        """Build the book; return how it ended, and the chapters that were executed."""
        self.runs.write_text("")
        outcome = self._build(self.folder, RUNS=str(self.runs))
        return outcome, sorted(self.runs.read_text().split())


@pytest.fixture(scope="module")
def pristine(tmp_path_factory, built, build):
    """The little book, built once."""
    target = tmp_path_factory.mktemp("little") / "book"
    for name in ("src", "book/_ext", "book/_static"):
        shutil.copytree(built / name, target / name)
    for name in ("_config.yml", "CITATION.cff", "constraints.txt", "book/references.bib", "book/claims.md"):
        shutil.copy2(built / name, target / name)
    (target / "chapters").mkdir()
    (target / "_toc.yml").write_text(TOC)
    (target / "book" / "start.md").write_text("# Start\n")
    (target / "src" / "gradlab" / "claims.toml").write_text(CLAIM)
    little = LittleBook(target, build)
    little.write("a", CHECK, SAID)
    little.write("b", SAID)
    outcome, executed = little.build()
    assert outcome.status == 0, str(outcome)
    assert executed == ["a", "b"]
    shutil.copytree(target, target.with_name("kept"))
    return little


@pytest.fixture
def little(pristine):
    """The little book as it was after its first build, in the same place."""
    shutil.rmtree(pristine.folder)
    shutil.copytree(pristine.folder.with_name("kept"), pristine.folder)
    return pristine


def cached(book):
    """Return the executed notebooks that the cache holds, with the time at which each was written."""
    folder = book / "_build" / ".jupyter_cache"
    return {path.relative_to(folder): path.stat().st_mtime_ns for path in folder.glob("*/executed/**/*.ipynb")}


def test_book_builds_again_without_executing_anything(built, build):
    before = cached(built)
    assert len(before) >= len([*built.glob("chapters/*.ipynb")]) > 0
    outcome = build(built)
    assert outcome.status == 0, str(outcome)
    assert "executing" not in outcome.log.lower()
    assert cached(built) == before


def test_unchanged_book_executes_nothing(little):
    before = cached(little.folder)
    outcome, executed = little.build()
    assert (outcome.status, executed) == (0, []), str(outcome)
    assert cached(little.folder) == before


def test_changed_prose_executes_nothing(little):
    little.edit("chapters/a.ipynb", "Some words.", "Other words.")
    outcome, executed = little.build()
    assert (outcome.status, executed) == (0, []), str(outcome)
    assert "Other words." in little.page("a")
    assert "claim-check" in little.page("a"), "what was executed before is still there"


def test_changed_code_executes_its_chapter_only(little):
    little.edit("chapters/b.ipynb", "5 / 2", "10 / 4")
    outcome, executed = little.build()
    assert (outcome.status, executed) == (0, ["b"]), str(outcome)


@pytest.mark.parametrize("name", ["src/gradlab/explore.js", "constraints.txt"])
def test_changed_package_or_pin_executes_every_chapter(little, name):
    comment = {"js": "//", "txt": "#"}[name.partition(".")[2]]
    with (little.folder / name).open("a", encoding="utf-8") as file:
        file.write(f"{comment} nothing that matters\n")
    outcome, executed = little.build()
    assert (outcome.status, executed) == (0, ["a", "b"]), str(outcome)
    assert len([*(little.folder / "_build" / ".jupyter_cache").iterdir()]) == 1, "the old cache is gone"


def test_number_in_the_prose_that_the_code_does_not_give_fails_the_build(little):
    little.edit("chapters/b.ipynb", "5 / 2", "5 / 3")
    outcome, _ = little.build()
    assert outcome.status != 0
    assert "the text says 2.5, the code gives 1.66" in outcome.log
    outcome, executed = little.build()
    assert outcome.status != 0, "what has failed fails again"
    assert "b" in executed


def test_claim_without_exactly_one_check_on_its_page_fails_the_build(little):
    ids = ("right", "unchecked", "twice", "two-pages", "elsewhere")
    claims = "\n".join(CLAIM.replace("[one]", f"[{id}]") for id in ids)
    (little.folder / "src" / "gradlab" / "claims.toml").write_text(claims)
    little.write("a", *(CHECK.replace('"one"', f'"{id}"') for id in ("right", "twice", "twice", "two-pages")))
    little.write("b", *(CHECK.replace('"one"', f'"{id}"') for id in ("two-pages", "elsewhere")))
    outcome, executed = little.build()
    assert executed == ["a", "b"]
    assert outcome.status != 0
    found = dict(re.findall(r"claim '([\w-]+)' must have one check, in chapters/a; it has: (.*)", outcome.log))
    assert {id: complaint.strip() for id, complaint in found.items()} == {
        "unchecked": "none",
        "twice": "['chapters/a', 'chapters/a']",
        "two-pages": "['chapters/a', 'chapters/b']",
        "elsewhere": "['chapters/b']",
    }


def test_link_to_a_claim_leads_to_its_card_or_fails_the_build(little):
    little.edit("book/start.md", "# Start", "# Start\n\nSee {claim}`there <one>`.")
    outcome, executed = little.build()
    assert (outcome.status, executed) == (0, []), str(outcome)
    start = (little.folder / "_build" / "html" / "book" / "start.html").read_text("utf-8")
    assert 'href="../chapters/a.html#claim-one">there</a>' in start
    little.edit("book/start.md", "<one>", "<two>")
    outcome, _ = little.build()
    assert outcome.status != 0
    assert "there is no claim 'two'" in outcome.log
