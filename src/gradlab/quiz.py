"""Questions at the end of a chapter that ask for a prediction, and say of each answer why it is right or wrong.

Nobody marks the right option: it is the one that agrees with what the cell has computed. The browser's part is in
``quiz.js``. (jupyterquiz has the author type which answer is right, fetches MathJax from another host, and tells a
screen reader nothing.)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from gradlab.arguments import mapping, real_number, sequence_of, some_text
from gradlab.numerals import readable

MOST_OPTIONS = 6


@dataclass(frozen=True)
class Question:
    """A question whose right answer was computed; make one with `question`.

    Parameters
    ----------
    text : str
        What is asked; words between backticks are code.
    options : tuple of (str, str)
        Each possible answer, and why it is right or wrong.
    right : int
        Position of the right answer.
    """

    text: str
    options: tuple[tuple[str, str], ...]
    right: int


class Quiz(anywidget.AnyWidget):
    """Questions to answer on the page; make them with `quiz`."""

    _esm = Path(__file__).with_name("quiz.js")
    _css = Path(__file__).with_name("quiz.css")

    questions = traitlets.List().tag(sync=True)  # [{"text", "options": [[answer, why], ...], "right"}]

    def __repr__(self) -> str:
        lines = []
        for number, asked in enumerate(self.questions, start=1):
            lines += [f"{number}. {asked['text']}", *(f"   - {answer}" for answer, _ in asked["options"])]
        return "\n".join(lines)


def question(
    text: str,
    options: Mapping[float | str, str],
    *,
    right: float | str | Callable[[Any], bool],
    unit: str = "",
) -> Question:
    """Ask for a prediction.

    Parameters
    ----------
    text : str
        What is asked; words between backticks are code.
    options : mapping
        From each possible answer to why it is right or wrong: two to `MOST_OPTIONS` numbers, which are shown in the
        order of their size, or texts, shown in this order. Infinity and NaN are numbers here.
    right : float, str or callable
        What the cell has computed. Among numbers the option is right that `right` gives when rounded to as many
        significant digits (400 has one, and so stands for 350 to 450); among texts the one that reads the same. A
        function is called with each option, and says whether it is right.
    unit : str
        Follows each number.

    Returns
    -------
    Question

    Raises
    ------
    TypeError
        If `text`, an option's reason or `unit` is not text, `options` is no mapping of numbers or of texts, or
        `right` is not of their kind.
    ValueError
        If `text`, a text option or a reason is blank, two options read the same, there are too few or too many, or
        `right` does not agree with exactly one.
    """
    text = some_text("text", text)
    if not isinstance(unit, str):
        raise TypeError(f"unit must be text, got {unit!r}")
    answers = _answers(options)
    agrees = right if callable(right) else _agreement(right, of_text=isinstance(answers[0], str))
    found = [position for position, answer in enumerate(answers) if agrees(answer)]
    if len(found) != 1:
        wanted = [answers[position] for position in found]
        raise ValueError(f"right must agree with exactly one option of {answers}, got {right!r}, which gives {wanted}")
    shown = [answer if isinstance(answer, str) else f"{_written(answer)} {unit}".strip() for answer in answers]
    return Question(text, tuple(zip(shown, map(options.__getitem__, answers), strict=True)), found[0])


def quiz(questions: Sequence[Question]) -> Quiz:
    """Show questions that readers answer on the page, without a kernel.

    Parameters
    ----------
    questions : list of Question
        At least one.

    Returns
    -------
    Quiz
        A widget (also an `ipywidgets.DOMWidget`); end a cell with it.

    Raises
    ------
    TypeError
        If `questions` is not a list or tuple of `Question`.
    ValueError
        If it is empty.
    """
    asked = sequence_of("questions", questions, Question)
    return Quiz(questions=[{"text": q.text, "options": [list(o) for o in q.options], "right": q.right} for q in asked])


def _answers(options: Mapping[float | str, str]) -> list[Any]:
    """Return the keys of `options` in the order in which they are shown."""
    keys = list(mapping("options", options))
    if not 2 <= len(keys) <= MOST_OPTIONS:
        raise ValueError(f"options must be 2 to {MOST_OPTIONS}, got {options!r}")
    for why in options.values():
        some_text("options (the reason)", why)
    if all(isinstance(key, str) for key in keys):
        return [some_text("options", key) for key in keys]
    for key in keys:
        real_number("options", key, or_nan=True)
    if len({_written(key) for key in keys}) < len(keys):
        raise ValueError(f"options must not read the same, got {options!r}")
    return sorted(keys, key=lambda key: (math.isnan(key), key))


def _agreement(right: Any, *, of_text: bool) -> Callable[[Any], bool]:
    """Return the function that says whether an option is the computed one."""
    if of_text:
        if not isinstance(right, str):
            raise TypeError(f"right must be text, as the options are, or a function, got {right!r}")
        return lambda option: option == right
    value = real_number("right", right, or_nan=True)

    def agrees(option: float) -> bool:
        rounded = float(f"{value:.{_digits(option) - 1}e}")
        return rounded == float(option) or (math.isnan(rounded) and math.isnan(option))

    return agrees


def _digits(number: float) -> int:
    """Count a number's significant digits, without the zeros at its end."""
    mantissa = f"{float(number):.14e}".partition("e")[0]
    return max(1, len(mantissa.strip("-").rstrip("0").replace(".", "")))


def _written(number: float) -> str:
    return readable(number, _digits(number)).removeprefix("1 × ")
