"""Training many networks at once against ordinary loops over one network, closed forms and known outcomes."""

import copy
import itertools
import math
from functools import partial
from itertools import chain

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from gradlab import tasks
from gradlab.networks import deep_network
from gradlab.recurrent import RecurrentNetwork
from gradlab.training import train

SEEDS = range(1000, 1003)
EXAMPLES = 20
OPTIMIZERS = {
    "sgd": torch.optim.SGD,
    "momentum": partial(torch.optim.SGD, momentum=0.9),
    "adam": torch.optim.Adam,
    "adamw": partial(torch.optim.AdamW, weight_decay=0.1),
}


def normal(*shape, seed=1000):
    generator = torch.Generator().manual_seed(seed + 10**6)  # the weights of the same seed come from another stream
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def task_of(kind, seed=1000):
    """Return a task of random numbers, float64."""
    x, x_test = normal(EXAMPLES, 3, seed=seed), normal(8, 3, seed=seed + 1)
    if kind == "numbers":
        return tasks.Task(x, normal(EXAMPLES, 1, seed=seed + 2), x_test, normal(8, 1, seed=seed + 3))
    return tasks.Task(x, torch.arange(EXAMPLES) % 4, x_test, torch.arange(8) % 4)


def nets(count, outputs, *, gain=1.0, seed=1000, **options):
    options = {"activation": "tanh", "bias": True, "dtype": torch.float64} | options
    return [deep_network(3, 6, inputs=3, outputs=outputs, gain=gain, seed=seed + i, **options) for i in range(count)]


def batches(count, steps, batch, seed, examples=EXAMPLES):
    """Return the rows of each network's batches, read from losses that are sums of powers of two."""
    powers = 2.0 ** torch.arange(examples, dtype=torch.float64)[:, None]
    task = tasks.Task(torch.zeros(examples, 1, dtype=torch.float64), powers, torch.zeros(2, 1).double(), powers[:2])
    idle = [nn.Linear(1, 1, dtype=torch.float64) for _ in range(count)]
    sums = partial(train, idle, task, rate=0.1, loss=lambda output, y: (y + 0 * output).sum())
    codes = sums(steps=steps, batch=batch, seed=seed).losses
    return [[[i for i in range(examples) if int(code) >> i & 1] for code in row] for row in codes]


def alone(network, task, rows, *, rate, optimizer, max_norm, loss):
    """Train one network as everybody does, and return its losses, gradient norms, score and itself."""
    network = copy.deepcopy(network)
    stepper, losses, norms = optimizer(network.parameters(), lr=rate), [], []
    for batch in rows:
        stepper.zero_grad()
        value = loss(network(task.x[batch]), task.y[batch])
        value.backward()
        norms.append(nn.utils.get_total_norm([parameter.grad for parameter in network.parameters()]).item())
        if max_norm is not None:
            nn.utils.clip_grad_norm_(network.parameters(), max_norm)
        stepper.step()
        losses.append(value.item())
    return losses, norms, task.score(network(task.x_test)), network


@pytest.mark.parametrize("kind", ["classes", "numbers"])
@pytest.mark.parametrize("batch", [None, 7])
@pytest.mark.parametrize("max_norm", [None, 0.7])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_networks_trained_at_once_do_what_each_does_in_a_loop_of_its_own(optimizer, max_norm, batch, kind):
    task = task_of(kind)
    networks = nets(3, task.outputs)
    options = {"rate": 0.1, "max_norm": max_norm, "optimizer": OPTIMIZERS[optimizer]}
    history = train(networks, task, steps=12, batch=batch, seed=1000, **options)
    loss = functional.mse_loss if kind == "numbers" else functional.cross_entropy
    for i, rows in enumerate(batches(3, 12, batch, 1000)):
        losses, norms, score, single = alone(networks[i], task, rows, loss=loss, **options)
        # rounding differs between batched and single products and grows with the steps
        np.testing.assert_allclose(history.losses[i], losses, rtol=1e-8)
        np.testing.assert_allclose(history.norms[i], norms, rtol=1e-8)
        assert history.scores[i] == pytest.approx(score, rel=1e-8)
        for trained, expected in zip(history.networks[i].parameters(), single.parameters(), strict=True):
            torch.testing.assert_close(trained, expected, rtol=1e-7, atol=1e-9)
    if max_norm is not None:
        assert (history.norms > max_norm).any()  # recorded before clipping


