"""Norms of the backward signal against closed forms, finite differences and theory."""

import math
import weakref

import numpy as np
import pytest
import torch
from torch import nn

from gradlab import backward
from gradlab.networks import ACTIVATIONS, deep_network

SEEDS = range(1000, 1003)


def normal(*shape, seed):
    generator = torch.Generator().manual_seed(seed + 10**6)  # the weights of the same seed come from another stream
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def norms_of(network, seed, *, batch=1):
    """Return the norms for one random input and a random error vector, which the activations cannot align with."""
    first, last = (next(layer.parameters()).shape for layer in (network[0], network[-1]))
    error = normal(batch, last[0], seed=seed + 1)
    x = normal(batch, first[1], seed=seed)
    return backward.norms_along_depth([network], x, lambda output: (output * error).sum())


@pytest.mark.parametrize(("gain", "weights"), [(1.5, 76.88671875), (0.5, 0.00390625)])
def test_multiples_of_the_identity_match_facts_2b_and_2c(gain, weights):
    network = deep_network(10, 2, activation="linear", init="identity", gain=gain, dtype=torch.float64, seed=1000)
    norms = backward.norms_along_depth([network], torch.ones(1, 2, dtype=torch.float64), torch.sum)
    np.testing.assert_allclose(norms.activations, [[math.sqrt(2) * gain**k for k in range(11)]], rtol=1e-12)
    np.testing.assert_allclose(norms.signals, [[math.sqrt(2) * gain ** (10 - k) for k in range(11)]], rtol=1e-12)
    np.testing.assert_allclose(norms.weights, [[weights] * 10], rtol=1e-12)


@pytest.mark.parametrize("outputs", [None, 2])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_signals_and_weight_gradients_equal_finite_differences(activation, outputs):
    options = {"activation": activation, "init": "default", "bias": True, "dtype": torch.float64}
    network = deep_network(3, 4, inputs=3, outputs=outputs, **options, seed=1000)
    x, error = normal(5, 3, seed=1000), normal(5, outputs or 4, seed=1001)
    norms = backward.norms_along_depth([network], x, lambda output: (output * error).sum())

    @torch.no_grad()
    def norm_of_differences(values, rest):
        """Return the norm of the gradient of rest() in some values, which it depends on, by central differences."""
        flat, found = values.view(-1), []
        for i in range(len(flat)):
            at = flat[i].item()
            ends = []
            for step in (1e-6, -1e-6):
                flat[i] = at + step
                ends.append((rest() * error).sum().item())
            flat[i] = at
            found.append((ends[0] - ends[1]) / 2e-6)
        return np.linalg.norm(found)

    for k in range(len(network) + 1):
        h = network[:k](x).detach().clone()
        assert norms.activations[0, k] == pytest.approx(math.sqrt((h**2).sum().item()), rel=1e-12)
        # differences of 1e-6 are good for about nine digits
        assert norms.signals[0, k] == pytest.approx(norm_of_differences(h, lambda h=h, k=k: network[k:](h)), rel=1e-6)
    matrices = [parameter for parameter in network.parameters() if parameter.ndim == 2]
    expected = [norm_of_differences(weight.data, lambda: network(x)) for weight in matrices]
    np.testing.assert_allclose(norms.weights, [expected], rtol=1e-6)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("activation", ["linear", "relu", "tanh"])
def test_weight_gradient_of_one_example_is_an_outer_product(activation, seed):
    network = deep_network(6, 8, activation=activation, init="lecun", dtype=torch.float64, seed=seed)
    norms = norms_of(network, seed)
    h, inner = [normal(1, 8, seed=seed)], []
    for layer in network:
        inner.append(layer[0](h[-1]))
        h.append(layer[1](inner[-1]))
    deltas = torch.autograd.grad((h[-1] * normal(1, 8, seed=seed + 1)).sum(), inner)
    expected = [delta.norm().item() * before.norm().item() for delta, before in zip(deltas, h[:-1], strict=True)]
    np.testing.assert_allclose(norms.weights[0], expected, rtol=1e-12)


