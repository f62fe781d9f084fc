"""Every number that a page states in its prose is checked by a cell of the page, and every checked one is stated.

Which numbers: decimals, and whole numbers of three or more digits. Prose is what a reader sees as text, mathematics
included; code, addresses, citations and the options of directives are not.
"""

import ast
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml
from IPython.core.inputtransformer2 import TransformerManager
from markdown_it.renderer import RendererHTML
from myst_parser.config.main import MdParserConfig
from myst_parser.parsers.mdit import create_md_parser

ROOT = Path(__file__).parents[1]
CHAPTERS = [path for path in sorted((ROOT / "chapters").rglob("*.ipynb")) if ".ipynb_checkpoints" not in path.parts]
PAGES = [*CHAPTERS, *(ROOT / "book" / f"{name}.md" for name in ("intro", "field_guide", "faq"))]

EXTENSIONS = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["parse"]["myst_enable_extensions"]
MYST = create_md_parser(MdParserConfig(enable_extensions={*EXTENSIONS, "linkify"}), RendererHTML)

CODE = {"code", "code-block", "code-cell", "sourcecode", "literalinclude", "raw"}
NOT_PROSE = CODE | {"toctree", "bibliography", "image"}
"""Directives without prose."""
NAMES_A_FILE = {"figure", "include"}
"""Directives whose argument is not prose."""
REFERENCES = {"cite", "doc", "numref", "ref", "eq", "download", "footcite"}
"""Roles whose body names a place."""

NUMBER = re.compile(
    r"""
    (?P<digits>
        (?:(?<![\w.)\]}])[-−])?         # a sign, unless it stands between two operands
        (?<![\w.])(?<![^\W\d_]-)        # not part of a word (float32, ResNet-110) or of a version (1.2.3)
        (?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d*\.\d+|\d+)
        (?!\.?\d)(?![^\W\d_⁰¹²³⁴⁵⁶⁷⁸⁹])   # nor run into one (1x1); raised digits may follow
    )
    (?P<percent>\s?%)?
    """,
    re.VERBOSE,
)


def visible(markdown):
    """Return what a reader of the page sees as text."""
    return "\n".join(_blocks(MYST.parse(markdown)))


def _blocks(tokens):
    for token in tokens:
        if token.type == "inline":
            yield "".join(_inline(token.children))
        elif token.type in {"math_block", "math_block_label", "amsmath"}:
            yield _mathematics(token.content)
        elif token.type == "html_block":
            yield _html(token.content)
        elif token.type in {"fence", "colon_fence"}:
            yield from _directive(token)


def _inline(tokens):
    bare_address = False
    for token in tokens:
        if token.type in {"link_open", "link_close"}:
            bare_address = token.type == "link_open" and token.info == "auto"
        elif token.type == "text":
            yield "" if bare_address else token.content
        elif token.type == "image":
            yield from _inline(token.children)
        elif token.type.startswith("math_inline") or _role(token) == "math":
            yield _mathematics(token.content)
        elif _role(token) and _role(token).split(":")[0] not in REFERENCES:
            yield token.content
        elif not token.type.endswith(("_open", "_close")):  # code, HTML, a line break; but *57*.67 is one number
            yield " "


def _role(token):
    return token.meta["name"] if token.type == "myst_role" else ""


def _directive(token):
    name, argument, body = _parts(token)
    if name == "math":
        yield _mathematics(f"{argument}\n{body}")
    elif name and name not in NOT_PROSE:
        yield visible(body if name in NAMES_A_FILE else f"{argument}\n\n{body}")


def _parts(fence):
    """Return the name, the argument and the body of a directive; a fence without a directive has no name."""
    match = re.fullmatch(r"\{([^}]+)\}\s*(.*)", fence.info.strip())
    name, argument = match.groups() if match else ("", "")
    options = r"\A\s*(?:---\n(?:.*\n)*?---\n|(?:[ ]*:[\w-]+:.*\n)+)"
    return name, argument, re.sub(options, "", fence.content)


def _mathematics(tex):
    tex = re.sub(r"(?<=\d)(?:\{,\}|\\,)(?=\d{3})", ",", tex)  # 40{,}000
    tex = re.sub(r"\\([a-zA-Z]+|[^%])", " ", tex).replace(r"\%", "%")  # in \approx57.67 the command ends with the x
    return re.sub(r"(?<=[\w)\]}])([-−])", r" \1 ", tex)  # in n-100 the minus is not a hyphen


def _html(block):
    texts = []
    parser = HTMLParser()
    parser.handle_data = texts.append
    parser.feed(block)
    parser.close()
    return " ".join(texts)


