"""`locate_nonfinite` names the place at which a fault was planted."""

import dataclasses
import math

import pytest
import torch
from torch import nn
from torch.nn import functional

import planted_faults
from gradlab.monitor.replay.location import HEADLINES
from gradlab.monitor.replay.source import locate_nonfinite
from planted_faults import FAULTS, HEALTHY, Inline, Op, batch, chain, classify, constant_roots, planted, with_nan


def located(build, seed):
    torch.manual_seed(seed)
    return locate_nonfinite(*build(seed))


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("name", FAULTS)
def test_planted_fault_is_found_where_it_was_planted(name, seed):
    build, phase, module = FAULTS[name]
    location = located(build, seed)
    assert (location.phase, location.module) == (phase, module), str(location)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("name", HEALTHY)
def test_nothing_is_found_in_a_healthy_batch(name, seed):
    location = located(HEALTHY[name], seed)
    assert location.phase == "none", str(location)
    assert "every gradient is finite" in location.detail


@pytest.mark.parametrize("name", FAULTS)
def test_the_answer_is_the_same_the_second_time(name):
    torch.manual_seed(0)
    model, closure = FAULTS[name][0](0)
    assert locate_nonfinite(model, closure) == locate_nonfinite(model, closure)


@pytest.mark.parametrize("position", range(6))
@pytest.mark.parametrize(("function", "phase"), [(torch.log, "forward"), (constant_roots, "backward")])
def test_two_faults_are_told_in_the_order_in_which_they_happen(position, function, phase):
    x, y = batch(position)
    model = chain(position, function)
    model.append(Op(lambda h: h / 0 if phase == "forward" else h))
    assert locate_nonfinite(model, classify(model, x, y)).module == "fault"


@pytest.mark.parametrize("function", [torch.log, constant_roots])
def test_code_between_modules_is_named_by_its_neighbours_and_its_line(function):
    location = located(lambda seed: planted(seed, Inline(function)), 0)
    assert location.between == ("first", "second")
    assert location.operation in ("log", "sqrt")
    assert "planted_faults.py, line" in location.line
    assert "after first and before second" in str(location)


def test_a_function_beside_a_branch_is_placed_by_when_it_ran_not_by_where_its_result_went():
    class Beside(Inline):
        """Its function is called beside a branch."""

        def forward(self, x):
            hidden = self.first(x)
            beside = self.function(hidden)
            return self.head(torch.tanh(self.second(hidden)) + beside)

    location = located(lambda seed: planted(seed, Beside(constant_roots)), 0)
    assert (location.phase, location.between) == ("backward", ("first", "second"))


def test_the_call_is_named_when_a_module_is_called_several_times_and_its_other_names_too():
    location = located(FAULTS["second call of one module"][0], 0)
    assert "in its call 2 of 2" in location.detail
    assert "also known as same" in location.detail


def test_the_share_the_largest_magnitude_and_the_module_are_in_the_detail():
    x, y = batch(0)
    x[2, 3], x[4, 5] = math.nan, 7.5
    model = chain(9, None)
    detail = locate_nonfinite(model, classify(model, x, y)).detail
    assert "1 of 128 entries not finite (0.78%: 1 NaN, the first at (2, 3)), largest finite magnitude 7.5" in detail
    assert "layer0 (Linear)" in detail
    assert "Output: float32 (8, 16), 16 of 128 entries not finite" in detail


def test_the_parameter_is_named_when_it_was_broken_before_and_when_only_its_gradient_is():
    assert located(FAULTS["parameter"][0], 0).parameter == "layer3.weight"
    assert located(FAULTS["running variance"][0], 0).parameter == "1.running_var"
    assert located(FAULTS["root of 0"][0], 0).parameter == "layer0.weight"
    assert located(FAULTS["log of 0 in the loss"][0], 0).parameter is None


def test_an_infinity_on_purpose_that_reaches_the_loss_is_said_to_be_on_purpose():
    assert "on purpose" in located(FAULTS["target on a class masked out"][0], 0).detail


