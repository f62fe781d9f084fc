"""Residual networks against loops written out in NumPy, and against torch's own normalization."""

import numpy as np
import pytest
import torch
from torch import nn

from gradlab.residual import Block, residual_network

BATCH, WIDTH = 6, 5


def normalized(h, norm):
    if norm is None:
        return h
    axis = {"batch": 0, "layer": 1}[norm]
    mean, variance = h.mean(axis=axis, keepdims=True), h.var(axis=axis, keepdims=True)
    return (h - mean) / np.sqrt(variance + 1e-5)  # torch's eps


def linear(layer, h, bias):
    return h @ layer.weight.detach().numpy().T + (layer.bias.detach().numpy() if bias else 0)


def by_hand(network, h, *, norm, norm_last, relu_last, scale, bias):
    inside, after = (None, norm) if norm_last else (norm, None)
    h = linear(network[0], h, bias)
    for block in network[1:-1]:
        inner, outer = (layer for layer in block.branch if isinstance(layer, nn.Linear))
        branch = linear(outer, np.maximum(linear(inner, normalized(h, inside), bias), 0), bias)
        h = normalized(h + scale * branch, after)
        h = np.maximum(h, 0) if relu_last else h
    return linear(network[-1][-1], normalized(h, inside), bias)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("relu_last", [False, True])
@pytest.mark.parametrize(
    ("norm", "norm_last"), [(None, False), ("batch", False), ("batch", True), ("layer", False), ("layer", True)]
)
def test_network_equals_a_loop_over_its_blocks_in_numpy(norm, norm_last, relu_last, bias):
    options = {"norm": norm, "norm_last": norm_last, "relu_last": relu_last, "scale": 0.7, "bias": bias}
    network = residual_network(4, WIDTH, inputs=3, outputs=2, **options, dtype=torch.float64, seed=1000)
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.ndim == 1 and not (parameter == 1).all():  # biases, so that they are seen
                parameter.normal_(generator=torch.Generator().manual_seed(1000))
    x = np.random.default_rng(1000).normal(size=(BATCH, 3))
    # normalization's own shifts are biases, too: switch them off again
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d | nn.LayerNorm):
            nn.init.zeros_(module.bias)
    expected = by_hand(network, x, **options)
    np.testing.assert_allclose(network(torch.from_numpy(x)).detach().numpy(), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("norm", [None, "layer"])
@pytest.mark.parametrize("outputs", [None, 3])
@pytest.mark.parametrize("inputs", [None, 4])
def test_children_are_the_blocks_between_what_brings_sizes_in_and_out(inputs, outputs, norm):
    network = residual_network(3, WIDTH, inputs=inputs, outputs=outputs, norm=norm, seed=1000)
    kinds = [nn.Linear] * (inputs is not None) + [Block] * 3 + [nn.Sequential] * (outputs is not None)
    assert [type(child) for child in network] == kinds
    assert network(torch.ones(2, inputs or WIDTH)).shape == (2, outputs or WIDTH)


@pytest.mark.parametrize("scale", [0.1, 1.0])
def test_branches_that_start_at_zero_make_each_block_the_identity_and_can_learn(scale):
    network = residual_network(3, WIDTH, zero_last=True, scale=scale, seed=1000)
    x = torch.randn(BATCH, WIDTH, generator=torch.Generator().manual_seed(1000))
    assert torch.equal(network(x), x)
    network(x).sum().backward()
    inner, outer = (block := network[0].branch)[0], block[-1]
    assert (inner.weight != 0).all()
    assert (inner.weight.grad == 0).all()
    assert (outer.weight.grad != 0).any()


def test_weights_have_the_variances_stated_and_the_gain_on_all_of_them():
    network = residual_network(2, 300, inputs=200, outputs=100, gain=1.5, seed=1000)
    stem, *blocks, output = network
    layers = [(stem, 1 / 200), *((block.branch[0], 2 / 300) for block in blocks), (output[-1], 1 / 300)]
    layers += [(block.branch[-1], 1 / 300) for block in blocks]
    for layer, variance in layers:
        # 5 standard errors of the variance of the smallest matrix, 100 x 300
        assert layer.weight.var().item() == pytest.approx(1.5**2 * variance, rel=5 * (2 / 30_000) ** 0.5)


def test_network_repeats_with_its_seed_and_no_two_of_its_weights_are_equal():
    first, again, other = (residual_network(2, 4, outputs=4, seed=seed) for seed in (1000, 1000, 1001))
    for a, b, c in zip(*(network.parameters() for network in (first, again, other)), strict=True):
        assert torch.equal(a, b)
        assert not torch.equal(a, c)
    weights = list(first.parameters())
    assert len({weight.sum().item() for weight in weights}) == len(weights) == 5


def test_building_neither_uses_nor_moves_the_global_generator():
    before = torch.get_rng_state()
    residual_network(2, 4, inputs=3, outputs=3, norm="batch", bias=True, seed=1000)
    assert torch.equal(before, torch.get_rng_state())


def test_dtype_is_that_of_all_parameters():
    network = residual_network(2, 4, inputs=3, outputs=2, norm="layer", bias=True, dtype=torch.float64, seed=1000)
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float64}


def test_scale_of_a_block_can_be_changed_later():
    block = Block(nn.Identity(), nn.ReLU(), scale=2)
    x = torch.tensor([[-1.0, 1.0]])
    assert block(x).tolist() == [[0, 3]]
    block.scale = 0.5
    assert block(x).tolist() == [[0, 1.5]]
