"""Values that are wrong, by what an argument should have been: for the table of wrong arguments."""

import math

import numpy as np
import torch
from matplotlib.figure import Figure

INF, NAN = math.inf, math.nan
HUGE = 10**400  # an integer that no float can hold
AX = Figure().subplots()
EYE = [[1.0, 0.0], [0.0, 1.0]]

# values that are wrong, with what the message says instead (None: the value's repr) and what it says is allowed
NOT_WHOLE = [(value, None, "must be an integer") for value in (2.0, "3", None, True, np.array([1, 2]), 1j)]
NOT_REAL = [(value, None, "one real number") for value in ("1", None, True, 1j, [1.0], np.ones(2), np.array(["a"]))]
NOT_A_NUMBER = [(NAN, None, "must be"), (torch.tensor(NAN), None, "must be")]
NOT_POSITIVE = [*NOT_REAL, *NOT_A_NUMBER, *((value, None, "positive and finite") for value in (0, -1.0, INF))]
TOO_LARGE = [(HUGE, None, "range of a float")]
NOT_REAL_ARRAY = [(value, None, "real numbers") for value in ("text", None, ["a"], [1j], [True], [None])]
RAGGED = [([[1.0], [1.0, 2.0]], None, "regular array")]
NOT_A_SERIES = [
    *NOT_REAL_ARRAY,
    *RAGGED,
    ([], "(0,)", "1 non-empty"),
    (1.0, "()", "1 non-empty"),
    (EYE, "(2, 2)", "1 "),
]
NOT_A_TABLE = [*NOT_REAL_ARRAY, *RAGGED, ([1.0, 2.0], "(2,)", "2 non-empty"), ([[]], "(1, 0)", "2 non-empty")]
NOT_A_SQUARE = [
    *NOT_A_TABLE,
    ([[1.0, 2.0]], "(1, 2)", "square"),
    ([[INF]], None, "finite"),
    (torch.tensor([[NAN]]), None, "finite"),
]
NOT_TEXT = [(value, None, "must be text") for value in (None, 3, b"bytes", ["words"])]
NOT_WORDS = [*NOT_TEXT, ("", None, "say something"), (" \n", None, "say something")]
NOT_A_MAPPING = [(value, None, "mapping") for value in (["line"], "line", 3)]
NOT_LIMITS = [(value, None, "") for value in ("ab", 3, (1,), (1, 2, 3), (2, 1), (1, 1), (1, NAN), (1, INF))]
NOT_AN_AXES = [(value, None, "matplotlib Axes") for value in (None, Figure(), AX.xaxis)]
NOT_A_FLAG = [(value, None, "True or False") for value in (None, 1, "yes", np.True_)]
NOT_A_TENSOR = [(value, None, "torch tensor") for value in (None, [1.0], np.ones(2), torch.arange(3), torch.float32)]
NOT_A_DTYPE = [(value, None, "floating point") for value in (None, "float32", np.float32, torch.int64, torch.ones(1))]
NOT_A_GENERATOR = [(value, None, "torch.Generator") for value in (None, 0, np.random.default_rng(0))]
NOT_A_SCHEME = [(value, None, "one of 'standard', 'lecun'") for value in ("kaiming", "He", None, 3, [])]
NOT_AN_ACTIVATION = [(value, None, "one of 'linear', 'relu'") for value in ("softmax", "ReLU", None, 3, torch.nn.Tanh)]


def below(least):
    return [(value, None, f"at least {least}") for value in (least - 1, -5)]


def sizes(least):
    return [*NOT_WHOLE, *below(least)]


def optional(wrong):
    """Leave out None, which stands for: not given."""
    return [case for case in wrong if case[0] is not None]


def not_a_list(kind, *others):
    """Return what is no list of one kind, among it lists of what else is given."""
    return [(value, None, f"list of {kind}") for value in (None, 3, "ab", *others)] + [([], None, "empty")]
