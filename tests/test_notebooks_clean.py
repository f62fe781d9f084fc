"""The chapters are committed clean, and the tool that says so notices each way in which they would not be."""

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import yaml
from IPython.core.inputtransformer2 import TransformerManager

ROOT = Path(__file__).parents[1]
TOOL = ROOT / "book" / "_tools" / "notebooks.py"
SPEC = importlib.util.spec_from_file_location("notebooks", TOOL)
notebooks = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(notebooks)

SOURCE = "# Élan\n\nLayers multiply."


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "_config.yml"
    path.write_text("repository:\n  url: https://example.org/book\n  branch: trunk\n")
    return path


@pytest.fixture
def clean(config):
    """A clean notebook, made by nbformat."""
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    cells = [
        nbformat.v4.new_markdown_cell(SOURCE, id="title"),
        nbformat.from_dict(notebooks.set_up_cell(config)),
        nbformat.v4.new_code_cell("1 + 1\n2", id="sum", metadata={"tags": ["hide-input"]}),
        nbformat.v4.new_code_cell("", id="empty", metadata={"jupyter": {"source_hidden": True}}),
    ]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    nbformat.validate(notebook)
    return nbformat.writes(notebook) + "\n"


def test_there_are_chapters():
    assert notebooks.chapters()


def test_chapters_are_found_in_folders_but_not_among_checkpoints(tmp_path):
    for name in ("02.ipynb", "01/a.ipynb", ".ipynb_checkpoints/02-checkpoint.ipynb", "notes.md"):
        path = tmp_path / "chapters" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert notebooks.chapters(tmp_path) == [tmp_path / "chapters/01/a.ipynb", tmp_path / "chapters/02.ipynb"]


@pytest.mark.parametrize("path", notebooks.chapters(), ids=lambda path: path.stem)
def test_chapter_is_clean(path):
    assert notebooks.problems(path) == []


def test_what_nbformat_writes_is_clean(clean, config):
    assert notebooks.problems(clean, config) == []


STREAM = {"output_type": "stream", "name": "stdout", "text": ["2\n"]}
STALE = "%pip install -q https://example.org/old/archive/trunk.zip"

# What is done to the clean notebook (its cells are: title, set-up, sum, empty), and a word of the complaint.
CONTENT = {
    "outputs": (lambda nb: nb["cells"][2].update(outputs=[STREAM]), "outputs"),
    "execution count": (lambda nb: nb["cells"][2].update(execution_count=3), "execution count"),
    "outputs of the set-up cell": (lambda nb: nb["cells"][1].update(outputs=[STREAM]), "outputs"),
    "cell metadata": (lambda nb: nb["cells"][2]["metadata"].update(collapsed=True), "metadata: collapsed"),
    "no tag left": (lambda nb: nb["cells"][0]["metadata"].update(tags=[]), "metadata: tags"),
    "outputs hidden": (lambda nb: nb["cells"][3]["metadata"]["jupyter"].update(outputs_hidden=True), "jupyter"),
    "notebook metadata": (lambda nb: nb["metadata"].update(colab={"provenance": []}), "metadata: colab"),
    "language version": (lambda nb: nb["metadata"].update(language_info={"version": "3.11.7"}), "language_info"),
    "kernelspec": (lambda nb: nb["metadata"]["kernelspec"].update(name="my-env"), "metadata: kernelspec"),
    "no kernelspec": (lambda nb: nb["metadata"].clear(), "metadata: kernelspec"),
    "older format": (lambda nb: nb.update(nbformat_minor=4), "4.4"),
    "repeated id": (lambda nb: nb["cells"][3].update(id="sum"), "ids of more than one cell: sum"),
    "id of the set-up cell repeated": (lambda nb: nb["cells"][3].update(id="set-up"), "more than one cell: set-up"),
    "id of a repeated id taken": (lambda nb: [nb["cells"][n].update(id="cell-4") for n in (0, 3)], "one cell: cell-4"),
    "notebook fields": (lambda nb: nb.update(signature="x"), "fields: signature"),
    "no id": (lambda nb: nb["cells"][0].pop("id"), "id: None"),
    "not an id": (lambda nb: nb["cells"][0].update(id="a b"), "id: 'a b'"),
    "fields": (lambda nb: nb["cells"][0].update(outputs=[], execution_count=None), "fields: execution_count, outputs"),
    "no set-up cell": (lambda nb: nb["cells"].pop(1), "set-up cell (id set-up) is missing"),
    "stale set-up cell": (lambda nb: nb["cells"][1].update(source=[STALE]), "set-up cell is stale"),
    "visible set-up cell": (lambda nb: nb["cells"][1]["metadata"].clear(), "set-up cell is stale"),
    "set-up cell too late": (lambda nb: nb["cells"].append(nb["cells"].pop(1)), "not directly after"),
    "set-up cell too early": (lambda nb: nb["cells"].insert(0, nb["cells"].pop(1)), "not directly after"),
}

FORM = {
    "indentation": lambda text: json.dumps(json.loads(text), ensure_ascii=False, indent=2, sort_keys=True) + "\n",
    "order of the keys": lambda text: (
        json.dumps(dict(reversed(json.loads(text).items())), ensure_ascii=False, indent=1) + "\n"
    ),
    "escaped letters": lambda text: json.dumps(json.loads(text), indent=1, sort_keys=True) + "\n",
    "source in one string": lambda text: text.replace('[\n    "1 + 1\\n",\n    "2"\n   ]', '"1 + 1\\n2"'),
    "no newline at the end": str.rstrip,
    "two newlines at the end": lambda text: text + "\n",
    "line ends of Windows": lambda text: text.replace("\n", "\r\n"),
}


