"""Causes that lie in how the optimizer steps: suspected where the arithmetic of the step says so, and not elsewhere."""

import dataclasses

import numpy as np
import pytest
import torch

from gradlab.monitor.causes import causes_of, explain
from gradlab.monitor.rate_causes import rate_too_large, strong_decay
from gradlab.monitor.readings import Method, method_of
from gradlab.monitor.rules import events
from gradlab.monitor.signs import signs_of
from readings_by_hand import adding_up, bursts_at, by, quiet


@pytest.mark.parametrize(
    "method",
    [
        Method(decay=(19.0,)),  # 1.9: each step overshoots, and comes nearer
        Method(momentum=0.9, decay=(37.0,)),  # heavy-ball descent on a quadratic is stable up to 2 (1 + m) / rate
        Method("Adam", adaptive=True, decay=(500.0,)),  # divided away with the rest of the gradient
        Method("AdamW", adaptive=True, decay=(9.0,), decoupled=True),
    ],
)
def test_decay_that_a_step_can_bear_is_not_suspected(method):
    readings = by(method, bursts_at(3, quiet()))
    assert "decay" not in {cause.name for cause in causes_of(readings, events(readings))}


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("share", [0.95, 1.05])
def test_limit_of_coupled_decay_is_that_at_which_torch_diverges(momentum, share):
    weight = torch.nn.Parameter(torch.ones(3, dtype=torch.float64))
    decay = share * 2 * (1 + momentum) / 0.1
    optimizer = torch.optim.SGD([weight], lr=0.1, momentum=momentum, weight_decay=decay)
    readings = by(method_of(optimizer), bursts_at(3, quiet()))
    for _ in range(2000):
        weight.grad = torch.zeros_like(weight)
        optimizer.step()
    diverged = not weight.norm() < 1
    assert diverged == (strong_decay(readings, signs_of(readings, 3)) is not None) == (share > 1)


@pytest.mark.parametrize(
    ("make", "method"),
    [
        (lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.95, weight_decay=0.5), Method("SGD", False, 0.95, (0.5,))),
        (lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, dampening=1.0), Method("SGD", False, 0.0, (0.0,))),
        (lambda p: torch.optim.Adam(p, weight_decay=0.5), Method("Adam", True, 0.0, (0.5,))),
        (lambda p: torch.optim.AdamW(p, weight_decay=0.5), Method("AdamW", True, 0.0, (0.5,), True)),
        (lambda p: torch.optim.RMSprop(p, momentum=0.9), Method("RMSprop", True, 0.0, (0.0,))),
        (lambda p: torch.optim.Rprop(p), Method("Rprop", True, 0.0, (0.0,))),
    ],
)
def test_how_an_optimizer_steps_is_read_off_its_groups(make, method):
    assert method_of(make([torch.nn.Parameter(torch.ones(3))])) == method


def test_rate_advice_brings_the_first_update_down_to_a_tenth_of_the_weights():
    for first, words in ((0.4, "by 10"), (5.0, "by 100"), (80.0, "by 1000")):
        signs = dataclasses.replace(signs_of(bursts_at(0, quiet()), 0), first_update=first)
        assert rate_too_large(Method(), signs).advice[0].endswith(words)


def test_advice_for_adam_is_not_about_the_size_of_the_loss():
    for readings in (bursts_at(0, quiet()), bursts_at(30, quiet())):
        with_adam = by(Method("Adam", adaptive=True), readings)
        likely, _, advice, _ = explain(with_adam, events(with_adam))
        assert "targets" not in " ".join([*likely, *advice])
        assert advice != explain(readings, events(readings))[2]


def test_gradients_that_grew_while_the_run_learned_were_set_to_zero():
    falling = dataclasses.replace(adding_up(), loss=np.linspace(2.3, 1.0, 60))
    events_of_another = events(adding_up())
    assert "accumulation" not in {cause.name for cause in causes_of(falling, events_of_another)}
