"""What the chapter on shattered gradients says of networks, on seeds that it does not use.

Tolerances are those of 100 trial runs on another machine, or follow from the spread that theory gives.
"""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from gradlab import networks, tasks, training
from gradlab.randomness import stream

SEEDS = range(1000, 1008)


class Block(nn.Module):
    """Residual block: normalization, ReLU, weights."""

    def __init__(self, width, random):
        super().__init__()
        weights = networks.linear_layer(width, width, init="he", generator=random)
        self.branch = nn.Sequential(nn.BatchNorm1d(width), nn.ReLU(), weights)

    def forward(self, h):
        """Add the branch to what came in."""
        return h + self.branch(h)


def make(kind, depth, width, inputs, seed):
    if kind != "residual":
        return networks.deep_network(depth, width, inputs=inputs, norm=kind, seed=seed)
    random = stream("test of shattering", seed)
    first = networks.linear_layer(inputs, width, init="lecun", generator=random)
    return nn.Sequential(first, *(Block(width, random) for _ in range(depth)))


def hold_statistics(network, x):
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d):
            module.momentum = 1.0
    with torch.no_grad():
        network.train()(x)
        for name, value in network.named_buffers():
            if name.endswith("running_var"):
                value *= 1 - 1 / len(x)
    return network.eval()


@pytest.mark.parametrize("depth", [1, 20])
def test_held_statistics_give_the_function_that_the_batch_saw(depth):
    x = torch.randn(64, 256, generator=torch.Generator().manual_seed(1000)).double()
    network = make("batch", depth, 256, 256, 1000).double().train()
    seen = network(x).detach()
    torch.testing.assert_close(hold_statistics(network, x)(x), seen, rtol=1e-6, atol=1e-6)


def gradients(kind, depth, seed, *, hold=True):
    random = torch.Generator().manual_seed(seed)
    x, top = torch.randn(64, 256, generator=random), torch.randn(256, generator=random)
    network = make(kind, depth, 256, 256, seed)
    network = hold_statistics(network, x) if hold else network.train()
    return torch.autograd.grad((network(x.requires_grad_()) @ top).sum(), x)[0]


def mean_cosine(kind, depth, seed, **options):
    cosines = torch.corrcoef(gradients(kind, depth, seed, **options))  # 256 entries of mean zero, nearly
    return (cosines.sum() - len(cosines)).item() / (len(cosines) * (len(cosines) - 1))


@pytest.mark.parametrize(("depth", "tolerance"), [(1, 0.06), (2, 0.05), (3, 0.04), (5, 0.02), (10, 0.01)])
def test_normalized_layers_halve_the_cosine_of_two_gradients(depth, tolerance):
    found = [mean_cosine("batch", depth, seed) for seed in SEEDS]
    assert abs(np.mean(found) - 2.0**-depth) < tolerance / 2


@pytest.mark.parametrize(("depth", "cosine"), [(10, 0.0337), (20, 0.0082)])
def test_plain_layers_lose_it_far_more_slowly(depth, cosine):
    assert abs(np.mean([mean_cosine(None, depth, seed) for seed in SEEDS]) - cosine) < 0.04


def test_fifty_plain_layers_of_256_units_keep_more_than_the_theory_of_great_width():
    assert np.median([mean_cosine(None, 50, seed) for seed in SEEDS]) > 3 * 0.00091


@pytest.mark.parametrize(("depth", "cosine"), [(1, 0.75), (10, 0.2750), (50, 0.0941)])
def test_residual_blocks_keep_the_product_of_theory(depth, cosine):
    assert abs(np.mean([mean_cosine("residual", depth, seed) for seed in SEEDS[:5]]) - cosine) < 0.04


@pytest.mark.parametrize("depth", [1, 3, 10])
def test_gradients_through_the_statistics_sum_to_zero_whatever_the_depth(depth):
    each = gradients("batch", depth, 1000, hold=False)
    assert each.sum(dim=0).norm() < 1e-4 * each.norm(dim=1).sum()
    assert abs(mean_cosine("batch", depth, 1000, hold=False) + 1 / 63) < 0.003


def neighbours(kind, depth, seed, *, hold=True):
    """Return the correlation of slopes at neighbouring points of [-2, 2], and how often their signs agree."""
    t = torch.linspace(-2, 2, 256).requires_grad_()
    x = torch.stack([t, torch.ones(256)], dim=1)
    network = make(kind, depth, 200, 2, seed)
    network = hold_statistics(network, x.detach()) if hold else network.train()
    top = torch.randn(200, generator=torch.Generator().manual_seed(seed))
    slopes = torch.autograd.grad((network(x) @ top).sum(), t)[0].double().numpy()
    centred = slopes - slopes.mean()
    return (centred[1:] * centred[:-1]).sum() / (centred**2).sum(), np.mean(slopes[1:] * slopes[:-1] > 0)


@pytest.mark.parametrize("hold", [True, False])
def test_slopes_along_a_line_are_noise_in_normalized_networks_only(hold):
    found = {
        kind: np.median([neighbours(kind, 24, seed, hold=hold) for seed in SEEDS], axis=0)
        for kind in (None, "batch", "residual")
    }
    assert abs(found["batch"][0]) < 0.15
    assert abs(found["batch"][1] - 0.5) < 0.06
    assert found["residual"][0] > 0.5
    assert found[None][0] > 0.7
    assert found[None][0] > found["residual"][0] - 0.02  # the plain network is the smoother of the two


