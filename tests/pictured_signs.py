"""Pictures of signs and detectors, with what their words must say: a part of the table in test_figures.py."""

from drawn import INF, NAN
from gradlab import figures

NO = ("does not apply", False)

PICTURES = [
    (
        figures.precision_and_recall,
        ({"spike": {"precision": 0.5, "recall": 1.0}, "silence": {"precision": NAN, "recall": 0}},),
        {"settings": "Two signs."},
        ["spike: precision 50%, recall 100%.", "silence: precision undefined, recall 0%."],
    ),
    (
        figures.runs_along_sign,
        ({"exploding": [0.5, 20, INF], "healthy": [0, 2]}, 1.0),
        {"sign": "spike", "settings": "Five runs."},
        ["spike, above 1: 2 of 3 exploding, 1 of 2 healthy runs; precision 67%, recall 67%."],
    ),
    (
        figures.runs_along_sign,
        ({"a": [0.5], "b": [0.1], "c": [0.2]}, 9.0),
        {"sign": "spike", "limits": (0.1, 10), "settings": "Silent."},
        ["precision undefined, recall 0%."],
    ),
    (
        figures.loss_curves,
        ({"A": [1, 0.5, 0.2], "B": [1, 9, NAN], "C": [1.0] * 5, "D": [NAN, 1], "E": [-1, 0]},),
        {"settings": "Five runs."},
        ["A falls.", "B rises, and is not finite at step 2.", "C stays about where it was.", "D is never finite."],
    ),
    (
        figures.loss_curves,
        ({"A": [1, 0.5], "B": [1, 9, INF]},),
        {"exploding": ["B"], "shown": 2, "settings": "Two runs."},
        ["A falls; it does not explode.", "B rises, and is not finite at step 2; it explodes."],
    ),
    (
        figures.warning_times,
        ({"spike": [3, 0, NAN, 1], "NaN": [0, 0]},),
        {"settings": "Four runs and two."},
        ["spike: seen before the NaN in 2 of 4 runs (steps before it, median: 2), not at all in 1.", "NaN: seen"],
    ),
    (
        figures.remedies_on_patients,
        (
            {
                "clip": {"RNN": ("cured", False), "MLP": ("helped", True)},
                "gates": {"RNN": ("no effect", True), "MLP": NO},
            },
        ),
        {"settings": "Two remedies on two patients."},
        ["clip: cured: RNN; helped: MLP (close).", "gates: no effect: RNN (close); does not apply: MLP."],
    ),
    (
        figures.losses_under_treatment,
        ([0, 5], [[1, NAN], [2, NAN]], [[1, 0.5], [4, NAN], [2, 0.25]]),
        {"title": "RNN, clip: cured", "settings": "Three seeds."},
        [
            "RNN, clip: cured. Untreated: 2 of 2 runs die.",
            "Treated: 1 of 3 runs die, median loss of the others 1.5 at first and 0.38 in the end.",
        ],
    ),
]
