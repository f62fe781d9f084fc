"""The monitor itself: watches a model and its optimizer through one call in the training loop and two step hooks."""

from __future__ import annotations

from dataclasses import fields
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from gradlab.arguments import positive_number, real_number, whole_number
from gradlab.monitor.diagnosis import Diagnosis
from gradlab.monitor.display import LiveView, as_html, as_table
from gradlab.monitor.mixed_precision import is_unscaled
from gradlab.monitor.readings import Readings
from gradlab.monitor.recording import Recording
from gradlab.monitor.refusals import check_model, check_optimizer, check_scaler

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class GradMonitor:
    """Watch a training run; say in words whether it explodes, since which step, in which layer, and what to try.

    Call `record` between ``backward()`` and clipping, once for each step of the optimizer. The sizes of the updates
    are measured by hooks on ``optimizer.step()``, of the steps that are sampled: the first 20, every fiftieth, those at
    which the loss jumps or becomes NaN or infinite, and as many others as the budget allows. Training is not changed
    in any bit. An error inside the monitor is reported as a warning, after which it does nothing; the run goes on.

    Memory: one copy of the parameters that are trained, a few bytes for each step, and at most 24 MB of norms (or a
    thousand samples, if that is more); beyond that, older samples are thinned, the largest updates being kept.

    Parameters
    ----------
    model : nn.Module
        What is trained; plain, compiled, or wrapped by ``DistributedDataParallel`` or ``fully_shard``.
    optimizer : torch.optim.Optimizer
        Holds some of the model's parameters; only those are read. Not LBFGS.
    budget : float
        Share of the run's time that the monitor may take, above 0 and at most 1.
    every : int, optional
        Sample every so many steps instead of by the clock; 1 samples all. Where several processes train together, the
        clock is never used, nor the loss: they all sample the first 20 steps and every tenth, unless given.
    scaler : torch.amp.GradScaler, optional
        The one that scales the loss, if any. Steps that it skips are then known as such, and gradients that were not
        unscaled before `record` are divided by its scale.

    Raises
    ------
    TypeError
        If an argument is not of the kind stated.
    ValueError
        If `budget` or `every` is out of range, or if the gradients could not be read rightly: the optimizer holds none
        of the model's parameters, a parameter has no values yet, the optimizer is LBFGS, or the model is sharded by
        the older ``FullyShardedDataParallel``.

    Notes
    -----
    Each process reports what it was given: norms are those of the whole model on all of them, the loss is the
    process's own unless you average it first. With sharded parameters `record` takes part in collective operations, so
    every process must call it; with ``DistributedDataParallel`` one process may watch alone.

    Examples
    --------
    >>> with GradMonitor(model, optimizer) as monitor:  # doctest: +SKIP
    ...     for x, y in loader:
    ...         optimizer.zero_grad()
    ...         loss = loss_function(model(x), y)
    ...         loss.backward()
    ...         monitor.record(loss)
    ...         monitor.clip_(1.0)  # if you clip
    ...         optimizer.step()
    >>> print(monitor.report())  # doctest: +SKIP
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        *,
        budget: float = 0.02,
        every: int | None = None,
        scaler: torch.amp.GradScaler | None = None,
    ) -> None:
        check_model(model)
        optimizer = check_optimizer(optimizer, model)
        if positive_number("budget", budget) > 1:
            raise ValueError(f"budget must be a share of the run's time, at most 1, got {budget!r}")
        every = None if every is None else whole_number("every", every, at_least=1)
        self._run = Recording(model, optimizer, float(budget), every, check_scaler(scaler))
        self._view = LiveView()

    def record(self, loss: Tensor | float) -> None:
        """Note a step that is about to be taken: after the last ``backward()`` and ``unscale_``, before clipping.

        Parameters
        ----------
        loss : Tensor or float
            One real number; NaN and infinities are welcome. With gradient accumulation, the loss of the whole step if
            you have it, otherwise the last micro-batch's.

        Raises
        ------
        RuntimeError
            At the first call, if no parameter has a gradient; at any, after `close`.
        TypeError
            At the first call, if `loss` is not one real number.
        """
        self._require_open("record")
        self._run.record(loss)
        self._view.refresh(self, self._run.costs)

    def clip_(self, max_norm: float) -> Tensor:
        """Clip the gradients of the model to a total 2-norm, exactly as `torch.nn.utils.clip_grad_norm_` does.

        Comes after `record`; where that has read the norms of this step, they are not computed again (on the CPU, for
        dense gradients in single or double precision).

        Parameters
        ----------
        max_norm : float
            Largest total norm allowed, above zero; infinite to leave the gradients as they are.

        Returns
        -------
        Tensor, shape ()
            Total norm of the gradients before clipping. If it is infinite or NaN, clipping spoils the gradients, as
            torch's function does: an infinite entry becomes NaN and all others zero; a NaN makes all of them NaN; and
            a norm that overflows though every entry is finite makes all of them zero.

        Raises
        ------
        RuntimeError
            After `close`, or if the gradients are still multiplied by the scaler's scale.
        TypeError
            If `max_norm` is not one real number.
        ValueError
            If it is not above zero.
        """
        self._require_open("clip_")
        if real_number("max_norm", max_norm) <= 0:
            raise ValueError(f"max_norm must be above zero, got {max_norm!r}")
        limit, run = float(max_norm), self._run
        if run.scaler is not None and not is_unscaled(run.scaler, run.watched.optimizer):
            raise RuntimeError(
                "clip_ must come after scaler.unscale_(optimizer): the gradients are still multiplied by "
                f"{run.scaler.get_scale():g}"
            )
        parameters, total = list(run.watched.model.parameters()), run.total_norm(limit)
        if total is None:
            return nn.utils.clip_grad_norm_(parameters, limit)
        nn.utils.clip_grads_with_norm_(parameters, limit, total)
        return total

    def live(self) -> GradMonitor:
        """Show the verdict and the picture below the notebook cell, redrawn as often as half of the budget allows.

        Outside a notebook it does nothing.

        Returns
        -------
        GradMonitor
            The monitor itself: ``with GradMonitor(model, optimizer).live() as monitor:``.
        """
        if self._view.start():
            self._run.schedule.budget /= 2
            self._view.budget = self._run.schedule.budget
        return self

    def close(self) -> None:
        """Stop watching: remove the hooks, let go of the model and the optimizer. What was read stays."""
        if self._run.watched is not None:
            self._run.close()
            self._view.finish(self)

    def __enter__(self) -> GradMonitor:
        self._require_open("with")
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def history(self) -> dict[str, np.ndarray]:
        """Everything read so far.

        Returns
        -------
        dict from str to ndarray
            The fields of `gradlab.monitor.readings.Readings`, for T steps, S of them sampled, P parameters and G
            parameter groups: ``names``, ``shapes``, ``initial`` and ``final`` of shape (P,); ``loss``, ``applied``,
            ``scale`` and ``max_norm`` of shape (T,); ``rate`` of shape (T, G); ``step`` of shape (S,); ``grad``,
            ``weight`` and ``update`` of shape (S, P), 2-norms.
        """
        readings = self._readings()
        arrays = {field.name: getattr(readings, field.name) for field in fields(readings) if field.name != "method"}
        shapes = np.empty(len(readings.shapes), dtype=object)
        shapes[:] = readings.shapes
        return arrays | {"names": np.array(readings.names), "shapes": shapes}

    def to_frame(self) -> Any:
        """Everything sampled so far as a `pandas.DataFrame`, one row for each sampled step and parameter.

        Returns
        -------
        pandas.DataFrame
            With the columns ``step``, ``parameter``, ``grad``, ``weight``, ``update``, ``loss``, ``applied`` and
            ``max_norm``.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        return as_table(self._readings())

    def diagnose(self) -> Diagnosis:
        """Judge the run so far.

        Returns
        -------
        Diagnosis
        """
        from gradlab.monitor import causes, rules

        readings, run = self._readings(), self._run
        events = rules.events(readings)
        likely, unlikely, advice, where = causes.explain(readings, events)
        levels, steps = {event.level for event in events}, len(readings.loss)
        return Diagnosis(
            verdict=next((level for level in ("EXPLODING", "WATCH") if level in levels), "NOT EXPLODING"),
            events=events,
            onset=rules.onset(events),
            where=where,
            likely=likely,
            unlikely=unlikely,
            advice=advice,
            steps=steps,
            sampled=len(readings.step),
            skipped=steps - int(readings.applied.sum()) - run.is_waiting,
            overhead=(run.costs.own + self._view.spent) / run.costs.elapsed if steps else 0.0,
        )

    def report(self) -> str:
        """Say in words what `diagnose` found; and if the monitor itself failed, how."""
        from gradlab.monitor.report import in_words

        return "\n".join([in_words(self.diagnose()), *filter(None, [self._run.last_words])])

    def plot(self) -> Figure:
        """Draw loss, gradient norm and update-to-weight ratio of each layer against the step, the onset marked.

        Returns
        -------
        matplotlib.figure.Figure
        """
        from gradlab.monitor.picture import history_figure

        return history_figure(self._readings(), self.diagnose())

    def __repr__(self) -> str:
        return f"<GradMonitor: {self._run.ledger.steps} steps recorded, {self._run.ledger.sampled} of them sampled>"

    def _repr_html_(self) -> str:
        return as_html(self)

    def _readings(self) -> Readings:
        return self._run.readings()

    def _require_open(self, call: str) -> None:
        if self._run.watched is None:
            raise RuntimeError(f"{call} must come before close(): the monitor is closed, make a new one")
