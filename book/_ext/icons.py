"""Sphinx extension: serve only the icons that the pages show.

The theme brings all of Font Awesome, as fonts (274 kB for some thirty icons) and once more as a script (542 kB). The
fonts are cut down to the glyphs that pages, scripts or style sheets name; the script is emptied.
"""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from cut_fonts import cut

RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
NAME = re.compile(r"\bfa-[\w-]+")
GLYPH = re.compile(r"\\([ef][0-9a-f]{3})\b|([\ue000-\uf8ff])")  # escaped, or as it is
FONTS = "theme/pydata_sphinx_theme/static/vendor/fontawesome/webfonts"


def glyphs_in_use(site: Path) -> set[int]:
    """Code points of the icons whose class a page or script names, and of those that style sheets use by themselves."""
    named = {name for end in ("html", "js") for path in site.rglob(f"*.{end}") for name in NAME.findall(_text(path))}
    glyphs: set[int] = set()
    for path in site.rglob("*.css"):
        for selector, body in RULE.findall(_text(path)):
            names = set(NAME.findall(selector))
            if not names or names & named:
                glyphs.update(int(code, 16) if code else ord(glyph) for code, glyph in GLYPH.findall(body))
    return glyphs


def cut_icons(app: Sphinx, exception: Exception | None) -> None:
    """Write the fonts with the glyphs in use, and empty the script."""
    if exception is not None or app.builder.format != "html":
        return
    static = Path(app.outdir) / "_static"
    (static / "scripts" / "fontawesome.js").write_text("/* the icons come from the theme's fonts */\n")
    glyphs = glyphs_in_use(Path(app.outdir))
    for source in resources.files("pydata_sphinx_theme").joinpath(FONTS).iterdir():
        if source.name.endswith(".woff2"):
            cut(app, Path(str(source)), static / "vendor" / "fontawesome" / "webfonts" / source.name, glyphs)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.connect("build-finished", cut_icons)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
