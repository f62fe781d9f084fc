"""What the chapter on initialization says of networks, on seeds that it does not use, and of theory, by another way.

Tolerances are those of 100 trial runs on another machine, or follow from the spread that theory gives.
"""

import math
from functools import cache

import numpy as np
import pytest
import torch
from torch import nn

from gradlab import backward, mean_field, networks, tasks, training

SEEDS = range(1000, 1020)
ROOT = math.sqrt(2)


def deep(count=10, *, depth, width, **options):
    options = {"init": "lecun", "dtype": torch.float64, **options}
    return (networks.deep_network(depth, width, **options, seed=seed) for seed in range(1000, 1000 + count))


def norms(many, width):
    x, push = torch.randn(2, 1, width, generator=torch.Generator().manual_seed(1000), dtype=torch.float64)
    return backward.norms_along_depth(iter(many), x, lambda output: (output * push).sum())


def decades(signals):
    """Return by how many powers of ten the backward signal has grown on its way, in each network."""
    return np.log10(signals[:, 0] / signals[:, -1])


@pytest.mark.parametrize(
    ("activation", "low", "high"),
    # theory: 0, 0, +4.0, -63; a network strays by sqrt(5/4 100/128)/ln 10 = 0.4 decades, and is of finite width
    [("linear", -1.5, 1.5), ("relu", -2, 2), ("tanh", 2.7, 4.9), ("sigmoid", -67, -59)],
)
def test_of_four_recommended_gains_two_keep_the_gradient_of_a_hundred_layers(activation, low, high):
    gain = nn.init.calculate_gain(activation)
    signals = norms(deep(depth=100, width=128, activation=activation, gain=gain), 128).signals
    assert low < np.median(decades(signals)) < high
    assert low < np.log10(mean_field.growth(activation, gain, 100).factors).sum() < high


def test_tanh_with_the_recommended_gain_explodes_by_a_tenth_a_layer():
    theory = mean_field.growth("tanh", 5 / 3, 100)
    assert theory.factors[-1] == pytest.approx(1.1, abs=0.01)
    assert theory.squares[-1] == pytest.approx(1.18, abs=0.005)
    signals = norms(deep(depth=50, width=256, activation="tanh", gain=5 / 3), 256).signals
    # the spread of the median of ten networks is about 0.002 per layer
    assert np.median(decades(signals)) / 50 == pytest.approx(math.log10(1.1), abs=0.01)


def test_default_weights_of_torch_with_relu_lose_the_root_of_six_at_each_layer():
    signals = norms(deep(depth=50, width=256, activation="relu", init="default"), 256).signals
    factors = 10 ** (decades(signals) / 50)
    assert abs(factors - 1 / math.sqrt(6)).max() < 0.02  # 0.0037 is the standard deviation over networks
    torch.manual_seed(1000)
    weight = nn.Linear(1000, 1000).weight
    assert weight.var().item() * 1000 == pytest.approx(1 / 3, abs=0.005)  # a million draws: 0.0003
    assert weight.abs().max() <= 1 / math.sqrt(1000)


def test_tanh_keeps_its_activations_above_gain_1_and_pays_with_the_gradient():
    for gain, low, high in ((2.5, 3, 4.6), (1.6, 0.5, 2.5), (0.8, -5, -3.4)):
        run = norms(deep(20, depth=40, width=64, activation="tanh", gain=gain), 64)
        assert low < np.median(decades(run.signals)) < high
        level = np.median(run.activations[:, -1] / run.activations[:, 20])
        assert (level > 0.9) == (gain > 1)


def test_mean_square_of_1_takes_tanh_a_gain_of_1_59():
    # E[tanh(z)**2] by Gauss-Hermite: another rule than the package's
    z, weights = np.polynomial.hermite_e.hermegauss(200)
    gain = 1 / math.sqrt((np.tanh(z) ** 2 * weights).sum() / weights.sum())
    assert gain == pytest.approx(1.59, abs=0.005)
    assert mean_field.growth("tanh", gain, 200).squares[-1] == pytest.approx(1, abs=1e-3)


def test_squared_gradient_of_tanh_at_gain_1_is_a_power_law_of_the_depth_with_slope_minus_1():
    tens = 2 * np.log10(mean_field.growth("tanh", 1.0, 2000).factors).cumsum()
    assert tens[1999] - tens[199] == pytest.approx(-1, abs=0.01)
    assert tens[49] == pytest.approx(-1.84, abs=0.01)
    measured = norms(deep(depth=50, width=256, activation="tanh"), 256).signals
    assert 2 * np.median(decades(measured)) == pytest.approx(-1.84, abs=0.6)  # one network: 0.33 standard deviation


def alternating(variance_of, seed):
    generator = torch.Generator().manual_seed(seed)
    layers = []
    for fan_in, fan_out in [(64, 256), (256, 64)] * 25:
        layer = nn.Linear(fan_in, fan_out, bias=False, dtype=torch.float64)
        nn.init.normal_(layer.weight, std=math.sqrt(variance_of(fan_in, fan_out)), generator=generator)
        layers.append(layer)
    return nn.Sequential(*layers)


