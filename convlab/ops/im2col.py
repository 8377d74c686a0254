"""im2col: lay out every window as a vector, then one matrix product does all the sums.

    columns (kh kw C, pixels), kernel (kh kw C, F):   y (pixels, F) = columns' kernel

The windows overlap, so the laid-out image is kh kw times as large as the image. Built whole it is what makes this
method famous for memory; here a block of output rows is laid out at a time, so that it stays in the cache.
"""

import numpy as np

from convlab.ops.blocks import Array, Block
from convlab.ops.offsets import shifted

FEW_CHANNELS = 8  # below this, runs of channels are too short to copy well, and runs of pixels are used


def convolve(block: Block) -> None:
    """Fill `block.out` (N, OH, OW, F) from the padded `block.x` (N, H, W, C)."""
    if block.kernel.shape[2] < FEW_CHANNELS:
        _kernel_major(block)
    else:
        _pixel_major(block)


def _pixel_major(block: Block) -> None:
    """Windows as rows of a matrix (pixels, kh kw C): copies are runs of channels."""
    kernel_h, kernel_w, channels, _ = block.kernel.shape
    rows = block.scratch("windows", (*block.out.shape[:3], kernel_h, kernel_w, channels))
    for u, v in np.ndindex(kernel_h, kernel_w):
        rows[:, :, :, u, v] = shifted(block.x, block, u, v)
    _multiply(rows.reshape(-1, kernel_h * kernel_w * channels), block)


def _kernel_major(block: Block) -> None:
    """Windows as columns of a matrix (kh kw C, pixels): copies are runs of pixels."""
    kernel_h, kernel_w, channels, _ = block.kernel.shape
    columns = block.scratch("windows", (kernel_h, kernel_w, channels, *block.out.shape[:3]))
    for u, v in np.ndindex(kernel_h, kernel_w):
        columns[u, v] = np.moveaxis(shifted(block.x, block, u, v), 3, 0)
    _multiply(columns.reshape(kernel_h * kernel_w * channels, -1).T, block)


def _multiply(windows: Array, block: Block) -> None:
    """(pixels, kh kw C) times (kh kw C, F), written straight into the output where its rows allow it."""
    matrix = block.kernel.reshape(windows.shape[1], -1)
    if block.out.flags.c_contiguous:
        np.matmul(windows, matrix, out=block.out.reshape(-1, matrix.shape[1]))
    else:
        block.out[...] = (windows @ matrix).reshape(block.out.shape)
