"""What a monitor has written down of a run: a few bytes for each step, and a bounded number of sampled norms."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence

import numpy as np

from gradlab.monitor.readings import Method, Readings

KEPT_FOR_EVER = 20  # samples from the start of a run
NORMS_KEPT = 3_000_000  # float64 numbers of samples, 24 MB, before every other of the older ones is dropped
FEWEST_SAMPLES = 1000  # kept however many parameters there are


class Column:
    """A number for each step, of which only the changes take memory."""

    def __init__(self) -> None:
        self._starts = array("q")
        self._values = array("d")

    def put(self, step: int, value: float) -> None:
        """Say what holds from `step` on; before the first such step, NaN does."""
        if self._starts and self._starts[-1] == step:
            self._values[-1] = value
            return
        last = self._values[-1] if self._values else math.nan
        if value != last and not (math.isnan(value) and math.isnan(last)):
            self._starts.append(step)
            self._values.append(value)

    def filled(self, steps: int) -> np.ndarray:
        """Return the column for the first `steps` steps, float64 of shape (steps,)."""
        starts = np.minimum(np.array([0, *self._starts, steps]), steps)
        return np.repeat([math.nan, *self._values], np.diff(starts))


class Ledger:
    """A run so far, in the form that `Readings` is made from.

    Parameters
    ----------
    names, shapes, initial
        As in `Readings`.
    """

    def __init__(self, names: Sequence[str], shapes: Sequence[tuple[int, ...]], initial: np.ndarray) -> None:
        self.names, self.shapes, self.initial = tuple(names), tuple(shapes), initial
        self.most = max(FEWEST_SAMPLES, NORMS_KEPT // (3 * len(self.names)))
        self._loss, self._applied = array("d"), bytearray()
        self._rates: list[Column] = []
        self._last_rates: list[float] = []
        self._scale, self._max_norm = Column(), Column()
        self.method = Method()
        self._final = np.full(len(self.names), math.nan)
        self._samples: list[tuple[int, np.ndarray]] = []  # step, and gradient, weight and update norms as (3, P)

    @property
    def steps(self) -> int:
        """Number of steps recorded."""
        return len(self._loss)

    @property
    def sampled(self) -> int:
        """Number of samples kept."""
        return len(self._samples)

    def begin(self, loss: float, rates: Sequence[float], scale: float) -> None:
        """Write down a step that is about to be taken."""
        step = self.steps
        while len(self._rates) < len(rates):  # a group may be added to the optimizer at any time
            self._rates.append(Column())
        if rates != self._last_rates:
            for column, rate in zip(self._rates, rates, strict=False):
                column.put(step, rate)
            self._last_rates = list(rates)
        self._scale.put(step, scale)
        self._max_norm.put(step, math.nan)
        self._loss.append(loss)
        self._applied.append(False)

    def clipped(self, max_norm: float) -> None:
        """Write down the threshold to which the step's gradient is clipped."""
        self._max_norm.put(self.steps - 1, max_norm)

    def taken(self, step: int) -> None:
        """Write down that the optimizer took a step."""
        self._applied[step] = True

    def sample(self, step: int) -> np.ndarray:
        """Return the norms sampled at a step, shape (3, P) and NaN at first, to be filled in."""
        if not self._samples or self._samples[-1][0] != step:
            if self.sampled >= self.most:
                self._samples = thinned(self._samples)
            self._samples.append((step, np.full((3, len(self.names)), math.nan)))
        return self._samples[-1][1]

    def end(self, norms: np.ndarray) -> None:
        """Write down the norms of all parameters after the last step, shape (P,)."""
        self._final = norms

    def readings(self) -> Readings:
        """Return everything as arrays that later steps do not change."""
        steps = self.steps
        norms = np.array([norms for _, norms in self._samples]).reshape(-1, 3, len(self.names))
        rates = [column.filled(steps) for column in self._rates]
        return Readings(
            names=self.names,
            shapes=self.shapes,
            initial=self.initial.copy(),
            loss=np.array(self._loss, dtype=np.float64),
            applied=np.array(self._applied, dtype=np.uint8).astype(bool),
            rate=np.stack(rates, axis=1) if rates else np.empty((steps, 0)),
            scale=self._scale.filled(steps),
            max_norm=self._max_norm.filled(steps),
            final=self._final.copy(),
            step=np.array([step for step, _ in self._samples], dtype=np.int64),
            grad=norms[:, 0],
            weight=norms[:, 1],
            update=norms[:, 2],
            method=self.method,
        )


def thinned(samples: list[tuple[int, np.ndarray]]) -> list[tuple[int, np.ndarray]]:
    """Drop a quarter of the samples: of each pair in the older half, the one whose updates were smaller.

    The first `KEPT_FOR_EVER` stay, and so does the largest update of the run.
    """
    first, half = KEPT_FOR_EVER, KEPT_FOR_EVER + (len(samples) - KEPT_FOR_EVER) // 4 * 2
    pairs = zip(samples[first:half:2], samples[first + 1 : half : 2], strict=True)
    kept = [max(pair, key=lambda sample: _largest_change(sample[1])) for pair in pairs]
    return samples[:first] + kept + samples[half:]


def _largest_change(norms: np.ndarray) -> float:
    """Largest update among parameters, as a share of update and weight; infinite where a norm is."""
    _, weight, update = norms
    if np.isinf(norms).any():
        return math.inf
    with np.errstate(invalid="ignore"):
        share = update / (weight + update)
    known = share[np.isfinite(share)]
    return float(known.max()) if known.size else 0.0
