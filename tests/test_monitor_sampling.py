"""Which steps are sampled, and what the monitor thinks it costs."""

import math

import numpy as np
import pytest
import torch

from gradlab.monitor import GradMonitor, sampling
from gradlab.monitor.sampling import WARM_UP, Costs, Schedule
from watched_runs import batches, loss_of, network


def sampled(losses, *, budget=0.02, every=None, own=1e9, spoil=None):
    """Record these losses with a monitor that has spent `own` seconds; return the steps it sampled."""
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    monitor = GradMonitor(model, optimizer, budget=budget, every=every)
    for step, (loss, (x, y)) in enumerate(zip(losses, batches(len(losses)), strict=True)):
        optimizer.zero_grad()
        loss_of(model, x, y).backward()
        if spoil is not None and step >= spoil:
            model[0].bias.grad[2] = math.nan
        monitor._run.costs.own = own
        monitor.record(loss)
        if spoil is None:
            optimizer.step()
    return monitor.history()


def test_first_steps_are_sampled_whatever_they_cost():
    assert sampled([1.0] * 40)["step"].tolist() == list(range(WARM_UP))


def test_all_steps_are_sampled_while_they_cost_less_than_the_budget():
    assert sampled([1.0] * 40, own=-1e9)["step"].tolist() == list(range(40))


@pytest.mark.parametrize(("every", "steps"), [(1, range(40)), (7, [*range(20), 21, 28, 35]), (50, range(20))])
@pytest.mark.parametrize("own", [-1e9, 1e9])
def test_given_interval_replaces_the_clock(every, steps, own):
    assert sampled([1.0] * 40, every=every, own=own)["step"].tolist() == list(steps)


@pytest.mark.parametrize("unit", [0.01, 1.0, 100.0])
@pytest.mark.parametrize("loss", [30.0, math.inf, math.nan])
def test_jump_of_the_loss_is_sampled_in_any_unit(unit, loss):
    noise = 1 + 0.1 * np.random.default_rng(0).standard_normal(40)
    noise[33] = loss
    assert sampled((unit * noise).tolist())["step"].tolist() == [*range(20), 33]


def test_noise_is_no_jump():
    losses = np.random.default_rng(0).lognormal(size=400)
    assert len(sampled(losses.tolist())["step"]) <= WARM_UP + 8


@pytest.mark.filterwarnings("ignore:GradMonitor. step")  # no step is taken here
def test_first_gradient_that_is_not_finite_is_sampled_at_its_step():
    history = sampled([1.0] * 40, spoil=31)
    assert history["step"].tolist() == [*range(20), 31]
    assert np.isinf(history["grad"][-1]).tolist() == [False, True, False, False, False, False]


class Clock:
    """Stands for `time`; it goes on only when told to."""

    def __init__(self):
        self.now = 100.0

    def perf_counter(self):
        """Tell the time."""
        return self.now


@pytest.fixture
def clock(monkeypatch):
    monkeypatch.setattr(sampling, "time", clock := Clock())
    return clock


@pytest.mark.parametrize("budget", [0.02, 0.1, 1.0])
def test_samples_take_the_budget_s_share_of_the_time(budget, clock):
    schedule, costs, samples = Schedule(budget, None, shared=False), Costs(), []
    costs.start()
    for step in range(20_000):
        clock.now += 1.0  # of training
        if schedule.is_due(step, costs):
            samples.append(step)
            with costs:
                clock.now += 0.5
    share = len(samples) * 0.5 / (clock.now - 100)
    assert share == pytest.approx(min(budget, 1 / 3), rel=0.01)  # sampling every step is a third
    assert max(np.diff(samples)) <= 20 + 0.5 * 20 / budget  # after the warm-up is paid for, evenly


def test_however_little_a_budget_allows_every_fiftieth_step_is_sampled(clock):
    schedule, costs = Schedule(1e-9, None, shared=False), Costs()
    costs.start()
    with costs:
        clock.now += 1
    assert [step for step in range(20, 201) if schedule.is_due(step, costs)] == [50, 100, 150, 200]


def test_costs_are_own_time_without_waiting_and_stand_still_after_the_end(clock):
    costs = Costs()
    assert costs.elapsed == 0
    costs.start()
    with costs:
        clock.now += 5
        costs.waited(3)
    clock.now += 10
    assert (costs.own, costs.elapsed) == (2, 15)
    costs.stop()
    clock.now += 10
    costs.stop()
    assert costs.elapsed == costs.at_rest().elapsed == 15


class Event:
    """Stands for a CUDA event of a device that takes three milliseconds from one to the next."""

    made = 0

    def __init__(self, **_):
        Event.made += 1
        self.at, self.done = 3.0 * Event.made, False

    def record(self):
        """Enter the queue."""

    def query(self):
        """Tell whether the device has come here."""
        return self.done

    def elapsed_time(self, other):
        """Tell the milliseconds between two events."""
        return other.at - self.at


def test_time_of_the_device_counts_once_it_is_known(monkeypatch):
    monkeypatch.setattr(torch.cuda, "Event", Event)
    monkeypatch.setattr(torch.cuda, "device", lambda device: pytest.MonkeyPatch.context())
    costs = Costs()
    with costs.on(torch.device("cuda")):
        pass
    costs.waited(0.0)
    assert costs.own == 0
    costs._timed[0][1].done = True
    costs.waited(0.0)
    costs.waited(0.0)
    assert costs.own == pytest.approx(0.003)


def test_processes_that_share_parameters_sample_by_number_alone():
    schedule, costs = Schedule(0.02, None, shared=True), Costs()
    for own in (-1e9, 1e9):
        costs.own = own
        assert [step for step in range(50) if schedule.is_due(step, costs)] == [*range(20), 20, 30, 40]
    assert not any(schedule.is_alarmed(loss, 1.0) for loss in [1.0] * 9 + [1e9, math.nan])
