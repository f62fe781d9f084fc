"""Products of matrices: how fast they grow, and which number of the matrix rules the growth.

A deep network's Jacobian is such a product. What the layers do besides (activations, normalisation, skip
connections) is left to other rooms.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike

from gradlab.arguments import positive_number, square_matrix, whole_number


class Peak(NamedTuple):
    """The largest amplification that powers of a matrix reach, and where."""

    depth: int
    norm: float


def norms_of_powers(matrix: ArrayLike, depth: int) -> np.ndarray:
    """2-norms of ``matrix**0, matrix**1, ..., matrix**depth``.

    Parameters
    ----------
    matrix : array_like, shape (n, n)
        The layer that is applied again and again; computed in float64.
    depth : int
        The highest power, at least 0.

    Returns
    -------
    ndarray, shape (depth + 1,)
        The largest singular value of each power, starting with 1 for the identity. Beyond the range of float64
        the value is ``inf`` or 0.

    Raises
    ------
    TypeError
        If `matrix` does not hold real numbers or `depth` is not an integer.
    ValueError
        If `matrix` is not square and finite, or `depth` is negative.
    """
    matrix = square_matrix("matrix", matrix)
    depth = whole_number("depth", depth, at_least=0)
    largest = np.abs(matrix).max() or 1.0
    logs, power, log_scale = np.full(depth + 1, -np.inf), np.eye(len(matrix)), 0.0
    for k in range(depth + 1):
        norm = np.linalg.norm(power, 2)
        if norm == 0:
            break
        logs[k] = k * math.log(largest) + log_scale + math.log(norm)
        # Rescaled factors, so that only the reported norm can leave the range of float64.
        log_scale, power = log_scale + math.log(norm), matrix / largest @ (power / norm)
    with np.errstate(over="ignore"):
        return np.exp(logs)


def spectral_radius(matrix: ArrayLike) -> float:
    """Largest modulus of the eigenvalues: what rules ``matrix**k`` for large ``k`` (Gelfand's formula).

    Parameters
    ----------
    matrix : array_like, shape (n, n)
        Real matrix; computed in float64.

    Returns
    -------
    float
        Non-negative; never above the largest singular value, up to rounding.

    Raises
    ------
    TypeError
        If `matrix` does not hold real numbers.
    ValueError
        If `matrix` is not square and finite.
    """
    return float(np.abs(np.linalg.eigvals(square_matrix("matrix", matrix))).max())


def largest_singular_value(matrix: ArrayLike) -> float:
    """Largest factor by which one application of `matrix` can lengthen a vector.

    Parameters
    ----------
    matrix : array_like, shape (n, n)
        Real matrix; computed in float64.

    Returns
    -------
    float
        The 2-norm; never below the spectral radius, up to rounding.

    Raises
    ------
    TypeError
        If `matrix` does not hold real numbers.
    ValueError
        If `matrix` is not square and finite.
    """
    return float(np.linalg.norm(square_matrix("matrix", matrix), 2))


def transient_peak(matrix: ArrayLike, depth: int) -> Peak:
    """Where the norm of the powers of `matrix` is largest within `depth` steps.

    Parameters
    ----------
    matrix : array_like, shape (n, n)
        Real matrix; computed in float64.
    depth : int
        How far to look, at least 0.

    Returns
    -------
    Peak
        The first depth at which the largest norm occurs, and that norm.

    Raises
    ------
    TypeError
        If `matrix` does not hold real numbers or `depth` is not an integer.
    ValueError
        If `matrix` is not square and finite, or `depth` is negative.

    References
    ----------
    Trefethen and Embree (2005), "Spectra and Pseudospectra": transients of powers of non-normal matrices.
    """
    norms = norms_of_powers(matrix, depth)
    return Peak(int(norms.argmax()), float(norms.max()))


def growth_rate(n: int, gain: float) -> float:
    """Lyapunov exponent of a product of independent Gaussian matrices.

    The norm of ``W_L ... W_1 x`` grows like ``exp(L * rate)`` when each ``W`` is ``n x n`` with independent
    entries drawn from ``N(0, gain**2 / n)``:  ``rate = log(gain) + (log 2 + psi(n / 2) - log n) / 2``.

    Parameters
    ----------
    n : int
        Width of the square matrices, at least 1.
    gain : float
        Standard deviation of an entry times ``sqrt(n)``, positive.

    Returns
    -------
    float
        Nats per layer; 0 is the boundary between vanishing and exploding.

    Raises
    ------
    TypeError
        If `n` is not an integer or `gain` is not one real number.
    ValueError
        If `n` is below 1 or `gain` is not positive and finite.

    References
    ----------
    Newman (1986), "The distribution of Lyapunov exponents: exact results for random matrices".
    """
    n, gain = whole_number("n", n, at_least=1), positive_number("gain", gain)
    half = torch.tensor(n / 2, dtype=torch.float64)
    return math.log(gain) + (math.log(2 / n) + torch.special.digamma(half).item()) / 2


def growth_spread(n: int, depth: int) -> float:
    """Standard deviation of ``log ||W_L ... W_1 x||`` for the matrices of `growth_rate`, whatever the gain.

    Each layer multiplies the norm by an independent factor ``gain * sqrt(chi2_n / n)``, whose logarithm has
    variance ``psi'(n / 2) / 4``.

    Parameters
    ----------
    n : int
        Width of the square matrices, at least 1.
    depth : int
        Number of layers ``L``, at least 0.

    Returns
    -------
    float
        Nats.

    Raises
    ------
    TypeError
        If `n` or `depth` is not an integer.
    ValueError
        If `n` is below 1 or `depth` below 0.
    """
    n, depth = whole_number("n", n, at_least=1), whole_number("depth", depth, at_least=0)
    half = torch.tensor(n / 2, dtype=torch.float64)
    return math.sqrt(depth * torch.special.polygamma(1, half).item()) / 2


def log_norms_of_random_products(n: int, gain: float, depth: int, *, runs: int, seed: int) -> np.ndarray:
    """Simulate ``log ||W_k ... W_1 x||`` for ``k = 0 ... depth``, with a fresh Gaussian matrix at every layer.

    Parameters
    ----------
    n : int
        Width of the square matrices, at least 1.
    gain : float
        Standard deviation of an entry times ``sqrt(n)``, positive.
    depth : int
        Number of layers, at least 0.
    runs : int
        Number of independent products, at least 1.
    seed : int
        Seed of the generator, at least 0; equal seeds give equal results on one machine.

    Returns
    -------
    ndarray, shape (runs, depth + 1)
        Nats, float64, starting at 0 (``x`` is a unit vector). Finite at any depth: the vector is rescaled to
        unit length after every layer.

    Raises
    ------
    TypeError
        If an argument is not a number of the kind stated.
    ValueError
        If an argument is outside its range.
    """
    n, gain = whole_number("n", n, at_least=1), positive_number("gain", gain)
    depth, runs = whole_number("depth", depth, at_least=0), whole_number("runs", runs, at_least=1)
    rng = np.random.default_rng(whole_number("seed", seed, at_least=0))
    vectors = np.zeros((runs, n, 1))
    vectors[:, 0] = 1.0
    logs = np.zeros((runs, depth + 1))
    for k in range(depth):
        vectors = rng.normal(0.0, gain / math.sqrt(n), (runs, n, n)) @ vectors
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        logs[:, k + 1] = logs[:, k] + np.log(lengths[:, 0, 0])
        vectors /= lengths
    return logs
