"""One source made from another, so that a list of solutions shows only what is different about each."""

from textwrap import dedent


def changed(source, *changes):
    """Return `source` with each ``(old, new)`` of the changes made; it must be there."""
    for old, new in changes:
        assert old in source, f"{old!r} is not in the source"
        source = source.replace(old, new)
    return source


def text(source):
    """Return a source without the indentation of the place where it is written down."""
    return dedent(source).strip("\n") + "\n"
