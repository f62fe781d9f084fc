"""The LSTM that keeps its states against torch's own, and its gradients in time against closed forms."""

import math

import pytest
import torch
from torch import nn

from gradlab.recurrent import LongShortTermMemory


def normal(*shape, seed=1000):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed + 10**6), dtype=torch.float64)


def memory(*sizes, **options):
    return LongShortTermMemory(*sizes, **{"dtype": torch.float64, "seed": 1000} | options)


def twin(ours, inputs, hidden):
    """Return torch's LSTM with the same weights, the bias shared out between its two bias vectors."""
    theirs, share = nn.LSTM(inputs, hidden, batch_first=True, dtype=torch.float64), normal(4 * hidden)
    with torch.no_grad():
        theirs.weight_ih_l0.copy_(ours.to_gates.weight)
        theirs.weight_hh_l0.copy_(ours.recurrent.weight)
        theirs.bias_ih_l0.copy_(ours.to_gates.bias - share)
        theirs.bias_hh_l0.copy_(share)
    return theirs


@pytest.mark.parametrize("seed", range(1000, 1005))
@pytest.mark.parametrize(("outputs", "options"), [(None, {}), (2, {"forget_bias": 3.0, "gain": 4.0})])
def test_states_outputs_and_gradients_equal_those_of_torch_with_the_same_weights(outputs, options, seed):
    ours = memory(3, 5, outputs, seed=seed, **options)
    theirs, x = twin(ours, 3, 5), normal(4, 7, 3, seed=seed)
    h, c = normal(4, 5, seed=seed + 1), normal(4, 5, seed=seed + 2)
    found, (expected, (last, last_cell)) = ours.memory(x, h, c), theirs(x, (h[None], c[None]))
    torch.testing.assert_close((found.hidden[0], found.cells[0]), (h, c), rtol=0, atol=0)
    torch.testing.assert_close(torch.stack(found.hidden[1:], dim=1), expected)
    torch.testing.assert_close(found.cells[-1], last_cell[0])
    error = normal(4, 5, seed=seed + 3)
    weights = [ours.to_gates.weight, ours.to_gates.bias, ours.recurrent.weight]
    in_ours = torch.autograd.grad((found.hidden[-1] * error).sum(), weights)
    same = [theirs.weight_ih_l0, theirs.bias_ih_l0, theirs.weight_hh_l0]
    torch.testing.assert_close(in_ours, torch.autograd.grad((last[0] * error).sum(), same))
    output = theirs(x)[1][0][0]
    if outputs:
        output = output @ ours.readout.weight.T + ours.readout.bias
    torch.testing.assert_close(ours(x), output)


def test_gates_are_those_of_the_equations_in_torchs_order():
    ours, x = memory(3, 5), normal(2, 4, 3)
    found = ours.memory(x)
    for t, gates in enumerate(found.gates):
        pushes = x[:, t] @ ours.to_gates.weight.T + ours.to_gates.bias + found.hidden[t] @ ours.recurrent.weight.T
        i, f, g, o = pushes.split(5, dim=1)
        expected = torch.sigmoid(i), torch.sigmoid(f), torch.tanh(g), torch.sigmoid(o)
        torch.testing.assert_close(tuple(gates), expected)
        assert gates._fields == ("input", "forget", "offer", "output")
        torch.testing.assert_close(found.cells[t + 1], expected[1] * found.cells[t] + expected[0] * expected[2])


@pytest.mark.parametrize(("batch", "steps", "inputs", "hidden", "outputs"), [(4, 6, 3, 5, 2), (1, 1, 1, 1, None)])
def test_there_is_a_state_and_a_cell_for_every_step_and_one_before_them(batch, steps, inputs, hidden, outputs):
    ours, x = memory(inputs, hidden, outputs), normal(batch, steps, inputs)
    found = ours.memory(x)
    assert [tuple(h.shape) for h in found.hidden + found.cells] == [(batch, hidden)] * (2 * steps + 2)
    assert (found.hidden[0] == 0).all()
    assert (found.cells[0] == 0).all()
    assert [gate.shape for gates in found.gates for gate in gates] == [(batch, hidden)] * (4 * steps)
    assert ours(x).shape == (batch, outputs or hidden)


