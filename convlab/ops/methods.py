"""The algorithms by name, where each applies, and which one "auto" picks.

All give the same numbers but for rounding. In float32 the largest error relative to the largest output is below 2e-6
for all but "winograd", where it is below 2e-5. A test keeps these bounds.
"""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np

from convlab.errors import ConvlabError
from convlab.ops import blocks, fft, im2col, loops, offsets, rearrange, tiles, windows, winograd
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
            f"method={name!r} needs {chosen.needs}, but here kernel_size={kernel.shape[:2]}, strides={strides} "
            f"and dilation={dilation}: use method='auto'."
        )
    with blocks.own_threads() if job.macs >= blocks.WORTH_A_THREAD else nullcontext():
        chosen.run(job)


def choose(job: Job) -> str:
    """The fastest method for this geometry, by counts of multiply-accumulates that were fitted to measurements."""
    kernel_h, kernel_w, _, filters = job.kernel.shape
    if job.macs < SMALL:
        return "im2col"
    if kernel_h * kernel_w >= 49 and fft.cost(job) < job.macs * (1 + 20 / filters):
        return "fft"
    if winograd.applies(job) and _transforms_pay(job):
        return "winograd"
    return "im2col"


SMALL = 1 << 20  # multiply-accumulates that take less time than the calls of the other methods
TRANSFORMED = 0.85  # of the direct sum's work: what Winograd's may be


def _transforms_pay(job: Job) -> bool:
    """Whether Winograd's fewer products make up for its passes over image and output.

    The passes take as long as some 40 products for each number, and so does laying out windows for each sum.
    """
    kernel_h, kernel_w, channels, filters = rearrange.plain_kernel(job)
    if min(kernel_h, kernel_w) < 2:
        return False
    transformed = tiles.plan_of(job).cost * (1 + 40 / channels + 40 / filters)
    return transformed < TRANSFORMED * job.macs * (1 + 40 / filters)
