"""At least 95 % of the small mistakes that can slip into a reference solution cost points."""

import pytest
from mutants import mutants
from test_solutions import SEEDS, loses_points, solutions_of

from gradlab.homework.answers.timeouts import TimeUp, limited

LOOPING, STRAIGHT = 0.5, 60.0
"""Seconds for a mutant with a ``while``, which may run for ever (the reference takes 0.05), and for one without."""
EQUIVALENT = {
    ("hw01", "q2"): {
        "line 10 (26): 0 to 1": "no norm is infinite at layer 1, so the search may begin at 2",
    },
    ("hw01", "q4"): {
        "line 3 (28): 0.0 to 1.0": "where bisection begins",
        "line 4 (33): 100 to 101": "a step more of bisection",
        "line 5 (59): Add to Sub": "half the difference, and the sign of the coupling does not matter",
        "line 7 (103): 100 to 101": "the hundred-and-first power is not looked at",
    },
    ("hw02", "q3"): {
        "line 2 (35): 8 to 9": "a wider grid",
        "line 2 (36): 100001 to 100002": "a finer grid",
        "line 2 (65): 8 to 9": "a wider grid",
    },
    ("hw03", "q4"): {
        "line 3 (37): 0 to 1": "PyTorch adds the two bias vectors",
    },
    ("hw03", "q5"): {
        "line 1 (12): 1.0 to 2.0": "a threshold that does as well",
    },
}
"""Mutants that are right answers, by homework and question, and why."""


def killed(name, id, source):
    """Whether a mutant loses points, or cannot be run, with one of three seeds."""
    seconds = LOOPING if "while" in source else STRAIGHT
    for seed, student in SEEDS.items():
        try:
            if limited(lambda s=seed, who=student: loses_points(name, id, source, s, who), seconds):
                return True
        except (TimeUp, Exception):
            return True
    return False


@pytest.mark.parametrize("name", ["hw01", "hw02", "hw03"])
def test_mutants_of_the_references_lose_points(name):
    survivors, count = [], 0
    for id, source in solutions_of(name, "REFERENCE").items():
        told = EQUIVALENT.get((name, id), {})
        changed = mutants(source)
        assert told.keys() <= changed.keys(), "the list of equivalent mutants is out of date"
        for what in changed.keys() - told.keys():
            count += 1
            if not killed(name, id, changed[what]):
                survivors.append(f"{id}, {what}")
    assert len(survivors) <= 0.05 * count, f"{len(survivors)} of {count} survive: {survivors}"
