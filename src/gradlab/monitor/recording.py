"""How a run is written down: one call before each step of the optimizer, and two hooks around it."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor, nn

from gradlab.monitor.host import to_host
from gradlab.monitor.ledger import Ledger
from gradlab.monitor.mixed_precision import current_scale, is_unscaled
from gradlab.monitor.readings import Readings, method_of
from gradlab.monitor.refusals import loss_as_number
from gradlab.monitor.sampling import Costs, Schedule
from gradlab.monitor.step import PLACE, Ended, Step, Voice, Work, on_their_way, weakly
from gradlab.monitor.watched import Watched

ROWS = {"grad": 0, "weight": 1, "update": 2}  # of a sample in the ledger


class Recording:
    """A run being written down.

    Parameters
    ----------
    model, optimizer, budget, every, scaler
        As `gradlab.monitor.GradMonitor` takes them, checked.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        budget: float,
        every: int | None,
        scaler: torch.amp.GradScaler | None,
    ) -> None:
        watched = Watched(model, optimizer)
        self.watched: Watched | None = watched
        self.scaler = scaler
        self.ledger = Ledger(watched.names, watched.shapes, watched.norms())
        self.ledger.method = method_of(optimizer)
        self.schedule = Schedule(budget, every, shared=watched.is_sharded or _is_in_company())
        self.costs = Costs()
        self.error: str | None = None  # of the monitor's own, after which it does nothing
        self._step = Step()
        self._is_stepping = self._was_clipped_early = self._has_stepped = self._has_told = False
        self._voice = Voice()
        self._lock = threading.RLock()
        self._work = Work(self._lock, self.costs, self._fail)
        self._hooks = [
            optimizer.register_step_pre_hook(weakly(self._before_step)),
            optimizer.register_step_post_hook(weakly(self._after_step)),
        ]

    # in the training loop

    def record(self, loss: Any) -> None:
        """See `gradlab.monitor.GradMonitor.record`."""
        if self.is_inert:
            return
        watched, previous = self.watched, self._step
        if watched.trouble is None and not self.ledger.steps:
            self._check_first(loss)
        self.costs.start()
        with self._work:
            number = self.ledger.steps if watched.trouble is None else previous.number + 1
            step = Step(number, is_open=True)
            if self.schedule.is_due(number, self.costs):
                self._sample(watched, step)
            if watched.trouble is not None:
                self._leave(step)
                return
            try:
                self._record(watched, previous, step, loss)
            except Exception:
                self._step = step  # what other processes expect of this one is part of it
                raise

    def total_norm(self, max_norm: float) -> Tensor | None:
        """Note that the gradient is clipped; return its norm if this step's reading gives it exactly as torch would."""
        total = None
        if not self.is_inert:
            with self._work:
                if self._step.is_open:
                    self.ledger.clipped(max_norm)
                    total = self.watched.total_norm()
                else:
                    self._was_clipped_early = True
        return total

    def close(self) -> None:
        """Write down what is still on its way, and let go of everything that is not."""
        with self._work:
            if self.watched.trouble is not None:
                raise Ended from self.watched.trouble
            self._settle()
            if self.ledger.steps and not self.schedule.shared:  # other processes need not close at the same time
                self.ledger.end(self.watched.norms())
        with self._lock:
            self._let_go()
            self.costs.stop()
            self.watched = self.scaler = None

    def readings(self) -> Readings:
        """Return what is known now."""
        with self._lock:
            if self.watched is not None and not self.is_inert:
                with self._work, suppress(Ended):  # which the next record will find again, with all others
                    self._settle()
            return self.ledger.readings()

    @property
    def is_inert(self) -> bool:
        """Whether an error has made an end of watching."""
        return self.error is not None

    @property
    def last_words(self) -> str:
        """What became of the monitor itself; nothing if all is well."""
        if self.error is None:
            return ""
        return f"the monitor stopped at step {self.ledger.steps} because of an error of its own: {self.error}"

    @property
    def is_waiting(self) -> bool:
        """Whether the latest step was recorded but not taken yet."""
        return self._step.is_open

    # inside

    def _check_first(self, loss: Any) -> None:
        """Raise if the very first record is misplaced; later ones must not stop the run."""
        loss_as_number(loss)
        if not self.watched.present:
            raise RuntimeError(
                "record found no gradient on any parameter that the optimizer holds: call it after loss.backward() and "
                "before optimizer.zero_grad(), with the monitor made for the model that the loss came from"
            )
        if self._has_stepped:
            self._voice.say("late", f"the optimizer had already stepped before the first record; {PLACE}")

    def _record(self, watched: Watched, previous: Step, step: Step, loss: Any) -> None:
        self._look_for_misuse(previous)
        parts = {"loss": loss_as_number(loss), "scale": current_scale(self.scaler)} | on_their_way(previous)
        rates = [group["lr"] for group in watched.optimizer.param_groups]
        parts |= {index: rate for index, rate in enumerate(rates) if isinstance(rate, Tensor)}
        if not self.schedule.shared and (sentinel := watched.sentinel()) is not None:
            parts["sentinel"] = sentinel
        if step.is_sampled:
            parts["grad"] = step.norms["grad"][1]
        host = to_host(parts, self.costs.waited)
        self._write_previous(previous, host)
        loss, scale = host["loss"][0], host["scale"][0]
        self.ledger.begin(loss, [host[k][0] if k in host else float(rate) for k, rate in enumerate(rates)], scale)
        self._step = step
        if self.scaler is not None and not is_unscaled(self.scaler, watched.optimizer):
            step.scale = scale
        alarm = self.schedule.is_alarmed(loss, *host.get("sentinel", [0.0]))
        if step.is_sampled:
            self._write(step, "grad", host["grad"])
        elif alarm:
            self._sample(watched, step)

    def _leave(self, step: Step) -> None:
        """Stop, once the other processes have heard of this one's trouble and stop too; until then, be there."""
        self._step = step
        if step.is_sampled or self._has_told:
            raise Ended from self.watched.trouble

    def _sample(self, watched: Watched, step: Step) -> None:
        """Read the gradients, and the parameters too if the step is under way (where a closure calls ``record``)."""
        step.is_sampled = True
        with self.costs.on(watched.device):
            step.norms["grad"] = watched.gradient_norms()
            if self._is_stepping:
                watched.keep()
                step.is_kept = True

    def _before_step(self) -> None:
        self._is_stepping = True
        step = self._step
        if self.is_inert or not (step.is_open and step.is_sampled):
            return
        with self._work, self.costs.on(self.watched.device):
            self.watched.keep()
            step.is_kept = True

    def _after_step(self) -> None:
        self._is_stepping, self._has_stepped = False, True
        step = self._step
        if self.is_inert or not step.is_open:
            return
        with self._work:
            step.is_open = False
            if self.watched.trouble is not None:
                self._compare(step) if step.is_sampled else None
                return
            step.found_inf = getattr(self.watched.optimizer, "found_inf", None)
            if step.found_inf is None:
                self.ledger.taken(step.number)
            elif self.scaler is None:
                raise RuntimeError("a GradScaler drives this fused optimizer: give it to the monitor as scaler=")
            if step.is_kept:
                self._compare(step)

    def _compare(self, step: Step) -> None:
        """Read how far the step has moved the parameters."""
        with self.costs.on(self.watched.device):
            taken, weights, updates = self.watched.movement()
        step.norms |= {"weight": (taken, weights), "update": (taken, updates)}
        self._has_told = self.watched.trouble is not None

    def _settle(self) -> None:
        """Bring over what the latest step has left on the device."""
        parts = on_their_way(self._step)
        if parts:
            self._write_previous(self._step, to_host(parts, self.costs.waited))

    def _write_previous(self, step: Step, host: dict[str, list[float]]) -> None:
        """Write down what came of a step; nothing twice."""
        if "previous grad" in host:
            self._write(step, "grad", host["previous grad"])
        went_through = True
        if step.found_inf is not None:
            went_through = not host["previous found_inf"][0] > 0
            self.ledger.taken(step.number) if went_through else None
            step.found_inf = None
        if "previous update" in host:
            for row in ("weight", "update"):
                self._write(step, row, host[f"previous {row}"] if went_through else None)

    def _write(self, step: Step, row: str, norms: list[float] | None) -> None:
        if norms and min(norms) < 0:
            raise Ended("the monitor of another process has stopped")
        indices, _ = step.norms.pop(row)
        if norms is not None:
            scale = step.scale if row == "grad" else 1.0
            self.ledger.sample(step.number)[ROWS[row], indices] = [norm / scale for norm in norms]

    def _look_for_misuse(self, previous: Step) -> None:
        """Say once what the caller probably did not mean."""
        if previous.is_open and self.scaler is None:
            self._voice.say(
                "open",
                f"step {previous.number} was recorded but not taken, and counts as skipped; {PLACE} (with a "
                "torch.amp.GradScaler, give it to the monitor; also check that this optimizer is the one that steps)",
            )
        if self._was_clipped_early:
            self._was_clipped_early = False
            self._voice.say("clipped", f"the gradients were clipped before they were recorded; {PLACE}")

    def _fail(self, error: Exception) -> None:
        """Do nothing from now on, after an error of the monitor's own."""
        if self._must_stay(error):
            return
        cause = error.__cause__ or error
        self.error = str(cause) if isinstance(cause, Ended) else f"{type(cause).__name__}: {cause}"
        self._let_go()
        self._voice.say("error", self.last_words)

    def _must_stay(self, error: Exception) -> bool:
        """Whether others would wait for this process if it stopped now; they will hear of its error."""
        watched = self.watched
        if watched is None or not watched.is_sharded or isinstance(error, Ended):
            return False
        watched.trouble = watched.trouble or error
        return True

    def _let_go(self) -> None:
        for hook in self._hooks:
            hook.remove()
        self._hooks = []
        self._step.norms.clear()
        if self.watched is not None:
            self.watched.release()

    def __getstate__(self) -> dict[str, Any]:
        """Copies and pickles hold what was read, and no part of the run."""
        self.readings()
        keep = {"ledger": self.ledger, "costs": self.costs.at_rest(), "error": self.error}
        return keep | {"schedule": self.schedule, "_step": Step(self._step.number, is_open=self._step.is_open)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.watched, self.scaler, self._hooks, self._voice, self._lock = None, None, [], Voice(), threading.RLock()


def _is_in_company() -> bool:
    """Whether other processes train along with this one."""
    distributed = torch.distributed
    return distributed.is_available() and distributed.is_initialized() and distributed.get_world_size() > 1
