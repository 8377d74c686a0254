"""Cut a convolution into blocks: some images, some output rows. The one place that pads, and that uses threads.

A block is small enough to stay in the processor's cache while an algorithm works on it. Its piece of the input is a
view where the window stays inside the image, and a small copy with zeros around where it does not; the padded image
as a whole is never built. An algorithm that can do without the zeros looks at the image itself.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from math import prod
from threading import RLock, local
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

    from threadpoolctl import ThreadpoolController

Array = np.ndarray
Pair = tuple[int, int]
Band = tuple[int, int]  # output rows (first, last + 1)

CACHE = 3 << 19  # bytes that one block may work on: a core's second-level cache, a little overdrawn


class Scratch:
    """Named work arrays that are kept from block to block: fresh memory costs more than the arithmetic."""

    def __init__(self, dtype: np.dtype) -> None:
        self._dtype = dtype
        self._buffers: dict[str, Array] = {}

    def __call__(self, name: str, shape: tuple[int, ...]) -> Array:
        """An array of `shape` with arbitrary content; valid until the same name is asked for again."""
        size = prod(shape)
        buffer = self._buffers.get(name)
        if buffer is None or buffer.size < size:
            buffer = np.empty(size, self._dtype)
            if buffer.nbytes <= 4 * CACHE:
                self._buffers[name] = buffer
        return buffer[:size].reshape(shape)


_kept = local()


def _scratch(dtype: np.dtype) -> Scratch:
    """This thread's scratch, kept from call to call as well: a few megabytes."""
    by_dtype: dict[np.dtype, Scratch] = _kept.__dict__.setdefault("by_dtype", {})
    return by_dtype.setdefault(dtype, Scratch(dtype))


@dataclass
class Block:
    """One piece of work: fill `out` (N, OH, OW, F), whose first window starts at `first` of `image` (N, H, W, C)."""

    image: Array
    first: Pair
    kernel: Array
    out: Array
    strides: Pair
    dilation: Pair
    scratch: Scratch
    weights: Any = None  # the kernel as the algorithm prepared it, once for all blocks

    @cached_property
    def x(self) -> Array:
        """What the windows cover, with zeros outside of the image."""
        steps = zip(self.out.shape[1:3], self.strides, self.kernel.shape[:2], self.dilation, strict=True)
        height, width = ((size - 1) * stride + (taps - 1) * step + 1 for size, stride, taps, step in steps)
        return cut_out(self.image, self.first, (height, width), self.scratch)


@dataclass
class Job:
    """A whole convolution of `x` (N, H, W, C) with `kernel` (kh, kw, C, F) into `out` (N, OH, OW, F).

    `origin` is the row and column of x where the first window starts: (-top, -left) padding.
    """

    x: Array
    kernel: Array
    out: Array
    strides: Pair
    dilation: Pair
    origin: Pair
    weights: Any = None
    together: int = 1  # output rows that an algorithm wants in one block
    row_bytes: int = 0  # what an algorithm needs for one output row of one image

    @property
    def macs(self) -> int:
        """Multiply-accumulates of the definition."""
        return self.out.size * prod(self.kernel.shape[:3])


def rows_of_channels(x: Array) -> Array:
    """x with its channels side by side and its columns too, as the algorithms expect; a copy only where needed."""
    if x.strides[3] == x.itemsize and x.strides[2] == x.itemsize * x.shape[3]:
        return x
    return np.ascontiguousarray(x)


def run(jobs: Sequence[Job], algorithm: Callable[[Block], None]) -> None:
    """Compute all of `jobs` block by block, on as many threads as `threads()` says where it is worth it."""
    blocks = [(job, images, band) for job in jobs for images, band in _cut(job)]
    workers = min(threads(), len(blocks))
    if workers > 1 and sum(job.macs for job in jobs) < WORTH_A_THREAD:
        workers = 1
    queue = iter(blocks)

    def work() -> None:
        for job, images, band in iter(lambda: next(queue, None), None):
            algorithm(_block(job, images, band))

    if workers <= 1:
        work()
    else:
        _on_threads(work, workers)


WORTH_A_THREAD = 1 << 20  # multiply-accumulates below which handing out work costs more than it saves


