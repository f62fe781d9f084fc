"""What chapter 11 says of penalties, on seeds, splits and rates that it does not use."""

import math
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from gradlab import backward, networks, recurrent, tasks, training

SEEDS = range(1000, 1020)
SGD = torch.optim.SGD


def shrunk(make, steps, **options):
    """Return what is left of a weight of 1 without any gradient but the penalty's."""
    w = torch.ones(1, dtype=torch.float64, requires_grad=True)
    optimizer = make([w], **options)
    for _ in range(steps):
        w.grad = torch.zeros_like(w)
        optimizer.step()
    return w.item()


@pytest.mark.parametrize(
    ("make", "options", "left", "tolerance"),
    [
        (SGD, {"lr": 0.1, "weight_decay": 0.01}, 0.904792147, 1e-9),
        (SGD, {"lr": 0.1, "weight_decay": 0.01, "momentum": 0.9}, 0.368629, 1e-5),
        (torch.optim.AdamW, {"lr": 1e-3, "weight_decay": 0.01}, 0.99900049, 1e-8),
        *((torch.optim.Adam, {"lr": 1e-3, "weight_decay": decay}, 0.901744, 2e-5) for decay in (1e-4, 1e-2, 1.0)),
    ],
)
def test_a_hundred_steps_of_weight_decay_leave_what_facts_7a_to_7c_say(make, options, left, tolerance):
    assert shrunk(make, 100, **options) == pytest.approx(left, abs=tolerance)


def test_decay_explodes_by_itself_beyond_a_step_of_two_as_in_facts_7g():
    assert shrunk(SGD, 10, lr=0.25, weight_decay=10.0) == pytest.approx(1.5**10, rel=1e-9)


def test_linear_recurrence_of_radius_one_and_a_half_has_no_finite_loss_to_begin_with_as_in_facts_7f():
    for seed in SEEDS:
        network = recurrent.RecurrentNetwork(1, 32, 1, activation="linear", gain=1.5, seed=seed)
        x = torch.randn(1, 300, 1, generator=torch.Generator().manual_seed(seed))
        assert not network(x).square().sum().isfinite()


@pytest.mark.parametrize("strength", [0.0, 0.1, 1.0, 10.0, 20.0])
def test_no_decay_saves_digits_networks_that_start_out_exploding(strength):
    sizes = {"inputs": 64, "outputs": 10, "bias": True, "gain": 1.5}
    fresh = [networks.deep_network(10, 64, **sizes, seed=seed) for seed in SEEDS]
    descent = partial(SGD, weight_decay=strength)
    run = training.train(fresh, tasks.digits(seed=1000), rate=0.05, steps=50, batch=64, optimizer=descent, seed=1000)
    if strength < 10:
        assert run.died.all()
    if strength == 20:
        assert not run.died.any()  # but what lives has no weights left to read with
    assert (np.nan_to_num(run.scores) < 0.2).all()


def test_decay_saves_recurrent_networks_whose_radius_grows_in_training():
    runs = {}
    for strength in (0.0, 0.03):
        make = partial(recurrent.RecurrentNetwork, 4, 32, 10, activation="relu", init="identity")
        momentum = partial(SGD, momentum=0.9, weight_decay=strength)
        options = {"rate": 0.04, "steps": 300, "batch": 16, "optimizer": momentum, "seed": 1000}
        fresh = [make(seed=seed) for seed in range(1000, 1040)]
        runs[strength] = training.train(fresh, tasks.digits(pixels_per_step=4, seed=1000), **options)
        assert np.isfinite(runs[strength].losses[:, 99]).sum() >= 36  # what kills them comes later
    died = runs[0.0].died
    assert died.sum() >= 4
    assert (runs[0.03].scores[died] > 0.3).mean() >= 0.5
    assert runs[0.03].died.sum() <= 5


