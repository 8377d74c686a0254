"""im2col: lay out every window as a vector, then one matrix product does all the sums.

    columns (kh kw C, pixels), kernel (kh kw C, F):   y (pixels, F) = columns' kernel

The windows overlap, so the laid-out image is kh kw times as large as the image. Built whole it is what makes this
method famous for memory; here a block of output rows is laid out at a time, so that it stays in the cache.
"""

from math import prod

import numpy as np

from convlab.ops.blocks import Array, Block, Job, Scratch
from convlab.ops.windows import windows_of

SMALL = 1 << 19  # multiply-accumulates of a small product
FEWEST = 16  # rows of a small product, at least: with fewer, reading the matrix takes longer than multiplying
FEW_CHANNELS = 8  # below this, runs of channels are too short to copy well, and runs of pixels are used


def cost(job: Job) -> float:
    """What it costs, in multiply-accumulates of a large matrix product: to copy a number takes as long as 40."""
    return job.macs * (1 + 40 / job.kernel.shape[3])


def convolve(block: Block) -> None:
    """Fill `block.out` (N, OH, OW, F) from the padded `block.x` (N, H, W, C)."""
    rows = lay_out(block)
    multiply(rows, block.kernel.reshape(rows.shape[1], -1), block.out, block.scratch)


def lay_out(block: Block) -> Array:
    """All windows of the block as rows, (N OH OW, kh kw C); with few channels it is a transposed view of columns."""
    kernel_h, kernel_w, channels, _ = block.kernel.shape
    window, pixels = (kernel_h, kernel_w, channels), block.out.shape[:3]
    if (kernel_h, kernel_w) == (1, 1):
        return windows_of(block).reshape(-1, channels)
    if channels < FEW_CHANNELS:
        columns = block.scratch("windows", (*window, *pixels))
        np.copyto(columns, windows_of(block).transpose(3, 4, 5, 0, 1, 2))
        return columns.reshape(prod(window), -1).T
    rows = block.scratch("windows", (*pixels, *window))
    np.copyto(rows, windows_of(block))
    return rows.reshape(-1, prod(window))


def multiply(rows: Array, matrix: Array, out: Array, scratch: Scratch) -> None:
    """rows (pixels, K) times matrix (K, F) into out (N, OH, OW, F), by way of `scratch` where its rows lie apart.

    BLAS copies the operands of a large product into an order of its own first; a stack of small ones it multiplies as
    they are.
    """
    target = out if out.flags.c_contiguous else scratch("sums", out.shape)
    sums, piece = target.reshape(-1, out.shape[3]), SMALL // matrix.size
    if FEWEST <= piece < len(rows):
        stacked = len(rows) // piece * piece
        stack = rows[:stacked].reshape(-1, piece, len(matrix))
        np.matmul(stack, matrix, out=sums[:stacked].reshape(-1, piece, out.shape[3]))
        rows, sums = rows[stacked:], sums[stacked:]
    np.matmul(rows, matrix, out=sums)
    if target is not out:
        out[...] = target
