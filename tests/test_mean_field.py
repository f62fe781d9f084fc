"""Growth at infinite width against closed forms, another quadrature and simulated wide networks."""

import math

import numpy as np
import pytest
import torch

from gradlab.backward import norms_along_depth
from gradlab.mean_field import growth
from gradlab.networks import ACTIVATIONS, deep_network

POINTS, WEIGHTS = np.polynomial.hermite_e.hermegauss(150)
WEIGHTS = WEIGHTS / WEIGHTS.sum()
# the smooth activations and their slopes
SMOOTH = {
    "tanh": (np.tanh, lambda a: 1 - np.tanh(a) ** 2),
    "sigmoid": (lambda a: 1 / (1 + np.exp(-a)), lambda a: np.exp(-a) / (1 + np.exp(-a)) ** 2),
    "gelu": (
        lambda a: a * normal_below(a),
        lambda a: normal_below(a) + a * np.exp(-(a**2) / 2) / math.sqrt(2 * math.pi),
    ),
}


def normal_below(a):
    return np.vectorize(math.erf)(a / math.sqrt(2)) / 2 + 0.5


# the sums over the grid miss what lies beyond ten standard deviations, and round


@pytest.mark.parametrize("gain", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("start", [0.1, 1.0, 7.0])
def test_linear_layers_multiply_by_the_gain(gain, start):
    squares, factors = growth("linear", gain, 6, start=start)
    np.testing.assert_allclose(squares, [start * gain ** (2 * k) for k in range(1, 7)], rtol=1e-12)
    np.testing.assert_allclose(factors, [gain] * 6, rtol=1e-12)


@pytest.mark.parametrize("gain", [0.5, math.sqrt(2), 3.0])
@pytest.mark.parametrize("start", [0.1, 1.0, 7.0])
def test_relu_layers_multiply_by_the_gain_over_root_2(gain, start):
    squares, factors = growth("relu", gain, 6, start=start)
    np.testing.assert_allclose(squares, [start * gain**2 * (gain**2 / 2) ** k for k in range(6)], rtol=1e-12)
    np.testing.assert_allclose(factors, [gain / math.sqrt(2)] * 6, rtol=1e-12)


@pytest.mark.parametrize("activation", SMOOTH)
@pytest.mark.parametrize(("gain", "start"), [(0.8, 1.0), (1.5, 0.2), (1.5, 2.0)])
def test_smooth_activations_follow_the_recursion_in_gauss_hermite_quadrature(activation, gain, start):
    phi, slope = SMOOTH[activation]
    squares, factors, square = [], [], gain**2 * start
    for _ in range(5):
        a = math.sqrt(square) * POINTS
        squares.append(square)
        factors.append(gain * math.sqrt(WEIGHTS @ slope(a) ** 2))
        square = gain**2 * (WEIGHTS @ phi(a) ** 2)
    found = growth(activation, gain, 5, start=start)
    # 150 points integrate the least smooth of these to four digits
    np.testing.assert_allclose(found.squares, squares, rtol=1e-4)
    np.testing.assert_allclose(found.factors, factors, rtol=1e-4)


@pytest.mark.parametrize(("gain", "factor"), [(1.5, 1.067), (2, 1.167), (4, 1.542), (8, 2.118), (16, 2.955)])
def test_tanh_layers_settle_at_the_factors_of_facts_3e(gain, factor):
    assert growth("tanh", gain, 200).factors[-1] == pytest.approx(factor, abs=5.1e-4)  # the digits printed there


def test_slope_of_a_saturated_tanh_is_integrated_as_its_closed_form():
    # for a large gain, q = g**2 and E[sech**4] = 4 / (3 sqrt(2 pi q)), up to a part in g
    factor = growth("tanh", 1000.0, 2).factors[-1]
    assert factor == pytest.approx(1000 * math.sqrt(4 / (3 * math.sqrt(2 * math.pi) * 1000)), rel=2e-3)


@pytest.mark.parametrize(("width", "factor"), [(16, 0.632), (64, 0.892), (256, 1.246)])
def test_sigmoid_layers_of_standard_normal_weights_settle_at_the_factors_of_facts_3f(width, factor):
    assert growth("sigmoid", math.sqrt(width), 50).factors[-1] == pytest.approx(factor, abs=5.1e-4)  # printed there


def test_sigmoid_layers_of_standard_normal_weights_explode_from_the_width_in_facts_14d():
    below, above = (growth("sigmoid", math.sqrt(width), 50).factors[-1] for width in (102.95, 103.05))
    assert below < 1 < above


@pytest.mark.parametrize("seed", range(1000, 1002))
@pytest.mark.parametrize(
    ("activation", "gain"), [("linear", 1.3), ("relu", 1.0), ("tanh", 2.5), ("sigmoid", 10.0), ("gelu", 1.4)]
)
def test_every_layer_of_a_wide_network_behaves_as_at_infinite_width(activation, gain, seed):
    width, depth, start = 1024, 5, 2.0
    network = deep_network(depth, width, activation=activation, init="lecun", gain=gain, dtype=torch.float64, seed=seed)
    generator = torch.Generator().manual_seed(seed + 10**6)  # the weights of the same seed come from another stream
    x, error = torch.randn(2, 32, width, generator=generator, dtype=torch.float64)
    x = math.sqrt(start) * x
    norms = norms_along_depth([network], x, lambda output: (output * error).sum())
    h, squares = x, []
    with torch.no_grad():
        for layer in network:
            squares.append((layer[0](h) ** 2).mean().item())
            h = layer(h)
    theory = growth(activation, gain, depth, start=start)
    # of the order of 1 / sqrt(width) = 3 % a layer, and adding up in the squares: within .15 and .034 on 12 seeds
    np.testing.assert_allclose(squares, theory.squares, rtol=0.2)
    np.testing.assert_allclose(norms.signals[0, :-1] / norms.signals[0, 1:], theory.factors, rtol=0.05)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_growth_starts_from_an_input_of_mean_square_1_and_has_an_entry_for_every_layer(activation):
    found, told = growth(activation, 1.7, 3), growth(activation, 1.7, 3, start=1.0)
    np.testing.assert_array_equal(found, told)
    assert found.squares.shape == found.factors.shape == (3,)
    assert found.squares.dtype == found.factors.dtype == np.float64
    assert found.squares[0] == pytest.approx(1.7**2, rel=1e-15)


@pytest.mark.parametrize(("gain", "end"), [(10.0, math.inf), (0.1, 0.0)])
def test_squares_that_leave_float64_become_infinite_or_zero(gain, end):
    squares, factors = growth("linear", gain, 250)
    assert squares[-1] == end
    np.testing.assert_allclose(factors, gain, rtol=1e-12)
