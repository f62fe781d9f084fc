"""A diagnosis in words: one verdict, then what, where, why perhaps, what to try, and on what basis."""

from __future__ import annotations

import textwrap

from gradlab.monitor.diagnosis import Diagnosis, Event
from gradlab.numerals import readable

WIDTH = 100
"""Columns of the report, so that it fits a terminal and a notebook."""

UNPAIRED = (
    "most calls of record were not followed by a step: call it once for each step of the optimizer, after the last "
    "backward()"
)
"""What is said of a run most of whose steps seem skipped."""

MARGIN = 12
"""Columns of the field names."""


def in_words(diagnosis: Diagnosis) -> str:
    """Return the report on a run.

    Parameters
    ----------
    diagnosis : Diagnosis
        Of a run of any length, also of none.

    Returns
    -------
    str
        A line with the verdict, then named fields, wrapped at 100 columns; none of them is empty.
    """
    fields = {
        "What": _what(diagnosis),
        "Where": [diagnosis.where or "no single layer stands out"] if diagnosis.events else [],
        "Likely": [text.removeprefix("likely ") for text in diagnosis.likely],
        "Unlikely": list(diagnosis.unlikely),
        "Try": _numbered(diagnosis.advice),
        "Basis": _basis(diagnosis),
    }
    return "\n".join([headline(diagnosis), *(line for name, items in fields.items() for line in _field(name, items))])


def headline(diagnosis: Diagnosis) -> str:
    """Return the verdict and the step at which the trouble began, such as ``EXPLODING at step 63``."""
    if diagnosis.onset is None:
        return diagnosis.verdict
    return f"{diagnosis.verdict} {'since' if diagnosis.verdict == 'WATCH' else 'at'} step {diagnosis.onset}"


def _what(diagnosis: Diagnosis) -> list[str]:
    if not diagnosis.steps:
        return ["nothing was recorded yet: call record(loss) after each backward pass"]
    misused = [UNPAIRED] if diagnosis.skipped > diagnosis.steps / 2 else []
    if not diagnosis.events:
        return [
            *misused,
            "no lasting trouble: the loss did not stay above its start, it fell after steps that were large for their "
            "weights, if there were any, and nothing that was taken was not finite",
            "this is not a certificate of health: a run that learns nothing does not explode either",
        ]
    gravest_first = sorted(diagnosis.events, key=lambda event: (event.level != "EXPLODING", event.step))
    said: dict[tuple[int, str | None], Event] = {}
    for event in gravest_first:  # of what was seen in one place at one step, the gravest is enough
        said.setdefault((event.step, event.layer), event)
    return [_at_its_step(event, diagnosis) for event in list(said.values())[:3]] + misused


def _at_its_step(event: Event, diagnosis: Diagnosis) -> str:
    return event.text if event.step == diagnosis.onset else f"at step {event.step}: {event.text}"


def _numbered(texts: tuple[str, ...]) -> list[str]:
    return list(texts) if len(texts) == 1 else [f"{k}. {text}" for k, text in enumerate(texts, 1)]


def _basis(diagnosis: Diagnosis) -> list[str]:
    if not diagnosis.steps:
        return ["no step"]
    return [
        f"{diagnosis.sampled} of {_counted(diagnosis.steps, 'step')} sampled, "
        f"{_counted(diagnosis.skipped, 'skipped step')}, {readable(100 * diagnosis.overhead, 2)} % of run time; "
        "norms before clipping, from which causes are inferred, not proved"
    ]


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _field(name: str, items: list[str]) -> list[str]:
    """Return a field's lines, each item on a line of its own; none if there is nothing to say."""
    lines = []
    for k, item in enumerate(items):
        start = (f"  {name}" if k == 0 else "").ljust(MARGIN)
        lines += textwrap.wrap(
            item, WIDTH, initial_indent=start, subsequent_indent=" " * MARGIN + "  ", break_on_hyphens=False
        )
    return lines
