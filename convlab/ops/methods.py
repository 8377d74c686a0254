"""The algorithms by name, where each applies, and which one "auto" picks.

All give the same numbers but for rounding. In float32 the largest error relative to the largest output is below 2e-6
for all but "winograd", where it is below 2e-5. A test keeps these bounds.
"""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from math import prod

import numpy as np

from convlab.errors import ConvlabError
from convlab.ops import bands, blocks, fft, im2col, loops, offsets, rearrange, windows, winograd
from convlab.ops.blocks import Array, Block, Job, Pair, rows_of_channels


def _as_it_is(job: Job) -> list[Job]:
    """For algorithms that take the kernel as it is."""
    return [job]


def _anything(job: Job) -> bool:
    return True


@dataclass(frozen=True)
class Method:
    """An algorithm: `prepare` looks at the whole job once and may cut it into several, `convolve` fills one block."""

    convolve: Callable[[Block], None]
    prepare: Callable[[Job], list[Job]] = _as_it_is
    applies: Callable[[Job], bool] = _anything
    needs: str = ""

    def run(self, job: Job) -> None:
        """Fill job.out."""
        blocks.run(self.prepare(job), self.convolve)


METHODS = {
    "loops": Method(loops.convolve),
    "windows": Method(windows.convolve),
    "im2col": Method(im2col.convolve),
    "offsets": Method(offsets.convolve),
    "fft": Method(fft.convolve, fft.prepare),
    "bands": Method(bands.convolve, bands.prepare, bands.applies, "one channel, one filter and strides of 1"),
    "winograd": Method(
        winograd.convolve,
        winograd.prepare,
        winograd.applies,
        "strides of 1 or no dilation, and a kernel of 2 to 7 taps a side, or 2 to 7 strides",
    ),
}


def convolve(
    x: Array, kernel: Array, out: Array, *, strides: Pair, dilation: Pair, origin: Pair, method: str = "auto"
) -> None:
    """Correlate x (N, H, W, C) with kernel (kh, kw, C, F) into out (N, OH, OW, F).

    The first window starts at row and column `origin` of x, which is negative where there is padding; x is zero
    outside. The shape of `out` says how many windows there are.
    """
    job = Job(rows_of_channels(x), np.ascontiguousarray(kernel), out, strides, dilation, origin)
    name = choose(job) if method == "auto" else method
    if name not in METHODS:
        raise ConvlabError(f"method {method!r} is unknown: choose 'auto' or one of {', '.join(map(repr, METHODS))}.")
    chosen = METHODS[name]
    if not chosen.applies(job):
        raise ConvlabError(
            f"method={name!r} needs {chosen.needs}, but here the kernel has shape {kernel.shape}, strides={strides} "
            f"and dilation={dilation}: use method='auto'."
        )
    with blocks.own_threads() if job.macs >= blocks.WORTH_A_THREAD else nullcontext():
        chosen.run(job)


def choose(job: Job) -> str:
    """The fastest method for this geometry, by counts of multiply-accumulates that were fitted to measurements."""
    if job.macs < SMALL:
        return "im2col"
    taps = rearrange.plain_kernel(job)[:2]
    costs = {"im2col": im2col.cost(job)}
    if bands.applies(job):
        costs["bands"] = bands.cost(job)
    if prod(job.kernel.shape[:2]) >= MANY_TAPS:
        costs["fft"] = fft.cost(job)
    if winograd.applies(job) and min(taps) > 1:
        costs["winograd"] = winograd.cost(job) / SURE
    return min(costs, key=lambda name: costs[name])


SMALL = 1 << 20  # multiply-accumulates that take less time than the calls of the other methods
MANY_TAPS = 49  # of a kernel, from which on Fourier transforms may pay
SURE = 0.85  # Winograd's method must be cheaper by so much, for it loses more where the count is wrong