def test_sum_of_finite_gradients_that_overflows_is_called_a_sum():
    weight = nn.Linear(1, 1, bias=False).double()
    weight.weight.data.fill_(1.0)
    big = torch.tensor([[1.5e308]], dtype=torch.float64)
    location = locate_nonfinite(weight, lambda: ((weight(big) - 1.5e308) + (weight(big) - 1.5e308)).sum())
    assert location.phase == "backward"
    assert location.parameter == "weight"
    assert "their sum is not" in location.detail


def test_scaled_loss_overflows_float16_where_the_plain_one_does_not():
    torch.manual_seed(0)
    model, (x, y) = HEALTHY["bfloat16"](0)[0].half(), batch(0)

    def loss(scale):
        return functional.cross_entropy(model(x.half()).float(), y) * scale

    assert locate_nonfinite(model, lambda: loss(1.0)).phase == "none"
    assert locate_nonfinite(model, lambda: loss(1e9)).phase == "backward"


def test_own_loss_module_and_own_loss_function_are_both_the_loss():
    class Own(nn.Module):
        """A loss."""

        def forward(self, out, y):
            return (out * 0).log().mean()

    for loss in (Own(), lambda out, y: (out * 0).log().mean()):
        assert located(lambda seed, loss=loss: planted_faults.loss_fault(seed, loss), 0).phase == "loss"


def test_code_before_the_model_is_the_data():
    x, y = batch(0)
    model = chain(9, None)
    x[:, 0] = 1.0
    location = locate_nonfinite(model, lambda: functional.cross_entropy(model((x - x.mean(0)) / x.std(0)), y))
    assert (location.phase, location.module, location.operation) == ("data", None, "div")
    assert location.between == (None, "")


def test_compiled_model_is_run_uncompiled_and_its_names_are_the_plain_ones():
    torch.manual_seed(0)
    x, y = batch(0)
    model = torch.compile(chain(2, torch.log), backend="eager")
    model(x)
    assert locate_nonfinite(model, classify(model, x, y)).module == "fault"
    inner = chain(2, constant_roots)
    inner.fault.forward = torch.compile(inner.fault.forward, backend="aot_eager")
    outer = nn.Sequential(torch.compile(inner, backend="eager"), nn.Identity())
    outer(x)
    location = locate_nonfinite(outer, classify(outer, x, y))
    assert (location.phase, location.module, location.parameter) == ("backward", "0.fault", "0.layer0.weight")


def test_automatic_mixed_precision_overflows_in_the_layer_that_is_cast():
    torch.manual_seed(0)
    x, y = batch(0)
    model = nn.Sequential(nn.Linear(16, 16), nn.Linear(16, 3))
    model[1].weight.data.fill_(3e5)

    def closure():
        with torch.autocast("cpu", dtype=torch.float16):
            return functional.cross_entropy(model(x), y)

    location = locate_nonfinite(model, closure)
    assert (location.phase, location.module) == ("forward", "1")
    assert "float16" in location.advice


def test_what_was_written_over_is_not_blamed():
    location = located(
        lambda seed: planted(seed, chain(2, lambda h: torch.full_like(h, math.nan).copy_(torch.log(h)))), 0
    )
    assert location.operation == "log"


# how it reads


@pytest.mark.parametrize("name", [*FAULTS, *HEALTHY])
def test_every_location_reads_in_words_and_in_a_notebook(name):
    location = located(FAULTS[name][0] if name in FAULTS else HEALTHY[name], 0)
    assert HEADLINES[location.phase] in str(location)
    assert location.advice in str(location)
    html = location._repr_html_()
    assert html.startswith("<table>")
    assert "<lambda>" not in html
    assert " object at 0x" not in str(location)
    with pytest.raises(dataclasses.FrozenInstanceError):
        location.phase = "none"


def test_nan_input_at_the_first_layer_reads_like_this():
    x, y = batch(0)
    model = chain(9, None)
    text = str(locate_nonfinite(model, classify(model, with_nan(x), y)))
    assert text.startswith("First   the data brings it along\nWhere   layer0\nSeen    ")
