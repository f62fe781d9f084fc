"""The monitor leaves training alone, bit for bit and in memory, whatever people do with models and monitors."""

import copy
import gc
import pickle
import threading
import weakref

import numpy as np
import pytest
import torch
from torch import nn

from gradlab.monitor import GradMonitor
from watched_runs import batches, loss_of, network, same_bits, sgd, train


def fused_adam(model):
    return torch.optim.AdamW(model.parameters(), fused=True)


def dropping_out():
    return nn.Sequential(*network(), nn.Dropout(0.5))


@pytest.mark.parametrize("make", [sgd, fused_adam])
@pytest.mark.parametrize("settings", [{}, {"every": 1}, {"every": 3}, {"budget": 1.0}])
def test_training_is_the_same_bit_for_bit(make, settings):
    plain = dropping_out()
    torch.manual_seed(5)
    train(plain, make(plain), steps=30)
    watched = dropping_out()
    optimizer = make(watched)
    torch.manual_seed(5)
    with GradMonitor(watched, optimizer, **settings) as monitor:
        train(watched, optimizer, steps=30, watch=monitor.record)
        monitor.history()
    assert same_bits(plain, watched)
    assert all(torch.equal(a.grad, b.grad) for a, b in zip(plain.parameters(), watched.parameters(), strict=True))


@pytest.mark.parametrize("every", [1, 2])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("max_norm", [0.05, 3, float("inf")])
def test_clip_is_torch_s_clipping_bit_for_bit(every, dtype, max_norm):
    plain, watched = network(dtype=dtype), network(dtype=dtype)
    optimizer, other = sgd(watched), sgd(plain)
    monitor = GradMonitor(watched, optimizer, every=every)
    monitor._run.schedule.is_due = lambda step, costs: step % every == 0  # some steps read, some not
    for x, y in batches(5, dtype=dtype):
        for model, step_size in ((plain, other), (watched, optimizer)):
            step_size.zero_grad()
            loss = loss_of(model, x, y)
            loss.backward()
        monitor.record(loss)
        assert torch.equal(monitor.clip_(max_norm), nn.utils.clip_grad_norm_(plain.parameters(), max_norm))
        assert all(torch.equal(a.grad, b.grad) for a, b in zip(plain.parameters(), watched.parameters(), strict=True))
        optimizer.step()
        other.step()
    assert same_bits(plain, watched)


@pytest.mark.parametrize("entry", [float("nan"), float("inf"), 3e38])
def test_clipping_what_is_not_finite_does_what_torch_does(entry):
    plain, watched = network(), network()
    monitor = GradMonitor(watched, sgd(watched), every=1)
    for model in (plain, watched):
        loss_of(model, *next(batches(1))).backward()
        model[2].weight.grad[1, 2] = entry
    monitor.record(1.0)
    total, expected = monitor.clip_(1.0), nn.utils.clip_grad_norm_(plain.parameters(), 1.0)
    np.testing.assert_array_equal(total, expected)
    for a, b in zip(plain.parameters(), watched.parameters(), strict=True):
        np.testing.assert_array_equal(a.grad, b.grad)


@pytest.mark.parametrize("change", ["value clipping", "another gradient", "not owned"])
def test_clipping_notices_gradients_changed_since_record(change):
    plain, watched = network(), network()
    optimizer = torch.optim.SGD((watched[2:] if change == "not owned" else watched).parameters(), lr=0.1)
    monitor = GradMonitor(watched, optimizer, every=1)
    for model in (plain, watched):
        loss = loss_of(model, *next(batches(1)))
        loss.backward()
        monitor.record(loss) if model is watched else None
        if change == "value clipping":
            nn.utils.clip_grad_value_(model.parameters(), 1e-2)
        if change == "another gradient":
            model[0].weight.grad = torch.ones_like(model[0].weight)
    assert torch.equal(monitor.clip_(0.01), nn.utils.clip_grad_norm_(plain.parameters(), 0.01))
    assert all(torch.equal(a.grad, b.grad) for a, b in zip(plain.parameters(), watched.parameters(), strict=True))


