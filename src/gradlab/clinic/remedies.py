"""What is tried on every patient: each remedy is one setting changed, or it says why there is nothing to change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gradlab.arguments import one_of
from gradlab.clinic.case import Case
from gradlab.clinic.patients import Patient

HAS_IT = "has it already"
NO_LAYERS = "its depth is the length of the sequence"
ACROSS_TIME = "statistics across a batch would differ from one time step to the next"
NOT_RECURRENT = "no state that is carried on"
OWN_WEIGHTS = "its weights are drawn in its own way"

Change = dict[str, Any] | str


def _rate(patient: Patient) -> Change:
    kind, rate = patient.case.step
    return {"step": (kind, rate / 10)}


def _warm_up(patient: Patient) -> Change:
    return {"warm_up": patient.case.steps // 2}


def _clip_at(patient: Patient, norm: float) -> Change:
    return {"max_norm": norm} if patient.case.max_norm != norm else HAS_IT


def _weights(patient: Patient, scheme: str, gain: float) -> Change:
    case = patient.case
    if case.gates is not None or case.skips is not None or (case.length is not None and scheme == "he"):
        return OWN_WEIGHTS
    wanted = (scheme, 1.0 if case.length else gain)
    return HAS_IT if case.weights == wanted else {"weights": wanted}


def _norm(patient: Patient, norm: str) -> Change:
    case = patient.case
    if case.gates is not None or (case.length is not None and norm == "batch"):
        return ACROSS_TIME if norm == "batch" else "not built into the book's LSTM"
    return HAS_IT if case.norm == norm else {"norm": norm}


def _skips(patient: Patient, kind: str) -> Change:
    return NO_LAYERS if patient.case.length else {"skips": kind}


def _gates(patient: Patient) -> Change:
    return {"gates": "open"} if patient.case.length else NOT_RECURRENT


def _scaled(patient: Patient) -> Change:
    return HAS_IT if patient.case.scaled else {"scaled": True}


def _adam(patient: Patient) -> Change:
    return HAS_IT if patient.case.step[0] == "adam" else {"step": ("adam", 0.001)}


def _halve(patient: Patient) -> Change:
    return NO_LAYERS if patient.case.length else {"depth": patient.case.depth // 2}


REMEDIES: dict[str, Callable[[Patient], Change]] = {
    "rate ÷ 10": _rate,
    "warm-up": _warm_up,
    "clip at 1": lambda patient: _clip_at(patient, 1.0),
    "clip at the usual": lambda patient: _clip_at(patient, patient.usual_norm),
    "weight decay": lambda patient: {"decay": 0.01},
    "He weights": lambda patient: _weights(patient, "he", 1.0),
    "orthogonal": lambda patient: _weights(patient, "orthogonal", 2**0.5),
    "batch norm": lambda patient: _norm(patient, "batch"),
    "layer norm": lambda patient: _norm(patient, "layer"),
    "scaled skips": lambda patient: _skips(patient, "scaled"),
    "skips from zero": lambda patient: _skips(patient, "zero"),
    "open gates": _gates,
    "scaled inputs": _scaled,
    "Adam": _adam,
    "half the layers": _halve,
    "batch ÷ 8": lambda patient: {"batch": patient.case.batch // 8},
    "wider numbers": lambda patient: {"numbers": "float32" if patient.case.numbers == "float16" else "float64"},
}
"""Remedy, and for a patient the one setting that it changes; or text, where it does not apply."""


def treated(patient: Patient, remedy: str) -> Case | str:
    """Return a patient's case with a remedy, or the reason why it does not apply.

    Parameters
    ----------
    patient : Patient
    remedy : str
        A key of `REMEDIES`.

    Returns
    -------
    Case or str

    Raises
    ------
    TypeError
        If `patient` is not a `Patient`.
    ValueError
        If there is no such remedy.
    """
    if not isinstance(patient, Patient):
        raise TypeError(f"patient must be a gradlab.clinic.Patient, got {patient!r}")
    change = REMEDIES[one_of("remedy", remedy, tuple(REMEDIES))](patient)
    return change if isinstance(change, str) else patient.case.but(**change)