def numbers(text):
    """Return the numbers in a text; each as the tuple of the ways in which a cell may say it, the best first."""
    return [(f"{m['digits']} %", m["digits"]) if m["percent"] else (m["digits"],) for m in NUMBER.finditer(text)]


def said_in(code):
    """Return the numbers that the cells of a page say.

    Raises
    ------
    TypeError
        If a number is not written down as it stands in the prose.
    """
    found = []
    for node in ast.walk(ast.parse(TransformerManager().transform_cell(code))):
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "said":
            text = node.args[0] if node.args else next(k.value for k in node.keywords if k.arg == "text")
            if not isinstance(getattr(text, "value", None), str):
                raise TypeError(f"the number must be a plain string in {ast.unparse(node)}")
            found.append(re.sub(r" ?%$", " %", text.value))
    return found


def disagreements(prose, said):
    """Say which numbers of the prose no cell says, and which said ones the prose does not state."""
    stated = numbers(prose)
    return [
        *(f"in the prose, not said: {ways[0]}" for ways in stated if _needs_a_check(ways[0]) and not {*ways} & {*said}),
        *(f"said, not in the prose: {text}" for text in said if not any(text in ways for ways in stated)),
    ]


def _needs_a_check(number):
    return "." in number or sum(map(str.isdigit, number)) >= 3


def contents(path):
    """Return a page's prose and its code cells."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        cells = [(cell["cell_type"], "".join(cell["source"])) for cell in json.loads(text)["cells"]]
        prose = "\n".join(visible(source) for kind, source in cells if kind == "markdown")
        return prose, [source for kind, source in cells if kind == "code"]
    fences = [_parts(token) for token in MYST.parse(text) if token.type == "fence"]
    return visible(text), [body for name, _, body in fences if name == "code-cell"]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_numbers_in_the_prose_are_said_and_said_numbers_are_in_the_prose(path):
    prose, cells = contents(path)
    assert disagreements(prose, [number for cell in cells for number in said_in(cell)]) == []


def unsaid(markdown):
    return [complaint.removeprefix("in the prose, not said: ") for complaint in disagreements(visible(markdown), [])]


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("It ends at 57.67.", ["57.67"]),
        ("From 0.9, then (1.1) to 0.5–2.0 and 0.5-2.5.", ["0.9", "1.1", "0.5", "2.0", "0.5", "2.5"]),
        ("Not 40,000, not 1,252,782.94; 100!", ["40,000", "1,252,782.94", "100"]),
        ("A 117-fold growth, 1.21× a layer, 1.5¹⁰ in all, 1.5σ", ["117", "1.21", "1.5"]),
        ("Lost: 99.5 %, 12.5\u00a0%, 100%.", ["99.5 %", "12.5 %", "100 %"]),
        ("A slope of −0.29, or -4.52, is .5 off.", ["−0.29", "-4.52", ".5"]),
        ("# 2.5 in a *heading*\n\n| 3.5 | 4.5 |\n|---|---|\n| 5.5 | 6 |", ["2.5", "3.5", "4.5", "5.5"]),
        ("[at 0.9](#f?gain=0.8), <a href='#f?gain=0.7'>at 0.6</a> ![shows 0.4](p-0.3.png)", ["0.9", "0.6", "0.4"]),
        ("**57**.67 of *0.5*", ["57.67", "0.5"]),
        ("In $10^{24.2}$ and $x = -0.5$ and $n-100$", ["24.2", "-0.5", "100"]),
        (r"In $y\approx57.67\,a$, $40{,}000$, $1\,751$, $99.5\,\%$", ["57.67", "40,000", "1,751", "99.5 %"]),
        (r"{math}`x\approx0.25`", ["0.25"]),
        ("$$\na = 0.125\n$$\n\n```{math}\n:label: at 9.9\nb\\approx0.75\n```", ["0.125", "0.75"]),
        (":::{admonition} Up to 1.5\n:class: x-2.5\n\nBody 3.5\n```{note}\nInner 4.5\n```\n:::", ["1.5", "3.5", "4.5"]),
        ("```{figure} v/0.1/p.svg\n:alt: 0.2\n\nCaption 0.3\n```", ["0.3"]),
        ("```{tip}\n---\nname: 0.2\n---\nBody 0.3\n```", ["0.3"]),
        ("<details><summary>Says 0.1</summary>\n\nInside 0.2 &lt; 0.3\n\n</details>", ["0.1", "0.2", "0.3"]),
        ("<p title='0.1'>Says 0.2<br>0.3</p>", ["0.2", "0.3"]),
        ("With {term}`gain 1.5` and {abbr}`a (2.5)`", ["1.5", "2.5"]),
        ("- item 1.5\n\nterm 2.5\n: definition 3.5\n\n> quoted 4.5", ["1.5", "2.5", "3.5", "4.5"]),
    ],
)
def test_number_in_the_prose_has_to_be_said(markdown, expected):
    assert unsaid(markdown) == expected


@pytest.mark.parametrize(
    "markdown",
    [
        "Ten, 10 or 99 layers; float32, bfloat16, 1x1, ResNet-110, version 1.2.3, 100k, 1.5e9, x_100.",
        "`0.9`, ``a `0.8` b``, <!-- 0.7 -->",
        "```python\ngain = 0.9\n```\n\n~~~\n0.8\n~~~\n\ntext\n\n    gain = 0.7",
        "```{code-block} python\n0.9\n```\n\n```{image} a-0.5.png\n:alt: 0.7\n```",
        "{cite:t}`a 0.5`, {cite}`b 0.5`, {doc}`p-0.5`, {numref}`f-0.5`, {ref}`at 0.5 <x-0.5>`",
        "(target-0.5)=\n% a comment of 0.5\n\n+++ 0.5\n\n<https://a.org/0.5> https://a.org/0.25 [here](https://a.org/0.5)",
        "<!-- a\n\n0.5 -->\n\n[link][ref]\n\n[ref]: https://a.org/0.5",
    ],
)
def test_number_elsewhere_need_not_be_said(markdown):
    assert unsaid(markdown) == []


@pytest.mark.parametrize(
    ("prose", "said", "complaints"),
    [
        ("57.67 and 10", ["57.67"], []),
        ("57.67 and 10", ["57.67", "10"], []),
        ("57.76", ["57.67"], ["in the prose, not said: 57.76", "said, not in the prose: 57.67"]),
        ("57.67", ["57.6"], ["in the prose, not said: 57.67", "said, not in the prose: 57.6"]),
        ("ten", ["10"], ["said, not in the prose: 10"]),
        ("40000", ["40,000"], ["in the prose, not said: 40000", "said, not in the prose: 40,000"]),
        ("−0.5", ["0.5"], ["in the prose, not said: −0.5", "said, not in the prose: 0.5"]),
        ("99.5 %", ["99.5 %"], []),
        ("99.5 %", ["99.5"], []),
        ("99.5", ["99.5 %"], ["in the prose, not said: 99.5", "said, not in the prose: 99.5 %"]),
    ],
)
def test_disagreements(prose, said, complaints):
    assert disagreements(prose, said) == complaints


def test_said_is_found_in_cells_with_magics():
    code = """
