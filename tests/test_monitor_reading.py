"""The monitor's norms are those that float64 arithmetic finds in copies taken at the same places of the loop."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from gradlab.monitor import GradMonitor
from watched_runs import Truth, batches, loss_of, network, norm

FLOAT32 = 1e-5  # relative; sums of float32 squares


def sgd(model, **settings):
    return torch.optim.SGD(model.parameters(), **{"lr": 0.1, "momentum": 0.9} | settings)


OPTIMIZERS = {
    "SGD": sgd,
    "SGD, fused": lambda model: sgd(model, fused=True),
    "SGD, foreach": lambda model: sgd(model, foreach=True),
    "Adam": lambda model: torch.optim.Adam(model.parameters(), lr=0.01),
    "AdamW, fused": lambda model: torch.optim.AdamW(model.parameters(), lr=0.01, fused=True),
    "Adam, lr in a tensor": lambda model: torch.optim.Adam(model.parameters(), lr=torch.tensor(0.01)),
    "RMSprop": lambda model: torch.optim.RMSprop(model.parameters(), lr=0.01),
    "Adafactor": lambda model: torch.optim.Adafactor(model.parameters()),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("clip", ["no", "before record", "after record", "with clip_"])
def test_norms_match_float64_arithmetic_on_copies(name, clip, recwarn):
    model = network()
    optimizer, truth = OPTIMIZERS[name](model), Truth(model)
    with GradMonitor(model, optimizer, every=1) as monitor:
        for x, y in batches(5):
            optimizer.zero_grad()
            loss = loss_of(model, x, y)
            loss.backward()
            if clip == "before record":
                nn.utils.clip_grad_norm_(model.parameters(), 0.1)
            monitor.record(loss)
            truth.before()
            if clip == "after record":
                nn.utils.clip_grad_norm_(model.parameters(), 0.1)
            if clip == "with clip_":
                monitor.clip_(0.1)
            optimizer.step()
            truth.after()
    truth.check(monitor.history(), FLOAT32)
    assert not recwarn.list


@pytest.mark.parametrize("set_to_none", [True, False])
def test_accumulated_gradient_is_read_once_and_whole(set_to_none):
    model = network()
    optimizer, truth = sgd(model), Truth(model)
    monitor = GradMonitor(model, optimizer, every=1)
    for x, y in batches(3, size=12):
        optimizer.zero_grad(set_to_none=set_to_none)
        for part, target in zip(x.split(4), y.split(4), strict=True):
            loss = loss_of(model, part, target) / 3
            loss.backward()
        monitor.record(loss)
        truth.before()
        optimizer.step()
        truth.after()
    truth.check(monitor.history(), FLOAT32)
    assert monitor.history()["step"].tolist() == [0, 1, 2]
    whole = torch.autograd.grad(loss_of(fresh := network(), *next(batches(1, size=12))), list(fresh.parameters()))
    np.testing.assert_allclose(monitor.history()["grad"][0], [norm(g) for g in whole], rtol=1e-4)


class Patchwork(nn.Module):
    """Shared, frozen, unused, empty, complex, sparse and zero parameters side by side."""

    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(7, 4, sparse=True)
        self.first = nn.Linear(4, 4)
        self.again = self.first
        self.frozen = nn.Linear(4, 4).requires_grad_(False)
        self.unused = nn.Linear(4, 4)
        self.empty = nn.Parameter(torch.empty(0, 3))
        self.wave = nn.Parameter(torch.randn(4, dtype=torch.complex64))
        self.scalar = nn.Parameter(torch.tensor(0.0))
        self.counts = nn.Parameter(torch.arange(3), requires_grad=False)

    def forward(self, indices):
        """Use each of them once."""
        hidden = self.again(self.frozen(self.first(self.words(indices))))
        return (hidden * self.wave).abs().sum() * (1 + self.scalar) + self.empty.sum()


def test_patchwork_of_parameters_is_read_each_as_it_is():
    torch.manual_seed(0)
    model = Patchwork()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    monitor = GradMonitor(model, optimizer, every=1)
    for indices in (torch.tensor([1, 2, 2, 2]), torch.tensor([0, 0, 5, 6])):
        optimizer.zero_grad()
        loss = model(indices)
        loss.backward()
        grads = {name: norm(p.grad) for name, p in model.named_parameters()}
        weights = {name: norm(p) for name, p in model.named_parameters() if p.is_floating_point() or p.is_complex()}
        monitor.record(loss)
        optimizer.step()
        history = monitor.history()
        names = history["names"].tolist()
        assert names == list(weights)  # the shared layer once; integers have no norm to watch
        np.testing.assert_allclose(history["grad"][-1], [grads[name] for name in names], rtol=FLOAT32)
        has_gradient = ~np.isnan(history["grad"][-1])
        assert sorted(np.array(names)[~has_gradient]) == [
            "frozen.bias",
            "frozen.weight",
            "unused.bias",
            "unused.weight",
        ]
        expected = np.where(has_gradient, [weights[name] for name in names], np.nan)
        np.testing.assert_allclose(history["weight"][-1], expected, rtol=FLOAT32)
        np.testing.assert_allclose(history["update"][-1], 0.01 * history["grad"][-1], rtol=1e-3)
    assert history["shapes"][names.index("empty")] == (0, 3)
    np.testing.assert_allclose(
        history["initial"][names.index("frozen.weight")], norm(model.frozen.weight), rtol=FLOAT32
    )


def test_gradient_whose_float32_norm_overflows_is_finite_and_right():
    model = nn.Linear(3, 1, bias=False)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    monitor = GradMonitor(model, optimizer, every=1)
    for size in (1.0, 1e30):
        optimizer.zero_grad()
        loss = (model(torch.ones(1, 3)) * size).sum()
        loss.backward()
        monitor.record(loss)
        optimizer.step()
    assert torch.linalg.vector_norm(model.weight.grad).isinf()
    np.testing.assert_allclose(monitor.history()["grad"][:, 0], [math.sqrt(3), math.sqrt(3) * 1e30], rtol=FLOAT32)


def test_weights_and_updates_are_infinite_only_where_an_entry_is():
    model = nn.Linear(2, 1, bias=False)
    nn.init.constant_(model.weight, 1e25)
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    monitor = GradMonitor(model, optimizer, every=1)
    for gradient in (1e25, math.inf):
        model.weight.grad = torch.full((1, 2), gradient)
        monitor.record(1.0)
        optimizer.step()
    history = monitor.history()
    np.testing.assert_allclose(history["weight"][0], math.sqrt(2) * 1e25, rtol=FLOAT32)
    np.testing.assert_allclose(history["update"][0], math.sqrt(2) * 1e25, rtol=FLOAT32)
    assert history["grad"][1] == history["update"][1] == math.inf


def test_loss_is_kept_as_it_was_given():
    model = network()
    optimizer = sgd(model)
    monitor = GradMonitor(model, optimizer)
    given = [0.5, torch.tensor(0.25), torch.tensor([[2]]), math.nan, -math.inf, np.float32(3), torch.tensor(2.0).half()]
    for loss in given:
        loss_of(model, *next(batches(1))).backward()
        monitor.record(loss)
        optimizer.step()
    np.testing.assert_array_equal(monitor.history()["loss"], [0.5, 0.25, 2, math.nan, -math.inf, 3, 2])


def test_rates_thresholds_and_groups_follow_the_run():
    model = network()
    optimizer = torch.optim.SGD(
        [{"params": model[0].parameters()}, {"params": model[2].parameters(), "lr": 1e-3}], lr=0.5
    )
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
    monitor = GradMonitor(model, optimizer, every=1)
    for step, (x, y) in enumerate(batches(4)):
        if step == 2:
            optimizer.add_param_group({"params": model[4].parameters(), "lr": 7.0})
        optimizer.zero_grad()
        loss = loss_of(model, x, y)
        loss.backward()
        monitor.record(loss)
        if step % 2:
            monitor.clip_(step)
        optimizer.step()
        schedule.step() if step < 2 else None
    history = monitor.history()
    third = [math.nan, math.nan, 7.0, 7.0]
    np.testing.assert_allclose(history["rate"].T, [[0.5, 0.25, 0.125, 0.125], [1e-3, 5e-4, 2.5e-4, 2.5e-4], third])
    np.testing.assert_allclose(history["max_norm"], [math.nan, 1, math.nan, 3])
    last = [name.startswith("4.") for name in history["names"]]
    assert np.isnan(history["update"][:2, last]).all()
    assert np.isfinite(history["update"][2:, last]).all()


def test_optimizer_of_two_models_is_watched_for_one():
    ours, other = network(0), network(1)
    optimizer = torch.optim.SGD([*ours.parameters(), *other.parameters()], lr=0.1)
    truth = Truth(ours)
    with GradMonitor(ours, optimizer, every=1) as monitor, GradMonitor(other, optimizer, every=1) as second:
        for x, y in batches(3):
            optimizer.zero_grad()
            loss = loss_of(ours, x, y) + loss_of(other, x, y)
            loss.backward()
            monitor.record(loss)
            second.record(loss)
            truth.before()
            optimizer.step()
            truth.after()
    truth.check(monitor.history(), FLOAT32)
    assert not np.allclose(monitor.history()["grad"], second.history()["grad"])


def test_gradients_that_the_optimizer_does_not_hold_are_left_out():
    model = network()
    optimizer = torch.optim.SGD(model[0].parameters(), lr=0.1)  # the others' gradients pile up
    monitor = GradMonitor(model, optimizer, every=1)
    for x, y in batches(3):
        optimizer.zero_grad()
        loss = loss_of(model, x, y)
        loss.backward()
        monitor.record(loss)
        optimizer.step()
    assert np.isnan(monitor.history()["grad"][:, 2:]).all()
    assert np.isfinite(monitor.history()["grad"][:, :2]).all()


def test_model_moved_to_another_format_is_read_in_it():
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    truth, monitor = Truth(model), GradMonitor(model, optimizer, every=1)
    for dtype in (torch.float32, torch.float64, torch.float64):
        model.to(dtype)
        optimizer.zero_grad()
        loss = loss_of(model, *next(batches(1, dtype=dtype)))
        loss.backward()
        monitor.record(loss)
        truth.before()
        optimizer.step()
        truth.after()
    truth.check(monitor.history(), FLOAT32)
    for name in ("weight", "update"):
        np.testing.assert_allclose(monitor.history()[name][1:], getattr(truth, name)[1:], rtol=1e-12)


@pytest.mark.parametrize("compiled", ["before", "after"])
def test_compiled_model_is_read_like_the_plain_one(compiled):
    torch.compiler.reset()
    histories = []
    for compile in (lambda model: model, lambda model: torch.compile(model, backend="aot_eager")):
        model = network()
        wrapped = compile(model) if compiled == "before" else model
        optimizer = torch.optim.SGD(wrapped.parameters(), lr=0.1)
        monitor = GradMonitor(wrapped, optimizer, every=1)
        wrapped = compile(model) if compiled == "after" else wrapped
        for x, y in batches(3):
            optimizer.zero_grad()
            loss = loss_of(wrapped, x, y)
            loss.backward()
            monitor.record(loss)
            optimizer.step()
        histories.append(monitor.history())
    for name in ("loss", "grad", "weight", "update"):
        np.testing.assert_allclose(histories[0][name], histories[1][name], rtol=1e-5, err_msg=name)


def test_closure_that_records_within_the_step_is_read_like_a_plain_loop():
    model = network()
    optimizer, truth = sgd(model), Truth(model)
    monitor = GradMonitor(model, optimizer, every=1)
    for x, y in batches(4):

        def closure(x=x, y=y):
            optimizer.zero_grad()
            loss = loss_of(model, x, y)
            loss.backward()
            monitor.record(loss)
            truth.before()
            return loss

        optimizer.step(closure)
        truth.after()
    truth.check(monitor.history(), FLOAT32)
    assert monitor.history()["applied"].all()
