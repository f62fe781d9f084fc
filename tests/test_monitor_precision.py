"""Loss scaling and half precision: what a GradScaler skips is skipped, and norms are those of the unscaled gradient."""

import math
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from gradlab.monitor import GradMonitor
from watched_runs import Truth, batches, loss_of, network, norm

SCALE = 2.0**16


def scaler(**settings):
    return torch.amp.GradScaler("cpu", init_scale=SCALE, growth_interval=1000, **settings)


def optimizers(fused):
    # without momentum: torch's fused SGD fills it with whatever is in memory when its first step is skipped
    return lambda model: torch.optim.SGD(model.parameters(), lr=0.1, fused=fused)


def train(model, optimizer, scaling, monitor, *, unscale, overflow=(), clip=None):
    """Train with a scaler; put an infinity into the gradient of some steps; return the truth about it."""
    truth = Truth(model)
    for step, (x, y) in enumerate(batches(6)):
        optimizer.zero_grad()
        loss = loss_of(model, x, y)
        scaling.scale(loss).backward()
        if step in overflow:
            model[2].weight.grad[0, 0] = math.inf
        if unscale:
            scaling.unscale_(optimizer)
        if monitor is not None:
            monitor.record(loss)
        truth.before()
        if clip is not None:
            clip()
        scaling.step(optimizer)
        truth.after()
        scaling.update()
    return truth


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("unscale", [False, True])
def test_scaled_run_is_read_as_if_there_were_no_scale(fused, unscale):
    model, plain = network(), network()
    optimizer, scaling = optimizers(fused)(model), scaler()
    with GradMonitor(model, optimizer, every=1, scaler=scaling) as monitor:
        truth = train(model, optimizer, scaling, monitor, unscale=unscale)
    history = monitor.history()
    truth.grad = (np.array(truth.grad) / (1 if unscale else SCALE)).tolist()
    truth.check(history, 1e-5)
    assert history["scale"].tolist() == [SCALE] * 6
    assert history["applied"].all()
    train(plain, optimizers(fused)(plain), scaler(), None, unscale=unscale)
    assert all(torch.equal(a, b) for a, b in zip(plain.parameters(), model.parameters(), strict=True))


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("unscale", [False, True])
def test_step_skipped_by_the_scaler_is_skipped_without_a_warning(fused, unscale, recwarn):
    model = network()
    optimizer, scaling = optimizers(fused)(model), scaler()
    monitor = GradMonitor(model, optimizer, every=1, scaler=scaling)
    train(model, optimizer, scaling, monitor, unscale=unscale, overflow=(0, 3))
    history = monitor.history()
    assert history["applied"].tolist() == [False, True, True, False, True, True]
    assert history["scale"].tolist() == [SCALE, *[SCALE / 2] * 3, *[SCALE / 4] * 2]
    assert np.isinf(history["grad"]).any(axis=1).tolist() == [True, False, False, True, False, False]
    assert (np.isnan(history["update"]).all(axis=1) == ~history["applied"]).all()
    assert (np.isnan(history["weight"]).all(axis=1) == ~history["applied"]).all()
    diagnosis = monitor.diagnose()
    assert (diagnosis.skipped, diagnosis.verdict) == (2, "NOT EXPLODING")
    assert not [w for w in recwarn.list if issubclass(w.category, RuntimeWarning)]


def test_last_step_of_a_fused_run_is_settled_when_asked_for():
    model = network()
    optimizer, scaling = optimizers(True)(model), scaler()
    monitor = GradMonitor(model, optimizer, every=1, scaler=scaling)
    train(model, optimizer, scaling, monitor, unscale=True, overflow=(5,))
    assert monitor.history()["applied"].tolist() == [True] * 5 + [False]
    assert monitor.diagnose().skipped == 1
    assert np.isnan(monitor.history()["update"][5]).all()


def test_fused_optimizer_under_a_scaler_that_nobody_told_of_is_refused_without_harm():
    model = network()
    optimizer, scaling = optimizers(True)(model), scaler()
    monitor = GradMonitor(model, optimizer, every=1)
    with pytest.warns(RuntimeWarning, match="give it to the monitor as scaler="):
        train(model, optimizer, scaling, monitor, unscale=False)
    plain = network()
    train(plain, optimizers(True)(plain), scaler(), None, unscale=False)
    assert all(torch.equal(a, b) for a, b in zip(plain.parameters(), model.parameters(), strict=True))


def test_scaler_that_is_switched_off_is_none():
    model = network()
    optimizer, scaling = optimizers(False)(model), scaler(enabled=False)
    monitor = GradMonitor(model, optimizer, every=1, scaler=scaling)
    train(model, optimizer, scaling, monitor, unscale=False, clip=lambda: monitor.clip_(0.1)).check(
        monitor.history(), 1e-5
    )
    assert np.isnan(monitor.history()["scale"]).all()


def test_clipping_what_is_still_scaled_is_refused():
    model = network()
    optimizer, scaling = optimizers(False)(model), scaler()
    monitor = GradMonitor(model, optimizer, scaler=scaling)
    with pytest.raises(RuntimeError, match=r"after scaler.unscale_\(optimizer\).* multiplied by 65536"):
        train(model, optimizer, scaling, monitor, unscale=False, clip=lambda: monitor.clip_(1.0))


def test_clipping_after_unscaling_is_torch_s():
    model, plain = network(), network()
    optimizer, scaling, other = optimizers(False)(model), scaler(), optimizers(False)(plain)
    monitor = GradMonitor(model, optimizer, scaler=scaling, every=1)
    train(model, optimizer, scaling, monitor, unscale=True, clip=lambda: monitor.clip_(0.05), overflow=(2,))
    clip = partial(nn.utils.clip_grad_norm_, list(plain.parameters()), 0.05)
    train(plain, other, scaler(), None, unscale=True, clip=clip, overflow=(2,))
    assert all(torch.equal(a, b) for a, b in zip(plain.parameters(), model.parameters(), strict=True))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_parameters_are_read_in_single(dtype):
    model = network(dtype=dtype)
    optimizer, truth = torch.optim.SGD(model.parameters(), lr=0.1), Truth(model)
    monitor = GradMonitor(model, optimizer, every=1)
    for x, y in batches(4, dtype=dtype):
        optimizer.zero_grad()
        loss = loss_of(model, x, y)
        loss.backward()
        monitor.record(loss)
        truth.before()
        optimizer.step()
        truth.after()
    truth.check(monitor.history(), 0.004)  # the difference of two bfloat16 numbers is rounded to one
    np.testing.assert_allclose(monitor.history()["grad"], truth.grad, rtol=1e-5)


def test_float16_gradient_beyond_the_range_of_its_own_norm_is_finite():
    model = nn.Linear(100, 1, bias=False).half()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    monitor = GradMonitor(model, optimizer)
    model.weight.grad = torch.full_like(model.weight, 6e4)
    monitor.record(1.0)
    assert torch.linalg.vector_norm(model.weight.grad).isinf()
    np.testing.assert_allclose(monitor.history()["grad"], norm(model.weight.grad), rtol=1e-5)
