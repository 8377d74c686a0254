"""Transposed convolution: the same kernel the other way round, each input number spreading into a window.

It is the transpose of the convolution as a linear map, hence also its gradient with respect to the input; it is not
its inverse. Written as a sum that gathers, output row h collects input row i through kernel row u where
h = i s + u d. For a stride above 1 the outputs fall into s *phases*, h mod s, and each phase sees only every s-th row
of the kernel: an ordinary convolution of the input with that part of the kernel, flipped. So the fast methods for
convolution serve here too, and no zero is ever multiplied.
"""

from math import gcd
from typing import NamedTuple

import numpy as np

from convlab.ops.blocks import Array, Pair
from convlab.ops.methods import convolve


class Phase(NamedTuple):
    """Along one axis: output rows `outputs`, made by kernel rows `taps`, as a convolution of the input."""

    outputs: slice
    size: int
    taps: slice
    dilation: int
    origin: int


def phases(outputs: int, taps: int, stride: int, dilation: int, origin: int) -> list[Phase]:
    """The phases of one axis; `origin` is the first output's place in the full, uncut result, times -1.

    With g = gcd(stride, dilation), kernel rows u, u + s/g, u + 2 s/g, ... reach the same outputs, and in steps of d/g
    inputs.
    """
    common = gcd(stride, dilation)
    period, step = stride // common, dilation // common
    found = []
    for u in range(min(taps, period)):
        first = (u * dilation + origin) % stride
        count = -(-(outputs - first) // stride)
        if count <= 0:
            continue
        length = -(-(taps - u) // period)
        start = (first - origin - u * dilation) // stride - (length - 1) * step
        found.append(Phase(slice(first, None, stride), count, slice(u, None, period), step, start))
    return found


def scatter(
    y: Array, kernel: Array, out: Array, *, strides: Pair, dilation: Pair, origin: Pair, method: str = "auto"
) -> None:
    """Spread y (N, H, W, F) through kernel (kh, kw, C, F) into out (N, OH, OW, C), the transpose of `convolve`.

    `origin` is the one of the convolution that maps `out`'s size to y's: minus what is cut off above and to the left.
    """
    rows = phases(out.shape[1], kernel.shape[0], strides[0], dilation[0], origin[0])
    columns = phases(out.shape[2], kernel.shape[1], strides[1], dilation[1], origin[1])
    if sum(p.size for p in rows) < out.shape[1] or sum(p.size for p in columns) < out.shape[2]:
        out[...] = 0
    for row in rows:
        for column in columns:
            part = kernel[row.taps, column.taps][::-1, ::-1].transpose(0, 1, 3, 2)
            convolve(
                y,
                np.ascontiguousarray(part),
                out[:, row.outputs, column.outputs],
                strides=(1, 1),
                dilation=(row.dilation, column.dilation),
                origin=(row.origin, column.origin),
                method=method,
            )
