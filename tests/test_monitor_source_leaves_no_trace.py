# ruff: noqa: D102
"""Looking for the birth of a NaN leaves everything as it was, and wrong input is refused before anything is touched."""

import copy
import gc
import random
import re
import weakref

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

import planted_faults
from gradlab.monitor.replay.source import locate_nonfinite
from planted_faults import FAULTS, HEALTHY, Op, batch, chain, classify, constant_roots, planted


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
        assert locate_nonfinite(*FAULTS["root of 0"][0](0)).module == "fault"
        assert not torch.is_grad_enabled()
