"""Data sets against scikit-learn's own loaders, and memory tasks against their rules."""

import math
from functools import cache

import numpy as np
import pytest
import torch
from sklearn import datasets, metrics
from torch.nn import functional

from gradlab import tasks

LOADERS = {
    "wine": datasets.load_wine,
    "cancer": datasets.load_breast_cancer,
    "diabetes": lambda: datasets.load_diabetes(scaled=False),
    "digits": datasets.load_digits,
}
SEEDS = [0, 1000]


@cache
def table(name):
    """Return scikit-learn's rows with their targets behind."""
    data = LOADERS[name]()
    return np.column_stack([data.data, data.target])


def both(task):
    """Return the rows of the training and the test part with their targets behind."""
    rows = [(task.x, task.y), (task.x_test, task.y_test)]
    return [np.column_stack([x.flatten(1).double(), y.double().reshape(len(y), -1)]) for x, y in rows]


def in_order(rows):
    return rows[np.lexsort(rows.T)]


def undone(rows, original):
    """Return rows whose columns go from the least to the largest value of the original's."""
    low, high = rows.min(axis=0), rows.max(axis=0)
    least, most = original.min(axis=0), original.max(axis=0)
    return least + (rows - low) * ((most - least) / np.where(high > low, high - low, 1))


def numbers(length, seed=1000):
    return tasks.adding(length, samples=3000, seed=seed)


def order(length, seed=1000):
    return tasks.temporal_order(length, samples=3000, seed=seed)


def load(name, seed, **options):
    return tasks.digits(seed=seed, **options) if name == "digits" else tasks.measurements(name, seed=seed, **options)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", ["wine", "cancer", "diabetes"])
def test_raw_measurements_are_those_of_scikit_learn(name, seed):
    rows = np.concatenate(both(tasks.measurements(name, standardised=False, seed=seed)))
    rows[:, -1] = undone(rows, table(name))[:, -1]  # numbers to predict are standardised in either case
    # float32 holds seven digits
    np.testing.assert_allclose(in_order(rows), in_order(table(name)), rtol=1e-5)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", LOADERS)
def test_standardised_rows_are_those_of_scikit_learn_in_other_units(name, seed):
    rows = undone(np.concatenate(both(load(name, seed))), table(name))
    scale = np.maximum(table(name).max(axis=0), 1e-9)
    distances = torch.cdist(torch.tensor(rows / scale), torch.tensor(table(name) / scale))
    assert distances.amin(dim=1).max() < 1e-5  # float32 holds seven digits
    assert len(distances.argmin(dim=1).unique()) == len(rows) == len(table(name))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", LOADERS)
def test_columns_have_mean_0_and_standard_deviation_1_over_the_training_rows_alone(name, seed):
    task = load(name, seed)
    x, x_test = task.x.double(), task.x_test.double()
    constant = x.std(dim=0) == 0
    assert constant.sum() == (3 if name == "digits" else 0)  # three pixels of the digits are always empty
    # float32 rounding of a thousand numbers
    np.testing.assert_allclose(x.mean(dim=0), np.zeros(x.shape[1]), atol=1e-6)
    np.testing.assert_allclose(x.std(dim=0, correction=0)[~constant], np.ones(int((~constant).sum())), rtol=1e-6)
    assert (x[:, constant] == 0).all()
    assert x_test.mean(dim=0).abs().max() > 1e-3
    assert x_test.isfinite().all()


@pytest.mark.parametrize("standardised", [True, False])
@pytest.mark.parametrize("seed", SEEDS)
def test_numbers_to_predict_have_mean_0_and_standard_deviation_1_over_the_training_rows(seed, standardised):
    task = tasks.measurements("diabetes", standardised=standardised, seed=seed)
    assert task.y.mean().item() == pytest.approx(0, abs=1e-6)
    assert task.y.std(correction=0).item() == pytest.approx(1, rel=1e-6)
    assert abs(task.y_test.mean().item()) > 1e-3


