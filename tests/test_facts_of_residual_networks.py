"""What the chapter on skip connections says of networks, on seeds that it does not use."""

import math

import numpy as np
import pytest
import torch

from gradlab import backward, networks, tasks, training
from gradlab.residual import residual_network

SEEDS = range(1000, 1020)
CHI = math.pi / (math.pi - 1)


def squared_growth(count=20, blocks=50, width=128, batch=8, **options):
    """Median factors of the squared norm, backward and forward, over all blocks."""
    x, error = torch.randn(2, batch, width, generator=torch.Generator().manual_seed(1000))
    many = (residual_network(blocks, width, **options, seed=seed) for seed in SEEDS[:count])
    norms = backward.norms_along_depth(many, x, lambda output: (output * error).sum())
    back = norms.signals[:, 0] / norms.signals[:, -1]
    return np.median(back**2), np.median((norms.activations[:, -1] / norms.activations[:, 0]) ** 2)


@pytest.mark.parametrize("scale", [0.5, 1.0, math.sqrt(2)])
def test_a_block_multiplies_the_squared_signal_by_one_plus_the_square_of_its_scale(scale):
    # facts 9a: 2 within 0.16 forward and 0.12 backward; 3 where V is He's as well
    back, forth = squared_growth(count=8, scale=scale)
    assert back ** (1 / 50) == pytest.approx(1 + scale**2, rel=0.06)
    assert forth ** (1 / 50) == pytest.approx(1 + scale**2, rel=0.08)


def test_branches_divided_by_the_root_of_their_number_grow_by_less_than_e():
    back, forth = squared_growth(count=8, scale=50**-0.5)
    assert back == pytest.approx(1.02**50, abs=0.9)
    assert forth == pytest.approx(1.02**50, abs=0.9)


@pytest.mark.parametrize("blocks", [30, 100])
def test_normalization_inside_the_branch_turns_exponential_into_linear_growth(blocks):
    for norm, rate in (("batch", CHI), ("layer", 1.0)):
        back, forth = squared_growth(count=6, blocks=blocks, width=64, batch=64, norm=norm)
        assert forth == pytest.approx(1 + blocks, rel=0.2)
        theory = math.prod(1 + rate / (at + rate) for at in range(blocks))
        assert theory / 2 < back < theory * 2


def test_batch_normalization_after_the_sum_explodes_and_layer_normalization_does_not():
    back, forth = squared_growth(count=6, width=64, batch=64, norm="batch", norm_last=True)
    assert back ** (1 / 50) == pytest.approx(2 / (1 + 1 / CHI), abs=0.06)
    assert forth == pytest.approx(1, abs=0.05)
    for blocks in (50, 100):
        back, forth = squared_growth(blocks=blocks, norm="layer", norm_last=True)
        assert 0.1 < back < 10
        assert forth == pytest.approx(1, abs=0.05)


def test_last_weights_of_a_pre_norm_network_get_less_gradient_the_deeper_it_is():
    x, error = torch.randn(2, 32, 64, generator=torch.Generator().manual_seed(1000))

    def last(blocks, norm_last):
        many = (residual_network(blocks, 64, norm="layer", norm_last=norm_last, seed=seed) for seed in SEEDS)
        normed = torch.nn.LayerNorm(64)
        return np.median(backward.norms_along_depth(many, x, lambda h: (normed(h) * error).sum()).weights[:, -1])

    assert last(40, True) / last(10, True) == pytest.approx(1, abs=0.25)
    assert last(40, False) / last(10, False) == pytest.approx(math.sqrt(11 / 41), abs=0.12)


@pytest.fixture(scope="module")
def digits():
    return tasks.digits(seed=1000)


def trained(digits, rate, *, blocks=20, width=32, steps=50, count=20, **options):
    kind = {"inputs": 64, "outputs": 10, "bias": True}
    fresh = [residual_network(blocks, width, **kind, **options, seed=seed) for seed in SEEDS[:count]]
    return training.train(fresh, digits, rate=rate, steps=steps, batch=32, seed=1000)


def test_unscaled_networks_die_at_every_rate_that_is_not_tiny_and_learn_little_there(digits):
    run = trained(digits, 0.1, steps=5)
    assert run.died.all()
    assert not np.isfinite(run.losses[:, 2]).any()  # within two steps
    assert trained(digits, 1e-3, count=10).died.sum() >= 8
    assert trained(digits, 0.05, width=64, steps=5).died.all()
    for rate in (1e-5, 1e-4):
        slow = trained(digits, rate, count=10)
        assert not slow.died.any()
        assert np.median(slow.scores) < 0.5


