"""Training many networks at once where a network has more than weights that move: running statistics, frozen parts."""

import copy
import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from gradlab import tasks
from gradlab.networks import deep_network
from gradlab.training import train

OPTIONS = {"inputs": 64, "outputs": 10, "bias": True, "dtype": torch.float64}
STEPS = 6


@pytest.fixture(scope="module")
def digits():
    task = tasks.digits(seed=1000)
    return tasks.Task(task.x.double(), task.y, task.x_test.double(), task.y_test)


def alone(network, task, max_norm=math.inf):
    """Train one network on all examples at once, and return its losses and itself."""
    network, losses = copy.deepcopy(network), []
    trainable = [parameter for parameter in network.parameters() if parameter.requires_grad]
    stepper = torch.optim.SGD(trainable, lr=0.1)
    for _ in range(STEPS):
        stepper.zero_grad()
        loss = functional.cross_entropy(network(task.x), task.y)
        loss.backward()
        nn.utils.clip_grad_norm_(trainable, max_norm)
        stepper.step()
        losses.append(loss.item())
    return losses, network


def assert_equal_states(network, expected):
    for name, value in expected.state_dict().items():
        torch.testing.assert_close(network.state_dict()[name], value, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("norm", ["batch", "layer"])
def test_normalized_networks_are_trained_and_scored_as_in_a_loop_of_their_own(digits, norm):
    networks = [deep_network(3, 16, norm=norm, seed=seed, **OPTIONS) for seed in range(1000, 1003)]
    history = train(networks, digits, rate=0.1, steps=STEPS)
    for i, network in enumerate(networks):
        losses, single = alone(network, digits)
        np.testing.assert_allclose(history.losses[i], losses, rtol=1e-8)
        assert_equal_states(history.networks[i], single)
        assert history.scores[i] == pytest.approx(digits.score(single.eval()(digits.x_test)), rel=1e-8)
        assert all(module.training for module in history.networks[i].modules())


def test_batch_normalization_is_scored_with_its_running_statistics(digits):
    # one step leaves them far from the batch's own, so that a score in training mode would be another
    network = deep_network(3, 16, norm="batch", seed=1000, **OPTIONS)
    (score,) = train([network], digits, rate=0.1, steps=1).scores
    trained = train([network], digits, rate=0.1, steps=1).networks[0]
    # running statistics first: a pass in training mode changes them
    running, own = (digits.score(trained.train(mode)(digits.x_test)) for mode in (False, True))
    assert score == running != own


class Scaled(nn.Module):
    """Layers before a number that is learnt, too: a parameter without axes."""

    def __init__(self, seed):
        super().__init__()
        self.layers = deep_network(3, 16, seed=seed, **OPTIONS)
        self.scale = nn.Parameter(torch.tensor(1.0, dtype=torch.float64))

    def forward(self, x):  # noqa: D102
        return self.scale * self.layers(x)


@pytest.mark.parametrize("max_norm", [None, 0.1])
def test_parameter_without_axes_is_trained_and_clipped_with_the_others(digits, max_norm):
    networks = [Scaled(seed) for seed in (1000, 1001)]
    history = train(networks, digits, rate=0.1, steps=STEPS, max_norm=max_norm)
    for i, network in enumerate(networks):
        losses, single = alone(network, digits, max_norm or math.inf)
        np.testing.assert_allclose(history.losses[i], losses, rtol=1e-8)
        assert_equal_states(history.networks[i], single)
        assert history.networks[i].scale != 1


@pytest.mark.parametrize("max_norm", [None, 1e-3])
def test_frozen_and_unused_parameters_stay_as_they_are(digits, max_norm):
    networks = [nn.Sequential(*deep_network(3, 16, seed=seed, **OPTIONS)) for seed in (1000, 1001)]
    for network in networks:
        network[0][0].weight.requires_grad_(False)
        network.register_parameter("unused", nn.Parameter(torch.ones(2)))
    history = train(networks, digits, rate=0.1, steps=STEPS, max_norm=max_norm)
    for network, trained in zip(networks, history.networks, strict=True):
        assert torch.equal(trained[0][0].weight, network[0][0].weight)
        assert torch.equal(trained.unused, network.unused)
        assert not torch.equal(trained[1][0].weight, network[1][0].weight)
    if max_norm is None:
        np.testing.assert_allclose(history.losses[0], alone(networks[0], digits)[0], rtol=1e-8)
