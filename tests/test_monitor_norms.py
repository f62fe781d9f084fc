"""Norms of tensors of any size, format and layout, and what is kept of them in a long run."""

import math

import numpy as np
import pytest
import torch

from gradlab.monitor import GradMonitor
from gradlab.monitor.ledger import Ledger
from gradlab.monitor.norms import norms_of
from watched_runs import batches, loss_of, network, norm, sgd

FLOAT32 = 1e-5  # relative; sums of float32 squares


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.complex64])
@pytest.mark.parametrize("size", [1e-30, 1e-17, 1e-7, 1.0, 6e4, 1e25, 1e38])
def test_norm_of_any_size_in_any_format_matches_float64(dtype, size):
    tensor = torch.full((300, 7), size, dtype=torch.float64).to(dtype)
    np.testing.assert_allclose(norms_of([tensor]).tolist(), [norm(tensor)], rtol=3e-5)


def test_norm_beyond_float64_is_its_largest_number_and_not_infinite():
    assert norms_of([torch.full((9,), 1e308, dtype=torch.float64)]).tolist() == [torch.finfo(torch.float64).max]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("entry", [math.nan, math.inf, -math.inf])
def test_entry_that_is_not_finite_makes_the_norm_infinite(dtype, entry):
    tensor = torch.ones(5, 5, dtype=dtype)
    tensor[3, 2] = entry
    assert norms_of([torch.ones(2), tensor, torch.zeros(0)]).tolist() == pytest.approx([2**0.5, math.inf, 0.0])


@pytest.mark.parametrize("layout", ["coo, uncoalesced", "csr", "transposed", "strided", "empty"])
def test_norm_of_any_layout_matches_the_dense_tensor(layout):
    dense = torch.randn(4, 6, generator=torch.Generator().manual_seed(0))
    tensor = {
        "coo, uncoalesced": torch.sparse_coo_tensor([[0, 0, 3], [1, 1, 2]], [1.0, 2.0, -5.0], (4, 6)),
        "csr": dense.to_sparse_csr(),
        "transposed": dense.t(),
        "strided": dense[::2, ::3],
        "empty": dense[:0],
    }[layout]
    np.testing.assert_allclose(norms_of([tensor]).tolist(), [norm(tensor)], rtol=FLOAT32)


def test_a_million_steps_take_little_memory_and_keep_the_largest_update():
    ledger = Ledger(["weight"] * 100, [(1,)] * 100, np.ones(100))
    ledger.most = 200  # as for many more parameters
    quiet = np.ones((3, 100))
    for step in range(3000):
        ledger.begin(1.0, [0.1], math.nan)
        ledger.sample(step)[:] = quiet * [[1], [1], [5 if step == 777 else 1e-3]]
    for _ in range(997_000):
        ledger.begin(1.0, [0.1], math.nan)
    readings = ledger.readings()
    assert len(readings.step) <= 200
    assert (np.diff(readings.step) > 0).all()
    assert readings.step[:20].tolist() == list(range(20))
    assert readings.step[-50:].tolist() == list(range(2950, 3000))
    assert 777 in readings.step
    assert readings.loss.shape == (1_000_000,)
    assert readings.rate[-1] == 0.1
    held = ledger._loss.itemsize * len(ledger._loss) + len(ledger._applied) + 200 * quiet.nbytes
    assert held < 12e6


def test_history_of_nothing_has_empty_arrays_of_the_right_shapes():
    history = GradMonitor(model := network(), sgd(model)).history()
    shapes = {name: values.shape for name, values in history.items()}
    p = len(list(model.parameters()))
    assert shapes == dict.fromkeys(("names", "shapes", "initial", "final"), (p,)) | dict.fromkeys(
        ("loss", "applied", "scale", "max_norm", "step"), (0,)
    ) | {"rate": (0, 0)} | dict.fromkeys(("grad", "weight", "update"), (0, p))


def test_history_is_not_changed_by_later_steps():
    model = network()
    optimizer = sgd(model)
    monitor = GradMonitor(model, optimizer, every=1)
    for x, y in batches(3):
        optimizer.zero_grad()
        loss = loss_of(model, x, y)
        loss.backward()
        monitor.record(loss)
        between = monitor.history()
        assert np.isfinite(between["grad"][-1]).all()
        assert np.isnan(between["update"][-1]).all()
        assert not between["applied"][-1]
        assert monitor.diagnose().skipped == 0  # it may still be taken
        optimizer.step()
        assert np.isnan(between["update"][-1]).all()
        assert np.isfinite(monitor.history()["update"][-1]).all()
        assert monitor.history()["applied"][-1]
