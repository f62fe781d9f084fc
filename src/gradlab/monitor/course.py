"""The course of a run: where its loss began, how noisy it is, and whether it got over its trouble.

Nothing here knows a unit: losses are compared with losses of the same run only. They may be negative.
"""

from __future__ import annotations

import numpy as np

from gradlab.monitor.readings import Readings

BEGINNING = 50
"""Steps from whose losses the noise is read: enough for a median, few enough to lie before most trouble."""

JUDGED_AFTER = 10
"""Steps after the last alarm before a run can count as recovered: a loss that fell for fewer may be luck."""

CLEARLY_LOWER = 0.1
"""Share of the former loss by which the loss must have fallen, beside twice its own spread, to count as recovered;
a network that an update destroyed returns from the loss it began with to that of guessing, a few per cent lower."""

MUCH_LOWER = 0.5
"""Share of the former loss by which it must fall to excuse even a destructive step."""

BACK = 0.1
"""Share of the progress made before some trouble that a run may still lack and count as being back."""

SOLVED = 1e-6
"""Share of its first size at which a loss is 0 for all that matters: there, a gradient of 0 is no sign of death."""

TENFOLD = 10.0
"""What a loss must have grown by, over its start and over half of the run, if growth alone is to be an explosion."""

SOON = 20
"""Steps after large updates within which a loss that rises can be of their making."""

FAR, SUSTAINED = 3.0, 5
"""How many times its size, and for how many steps, a loss must rise to speak of an explosion. Runs that explode end far
above ten times where they began; those that only fail to learn at a high rate hover at up to three or four times."""


def noise_of(loss: np.ndarray) -> float:
    """Return how much the loss changes from one step to the next: the median at the beginning, 0 if unknown."""
    finite = loss[np.isfinite(loss)][:BEGINNING]
    return float(np.median(np.abs(np.diff(finite)))) if len(finite) > 1 else 0.0


def streaks(flags: np.ndarray) -> np.ndarray:
    """Return for each step how many in a row, up to it, are set; int, shape (T,)."""
    counts = np.cumsum(flags)
    return counts - np.maximum.accumulate(np.where(flags, 0, counts))


def recent(flags: np.ndarray, window: int) -> np.ndarray:
    """Return for each step how many of the last `window`, itself included, are set; int, shape (T,)."""
    counts = np.concatenate([np.zeros(1, dtype=int), np.cumsum(flags)])
    at = np.arange(1, len(counts))
    return counts[at] - counts[np.maximum(at - window, 0)]


def recovered(readings: Readings, first: int, last: int, by: float = CLEARLY_LOWER) -> bool:
    """Whether the run got over what happened from step `first` to `last`.

    It did if its losses of late are clearly below that before `first`, or below that of the start and back, but for a
    tenth of the progress made until then; not above that before `last` either; and if it still learns: a dead network
    has a constant loss and no gradient. `by` is the share of the former loss that counts as clear.
    """
    after = readings.loss[last + 1 :]
    if len(after) < JUDGED_AFTER or not np.isfinite(after[-JUDGED_AFTER:]).all():
        return False
    low, high = _late(after)
    if _is_dead(readings, last) and abs(high) > SOLVED * abs(beginning(readings.loss)):
        return False
    start, before, lately = beginning(readings.loss), *(_median_up_to(readings.loss, step) for step in (first, last))
    is_back = _clearly_lower(start, low, high, by) and high <= before + BACK * (start - before)
    if not is_back and not _clearly_lower(before, low, high, by):
        return False
    return high <= lately + max(high - low, BACK * (start - lately))


def learned_anew(readings: Readings, first: int, last: int) -> bool:
    """Whether the run got over it, its loss fell to half, and not all at once but in learning."""
    if not recovered(readings, first, last, MUCH_LOWER):
        return False
    _, high = _late(readings.loss[last + 1 :])
    after = readings.loss[first + 1 : first + 1 + JUDGED_AFTER]
    if not np.isfinite(after).any():
        return False
    at_first = float(np.quantile(after[np.isfinite(after)], 0.25))
    return at_first - high > CLEARLY_LOWER * abs(at_first)


def beginning(loss: np.ndarray) -> float:
    """Return the median of the first three finite losses, or the very first if that is lower; NaN without any.

    A run that explodes at once has little else to be compared with than its first loss.
    """
    finite = loss[np.isfinite(loss)][:3]
    return float(min(finite[0], np.median(finite))) if len(finite) else np.nan