def test_recurrent_networks_are_trained_as_in_a_loop_of_their_own():
    task = tasks.temporal_order(10, samples=EXAMPLES, seed=1000)
    task = tasks.Task(task.x.double(), task.y, task.x_test.double(), task.y_test)
    networks = [RecurrentNetwork(6, 5, 4, gain=1.5, dtype=torch.float64, seed=seed) for seed in SEEDS]
    options = {"rate": 0.2, "max_norm": 0.5, "optimizer": torch.optim.SGD}
    history = train(networks, task, steps=8, batch=6, seed=1000, **options)
    for i, rows in enumerate(batches(3, 8, 6, 1000)):
        losses, norms, score, _ = alone(networks[i], task, rows, loss=functional.cross_entropy, **options)
        np.testing.assert_allclose(history.losses[i], losses, rtol=1e-8)
        np.testing.assert_allclose(history.norms[i], norms, rtol=1e-8)
        assert history.scores[i] == pytest.approx(score)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("batch", "sizes"), [(7, [7, 7, 6]), (10, [10, 10]), (1, [1] * 20), (20, [20]), (None, [20])])
def test_every_example_comes_once_in_an_epoch_and_the_last_batch_is_smaller(batch, sizes, seed):
    for rows in batches(3, 3 * len(sizes), batch, seed):
        assert [len(part) for part in rows] == sizes * 3
        for epoch in range(3):
            parts = rows[epoch * len(sizes) : (epoch + 1) * len(sizes)]
            assert sorted(chain.from_iterable(parts)) == list(range(EXAMPLES))


def test_batch_larger_than_the_task_takes_all_examples():
    assert batches(2, 2, 50, 1000) == batches(2, 2, None, 1000) == [[list(range(EXAMPLES))] * 2] * 2


def test_order_differs_between_epochs_networks_and_seeds_and_repeats_with_the_seed():
    first = batches(3, 6, 7, 1000)
    assert first == batches(3, 6, 7, 1000)
    assert first != batches(3, 6, 7, 1001)
    starts = [rows[epoch] for rows in first for epoch in (0, 3)]
    assert all(a != b for i, a in enumerate(starts) for b in starts[:i])


def test_every_example_is_equally_likely_in_the_first_batch():
    counts = np.zeros(EXAMPLES)
    for rows in batches(3000, 1, 5, 1000):
        counts[rows[0]] += 1
    # five standard errors of a share of 1/4 in 3000 networks
    np.testing.assert_allclose(counts / 3000, [1 / 4] * EXAMPLES, atol=5 * math.sqrt(3 / 16 / 3000))


@pytest.mark.parametrize("batch", [None, 7])
def test_training_repeats_bit_by_bit_with_its_seed(batch):
    task, networks = task_of("classes"), nets(2, 4)
    first, again, other = (train(networks, task, rate=0.1, steps=5, batch=batch, seed=s) for s in (1000, 1000, 1001))
    np.testing.assert_array_equal(first.losses, again.losses)
    np.testing.assert_array_equal(first.norms, again.norms)
    np.testing.assert_array_equal(first.scores, again.scores)
    if batch:
        assert (first.losses != other.losses).any()


def test_order_of_the_examples_has_seed_0_unless_told():
    task, networks = task_of("classes"), nets(2, 4)
    unsaid, said = (train(networks, task, rate=0.1, steps=5, batch=7, **seed) for seed in ({}, {"seed": 0}))
    np.testing.assert_array_equal(unsaid.losses, said.losses)


