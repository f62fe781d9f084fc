"""What the monitor does when something goes wrong: in itself, in the run, or in how it is called."""

import gc
import warnings
import weakref

import numpy as np
import pytest
import torch
from torch import nn

from gradlab.monitor import GradMonitor
from watched_runs import batches, loss_of, network, same_bits, sgd, train


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
