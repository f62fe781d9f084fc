"""Recurrent networks against torch's own, and their gradients in time against closed forms."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from gradlab.backward import norms_of_gradients
from gradlab.initialization import SCHEMES
from gradlab.recurrent import RecurrentNetwork


def normal(*shape, seed=1000):
    generator = torch.Generator().manual_seed(seed + 10**6)  # the weights of the same seed come from another stream
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def network(*sizes, **options):
    return RecurrentNetwork(*sizes, **{"dtype": torch.float64, "seed": 1000} | options)


def scalar(weight, *, activation, bias=0.0):
    """Return ``h_t = activation(weight * h_(t-1) + bias)``."""
    neuron = network(1, 1, activation=activation, init="identity", gain=weight)
    with torch.no_grad():
        neuron.to_state.bias.fill_(bias)
    return neuron


def gradients_in_states(recurrent, steps, *, seed=1000, start=None):
    """Return the norms of the gradient of a random function of h_T in h_0 ... h_T."""
    hidden = recurrent.recurrent.in_features
    start = torch.zeros(1, hidden, dtype=torch.float64) if start is None else start
    states = recurrent.states(torch.zeros(1, steps, 1, dtype=torch.float64), start.requires_grad_())
    return norms_of_gradients((states[-1] * normal(1, hidden, seed=seed)).sum(), states)


def gradient_in_start(recurrent, steps, start):
    h = torch.tensor([[start]], dtype=torch.float64, requires_grad=True)
    states = recurrent.states(torch.zeros(1, steps, 1, dtype=torch.float64), h)
    return norms_of_gradients(states[-1].sum(), states)[0]


@pytest.mark.parametrize("seed", range(1000, 1005))
@pytest.mark.parametrize("outputs", [None, 2])
@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_outputs_and_gradients_equal_those_of_torch_with_the_same_weights(activation, outputs, seed):
    ours = network(3, 5, outputs, activation=activation, init="lecun", seed=seed)
    theirs = nn.RNN(3, 5, nonlinearity=activation, batch_first=True, dtype=torch.float64)
    with torch.no_grad():
        theirs.weight_ih_l0.copy_(ours.to_state.weight)
        theirs.bias_ih_l0.copy_(ours.to_state.bias)
        theirs.weight_hh_l0.copy_(ours.recurrent.weight)
        theirs.bias_hh_l0.zero_()
    x, start = normal(4, 7, 3, seed=seed), normal(4, 5, seed=seed + 1)
    states, (expected, last) = ours.states(x, start), theirs(x, start[None])
    torch.testing.assert_close(states[0], start)
    torch.testing.assert_close(torch.stack(states[1:], dim=1), expected)
    error = normal(4, 5, seed=seed + 2)
    weights = [ours.to_state.weight, ours.to_state.bias, ours.recurrent.weight]
    in_ours = torch.autograd.grad((states[-1] * error).sum(), weights)
    in_theirs = torch.autograd.grad(
        (last[0] * error).sum(), [theirs.weight_ih_l0, theirs.bias_ih_l0, theirs.weight_hh_l0]
    )
    torch.testing.assert_close(in_ours, in_theirs)
    output = theirs(x)[1][0]
    if outputs:
        output = output @ ours.readout.weight.T + ours.readout.bias
    torch.testing.assert_close(ours(x), output)


@pytest.mark.parametrize(("batch", "steps", "inputs", "hidden", "outputs"), [(4, 6, 3, 5, 2), (1, 1, 1, 1, None)])
def test_there_is_a_state_for_every_step_and_one_before_them(batch, steps, inputs, hidden, outputs):
    recurrent, x = network(inputs, hidden, outputs), normal(batch, steps, inputs)
    states = recurrent.states(x)
    assert [tuple(h.shape) for h in states] == [(batch, hidden)] * (steps + 1)
    assert (states[0] == 0).all()
    assert recurrent(x).shape == (batch, outputs or hidden)


@pytest.mark.parametrize(("weight", "gradient"), [(1.1, 13780.612), (1.01, 2.704814), (1.0, 1.0), (0.9, 2.6561e-5)])
def test_gradient_through_a_linear_neuron_is_a_power_of_its_weight_as_in_facts_4a(weight, gradient):
    norms = gradients_in_states(scalar(weight, activation="linear"), 100)
    np.testing.assert_allclose(norms / norms[-1], [weight ** (100 - t) for t in range(101)], rtol=1e-12)
    assert norms[0] / norms[-1] == pytest.approx(gradient, rel=2e-5)  # the digits printed there


@pytest.mark.parametrize("seed", range(1000, 1010))
@pytest.mark.parametrize("gain", [0.9, 1.0, 1.1])
def test_gradient_through_orthogonal_weights_grows_by_the_gain_in_every_step_as_in_facts_4b(gain, seed):
    norms = gradients_in_states(network(1, 16, activation="linear", gain=gain, seed=seed), 100, seed=seed)
    np.testing.assert_allclose(np.diff(np.log(norms)), -math.log(gain), atol=1e-9)


@pytest.mark.parametrize("seed", range(1000, 1010))
def test_gradient_through_gaussian_weights_grows_by_the_spectral_radius_as_in_facts_4c(seed):
    recurrent = network(1, 64, activation="linear", init="lecun", seed=seed)
    logs = np.log(gradients_in_states(recurrent, 200, seed=seed))[::-1]
    radius = np.abs(np.linalg.eigvals(recurrent.recurrent.weight.detach().numpy())).max()
    assert np.polyfit(range(100, 201), logs[100:], 1)[0] == pytest.approx(math.log(radius), abs=0.03)  # facts 4c


@pytest.mark.parametrize("seed", range(1000, 1005))
@pytest.mark.parametrize("gain", [1.0, 2.0])
def test_tanh_jacobians_are_no_larger_than_powers_of_the_largest_singular_value_as_in_facts_4d(gain, seed):
    recurrent = network(2, 6, init="lecun", gain=gain, seed=seed)
    x = normal(1, 12, 2, seed=seed)
    bound = np.linalg.norm(recurrent.recurrent.weight.detach().numpy(), 2)
    for k in (1, 3, 12):
        jacobian = torch.autograd.functional.jacobian(lambda h, k=k: recurrent.states(x, h)[k], normal(1, 6, seed=seed))
        assert np.linalg.norm(jacobian.reshape(6, 6).numpy(), 2) <= bound**k


def test_gradient_through_a_tanh_neuron_depends_on_where_it_starts_as_in_facts_4e():
    neuron = scalar(1.5, activation="tanh")
    assert gradient_in_start(neuron, 50, 0.0) == pytest.approx(1.5**50, rel=1e-12)
    assert gradient_in_start(neuron, 50, 0.5) == pytest.approx(4.1e-20, rel=0.02)  # the digits printed there


def test_gradient_through_a_tanh_neuron_of_weight_1_falls_as_the_power_minus_three_halves_as_in_facts_15a():
    neuron = scalar(1.0, activation="tanh")
    short, long = (gradient_in_start(neuron, steps, 0.5) for steps in (1000, 10_000))
    assert math.log10(long / short) == pytest.approx(-1.5, abs=0.02)


@pytest.mark.parametrize(("weight", "gradient"), [(5.0, 70_064.92), (6.0, 6.376e8)])
def test_gradient_through_a_sigmoid_neuron_at_its_steepest_point_matches_facts_4k(weight, gradient):
    found = gradient_in_start(scalar(weight, activation="sigmoid", bias=-weight / 2), 50, 0.5)
    assert found == pytest.approx((weight / 4) ** 50, rel=1e-9)
    assert found == pytest.approx(gradient, rel=1e-4)  # the digits printed there


@pytest.mark.parametrize("outputs", [None, 3])
def test_all_parameters_but_the_recurrent_weights_are_uniform_within_the_inverse_root_of_the_state(outputs):
    recurrent = network(200, 400, outputs)
    others = [*recurrent.to_state.parameters(), *recurrent.readout.parameters()]
    assert len(others) == (4 if outputs else 2)
    for parameter in others:
        assert parameter.abs().max() <= 1 / 20
        # variance of a uniform distribution on [-1/20, 1/20]; five standard errors
        assert parameter.var().item() == pytest.approx(1 / 1200, rel=5 * math.sqrt(0.8 / parameter.numel()))


@pytest.mark.parametrize("init", SCHEMES)
def test_recurrent_weights_are_the_scheme_times_the_gain(init):
    plain, scaled = (network(3, 64, 2, init=init, gain=gain) for gain in (1.0, 1.5))
    torch.testing.assert_close(scaled.recurrent.weight, 1.5 * plain.recurrent.weight, rtol=1e-14, atol=0)
    torch.testing.assert_close(scaled.to_state.weight, plain.to_state.weight, rtol=0, atol=0)
    assert scaled.recurrent.bias is None
    variance = {"standard": 1, "he": 2 / 64, "default": 1 / 192}.get(init, 1 / 64)
    # mean square of 4096 entries; five standard errors, "orthogonal" and "identity" have none
    assert (plain.recurrent.weight**2).mean().item() == pytest.approx(variance, rel=5 * math.sqrt(2 / 4096))
    if init in ("orthogonal", "identity"):
        assert np.abs(np.linalg.eigvals(scaled.recurrent.weight.detach().numpy())).max() == pytest.approx(1.5)


def test_network_repeats_with_its_seed_and_leaves_the_global_generator_alone():
    before = torch.get_rng_state()
    first, again, other = (dict(network(2, 3, 2, seed=seed).named_parameters()) for seed in (1000, 1000, 1001))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not any(torch.equal(first[name], other[name]) for name in first)


def test_tanh_orthogonal_and_float32_are_what_is_built_unless_told():
    recurrent = RecurrentNetwork(2, 8, seed=1000)
    assert type(recurrent.activation) is nn.Tanh
    assert type(recurrent.readout) is nn.Identity
    assert {parameter.dtype for parameter in recurrent.parameters()} == {torch.float32}
    weight = recurrent.recurrent.weight.double()
    # float32 rounding
    torch.testing.assert_close(weight @ weight.T, torch.eye(8, dtype=torch.float64), rtol=0, atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_all_parameters_and_states_have_the_dtype_asked_for(dtype):
    recurrent = RecurrentNetwork(2, 3, 1, dtype=dtype, seed=1000)
    assert {parameter.dtype for parameter in recurrent.parameters()} == {dtype}
    assert {h.dtype for h in recurrent.states(torch.ones(1, 2, 2, dtype=dtype))} == {dtype}


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [("x", [[[1.0]]], "torch tensor"), ("x", torch.ones(2, 1), "3 axes"), ("start", torch.ones(3), "2 axes")],
)
def test_wrong_sequences_and_starts_are_refused_by_name(name, value, allowed):
    with pytest.raises((TypeError, ValueError), match=f"{name} must .*{allowed}"):
        network(1, 3).states(**{"x": normal(2, 4, 1)} | {name: value})