%matplotlib inline
try:
    !ls
except OSError:
    %pip install x
if True:
    said("57.67", product, tolerance=0.01); claims.said("1", 1)
said(value=x, text="99.5%")
print("said('0.5', x)")  # said("0.25", x)
"""
    assert sorted(said_in(code)) == ["1", "57.67", "99.5 %"]


@pytest.mark.parametrize("call", ["said(text, x)", 'said(f"{x}", x)', "said(57.67, x)"])
def test_said_must_state_the_number_plainly(call):
    with pytest.raises(TypeError, match="plain string"):
        said_in(call)


RIGHT, WRONG, SAID = "It ends at 57.67.\n", "It ends at 57.76.\n", 'said("57.67", product)'


def as_notebook(prose, code):
    markdown, cell = {"cell_type": "markdown", "source": [prose]}, {"cell_type": "code", "source": [code]}
    return json.dumps({"cells": [markdown, cell]})


def as_text(prose, code):
    cell = f"```{{code-cell}} ipython3\n:tags: [remove-cell]\n\n{code}\n```\n"
    return f"---\nkernelspec:\n  name: py-0.5\n---\n\n{prose}\n{cell}\n```python\nsaid('0.5', x)\n```\n"


@pytest.mark.parametrize(("write", "suffix"), [(as_notebook, ".ipynb"), (as_text, ".md")])
@pytest.mark.parametrize(
    ("prose", "code", "agree"),
    [(RIGHT, SAID, True), (WRONG, SAID, False), (RIGHT, "pass", False), ("", SAID, False)],
)
def test_page_whose_prose_and_code_disagree_is_found(write, suffix, prose, code, agree, tmp_path):
    path = (tmp_path / "page").with_suffix(suffix)
    path.write_text(write(prose, code), encoding="utf-8")
    text, (cell,) = contents(path)
    assert (disagreements(text, said_in(cell)) == []) is agree
