"""Two processes that train together read what one process reads that trains alone, and never wait for each other."""

import multiprocessing
import socket
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest
import torch
from torch import distributed, nn

from gradlab.monitor import GradMonitor
from watched_runs import batches, loss_of, network

PATIENCE = 45  # seconds until a run is given up; it takes about five
STEPS = 34
PROCESSES = 2

pytestmark = [
    pytest.mark.skipif(
        not (distributed.is_available() and distributed.is_gloo_available()), reason="torch was built without gloo"
    ),
    pytest.mark.xdist_group("two processes"),
]


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture(scope="module")
def in_processes():
    """A function that runs a scenario in two processes at once, and returns what each gave back.

    They are kept for the next scenario, as importing torch takes them longer than all that is asked of them; not if one
    fails or hangs.
    """
    pools = []

    def run(scenario, *arguments):
        pool = pools.pop() if pools else ProcessPoolExecutor(PROCESSES, multiprocessing.get_context("spawn"))
        address = f"tcp://127.0.0.1:{free_port()}"
        ranks = [pool.submit(one_process, rank, address, scenario, arguments) for rank in range(PROCESSES)]
        try:  # neither process takes both: the first rank waits until the other has joined it
            if failed := [error for rank in ranks if (error := rank.exception(timeout=PATIENCE))]:
                raise ExceptionGroup("in two processes", failed)
            pools.append(pool)
            return [rank.result() for rank in ranks]
        finally:
            if not pools:
                end()

    yield run
    end()


def end():
    for process in multiprocessing.active_children():
        process.kill()


def one_process(rank, address, scenario, arguments):
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=address, rank=rank, world_size=PROCESSES)
    try:
        return scenario(rank, *arguments)
    finally:
        distributed.destroy_process_group()


def wrap(model, how):
    if how == "ddp":
        return nn.parallel.DistributedDataParallel(model)
    if how == "fsdp":
        from torch.distributed.fsdp import fully_shard

        for layer in model:
            fully_shard(layer) if isinstance(layer, nn.Linear) else None
        return fully_shard(model)
    if how == "partly fsdp":  # one layer sharded, the others as they are
        from torch.distributed.fsdp import fully_shard

        fully_shard(model[2])
    return model


def train(rank, how, settings, *, steps=STEPS, watching=(0, 1), sabotage=None, clip=None):
    """Train on this rank's half of each batch; return history and verdict."""
    model = network()
    model = wrap(model, how)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    monitor = GradMonitor(model, optimizer, **settings) if rank in watching else None
    totals = []
    for step, (x, y) in enumerate(batches(steps, size=4)):
        part = slice(None) if rank is None else slice(2 * rank, 2 * rank + 2)
        optimizer.zero_grad()
        loss = loss_of(model, x[part], y[part])
        loss.backward()
        if how == "partly fsdp":
            for parameter in (p for k in (0, 4) for p in model[k].parameters()):
                distributed.all_reduce(parameter.grad, op=distributed.ReduceOp.SUM)
                parameter.grad /= PROCESSES
        if monitor is not None:
            if sabotage is not None:
                sabotage(rank, step, monitor)
            monitor.record(loss)
            if clip:
                total = monitor.clip_(clip)
                totals.append(float(total.full_tensor() if hasattr(total, "full_tensor") else total))
        optimizer.step()
    if monitor is None:
        return None
    monitor.close()
    return monitor.history(), monitor.diagnose(), totals, monitor._run.is_inert


@pytest.mark.parametrize("how", ["ddp", "fsdp", "partly fsdp"])
def test_two_processes_read_what_one_reads_alone(in_processes, how):
    clip = None if how == "partly fsdp" else 0.3  # torch does not clip such a mixture
    (ours, diagnosis, totals, _), (theirs, other, other_totals, _) = in_processes(train_clipped, how, clip)
    alone, verdict, expected, _ = train(None, "alone", {"every": 10}, watching=(None,), clip=clip)
    assert ours["step"].tolist() == theirs["step"].tolist() == alone["step"].tolist() == [*range(20), 20, 30]
    assert ours["shapes"].tolist() == alone["shapes"].tolist()
    for name in ("grad", "weight", "update", "initial"):
        np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)
        np.testing.assert_allclose(ours[name], alone[name], rtol=2e-4, atol=1e-7, err_msg=name)
    np.testing.assert_allclose((ours["loss"] + theirs["loss"]) / 2, alone["loss"], rtol=1e-4)
    assert diagnosis.verdict == other.verdict == verdict.verdict
    np.testing.assert_allclose(totals, expected, rtol=1e-4)
    assert totals == other_totals


def train_clipped(rank, how, clip):
    return train(rank, how, {}, clip=clip)


def train_at_budget(rank, how):
    def sabotage(rank, step, monitor):
        monitor._run.costs.own = 100.0 * rank  # one is far over its budget, the other far below

    return train(rank, how, {"every": 7}, sabotage=sabotage)


def test_neither_clock_nor_own_loss_decides_what_is_sampled(in_processes):
    for history, *_ in in_processes(train_at_budget, "fsdp"):
        assert history["step"].tolist() == [*range(20), 21, 28]


def train_alone_watched(rank, how):
    return train(rank, how, {}, watching=(0,))


def test_one_process_may_watch_alone_with_replicated_parameters(in_processes):
    (ours, *_), nothing = in_processes(train_alone_watched, "ddp")
    assert len(ours["step"]) == 22
    assert nothing is None


FAULTS = [
    ("_local_gradient_norms", 5),
    ("_local_weight_norms", 5),
    ("_local_update_norms", 20),  # the next step is not sampled
    ("is_alarmed", 5),
    ("is_alarmed", 24),  # not sampled itself
]


def train_sabotaged(rank):
    outcomes = []
    for place, when in FAULTS:

        def sabotage(rank, step, monitor, place=place, when=when):
            if (rank, step) == (1, when):
                target = monitor._run.schedule if place == "is_alarmed" else monitor._run.watched
                setattr(target, place, None)  # calling it raises a TypeError

        history, _, _, is_inert = train(rank, "fsdp", {}, sabotage=sabotage)
        outcomes.append((is_inert, len(history["loss"])))
    return outcomes


def test_error_on_one_process_leaves_none_waiting(in_processes):
    for (place, when), (ours, steps), (theirs, _) in zip(FAULTS, *in_processes(train_sabotaged), strict=True):
        assert theirs, place
        assert ours, place  # it cannot go on without the other
        assert steps <= (31 if when == 24 else when + 1)
