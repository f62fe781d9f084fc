"""Growth of matrix products against closed forms, autograd and simulations written independently here."""

import math

import numpy as np
import pytest
import torch

from gradlab import jacobians

SEEDS = range(20)
JORDAN = [[0.9, 10.0], [0.0, 0.9]]
NILPOTENT = [[0.0, 10.0], [0.0, 0.0]]
EULER = 0.57721566490153286


def gaussian(n, seed, gain=1.0):
    return gain / math.sqrt(n) * torch.randn(n, n, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def orthogonal(n, seed):
    return torch.linalg.qr(gaussian(n, seed))[0]


def digamma_at_half(n):
    """Return psi(n / 2) by the recurrence psi(x + 1) = psi(x) + 1 / x from psi(1) and psi(1 / 2)."""
    start = -EULER - 2 * math.log(2) if n % 2 else -EULER
    return start + sum(2 / k for k in range(2 - n % 2, n, 2))


def trigamma_at_half(n):
    """Return psi'(n / 2) by the recurrence psi'(x + 1) = psi'(x) - 1 / x**2 from psi'(1) and psi'(1 / 2)."""
    start = math.pi**2 / 2 if n % 2 else math.pi**2 / 6
    return start - sum(4 / k**2 for k in range(2 - n % 2, n, 2))


# float64 rounding grows with the number of products; 20 products of well scaled matrices stay far below 1e-9


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("n", [1, 2, 3, 8])
def test_norms_of_powers_equal_singular_values_of_explicit_powers(n, seed):
    matrix = gaussian(n, seed)
    powers = [torch.linalg.matrix_power(matrix, k) for k in range(21)]
    expected = [math.sqrt(torch.linalg.eigvalsh(power.T @ power).max()) for power in powers]
    np.testing.assert_allclose(jacobians.norms_of_powers(matrix, 20), expected, rtol=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_norms_of_powers_equal_norms_of_autograd_jacobians_of_a_deep_linear_network(seed):
    matrix = gaussian(4, seed)

    def network(x, depth):
        for _ in range(depth):
            x = matrix @ x
        return x

    point = torch.ones(4, dtype=torch.float64)
    chains = [torch.autograd.functional.jacobian(lambda x, k=k: network(x, k), point) for k in range(6)]
    expected = [torch.linalg.svdvals(chain)[0] for chain in chains]
    np.testing.assert_allclose(jacobians.norms_of_powers(matrix.numpy(), 5), expected, rtol=1e-9)


@pytest.mark.parametrize(("gain", "norm"), [(1.5, 57.6650390625), (0.5, 0.0009765625)])
@pytest.mark.parametrize("n", [1, 2, 5])
def test_norm_after_ten_layers_of_a_multiple_of_the_identity_matches_facts_2a(gain, norm, n):
    assert jacobians.norms_of_powers(gain * np.eye(n), 10)[10] == pytest.approx(norm, rel=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_norms_of_powers_of_a_scaled_orthogonal_matrix_are_powers_of_the_scale(seed):
    gain = 0.5 + 0.1 * seed
    expected = [gain**k for k in range(31)]
    np.testing.assert_allclose(jacobians.norms_of_powers(gain * orthogonal(6, seed), 30), expected, rtol=1e-10)


def test_norms_of_powers_of_a_jordan_block_match_the_closed_form():
    # block**k = 0.9**k [[1, c], [0, 1]] with c = 10 k / 0.9, whose largest singular value is (c + sqrt(c**2 + 4)) / 2
    k = np.arange(201)
    c = 10 * k / 0.9
    np.testing.assert_allclose(jacobians.norms_of_powers(JORDAN, 200), 0.9**k * (c + np.sqrt(c**2 + 4)) / 2, rtol=1e-10)


def test_norms_of_powers_of_the_jordan_block_match_facts_2f():
    norms = jacobians.norms_of_powers(JORDAN, 100)
    assert int(np.argmax(norms[1:] < 1)) + 1 == 63
    assert norms[100] == pytest.approx(0.0295, abs=5e-5)  # the digits printed there


def test_norms_of_powers_of_a_nilpotent_matrix_end_in_exact_zeros():
    np.testing.assert_array_equal(jacobians.norms_of_powers([[0, 1], [0, 0]], 4), [1, 1, 0, 0, 0])
    np.testing.assert_allclose(jacobians.norms_of_powers(NILPOTENT, 3), [1, 10, 0, 0], rtol=1e-14)
    np.testing.assert_array_equal(jacobians.norms_of_powers(np.eye(5, k=1), 6), [1, 1, 1, 1, 1, 0, 0])
    np.testing.assert_array_equal(jacobians.norms_of_powers([[0.0]], 2), [1, 0, 0])


@pytest.mark.filterwarnings("error")
def test_norms_of_powers_become_infinite_where_float64_ends_as_in_facts_11a():
    norms = jacobians.norms_of_powers(1.5 * np.eye(2), 1800)
    assert int(np.argmax(np.isinf(norms))) == 1751
    assert np.isinf(norms[1751:]).all()


def test_norms_of_powers_become_zero_where_float64_ends():
    norms = jacobians.norms_of_powers(0.5 * np.eye(2), 1100)
    # 2**-1074 is the smallest float64; the logarithm's rounding error of 1e-13 may move the end by one
    assert norms[1073] > 0
    assert (norms[1076:] == 0).all()


@pytest.mark.filterwarnings("error")
def test_norms_of_powers_of_entries_at_the_end_of_float64_stay_infinite():
    np.testing.assert_array_equal(jacobians.norms_of_powers(np.full((4, 4), 1e308), 3), [1, np.inf, np.inf, np.inf])


@pytest.mark.parametrize("seed", SEEDS)
def test_spectral_radius_is_the_largest_modulus_of_the_eigenvalues_built_in(seed):
    rng = np.random.default_rng(seed)
    real, angle, modulus = rng.uniform(-1, 1), rng.uniform(0.1, 3), rng.uniform(0.1, 1.5)
    turn = modulus * np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    blocks = torch.block_diag(torch.tensor([[real]], dtype=torch.float64), torch.from_numpy(turn))
    basis = orthogonal(3, seed) + 0.1 * gaussian(3, seed + 100)  # a similarity keeps the eigenvalues
    matrix = basis @ blocks @ torch.linalg.inv(basis)
    # rounding in the similarity costs a few digits of sixteen
    assert jacobians.spectral_radius(matrix) == pytest.approx(max(abs(real), modulus), rel=1e-10)


@pytest.mark.parametrize(("matrix", "radius"), [(JORDAN, 0.9), (NILPOTENT, 0.0), ([[0, -4], [1, 0]], 2.0), ([[-3]], 3)])
def test_spectral_radius_matches_characteristic_polynomials_solved_by_hand(matrix, radius):
    assert jacobians.spectral_radius(matrix) == pytest.approx(radius, abs=1e-7)  # a double root is known to sqrt(eps)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("n", [1, 2, 7])
def test_largest_singular_value_is_the_one_built_in(n, seed):
    values = torch.from_numpy(np.random.default_rng(seed).uniform(0.1, 3, n))
    matrix = orthogonal(n, seed) @ torch.diag(values) @ orthogonal(n, seed + 100)
    assert jacobians.largest_singular_value(matrix) == pytest.approx(values.max().item(), rel=1e-12)


def test_largest_singular_value_of_the_nilpotent_matrix_is_10_as_in_facts_2f():
    assert jacobians.largest_singular_value(NILPOTENT) == pytest.approx(10, rel=1e-14)


def test_transient_peak_of_the_jordan_block_matches_facts_2f():
    depth, norm = jacobians.transient_peak(JORDAN, 100)
    assert depth == 9
    assert norm == pytest.approx(38.7459, abs=5e-5)  # the digits printed there


@pytest.mark.parametrize(
    ("matrix", "depth", "peak"),
    [
        ([[0, 1], [1, 0]], 5, (0, 1)),  # every power has norm 1: the first one counts
        (NILPOTENT, 5, (1, 10)),
        ([[0.5]], 9, (0, 1)),
        ([[2.0]], 9, (9, 512)),
        (JORDAN, 0, (0, 1)),
        (1.5 * np.eye(2), 1800, (1751, math.inf)),
    ],
)
def test_transient_peak_is_the_first_largest_norm(matrix, depth, peak):
    assert jacobians.transient_peak(matrix, depth) == pytest.approx(peak, rel=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_growth_along_powers_of_one_gaussian_matrix_is_log_spectral_radius_as_in_facts_2g(seed):
    matrix = gaussian(6, seed, gain=1.5)
    logs = np.log(jacobians.norms_of_powers(matrix, 400))
    slope = (logs[400] - logs[100]) / 300
    radius = torch.linalg.eigvals(matrix).abs().max().log().item()
    assert slope == pytest.approx(radius, abs=0.02)  # facts 2g: no failure in 100 seeds


@pytest.mark.parametrize(
    ("n", "gain", "rate"),
    [
        (2, 1, -0.28861),
        (4, 1, -0.13518),
        (4, 2, 0.55797),
        (16, 1, -0.03190),
        (64, 1, -0.00785),
        (64, 1.1, 0.08746),
    ],
)
def test_growth_rate_matches_newman_formula_in_facts_2d(n, gain, rate):
    assert jacobians.growth_rate(n, gain) == pytest.approx(rate, abs=5.1e-6)  # the digits printed there


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 16, 63, 64, 1000])
@pytest.mark.parametrize("gain", [0.1, 1, 7.5])
def test_growth_rate_is_newman_formula_with_digamma_by_recurrence(n, gain):
    expected = math.log(gain) + (math.log(2) + digamma_at_half(n) - math.log(n)) / 2
    assert jacobians.growth_rate(n, gain) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("n", "gain", "depth", "tolerance"),
    [(2, 1, 2000, 0.072), (4, 1, 2000, 0.045), (4, 2, 2000, 0.045), (16, 1, 2000, 0.021), (64, 1.1, 1000, 0.015)],
)
def test_growth_rate_matches_explicit_products_of_20_seeds_as_in_facts_2d(n, gain, depth, tolerance):
    generator = torch.Generator().manual_seed(n)
    vectors, logs = torch.ones(len(SEEDS), n, 1), torch.zeros(len(SEEDS))
    logs -= math.log(math.sqrt(n))
    for _ in range(depth):
        vectors = torch.randn(len(SEEDS), n, n, generator=generator) @ vectors
        scale = vectors.abs().amax(dim=1, keepdim=True)
        vectors, logs = vectors / scale, logs + scale[:, 0, 0].log()
    logs += vectors.norm(dim=(1, 2)).log() + depth * math.log(gain / math.sqrt(n))
    # tolerances of the table: five standard deviations of one run
    np.testing.assert_allclose(logs / depth, jacobians.growth_rate(n, gain), rtol=0, atol=tolerance)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 16, 64])
