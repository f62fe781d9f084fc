# ruff: noqa: D102
"""`locate_nonfinite` names the place at which a fault was planted, and leaves everything as it was."""

import copy
import dataclasses
import gc
import math
import random
import re
import weakref

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

import planted_faults
from gradlab.monitor.location import HEADLINES
from gradlab.monitor.source import locate_nonfinite
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


# what must be as it was


def fingerprint(model):
    return {
        "values": {name: value.clone() for name, value in model.state_dict(keep_vars=False).items()},
        "objects": {name: id(tensor) for name, tensor in [*model.named_parameters(), *model.named_buffers()]},
        "grads": {
            name: (id(p.grad), None if p.grad is None else p.grad.clone()) for name, p in model.named_parameters()
        },
        "wanted": [p.requires_grad for p in model.parameters()],
        "training": [module.training for module in model.modules()],
        "hooks": [
            {key: dict(value) for key, value in vars(module).items() if "hooks" in key and value is not None}
            for module in model.modules()
        ],
        "attributes": [list(vars(module)) for module in model.modules()],
        "random": (torch.get_rng_state(), random.getstate(), np.random.get_state()[1]),
        "torch": (torch.is_grad_enabled(), torch.is_anomaly_enabled(), torch.is_anomaly_check_nan_enabled()),
        "global hooks": (
            len(torch.nn.modules.module._global_forward_hooks),
            len(torch.nn.modules.module._global_forward_pre_hooks),
        ),
        "versions": [p._version for p in model.parameters()],
    }


def assert_same(a, b, path=""):
    assert type(a) is type(b), path
    if isinstance(a, torch.Tensor | np.ndarray):
        np.testing.assert_array_equal(np.asarray(a.tolist()), np.asarray(b.tolist()), err_msg=path)
    elif isinstance(a, dict):
        assert list(a) == list(b), path
        for key in a:
            assert_same(a[key], b[key], f"{path}/{key}")
    elif isinstance(a, tuple | list):
        assert len(a) == len(b), path
        for k, pair in enumerate(zip(a, b, strict=True)):
            assert_same(*pair, f"{path}/{k}")
    else:
        assert a == b, path


class Meddler(nn.Module):
    """Changes in its forward pass all that can be changed."""

    def __init__(self, fault):
        super().__init__()
        self.body, self.norm, self.fault = nn.Linear(16, 16), nn.BatchNorm1d(16), Op(fault)
        self.head, self.drop = nn.Linear(16, 3), nn.Dropout()
        self.register_buffer("count", torch.zeros(()), persistent=False)
        self.state = None

    def forward(self, x):
        self.count += 1
        self.register_buffer("seen", x.detach())
        self.state = x
        random.random(), np.random.rand()
        with torch.no_grad():
            self.head.weight.clamp_(-0.01, 0.01)
        self.body.requires_grad_(True)
        self.norm.eval()
        self.norm.train()
        out = self.head(self.drop(self.fault(self.norm(self.body(x)))))
        self.train(not self.training)
        return out


FAILS = {"finite": torch.tanh, "forward": torch.log, "backward": constant_roots, "error": lambda h: h @ h}


@pytest.mark.parametrize("grads", ["none", "some"])
@pytest.mark.parametrize("fails", FAILS)
def test_everything_is_as_it_was(fails, grads):
    torch.manual_seed(0)
    x, y = batch(0)
    model = Meddler(FAILS[fails])
    model.body.bias.requires_grad_(False)
    model.head.register_forward_hook(lambda *_: None)
    if grads == "some":
        model.head.weight.grad = torch.ones(3, 16)
    before = fingerprint(model)
    if fails == "error":
        with pytest.raises(RuntimeError, match="mat1 and mat2 shapes cannot be multiplied"):
            locate_nonfinite(model, classify(model, x, y))
    else:
        locate_nonfinite(model, classify(model, x, y))
    del before["versions"]  # it wrote its own weights; all others are checked below
    assert_same(before, {key: value for key, value in fingerprint(model).items() if key != "versions"})


@pytest.mark.parametrize("name", [*FAULTS, *HEALTHY])
def test_nothing_is_written_to_parameters_or_gradients(name):
    torch.manual_seed(0)
    model, closure = FAULTS[name][0](0) if name in FAULTS else HEALTHY[name](0)
    for parameter in model.parameters():
        parameter.grad = torch.full_like(parameter, 2.0)
    before = fingerprint(model)
    locate_nonfinite(model, closure)
    assert_same(before, fingerprint(model))


def test_an_error_of_the_closure_is_passed_on_unchanged():
    problem = KeyError("mine")

    def closure():
        raise problem

    with pytest.raises(KeyError) as raised:
        locate_nonfinite(nn.Linear(2, 1), closure)
    assert raised.value is problem
    assert raised.value.__cause__ is None


def test_what_was_written_over_is_not_blamed():
    location = located(
        lambda seed: planted(seed, chain(2, lambda h: torch.full_like(h, math.nan).copy_(torch.log(h)))), 0
    )
    assert location.operation == "log"


def test_nothing_of_the_batch_is_kept():
    x, y = batch(0)
    model, kept = chain(2, constant_roots), []

    def closure():
        loss = functional.cross_entropy(model(x), y)
        mark = loss.grad_fn.metadata["mark"] = Op(None)  # lives as long as the graph
        kept.append(weakref.ref(mark))
        return loss

    for expected in ("fault", "fault"):
        assert locate_nonfinite(model, closure).module == expected
    gc.collect()
    assert [reference() for reference in kept] == [None, None]


