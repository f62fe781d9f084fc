"""How curves are told apart: a colour, a dash and a marker each. The book's characters keep theirs in every chapter."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from gradlab.canvas import BLUE, GREEN, ORANGE, RED, VIOLET


class Look(NamedTuple):
    """What tells a curve from others, with and without colour."""

    color: str
    dash: str
    marker: str


FIRST, SECOND, THIRD, FOURTH, FIFTH = LOOKS = (
    Look(BLUE, "-", "o"),
    Look(ORANGE, "--", "s"),
    Look(VIOLET, ":", "^"),
    Look(GREEN, "-.", "D"),
    Look(RED, "--", "v"),
)
"""In the order in which they are given out; the fifth is for pictures that tell curves apart by markers."""

CHARACTERS = {
    # what is measured along depth
    "backward signal": FIRST,
    "gradient in W": SECOND,
    "activations": THIRD,
    # weights
    "1.2 × He": FIRST,
    "He": SECOND,
    "He, in the end": SECOND,
    "1.5 × He": THIRD,
    "1.5 × He, at first": THIRD,
    # without and with a remedy
    "free": SECOND,
    "clipped": FIRST,
    "clipped at 1": FIRST,
    # ways to build a stack
    "plain": FIRST,
    "plain f(x)": FIRST,
    "no norm": FIRST,
    "batch norm": SECOND,
    "residual": THIRD,
    "x + f(x)": THIRD,
    # activations
    "linear": FIRST,
    "relu": SECOND,
    "sigmoid": THIRD,
    "tanh": FOURTH,
    "gelu": FIFTH,
}
"""Labels that come back in several chapters, and how their curves look in all of them."""


def looks_of(labels: Iterable[str]) -> dict[str, Look]:
    """Give each curve of one picture its own look: the book's characters theirs, the others the first that are left.

    Parameters
    ----------
    labels : iterable of str
        As many as there are `LOOKS`, at most.

    Returns
    -------
    dict
        From each label, in the given order, to its look; where two characters with the same look meet, the first one
        keeps it.

    Raises
    ------
    ValueError
        If there are more labels than looks.
    """
    labels, given = list(labels), {}
    if len(labels) > len(LOOKS):
        raise ValueError(f"labels must be {len(LOOKS)} at most, got {labels!r}")
    for label in labels:
        if (look := CHARACTERS.get(label)) is not None and look not in given.values():
            given[label] = look
    left = iter([look for look in LOOKS if look not in given.values()])
    return {label: given.get(label) or next(left) for label in labels}