def changed(text, spoil):
    notebook = json.loads(text)
    spoil(notebook)
    return notebooks.canonical(notebook)


SPOILED = [(lambda text, spoil=spoil: changed(text, spoil), words) for spoil, words in CONTENT.values()]
SPOILED += [(spoil, "not written as nbformat writes it") for spoil in FORM.values()]


@pytest.mark.parametrize(("spoil", "complaint"), SPOILED, ids=[*CONTENT, *FORM])
def test_spoiled_notebook_is_found_and_repaired(spoil, complaint, clean, config, tmp_path):
    spoiled = spoil(clean)
    assert spoiled != clean
    (found,) = notebooks.problems(spoiled, config)
    assert complaint in found
    path = tmp_path / "chapter.ipynb"
    path.write_bytes(spoiled.encode())
    assert notebooks.tidy(path, config)
    assert notebooks.problems(path, config) == []
    assert sources(path.read_bytes()) == sources(clean)
    assert not notebooks.tidy(path, config), "tidying twice changes something"
    nbformat.validate(nbformat.read(path, as_version=4))


def sources(text):
    return ["".join(cell["source"]) for cell in json.loads(text)["cells"]]


def test_attachment_is_reported_but_not_thrown_away(clean, config, tmp_path):
    path = tmp_path / "chapter.ipynb"
    picture = {"a.png": {"image/png": "AA=="}}
    path.write_bytes(changed(clean, lambda nb: nb["cells"][0].update(attachments=picture)).encode())
    notebooks.tidy(path, config)
    (found,) = notebooks.problems(path, config)
    assert "attachments" in found


@pytest.mark.parametrize("text", ["{", "[]", '{"nbformat": 3, "cells": []}', '{"nbformat": 4, "cells": [{"id": "a"}]}'])
def test_what_is_no_notebook_is_reported_and_left_alone(text, config, tmp_path):
    assert len(notebooks.problems(text, config)) == 1
    path = tmp_path / "chapter.ipynb"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"not JSON|not a notebook|neither code nor"):
        notebooks.tidy(path, config)
    assert path.read_text() == text


def test_address_is_the_one_that_yaml_reads():
    repository = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["repository"]
    assert notebooks.address() == (repository["url"], repository["branch"])


@pytest.mark.parametrize(
    "block",
    [
        "repository:\n  url: https://a.org/b\n  branch: main\n",
        "repository: # where\n\n  branch: 'main' # here\n  # or\n  url: \"https://a.org/b/\"\nother:\n  url: x\n",
        "html:\n  url: x\nrepository:\n    path_to_book: .\n    url: https://a.org/b\n    branch: main",
    ],
)
def test_address_is_found_however_the_block_is_written(block, tmp_path):
    (tmp_path / "_config.yml").write_text(block)
    assert notebooks.address(tmp_path / "_config.yml") == ("https://a.org/b", "main")


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("repository:\n  url: x\n", "branch"),
        ("repository:\n  branch: x\nurl: y\n", "url"),
        ("title: x\n", "branch and url"),
    ],
)
def test_missing_address_is_named(text, missing, tmp_path):
    (tmp_path / "_config.yml").write_text(text)
    with pytest.raises(ValueError, match=f"^_config.yml must give {missing} under repository:$"):
        notebooks.address(tmp_path / "_config.yml")


@pytest.mark.parametrize("installed", [True, False])
def test_set_up_cell_installs_only_where_the_package_is_missing(installed, config, monkeypatch):
    code = TransformerManager().transform_cell("".join(notebooks.set_up_cell(config)["source"]))
    magics = []
    shell = type("Shell", (), {"run_line_magic": lambda self, *magic: magics.append(magic)})()
    # None in sys.modules makes the import fail as if the package were not there.
    monkeypatch.setitem(sys.modules, "gradlab", sys if installed else None)
    exec(code, {"get_ipython": lambda: shell})
    wanted = [("pip", "install -q --no-deps anywidget psygnal https://example.org/book/archive/trunk.zip")]
    assert magics == ([] if installed else wanted)


def test_command_checks_tidies_and_follows_the_address(clean, config, tmp_path):
    tool = tmp_path / "book" / "_tools" / "notebooks.py"
    chapter = tmp_path / "chapters" / "part" / "01.ipynb"
    for path in (tool, chapter):
        path.parent.mkdir(parents=True)
    shutil.copy(TOOL, tool)
    chapter.write_bytes(clean.encode())

    def run(*options):
        return subprocess.run([sys.executable, tool, *options], capture_output=True, text=True, check=False)

    assert run("--check").returncode == 0
    config.write_text(config.read_text().replace("trunk", "main"))
    checked = run("--check")
    assert (checked.returncode, checked.stderr) == (1, "chapters/part/01.ipynb: the set-up cell is stale\n")
    assert chapter.read_bytes() == clean.encode()
    tidied = run()
    assert (tidied.returncode, tidied.stdout) == (0, "tidied chapters/part/01.ipynb\n")
    assert chapter.read_bytes() == clean.replace("trunk.zip", "main.zip").encode()
    config.write_text("title: no address\n")
    assert run().stderr == "_config.yml must give branch and url under repository:\n"


def test_citation_gives_the_address_in_config():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["repository-code"] == notebooks.address()[0]
