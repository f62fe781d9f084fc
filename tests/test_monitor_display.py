"""A monitor in a notebook: what it shows when asked, what it shows live, and as a table."""

import html
import sys
import types
from html.parser import HTMLParser

import numpy as np
import pytest
import torch

from gradlab.monitor import GradMonitor, display, recorder
from watched_runs import batches, loss_of, network


def train(monitor, model, optimizer, steps=25):
    for x, y in batches(steps):
        optimizer.zero_grad()
        loss = loss_of(model, x, y)
        loss.backward()
        monitor.record(loss)
        optimizer.step()


@pytest.fixture
def run():
    model = network()
    return model, torch.optim.SGD(model.parameters(), lr=0.1)


class Elements(HTMLParser):
    """Collects the names of elements, checking that each is closed."""

    def __init__(self, text):
        super().__init__()
        self.seen, self.open = [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        """Note an element; the name of this method is the base class's."""
        self.seen.append(tag)
        if tag not in ("img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        """Note its end."""
        assert self.open.pop() == tag


def test_notebook_shows_verdict_report_and_picture(run):
    with GradMonitor(*run) as monitor:
        train(monitor, *run)
    page = monitor._repr_html_()
    assert {"strong", "pre", "svg"} <= set(Elements(page).seen)
    assert f"<strong>{monitor.diagnose().verdict}</strong>" in page
    assert html.escape(monitor.report()) in page
    assert repr(monitor).startswith("<GradMonitor: 25 steps recorded, ")


def test_notebook_shows_a_monitor_that_has_seen_nothing(run):
    monitor = GradMonitor(*run)
    assert "Nothing recorded yet" in monitor._repr_html_()
    assert "0 steps" in repr(monitor)
    assert monitor.diagnose().overhead == 0
    assert monitor.report()


def test_notebook_shows_names_and_errors_as_text(run, monkeypatch):
    monitor = GradMonitor(*run)
    train(monitor, *run)
    monkeypatch.setattr(GradMonitor, "report", lambda self: "<script>alert(1)</script> & 'more'")
    page = monitor._repr_html_()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


class Notebook:
    """Stands for IPython in a Jupyter kernel, and notes what is displayed."""

    def __init__(self):
        self.shown = []
        self.module = types.ModuleType("IPython")
        self.module.get_ipython = lambda: types.SimpleNamespace(kernel=object())
        self.display = types.ModuleType("IPython.display")
        self.display.HTML = str
        self.display.display = lambda page, display_id: self.shown.append(("display", display_id, page))
        self.display.update_display = lambda page, display_id: self.shown.append(("update", display_id, page))


@pytest.fixture
def notebook(monkeypatch):
    notebook = Notebook()
    monkeypatch.setitem(sys.modules, "IPython", notebook.module)
    monkeypatch.setitem(sys.modules, "IPython.display", notebook.display)
    return notebook


def test_live_view_is_one_output_that_is_redrawn_within_half_the_budget(run, notebook, monkeypatch):
    monkeypatch.setattr(display, "FIRST_LOOK", 0.0)
    with GradMonitor(*run, budget=0.5).live() as monitor:
        assert monitor.live() is monitor  # once more changes nothing
        assert monitor._run.schedule.budget == monitor._view.budget == 0.25
        train(monitor, *run, steps=5)
        assert len(notebook.shown) == 1  # a picture takes longer than four such steps
        monitor._view.spent = 1e-9
        train(monitor, *run, steps=1)
        assert len(notebook.shown) == 2
    assert [how for how, _, _ in notebook.shown] == ["display", "update", "update"]  # the last when it is closed
    assert len({display_id for _, display_id, _ in notebook.shown}) == 1
    assert "6 of 6 steps sampled" in notebook.shown[-1][2]
    assert 0 < monitor._view.spent <= monitor.diagnose().overhead * monitor._run.costs.elapsed


def test_live_view_is_silent_outside_a_notebook(run, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "IPython", types.ModuleType("IPython"))
    monitor = GradMonitor(*run)
    assert monitor.live() is monitor
    assert monitor._run.schedule.budget == 0.02
    train(monitor, *run)
    monitor.close()
    assert capsys.readouterr() == ("", "")


def test_live_view_that_fails_is_told_once_and_training_goes_on(run, notebook, monkeypatch):
    monkeypatch.setattr(display, "FIRST_LOOK", 0.0)

    def broken(*_, **__):
        raise OSError("no display")

    notebook.display.display = broken
    monitor = GradMonitor(*run).live()
    with pytest.warns(RuntimeWarning, match="live view stopped") as told:
        train(monitor, *run)
    assert len(told) == 1
    assert len(monitor.history()["loss"]) == 25


def test_table_has_a_row_for_each_sampled_step_and_parameter(run, monkeypatch):
    pandas = types.ModuleType("pandas")
    pandas.DataFrame = dict
    monkeypatch.setitem(sys.modules, "pandas", pandas)
    monitor = GradMonitor(*run, every=1)
    train(monitor, *run, steps=3)
    table, history = monitor.to_frame(), monitor.history()
    parameters = len(history["names"])
    assert {len(column) for column in table.values()} == {3 * parameters}
    for step in range(3):
        for index, name in enumerate(history["names"]):
            row = {key: column[step * parameters + index] for key, column in table.items()}
            assert (row["step"], row["parameter"]) == (step, name)
            assert row["grad"] == history["grad"][step, index]
            assert row["update"] == history["update"][step, index]
            assert row["loss"] == history["loss"][step]
            assert row["applied"]
            assert np.isnan(row["max_norm"])


def test_table_without_pandas_says_what_to_do(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"needs pandas: install it, or use history"):
        GradMonitor(*run).to_frame()


def test_plot_is_a_figure_that_importing_the_monitor_does_not_pay_for(run):
    from matplotlib.figure import Figure

    monitor = GradMonitor(*run)
    train(monitor, *run)
    assert isinstance(monitor.plot(), Figure)
    for module in (recorder, display):
        assert not {"matplotlib", "pandas", "IPython"} & set(vars(module))
