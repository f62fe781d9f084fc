"""The report that the last question of homework 5 asks about blames the wrong thing, and no cell says what is right."""

import pytest
from notebooks import notebook_of

FAULT = "penalty-of-wrong-sign"


@pytest.fixture(scope="module")
def names():
    """What the notebook has defined when it prints the report."""
    cells = [cell.source for cell in notebook_of("hw05").cells if cell.cell_type == "code" and cell.id != "set-up"]
    (imports,) = (source for source in cells if "from gradlab.monitor import" in source)
    (trains,) = (source for source in cells if "zoo.KINDS" in source)
    names = {}
    exec(f"{imports}\n{trains}", names)
    return names


def test_report_calls_it_exploding_and_suspects_the_rate_first(names):
    assert names["patient"].name == FAULT
    assert names["monitor"].report().startswith("EXPLODING")
    assert names["monitor"].diagnose().likely[0].startswith("likely a learning rate")


def test_rate_is_not_to_blame(names):
    """The same run at the same rate is healthy once the fault is mended."""
    (twin,) = (kind for kind in names["zoo"].KINDS if kind.name == names["patient"].twin)
    run = twin.prepare(seed=0)
    with names["GradMonitor"](run.model, run.optimizer, every=1) as monitor:
        for loss in run:
            monitor.record(loss)
    assert not monitor.report().startswith("EXPLODING")


def test_notebook_does_not_name_the_fault(names):
    for cell in notebook_of("hw05").cells:
        assert FAULT not in cell.source
        assert names["patient"].fault not in cell.source
