"""Run something in a process of its own, and watch the memory and the processors meanwhile."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from typing import Any

import numpy as np
import psutil

EVERY = 0.1  # seconds
LOOK = 1.0  # seconds that are watched before and after
MB = 1e6


@dataclass(frozen=True)
class Watched:
    """What a job used. seconds: from start to end. peak: MB of its process. growth: MB that its process grows by over
    the second half of its time. workers: MB of the largest process that it started itself. others: processors that
    were busy just before and just after, with something else, which slows the job down."""

    seconds: float
    peak: float
    growth: float
    workers: float
    others: float


def watched(job: Callable[..., Any], *arguments: Any) -> tuple[Any, Watched]:
    """What the job gives, and what it used, in a fresh process."""
    before = _busy()
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        result, used = pool.submit(_watch, job, arguments).result()
    return result, replace(used, others=(before + _busy()) / 2)


def _watch(job: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[Any, Watched]:
    over, samples = threading.Event(), list[tuple[float, float, float]]()
    thread = threading.Thread(target=_sample, args=(over, samples))
    start = time.monotonic()
    thread.start()
    try:
        result = job(*arguments)
    finally:
        over.set()
        thread.join()
    seconds = time.monotonic() - start
    times, memory, workers = np.array(samples).T
    late = times > times[-1] / 2
    slope = np.polyfit(times[late], memory[late], 1)[0] if late.sum() > 2 else 0.0
    growth = float(slope * (times[-1] - times[late][0]))
    return result, Watched(seconds, float(memory.max()), growth, float(workers.max()), 0.0)


def _sample(over: threading.Event, samples: list[tuple[float, float, float]]) -> None:
    me, start = psutil.Process(), time.monotonic()
    while True:
        done = over.wait(EVERY)
        workers = [0.0]
        for child in me.children():
            try:
                workers.append(child.memory_info().rss / MB)
            except psutil.NoSuchProcess:
                continue
        samples.append((time.monotonic() - start, me.memory_info().rss / MB, max(workers)))
        if done:
            return


def _busy() -> float:
    """Processors that are busy now."""
    return psutil.cpu_percent(LOOK) / 100 * (psutil.cpu_count() or 1)
