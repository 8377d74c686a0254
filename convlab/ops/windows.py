"""Sliding windows: see every window of the image without copying it, then contract windows with the kernel.

A window is a view: the same numbers in memory, read with other strides. `tensordot` then sums over the window's rows,
columns and channels, which is the definition of the convolution in one line.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from convlab.ops.blocks import Array, Block, Pair


def windows_of(x: Array, kernel_size: Pair, strides: Pair, dilation: Pair) -> Array:
    """All windows of x (N, H, W, C) as a view (N, OH, OW, C, kh, kw)."""
    reach = tuple(d * (k - 1) + 1 for k, d in zip(kernel_size, dilation, strict=True))
    views = sliding_window_view(x, reach, axis=(1, 2))
    return views[:, :: strides[0], :: strides[1], :, :: dilation[0], :: dilation[1]]


def convolve(block: Block) -> None:
    """Fill `block.out` (N, OH, OW, F) from the padded `block.x` (N, H, W, C)."""
    views = windows_of(block.x, block.kernel.shape[:2], block.strides, block.dilation)
    block.out[...] = np.tensordot(views, block.kernel, axes=([4, 5, 3], [0, 1, 2]))