@pytest.mark.parametrize(
    ("bias", "left"), [(0, 7.889e-31), (1, 2.4844e-14), (2, 3.073e-6), (3, 7.76e-3), (5, 0.510924)]
)
def test_gradient_in_the_cell_is_a_power_of_the_forget_gate_without_weights_as_in_facts_5a(bias, left):
    ours = memory(1, 1)
    with torch.no_grad():
        for parameter in ours.parameters():
            parameter.zero_()
        ours.to_gates.bias[1] = bias
    start = torch.ones(1, 1, dtype=torch.float64, requires_grad=True)
    found = ours.memory(torch.zeros(1, 100, 1, dtype=torch.float64), cell=start)
    (gradient,) = torch.autograd.grad(found.cells[-1].sum(), start)
    assert gradient.item() == pytest.approx((1 + math.exp(-bias)) ** -100, rel=1e-10)
    assert gradient.item() == pytest.approx(left, rel=1e-3)  # the digits printed there


def test_parameters_are_uniform_within_the_inverse_root_of_the_state():
    ours = memory(100, 100, 50)
    for parameter in ours.parameters():
        assert parameter.abs().max() <= 0.1
        # variance of a uniform distribution on [-0.1, 0.1]; five standard errors
        assert parameter.var().item() == pytest.approx(0.01 / 3, rel=5 * math.sqrt(0.8 / parameter.numel()))


def test_forget_bias_and_gain_change_nothing_else():
    plain, told = memory(3, 5, 2), memory(3, 5, 2, forget_bias=3.0, gain=2.0)
    torch.testing.assert_close(told.recurrent.weight, 2 * plain.recurrent.weight, rtol=0, atol=0)
    torch.testing.assert_close(told.to_gates.weight, plain.to_gates.weight, rtol=0, atol=0)
    assert (told.to_gates.bias[5:10] == 3).all()
    same = [*range(5), *range(10, 20)]
    torch.testing.assert_close(told.to_gates.bias[same], plain.to_gates.bias[same], rtol=0, atol=0)


def test_an_infinite_forget_bias_fixes_the_gates_at_one():
    ours = memory(3, 5, forget_bias=math.inf, gain=5.0)
    found = ours.memory(normal(2, 20, 3))
    assert all((gates.forget == 1).all() for gates in found.gates)
    assert found.hidden[-1].isfinite().all()


def test_network_repeats_with_its_seed_and_leaves_the_global_generator_alone():
    before = torch.get_rng_state()
    first, again, other = (dict(memory(2, 3, 2, seed=seed).named_parameters()) for seed in (1000, 1000, 1001))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not any(torch.equal(first[name], other[name]) for name in first)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_all_parameters_and_states_have_the_dtype_asked_for(dtype):
    ours = LongShortTermMemory(2, 3, 1, dtype=dtype, seed=1000)
    found = ours.memory(torch.ones(1, 2, 2, dtype=dtype))
    assert {parameter.dtype for parameter in ours.parameters()} == {dtype}
    assert {state.dtype for state in found.hidden + found.cells} == {dtype}


def test_float32_and_no_readout_are_what_is_built_unless_told():
    ours = LongShortTermMemory(2, 3, seed=1000)
    assert type(ours.readout) is nn.Identity
    assert {parameter.dtype for parameter in ours.parameters()} == {torch.float32}


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("x", [[[1.0]]], "torch tensor"),
        ("x", torch.ones(2, 1), "3 axes"),
        ("hidden", torch.ones(3), "2 axes"),
        ("cell", torch.ones(1, 1, 3), "2 axes"),
        ("cell", 0.0, "torch tensor"),
    ],
)
def test_wrong_sequences_and_starts_are_refused_by_name(name, value, allowed):
    with pytest.raises((TypeError, ValueError), match=f"{name} must .*{allowed}"):
        memory(1, 3).memory(**{"x": normal(2, 4, 1)} | {name: value})
