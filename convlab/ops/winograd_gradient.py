"""Winograd's minimal filtering turned round, for the gradient with respect to the kernel.

Forward, a tile of outputs is y = A' [(G g) * (B' d)], linear in the kernel g. Its transpose maps the gradient dy of
the tile to the gradient of the kernel:

    dg = G' [(A dy) * (B' d)]

summed over all tiles. Again the element-by-element products, summed over tiles, are t^2 independent matrix products:
(C, tiles) @ (tiles, F). G' is applied once, at the end.
"""

from threading import Lock

import numpy as np

from convlab.ops import blocks, tiles, winograd
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
    kernel_h, kernel_w, channels, filters = job.kernel.shape
    parts, adding = list(tiles.rectangles(job)), Lock()
    sums = {
        (m_h, m_w): np.zeros((m_h + kernel_h - 1, m_w + kernel_w - 1, channels, filters), job.out.dtype)
        for (m_h, m_w), _ in parts
    }
    for tile, part in parts:
        part.weights = tile, sums[tile], adding
        part.row_bytes = part.row_bytes * blocks.CACHE // CACHE
    blocks.run([part for _, part in parts], _add)
    out = np.zeros(job.kernel.shape, job.out.dtype)
    for tile, total in sums.items():
        g_h, g_w = (winograd.matrices(m, taps, out.dtype).g for m, taps in zip(tile, out.shape[:2], strict=True))
        rows = (g_h.T @ total.reshape(len(g_h), -1)).reshape(kernel_h, len(g_w), -1)
        out += (g_w.T @ rows).reshape(out.shape)
    return out


def _add(block: Block) -> None:
    """Add what the block's tiles contribute to the sums."""
    channels, filters = block.kernel.shape[2:]
    tile, total, adding = block.weights
    down, across = winograd.matrices_of(block, tile)
    x = winograd.mix(block, tile, block.image, block.first, down.b, across.b)
    dy = winograd.mix(block, tile, block.out, (0, 0), down.a.T, across.a.T, "dy")
    samples = x.shape[0] * x.shape[1]
    part = block.scratch("part", (samples, channels, filters))
    np.matmul(x.reshape(samples, -1, channels).transpose(0, 2, 1), dy.reshape(samples, -1, filters), out=part)
    with adding:
        np.add(total, part.reshape(total.shape), out=total)