@pytest.mark.parametrize("name", ["wine", "cancer"])
def test_classes_are_not_standardised(name):
    task = tasks.measurements(name)
    assert set(task.y.tolist()) == set(task.y_test.tolist()) == set(range(task.outputs))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("name", "rows", "columns", "outputs"),
    [("wine", 178, 13, 3), ("cancer", 569, 30, 2), ("diabetes", 442, 10, 1), ("digits", 1797, 64, 10)],
)
def test_a_quarter_of_the_rows_is_held_out(name, rows, columns, outputs, seed):
    task = load(name, seed)
    assert task.x_test.shape == (rows // 4, columns)
    assert task.x.shape == (rows - rows // 4, columns)
    assert task.outputs == outputs
    numeric = outputs == 1
    assert task.y.shape == (len(task.x), *[1] * numeric)
    assert task.y_test.shape == (len(task.x_test), *[1] * numeric)
    assert task.x.dtype == task.x_test.dtype == torch.float32
    assert task.y.dtype == task.y_test.dtype == (torch.float32 if numeric else torch.int64)


@pytest.mark.parametrize("name", LOADERS)
def test_rows_are_held_out_by_chance_and_by_seed(name):
    first, again, other = (load(name, seed) for seed in (1000, 1000, 1001))
    assert torch.equal(first.x, again.x)
    assert torch.equal(first.x_test, again.x_test)
    assert torch.equal(first.y, again.y)
    assert not torch.equal(first.y_test, other.y_test)
    assert not torch.equal(first.x_test, other.x_test)


def test_seed_of_the_held_out_rows_is_0_unless_told():
    assert torch.equal(tasks.digits().x_test, tasks.digits(seed=0).x_test)
    assert torch.equal(tasks.measurements("wine").x, tasks.measurements("wine", standardised=True, seed=0).x)


@pytest.mark.parametrize("pixels", [1, 2, 4, 8, 16, 32, 64])
def test_digits_in_time_show_their_pixels_row_by_row(pixels):
    flat, timed = tasks.digits(seed=1000), tasks.digits(pixels_per_step=pixels, seed=1000)
    for plain, sequence in ((flat.x, timed.x), (flat.x_test, timed.x_test)):
        assert sequence.shape == (len(plain), 64 // pixels, pixels)
        for step in range(64 // pixels):
            assert torch.equal(sequence[:, step], plain[:, step * pixels : (step + 1) * pixels])
    assert torch.equal(flat.y, timed.y)


@pytest.mark.parametrize("length", [10, 17, 20, 50])
def test_temporal_order_shows_two_cues_in_their_windows_and_asks_for_their_order(length):
    task = order(length)
    for x, y in ((task.x, task.y), (task.x_test, task.y_test)):
        assert x.shape == (len(y), length, 6)
        assert torch.equal(x, functional.one_hot(x.argmax(dim=2), 6).float())
        symbols = x.argmax(dim=2).numpy()
        sequence, place = np.nonzero(symbols < 2)
        np.testing.assert_array_equal(sequence, np.repeat(np.arange(len(y)), 2))
        first, second = place[::2], place[1::2]
        # with 1000 sequences every place of a window is met
        assert set(first) == set(range(length // 10, length // 5 + 1))
        assert set(second) == set(range(length * 4 // 10, length // 2 + 1))
        rows = np.arange(len(y))
        np.testing.assert_array_equal(y.numpy(), 2 * symbols[rows, first] + symbols[rows, second])


@pytest.mark.parametrize("seed", [1000, 1001])
def test_classes_and_noise_of_temporal_order_are_equally_likely(seed):
    task = order(20, seed)
    # five standard errors of a share of 1/4 in 3000 sequences
    np.testing.assert_allclose(np.bincount(task.y) / 3000, [1 / 4] * 4, atol=5 * math.sqrt(3 / 16 / 3000))
    noise = np.bincount(task.x.argmax(dim=2).flatten())[2:]
    np.testing.assert_allclose(noise / (3000 * 18), [1 / 4] * 4, atol=5 * math.sqrt(3 / 16 / (3000 * 18)))
    guess = torch.eye(4)[torch.zeros(1000, dtype=torch.int64)]
    assert task.score(guess) == pytest.approx(1 / 4, abs=5 * math.sqrt(3 / 16 / 1000))


@pytest.mark.parametrize("length", [2, 3, 5, 50])
def test_adding_marks_a_number_in_each_half_and_asks_for_their_sum(length):
    task = numbers(length)
    for x, y in ((task.x, task.y), (task.x_test, task.y_test)):
        assert x.shape == (len(y), length, 2)
        values, marks = x.double().unbind(dim=2)
        sequence, place = np.nonzero(marks.numpy())
        assert set(marks.flatten().tolist()) <= {0, 1}
        np.testing.assert_array_equal(sequence, np.repeat(np.arange(len(y)), 2))
        assert set(place[::2]) == set(range(length // 2))
        assert set(place[1::2]) == set(range(length // 2, length))
        np.testing.assert_allclose(y[:, 0], values[sequence, place].reshape(-1, 2).sum(dim=1), atol=1e-6)  # float32


@pytest.mark.parametrize("seed", [1000, 1001])
def test_answering_1_in_the_adding_task_has_a_squared_error_of_a_sixth(seed):
    task = numbers(10, seed)
    values = task.x[:, :, 0].double()
    assert 0 <= values.min() < values.max() < 1
    # five standard errors for 30 000 uniform numbers, whose kurtosis is 1.8
    assert values.mean().item() == pytest.approx(1 / 2, abs=5 * math.sqrt(1 / 12 / 30_000))
    assert values.var().item() == pytest.approx(1 / 12, rel=5 * math.sqrt(0.8 / 30_000))
    # (y - 1)**2 has mean 1/6 and variance 7/180 for the sum y of two uniform numbers
    assert task.loss(torch.ones(3000, 1), task.y).item() == pytest.approx(1 / 6, abs=5 * math.sqrt(7 / 180 / 3000))


@pytest.mark.parametrize("make", [tasks.temporal_order, tasks.adding])
def test_memory_tasks_hold_out_1000_other_sequences_and_repeat_with_their_seed(make):
    first, again, other = (make(12, samples=5, seed=seed) for seed in (1000, 1000, 1001))
    assert (len(first.x), len(first.y), len(first.x_test), len(first.y_test)) == (5, 5, 1000, 1000)
    assert torch.equal(first.x, again.x)
    assert torch.equal(first.y_test, again.y_test)
    assert not torch.equal(first.x, other.x)
    seen = {tuple(x.flatten().tolist()) for x in first.x}
    assert not seen & {tuple(x.flatten().tolist()) for x in first.x_test}
    assert first.outputs == (4 if make is tasks.temporal_order else 1)


def small(y, y_test):
    return tasks.Task(torch.zeros(len(y), 2), torch.tensor(y), torch.zeros(len(y_test), 2), torch.tensor(y_test))


@pytest.mark.parametrize("name", ["wine", "digits"])
def test_loss_of_classes_is_the_mean_cross_entropy_on_logits(name):
    task = load(name, 1000)
    logits = torch.randn(len(task.y), task.outputs, generator=torch.Generator().manual_seed(1000))
    p = logits.double().exp()
    expected = -(p / p.sum(dim=1, keepdim=True)).log()[torch.arange(len(task.y)), task.y].mean()
    assert task.loss(logits, task.y).item() == pytest.approx(expected.item(), rel=1e-5)  # float32


def test_loss_of_numbers_is_the_mean_squared_error():
    task = small([[1.0], [2.0], [4.0]], [[0.0]])
    assert task.loss(torch.tensor([[1.0], [0.0], [1.0]]), task.y).item() == pytest.approx(13 / 3)


def test_score_of_classes_is_the_share_of_right_ones():
    task = small([0, 1, 2], [2, 0, 1, 1])
    output = torch.tensor([[0.0, 1.0, 9.0], [5.0, 4.0, 3.0], [-1.0, -3.0, -2.0], [0.0, 1.0, 0.5]])
    assert task.outputs == 3
    assert task.score(output) == 0.75


@pytest.mark.parametrize("seed", range(1000, 1005))
def test_score_of_numbers_is_the_share_of_their_variance_that_is_explained(seed):
    task = tasks.measurements("diabetes", seed=seed)
    noise = torch.randn(task.y_test.shape, generator=torch.Generator().manual_seed(seed))
    for output in (task.y_test, task.y_test + noise, 3 * noise, task.y_test.mean().expand(task.y_test.shape)):
        score = metrics.r2_score(task.y_test.numpy(), output.numpy())  # older ones take no tensors
        assert task.score(output) == pytest.approx(score, abs=1e-5)  # float32


def test_score_of_finite_numbers_is_finite_where_their_squares_leave_float32():
    task = small([[0.0]], [[0.0], [2.0]])
    assert task.score(torch.full((2, 1), 1e30)) == pytest.approx(-1e60, rel=1e-6)  # float32


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("task", [small([0, 1], [0, 1, 1]), small([[0.0]], [[0.0], [1.0], [2.0]])])
def test_score_is_nan_where_an_output_is_not_finite(task, wrong):
    output = torch.zeros(3, task.outputs)
    output[1, 0] = wrong
    assert math.isnan(task.score(output))


@pytest.mark.parametrize("output", [torch.zeros(3), torch.zeros(2, 2), torch.zeros(3, 1), [[0, 1]] * 3, None])
def test_output_of_another_shape_is_refused(output):
    with pytest.raises(ValueError, match=r"output must be a tensor of shape \(3, 2\)"):
        small([0, 1], [0, 1, 1]).score(output)