def _cut(job: Job) -> Iterator[tuple[Band, Band]]:
    """(images, output rows) of each block: bands of one image, or some whole images."""
    if job.out.size == 0:
        return
    images, rows = job.out.shape[:2]
    row_bytes = job.row_bytes or job.out.itemsize * job.out.shape[2] * (job.out.shape[3] + prod(job.kernel.shape[:3]))
    fit = max(CACHE // row_bytes, 1)  # output rows, of any images, in one block
    if images > 1 and threads() > 1:
        fit = min(fit, -(-images // threads()) * rows)
    if fit >= images * rows:
        yield (0, images), (0, rows)
        return
    bands = even_parts(rows, fit, job.together)
    for group in even_parts(images, fit // (bands[0][1] - bands[0][0])):
        for band in bands:
            yield group, band


def even_parts(size: int, most: int, unit: int = 1) -> list[Band]:
    """Cut 0 .. size - 1 into as few parts as `most` allows, of about the same length, a multiple of `unit`.

    >>> even_parts(10, 4)
    [(0, 4), (4, 8), (8, 10)]
    >>> even_parts(10, 5, 2)
    [(0, 4), (4, 8), (8, 10)]
    """
    units, parts = -(-size // unit), max(most // unit, 1)
    length = -(-units // -(-units // parts)) * unit
    return [(first, min(first + length, size)) for first in range(0, size, length)]


def _block(job: Job, images: Band, band: Band) -> Block:
    image, out = job.x[slice(*images)], job.out[slice(*images), slice(*band)]
    first = job.origin[0] + band[0] * job.strides[0], job.origin[1]
    return Block(image, first, job.kernel, out, job.strides, job.dilation, _scratch(out.dtype), job.weights)


def inside(size: int, places: int, stride: int, start: int) -> tuple[slice, slice]:
    """Which of the places start, start + stride, ... lie in 0 .. size - 1: a slice of the places, and of the axis."""
    first = max(-(start // stride), 0)
    end = min((size - 1 - start) // stride + 1, places)
    if end <= first:
        return slice(0, 0), slice(0, 0)
    return slice(first, end), slice(start + first * stride, start + (end - 1) * stride + 1, stride)


def cut_out(x: Array, first: Pair, span: Pair, scratch: Scratch) -> Array:
    """Rows first[0] to first[0] + span[0] and the same for columns of x (N, H, W, C), with zeros outside of x."""
    ends = first[0] + span[0], first[1] + span[1]
    if min(first) >= 0 and ends[0] <= x.shape[1] and ends[1] <= x.shape[2]:
        return x[:, first[0] : ends[0], first[1] : ends[1]]
    patch = scratch("patch", (x.shape[0], *span, x.shape[3]))
    patch.fill(0)
    down, rows = inside(x.shape[1], span[0], 1, first[0])
    across, columns = inside(x.shape[2], span[1], 1, first[1])
    patch[:, down, across] = x[:, rows, columns]
    return patch


_threads: int | None = None


def threads() -> int:
    """How many threads a convolution may use: `set_threads`, else CONVLAB_THREADS, else the usable cores."""
    if _threads is not None:
        return _threads
    named = os.environ.get("CONVLAB_THREADS", "")
    if named.isdigit() and int(named) > 0:
        return int(named)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def set_threads(count: int | None) -> None:
    """Use `count` threads from now on; None goes back to the default."""
    global _threads
    _threads = count


@contextmanager
def own_threads() -> Iterator[None]:
    """BLAS keeps to one thread inside of this, for what is not cut into blocks as well.

    After a product on several threads BLAS lets them spin for a while, in wait for the next; they would take the cores
    that the blocks are to run on.
    """
    if threads() == 1 or not _busy.acquire(blocking=False):
        yield
        return
    try:
        with _controller().limit(limits=1, user_api="blas"):
            yield
    finally:
        _busy.release()


def _on_threads(work: Callable[[], None], workers: int) -> None:
    """`work` on so many threads at once, each with one BLAS thread, so that there are no more threads than cores."""
    if not _busy.acquire(blocking=False):  # a second caller, from a thread of its own, has that thread
        work()
        return
    try:
        with _controller().limit(limits=1, user_api="blas"):
            others = [_pool(workers).submit(work) for _ in range(workers - 1)]
            work()
            for other in others:
                other.result()
    finally:
        _busy.release()


_busy = RLock()  # one caller at a time may change BLAS' threads, and may do so again inside


@cache
def _pool(workers: int) -> "ThreadPoolExecutor":
    """Threads that wait for work, made once."""
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(workers - 1, "convlab")


@cache
def _controller() -> "ThreadpoolController":
    """The handle of BLAS, found once: that takes milliseconds."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # threads do not survive a fork
