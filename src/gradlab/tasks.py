"""What networks are trained on: small real data sets that come with scikit-learn, and two classic memory tasks.

Nothing is downloaded. How a network is trained on a task is left to `gradlab.training`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from gradlab.arguments import flag, one_of, whole_number


@dataclass(frozen=True)
class Task:
    """Examples to learn from, others to be tested on, and what counts as good.

    Parameters
    ----------
    x, x_test : Tensor
        Inputs, float32, the examples along the first axis.
    y, y_test : Tensor
        Classes, int64 of shape (examples,); or numbers to predict, float32 of shape (examples, 1).
    """

    x: Tensor
    y: Tensor
    x_test: Tensor
    y_test: Tensor

    @property
    def outputs(self) -> int:
        """How many outputs a network needs: one for each class, or 1 for a number."""
        return 1 if self.y.is_floating_point() else int(self.y.max()) + 1

    @property
    def loss(self) -> Callable[[Tensor, Tensor], Tensor]:
        """Mean cross-entropy on logits for classes, mean squared error for numbers."""
        return functional.mse_loss if self.y.is_floating_point() else functional.cross_entropy

    def score(self, output: Tensor) -> float:
        """Grade the output for `x_test`.

        Parameters
        ----------
        output : Tensor, shape (examples, outputs)

        Returns
        -------
        float
            Share of right classes, or R², the share of the variance that is explained; NaN if an output is not
            finite.

        Raises
        ------
        ValueError
            If `output` does not have the shape stated.
        """
        wanted = (len(self.y_test), self.outputs)
        if getattr(output, "shape", None) != wanted:
            raise ValueError(f"output must be a tensor of shape {wanted}, got {output!r}")
        if not output.isfinite().all():
            return float("nan")
        if self.y.is_floating_point():
            y = self.y_test.double()  # in float32 the square of a finite output may overflow
            return 1 - (functional.mse_loss(output.double(), y) / y.var(correction=0)).item()
        return (output.argmax(dim=1) == self.y_test).float().mean().item()


def measurements(name: str, *, standardised: bool = True, seed: int = 0) -> Task:
    """Tables of real measurements, a quarter of the rows held out for the test.

    Parameters
    ----------
    name : {"wine", "cancer", "diabetes"}
        178 wines by 13 chemical measurements, 3 classes; 569 tumours by 30 measurements of their cells, 2 classes;
        442 patients by 10 measurements, a number that says how the disease went on within a year.
    standardised : bool
        Whether every column of ``x`` has mean 0 and standard deviation 1 over the training rows. If not, columns are
        in the units of the laboratory. Numbers to predict are standardised in either case.
    seed : int
        Which rows are held out, at least 0.

    Returns
    -------
    Task

    Raises
    ------
    TypeError
        If `seed` is not an integer or `standardised` is not a bool.
    ValueError
        If `name` is unknown or `seed` negative.
    """
    one_of("name", name, ("wine", "cancer", "diabetes"))
    if name == "diabetes":
        x, y = _bundled("diabetes_data_raw.csv.gz", delimiter=None), _bundled("diabetes_target.csv.gz")[:, None]
    else:
        table = _bundled({"wine": "wine_data.csv", "cancer": "breast_cancer.csv"}[name], skiprows=1)
        x, y = table[:, :-1], table[:, -1]
    train, test = _split(len(x), seed)
    x = _standardise(x, train) if flag("standardised", standardised) else x
    y = _standardise(y, train) if y.ndim == 2 else y
    return _task(x, y, train, test)


def digits(*, pixels_per_step: int | None = None, seed: int = 0) -> Task:
    """1797 handwritten digits of 8 x 8 pixels in 10 classes, a quarter held out for the test.

    Each pixel has mean 0 and standard deviation 1 over the training examples, or 0 if it is the same in all of them.

    Parameters
    ----------
    pixels_per_step : {1, 2, 4, 8, 16, 32, 64}, optional
        If given, each digit is read in time, row by row and so many pixels at once.
    seed : int
        Which digits are held out, at least 0.

    Returns
    -------
    Task
        Inputs of shape (examples, 64), or (examples, steps, pixels_per_step).

    Raises
    ------
    TypeError
        If `pixels_per_step` or `seed` is not an integer.
    ValueError
        If `pixels_per_step` does not divide 64, or `seed` is negative.
    """
    table = _bundled("digits.csv.gz")
    y = table[:, -1]
    train, test = _split(len(y), seed)
    x = _standardise(table[:, :-1], train)
    if pixels_per_step is not None:
        pixels = whole_number("pixels_per_step", pixels_per_step)
        x = x.reshape(len(x), -1, one_of("pixels_per_step", pixels, (1, 2, 4, 8, 16, 32, 64)))
    return _task(x, y, train, test)


def temporal_order(length: int, *, samples: int, seed: int) -> Task:
    """Two cues among noise, to be told in the order in which they came.

    Each step shows one of six symbols, as a one-hot vector. Symbols 0 and 1 are cues, the others noise. The first cue
    comes after one to two tenths of the sequence, the second after four to five tenths; the class is
    ``2 * first + second``. A network that remembers nothing is right in a quarter of the cases.

    Parameters
    ----------
    length : int
        Steps, at least 10.
    samples : int
        Sequences to learn from, at least 1; 1000 more are held out.
    seed : int
        At least 0.

    Returns
    -------
    Task
        Inputs of shape (samples, length, 6), 4 classes.

    Raises
    ------
    TypeError
        If an argument is not an integer.
    ValueError
        If an argument is below its least value.

    References
    ----------
    Hochreiter and Schmidhuber (1997), "Long Short-Term Memory", task 6a, here with fewer symbols and relative times.
    """
    length, samples = whole_number("length", length, at_least=10), whole_number("samples", samples, at_least=1)
    rng, total = np.random.default_rng(whole_number("seed", seed, at_least=0)), samples + 1000
    symbols = rng.integers(2, 6, (total, length))
    cues = rng.integers(0, 2, (total, 2))
    for cue, (earliest, latest) in enumerate([(length // 10, length // 5), (4 * length // 10, length // 2)]):
        at = rng.integers(earliest, latest, total, endpoint=True)
        symbols[np.arange(total), at] = cues[:, cue]
    return _task(np.eye(6)[symbols], cues @ [2, 1], slice(samples), slice(samples, None))


def adding(length: int, *, samples: int, seed: int) -> Task:
    """Two of many numbers are marked, and their sum is asked for.

    Each step shows a number between 0 and 1 and a mark, which is 1 at one step in the first half and one step in the
    second half, else 0. Always answering 1, the mean, gives a squared error of 1/6.

    Parameters
    ----------
    length : int
        Steps, at least 2.
    samples : int
        Sequences to learn from, at least 1; 1000 more are held out.
    seed : int
        At least 0.

    Returns
    -------
    Task
        Inputs of shape (samples, length, 2), one number to predict.

    Raises
    ------
    TypeError
        If an argument is not an integer.
    ValueError
        If an argument is below its least value.

    References
    ----------
    Hochreiter and Schmidhuber (1997), "Long Short-Term Memory", task 4, in the form of Le, Jaitly and Hinton (2015).
    """
    length, samples = whole_number("length", length, at_least=2), whole_number("samples", samples, at_least=1)
    rng, total = np.random.default_rng(whole_number("seed", seed, at_least=0)), samples + 1000
    numbers, marks = rng.random((total, length)), np.zeros((total, length))
    for earliest, latest in ((0, length // 2), (length // 2, length)):
        marks[np.arange(total), rng.integers(earliest, latest, total)] = 1
    x, y = np.stack([numbers, marks], axis=2), (numbers * marks).sum(axis=1, keepdims=True)
    return _task(x, y, slice(samples), slice(samples, None))


def _bundled(file: str, *, delimiter: str | None = ",", skiprows: int = 0) -> np.ndarray:
    """Read a table that is installed with scikit-learn, without importing it (0.7 seconds and 80 MB)."""
    path = metadata.distribution("scikit-learn").locate_file(f"sklearn/datasets/data/{file}")
    return np.loadtxt(str(path), delimiter=delimiter, skiprows=skiprows)


def _split(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    order = np.random.default_rng(whole_number("seed", seed, at_least=0)).permutation(rows)
    return order[rows // 4 :], order[: rows // 4]


def _standardise(table: np.ndarray, train: np.ndarray) -> np.ndarray:
    spread = table[train].std(axis=0)
    return (table - table[train].mean(axis=0)) / np.where(spread > 0, spread, 1.0)


def _task(x: np.ndarray, y: np.ndarray, train: np.ndarray | slice, test: np.ndarray | slice) -> Task:
    x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32 if y.ndim == 2 else torch.int64)
    return Task(x[train], y[train], x[test], y[test])
