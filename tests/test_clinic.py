"""Cases differ in what they say, are built so, and are trained alike by the twenty and alone under the monitor."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from gradlab import clinic
from gradlab.clinic.rounding import RoundedLinear, round_linear_layers_

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # explosions overflow
SMALL = clinic.Case("cancer", ("sgd", 0.1), steps=12, depth=4, width=8)


# --- rounding


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("seed", range(5))
def test_rounded_layer_does_what_a_layer_of_that_format_does_up_to_one_rounding(dtype, seed):
    generator = torch.Generator().manual_seed(seed)
    linear, x = nn.Linear(6, 5), torch.randn(7, 6, generator=generator)
    ours = RoundedLinear(linear, dtype)(x)
    exact = functional.linear(x.to(dtype).double(), linear.weight.to(dtype).double(), linear.bias.to(dtype).double())
    assert torch.equal(ours, ours.to(dtype).float()), "the result is a number of the format"
    # rounded to nearest, a number is off by half a unit in its last place; twice, since the sum is rounded in float32
    assert ((ours - exact).abs() <= torch.finfo(dtype).eps * (exact.abs() + 1e-3)).all()


def test_numbers_beyond_float16_become_infinite_forward_and_backward():
    layer = RoundedLinear(nn.Linear(1, 1, bias=False), torch.float16)
    nn.init.ones_(layer.weight)
    assert layer(torch.tensor([[65000.0]])).item() == 64992  # numbers of float16 are 32 apart here
    assert layer(torch.tensor([[70000.0]])).item() == math.inf
    assert RoundedLinear(nn.Linear(1, 1), torch.bfloat16)(torch.tensor([[70000.0]])).isfinite().all()
    (70000.0 * layer(torch.ones(1, 1))).sum().backward()
    assert layer.weight.grad.item() == math.inf


def test_rounding_replaces_linear_layers_at_every_depth_and_keeps_their_parameters():
    network = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Sequential(nn.Linear(3, 3), nn.LayerNorm(3)))
    before = dict(network.named_parameters())
    assert round_linear_layers_(network, torch.float16) is network
    assert {type(module) for module in network.modules()} == {nn.Sequential, RoundedLinear, nn.ReLU, nn.LayerNorm}
    after = dict(network.named_parameters())
    assert list(after) == list(before)
    assert all(after[name] is before[name] for name in before)


# --- cases


def test_but_changes_one_setting_and_no_other():
    changed = SMALL.but(norm="layer")
    settings = {field.name: getattr(changed, field.name) for field in dataclasses.fields(changed)}
    assert {name for name, value in settings.items() if value != getattr(SMALL, name)} == {"norm"}


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({}, ValueError, "exactly one"),
        ({"depth": 6, "width": 4}, ValueError, "exactly one"),
        ({"depth": 4}, ValueError, "must be a change"),
        ({"colour": 4}, TypeError, "setting"),
        ({"depth": 0}, ValueError, "depth must be"),
    ],
)
def test_but_refuses_what_is_not_one_change(change, error, words):
    with pytest.raises(error, match=words):
        SMALL.but(**change)


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"gates": "open"}, "gates"),
        ({"data": "two cues"}, "length"),
        ({"data": "two cues", "length": 20, "skips": "plain"}, "length"),
        ({"data": "two cues", "length": 20, "norm": "batch"}, "length"),
        ({"data": "two cues", "length": 20, "numbers": "float16"}, "length"),
        ({"depth": 3, "skips": "plain"}, "depth"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(settings, name):
    with pytest.raises(ValueError, match=rf"{name} must be"):
        dataclasses.replace(SMALL, **settings)


def test_formats_share_their_random_numbers():
    weights = {n: next(SMALL.but(numbers=n).network(3).parameters()) for n in ("float16", "bfloat16", "float64")}
    for weight in weights.values():
        assert torch.equal(weight.float(), next(SMALL.network(3).parameters()))
    assert SMALL.but(numbers="float64").task.x.dtype == weights["float64"].dtype == torch.float64


def test_network_is_built_as_its_settings_say():
    def count(case, kind):
        return sum(isinstance(module, kind) for module in case.network(0).modules())

    assert count(SMALL, nn.Linear) == 5
    assert count(SMALL.but(norm="batch"), nn.BatchNorm1d) == count(SMALL.but(norm="layer"), nn.LayerNorm) == 4
    assert [block.scale for block in SMALL.but(skips="scaled").network(0)[1:-1]] == [2**-0.5] * 2
    assert [block.scale for block in SMALL.but(skips="plain").network(0)[1:-1]] == [1.0] * 2
    assert not any(block.branch[-1].weight.any() for block in SMALL.but(skips="zero").network(0)[1:-1])
    cues = clinic.patient("LSTM").case
    for gates, bias in (("half open", 0.0), ("open", 3.0)):
        assert (dataclasses.replace(cues, gates=gates).network(0).to_gates.bias[32:64] == bias).all()
    normed = dataclasses.replace(cues, gates=None, norm="layer").network(0)
    assert [type(part) for part in normed.activation] == [nn.LayerNorm, nn.Tanh]


# --- the ward


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"max_norm": 0.5},
        {"decay": 0.1},
        {"warm_up": 6},
        {"step": ("adam", 0.01)},
        {"numbers": "float64"},
        {"skips": "scaled"},
    ],
    ids=str,
)
def test_one_network_alone_under_the_monitor_takes_the_path_of_the_first_of_many(change):
    case = SMALL.but(**change) if change else SMALL
    many, alone = clinic.train(case, first=4, seeds=3), clinic.examine(case, seed=4).history()
    np.testing.assert_allclose(alone["loss"], many.losses[0], rtol=1e-3)
    np.testing.assert_allclose(np.linalg.norm(alone["grad"], axis=1), many.norms[0], rtol=1e-2)


@pytest.mark.parametrize(
    "change",
    [{}, {"max_norm": 0.5}, {"decay": 0.1}, {"warm_up": 6}, {"step": ("adam", 0.01)}],
    ids=str,
)
def test_loss_scale_changes_nothing_where_the_numbers_hold_it(change):
    plain = clinic.train(SMALL.but(**change) if change else SMALL, seeds=3)
    scaled = clinic.train(dataclasses.replace(SMALL, loss_scale=2.0**10, **change), seeds=3)
    np.testing.assert_allclose(scaled.losses, plain.losses, rtol=1e-3)
    np.testing.assert_allclose(scaled.norms, plain.norms, rtol=1e-2)


def test_rate_warms_up_in_equal_steps():
    case = dataclasses.replace(SMALL, steps=4, warm_up=2)
    history = clinic.examine(case).history()
    whole, moved = (np.linalg.norm(history[name], axis=1) for name in ("grad", "update"))
    np.testing.assert_allclose(moved / whole, [0.05, 0.1, 0.1, 0.1], rtol=1e-3)
