"""What Part I says of networks, on seeds that its chapters do not use.

Tolerances are those of 100 trial runs on another machine, or follow from the spread that theory gives.
"""

import math
from functools import cache

import numpy as np
import pytest
import torch
from torch.nn import functional

from gradlab import backward, mean_field, networks, recurrent, tasks, training

SEEDS = range(1000, 1020)
NARROW = {"depth": 10, "width": 64, "inputs": 64, "outputs": 10, "bias": True}


def deep(count=20, **options):
    return [networks.deep_network(**options, seed=seed) for seed in SEEDS[:count]]


@pytest.mark.parametrize(("width", "activation", "layer"), [(256, "relu", 36.6), (512, "linear", 28.4)])
def test_standard_normal_weights_leave_float32_at_the_layer_that_the_factor_gives(width, activation, layer):
    x = torch.randn(1, width, generator=torch.Generator().manual_seed(1000))
    many = deep(8, depth=40, width=width, activation=activation, init="standard")
    norms = backward.norms_along_depth(iter(many), x, torch.sum)
    first = np.argmax(~np.isfinite(norms.activations), axis=1)
    assert np.abs(first - layer).max() < 1.7


def test_log_length_of_he_networks_has_the_mean_and_variance_of_depth_over_width():
    x = torch.randn(64, generator=torch.Generator().manual_seed(1000), dtype=torch.float64)
    many = deep(depth=32, width=64, dtype=torch.float64)
    with torch.no_grad():
        logs = np.array([network(x / x.norm()).square().sum().log().item() for network in many])
    # 20 networks: five standard errors of the mean, and of the variance of a nearly normal variable
    assert abs(logs.mean() + 1.2835) < 5 * math.sqrt(2.656 / 20)
    assert 2.656 / 4 < logs.var(ddof=1) < 2.656 * 4


def test_weight_gradients_are_flat_with_relu_and_largest_in_the_first_layer_with_tanh():
    x, error = torch.randn(2, 1, 256, generator=torch.Generator().manual_seed(1000), dtype=torch.float64)
    for options, low, high in (
        ({"gain": 1.2}, -0.4, 0.4),  # the median of 20 has a standard deviation of 0.08 decades
        ({"activation": "tanh", "init": "lecun", "gain": 2.0}, 2.5, 4.0),
    ):
        many = iter(deep(20, depth=50, width=256, dtype=torch.float64, **options))
        weights = backward.norms_along_depth(many, x, lambda output: (output * error).sum()).weights
        assert low < np.median(np.log10(weights[:, 0] / weights[:, -1])) < high


@cache
def digits_run(rate, **options):
    return training.train(deep(**NARROW, **options), tasks.digits(seed=1000), rate=rate, steps=220, batch=64, seed=1000)


def test_digits_networks_learn_with_he_weights_and_neither_with_smaller_nor_with_larger_ones():
    scores = digits_run(0.05).scores
    assert (scores > 0.2).mean() >= 0.95
    assert np.median(scores) > 0.85
    assert (digits_run(0.05, init="default").scores < 0.2).all()
    assert digits_run(0.05, gain=1.5).died.all()


def test_a_lower_rate_keeps_an_exploding_network_alive_but_not_as_good_as_its_healthy_twin():
    ill = digits_run(0.001, gain=1.5)
    assert not ill.died.any()
    assert np.median(ill.scores) < np.median(digits_run(0.05).scores) - 0.25


def lag_norms(activation, radius, seed):
    network = recurrent.RecurrentNetwork(32, 32, activation=activation, gain=radius, dtype=torch.float64, seed=seed)
    noise = torch.Generator().manual_seed(seed)
    h = network.states(math.sqrt(0.75) * torch.randn(1, 100, 32, generator=noise, dtype=torch.float64))
    loss = (h[-1] * torch.randn(32, generator=noise, dtype=torch.float64)).sum()
    return backward.norms_of_gradients(loss, h[1:])[::-1]


@pytest.mark.parametrize(
    ("activation", "fades", "grows"), [("linear", 0.9, 1.1), ("relu", 1.2, 1.6), ("tanh", 1.4, 1.8)]
)
def test_the_radius_at_which_a_recurrent_network_explodes_depends_on_its_activation(activation, fades, grows):
    slopes = {
        r: np.median([np.log(n[-1] / n[0]) for n in (lag_norms(activation, r, s) for s in SEEDS)])
        for r in (fades, grows)
    }
    assert slopes[fades] < 0 < slopes[grows]


