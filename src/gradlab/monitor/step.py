"""The step that a monitor is at, how its work is fenced off from the run's, and what it says aloud."""

from __future__ import annotations

import logging
import warnings
import weakref
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from torch import Tensor

from gradlab.monitor.sampling import Costs

PLACE = "record(loss) belongs once before each optimizer.step(), after the last backward() and before clipping"


class Ended(Exception):  # noqa: N818
    """Watching ends here, and every process knows it."""


@dataclass
class Step:
    """The latest step recorded, and what of it is still on its way from the device."""

    number: int = -1
    is_open: bool = False  # recorded, but not yet taken
    is_sampled: bool = False
    is_kept: bool = False  # there is a copy of the parameters as they were before it
    scale: float = 1.0  # by which its gradients were still multiplied when they were read
    norms: dict[str, tuple[list[int], Tensor]] = field(default_factory=dict)
    found_inf: Tensor | None = None  # above zero if a fused optimizer went through it without changing anything


def on_their_way(step: Step) -> dict[str, Any]:
    """Name what a step has left on its device."""
    if not step.norms and step.found_inf is None:
        return {}
    parts = {f"previous {row}": norms for row, (_, norms) in step.norms.items()}
    return parts | ({} if step.found_inf is None else {"previous found_inf": step.found_inf})


def weakly(method: Callable[[], None]) -> Callable[..., None]:
    """Return a hook that does not keep alive the object whose method it calls."""
    reference = weakref.WeakMethod(method)

    def hook(*_: Any) -> None:
        bound = reference()
        if bound is not None:
            bound()

    return hook


class Work:
    """Around the monitor's own work: timed, one thread at a time, and never at the expense of the run.

    Parameters
    ----------
    lock : threading.RLock
    costs : Costs
    failed : callable
        Is given an error, which ends here.
    """

    def __init__(self, lock: AbstractContextManager, costs: Costs, failed: Callable[[Exception], None]) -> None:
        self._lock, self._costs, self._failed = lock, costs, failed

    def __enter__(self) -> None:
        self._lock.__enter__()
        self._costs.__enter__()

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> bool:
        try:
            if isinstance(error, Exception):
                self._failed(error)
                return True
            return False
        finally:
            self._costs.__exit__(kind, error, trace)
            self._lock.__exit__(kind, error, trace)


class Voice:
    """Says each kind of thing once."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def say(self, kind: str, message: str) -> None:
        """Warn, unless something of this kind was said before."""
        if kind in self._said:
            return
        self._said.add(kind)
        try:
            warnings.warn(f"GradMonitor: {message}", RuntimeWarning, stacklevel=6)  # the line that called the monitor
        except RuntimeWarning:  # warnings are errors here, and an error would end the run
            logging.getLogger(__name__).warning(message)