@pytest.mark.parametrize("depth", [0, 1, 100])
def test_growth_spread_is_facts_2d_with_trigamma_by_recurrence(n, depth):
    # torch's polygamma is right to nine digits
    assert jacobians.growth_spread(n, depth) == pytest.approx(math.sqrt(depth * trigamma_at_half(n)) / 2, rel=1e-8)


def test_mean_and_spread_of_a_hundred_4x4_matrices_match_facts_2e2():
    assert 100 * jacobians.growth_rate(4, 2) / math.log(10) == pytest.approx(24.232, abs=5e-4)
    assert jacobians.growth_spread(4, 100) / math.log(10) == pytest.approx(1.744, abs=5e-4)


@pytest.mark.parametrize("seed", SEEDS)
def test_mean_of_20_simulated_runs_matches_facts_2e2(seed):
    logs = jacobians.log_norms_of_random_products(4, 2.0, 100, runs=20, seed=seed)
    assert logs[:, -1].mean() / math.log(10) == pytest.approx(24.23, abs=1.95)  # five standard errors


@pytest.mark.parametrize("n", [1, 2, 8])
@pytest.mark.parametrize("gain", [0.7, 2.0])
def test_simulated_steps_have_mean_and_variance_of_log_chi(n, gain):
    logs = jacobians.log_norms_of_random_products(n, gain, 10, runs=4000, seed=n)
    steps = np.diff(logs, axis=1)
    mean = math.log(gain) + (math.log(2 / n) + digamma_at_half(n)) / 2
    variance = trigamma_at_half(n) / 4
    # 40 000 independent steps: five standard errors of the mean; log chi has a kurtosis of at most 7,
    # so the relative standard error of the variance is at most sqrt(6 / 40 000) = 0.0122
    assert steps.mean() == pytest.approx(mean, abs=5 * math.sqrt(variance / steps.size))
    assert steps.var() == pytest.approx(variance, rel=5 * 0.0122)


@pytest.mark.parametrize("n", [1, 3])
def test_simulated_steps_are_independent_from_layer_to_layer_and_run_to_run(n):
    steps = np.diff(jacobians.log_norms_of_random_products(n, 1.0, 30, runs=1000, seed=3), axis=1)
    correlations = np.corrcoef(steps, rowvar=False)[np.triu_indices(30, k=1)]
    assert np.abs(correlations).max() < 5 / math.sqrt(1000)  # five standard errors of a correlation of 0
    assert len(np.unique(steps)) == steps.size


def test_simulated_logs_start_at_zero_and_stay_finite_far_beyond_float64():
    logs = jacobians.log_norms_of_random_products(3, 10.0, 1500, runs=2, seed=0)
    assert logs.shape == (2, 1501)
    assert (logs[:, 0] == 0).all()
    assert np.isfinite(logs).all()
    assert (logs[:, -1] > math.log(1e300) * 3).all()


def test_simulation_repeats_with_its_seed_and_differs_between_seeds():
    first, again, other = (jacobians.log_norms_of_random_products(3, 1.0, 5, runs=2, seed=s) for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first[:, 1:] != other[:, 1:]).all()