def test_digits_in_time_kill_recurrent_relu_networks_of_radius_one_point_two():
    digits = tasks.digits(pixels_per_step=4, seed=1000)

    def momentum(parameters, lr):
        return torch.optim.SGD(parameters, lr=lr, momentum=0.9)

    died = {}
    for radius in (1.0, 1.2):
        options = {"activation": "relu", "init": "identity", "gain": radius}
        fresh = [recurrent.RecurrentNetwork(4, 64, 10, **options, seed=seed) for seed in SEEDS]
        run = training.train(fresh, digits, rate=0.02, steps=300, batch=32, optimizer=momentum, seed=1000)
        died[radius] = run.died.sum()
    assert died[1.0] <= 3
    assert died[1.2] >= 10


@pytest.mark.parametrize("standardised", [False, True])
@pytest.mark.parametrize("name", ["wine", "cancer", "diabetes"])
def test_descent_diverges_beyond_two_over_the_largest_curvature(name, standardised):
    x = tasks.measurements(name, standardised=standardised, seed=1000).x.double().numpy()
    design = np.column_stack([x, np.ones(len(x))])
    hessian = 2 * design.T @ design / len(design)
    border = 2 / np.linalg.eigvalsh(hessian).max()
    for factor in (0.99, 1.02):
        w = np.random.default_rng(1000).normal(size=len(hessian))
        start = np.abs(w).max()
        for _ in range(1000):
            w = w - factor * border * hessian @ w
        assert (np.abs(w).max() > 100 * start) == (factor > 1)


@pytest.mark.parametrize(("name", "rate", "scaled", "raw"), [("wine", 0.1, 0.9, 0.75), ("cancer", 0.1, 0.9, 0.9)])
def test_small_networks_learn_standardised_tables_and_hardly_raw_ones_even_clipped(name, rate, scaled, raw):
    def scores(standardised, max_norm):
        task = tasks.measurements(name, standardised=standardised, seed=1000)
        fresh = deep(20, depth=2, width=32, inputs=task.x.shape[1], outputs=task.outputs, bias=True, init="default")
        options = {"rate": rate, "steps": 400, "batch": 32, "max_norm": max_norm, "seed": 1000}
        return np.nan_to_num(training.train(fresh, task, **options).scores)

    assert np.median(scores(True, None)) > scaled
    assert np.median(scores(False, None)) < raw
    assert np.median(scores(False, 1.0)) < raw


def test_raw_diabetes_table_kills_what_learns_it_standardised():
    run = {}
    for standardised in (False, True):
        task = tasks.measurements("diabetes", standardised=standardised, seed=1000)
        fresh = deep(20, depth=2, width=32, inputs=10, outputs=1, bias=True, init="default")
        run[standardised] = training.train(fresh, task, rate=0.01, steps=400, batch=32, seed=1000)
    assert (np.nan_to_num(run[False].scores, nan=-1.0) < 0.1).mean() >= 0.7
    assert np.median(run[True].scores) > 0.3


@pytest.mark.parametrize(("width", "explodes"), [(64, False), (256, True)])
def test_sigmoid_with_standard_normal_weights_explodes_when_it_is_wide(width, explodes):
    x, error = torch.randn(2, 1, width, generator=torch.Generator().manual_seed(1000))
    many = iter(deep(20, depth=20, width=width, activation="sigmoid", init="standard"))
    signals = backward.norms_along_depth(many, x, lambda output: (output * error).sum()).signals
    assert ((signals[:, 0] > signals[:, -1]) == explodes).all()
    assert (mean_field.growth("sigmoid", math.sqrt(width), 100).factors[-1] > 1) == explodes


def test_sigmoid_before_softmax_keeps_the_loss_above_its_floor():
    cancer = tasks.measurements("cancer", seed=1000)
    options = {"rate": 0.1, "steps": 300, "batch": 32, "seed": 1000}
    fresh = deep(20, depth=2, width=32, inputs=30, outputs=2, bias=True)
    both = training.train(fresh, cancer, loss=lambda z, y: functional.cross_entropy(torch.sigmoid(z), y), **options)
    logits = training.train(fresh, cancer, **options)
    assert both.losses.min() > math.log(1 + math.exp(-1))
    assert np.median(logits.losses[:, -20:]) < 0.1