def agreement(kind, depth, width, share, seed, *, rate=None, astray=False):
    digits = tasks.digits(seed=1000)
    x, y = digits.x[:128].double(), digits.y[:128]
    top = networks.linear_layer(width, 10, init="lecun", generator=stream("test of the top", seed))
    last = [nn.BatchNorm1d(width)] if kind == "residual" else []
    network = nn.Sequential(*make(kind, depth, width, 64, seed), *last, top).double()
    weights = [p for p in network.parameters() if p.ndim == 2]
    gradient = torch.autograd.grad(functional.cross_entropy(network(x), y), weights)
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for w, g in zip(weights, gradient, strict=True):
            d = torch.randn(w.shape, generator=random) if astray else g
            w -= (share * w.norm() / d.norm() if rate is None else rate) * d
    new = torch.autograd.grad(functional.cross_entropy(network(x), y), weights)
    pairs = zip(gradient, new, strict=True)
    return np.median([functional.cosine_similarity(a.flatten(), b.flatten(), dim=0).item() for a, b in pairs])


@pytest.mark.parametrize("width", [64, 128])
@pytest.mark.parametrize(
    ("kind", "share", "low", "high"),
    [
        ("batch", 1e-4, -0.2, 0.2),
        (None, 1e-5, 0.8, 1),
        (None, 3e-3, -0.4, 0.4),
        ("residual", 1e-4, 0.99, 1),
        ("residual", 1e-3, 0.95, 1),
    ],
)
def test_gradients_of_forty_layers_turn_after_a_step_of_this_length(width, kind, share, low, high):
    assert low <= np.median([agreement(kind, 40, width, share, seed) for seed in SEEDS[:3]]) <= high


@pytest.mark.parametrize(("kind", "low", "high"), [("batch", -0.25, 0.25), (None, 0.9, 1), ("residual", 0.95, 1)])
def test_a_random_step_turns_the_normalized_gradient_only(kind, low, high):
    assert low <= np.median([agreement(kind, 40, 64, 1e-3, seed, astray=True) for seed in SEEDS[:3]]) <= high


def reader(kind, seed):
    top = networks.linear_layer(64, 10, init="lecun", generator=stream("test of the top", seed))
    last = [nn.BatchNorm1d(64)] if kind == "residual" else []
    return nn.Sequential(*make(kind, 40, 64, 64, seed), *last, top)


@pytest.mark.parametrize("rate", [0.05, 0.2])
def test_of_forty_layers_only_the_residual_ones_learn_digits(rate):
    digits = tasks.digits(seed=1000)
    scores = {}
    for kind in (None, "batch", "residual"):
        fresh = [reader(kind, seed) for seed in SEEDS[:4]]
        scores[kind] = np.nan_to_num(training.train(fresh, digits, rate=rate, steps=28, batch=100, seed=1000).scores)
    assert (scores["residual"] > 0.7).all()
    assert (scores[None] < 0.35).all()
    assert (scores["batch"] < 0.4).all()


@pytest.mark.parametrize(
    ("kind", "rate", "cosine", "score"),
    [(None, 0.002, (0.7, 1), (0, 0.35)), ("residual", 2.0, (-0.3, 0.3), (0.8, 1))],
)
def test_how_far_the_first_step_turns_the_gradient_does_not_decide_who_learns(kind, rate, cosine, score):
    turned = np.median([agreement(kind, 40, 64, None, seed, rate=rate) for seed in SEEDS[:3]])
    fresh = [reader(kind, seed) for seed in SEEDS[:3]]
    run = training.train(fresh, tasks.digits(seed=1000), rate=rate, steps=28, batch=100, seed=1000)
    assert cosine[0] <= turned <= cosine[1]
    assert score[0] <= run.scores.min() <= run.scores.max() <= score[1]


@pytest.mark.parametrize(("kind", "low", "high"), [(None, 0.8, 1), ("batch", 0.2, 0.5), ("residual", -0.1, 0.1)])
def test_forty_plain_layers_make_all_digits_look_alike(kind, low, high):
    x = tasks.digits(seed=1000).x[:128]
    found = []
    for seed in SEEDS[:4]:
        unit = functional.normalize(reader(kind, seed)[:-1](x).detach(), dim=1)
        found.append(((unit @ unit.T).sum().item() - 128) / (128 * 127))
    assert low <= np.median(found) <= high


def test_mean_slope_theory_of_the_leak_holds():
    a, found = 0.5, []
    for seed in SEEDS:
        network = networks.deep_network(3, 256, norm="batch", seed=seed)
        for layer in network:
            layer[-1] = nn.LeakyReLU(a)
        random = torch.Generator().manual_seed(seed)
        x, top = torch.randn(64, 256, generator=random), torch.randn(256, generator=random)
        hold_statistics(network, x)
        (each,) = torch.autograd.grad((network(x.requires_grad_()) @ top).sum(), x)
        unit = functional.normalize(each, dim=1)
        found.append(((unit @ unit.T).sum().item() - 64) / (64 * 63))
    assert math.isclose(np.mean(found), ((1 + a) ** 2 / (2 * (1 + a**2))) ** 3, abs_tol=0.03)
