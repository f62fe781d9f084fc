"""The monitor leaves training alone: bit for bit, in memory, and when something goes wrong."""

import copy
import gc
import pickle
import threading
import warnings
import weakref

import numpy as np
import pytest
import torch
from torch import nn

from gradlab.monitor import GradMonitor
from watched_runs import batches, loss_of, network


def sgd(model):
    return torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)


def train(model, optimizer, steps=6, *, watch=None, clip=None):
    """Train; `watch` is called with the loss between backward and clipping, `clip` then clips."""
    for x, y in batches(steps):
        optimizer.zero_grad()
        loss = loss_of(model, x, y)
        loss.backward()
        if watch is not None:
            watch(loss)
        if clip is not None:
            clip()
        optimizer.step()
    return model


def same_bits(first, second):
    return all(
        torch.equal(a, b) for a, b in zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    )


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


# --- errors of the monitor's own


@pytest.mark.parametrize("place", ["gradient_norms", "keep", "movement", "sentinel", "total_norm"])
def test_error_inside_is_told_once_and_ends_watching_not_training(place):
    plain = network()
    other = sgd(plain)
    train(plain, other, clip=lambda: nn.utils.clip_grad_norm_(plain.parameters(), 0.1))
    model = network()
    optimizer = sgd(model)
    monitor = GradMonitor(model, optimizer, every=1)

    def broken(*_):
        raise KeyError("a fault of the monitor's own")

    def watch(loss):
        if monitor._run.ledger.steps == 3:
            setattr(monitor._run.watched, place, broken)
        monitor.record(loss)

    with pytest.warns(RuntimeWarning, match="an error of its own: KeyError") as told:
        train(model, optimizer, watch=watch, clip=lambda: monitor.clip_(0.1))
    assert len(told) == 1
    assert same_bits(plain, model)
    assert not optimizer._optimizer_step_post_hooks
    assert 3 <= len(monitor.history()["loss"]) <= 4
    assert "an error of its own" in monitor.report()


def test_error_inside_does_not_end_the_run_where_warnings_are_errors(caplog):
    model = network()
    optimizer = sgd(model)
    monitor = GradMonitor(model, optimizer)
    monitor._run.watched.sentinel = None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train(model, optimizer, watch=monitor.record)
    assert "an error of its own" in caplog.text


def test_strange_loss_later_on_does_not_end_the_run():
    model = network()
    optimizer = sgd(model)
    monitor = GradMonitor(model, optimizer)
    losses = iter([1.0, 1.0, torch.ones(2), 1.0, 1.0, 1.0])
    with pytest.warns(RuntimeWarning, match="loss must be one real number"):
        train(model, optimizer, watch=lambda _: monitor.record(next(losses)))


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_error_of_the_run_passes_through_and_watching_ends(error):
    model = network()
    optimizer = sgd(model)
    with pytest.raises(error, match="the run's own"), GradMonitor(model, optimizer) as monitor:  # noqa: PT012
        train(model, optimizer, watch=monitor.record)
        raise error("the run's own")
    assert not optimizer._optimizer_step_pre_hooks
    assert not optimizer._optimizer_step_post_hooks
    assert len(monitor.history()["loss"]) == 6


def test_interruption_inside_the_monitor_is_the_user_s():
    model = network()
    optimizer = sgd(model)
    monitor = GradMonitor(model, optimizer)

    def interrupt(*_):
        raise KeyboardInterrupt

    monitor._run.watched.movement = interrupt
    with pytest.raises(KeyboardInterrupt):
        train(model, optimizer, watch=monitor.record)
    del monitor._run.watched.movement
    train(model, optimizer, watch=monitor.record)  # and it can go on
    history = monitor.history()
    assert len(history["loss"]) == 7
    assert np.isfinite(history["update"][1:]).all()


# --- misuse


