"""The gradient of a convolution with respect to its kernel."""

from math import prod
from threading import Lock
from typing import Any, NamedTuple

import numpy as np

from convlab.ops import blocks, im2col, winograd_gradient
from convlab.ops.blocks import Array, Block, Job, Pair, rows_of_channels


class ConvGradients(NamedTuple):
    """Gradients of a loss with respect to the input, the kernel and the bias, each in the shape of its own."""

    dx: Array
    dkernel: Array
    dbias: Array

    def astype(self, dtype: Any) -> "ConvGradients":
        """The same in another floating type."""
        return ConvGradients(*(gradient.astype(dtype, copy=False) for gradient in self))


def kernel_gradient(x: Array, upstream: Array, out: Array, *, strides: Pair, dilation: Pair, origin: Pair) -> None:
    """Fill out (kh, kw, C, F) from x (N, H, W, C) and upstream (N, OH, OW, F).

    A number of the kernel met one number of each window; its gradient is the product of what it met with what came of
    it, summed over all windows: (kh kw C, windows) @ (windows, F), block by block.
    """
    job = Job(rows_of_channels(x), out, upstream, strides, dilation, origin)
    if winograd_gradient.applies(job):
        out[...] = winograd_gradient.kernel_gradient(job)
        return
    total = np.zeros((prod(out.shape[:3]), out.shape[3]), out.dtype)
    adding = Lock()

    def add(block: Block) -> None:
        windows = im2col.lay_out(block)
        part = windows.T @ block.out.reshape(len(windows), -1)
        with adding:
            np.add(total, part, out=total)

    blocks.run([job], add)
    out[...] = total.reshape(out.shape)


def bias_gradient(upstream: Array) -> Array:
    """Sum of upstream (N, OH, OW, F) over images and places, (F,), as a product with ones, which is the faster sum."""
    flat = upstream.reshape(-1, upstream.shape[3])
    return np.ones(len(flat), flat.dtype) @ flat