# facts 3a and 3b: factor of the backward signal in each of 50 ReLU layers of width 256
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("init", "gain", "factor"),
    [
        ("he", 1.0, 0.9951),
        ("xavier", 1.0, 0.7036),
        ("default", 1.0, 0.4062),
        ("he", 1.2, 1.194),
        ("standard", 1.0, 11.26),
    ],
)
def test_relu_layers_multiply_the_backward_signal_as_in_facts_3a(init, gain, factor, seed):
    signals = norms_of(deep_network(50, 256, init=init, gain=gain, dtype=torch.float64, seed=seed), seed).signals[0]
    rate = (signals[0] / signals[50]) ** (1 / 50)
    assert rate == pytest.approx(factor, rel=0.053)
    if init == "default":
        assert rate == pytest.approx(1 / math.sqrt(6), abs=0.02)


@pytest.mark.parametrize("seed", SEEDS)
def test_signal_grows_and_weight_gradients_do_not_at_gain_1_2_as_in_facts_14c_and_14c2(seed):
    norms = norms_of(deep_network(50, 256, gain=1.2, dtype=torch.float64, seed=seed), seed)
    assert math.log10(norms.signals[0, 0] / norms.signals[0, 50]) == pytest.approx(3.85, abs=1.2)
    assert math.log10(norms.weights[0, 0] / norms.weights[0, 49]) == pytest.approx(0, abs=1.2)


@pytest.mark.parametrize("seed", SEEDS)
def test_row_of_each_network_is_what_it_has_alone(seed):
    networks = [deep_network(3, 4, dtype=torch.float64, seed=seed + i) for i in range(3)]
    x = normal(5, 4, seed=seed)
    together = backward.norms_along_depth(networks, x, torch.sum)
    assert together.activations.shape == together.signals.shape == (3, 4)
    assert together.weights.shape == (3, 3)
    for i, network in enumerate(networks):
        alone = backward.norms_along_depth((network,), x, torch.sum)
        for name in ("activations", "signals", "weights"):
            np.testing.assert_array_equal(getattr(together, name)[i], getattr(alone, name)[0])


def test_networks_may_come_one_at_a_time():
    alive, most = weakref.WeakSet(), []

    def built():
        for seed in range(1000, 1005):
            network = deep_network(3, 4, dtype=torch.float64, seed=seed)
            alive.add(network)
            most.append(len(alive))
            yield network
            del network

    x = normal(5, 4, seed=1000)
    one_by_one = backward.norms_along_depth(built(), x, torch.sum)
    at_once = backward.norms_along_depth(list(built()), x, torch.sum)
    for name in ("activations", "signals", "weights"):
        np.testing.assert_array_equal(getattr(one_by_one, name), getattr(at_once, name))
    assert max(most[:5]) <= 2  # the last one is held while the next one is made


@pytest.mark.parametrize(
    ("wrong", "allowed"),
    [([], "not be empty"), ([nn.Linear(2, 1)], "Sequential"), ([deep_network(1, 2, seed=1000), "two"], "Sequential")],
)
def test_wrong_networks_that_come_one_at_a_time_are_refused(wrong, allowed):
    with pytest.raises((TypeError, ValueError), match=f"networks must .*{allowed}"):
        backward.norms_along_depth(iter(wrong), torch.ones(1, 2), torch.sum)


def test_networks_and_input_are_left_as_they_are():
    network, x = deep_network(2, 3, seed=1000), torch.ones(1, 3)
    backward.norms_along_depth([network], x, torch.sum)
    assert all(parameter.grad is None for parameter in network.parameters())
    assert not x.requires_grad
    assert x.grad is None