def test_clip_reads_no_gradient_again_that_record_has_read(monkeypatch):
    model = network()
    monitor = GradMonitor(model, sgd(model), every=1)
    loss_of(model, *next(batches(1))).backward()
    monitor.record(1.0)
    monkeypatch.setattr(nn.utils, "clip_grad_norm_", None)
    monkeypatch.setattr(torch, "_foreach_norm", None)
    monitor.clip_(0.1)


def test_copies_and_pickles_of_monitor_and_model_hold_what_was_read_and_no_run():
    model = network()
    optimizer = sgd(model)
    monitor = GradMonitor(model, optimizer, every=1)
    model.monitor = monitor
    train(model, optimizer, watch=monitor.record)
    for twin in (copy.deepcopy(model).monitor, pickle.loads(pickle.dumps(monitor))):
        for name, values in monitor.history().items():
            np.testing.assert_array_equal(twin.history()[name], values)
        with pytest.raises(RuntimeError, match="closed"):
            twin.record(1.0)
        assert twin.diagnose().overhead > 0
        twin.close()
    assert not copy.deepcopy(optimizer)._optimizer_step_post_hooks
    train(model, optimizer, watch=monitor.record)  # the original goes on
    assert len(monitor.history()["loss"]) == 12


def test_hooks_do_not_keep_a_forgotten_monitor_alive():
    model = network()
    optimizer = sgd(model)
    monitor = GradMonitor(model, optimizer, every=1)
    train(model, optimizer, watch=monitor.record)
    reference = weakref.ref(monitor._run)
    del monitor
    gc.collect()
    assert reference() is None
    train(model, optimizer)


class Wrapped(torch.optim.Optimizer):
    """An optimizer around another, made as accelerate makes it: without hooks of its own."""

    def __init__(self, optimizer):
        self.optimizer = optimizer

    def zero_grad(self):
        """Pass it on."""
        self.optimizer.zero_grad()

    def step(self):
        """Pass it on."""
        self.optimizer.step()


def test_wrapped_optimizer_is_watched_where_it_steps():
    model = network()
    optimizer = Wrapped(sgd(model))
    monitor = GradMonitor(model, optimizer, every=1)
    train(model, optimizer, watch=monitor.record)
    assert np.isfinite(monitor.history()["update"]).all()


def test_two_monitors_of_one_run_read_the_same():
    model = network()
    optimizer = sgd(model)
    with GradMonitor(model, optimizer, every=1) as outer, GradMonitor(model, optimizer, every=1) as inner:
        train(model, optimizer, watch=lambda loss: (outer.record(loss), inner.record(loss)))
    for name, values in outer.history().items():
        np.testing.assert_array_equal(inner.history()[name], values)


def test_history_can_be_asked_for_by_another_thread():
    model = network()
    optimizer = sgd(model)
    monitor, over, troubles = GradMonitor(model, optimizer, every=1), threading.Event(), []

    def ask():
        while not over.is_set():
            history = monitor.history()
            lengths = {len(history[name]) for name in ("loss", "applied", "scale", "rate", "max_norm")}
            if len(lengths) > 1 or len(history["step"]) != len(history["grad"]):
                troubles.append(lengths)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        train(model, optimizer, steps=150, watch=monitor.record)
    finally:
        over.set()
        asking.join()
    assert not troubles
    assert np.isfinite(monitor.history()["update"]).all()


def test_memory_is_one_copy_of_what_is_trained():
    model = nn.Sequential(nn.Linear(64, 64), nn.Linear(64, 64))
    model[0].requires_grad_(False)
    optimizer = sgd(model)
    monitor = GradMonitor(model, optimizer, every=1)
    for _ in range(4):
        optimizer.zero_grad()
        loss = model(torch.ones(2, 64)).sum()
        loss.backward()
        monitor.record(loss)
        optimizer.step()
    run = monitor._run
    held = run.watched._before.values()
    assert sum(tensor.numel() for tensor in held) == sum(p.numel() for p in model[1].parameters())
    monitor.close()
    assert run.watched is None
