"""Fonts are cut down to the characters that are asked for, and again when others are."""

from importlib import resources
from types import SimpleNamespace

import pytest
from fontTools.ttLib import TTFont

import cut_fonts

STIX = resources.files("ziamath").joinpath("fonts/STIXTwoMath-Regular.ttf")


@pytest.fixture
def cut(tmp_path):
    """A function that cuts the font for formulas and returns the characters of what it wrote."""
    app, target = SimpleNamespace(doctreedir=tmp_path / "doctrees"), tmp_path / "site" / "fonts" / "cut.woff2"

    def cut(characters, **options):
        cut_fonts.cut(app, STIX, target, map(ord, characters), **options)
        return "".join(sorted(map(chr, TTFont(target).getBestCmap())))

    cut.app, cut.target = app, target
    return cut


def test_font_holds_what_was_asked_for_last(cut):
    assert cut("xσ") == "xσ"
    assert cut("xσ∇") == "xσ∇"
    assert cut("x") == "x"


def test_same_cut_is_not_made_twice_and_its_file_comes_back(cut, monkeypatch):
    cut("x")
    first = cut.target.read_bytes()
    monkeypatch.setattr("fontTools.subset.Subsetter", None)
    cut.target.write_bytes(b"the theme's own font, which Sphinx has copied over it")
    assert cut("x") == "x"
    assert cut.target.read_bytes() == first
    with pytest.raises(TypeError):
        cut("y")


def test_other_options_are_another_cut(cut):
    glyphs = []
    for features in ([], ["ssty"]):
        cut("x", layout_features=features)
        glyphs.append(len(TTFont(cut.target).getGlyphOrder()))
    assert glyphs[0] < glyphs[1]  # with smaller forms of the letter for exponents


def test_one_cut_of_each_font_is_kept(cut):
    for characters in ("x", "y", "z"):
        cut(characters)
    assert len([*cut.app.doctreedir.rglob("*.woff2")]) == 1
