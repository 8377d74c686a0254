"""Sliding windows: see every window of the image without copying it, then contract windows with the kernel.

A window is a view: the same numbers in memory, read with other strides. `tensordot` then sums over the window's rows,
columns and channels, which is the definition of the convolution in one line.
"""

import numpy as np
from numpy.lib.stride_tricks import as_strided

from convlab.ops.blocks import Array, Block


def convolve(block: Block) -> None:
    """Fill `block.out` (N, OH, OW, F) from the padded `block.x` (N, H, W, C)."""
    block.out[...] = np.tensordot(windows_of(block), block.kernel, axes=3)


def windows_of(block: Block) -> Array:
    """Every window of block.x, (N, OH, OW, kh, kw, C), as a view: the same numbers read with other strides."""
    image, row, column, channel = block.x.strides
    (s_h, s_w), (d_h, d_w) = block.strides, block.dilation
    steps = (image, row * s_h, column * s_w, row * d_h, column * d_w, channel)
    return as_strided(block.x, (*block.out.shape[:3], *block.kernel.shape[:3]), steps, writeable=False)