def test_training_neither_uses_nor_moves_the_global_generator():
    before = torch.get_rng_state()
    train(nets(2, 4), task_of("classes"), rate=0.1, steps=3, batch=7)
    assert torch.equal(torch.get_rng_state(), before)


def test_networks_are_left_as_they_are():
    networks = nets(2, 4)
    before = [copy.deepcopy(network.state_dict()) for network in networks]
    history = train(networks, task_of("classes"), rate=0.5, steps=3)
    assert (np.diff(history.losses, axis=1) != 0).all()
    for network, state in zip(networks, before, strict=True):
        assert all(torch.equal(network.state_dict()[name], state[name]) for name in state)
        assert all(p.grad is None and p.requires_grad and p.device.type == "cpu" for p in network.parameters())


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("max_norm", [None, 1.0])
@pytest.mark.parametrize("weight", [1e200, math.nan])
def test_network_that_dies_does_not_touch_its_neighbours(weight, max_norm):
    task = task_of("classes")
    healthy, sick = nets(3, 4, activation="relu"), nets(3, 4, activation="relu")
    with torch.no_grad():
        for parameter in sick[1].parameters():
            parameter.fill_(weight)
    with_it, without = (
        train(networks, task, rate=0.1, steps=6, batch=7, max_norm=max_norm) for networks in (sick, healthy)
    )
    np.testing.assert_array_equal(with_it.died, [False, True, False])
    np.testing.assert_array_equal(without.died, [False] * 3)
    for name in ("losses", "norms", "scores"):
        np.testing.assert_array_equal(getattr(with_it, name)[::2], getattr(without, name)[::2])
    assert math.isnan(with_it.scores[1])
    assert not np.isfinite(with_it.losses[1]).any()
    assert not np.isfinite(with_it.norms[1]).any()
    assert with_it.losses.shape == with_it.norms.shape == (3, 6)


@pytest.mark.parametrize("max_norm", [None, 1.0])
def test_gradient_norm_that_overflows_float32_does_to_training_what_it_does_in_torch(max_norm):
    x = torch.tensor([[1.0, 2.0]])
    task = tasks.Task(x, torch.ones(1, 1), x, torch.ones(1, 1))
    network, loss = nn.Linear(2, 1, bias=False), lambda output, y: 1e20 * output.sum()
    history = train([network], task, rate=0.1, steps=2, max_norm=max_norm, loss=loss)
    options = {"rate": 0.1, "max_norm": max_norm, "optimizer": torch.optim.SGD, "loss": loss}
    losses, norms, *_ = alone(network, task, [[0]] * 2, **options)
    np.testing.assert_array_equal(history.norms, [[math.inf] * 2])
    np.testing.assert_array_equal(norms, history.norms[0])
    np.testing.assert_allclose(history.losses[0], losses, rtol=1e-6)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("at", [0, 2, None])
def test_network_died_if_a_loss_or_an_output_was_not_finite(bad, at):
    steps = itertools.count()

    def loss(output, y):
        return functional.cross_entropy(output, y) * (bad if at is not None and next(steps) == at else 1.0)

    task = task_of("classes")
    history = train(nets(2, 4), task, rate=1e-3, steps=4, loss=loss)
    np.testing.assert_array_equal(history.died, [at is not None] * 2)
    np.testing.assert_array_equal(np.isnan(history.scores), history.died)
    ended = train(nets(2, 4, activation="linear"), task, rate=1e308, steps=1)
    assert ended.died.all()


