"""What the chapter on fewer layers and smaller batches says, on seeds and splits that it does not use."""

import numpy as np
import pytest
import torch

from gradlab import backward, networks, tasks, training

SEEDS = range(1000, 1020)
OPTIONS = {"inputs": 64, "outputs": 10, "bias": True}


@pytest.fixture(scope="module")
def digits():
    return tasks.digits(seed=1000)


def trained(digits, depth, batch=32, rate=0.05, steps=20, width=64, **options):
    fresh = [networks.deep_network(depth, width, **OPTIONS, **options, seed=seed) for seed in SEEDS]
    return training.train(fresh, digits, rate=rate, steps=steps, batch=batch, seed=1000)


def died(digits, depth, batch=32, **options):
    return trained(digits, depth, batch, **options).died.sum()


@pytest.mark.parametrize("gain", [1.2, 1.5])
def test_growth_of_the_backward_signal_is_the_factor_to_the_power_of_the_depth(gain):
    x, error = torch.randn(2, 1, 64, generator=torch.Generator().manual_seed(1000))
    for depth in (5, 10, 20, 40):
        many = (networks.deep_network(depth, 64, gain=gain, seed=seed) for seed in SEEDS)
        signals = backward.norms_along_depth(many, x, lambda output: (output * error).sum()).signals
        off = np.log(np.median(signals[:, 0] / signals[:, -1])) - depth * (np.log(gain) - 5 / 256)
        # four standard errors of the median of 20 logarithms of variance 5 L / 4 n
        assert abs(off) < 4 * 1.25 * np.sqrt(5 * depth / (4 * 64 * 20))


@pytest.mark.parametrize(("gain", "lives", "dies"), [(1.2, 10, 20), (1.5, 5, 10)])
def test_half_the_depth_moves_a_run_from_dead_to_alive_across_the_border_only(digits, gain, lives, dies):
    assert died(digits, lives, gain=gain, steps=40) <= 2
    assert died(digits, dies, gain=gain) == 20
    assert died(digits, 20, gain=gain) == 20  # half of forty, where all die as well
    assert died(digits, 40, gain=gain) == 20


def test_another_rate_has_its_border_at_another_depth(digits):
    assert died(digits, 10, gain=1.5, rate=0.01, steps=40) <= 8
    assert died(digits, 10, gain=1.2, rate=0.2) >= 18


def test_standard_normal_weights_leave_room_for_two_layers_and_not_for_three(digits):
    assert died(digits, 2, init="standard", steps=40) == 0
    assert died(digits, 2, init="standard", width=256, steps=40) == 0
    assert died(digits, 3, init="standard", steps=40) >= 12
    assert died(digits, 5, init="standard") == 20


def test_he_weights_keep_twenty_layers_alive_and_slow(digits):
    deep, shallow = trained(digits, 20, steps=40), trained(digits, 10, steps=40, gain=1.2)
    assert deep.died.sum() <= 1
    assert np.nanmedian(deep.scores) < np.nanmedian(shallow.scores)


@pytest.mark.parametrize("batch", [4, 32, 256])
def test_no_batch_size_saves_a_run_that_explodes(digits, batch):
    assert died(digits, 20, batch, gain=1.2) == 20
    assert died(digits, 10, batch, gain=1.5) == 20


@pytest.mark.parametrize(
    "options",
    [
        {"depth": 10, "gain": 1.3},
        {"depth": 10, "gain": 1.3, "width": 32},
        {"depth": 5, "gain": 1.5, "rate": 0.1},
        {"depth": 5, "gain": 1.5, "rate": 0.1, "width": 128},
        {"depth": 10, "gain": 1.2, "rate": 0.1},
        {"depth": 3, "init": "standard"},
    ],
)
def test_on_the_edge_smaller_batches_kill_more(digits, options):
    assert died(digits, batch=4, **options) >= died(digits, batch=128, **options) + 5


def test_steps_of_small_batches_kill_by_more_than_their_length(digits):
    edges = [
        {"depth": 10, "gain": 1.3, "rate": 0.05},
        {"depth": 5, "gain": 1.5, "rate": 0.1},
        {"depth": 10, "gain": 1.2, "rate": 0.1},
    ]
    deaths = []
    for options in edges:
        small, large = (trained(digits, batch=size, **options) for size in (4, 128))
        ratio = np.median(large.norms[:, 0]) / np.median(small.norms[:, 0])
        shortened = trained(digits, batch=4, **{**options, "rate": ratio * options["rate"]})
        deaths.append([run.died.sum() for run in (small, shortened, large)])
    small, shortened, large = np.sum(deaths, axis=0)
    assert small >= shortened + 5
    assert shortened >= large + 5


@pytest.mark.parametrize("batch", [4, 128])
def test_a_rate_that_shrinks_with_the_batch_saves_the_run_at_any_batch_size(digits, batch):
    assert died(digits, 20, batch, gain=1.2, rate=0.05 * 4 / 128) <= 2


@pytest.mark.parametrize(("gain", "depth"), [(1.0, 10), (1.2, 20), (1.5, 5)])
def test_noise_falls_as_one_over_the_root_of_the_batch_size(digits, gain, depth):
    # facts 10c: a slope of -0.5 with replacement, steeper without
    network = networks.deep_network(depth, 64, **OPTIONS, gain=gain, seed=1000)
    generator, examples = torch.Generator().manual_seed(1000), len(digits.x)

    def gradient(rows):
        loss = torch.nn.functional.cross_entropy(network(digits.x[rows]), digits.y[rows])
        return torch.cat([part.flatten() for part in torch.autograd.grad(loss, list(network.parameters()))])

    mean = gradient(slice(None))
    sizes = np.array([2, 8, 32, 128, 512])
    draws = {
        "with": lambda size: torch.randint(examples, (size,), generator=generator),
        "without": lambda size: torch.randperm(examples, generator=generator)[:size],
    }
    slopes = {}
    for name, draw in draws.items():
        squares = [
            np.mean([(gradient(draw(size)) - mean).square().sum().item() for _ in range(max(20, 800 // size))])
            for size in sizes
        ]
        slopes[name] = np.polyfit(np.log(sizes), np.log(squares) / 2, 1)[0]
    exact = np.polyfit(np.log(sizes), np.log((examples - sizes) / sizes) / 2, 1)[0]
    assert slopes["with"] == pytest.approx(-0.5, abs=0.08)
    assert slopes["without"] == pytest.approx(exact, abs=0.08)
