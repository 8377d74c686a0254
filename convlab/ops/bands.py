"""One channel and one filter, as in image filtering: each column of the kernel as a matrix with a band of weights.

Down one column of the image, m outputs are a matrix product with m + kh - 1 inputs. The matrix holds the kernel's
column once in each row, one place further each time (a Toeplitz matrix); for kh = 2 and m = 3

    y0     k0 k1 .  .     x0
    y1  =  .  k0 k1 .     x1        and Y = sum over v of  T[v] (X shifted by v columns)
    y2     .  .  k0 k1    x2
                          x3

for a kernel with kw columns. One product of all kw matrices, one below the other, with m + kh - 1 whole rows of the
image does the work; kw shifted pieces of the result are then added. Nearly half of the products are with zeros, and
still it is the fastest way in NumPy, because no window is ever copied.
"""

import numpy as np

from convlab.ops.blocks import Block, Job
from convlab.ops.winograd import mix_rows

ROWS = 8  # m: with more there are more products with zeros, with fewer more rows are read twice


def applies(job: Job) -> bool:
    """One channel, one filter, strides of 1."""
    return job.kernel.shape[2:] == (1, 1) and job.strides == (1, 1)


def cost(job: Job) -> int:
    """What it costs, in multiply-accumulates of a large matrix product: an addition takes as long as some 30."""
    kernel_h, kernel_w = job.kernel.shape[:2]
    return job.out.size * kernel_w * (kernel_h + ROWS + 30)


def prepare(job: Job) -> list[Job]:
    """The job with all matrices T[v], one below the other: (kw m, m + kh - 1)."""
    kernel_h, kernel_w = job.kernel.shape[:2]
    matrices = np.zeros((kernel_w, ROWS, ROWS + kernel_h - 1), job.kernel.dtype)
    for row in range(ROWS):
        matrices[:, row, row : row + kernel_h] = job.kernel[:, :, 0, 0].T
    job.weights = matrices.reshape(kernel_w * ROWS, -1)
    job.together = ROWS * job.dilation[0]
    job.row_bytes = job.out.itemsize * job.out.shape[2] * (kernel_w + 2)
    return [job]


def convolve(block: Block) -> None:
    """Fill `block.out` (N, OH, OW, 1). Dilated by d, the outputs of a product lie d apart, and d products interlace."""
    (images, height, width, _), kernel_w, (d_h, d_w) = block.out.shape, block.kernel.shape[1], block.dilation
    groups, wide = -(-height // (ROWS * d_h)), width + (kernel_w - 1) * d_w
    products = block.scratch("products", (images, groups, d_h, len(block.weights), wide, 1))
    mix_rows(block.image, block.first, block.weights, ROWS, products)
    shifted = products.reshape(images, groups, d_h, kernel_w, ROWS, wide)
    exact = height == groups * ROWS * d_h
    out = block.out[..., 0] if exact else block.scratch("sums", (images, groups * ROWS * d_h, width))
    sums = out.reshape(images, groups, ROWS, d_h, width).transpose(0, 1, 3, 2, 4)
    sums[...] = shifted[:, :, :, 0, :, :width]
    for v in range(1, kernel_w):
        sums += shifted[:, :, :, v, :, v * d_w : v * d_w + width]
    if not exact:
        block.out[..., 0] = out[:, :height]
