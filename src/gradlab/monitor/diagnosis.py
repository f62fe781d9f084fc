"""What the monitor says of a run: one verdict, and what it rests on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["EXPLODING", "WATCH", "NOT EXPLODING"]


@dataclass(frozen=True)
class Event:
    """One rule that fired, once.

    Parameters
    ----------
    level : {"EXPLODING", "WATCH"}
        What the rule, alone, makes of the run.
    step : int
        The step, as counted by `GradMonitor.record`, at which the rule's condition was met.
    layer : str or None
        The parameter that it is about; None where it is about the run, such as its loss.
    text : str
        What was seen, with its number, in one line.
    rule : str
        Name of the rule in `gradlab.monitor.rules`.
    """

    level: Literal["EXPLODING", "WATCH"]
    step: int
    layer: str | None
    text: str
    rule: str


@dataclass(frozen=True)
class Cause:
    """One possible cause of what was seen.

    Parameters
    ----------
    name : str
        Short name, for tests and tables.
    weight : float
        How strongly the signs speak for it: 2 and more is said to be likely, less perhaps.
    text : str
        The cause and its evidence, in one sentence without a full stop.
    advice : tuple of str
        What to try, the first thing first.
    """

    name: str
    weight: float
    text: str
    advice: tuple[str, ...]


@dataclass(frozen=True)
class Diagnosis:
    """The monitor's opinion of a run.

    Parameters
    ----------
    verdict : {"EXPLODING", "WATCH", "NOT EXPLODING"}
        The gravest level among the events; "NOT EXPLODING" without any, which is not "healthy".
    events : tuple of Event
        Every rule that fired, in order of step.
    onset : int or None
        The step at which the trouble was first seen; None without events.
    where : str or None
        The layer in which it was first seen, or largest when it was first seen.
    likely, unlikely, advice : tuple of str
        Causes that the readings speak for and against, and what to try, the first thing first. A likely cause is an
        inference from norms, not a proof.
    steps, sampled, skipped : int
        Steps recorded, steps whose norms were read, and steps that the optimizer did not take.
    overhead : float
        Share of the run's wall-clock time spent inside the monitor.
    """

    verdict: Verdict
    events: tuple[Event, ...]
    onset: int | None
    where: str | None
    likely: tuple[str, ...]
    unlikely: tuple[str, ...]
    advice: tuple[str, ...]
    steps: int
    sampled: int
    skipped: int
    overhead: float
