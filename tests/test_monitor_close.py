"""When the monitor closes it reads the weights once more: what the last steps did is seen even if none was sampled."""

import numpy as np
import pytest
import torch

from gradlab.monitor import GradMonitor
from watched_runs import network, norm, sgd, train


@pytest.mark.parametrize("steps", [1, 30])
@pytest.mark.parametrize("every", [1, 7])
def test_final_norms_are_those_of_the_weights_that_training_left(steps, every):
    model = network()
    with GradMonitor(model, optimizer := sgd(model), every=every) as monitor:
        train(model, optimizer, steps, watch=monitor.record)
        assert np.isnan(monitor.history()["final"]).all()
    expected = [norm(parameter) for parameter in model.parameters()]
    np.testing.assert_allclose(monitor.history()["final"], expected, rtol=1e-5)


def test_a_monitor_that_recorded_nothing_reads_nothing():
    model = network()
    with GradMonitor(model, sgd(model)) as monitor:
        pass
    assert np.isnan(monitor.history()["final"]).all()
    assert monitor.diagnose().verdict == "NOT EXPLODING"


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_weights_that_the_last_step_broke_are_exploding(value):
    model = network()
    with GradMonitor(model, optimizer := sgd(model), every=50) as monitor:
        train(model, optimizer, 40, watch=monitor.record)
        with torch.no_grad():
            model[2].weight[0, 0] = value  # as a step would that nobody sampled
        assert monitor.diagnose().verdict == "NOT EXPLODING"
    (event,) = monitor.diagnose().events
    assert (event.level, event.step) == ("EXPLODING", 39)
    assert "not finite" in event.text


def test_processes_that_train_together_need_not_close_together():
    model = network()
    with GradMonitor(model, optimizer := sgd(model)) as monitor:
        monitor._run.schedule.shared = True  # reading sharded weights would wait for the others
        train(model, optimizer, 3, watch=monitor.record)
    assert np.isnan(monitor.history()["final"]).all()
