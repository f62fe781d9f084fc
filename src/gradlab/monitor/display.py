"""A monitor on the page of a notebook, once or live, and as a table."""

from __future__ import annotations

import base64
import html
import io
import sys
import time
import uuid
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from gradlab.monitor.readings import Readings
from gradlab.monitor.sampling import Costs

if TYPE_CHECKING:
    from gradlab.monitor.recorder import GradMonitor

NOTHING_YET = "Nothing recorded yet: call record(loss) between backward() and optimizer.step()."
FIRST_LOOK = 1.0  # seconds; before that there is not much to see
RESOLUTION = 100  # dots per inch


def as_html(monitor: GradMonitor) -> str:
    """Return verdict, report and picture as HTML; what a report says is shown as text, whatever it contains."""
    diagnosis = monitor.diagnose()
    if not diagnosis.steps:
        return f'<div class="gradlab-monitor"><p>{NOTHING_YET}</p></div>'
    report = monitor.report()
    return (
        f'<div class="gradlab-monitor" data-verdict="{html.escape(diagnosis.verdict)}">'
        f"<p><strong>{html.escape(diagnosis.verdict)}</strong></p>"
        f'<pre style="white-space: pre-wrap">{html.escape(report)}</pre>{_picture(monitor)}</div>'
    )


def _picture(monitor: GradMonitor) -> str:
    """Return the plot as an element of HTML that needs nothing else."""
    figure = monitor.plot()
    if hasattr(figure, "_repr_html_"):  # one of the book's own sheets, for light and dark pages
        return figure._repr_html_()
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=RESOLUTION, facecolor="white")
    data = base64.b64encode(picture.getvalue()).decode()
    return f'<img src="data:image/png;base64,{data}" alt="Loss, gradient norms and relative updates over steps">'


def as_table(readings: Readings) -> Any:
    """Return readings as a `pandas.DataFrame`, one row for each sampled step and parameter.

    Raises
    ------
    ImportError
        If pandas is not installed.
    """
    try:
        import pandas
    except ImportError as missing:
        raise ImportError("to_frame needs pandas: install it, or use history(), which returns arrays") from missing
    samples, parameters = readings.grad.shape
    per_step = {name: getattr(readings, name)[readings.step] for name in ("loss", "applied", "max_norm")}
    return pandas.DataFrame(
        {
            "step": np.repeat(readings.step, parameters),
            "parameter": np.tile(np.array(readings.names), samples),
            **{name: getattr(readings, name).reshape(-1) for name in ("grad", "weight", "update")},
            **{name: np.repeat(values, parameters) for name, values in per_step.items()},
        }
    )


class LiveView:
    """An output of a notebook cell that shows a monitor and is redrawn now and then; off until started."""

    def __init__(self) -> None:
        self.budget = 0.0  # share of the run's time that drawing may take
        self.spent = 0.0  # seconds
        self._id, self._is_blank = "", True

    def start(self) -> bool:
        """Switch on, in a notebook; return whether that was news."""
        if self._id or not _is_in_notebook():
            return False
        self._id = uuid.uuid4().hex
        return True

    def refresh(self, monitor: GradMonitor, costs: Costs) -> None:
        """Redraw, if there is something to see and it is not too dear yet."""
        if not self._id or (self._is_blank and costs.elapsed < FIRST_LOOK):
            return
        if self.spent < self.budget * costs.elapsed:
            started = time.perf_counter()
            self._draw(monitor)
            self.spent += time.perf_counter() - started

    def finish(self, monitor: GradMonitor) -> None:
        """Draw for the last time; the run is over and does not pay for it."""
        if self._id:
            self._draw(monitor)
        self._id = ""

    def _draw(self, monitor: GradMonitor) -> None:
        from IPython.display import HTML, display, update_display

        show, self._is_blank = display if self._is_blank else update_display, False
        try:
            show(HTML(as_html(monitor)), display_id=self._id)
        except Exception as error:
            self._id = ""
            warnings.warn(f"GradMonitor: the live view stopped: {error!r}", RuntimeWarning, stacklevel=2)


def _is_in_notebook() -> bool:
    """Whether a Jupyter kernel runs this; a terminal would print the HTML's name over and over."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return hasattr(shell, "kernel")