@pytest.mark.parametrize(
    ("rule", "pair"),
    [
        (lambda fan_in, fan_out: 1 / fan_in, 1),
        (lambda fan_in, fan_out: 1 / fan_out, 1),
        (lambda fan_in, fan_out: 2 / (fan_in + fan_out), 0.64),
    ],
    ids=["fan_in", "fan_out", "Xavier"],
)
def test_xavier_loses_a_third_of_the_square_at_each_pair_of_uneven_layers_and_plain_rules_nothing(rule, pair):
    run = norms((alternating(rule, seed) for seed in SEEDS), 64)
    # log square of a product: mean -25 (1/64 + 1/256), variance twice as large, over 20 networks
    drift, spread = -25 * (1 / 64 + 1 / 256), math.sqrt(50 * (1 / 64 + 1 / 256))
    for grown in (decades(run.signals), -decades(run.activations)):
        squared = 2 * math.log(10) * grown.mean()
        assert squared == pytest.approx(25 * math.log(pair) + drift, abs=5 * spread / math.sqrt(20))


def test_orthogonal_weights_keep_the_length_to_five_digits_and_normal_ones_their_growth_rate():
    x = torch.randn(64, generator=torch.Generator().manual_seed(1000))
    options = {"depth": 100, "width": 64, "activation": "linear", "dtype": torch.float32}
    grown = {
        init: [(network(x).norm() / x.norm()).item() for network in deep(20, **options, init=init)]
        for init in ("orthogonal", "lecun")
    }
    np.testing.assert_allclose(grown["orthogonal"], 1, atol=1e-5)
    assert np.log(grown["lecun"]).mean() == pytest.approx(-0.79, abs=5 * 0.89 / math.sqrt(20))


def test_five_normal_layers_flatten_directions_ten_thousand_times_and_orthogonal_ones_none():
    for init, low, high in (("lecun", 1e4, math.inf), ("orthogonal", 1 - 1e-9, 1 + 1e-9)):
        for network in deep(20, depth=5, width=64, activation="linear", init=init):
            values = torch.linalg.svdvals(network(torch.eye(64, dtype=torch.float64)).detach())
            assert low <= values[0] / values[-1] <= high


def test_orthogonal_weights_times_root_2_keep_the_gradient_of_relu():
    signals = norms(deep(5, depth=50, width=256, activation="relu", init="orthogonal", gain=ROOT), 256).signals
    np.testing.assert_allclose(10 ** (decades(signals) / 50), 1, atol=0.03)


@cache
def digits_run(count=20, depth=10, rate=0.05, **options):
    sizes = {"width": 64, "inputs": 64, "outputs": 10, "bias": True, "dtype": torch.float32}
    fresh = list(deep(count, depth=depth, **sizes, **options))
    return training.train(fresh, tasks.digits(seed=1000), rate=rate, steps=220, batch=32, seed=1000)


def test_digits_are_learnt_in_the_order_of_the_factors_per_layer():
    he, xavier = (np.median(digits_run(10, init=init).scores) for init in ("he", "xavier"))
    assert he > 0.87
    assert 0.3 < xavier < he
    assert (digits_run(10, init="default").scores < 0.2).all()


def test_orthogonal_networks_learn_digits_in_the_median_of_three():
    scores = digits_run(21, rate=0.03, init="orthogonal", gain=ROOT).scores
    assert (np.median(scores.reshape(7, 3), axis=1) > 0.8).all()  # one network alone fails in 3 of 100


def test_ten_times_the_rate_breaks_networks_with_the_right_weights():
    run = digits_run(init="he", rate=0.5)
    assert 3 <= run.died.sum() <= 18
    assert np.nanmax(run.scores, initial=0.0) < 0.75


def test_thirty_tanh_layers_learn_digits_best_a_little_above_gain_1():
    options = {"count": 4, "depth": 30, "activation": "tanh"}
    scores = {gain: np.median(digits_run(**options, gain=gain).scores) for gain in (1.2, 5 / 3, 2.5)}
    assert scores[1.2] > scores[5 / 3] + 0.05
    assert scores[5 / 3] > scores[2.5] + 0.05
    assert scores[2.5] < 0.4


def test_gain_of_leaky_relu_grants_both_wishes():
    gain = nn.init.calculate_gain("leaky_relu", 0.2)
    assert gain == pytest.approx(math.sqrt(2 / 1.04), rel=1e-12)
    z = torch.randn(1_000_000, generator=torch.Generator().manual_seed(1000))
    out = nn.functional.leaky_relu(z, 0.2)
    assert gain**2 * out.square().mean().item() == pytest.approx(1, abs=0.01)  # 0.0015 of sampling
    assert gain**2 * torch.where(z > 0, 1.0, 0.2).square().mean().item() == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize(("activation", "gain", "drifts"), [("gelu", 1.48, True), ("tanh", 1.59, False)])
def test_gelu_has_no_level_to_return_to_and_tanh_has_one(activation, gain, drifts):
    def drift(start):
        squares = mean_field.growth(activation, gain, 50, start=start).squares
        return squares[-1] / mean_field.growth(activation, gain, 50).squares[0]

    assert (drift(4.0) > 5 * drift(1.0)) == drifts
    assert (drift(0.25) < drift(1.0) / 5) == drifts
