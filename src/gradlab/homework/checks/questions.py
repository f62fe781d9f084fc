"""What a homework asks, and the properties that an answer must have.

A property is a function of an answer and of a draw. It knows nothing of where the student's code runs: in the notebook
beside it, or in a sandbox at the other end of a pipe. `gradlab.homework.assignments` holds the five homeworks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from gradlab.homework.checks.draws import Draw


class StudentError(Exception):
    """The student's code did not answer: it raised, took too long, is not there, or returned what cannot be read.

    Parameters
    ----------
    words : str
        What it did, to follow "your code": "raised ValueError: ...".
    raised : str
        The exception's name, or "missing", "time-out", "crash" or "unreadable".
    tried : str
        The call that came to nothing, where it is to be told.
    """

    def __init__(self, words: str, raised: str = "", tried: str = "") -> None:
        self.raised, self.tried = raised, tried
        super().__init__(words)


class Answer(Protocol):
    """What a student defined under one name: a function, a number, an object.

    Tensors come back detached and on the CPU; their values, shapes and dtypes are the student's.
    """

    @property
    def value(self) -> Any:
        """What the name stands for, if that is data."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call it. Arguments are copies, so nothing the student does to them is seen here."""

    def after(self, *args: Any, **kwargs: Any) -> tuple[Any, list[Any]]:
        """Call it; return its result, and the positional arguments as the call left them.

        A leaf that requires a gradient comes back as one, with its ``grad``. What is no data comes back as a handle:
        an answer itself, with ``method(name, *args, **kwargs)`` beside.
        """


@dataclass(frozen=True)
class Property:
    """One thing that must be true of an answer.

    Parameters
    ----------
    name : str
        The property in words, as a student reads it: "agrees with autograd".
    points : int
        What it is worth.
    hidden : bool
        Whether only the grader tries it. Its code is public all the same: what a student lacks are the numbers drawn.
    holds : callable
        Takes an `Answer` and a `Draw`; raises `Unmet` if the property does not hold.
    """

    name: str
    points: int
    hidden: bool
    holds: Callable[[Answer, Draw], None]


@dataclass(frozen=True)
class Question:
    """One question of a homework.

    Parameters
    ----------
    id : str
        Such as ``"q1"``.
    title : str
    asks_for : str
        The name that the student defines; empty for a written answer.
    written_points : int
        What a person can give for a written answer; 0 for a question that is checked.
    personal : callable, optional
        Takes a `Draw` that depends on the student alone, and returns their own numbers by name.
    seconds : float
        How long one call may take.
    homework : str
        The id of the homework that asks it.
    properties : list of Property
    """

    id: str
    title: str
    asks_for: str = ""
    written_points: int = 0
    personal: Callable[[Draw], Mapping[str, Any]] | None = None
    seconds: float = 20.0
    homework: str = ""
    properties: list[Property] = field(default_factory=list)

    @property
    def points(self) -> int:
        """What the question is worth."""
        return self.written_points + sum(one.points for one in self.properties)

    def requires(self, name: str, *, points: int, hidden: bool = False) -> Callable[[Callable], Callable]:
        """Return a decorator that adds a property."""

        def add(holds: Callable[[Answer, Draw], None]) -> Callable[[Answer, Draw], None]:
            self.properties.append(Property(name, points, hidden, holds))
            return holds

        return add


@dataclass(frozen=True)
class Homework:
    """A set of questions.

    Parameters
    ----------
    id : str
        Such as ``"hw03"``.
    title : str
    questions : list of Question
    """

    id: str
    title: str
    questions: list[Question] = field(default_factory=list)

    def question(self, id: str, title: str, **details: Any) -> Question:
        """Add a question and return it; `details` as in `Question`."""
        asked = Question(id, title, homework=self.id, **details)
        self.questions.append(asked)
        return asked

    def find(self, id: str) -> Question:
        """Return the question by that id.

        Raises
        ------
        ValueError
            If there is none.
        """
        for asked in self.questions:
            if asked.id == id:
                return asked
        raise ValueError(f"{self.id} has no question {id!r}; it has {', '.join(one.id for one in self.questions)}")

    @property
    def points(self) -> int:
        """What the whole homework is worth."""
        return sum(one.points for one in self.questions)
