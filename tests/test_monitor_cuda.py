"""On a CUDA device: at most one wait for it in each step, and the same numbers as on the CPU."""

import warnings

import numpy as np
import pytest
import torch

from gradlab.monitor import GradMonitor
from watched_runs import Truth, batches, loss_of, network

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")


def waits(work):
    """Return how often some work waited for the device."""
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("warn")
    try:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            work()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    return sum("synchroniz" in str(warning.message) for warning in told)


@pytest.mark.parametrize("settings", [{}, {"every": 1}, {"every": 7}])
@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("optimizer", ["plain", "fused"])
def test_a_step_waits_for_the_device_at_most_once(settings, scaled, optimizer):
    model = network().cuda()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=optimizer == "fused")
    scaler = torch.amp.GradScaler("cuda", enabled=scaled)
    monitor = GradMonitor(model, optimizer, scaler=scaler, **settings)
    for step, (x, y) in enumerate(batches(40)):
        optimizer.zero_grad()
        loss = loss_of(model, x.cuda(), y.cuda()) * (1e9 if step == 30 else 1)  # a jump of the loss
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        assert waits(lambda loss=loss: monitor.record(loss)) <= 1
        # GradScaler itself looks at its flags once; an optimizer that is no longer scaled does not
        assert waits(lambda: scaler.step(optimizer)) <= (scaled and optimizer.defaults["fused"] is False)
        scaler.update()
    assert not monitor._run.is_inert


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_norms_on_the_device_match_float64_arithmetic_on_copies(dtype):
    model = network(dtype=dtype).cuda()
    optimizer, truth = torch.optim.SGD(model.parameters(), lr=0.1), Truth(model)
    monitor = GradMonitor(model, optimizer, every=1)
    for x, y in batches(5, dtype=dtype):
        optimizer.zero_grad()
        loss = loss_of(model, x.cuda(), y.cuda())
        loss.backward()
        monitor.record(loss)
        truth.before()
        monitor.clip_(0.1)
        optimizer.step()
        truth.after()
    truth.check(monitor.history(), 0.004)
    assert monitor.diagnose().overhead > 0


def test_float32_norm_that_overflows_on_the_device_is_finite():
    model = network().cuda()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    monitor = GradMonitor(model, optimizer)
    for parameter in model.parameters():
        parameter.grad = torch.full_like(parameter, 1e25)
    monitor.record(1.0)
    expected = [1e25 * parameter.numel() ** 0.5 for parameter in model.parameters()]
    np.testing.assert_allclose(monitor.history()["grad"][0], expected, rtol=1e-5)
