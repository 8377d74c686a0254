"""Clocks: interleaved timing, the matrix-product peak, and memory."""

import gc
import threading
import time
import tracemalloc
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from benchmarks.peers import Part

Job = Callable[[], Any]
CALLS = 3  # timed calls of one job in a row, after one that brings its data back into the caches
SLOW = 0.1  # seconds of a call from which on one call is enough, and FEW rounds
FEW = 3


def times(clocks: Mapping[str, Callable[[], float]], *, seconds: float, rounds: int) -> dict[str, list[float]]:
    """What each clock says, once a round.

    All take turns in every round, so that a machine that slows down slows them all. There are at least `rounds`
    rounds (FEW where one job is slow), and more until `seconds` are over.
    """
    found: dict[str, list[float]] = {name: [] for name in clocks}
    start = time.perf_counter()
    done, least = 0, rounds
    while done < least or time.perf_counter() - start < seconds:
        for name, clock in clocks.items():
            found[name].append(clock())
        done += 1
        if time.perf_counter() - start > done * SLOW * CALLS:
            least = min(rounds, FEW)
    return found


def time_of(job: Job) -> float:
    """Seconds of one job: the median of CALLS calls after one that is not counted. A `Part` is scaled to the whole."""
    gc.collect()
    gc.disable()
    try:
        return _time_of(job)
    finally:
        gc.enable()


def _time_of(job: Job) -> float:
    share = job.share if isinstance(job, Part) else 1.0
    first = _clock(job)
    if first > SLOW or share < 1:
        return first / share
    return float(np.median([_clock(job) for _ in range(CALLS)]))


def _clock(job: Job) -> float:
    start = time.perf_counter()
    job()
    return time.perf_counter() - start


def ratio(ours: list[float], theirs: list[float]) -> float:
    """The median over rounds of our time divided by theirs."""
    return float(np.median(np.array(ours) / np.array(theirs)))


def peak_flops(size: int = 1536, seconds: float = 1.0) -> float:
    """Floating-point operations a second of NumPy's float32 matrix product, the best of many."""
    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal((size, size), dtype=np.float32) for _ in range(2))
    out, best = np.empty_like(a), np.inf
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        np.matmul(a, b, out=out)
        best = min(best, time.perf_counter() - start)
    return 2 * size**3 / best


def peak_memory(job: Job) -> int:
    """The most bytes that NumPy held at once in one call, the result included.

    In a thread of its own, because convlab keeps its work arrays from call to call, thread by thread.
    """
    found = []

    def run() -> None:
        tracemalloc.start()
        try:
            job()
            found.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return found[0]
