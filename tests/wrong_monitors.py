"""The part of the table of wrong arguments that is about the monitor and the runs it is tried on."""

import importlib
import pkgutil

import torch
from torch import nn

from gradlab import monitor, zoo
from gradlab.monitor import GradMonitor, locate_nonfinite
from wrong_values import NOT_POSITIVE, optional, sizes

MODEL = nn.Linear(2, 1)
OPTIMIZER = torch.optim.SGD(MODEL.parameters(), lr=0.1)
OTHER = nn.Linear(2, 1)
LAZY = nn.LazyLinear(1)
META = nn.Linear(2, 1, device="meta")
WHOLE = nn.Embedding.from_pretrained(torch.ones(2, 2, dtype=torch.int64))

RIGHT = {
    GradMonitor: {"model": MODEL, "optimizer": OPTIMIZER, "scaler": torch.amp.GradScaler("cpu")},
    locate_nonfinite: {"model": MODEL, "closure": lambda: MODEL(torch.ones(3, 2)).sum()},
    zoo.kind: {"name": "outlier-batch"},
}

NOT_A_MODULE = [(value, None, "torch.nn.Module") for value in (None, "model", torch.relu, OPTIMIZER)]
NOT_OURS = [
    (torch.optim.SGD(OTHER.parameters(), lr=0.1), None, "hold parameters of the model"),
    (torch.optim.LBFGS(MODEL.parameters()), None, "one gradient for each step"),
]
NOT_A_LOSS = [
    (lambda: None, "None", "as a tensor"),
    (lambda: torch.ones(2, requires_grad=True), "(2,)", "one real number"),
]

WRONG = [
    (GradMonitor, "model", NOT_A_MODULE),
    (GradMonitor, "model", [(model, None, "values in all its parameters") for model in (LAZY, META)]),
    (GradMonitor, "model", [(model, None, "parameters to train") for model in (nn.ReLU(), WHOLE)]),
    (
        GradMonitor,
        "optimizer",
        [(value, None, "torch.optim.Optimizer") for value in (None, "sgd", torch.optim.SGD, MODEL)],
    ),
    (GradMonitor, "optimizer", NOT_OURS),
    (GradMonitor, "budget", [*NOT_POSITIVE, (1.5, None, "at most 1")]),
    (GradMonitor, "every", optional(sizes(1))),
    (
        GradMonitor,
        "scaler",
        [(value, None, "torch.amp.GradScaler") for value in (2.0**16, "scaler", torch.amp.GradScaler)],
    ),
    (locate_nonfinite, "model", [*NOT_A_MODULE[:-1], (LAZY, "lazy parameters", "run once")]),
    (locate_nonfinite, "closure", [(value, None, "forward pass") for value in (None, 3, "loss")]),
    (locate_nonfinite, "closure", [*NOT_A_LOSS, (lambda: torch.ones(()), "tensor(1.)", "requires a gradient")]),
    (zoo.kind, "name", [(value, None, "'outlier-batch'") for value in ("no-such-kind", None, ["outlier-batch"])]),
]

WITHOUT_INPUT = {
    call: "an inner room: called by GradMonitor, locate_nonfinite and the zoo's own tables, which check"
    for package in (monitor, zoo)
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    for name, call in vars(importlib.import_module(module.name)).items()
    if not name.startswith("_")
    and getattr(call, "__module__", "") == module.name
    and call not in RIGHT
    and callable(call)
}