def test_an_error_inside_a_module_that_the_closure_catches_does_not_confuse_the_places():
    x, y = batch(0)
    model = chain(2, torch.log)
    narrow = nn.Sequential(nn.Linear(3, 3))

    def closure():
        with pytest.raises(RuntimeError):
            narrow(x)
        return functional.cross_entropy(model(x), y)

    assert locate_nonfinite(model, closure).module == "fault"


def test_a_graph_that_the_caller_keeps_can_still_be_differentiated():
    x, y = batch(0)
    model = nn.Sequential(nn.Linear(16, 16), nn.BatchNorm1d(16), nn.Linear(16, 3))
    loss = functional.cross_entropy(model(x), y)
    mine = copy.deepcopy(model)
    (expected,) = torch.autograd.grad(functional.cross_entropy(mine(x), y), mine[0].weight)
    locate_nonfinite(model, lambda: functional.cross_entropy(model(x), y) + loss)
    loss.backward()
    torch.testing.assert_close(model[0].weight.grad, expected)


@pytest.mark.parametrize("use_reentrant", [True, False])
def test_an_optimizer_that_steps_in_a_hook_of_the_gradient_does_not_step(use_reentrant):
    torch.manual_seed(0)
    model, closure = planted(0, planted_faults.Checkpointed(torch.tanh, use_reentrant))
    steps = []
    for parameter in model.parameters():
        parameter.register_post_accumulate_grad_hook(steps.append)
    locate_nonfinite(model, closure)
    assert steps == []
    closure().backward()
    assert len(steps) == len(list(model.parameters()))


def test_gradients_of_other_models_are_left_alone_too():
    torch.manual_seed(0)
    other = nn.Linear(3, 1)
    model, x = planted_faults.Checkpointed(torch.tanh, True), batch(0)[0]
    other.weight.grad = grad = torch.ones(1, 3)
    locate_nonfinite(model, lambda: other(model(x)).mean())
    assert other.weight.grad is grad
    assert other.bias.grad is None
    assert grad.eq(1).all()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_on_a_gpu_the_place_is_found_and_the_random_state_is_as_it_was():
    x, y = (tensor.cuda() for tensor in batch(0))
    model = nn.Sequential(chain(2, constant_roots), nn.Dropout()).cuda()
    state = torch.cuda.get_rng_state()
    assert locate_nonfinite(model, classify(model, x, y)).module == "0.fault"
    assert torch.equal(torch.cuda.get_rng_state(), state)


# wrong input


def without_gradient(model, x, y):
    def closure():
        with torch.no_grad():
            return functional.cross_entropy(model(x), y)

    return closure


def with_backward(model, x, y):
    def closure():
        loss = functional.cross_entropy(model(x), y)
        loss.backward()
        return loss

    return closure


WRONG = {
    "no module": (
        lambda m, x, y: ("model", lambda: x.sum()),
        TypeError,
        "model must be a torch.nn.Module, got 'model'",
    ),
    "no function": (lambda m, x, y: (m, 3), TypeError, "closure must be a function .* got 3"),
    "nothing": (lambda m, x, y: (m, lambda: None), TypeError, "closure must return the loss as a tensor, got None"),
    "number": (lambda m, x, y: (m, lambda: 0.5), TypeError, "closure must return the loss as a tensor, got 0.5"),
    "vector": (lambda m, x, y: (m, lambda: m(x)), ValueError, r"closure must .* one real number, got .*\(8, 3\)"),
    "complex": (
        lambda m, x, y: (m, lambda: m(x).sum() * 1j),
        ValueError,
        "closure must .* one real number, got .*complex",
    ),
    "no_grad": (
        lambda m, x, y: (m, without_gradient(m, x, y)),
        ValueError,
        "closure must .* requires a gradient, got .*no_grad",
    ),
    "detached": (
        lambda m, x, y: (m, lambda: m(x).sum().detach()),
        ValueError,
        "closure must .* requires a gradient, got",
    ),
    "backward": (
        lambda m, x, y: (m, with_backward(m, x, y)),
        ValueError,
        "closure must only run the forward pass, got .*backward",
    ),
    "lazy": (
        lambda m, x, y: (nn.LazyLinear(3), lambda: x.sum()),
        ValueError,
        "model must have been run once, got lazy",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_input_is_refused_and_everything_is_as_it_was(name):
    make, error, message = WRONG[name]
    torch.manual_seed(0)
    model = nn.Linear(16, 3)
    model.weight.grad = torch.ones(3, 16)
    before = fingerprint(model)
    with pytest.raises(error, match=re.compile(message, re.DOTALL)):
        locate_nonfinite(*make(model, *batch(0)))
    assert_same(before, fingerprint(model))


def test_modes_that_the_closure_leaves_behind_are_put_back():
    x, y = batch(0)
    model = chain(2, torch.log)

    def closure():
        loss = functional.cross_entropy(model(x), y)
        torch.set_grad_enabled(False)
        torch.autograd.set_detect_anomaly(True)
        return loss

    before = fingerprint(model)
    assert locate_nonfinite(model, closure).module == "fault"
    assert_same(before, fingerprint(model))


def test_no_grad_around_the_call_is_no_obstacle():
    with torch.no_grad():
        assert located(FAULTS["root of 0"][0], 0).module == "fault"
        assert not torch.is_grad_enabled()


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