@pytest.mark.parametrize("rate", [0.05, 0.1])
def test_scaled_and_normalized_networks_learn_where_plain_ones_stay_at_chance(digits, rate):
    for options in ({"scale": 20**-0.5}, {"scale": 20**-0.5, "zero_last": True}, {"norm": "batch"}):
        run = trained(digits, rate, count=10, **options)
        assert not run.died.any()
        assert np.median(run.scores) > 0.8
    kind = {"inputs": 64, "outputs": 10, "bias": True}
    plain = [networks.deep_network(40, 32, **kind, seed=seed) for seed in SEEDS[:10]]
    run = training.train(plain, digits, rate=rate, steps=50, batch=32, seed=1000)
    assert np.nanmedian(run.scores) < 0.25


@pytest.mark.parametrize("blocks", [5, 20, 40])
def test_networks_with_zero_branches_die_at_a_rate_that_falls_as_one_over_their_depth(digits, blocks):
    assert trained(digits, 2 / blocks, blocks=blocks, steps=20, count=10, zero_last=True).died.sum() >= 9
    assert trained(digits, 1 / blocks, blocks=blocks, steps=20, count=10, zero_last=True).died.sum() <= 1


def test_zero_branches_need_no_scale_at_a_gentle_rate_and_the_scale_does_not_bear_every_rate(digits):
    gentle = trained(digits, 0.025, count=6, steps=40, zero_last=True)
    assert not gentle.died.any()
    assert np.median(gentle.scores) > 0.8
    both = {"zero_last": True, "scale": 20**-0.5}
    assert trained(digits, 0.7, count=10, steps=40, **both).died.sum() >= 1


def curvature(digits, blocks, width=32, **options):
    """Largest eigenvalue of the Hessian before training, by power iteration: median of three networks."""
    found = []
    for seed in SEEDS[:3]:
        network = residual_network(blocks, width, inputs=64, outputs=10, bias=True, seed=seed, **options)
        weights = list(network.parameters())
        loss = digits.loss(network(digits.x[:200]), digits.y[:200])
        slopes = torch.autograd.grad(loss, weights, create_graph=True)
        v = [slope.detach() for slope in slopes]
        for _ in range(15):
            norm = torch.stack([part.norm() for part in v]).norm()
            v = torch.autograd.grad(slopes, weights, [part / norm for part in v], retain_graph=True)
        found.append(torch.stack([part.norm() for part in v]).norm().item())
    return np.median(found)


def test_zero_branches_make_the_loss_steeper_in_proportion_to_their_number_unless_they_are_scaled(digits):
    few, more = (curvature(digits, blocks, zero_last=True) for blocks in (5, 40))
    assert more / few == pytest.approx(8, rel=0.35)
    assert 2 / more * 40 == pytest.approx(1.05, abs=0.35)
    few, more = (curvature(digits, blocks, zero_last=True, scale=blocks**-0.5) for blocks in (5, 40))
    assert more / few == pytest.approx(1, abs=0.4)
    assert curvature(digits, 5, width=128, zero_last=True) > 1.5 * curvature(digits, 5, zero_last=True)


def test_first_step_of_zero_branches_lowers_the_loss_and_later_steps_point_back(digits):
    for seed in SEEDS[:3]:
        network = residual_network(20, 32, inputs=64, outputs=10, bias=True, zero_last=True, seed=seed)
        losses, slopes = [], []
        for _ in range(6):
            loss = digits.loss(network(digits.x[:300]), digits.y[:300])
            parts = torch.autograd.grad(loss, list(network.parameters()))
            losses.append(loss.item())
            slopes.append(torch.cat([part.flatten() for part in parts]))
            with torch.no_grad():
                for parameter, part in zip(network.parameters(), parts, strict=True):
                    parameter -= 0.12 * part
        assert losses[1] < losses[0]
        turns = torch.cosine_similarity(torch.stack(slopes[:-1]), torch.stack(slopes[1:]))
        assert turns.min() < -0.2


def test_branches_that_end_in_a_relu_need_a_stricter_budget():
    def back(depth, seed):
        random = torch.Generator().manual_seed(seed)
        x, error = torch.randn(2, 4, 64, generator=random)
        h = x.requires_grad_()
        for _ in range(depth):
            h = h + (h @ torch.randn(64, 64, generator=random).T * (2 / 64) ** 0.5).relu() / depth**0.5
        return (torch.autograd.grad((h * error).sum(), x)[0].norm() / error.norm()).item()

    assert 3.5 < np.median([back(50, seed) for seed in SEEDS]) < 7
    assert 130 < np.median([back(200, seed) for seed in SEEDS]) < 600


def test_first_step_of_zero_branches_moves_the_output_in_proportion_to_their_number(digits):
    moved = {}
    for blocks in (5, 20):
        network = residual_network(blocks, 64, outputs=10, zero_last=True, seed=1000)
        before = network(digits.x).detach()
        torch.nn.functional.cross_entropy(network(digits.x), digits.y).backward()
        with torch.no_grad():
            for block in network[:-1]:
                block.branch[-1].weight -= 1e-3 * block.branch[-1].weight.grad
        moved[blocks] = (network(digits.x) - before).norm().item()
    assert moved[20] / moved[5] == pytest.approx(4, rel=0.25)
