"""The table of wrong arguments, of the clinic and its pictures."""

import torch
from torch import nn

from gradlab import clinic, figures
from gradlab.clinic import rounding
from gradlab.clinic.grid import record
from wrong_values import (
    NOT_A_DTYPE,
    NOT_A_FLAG,
    NOT_A_MAPPING,
    NOT_A_NUMBER,
    NOT_A_SERIES,
    NOT_A_TABLE,
    NOT_POSITIVE,
    NOT_REAL,
    NOT_WHOLE,
    NOT_WORDS,
    optional,
    sizes,
)

LOGS = [[0.0, 1.0], [0.0, 2.0]]
CASE = clinic.Case("cancer", ("sgd", 0.1), steps=1, depth=2, width=2)
MLP = clinic.patient("MLP")
CELL = clinic.Cell(alive=20, healthy=0, health=0.5, spread=0.1, first=1.0)

NOT_A_CASE = [(value, None, "gradlab.clinic.Case") for value in (None, "MLP", MLP)]
NOT_A_PATIENT = [(value, None, "gradlab.clinic.Patient") for value in (None, "MLP", CASE)]
NOT_A_CELL = [(value, None, "gradlab.clinic.Cell") for value in (None, 20, "cured")]


def pairs(first):
    """Return what is no pair of a name and a positive number."""
    return [
        *((value, None, "pair of one of") for value in (None, first, ("no", 1.0), (first,), [first, 1.0])),
        *(((first, value), repr(value) if shown is None else shown, allowed) for value, shown, allowed in NOT_POSITIVE),
    ]


def others(*names, allowed):
    return [(value, None, allowed) for value in names]


# every public function, with arguments that are right
RIGHT = {
    clinic.Case: {"data": "digits", "step": ("sgd", 0.1), "steps": 1},
    clinic.train: {"case": CASE, "first": 0, "seeds": 1, "order": 0},
    clinic.examine: {"case": CASE, "seed": 0, "steps": 1},
    clinic.patient: {"name": "MLP"},
    clinic.treated: {"patient": MLP, "remedy": "clip at 1"},
    clinic.measure: {"patient": MLP, "case": CASE, "first": 0},
    clinic.verdict: {"cell": CELL, "untreated": CELL},
    clinic.is_close: {"cell": CELL, "untreated": CELL},
    clinic.curves: {"name": "MLP", "remedy": "clip at 1"},
    rounding.RoundedLinear: {"linear": nn.Linear(1, 1), "dtype": torch.float16},
    rounding.round_linear_layers_: {"network": nn.Sequential(nn.Linear(1, 1)), "dtype": torch.float16},
    figures.remedies_on_patients: {"outcomes": {"a": {"p": ("cured", False)}}, "settings": "words"},
    figures.losses_under_treatment: {
        "steps": [0, 1],
        "before": LOGS,
        "after": LOGS,
        "title": "words",
        "settings": "words",
    },
}

WRONG = [
    (clinic.Case, "data", others("mnist", None, allowed="one of 'digits'")),
    (clinic.Case, "step", pairs("sgd")),
    (clinic.Case, "weights", pairs("he")),
    *((clinic.Case, name, sizes(1)) for name in ("steps", "batch", "depth", "width")),
    (clinic.Case, "warm_up", sizes(0)),
    (clinic.Case, "norm", others("bn", True, allowed="'batch', 'layer'")),
    (clinic.Case, "skips", others("no", True, allowed="'plain', 'scaled'")),
    (clinic.Case, "length", [*optional(NOT_WHOLE), (9, None, "at least 10"), (20, None, "two cues")]),
    (clinic.Case, "gates", [*others("shut", True, allowed="'half open', 'open'"), ("open", None, "no length")]),
    (clinic.Case, "scaled", NOT_A_FLAG),
    (clinic.Case, "max_norm", optional(NOT_POSITIVE)),
    (clinic.Case, "decay", [*NOT_REAL, *NOT_A_NUMBER, (-0.1, None, "at least 0")]),
    (clinic.Case, "numbers", others("float8", None, torch.float16, allowed="one of 'float16'")),
    (clinic.Case, "loss_scale", NOT_POSITIVE),
    (clinic.train, "case", NOT_A_CASE),
    (clinic.train, "first", sizes(0)),
    (clinic.train, "seeds", sizes(1)),
    (clinic.train, "order", sizes(0)),
    (clinic.examine, "case", NOT_A_CASE),
    (clinic.examine, "seed", sizes(0)),
    (clinic.examine, "steps", optional(sizes(1))),
    (clinic.patient, "name", others("GRU", None, 1, allowed="one of 'MLP'")),
    (clinic.treated, "patient", NOT_A_PATIENT),
    (clinic.treated, "remedy", others("prayer", None, allowed="one of 'rate ÷ 10'")),
    (clinic.measure, "patient", NOT_A_PATIENT),
    (clinic.measure, "case", NOT_A_CASE),
    (clinic.measure, "first", sizes(0)),
    *((call, name, NOT_A_CELL) for call in (clinic.verdict, clinic.is_close) for name in ("cell", "untreated")),
    (clinic.curves, "name", others("GRU", None, allowed="one of 'MLP'")),
    (clinic.curves, "remedy", [*others("prayer", None, allowed="one of 'untreated'"), ("open gates", None, "apply")]),
    (rounding.RoundedLinear, "linear", others(None, nn.ReLU(), allowed="nn.Linear")),
    (rounding.RoundedLinear, "dtype", NOT_A_DTYPE),
    (rounding.round_linear_layers_, "network", others(None, torch.relu, allowed="nn.Module")),
    (rounding.round_linear_layers_, "dtype", NOT_A_DTYPE),
    (
        figures.remedies_on_patients,
        "outcomes",
        [*NOT_A_MAPPING, ({}, None, "one to 20"), ({"a": {}}, "{}", "one to 7"), ({"a": 3}, "3", "mapping")],
    ),
    (
        figures.remedies_on_patients,
        "outcomes",
        [({f"{k}": {"p": ("cured", False)} for k in range(21)}, None, "one to 20")],
    ),
    (figures.remedies_on_patients, "outcomes", [({"a": {p: ("cured", False) for p in "abcdefgh"}}, "'h'", "one to 7")]),
    (
        figures.remedies_on_patients,
        "outcomes",
        [({"a": {"p": ("cured", True)}, "b": {"q": ("cured", True)}}, "'q'", "['p']")],
    ),
    (
        figures.remedies_on_patients,
        "outcomes",
        [
            ({"a": {"p": value}}, shown, allowed)
            for value, shown, allowed in (
                ("cured", "'cured'", "and whether"),
                (("healed", True), "'healed'", "one of 'cured'"),
                (("cured", 1), "1", "True or False"),
            )
        ],
    ),
    (figures.remedies_on_patients, "settings", NOT_WORDS),
    (figures.losses_under_treatment, "steps", NOT_A_SERIES),
    *((figures.losses_under_treatment, name, optional(NOT_A_TABLE)) for name in ("before", "after")),
    (figures.losses_under_treatment, "before", [(None, None, "real numbers")]),
    *((figures.losses_under_treatment, name, [([[1.0]], "(1, 1)", "2 steps")]) for name in ("before", "after")),
    (figures.losses_under_treatment, "title", NOT_WORDS),
    (figures.losses_under_treatment, "settings", NOT_WORDS),
]

WITHOUT_INPUT = {
    clinic.Patient: "made in its room",
    clinic.Cell: "made by measure",
    clinic.grid: "takes no argument",
    clinic.table: "takes no argument",
    record: "takes no argument",
}
