"""The algorithms by name, where each applies, and which one "auto" picks."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from convlab.errors import ConvlabError
from convlab.ops import blocks, fft, im2col, loops, offsets, windows, winograd
from convlab.ops.blocks import Array, Block, Job, Pair


def _nothing(job: Job) -> None:
    """For algorithms that take the kernel as it is."""


def _anything(job: Job) -> bool:
    return True


@dataclass(frozen=True)
class Method:
    """An algorithm: `prepare` looks at the whole job once, `convolve` fills one block."""

    convolve: Callable[[Block], None]
    prepare: Callable[[Job], None] = _nothing
    applies: Callable[[Job], bool] = _anything
    needs: str = ""


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
        "strides of 1, no dilation, and a kernel of at least 2 and at most 7 taps a side",
    ),
}


def convolve(
    x: Array, kernel: Array, out: Array, *, strides: Pair, dilation: Pair, origin: Pair, method: str = "auto"
) -> None:
    """Correlate x (N, H, W, C) with kernel (kh, kw, C, F) into out (N, OH, OW, F).

    The first window starts at row and column `origin` of x, which is negative where there is padding; x is zero
    outside. The shape of `out` says how many windows there are.
    """
    job = Job(_rows_of_channels(x), np.ascontiguousarray(kernel), out, strides, dilation, origin)
    name = choose(job) if method == "auto" else method
    if name not in METHODS:
        raise ConvlabError(f"method {method!r} is unknown: choose 'auto' or one of {', '.join(map(repr, METHODS))}.")
    chosen = METHODS[name]
    if not chosen.applies(job):
        raise ConvlabError(
            f"method={name!r} needs {chosen.needs}, but here kernel_size={kernel.shape[:2]}, strides={strides} "
            f"and dilation={dilation}: use method='auto'."
        )
    chosen.prepare(job)
    blocks.run(job, chosen.convolve)


def _rows_of_channels(x: Array) -> Array:
    """x with its channels side by side and its columns too, as the algorithms expect; a copy only where needed."""
    if x.strides[3] == x.itemsize and x.strides[2] == x.itemsize * x.shape[3]:
        return x
    return np.ascontiguousarray(x)


def choose(job: Job) -> str:
    """The fastest method for this geometry, as measured; small jobs take the one with the least preparation."""
    kernel_h, kernel_w, channels, filters = job.kernel.shape
    if kernel_h * kernel_w >= 121 and channels * filters <= 256:
        return "fft"
    if (kernel_h, kernel_w) == (1, 1):
        return "offsets"
    if winograd.applies(job) and min(channels, filters) >= 16 and min(job.out.shape[1:3]) >= 4:
        return "winograd"
    return "im2col"
