"""A clinic: six broken runs, what they might be treated with, and what became of all of it.

A case is a list of settings, and every remedy and every cure changes exactly one::

    mlp = clinic.patient("MLP")
    history = clinic.train(mlp.case)  # twenty seeds
    print(clinic.examine(mlp.case).report())
    clinic.train(mlp.case.but(weights=("he", 1.0)))

What was found is recorded in the package (`grid`, `curves`); ``python -m gradlab.clinic`` measures it anew.
"""

from gradlab.clinic.case import Case
from gradlab.clinic.grid import AS_IS, VERDICTS, Cell, curves, grid, is_close, measure, table, verdict
from gradlab.clinic.patients import CONTROL, PATIENTS, Patient, patient
from gradlab.clinic.remedies import REMEDIES, treated
from gradlab.clinic.runs import examine, train

__all__ = [
    "AS_IS",
    "CONTROL",
    "PATIENTS",
    "REMEDIES",
    "VERDICTS",
    "Case",
    "Cell",
    "Patient",
    "curves",
    "examine",
    "grid",
    "is_close",
    "measure",
    "patient",
    "table",
    "train",
    "treated",
    "verdict",
]
