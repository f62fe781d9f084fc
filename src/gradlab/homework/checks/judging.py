"""Trying a question's properties on an answer, one after the other, whatever the answer does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from gradlab.homework.checks.draws import Draw
from gradlab.homework.checks.expectations import Unmet
from gradlab.homework.checks.questions import Answer, Property, Question, StudentError
from gradlab.homework.names import same_id

MOST_WORDS = 1000
STRIKES = 3
"""How many time-outs and crashes a question may have before its other properties are not tried."""


@dataclass(frozen=True)
class Outcome:
    """How one property fared.

    Parameters
    ----------
    property : str
        Its name.
    points, earned : int
        What it is worth, and what the answer got.
    hidden : bool
    tried, got, expected : str
        What an unmet property says; empty if it is met, or if the answer raised.
    raised : str
        What the answer did instead of answering, in words; empty if it answered.
    fault : str
        For the instructor: what the check itself raised on an answer that it could not read; counted as not met.
    """

    property: str
    points: int
    earned: int
    hidden: bool
    tried: str = ""
    got: str = ""
    expected: str = ""
    raised: str = ""
    fault: str = ""

    @property
    def met(self) -> bool:
        """Whether the property holds."""
        return not (self.tried or self.got or self.expected or self.raised or self.fault)


def judge(
    question: Question,
    answer: Answer,
    *,
    seed: str,
    student: str = "",
    hidden: bool = True,
    visible: bool = True,
    strikes: int = STRIKES,
) -> list[Outcome]:
    """Try the properties of a question.

    Parameters
    ----------
    question : Question
    answer : Answer
    seed : str
        What the numbers are drawn from.
    student : str
        Whose own numbers count.
    hidden, visible : bool
        Which of them to try.
    strikes : int
        After how many time-outs and crashes the rest is not tried.

    Returns
    -------
    list of Outcome
        One for each property that was to be tried, in their order.
    """
    personal = personal_numbers(question, student)
    outcomes: list[Outcome] = []
    struck = 0
    for one in question.properties:
        if not (hidden if one.hidden else visible):
            continue
        if struck >= strikes:
            before = f"{strikes} tries before it" if strikes > 1 else "the one before it"
            words = f"not tried: {before} took too long or ended Python"
            outcomes.append(Outcome(one.name, one.points, 0, one.hidden, raised=words))
            continue
        draw = Draw(seed, question.homework, question.id, one.name, personal=personal)
        outcome, fatal = _outcome(one, answer, draw)
        outcomes.append(outcome)
        struck += fatal
    return outcomes


def _outcome(one: Property, answer: Answer, draw: Draw) -> tuple[Outcome, bool]:
    def missed(**why: str) -> Outcome:
        return Outcome(one.name, one.points, 0, one.hidden, **{name: words[:MOST_WORDS] for name, words in why.items()})

    state = torch.random.get_rng_state()  # a check, or a student's code beside it, leaves the notebook's stream alone
    try:
        one.holds(answer, draw)
    except Unmet as unmet:
        return missed(tried=unmet.tried, got=unmet.got, expected=unmet.expected), False
    except StudentError as error:
        return missed(raised=str(error), tried=error.tried), error.raised in ("time-out", "crash")
    except Exception as error:  # the answer made the check itself fail: no points, and somebody should know
        words = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        return missed(raised="gave an answer that the check cannot read", fault=words), False
    finally:
        torch.random.set_rng_state(state)
    return Outcome(one.name, one.points, one.points, one.hidden), False


def personal_numbers(question: Question, student: str) -> Mapping[str, Any]:
    """Return a student's own numbers for a question; none if it has none."""
    if question.personal is None:
        return {}
    return question.personal(Draw("numbers", question.homework, question.id, same_id(student)))
