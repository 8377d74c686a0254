"""The definition of a convolution, as loops.

    y[n, i, j, f] = sum over u, v, c of  x[n, i s_h + u d_h, j s_w + v d_w, c]  k[u, v, c, f]

Thousands of times slower than the other methods, and the one to read first: they all compute this.
"""

import numpy as np

from convlab.ops.blocks import Block


def convolve(block: Block) -> None:
    """Fill `block.out` (N, OH, OW, F) from `block.x` (N, H, W, C), already padded, and the kernel (kh, kw, C, F)."""
    x, kernel, out = block.x, block.kernel, block.out
    (stride_h, stride_w), (dilation_h, dilation_w) = block.strides, block.dilation
    images, rows, columns, filters = out.shape
    kernel_h, kernel_w, channels, _ = kernel.shape
    for n, i, j, f in np.ndindex(images, rows, columns, filters):
        total = out.dtype.type(0)
        for u, v, c in np.ndindex(kernel_h, kernel_w, channels):
            total += x[n, i * stride_h + u * dilation_h, j * stride_w + v * dilation_w, c] * kernel[u, v, c, f]
        out[n, i, j, f] = total
