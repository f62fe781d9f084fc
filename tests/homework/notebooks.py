"""A homework's notebook with answers put in, as far as a test needs it: the cells, run one after the other."""

import importlib
from functools import cache
from pathlib import Path

import nbformat

CHAPTERS = Path(__file__).parents[2] / "chapters" / "homework"


def homework_of(name):
    """Return the `Homework` called `name`."""
    return importlib.import_module(f"gradlab.homework.assignments.{name}").homework


def notebook_of(name):
    """Return a fresh copy of a homework's notebook."""
    (path,) = CHAPTERS.glob(f"{name}_*.ipynb")
    return nbformat.read(path, as_version=4)


@cache
def steps_of(name):
    """Return what to run, in order: pairs of a cell's source and of the question it answers, if it does.

    Checks and the set-up cell are left out, and of each question's answer cells all but the first: a solution goes
    there, whole.
    """
    questions = iter(q for q in homework_of(name).questions if q.asks_for)
    steps, answered = [("import torch\ntorch.set_num_threads(1)", None)], None
    pending = next(questions)
    for cell in notebook_of(name).cells:
        tags = cell.metadata.get("tags", [])
        if cell.cell_type != "code" or cell.id == "set-up":
            continue
        if "hw-check" in tags:
            assert f'"{pending.id}"' in cell.source
            answered, pending = None, next(questions, None)
        elif "hw-answer" in tags:
            if answered is None:
                answered = pending.id
                steps.append((cell.source, pending.id))
        else:
            steps.append((cell.source, None))
    return steps


def namespace_with(name, solutions, student):
    """Return the names that a notebook defines whose answers are `solutions`, up to the last of them.

    Parameters
    ----------
    name : str
        Such as ``"hw01"``.
    solutions : dict of str to str
        Sources by question.
    student : str
    """
    names, left = {"__name__": "__main__"}, set(solutions)
    for source, question in steps_of(name):
        if 'STUDENT = "' in source:
            source = f"STUDENT = {student!r}"
        if question is not None:
            if question not in solutions:
                continue
            source = solutions[question]
            left.discard(question)
        exec(compile(source, f"{name} {question or ''}", "exec"), names)
        if not left:
            break
    return names
