"""A zoo of training runs, each labelled by how it ends: some explode, some are well, some fail in other ways.

Every kind says in a line what is wrong with it (`Kind.fault`), and is ready to train from a seed alone::

    run = zoo.kind("outlier-batch").prepare(seed=0)
    losses = [loss.item() for loss in run]  # each comes between backward and clipping; going on takes the step

An exploding kind has a healthy twin, which is the same run but for the one setting that is wrong. The other healthy
kinds were chosen because they look ill. Labels rest on what becomes of a run, never on what a monitor says of it:
`tests/test_zoo.py` holds every kind to its label over several seeds. A third of the kinds is marked `held_out`, for
whoever makes rules and wants to know how well they do on runs that they were not made on.

The runs are small, and all their data is made from the seed, but for one table that comes with scikit-learn.
"""

from gradlab.arguments import one_of
from gradlab.zoo import healthy_steps, healthy_tasks, initialization, inputs, not_learning, numerics, recurrent, steps
from gradlab.zoo.kinds import Kind, Run, hold_out

__all__ = ["KINDS", "Kind", "Run", "kind"]

KINDS = hold_out(
    tuple(
        kind
        for room in (initialization, steps, inputs, recurrent, numerics, healthy_tasks, healthy_steps, not_learning)
        for kind in room.KINDS
    )
)
"""All kinds: the exploding ones, each followed by its twin; more healthy ones; and those that fail in another way."""


def kind(name: str) -> Kind:
    """Return a kind by its name.

    Parameters
    ----------
    name : str
        Such as ``"outlier-batch"``; ``[kind.name for kind in zoo.KINDS]`` are all.

    Returns
    -------
    Kind

    Raises
    ------
    ValueError
        If there is no kind by that name.
    """
    names = tuple(each.name for each in KINDS)
    return KINDS[names.index(one_of("name", name, names))]
