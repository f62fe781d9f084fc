"""Deep networks against loops written out in NumPy, and against torch's own layers."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from gradlab import networks
from gradlab.initialization import SCHEMES
from gradlab.randomness import stream

FORMULAS = {
    "linear": lambda a: a,
    "relu": lambda a: np.where(a > 0, a, 0.0),
    "tanh": lambda a: (np.exp(a) - np.exp(-a)) / (np.exp(a) + np.exp(-a)),
    "sigmoid": lambda a: 1 / (1 + np.exp(-a)),
    "gelu": lambda a: a * (1 + np.vectorize(math.erf)(a / math.sqrt(2))) / 2,
}


def test_every_activation_is_checked_here():
    assert {*networks.ACTIVATIONS} == {*FORMULAS}


@pytest.mark.parametrize("outputs", [None, 2])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("activation", FORMULAS)
def test_network_equals_a_loop_over_its_layers_in_numpy(activation, bias, outputs):
    options = {"activation": activation, "init": "default", "bias": bias, "dtype": torch.float64, "seed": 1000}
    network = networks.deep_network(4, 6, inputs=3, outputs=outputs, **options)
    x = np.random.default_rng(1000).normal(size=(5, 3))
    h = x
    for layer in network[:4]:
        a = h @ layer[0].weight.detach().numpy().T
        h = FORMULAS[activation](a + layer[0].bias.detach().numpy() if bias else a)
    if outputs:
        h = h @ network[4].weight.detach().numpy().T + (network[4].bias.detach().numpy() if bias else 0)
    np.testing.assert_allclose(network(torch.from_numpy(x)).detach().numpy(), h, rtol=1e-12)


@pytest.mark.parametrize("depth", [1, 2, 7])
@pytest.mark.parametrize("inputs", [None, 1, 9])
@pytest.mark.parametrize("outputs", [None, 1, 4])
@pytest.mark.parametrize("bias", [False, True])
def test_children_are_the_hidden_layers_and_then_the_output_layer(depth, inputs, outputs, bias):
    network = networks.deep_network(depth, 5, inputs=inputs, outputs=outputs, activation="tanh", bias=bias, seed=1000)
    assert len(network) == depth + (outputs is not None)
    assert all([type(part) for part in layer] == [nn.Linear, nn.Tanh] for layer in network[:depth])
    assert all(type(layer) is nn.Linear for layer in network[depth:])
    sizes = [5 if inputs is None else inputs, *[5] * depth, *([] if outputs is None else [outputs])]
    shapes = [shape for fan_in, fan_out in pairwise(sizes) for shape in [(fan_out, fan_in), *[(fan_out,)] * bias]]
    assert [tuple(parameter.shape) for parameter in network.parameters()] == shapes
    assert network(torch.ones(3, sizes[0])).shape == (3, sizes[-1])


@pytest.mark.parametrize("init", SCHEMES)
def test_network_repeats_with_its_seed_and_differs_between_seeds(init):
    first, again, other = (
        list(networks.deep_network(3, 4, init=init, bias=True, seed=seed).parameters()) for seed in (1000, 1000, 1001)
    )
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    same = init == "identity"
    assert all(torch.equal(a, b) == same for a, b in zip(first[::2], other[::2], strict=True))


@pytest.mark.parametrize("init", sorted({*SCHEMES} - {"identity"}))
def test_layers_of_one_network_have_different_weights(init):
    weights = [layer[0].weight for layer in networks.deep_network(3, 4, init=init, seed=1000)]
    assert not torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[1], weights[2])


@pytest.mark.parametrize("init", SCHEMES)
def test_building_neither_uses_nor_moves_the_global_generator(init):
    before = torch.get_rng_state()
    first = networks.deep_network(2, 4, outputs=3, init=init, bias=True, seed=1000)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        again = networks.deep_network(2, 4, outputs=3, init=init, bias=True, seed=1000)
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True))


@pytest.mark.parametrize("seed", range(1000, 1005))
def test_default_network_has_the_same_parameters_as_new_linear_layers(seed):
    network = networks.deep_network(2, 4, inputs=3, outputs=2, init="default", bias=True, seed=seed)
    with torch.random.fork_rng():
        torch.set_rng_state(stream("weights", seed).get_state())
        plain = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 4), nn.Linear(4, 2))
    for parameter, expected in zip(network.parameters(), plain.parameters(), strict=True):
        assert torch.equal(parameter, expected)


@pytest.mark.parametrize("init", sorted({*SCHEMES} - {"default"}))
def test_biases_start_at_zero_with_every_other_scheme(init):
    network = networks.deep_network(2, 4, outputs=3, init=init, bias=True, seed=1000)
    assert all((parameter == 0).all() for parameter in network.parameters() if parameter.ndim == 1)


def test_default_biases_lie_within_the_inverse_root_of_the_fan_in_and_reach_towards_it():
    bias = networks.linear_layer(
        100, 4000, init="default", bias=True, generator=torch.Generator().manual_seed(1000)
    ).bias
    assert bias.abs().max() <= 0.1
    assert bias.abs().max() > 0.0995  # the largest of 4000 is below that once in exp(20)
    # a uniform distribution on [-0.1, 0.1] has variance 0.01 / 3; five standard errors
    assert bias.var().item() == pytest.approx(0.01 / 3, rel=5 * math.sqrt(0.8 / 4000))


@pytest.mark.parametrize("gain", [0.5, 1.5])
@pytest.mark.parametrize("init", SCHEMES)
def test_gain_multiplies_every_weight_and_no_bias(init, gain):
    plain, scaled = (
        networks.deep_network(3, 4, outputs=2, init=init, gain=g, bias=True, dtype=torch.float64, seed=1000)
        for g in (1.0, gain)
    )
    for a, b in zip(plain.parameters(), scaled.parameters(), strict=True):
        torch.testing.assert_close(b, a * (gain if a.ndim == 2 else 1.0), rtol=1e-14, atol=0)


def test_relu_he_and_gain_1_without_biases_or_output_layer_are_what_is_built_unless_told():
    network = networks.deep_network(2, 300, inputs=200, seed=1000)
    assert [type(layer[1]) for layer in network] == [nn.ReLU, nn.ReLU]
    assert [layer[0].bias for layer in network] == [None, None]
    # five standard errors of a variance of 60 000 normal entries
    assert network[0][0].weight.var().item() == pytest.approx(2 / 200, rel=5 * math.sqrt(2 / 60_000))
    layer = networks.linear_layer(3, 2, init="identity", generator=torch.Generator())
    assert torch.equal(layer.weight, torch.eye(2, 3))
    assert layer.bias is None


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_all_parameters_have_the_dtype_asked_for(dtype):
    network = networks.deep_network(2, 4, outputs=3, init="default", bias=True, dtype=dtype, seed=1000)
    assert {parameter.dtype for parameter in network.parameters()} == {dtype}
    assert network(torch.ones(1, 4, dtype=dtype)).dtype == dtype


def test_parameters_are_float32_unless_told_and_can_be_trained():
    parameters = list(networks.deep_network(1, 2, outputs=1, bias=True, seed=1000).parameters())
    assert all(parameter.dtype == torch.float32 and parameter.requires_grad for parameter in parameters)


@pytest.mark.parametrize("norm_last", [False, True])
@pytest.mark.parametrize("norm", networks.NORMS)
def test_normalized_network_equals_a_loop_over_its_layers_in_numpy(norm, norm_last):
    options = {"norm": norm, "norm_last": norm_last, "dtype": torch.float64, "seed": 1000}
    network = networks.deep_network(3, 6, inputs=4, outputs=2, **options)
    x = np.random.default_rng(1000).normal(size=(5, 4))
    over = 0 if norm == "batch" else 1
    h = x
    for layer in network[:3]:
        a = h @ layer[0].weight.detach().numpy().T
        a = np.maximum(a, 0) if norm_last else a
        a = (a - a.mean(over, keepdims=True)) / np.sqrt(a.var(over, keepdims=True) + 1e-5)
        h = a if norm_last else np.maximum(a, 0)
    h = h @ network[3].weight.detach().numpy().T
    np.testing.assert_allclose(network(torch.from_numpy(x)).detach().numpy(), h, rtol=1e-10)


def test_normalization_leaves_the_weights_that_a_seed_draws_as_they_are():
    plain, normalized = (networks.deep_network(3, 6, outputs=2, norm=norm, seed=1000) for norm in (None, "batch"))
    drawn = [network.state_dict() for network in (plain, normalized)]
    assert all(torch.equal(value, drawn[1][name]) for name, value in drawn[0].items())