def test_first_record_without_gradients_says_where_it_belongs():
    model = network()
    monitor = GradMonitor(model, sgd(model))
    with pytest.raises(RuntimeError, match=r"no gradient .* after loss.backward\(\) and before"):
        monitor.record(1.0)
    loss_of(model, *next(batches(1))).backward()
    monitor.record(1.0)  # a second try is as good as a first
    assert len(monitor.history()["loss"]) == 1


def test_later_record_without_gradients_only_notes_that_there_were_none():
    model = network()
    optimizer = sgd(model)
    monitor = GradMonitor(model, optimizer, every=1)
    train(model, optimizer, steps=2, watch=monitor.record)
    optimizer.zero_grad()
    monitor.record(1.0)
    optimizer.step()
    assert np.isnan(monitor.history()["grad"][2]).all()
    assert monitor.history()["applied"].all()


@pytest.mark.parametrize(
    "loss", ["0.5", None, 1j, [1.0], torch.ones(2), torch.ones(0), torch.tensor(1j), torch.tensor(True)]
)
def test_first_loss_must_be_one_real_number(loss):
    model = network()
    monitor = GradMonitor(model, sgd(model))
    loss_of(model, *next(batches(1))).backward()
    with pytest.raises(TypeError, match="loss must be one real number") as refused:
        monitor.record(loss)
    assert repr(loss) in str(refused.value)


@pytest.mark.parametrize(("value", "error"), [("1", TypeError), (None, TypeError), (0, ValueError), (-1.0, ValueError)])
def test_threshold_must_be_a_number_above_zero(value, error):
    model = network()
    with pytest.raises(error, match="max_norm must be") as refused:
        GradMonitor(model, sgd(model)).clip_(value)
    assert repr(value) in str(refused.value)


def test_closed_monitor_records_no_more_but_tells_what_it_saw():
    model = network()
    optimizer = sgd(model)
    with GradMonitor(model, optimizer, every=1) as monitor:
        train(model, optimizer, watch=monitor.record)
    monitor.close()  # twice does no harm
    for call in (lambda: monitor.record(1.0), lambda: monitor.clip_(1.0), monitor.__enter__):
        with pytest.raises(RuntimeError, match="the monitor is closed"):
            call()
    assert np.isfinite(monitor.history()["update"]).all()
    assert monitor.diagnose().steps == 6
    reference = weakref.ref(model)
    del model, optimizer
    gc.collect()
    assert reference() is None  # and it holds nothing of the run


def test_steps_not_taken_are_skipped_steps_and_told_once():
    model = network()
    optimizer = sgd(model)
    monitor = GradMonitor(model, optimizer, every=1)

    def train_with_gaps():
        for step, (x, y) in enumerate(batches(6)):
            optimizer.zero_grad()
            loss = loss_of(model, x, y)
            loss.backward()
            monitor.record(loss)
            if step not in (1, 3, 4):
                optimizer.step()

    with pytest.warns(RuntimeWarning, match=r"once before each optimizer.step") as told:
        train_with_gaps()
    assert len(told) == 1
    assert told[0].filename == __file__
    history = monitor.history()
    assert history["applied"].tolist() == [True, False, True, False, False, True]
    assert (np.isnan(history["update"]).all(axis=1) == ~history["applied"]).all()
    assert np.isfinite(history["grad"]).all()
    assert monitor.diagnose().skipped == 3


@pytest.mark.parametrize("place", ["record after step", "clip_ before record"])
def test_misplaced_call_is_told_once(place):
    model = network()
    optimizer = sgd(model)
    monitor = GradMonitor(model, optimizer)

    def train_misplaced():
        for x, y in batches(4):
            optimizer.zero_grad()
            loss = loss_of(model, x, y)
            loss.backward()
            if place == "record after step":
                optimizer.step()
            else:
                monitor.clip_(1.0)
            monitor.record(loss)
            if place != "record after step":
                optimizer.step()

    with pytest.warns(RuntimeWarning, match=r"record\(loss\) belongs") as told:
        train_misplaced()
    assert len(told) == 1


# --- what people do with models and monitors


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
