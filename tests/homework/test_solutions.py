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
"""Questions that train networks for every answer: each answer gets one of the seeds only."""


def solutions_of(name, kind):
    """Return the ``REFERENCE``, ``RIGHT``, ``WRONG`` or ``CAUGHT_BY`` of a homework; empty if there is none."""
    held = importlib.import_module(f"solutions.{name}")
    if not hasattr(held, kind) and (FOLDER / f"{name}_wrong.py").exists():
        held = importlib.import_module(f"solutions.{name}_wrong")
    return getattr(held, kind, {})


def cases(kind):
    """Every solution of a kind: homework, question, title, source."""
    for name in NAMES:
        for question, solutions in solutions_of(name, kind).items():
            for title, source in ({"": solutions} if isinstance(solutions, str) else solutions).items():
                yield name, question, title, source


def judged(*kinds):
    """Every solution of some kinds with every seed that it is judged with: homework, question, title, source, seed.

    The reference gets all seeds, and so do wrong answers, which are soon found out; other right ones, and slow ones,
    one in turn.
    """
    for kind in kinds:
        for turn, (name, id, title, source) in enumerate(cases(kind)):
            once = kind == "RIGHT" or (name, id) in SLOW
            for seed in [[*SEEDS][turn % len(SEEDS)]] if once else SEEDS:
                yield pytest.param(name, id, title, source, seed, id=f"{name} {id} {title}".strip() + f"-{seed}")


def question_of(name, id):
    (found,) = [question for question in homework_of(name).questions if question.id == id]
    return found


def outcomes_of(name, id, source, seed, student, only=None):
    """Judge one answer in the notebook that asks for it, one property after the other, or by one of them only."""
    question = question_of(name, id)
    torch.manual_seed(0)
    names = namespace_with(name, {id: source}, student)
    answer = LocalAnswer(names, question.asks_for)
    for one in question.properties:
        if only in (None, one.name):
            yield from judge(replace(question, properties=[one]), answer, seed=seed, student=student)


def loses_points(name, id, source, seed, student, only=None):
    """Whether an answer lacks a property, or lacks that one; the first that it lacks will do."""
    for outcome in outcomes_of(name, id, source, seed, student, only):
        assert not outcome.fault, "a check failed where it should have judged"
        if outcome.earned < outcome.points:
            return True
    return False


@pytest.mark.parametrize(("name", "id", "title", "source", "seed"), [*judged("REFERENCE", "RIGHT")])
def test_right_answer_gets_full_marks(name, id, title, source, seed):
    outcomes = list(outcomes_of(name, id, source, seed, SEEDS[seed]))
    assert [outcome for outcome in outcomes if not outcome.met] == []
    assert sum(outcome.earned for outcome in outcomes) == question_of(name, id).points


@pytest.mark.parametrize(("name", "id", "title", "source", "seed"), [*judged("WRONG")])
def test_wrong_answer_loses_points_where_it_ought_to(name, id, title, source, seed):
    meant = solutions_of(name, "CAUGHT_BY").get(id, {}).get(title)
    assert loses_points(name, id, source, seed, SEEDS[seed], only=meant)


@pytest.mark.parametrize("name", NAMES)
def test_there_are_enough_solutions_of_every_kind(name):
    for question in homework_of(name).questions:
        if question.asks_for:
            assert question.id in solutions_of(name, "REFERENCE")
            assert len(solutions_of(name, "RIGHT")[question.id]) >= 5
            assert len(solutions_of(name, "WRONG")[question.id]) >= 8
    for id, caught in solutions_of(name, "CAUGHT_BY").items():
        assert caught.keys() <= solutions_of(name, "WRONG")[id].keys()


def test_points_are_those_that_teachers_are_told():
    points = [sum(question.points for question in homework_of(name).questions) for name in NAMES]
    told = (Path(__file__).parents[2] / "book" / "teaching.md").read_text()
    assert points == [25, 25, 25, 38, 38]
    assert "Homeworks 1 to 3 have 25 points each, 4 and 5 have 38" in told
