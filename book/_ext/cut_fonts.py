"""Fonts cut down to the characters that pages use; each cut is kept with the build, as it takes half a second."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable
from pathlib import Path

from sphinx.application import Sphinx


def cut(app: Sphinx, source: Path, target: Path, characters: Iterable[int], **options: object) -> None:
    """Write a font with these code points alone as WOFF2, with further options of `fontTools.subset.Options`."""
    wanted = sorted(characters)
    key = hashlib.sha256(source.read_bytes() + repr((wanted, options)).encode()).hexdigest()[:16]
    kept = Path(app.doctreedir) / "fonts" / f"{source.stem}-{key}.woff2"
    if not kept.exists():
        for stale in kept.parent.glob(f"{source.stem}-*"):
            stale.unlink()
        kept.parent.mkdir(parents=True, exist_ok=True)
        _subset(source, kept, wanted, options)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(kept, target)


def _subset(source: Path, target: Path, characters: list[int], options: dict[str, object]) -> None:
    from fontTools import subset  # a fifth of a second, which most builds need not wait

    all_options = subset.Options(flavor="woff2", **options)
    font = subset.load_font(str(source), all_options)
    subsetter = subset.Subsetter(all_options)
    subsetter.populate(unicodes=characters)
    subsetter.subset(font)
    subset.save_font(font, str(target), all_options)
