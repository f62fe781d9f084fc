"""What the grader measures of a worker: its processors, its memory, and its time."""

import contextlib
import mmap
import multiprocessing
import os
import signal
import sys
import threading
import time

import psutil
import pytest

from gradlab.homework.answers import timeouts
from gradlab.homework.sandbox import processes
from gradlab.homework.sandbox.processes import Load, memory_of

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux alone tells it")
FORK = multiprocessing.get_context("fork") if sys.platform == "linux" else None


@pytest.fixture
def child(request):
    """A process that does what the test says."""
    process = FORK.Process(target=request.param)
    process.start()
    yield process.pid
    os.kill(process.pid, signal.SIGSTOP)  # or it would start another one meanwhile
    time.sleep(0.05)
    for pid in processes.family(process.pid):
        os.kill(pid, signal.SIGKILL)
    process.join()


def busy():
    ending = time.monotonic() + 20
    while time.monotonic() < ending:
        pass


def busy_sessions():
    for _ in range(12):
        if os.fork() == 0:
            os.setsid()
            busy()
    time.sleep(60)


def busy_threads():
    for _ in range(12):
        threading.Thread(target=sum, args=([1] * 10**8,)).start()  # they take turns, and wait for each other


def looks(pid, most):
    """Return after how many looks it is too much; ``most`` if it is not by then."""
    load = Load(pid)
    for number in range(most):
        time.sleep(processes.TICK)
        if load.too_much():
            return number
    return most


@pytest.mark.parametrize("child", [busy_sessions], indirect=True)
def test_many_busy_processes_are_soon_too_much(child):
    assert looks(child, 8) < 4


@pytest.mark.parametrize("child", [busy, busy_threads], indirect=True)
def test_one_busy_thread_at_a_time_is_not_too_much(child):
    assert looks(child, 6) == 6


def maps_much():
    big = mmap.mmap(-1, 200 << 20)
    big[:] = bytes(200 << 20)
    for _ in range(3):
        if os.fork() == 0:
            sum(big[n] for n in range(0, len(big), 1 << 12))  # maps each page
            time.sleep(60)
    time.sleep(60)


@pytest.mark.parametrize("child", [maps_much], indirect=True)
def test_memory_that_is_mapped_counts_once(child):
    def mapped():
        return [psutil.Process(pid).memory_info().shared for pid in processes.family(child)]

    ending = time.monotonic() + 20
    while (len(mapped()) < 4 or min(mapped()) < 200 << 20) and time.monotonic() < ending:
        time.sleep(0.1)
    time.sleep(0.2)
    before = own_of(*processes.family(child))
    assert 190 << 20 < memory_of(child) - before < 260 << 20


def own_of(*pids):
    """Return the bytes that processes hold by themselves."""
    return sum(map(processes._own, pids)) * os.sysconf("SC_PAGE_SIZE")


def forks_many():
    big = bytearray(b"x") * (100 << 20)
    for _ in range(12):
        if os.fork() == 0:
            time.sleep(60)
    time.sleep(60)
    del big


@pytest.mark.parametrize("child", [forks_many], indirect=True)
def test_memory_of_those_that_were_forked_counts_once_where_it_matters(child):
    ending = time.monotonic() + 20
    while len(processes.family(child)) < 13 and time.monotonic() < ending:
        time.sleep(0.1)
    every_time = memory_of(child)
    assert every_time > 1200 << 20
    assert memory_of(child, most=100 << 30) == every_time
    assert 100 << 20 < memory_of(child, most=1200 << 20) < every_time / 4


def test_time_that_others_took_is_no_time_of_ones_own(monkeypatch):
    waited = iter([0.0] + [0.15] * 3 + [9.0] * 9)
    monkeypatch.setattr(timeouts.Clock, "_waiting", lambda self: next(waited))
    clock = timeouts.Clock()
    time.sleep(0.2)
    assert not clock.over(0.1)
    time.sleep(0.1)
    assert clock.over(0.1)
    assert clock.over(0.06)  # whatever the wait, four times as long is enough


def test_clock_knows_how_long_a_process_waited():
    clock = timeouts.Clock()
    time.sleep(0.4)  # five times as long, or a busy machine may have kept it waiting
    assert clock.over(0.08)
    assert not clock.over(1.0)
    assert timeouts.Clock("none")._waiting() == 0.0


def keeps_starting_others():
    for _ in range(4):
        if not os.fork():
            while True:
                if not os.fork():
                    time.sleep(0.01)
                    os._exit(0)
                os.wait()
    time.sleep(20)


@pytest.mark.parametrize("child", [keeps_starting_others], indirect=True)
def test_descendants_that_keep_starting_others_are_ended_and_the_spared_one_goes_on(child):
    while len(processes.family(child)) < 6:
        time.sleep(0.01)
    assert processes.end_descendants(child, [child])
    assert alive(child) == {child}
    time.sleep(0.1)
    assert alive(child) == {child}, "they are gone, and no new ones have come"


def each_takes_memory():
    for _ in range(6):
        if os.fork() == 0:
            big = bytearray(b"x") * (200 << 20)
            time.sleep(60)
            del big
    time.sleep(60)


@pytest.mark.parametrize("child", [each_takes_memory], indirect=True)
def test_memory_of_descendants_is_free_when_they_are_said_to_be_ended(child):
    def of_descendants():
        return memory_of(child, most=0) - own_of(child)

    ending = time.monotonic() + 30
    while of_descendants() < 900 << 20 and time.monotonic() < ending:
        time.sleep(0.1)
    assert of_descendants() > 900 << 20
    assert processes.end_descendants(child, [child])
    assert of_descendants() < 100 << 20


def alive(pid):
    """Return a process and its descendants, less those that only wait to be buried."""
    found = {pid}
    for one in psutil.Process(pid).children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            found |= {one.pid} if one.status() != psutil.STATUS_ZOMBIE else set()
    return found


def test_descendants_that_cannot_be_caught_are_not_said_to_be_ended(monkeypatch):
    monkeypatch.setattr(processes, "ROUNDS", 0)
    assert not processes.end_descendants(os.getpid(), [])