@pytest.mark.parametrize(("passes", "most"), [(0, 1.1), (10, 1.1), (100, 1.01), (1000, 1.0001)])
def test_spectral_norm_approaches_one_from_above_as_in_facts_7h(passes, most):
    for seed in SEEDS[:10]:
        torch.manual_seed(seed)
        layer = spectral_norm(nn.Linear(64, 64, bias=False, dtype=torch.float64))
        for _ in range(passes):
            layer(torch.zeros(1, 64, dtype=torch.float64))
        assert 1 - 1e-9 <= torch.linalg.matrix_norm(layer.eval().weight, 2).item() < most


@pytest.mark.parametrize(("activation", "factor"), [("linear", 0.5), ("relu", 8**-0.5)])
def test_dividing_by_the_largest_singular_value_halves_a_typical_signal_as_in_facts_7i(activation, factor):
    x, push = torch.randn(2, 1, 128, generator=torch.Generator().manual_seed(1000))

    def normalised(seed):
        network = networks.deep_network(20, 128, activation=activation, init="lecun", seed=seed)
        with torch.no_grad():
            for layer in network:
                layer[0].weight.div_(torch.linalg.matrix_norm(layer[0].weight, 2))
        return network

    many = (normalised(seed) for seed in SEEDS)
    signals = backward.norms_along_depth(many, x, lambda output: (output * push).sum()).signals
    # one layer of 128 units lies a little above the limit of infinite width
    assert np.median((signals[:, 0] / signals[:, -1]) ** (1 / 20)) == pytest.approx(factor, abs=0.03)


def omega_and_growth(weights, random, *, through_time):
    """Return Pascanu's penalty of each network, and the powers of ten by which its signal grows."""
    n, width = len(weights), weights.shape[1]
    h = [torch.zeros(n, 1, width)]
    for push in (0.5 * torch.randn(n, 40, width, generator=random)).unbind(dim=1):
        h.append(torch.tanh(h[-1] @ weights + push[:, None]))
    loss = (h[-1] * torch.randn(n, 1, width, generator=random)).sum()
    deltas = torch.stack(torch.autograd.grad(loss, h[1:], create_graph=through_time))
    states = torch.stack(h[1:]).detach()
    back = deltas[:-1] if through_time else (deltas[1:] * (1 - states[1:] ** 2)) @ weights.mT
    ratio = back.norm(dim=(2, 3)) / deltas[1:].norm(dim=(2, 3))
    norms = deltas.norm(dim=(2, 3)).detach()
    return ((ratio - 1) ** 2).mean(dim=0), (norms[0] / norms[-1]).log10().median().item()


@pytest.mark.parametrize(
    ("through_time", "radius", "levels"), [(False, 3.0, True), (False, 0.7, True), (True, 3.0, False)]
)
def test_omega_levels_the_signal_unless_its_gradient_goes_back_in_time_and_explodes(through_time, radius, levels):
    random = torch.Generator().manual_seed(1000)
    start = [nn.init.orthogonal_(torch.empty(24, 24), generator=random) for _ in range(10)]
    weights = (radius * torch.stack(start)).requires_grad_()
    adam, growth, sizes = torch.optim.Adam([weights], lr=0.01), [], []
    for _ in range(101):
        penalty, tens = omega_and_growth(weights, random, through_time=through_time)
        (weights.grad,) = torch.autograd.grad(penalty.sum(), weights)
        adam.step()
        growth.append(tens)
        sizes.append(weights.grad.flatten(1).norm(dim=1).median().item())
    assert abs(growth[0]) > 3
    assert (abs(np.median(growth[-10:])) < 1.5) == levels
    assert (sizes[0] < 1) == levels


def test_one_and_a_half_comes_down_to_one_in_405_steps_as_in_facts_7e():
    steps = math.log(1.5) / -math.log(1 - 0.1 * 0.01)
    assert steps == pytest.approx(405.26, abs=0.005)
    assert 1.5 * shrunk(SGD, 405, lr=0.1, weight_decay=0.01) > 1 > 1.5 * shrunk(SGD, 406, lr=0.1, weight_decay=0.01)
