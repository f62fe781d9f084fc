"""Drawn weights against the variance that each scheme is named for, and against torch's own layers."""

import math

import pytest
import torch
from torch import nn

from gradlab import initialization

FAN_OUT, FAN_IN = 600, 400
ENTRIES = FAN_OUT * FAN_IN
# variance, and kurtosis: 3 for a normal distribution, 1.8 for a uniform one
RANDOM = {
    "standard": (1, 3),
    "lecun": (1 / FAN_IN, 3),
    "xavier": (2 / (FAN_IN + FAN_OUT), 3),
    "he": (2 / FAN_IN, 3),
    "default": (1 / (3 * FAN_IN), 1.8),
}


def drawn(init, shape=(FAN_OUT, FAN_IN), *, gain=1.0, seed=1000, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    return initialization.draw_(torch.empty(shape, dtype=dtype), init, gain=gain, generator=generator)


def test_every_scheme_is_checked_here():
    assert {*initialization.SCHEMES} == {*RANDOM, "orthogonal", "identity"}


@pytest.mark.parametrize("gain", [0.5, 1.0, 1.7])
@pytest.mark.parametrize("init", RANDOM)
def test_entries_have_the_mean_variance_and_kurtosis_of_the_scheme(init, gain):
    weight = drawn(init, gain=gain)
    variance, kurtosis = RANDOM[init]
    # five standard errors at 240 000 entries; 96 is the variance of z**4 for a normal z
    assert weight.mean().abs() < 5 * gain * math.sqrt(variance / ENTRIES)
    assert weight.var().item() == pytest.approx(gain**2 * variance, rel=5 * math.sqrt((kurtosis - 1) / ENTRIES))
    assert (weight**4).mean() / weight.var() ** 2 == pytest.approx(kurtosis, abs=5 * math.sqrt(96 / ENTRIES))


@pytest.mark.parametrize("seed", range(1000, 1005))
@pytest.mark.parametrize(("fan_out", "fan_in"), [(4, 4), (7, 3), (1, 5)])
def test_default_draws_the_same_numbers_as_a_new_linear_layer(fan_out, fan_in, seed):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        expected = nn.Linear(fan_in, fan_out).weight
    assert torch.equal(drawn("default", (fan_out, fan_in), seed=seed, dtype=torch.float32), expected)
    assert expected.abs().max() <= 1 / math.sqrt(fan_in)


@pytest.mark.parametrize("gain", [1.0, 1.3])
@pytest.mark.parametrize(("rows", "columns"), [(20, 20), (30, 20), (20, 30), (1, 1)])
def test_orthogonal_rows_or_columns_are_orthonormal_times_the_gain(rows, columns, gain):
    weight = drawn("orthogonal", (rows, columns), gain=gain)
    gram = weight @ weight.T if rows <= columns else weight.T @ weight
    torch.testing.assert_close(gram, gain**2 * torch.eye(min(rows, columns), dtype=torch.float64))


def test_orthogonal_matrices_are_spread_over_all_rotations():
    traces = torch.stack([drawn("orthogonal", (3, 3), seed=seed).trace() for seed in range(1000, 2000)])
    # the trace of a random orthogonal matrix has mean 0 and variance 1; five standard errors
    assert traces.mean().abs() < 5 / math.sqrt(1000)
    assert traces.var() == pytest.approx(1, abs=5 * math.sqrt(2 / 1000))


@pytest.mark.parametrize("shape", [(3, 3), (2, 4), (4, 2)])
def test_identity_has_the_gain_on_its_diagonal_and_zeros_elsewhere(shape):
    assert torch.equal(drawn("identity", shape, gain=1.5), 1.5 * torch.eye(*shape, dtype=torch.float64))


@pytest.mark.parametrize("init", initialization.SCHEMES)
def test_gain_multiplies_what_the_same_seed_draws_with_gain_1(init):
    torch.testing.assert_close(drawn(init, (5, 3), gain=2.5), 2.5 * drawn(init, (5, 3)), rtol=1e-14, atol=0)


@pytest.mark.parametrize("init", initialization.SCHEMES)
def test_weights_come_from_the_generator_and_not_from_the_global_one(init):
    before = torch.get_rng_state()
    first = drawn(init, (4, 4), seed=1000)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        again = drawn(init, (4, 4), seed=1000)
    assert torch.equal(first, again)
    assert torch.equal(drawn(init, (4, 4), seed=1001), first) == (init == "identity")
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("init", initialization.SCHEMES)
def test_draw_fills_a_parameter_in_place_and_records_nothing(init):
    weight = nn.Parameter(torch.full((3, 2), 7.0))
    assert initialization.draw_(weight, init, generator=torch.Generator()) is weight
    assert weight.is_leaf
    assert weight.requires_grad
    assert weight.dtype == torch.float32
    assert (weight != 7).all()


@pytest.mark.parametrize("wrong", [{"gain": -1.0}, {"generator": None}, {"init": "kaiming"}])
def test_a_refused_draw_leaves_the_weight_as_it_was(wrong):
    weight = torch.full((3, 2), 7.0)
    with pytest.raises((TypeError, ValueError)):
        initialization.draw_(weight, **{"init": "he", "generator": torch.Generator()} | wrong)
    assert (weight == 7).all()