def bears_witness(loss: np.ndarray, first: int, last: int) -> bool:
    """Whether the loss speaks of an explosion by steps from `first` to `last`, or soon after the last of them.

    It does if it is not finite, or for most of five steps above its start by far more than all progress made.
    """
    if not np.isfinite(loss[first:]).all():
        return True
    if len(loss) < SUSTAINED or not np.isfinite(loss).all():
        return False
    start, course = beginning(loss), levels(loss)
    progress = start - np.minimum.accumulate(course)  # more than its size only where the loss turns negative
    far = course > start + FAR * np.maximum(progress, abs(start))
    return bool(far[max(first + 1 - SUSTAINED, 0) : last + SOON].any())


def fell(readings: Readings) -> bool:
    """Whether the losses of late are finite and clearly below those at the beginning."""
    loss = readings.loss
    if len(loss) < JUDGED_AFTER or not np.isfinite(loss[-JUDGED_AFTER:]).all():
        return False
    return _clearly_lower(float(np.median(loss[np.isfinite(loss)][:3])), *_late(loss))


def comes_down(loss: np.ndarray) -> bool:
    """Whether the losses of late have come down by half of the greatest rise from a lower level to a later one.

    That of a task that became harder does; that of an explosion does not, until something breaks.
    """
    if len(loss) < 2 * JUDGED_AFTER or not np.isfinite(loss).all():
        return False
    course = levels(loss)
    lowest = np.minimum.accumulate(course)
    rise = course - lowest
    top = int(np.argmax(rise))
    return bool(_late(loss)[1] - lowest[top] < rise[top] / 2)


def levels(loss: np.ndarray) -> np.ndarray:
    """Return the medians of every five losses in a row, of five or more that are finite."""
    return np.median(np.lib.stride_tricks.sliding_window_view(loss, SUSTAINED), axis=1)


def multiplies(loss: np.ndarray) -> float | None:
    """Return by how much the size of the loss grew over the second half, if it did so by a steady factor a step.

    Returns
    -------
    float or None
        Above 10; None for any other course, or if the loss ends within ten times its start.
    """
    half = np.abs(loss[len(loss) // 2 :])
    if len(half) < JUDGED_AFTER or not np.isfinite(half).all() or not (half > 0).all():
        return None
    growth = float(np.median(half[-SUSTAINED:]) / np.median(half[:SUSTAINED]))
    far = np.median(half[-SUSTAINED:]) > TENFOLD * abs(beginning(loss))
    if not (far and growth > TENFOLD):
        return None
    steady = np.corrcoef(np.arange(len(half)), np.log(half))[0, 1] > 0.95
    return growth if steady else None


def ends_far_above(loss: np.ndarray) -> bool:
    """Whether the losses of late stand more than ten times as high as those of the first fifth, whatever came between.

    A fifth, not the first loss: one that begins next to 0 and has to rise is far above that in any case.
    """
    early = np.abs(loss[: max(JUDGED_AFTER, len(loss) // 5)])
    return bool(_late(loss)[0] > TENFOLD * np.quantile(early[np.isfinite(early)], 0.75))


def falls_on(loss: np.ndarray) -> float | None:
    """Return where a loss is that ended ten times as far below zero as it began, and did not slow down.

    One that has a lower bound comes near it: in some quarter of the run it falls clearly less than in the one before.

    Returns
    -------
    float or None
        Below zero; None for any other course.
    """
    if len(loss) < 4 * JUDGED_AFTER or not np.isfinite(loss).all():
        return None
    course = levels(loss)
    quarters = course[np.linspace(0, len(course) - 1, 5).astype(int)]
    falls = -np.diff(quarters)
    is_deep = quarters[-1] < -TENFOLD * np.abs(quarters[0])
    return float(quarters[-1]) if is_deep and falls[0] > 0 and (falls[1:] > 0.8 * falls[:-1]).all() else None


def _late(loss: np.ndarray) -> tuple[float, float]:
    """Return the quartiles of the last fifth of the losses."""
    late = loss[-max(JUDGED_AFTER, len(loss) // 5) :]
    low, high = np.quantile(late[np.isfinite(late)], [0.25, 0.75])
    return float(low), float(high)


def _clearly_lower(before: float, low: float, high: float, by: float = CLEARLY_LOWER) -> bool:
    return before - high > max(high - low, by * abs(before))


def _median_up_to(loss: np.ndarray, step: int) -> float:
    """Return the median of the last losses up to a step; that of the step itself was measured before its update."""
    before = loss[max(step - 4, 0) : step + 1]
    before = before[np.isfinite(before)]
    return float(np.median(before)) if len(before) else -np.inf


def _is_dead(readings: Readings, step: int) -> bool:
    """Whether most parameters that once had a gradient have none in the last sample after a step."""
    if not len(readings.step) or readings.step[-1] <= step:
        return False
    once = (np.nan_to_num(readings.grad) > 0).any(axis=0)
    return bool(once.any() and (np.nan_to_num(readings.grad[-1, once]) == 0).mean() > 0.5)
