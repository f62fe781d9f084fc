"""Six broken runs, each with the one setting that is wrong with it; and a healthy one, for comparison."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gradlab.arguments import one_of
from gradlab.clinic.case import Case


@dataclass(frozen=True)
class Patient:
    """A broken run.

    Parameters
    ----------
    name : str
        What kind of network it is.
    case : Case
        As it arrives.
    fault : str
        One line: what is wrong.
    cure : mapping
        The one setting that is wrong, and its right value.
    chance : float
        Score of an answer that ignores the input.
    healthy : float
        The score from which a run counts as healthy: four fifths of the way from chance to the mended run's median.
    usual_norm : float
        Ninth decile of the norms of the mended run's gradients, for whoever clips there.
    """

    name: str
    case: Case
    fault: str
    cure: Mapping[str, Any]
    chance: float
    healthy: float
    usual_norm: float

    @property
    def mended(self) -> Case:
        """The same case with the one setting put right."""
        return self.case.but(**self.cure) if self.cure else self.case


_MLP = Case("digits", ("sgd", 0.05), steps=240, depth=10)

PATIENTS = (
    Patient(
        "MLP",
        _MLP.but(weights=("he", 1.5)),
        "weights 1.5 times as large as He's, in each of ten layers",
        {"weights": ("he", 1.0)},
        chance=0.1,
        healthy=0.75,
        usual_norm=7.2,
    ),
    Patient(
        "RNN",
        Case("two cues", ("sgd", 0.3), steps=250, width=32, weights=("orthogonal", 1.0), length=20),
        "a gradient that swells now and then, at a rate that leaves no room for it",
        {"max_norm": 1.0},
        chance=0.25,
        healthy=0.85,
        usual_norm=6.5,
    ),
    Patient(
        "LSTM",
        Case(
            "two cues",
            ("adam", 0.01),
            steps=300,
            width=32,
            weights=("default", 1.0),
            length=30,
            gates="half open",
            max_norm=1.0,
        ),
        "forget gates that halve the memory at every step",
        {"gates": "open"},
        chance=0.25,
        healthy=0.85,
        usual_norm=4.3,
    ),
    Patient(
        "BN stack",
        Case("digits", ("sgd", 0.05), steps=120, depth=40, norm="batch"),
        "forty batch-normalized layers in a row, with no way around them",
        {"skips": "scaled"},
        chance=0.1,
        healthy=0.78,
        usual_norm=2.5,
    ),
    Patient(
        "ResNet",
        Case("digits", ("sgd", 0.05), steps=120, depth=40, skips="plain"),
        "branches that are added up as they are, so that the sum doubles in mean square at every block",
        {"skips": "scaled"},
        chance=0.1,
        healthy=0.78,
        usual_norm=3.6,
    ),
    Patient(
        "float16",
        Case(
            "cancer",
            ("sgd", 0.1),
            steps=150,
            depth=4,
            width=32,
            scaled=False,
            numbers="float16",
            loss_scale=1024.0,
        ),
        "inputs in the units of the laboratory, which take the gradient out of float16's range",
        {"scaled": True},
        chance=0.65,
        healthy=0.9,
        usual_norm=0.9,
    ),
)
"""The six, in the order in which they arrive."""

CONTROL = Patient("control", _MLP, "nothing", {}, chance=0.1, healthy=0.75, usual_norm=7.2)
"""A healthy run that gets every remedy, too: the first patient, mended."""


def patient(name: str) -> Patient:
    """Return a patient by its name.

    Parameters
    ----------
    name : str
        Such as ``"MLP"``, or ``"control"``.

    Returns
    -------
    Patient

    Raises
    ------
    ValueError
        If there is no patient by that name.
    """
    everyone = {each.name: each for each in (*PATIENTS, CONTROL)}
    return everyone[one_of("name", name, tuple(everyone))]