def test_layer_without_a_weight_matrix_has_no_weight_gradient():
    network = nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.BatchNorm1d(3), nn.Linear(3, 1))
    norms = backward.norms_along_depth([network], torch.rand(4, 3), torch.sum)
    np.testing.assert_array_equal(np.isnan(norms.weights), [[False, True, True, False]])
    assert np.isfinite(norms.signals).all()
    assert norms.signals.shape == (1, 5)


def test_weight_of_a_layer_is_its_first_matrix():
    network = nn.Sequential(nn.Sequential(nn.LayerNorm(2), nn.Linear(2, 3, bias=False), nn.Linear(3, 2, bias=False)))
    x = torch.rand(4, 2)
    (gradient,) = torch.autograd.grad((network(x) ** 2).sum(), [network[0][1].weight])
    norms = backward.norms_along_depth([network], x, lambda output: (output**2).sum())
    assert norms.weights[0, 0] == pytest.approx(gradient.norm().item(), rel=1e-5)  # float32


def test_norms_of_gradients_are_2_norms_whatever_the_shape():
    a, b, c = (
        torch.ones(2, 2, requires_grad=True),
        torch.ones((), requires_grad=True),
        torch.ones(3, requires_grad=True),
    )
    loss = (a * torch.tensor([[3.0, 0.0], [0.0, -4.0]])).sum() - 7 * b + (c**2).sum()
    np.testing.assert_allclose(backward.norms_of_gradients(loss, [a, b, c]), [5, 7, math.sqrt(12)], rtol=1e-7)


@pytest.mark.parametrize("shape", [(), (1,), (1, 1)])
def test_loss_may_be_one_number_in_any_shape(shape):
    knob = torch.full(shape, 2.0, requires_grad=True)
    np.testing.assert_array_equal(backward.norms_of_gradients(3 * knob, (knob,)), [3])


def test_gradient_in_a_tensor_that_the_loss_does_not_depend_on_is_zero():
    used, unused = torch.ones(2, requires_grad=True), torch.ones(3, requires_grad=True)
    np.testing.assert_array_equal(backward.norms_of_gradients(4 * used[0], [unused, used]), [0, 4])


@pytest.mark.parametrize(("dtype", "entry"), [(torch.float16, 6e4), (torch.float32, 1e20), (torch.bfloat16, 1e30)])
def test_norm_of_finite_entries_does_not_overflow(dtype, entry):
    knob = torch.zeros(2, dtype=dtype, requires_grad=True)
    norms = backward.norms_of_gradients((knob * entry)[0] + (knob * entry)[1], [knob])
    assert norms.dtype == np.float64
    # the number format holds the entry to a part in 2**8 at worst
    np.testing.assert_allclose(norms, [math.sqrt(2) * entry], rtol=2**-8)


def test_activations_of_finite_entries_do_not_overflow():
    network = nn.Sequential(nn.Identity())
    norms = backward.norms_along_depth([network], torch.full((1, 2), 1e20), torch.sum)
    np.testing.assert_allclose(norms.activations, [[math.sqrt(2) * 1e20] * 2], rtol=1e-6)


@pytest.mark.parametrize(("gain", "end"), [(1e30, math.inf), (1e-30, 0.0)])
def test_overflow_and_underflow_of_the_gradient_itself_are_kept(gain, end):
    network = deep_network(3, 1, activation="linear", init="identity", gain=gain, seed=1000)
    norms = backward.norms_along_depth([network], torch.ones(1, 1), torch.sum)
    np.testing.assert_allclose(norms.signals[0], [end, end, gain, 1], rtol=1e-6)
    np.testing.assert_array_equal(norms.activations[0, 2:], [end, end])


def test_loss_that_is_not_one_number_is_refused():
    with pytest.raises(ValueError, match=r"loss must be one number, got shape \(1, 2\)"):
        backward.norms_along_depth([deep_network(1, 2, seed=1000)], torch.ones(1, 2), lambda output: output)
