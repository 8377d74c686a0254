"""A sum of shifted products: one small matrix product for each offset (u, v) of the kernel.

    y = sum over u, v of  x shifted by (u d_h, v d_w) and thinned by the strides  @  k[u, v]

Each k[u, v] is a (C, F) matrix that mixes channels at one place; nothing is copied but the shifted image.
"""

import numpy as np

from convlab.ops.blocks import Array, Block


def shifted(x: Array, block: Block, u: int, v: int) -> Array:
    """The part of x that offset (u, v) of the kernel meets, (N, OH, OW, C), as a view."""
    rows, columns = block.out.shape[1:3]
    top, left = u * block.dilation[0], v * block.dilation[1]
    bottom = top + (rows - 1) * block.strides[0] + 1
    right = left + (columns - 1) * block.strides[1] + 1
    return x[:, top : bottom : block.strides[0], left : right : block.strides[1]]


def convolve(block: Block) -> None:
    """Fill `block.out` (N, OH, OW, F) from the padded `block.x` (N, H, W, C)."""
    sums = block.out if block.out.flags.c_contiguous else block.scratch("sums", block.out.shape)
    np.matmul(shifted(block.x, block, 0, 0), block.kernel[0, 0], out=sums)
    product = block.scratch("product", block.out.shape)
    for u, v in list(np.ndindex(*block.kernel.shape[:2]))[1:]:
        np.matmul(shifted(block.x, block, u, v), block.kernel[u, v], out=product)
        sums += product
    if sums is not block.out:
        block.out[...] = sums