@pytest.mark.parametrize(("rate", "end"), [(0.019, 2.656e-5), (0.02, 1.0), (0.021, 13_780.6), (0.03, 1.2677e30)])
def test_descent_on_a_parabola_matches_facts_10a(rate, end):
    # one example with x**2 = 50 and y = 0: the squared error is 50 w**2, its derivative 100 w
    x = torch.tensor([[math.sqrt(50)]], dtype=torch.float64)
    network = nn.Linear(1, 1, bias=False, dtype=torch.float64)
    nn.init.ones_(network.weight)
    history = train([network], tasks.Task(x, 0 * x, x, x), rate=rate, steps=101)
    w = (1 - 100 * rate) ** np.arange(101)
    np.testing.assert_allclose(history.losses[0], 50 * w**2, rtol=1e-9)
    np.testing.assert_allclose(history.norms[0], np.abs(100 * w), rtol=1e-9)
    assert math.sqrt(history.losses[0, 100] / 50) == pytest.approx(end, rel=1e-4)  # the digits printed there


def test_clipped_descent_on_a_parabola_matches_facts_6k():
    # 50 w**2 from w = 10 with rate .1: three steps of length .1, and the norm is 100 w before clipping
    x = torch.tensor([[math.sqrt(50)]], dtype=torch.float64)
    network = nn.Linear(1, 1, bias=False, dtype=torch.float64)
    nn.init.constant_(network.weight, 10.0)
    history = train([network], tasks.Task(x, 0 * x, x, x), rate=0.1, steps=4, max_norm=1.0)
    np.testing.assert_allclose(history.norms[0], [1000, 990, 980, 970], rtol=1e-6)


def test_loss_of_the_caller_is_used_instead_of_the_task_s():
    task, networks = task_of("numbers"), nets(2, 1)
    history = train(networks, task, rate=0.1, steps=1, loss=functional.l1_loss)
    expected = [functional.l1_loss(network(task.x), task.y).item() for network in networks]
    np.testing.assert_allclose(history.losses[:, 0], expected, rtol=1e-12)


def test_history_is_float64_with_a_row_for_every_network():
    history = train(nets(3, 4, dtype=torch.float32), task_in_float32(), rate=0.1, steps=5)
    assert history.losses.shape == history.norms.shape == (3, 5)
    assert history.scores.shape == (3,)
    assert history.losses.dtype == history.norms.dtype == history.scores.dtype == np.float64


def task_in_float32():
    task = task_of("classes")
    return tasks.Task(task.x.float(), task.y, task.x_test.float(), task.y_test)


# facts 3 and 6: digits, 10 ReLU layers of 64, ten epochs of 22 batches


def digits_after_training(**options):
    settings = {"rate": 0.05} | options
    build = {"init": settings.pop("init"), "gain": settings.pop("gain", 1.0), "bias": True}
    networks = [deep_network(10, 64, inputs=64, outputs=10, **build, seed=seed) for seed in SEEDS]
    return train(networks, tasks.digits(seed=1000), steps=220, batch=64, seed=1000, **settings)


def test_default_initialisation_never_leaves_chance_as_in_facts_3():
    history = digits_after_training(init="default")
    assert (history.scores < 0.2).all()
    assert not history.died.any()


@pytest.mark.parametrize(("init", "gain"), [("standard", 1.0), ("he", 1.5)])
def test_too_large_weights_end_in_nan_as_in_facts_3(init, gain):
    history = digits_after_training(init=init, gain=gain)
    assert history.died.all()
    assert np.isnan(history.scores).all()


def test_clipping_saves_he_times_1_5_and_lets_he_learn_at_a_rate_of_a_half_as_in_facts_6():
    assert (digits_after_training(init="he", gain=1.5, max_norm=5.0).scores > 0.6).all()  # 0.70 to 0.75
    assert (digits_after_training(init="he", rate=0.5, max_norm=1.0).scores > 0.8).all()


def test_clipping_lets_a_recurrent_network_learn_temporal_order_as_in_facts_4():
    networks = [RecurrentNetwork(6, 32, 4, seed=seed) for seed in SEEDS]
    task = tasks.temporal_order(20, samples=32 * 400, seed=1000)
    free, clipped = (
        train(networks, task, rate=0.3, steps=400, batch=32, max_norm=limit, seed=1000).scores for limit in (None, 1.0)
    )
    assert (free < 0.75).all()
    assert (clipped > 0.9).all()
