"""Winograd's minimal filtering turned round, for the gradient with respect to the kernel.

Forward, a tile of outputs is y = A' [(G g) * (B' d)], linear in the kernel g. Its transpose maps the gradient dy of
the tile to the gradient of the kernel:

    dg = G' [(A dy) * (B' d)]

summed over all tiles. Again the element-by-element products, summed over tiles, are t^2 independent matrix products:
(C, tiles) @ (tiles, F). G' is applied once, at the end.
"""

from threading import Lock

import numpy as np

from convlab.ops import blocks, rearrange, winograd
from convlab.ops.blocks import Array, Block, Job

CACHE = 4 << 20  # bytes in a block: the sums are read and written for every block, so few large blocks pay
LARGEST_SUMS = 1 << 16  # channels times filters, so that the sums of all tiles' products stay in the cache
WORTH_IT = 1 << 26  # multiply-accumulates below which im2col is as fast


def applies(job: Job) -> bool:
    """Strides of 1, and so few channels and filters that the sums stay in the cache."""
    channels, filters = job.kernel.shape[2:]
    plain = job.strides == (1, 1) and min(job.kernel.shape[:2]) > 1 and winograd.applies(job)
    return plain and min(channels, filters) >= 16 and channels * filters <= LARGEST_SUMS and job.macs >= WORTH_IT


def kernel_gradient(job: Job) -> Array:
    """The gradient (kh, kw, C, F), where job.out is the gradient (N, OH, OW, F) with respect to the output."""
    if job.dilation != (1, 1):
        job = rearrange.undilated(job)
    kernel_h, kernel_w, channels, filters = job.kernel.shape
    heights, widths, _ = winograd.plan_of(job)
    sums = {
        (m, w): np.zeros((m + kernel_h - 1, w + kernel_w - 1, channels, filters), job.out.dtype)
        for m, _ in heights
        for w, _ in widths
    }
    winograd.cut_in_tiles(job, heights, widths)
    job.row_bytes = job.row_bytes * blocks.CACHE // CACHE
    job.weights = widths, sums, Lock()
    blocks.run(job, _add)
    total = np.zeros(job.kernel.shape, job.out.dtype)
    for (m, w), products in sums.items():
        g_h, g_w = (winograd.matrices(*f, str(job.out.dtype)).g for f in ((m, kernel_h), (w, kernel_w)))
        rows = (g_h.T @ products.reshape(len(g_h), -1)).reshape(kernel_h, len(g_w), -1)
        total += (g_w.T @ rows).reshape(total.shape)
    return total


def _add(block: Block) -> None:
    """Add one band of tiles to the sums."""
    kernel_h, kernel_w, channels, filters = block.kernel.shape
    tile_h, dtype = block.out.shape[1], str(block.out.dtype)
    widths, sums, adding = block.weights
    down = winograd.matrices(tile_h, kernel_h, dtype)
    x_rows = winograd.mix_rows(block.x, down.b, block)
    dy_rows = winograd.mix_rows(block.out, down.a.T, block, "dy rows")
    left = 0
    for tile_w, count in widths:
        across = winograd.matrices(tile_w, kernel_w, dtype)
        x = winograd.mix_columns(x_rows[:, :, left:], across.b, tile_w, count, block)
        dy = winograd.mix_columns(dy_rows[:, :, left:], across.a.T, tile_w, count, block, "dy samples")
        left += tile_w * count
        samples = x.shape[0] * x.shape[1]
        part = block.scratch("part", (samples, channels, filters))
        np.matmul(x.reshape(samples, -1, channels).transpose(0, 2, 1), dy.reshape(samples, -1, filters), out=part)
        with adding:
            total = sums[tile_h, tile_w]
            np.add(total, part.reshape(total.shape), out=total)
