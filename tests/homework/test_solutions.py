"""The homeworks tell right from wrong: every right answer gets full marks, and every wrong one does not.

``solutions/hw0N.py`` holds, by question, a ``REFERENCE``, others that are ``RIGHT``, and those that are ``WRONG``
(these may be in ``hw0N_wrong.py``); ``CAUGHT_BY`` names the property that is meant for a wrong one.
"""

import importlib
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from notebooks import homework_of, namespace_with

from gradlab.homework.answers.local import LocalAnswer
from gradlab.homework.checks.judging import judge

FOLDER = Path(__file__).parent / "solutions"
NAMES = sorted(path.stem for path in FOLDER.glob("hw??.py"))
SEEDS = {"autumn": "ada", "spring": "grace", "summer": "émilie 4"}
"""A student for each seed, so that their own numbers differ, too."""
SLOW = {("hw03", "q5"), ("hw05", "q5")}
"""Questions that train networks for every answer: a wrong one, too, gets one of the seeds only."""


def solutions_of(name, kind):
    """Return the ``REFERENCE``, ``RIGHT``, ``WRONG`` or ``CAUGHT_BY`` of a homework; empty if there is none."""
    held = importlib.import_module(f"solutions.{name}")
    if not hasattr(held, kind) and (FOLDER / f"{name}_wrong.py").exists():
        held = importlib.import_module(f"solutions.{name}_wrong")
    return getattr(held, kind, {})


def cases(kind):
    """Every solution of a kind, as a parameter: homework, question, source."""
    for name in NAMES:
        for question, solutions in solutions_of(name, kind).items():
            for title, source in ({"": solutions} if isinstance(solutions, str) else solutions).items():
                yield pytest.param(name, question, source, id=" ".join(filter(None, (name, question, title))))


def judged(*kinds):
    """Every solution of some kinds with every seed that it is judged with: homework, question, source, seed.

    The reference gets all seeds, and so do wrong answers, which are soon found out; other right ones, one in turn.
    """
    for kind in kinds:
        for turn, case in enumerate(cases(kind)):
            name, id, _ = case.values
            once = kind == "RIGHT" or (kind == "WRONG" and (name, id) in SLOW)
            some = [[*SEEDS][turn % len(SEEDS)]] if once else SEEDS
            yield from (pytest.param(*case.values, seed, id=f"{case.id}-{seed}") for seed in some)


def question_of(name, id):
    (found,) = [question for question in homework_of(name).questions if question.id == id]
    return found


def outcomes_of(name, id, source, seed, student):
    """Judge one answer in the notebook that asks for it, one property after the other."""
    question = question_of(name, id)
    torch.manual_seed(0)
    names = namespace_with(name, {id: source}, student)
    answer = LocalAnswer(names, question.asks_for)
    for one in question.properties:
        yield from judge(replace(question, properties=[one]), answer, seed=seed, student=student)


def loses_points(name, id, source, seed, student):
    """Whether an answer lacks a property; the first that it lacks will do."""
    for outcome in outcomes_of(name, id, source, seed, student):
        assert not outcome.fault, "a check failed where it should have judged"
        if outcome.earned < outcome.points:
            return True
    return False


@pytest.mark.parametrize(("name", "id", "source", "seed"), [*judged("REFERENCE", "RIGHT")])
def test_right_answer_gets_full_marks(name, id, source, seed):
    outcomes = list(outcomes_of(name, id, source, seed, SEEDS[seed]))
    assert [outcome for outcome in outcomes if not outcome.met] == []
    assert sum(outcome.earned for outcome in outcomes) == question_of(name, id).points


@pytest.mark.parametrize(("name", "id", "source", "seed"), [*judged("WRONG")])
def test_wrong_answer_loses_points(name, id, source, seed):
    assert loses_points(name, id, source, seed, SEEDS[seed])


@pytest.mark.parametrize(
    ("name", "id", "title", "property"),
    [
        pytest.param(name, id, title, property, id=f"{name} {id} {title}")
        for name in NAMES
        for id, caught in solutions_of(name, "CAUGHT_BY").items()
        for title, property in caught.items()
    ],
)
def test_wrong_answer_is_caught_by_the_property_meant_for_it(name, id, title, property):
    source = solutions_of(name, "WRONG")[id][title]
    for seed, student in SEEDS.items():
        outcomes = outcomes_of(name, id, source, seed, student)
        assert not next(outcome for outcome in outcomes if outcome.property == property).met


@pytest.mark.parametrize("name", NAMES)
def test_there_are_enough_solutions_of_every_kind(name):
    for question in homework_of(name).questions:
        if question.asks_for:
            assert question.id in solutions_of(name, "REFERENCE")
            assert len(solutions_of(name, "RIGHT")[question.id]) >= 5
            assert len(solutions_of(name, "WRONG")[question.id]) >= 8


def test_points_are_those_that_teachers_are_told():
    points = [sum(question.points for question in homework_of(name).questions) for name in NAMES]
    told = (Path(__file__).parents[2] / "book" / "teaching.md").read_text()
    assert points == [25, 25, 25, 38, 38]
    assert "Homeworks 1 to 3 have 25 points each, 4 and 5 have 38" in told
