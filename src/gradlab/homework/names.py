"""Ids and names as they are compared, however somebody typed them."""

from __future__ import annotations

import unicodedata


def same_id(student: str) -> str:
    """Return a student's id as it is compared: without regard to case, width and surrounding space."""
    return unicodedata.normalize("NFKC", str(student)).strip().casefold()


def plain(name: str) -> str:
    """Return a name's letters alone, in lower case and without accents."""
    parts = unicodedata.normalize("NFKD", name).casefold()
    return "".join(sign for sign in parts if sign.isalnum())
