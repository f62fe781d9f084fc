"""When to read norms, and what reading has cost so far."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

import torch

WARM_UP = 20  # steps at the start that are always sampled
AT_LEAST_EVERY = 50  # steps, however short they are: a sample costs about as much as a step of a tiny model
EVERY_WHERE_SHARED = 10  # steps from sample to sample where several processes must agree
TAIL = 20  # losses that a jump is judged by
FEWEST = 6  # of them


class Costs:
    """Seconds spent inside the monitor, and since its first step. Enter it around the monitor's own work.

    Waiting for an accelerator is not counted, since training would wait for it too; the accelerator's time for the
    monitor's own kernels is.
    """

    def __init__(self) -> None:
        self.own = 0.0
        self._started: float | None = None
        self._ended: float | None = None
        self._entered = self._waited = 0.0
        self._timed: deque[tuple[torch.cuda.Event, torch.cuda.Event]] = deque()

    @property
    def elapsed(self) -> float:
        """Seconds from the first step to now, or to the end of watching."""
        if self._started is None:
            return 0.0
        return (time.perf_counter() if self._ended is None else self._ended) - self._started

    def start(self) -> None:
        """Say that the first step is there."""
        if self._started is None:
            self._started = time.perf_counter()

    def stop(self) -> None:
        """Say that watching is over."""
        if self._ended is None:
            self._ended = time.perf_counter()
        self._timed.clear()

    def __enter__(self) -> Costs:
        self._entered, self._waited = time.perf_counter(), 0.0
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.own += time.perf_counter() - self._entered - self._waited

    def waited(self, seconds: float) -> None:
        """Say how long the work that goes on has waited for an accelerator."""
        self._waited += seconds
        while self._timed and self._timed[0][1].query():
            first, last = self._timed.popleft()
            self.own += first.elapsed_time(last) / 1e3

    @contextmanager
    def on(self, device: torch.device) -> Iterator[None]:
        """Count the time that a CUDA device takes for the kernels of a block, once it is known."""
        if device.type != "cuda":
            yield
            return
        with torch.cuda.device(device):
            first, last = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            first.record()
            yield
            last.record()
        self._timed.append((first, last))

    def at_rest(self) -> Costs:
        """Return a copy whose clock stands still."""
        copy = Costs()
        copy.own, copy._started, copy._ended = self.own, 0.0, self.elapsed
        return copy


class Schedule:
    """Which steps to sample.

    Parameters
    ----------
    budget : float
        Share of the run's time that sampling may take.
    every : int or None
        Steps from sample to sample; by the clock if None.
    shared : bool
        Whether processes must sample the same steps: then neither the clock nor the process's own loss has a say.
    """

    def __init__(self, budget: float, every: int | None, shared: bool) -> None:
        self.budget, self.shared = budget, shared
        self.every = EVERY_WHERE_SHARED if every is None and shared else every
        self._tail: deque[float] = deque(maxlen=TAIL)
        self._was_finite = True

    def is_due(self, step: int, costs: Costs) -> bool:
        """Whether to sample a step, before anything is known of it."""
        if step < WARM_UP or self.every == 1:
            return True
        if self.every is not None:
            return step % self.every == 0
        return step % AT_LEAST_EVERY == 0 or costs.own < self.budget * costs.elapsed

    def is_alarmed(self, loss: float, sentinel: float) -> bool:
        """Whether to sample a step in any case: its loss jumps, or it is the first that is not finite."""
        is_finite = math.isfinite(loss) and math.isfinite(sentinel)
        alarm = self._was_finite and not is_finite
        self._was_finite = is_finite
        if math.isfinite(loss):
            alarm = alarm or self._jumps(loss)
            self._tail.append(loss)
        return alarm and not self.shared

    def _jumps(self, loss: float) -> bool:
        """Whether a loss is far above what the last ones were, by their own measure."""
        if len(self._tail) < FEWEST or loss <= max(self._tail):
            return False
        tail = sorted(self._tail)
        middle = tail[len(tail) // 2]
        return loss > middle + max(5 * (tail[-1] - middle), 0.01 * abs(middle))
