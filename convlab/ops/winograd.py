"""Winograd's minimal filtering: fewer multiplications by adding first.

Where it comes from
-------------------
Two outputs of a 3-tap filter, y0 = d0 g0 + d1 g1 + d2 g2 and y1 = d1 g0 + d2 g1 + d3 g2, take six products. They also
are y0 = m1 + m2 + m3 and y1 = m2 - m3 - m4 with four:

    m1 = (d0 - d2) g0                        m2 = (d1 + d2) (g0 + g1 + g2) / 2
    m4 = (d1 - d3) g2                        m3 = (d2 - d1) (g0 - g1 + g2) / 2

This is F(2, 3). In general m outputs of an r-tap filter, F(m, r), need t = m + r - 1 products, one for each sample of
the input that they touch:

    y = A' [(G g) * (B' d)]          with A' (m, t), G (t, r), B' (t, t), and * element by element

The matrices come from multiplying polynomials (Toom and Cook). A polynomial of degree t - 1 is known from its values
at t - 1 points and its leading coefficient ("the value at infinity"). So the product of g, of degree r - 1, and h, of
degree m - 1, is: evaluate both at the points a_i, multiply the values, interpolate. Evaluation is a Vandermonde
matrix, (1, a_i, a_i^2, ...); Lagrange's interpolation has the columns prod_{j != i} (x - a_j), divided by
N_i = prod_{j != i} (a_i - a_j). A filter is the transpose of that product with respect to h; transposing the chain
turns the evaluation of h into A', and the interpolation into B'. The divisors N_i go with G.

In two dimensions both axes are done in turn. An m x m tile of a 3x3 convolution needs (m + 2)^2 products instead of
9 m^2: 2.25 times fewer for F(2x2), 4 for F(4x4), 5.06 for F(6x6). The element-wise products, summed over channels,
are t^2 independent matrix products (tiles, C) @ (C, F), which is where the time goes.

Padding costs nothing here: zeros need no multiplication, so a tile over the edge is mixed by fewer columns of B'. Nor
does dilation d: the samples of a tile, and its outputs, just lie d apart, and d tiles interlace.

The price is accuracy: the entries of the matrices grow with t. In float32 the error relative to the largest output is
about 1e-6 for F(2), 5e-6 for F(4) and 2e-5 for F(6).

Sources: S. Winograd, "Arithmetic Complexity of Computations" (1980); A. Lavin and S. Gray, "Fast algorithms for
convolutional neural networks" (2016).
"""

from functools import cache
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from convlab.ops import rearrange, tiles
from convlab.ops.blocks import Array, Block, Job, Pair, inside


class Matrices(NamedTuple):
    """F(m, r): output transform A' (m, t), kernel transform G (t, r), input transform B' (t, t)."""

    a: Array
    g: Array
    b: Array


@cache
def matrices(outputs: int, taps: int, dtype: Any = np.float64) -> Matrices:
    """The three matrices of F(outputs, taps), derived exactly in fractions and rounded once.

    >>> matrices(2, 3).b.astype(int)
    array([[-1,  0,  1,  0],
           [ 0,  1,  1,  0],
           [ 0, -1,  1,  0],
           [ 0, -1,  0,  1]])
    """
    from convlab.ops import cook_toom  # its fractions are needed only here, and take time to import

    return Matrices(*(np.array(m, float).astype(dtype) for m in cook_toom.transforms(outputs, taps)))


def applies(job: Job) -> bool:
    """Strides or dilation but not both, two taps or more on some axis, and few enough for the points to be accurate."""
    taps = max(rearrange.plain_kernel(job)[:2])
    return (job.strides == (1, 1) or job.dilation == (1, 1)) and 1 < taps < tiles.LARGEST_WINDOW


def cost(job: Job) -> float:
    """What it costs, in multiply-accumulates of a large matrix product: passes over a number take as long as 40."""
    channels, filters = rearrange.plain_kernel(job)[2:]
    return tiles.plan_of(job).cost * (1 + 40 / channels + 40 / filters)


def prepare(job: Job) -> list[Job]:
    """A job for each rectangle of equal tiles, with the kernel transformed for their size."""
    if job.strides != (1, 1):
        job = rearrange.without_strides(job)
    parts = list(tiles.rectangles(job))
    kernels = {tile: transform_kernel(job.kernel, tile) for tile, _ in parts}
    for tile, part in parts:
        part.weights = tile, kernels[tile]
    return [part for _, part in parts]


PIECE = 8192  # weights that are transformed at a time, so that what lies between G and G' stays in the cache


def transform_kernel(kernel: Array, tile: Pair) -> Array:
    """G_h k G_w' for every channel and filter: (t_h, t_w, C, F)."""
    kernel_h, kernel_w, channels, filters = kernel.shape
    g_h, g_w = (matrices(m, taps, kernel.dtype).g for m, taps in zip(tile, kernel.shape[:2], strict=True))
    weights = kernel.reshape(kernel_h, kernel_w, -1)
    out = np.empty((len(g_h), len(g_w), channels * filters), kernel.dtype)
    for first in range(0, channels * filters, PIECE):
        piece = slice(first, first + PIECE)
        rows = g_h @ weights[:, :, piece].transpose(1, 0, 2)
        np.matmul(g_w, rows.transpose(1, 0, 2), out=out[:, :, piece])
    return out.reshape(len(g_h), len(g_w), channels, filters)


def convolve(block: Block) -> None:
    """Fill `block.out` (N, OH, OW, F) tile by tile."""
    channels, filters = block.kernel.shape[2:]
    tile, weights = block.weights
    down, across = matrices_of(block, tile)
    samples = mix(block, tile, block.image, block.first, down.b, across.b)
    t_h, t_w = samples.shape[:2]
    products = block.scratch("products", (*samples.shape[:-1], filters))
    np.matmul(
        samples.reshape(t_h * t_w, -1, channels),
        weights.reshape(t_h * t_w, channels, filters),
        out=products.reshape(t_h * t_w, -1, filters),
    )
    _unmix(block, tile, products, down.a, across.a)


def matrices_of(block: Block, tile: Pair) -> tuple[Matrices, Matrices]:
    """The matrices along rows and along columns."""
    kernel_h, kernel_w = block.kernel.shape[:2]
    return matrices(tile[0], kernel_h, block.out.dtype), matrices(tile[1], kernel_w, block.out.dtype)


def _groups(block: Block, tile: Pair) -> Pair:
    """How many groups of tiles cover the block's rows and columns; dilated by d, the d tiles of a group interlace."""
    rows, columns = (-(-block.out.shape[1 + a] // (tile[a] * block.dilation[a])) for a in (0, 1))
    return rows, columns


def mix(block: Block, tile: Pair, image: Array, first: Pair, down: Array, across: Array, name: str = "x") -> Array:
    """down (t_h, s_h) and across (t_w, s_w) on each tile of image (N, H, W, C) from row and column `first` on.

    Returns (t_h, t_w, rows of tiles in all images, groups of columns, d_w, C).
    """
    (groups_h, groups_w), (d_h, d_w), (t_w, s_w) = _groups(block, tile), block.dilation, across.shape
    images, channels, t_h, width = len(image), image.shape[3], len(down), ((groups_w - 1) * tile[1] + s_w) * d_w
    rows = block.scratch("rows", (images, groups_h, d_h, t_h, width, channels))
    mix_rows(image, first, down, tile[0], rows)
    rows = rows.reshape(-1, t_h, width, channels)
    step_n, step_t, step_w, step_c = rows.strides
    windows = as_strided(
        rows,
        (t_h, len(rows), groups_w, d_w, s_w, channels),
        (step_t, step_n, step_w * d_w * tile[1], step_w, step_w * d_w, step_c),
    )
    samples = block.scratch(name, (t_h, t_w, len(rows), groups_w, d_w, channels))
    np.matmul(across, windows, out=samples.transpose(0, 2, 3, 4, 1, 5))
    return samples


def mix_rows(image: Array, first: Pair, matrix: Array, tile_h: int, out: Array) -> None:
    """matrix (t, s) on the rows of every tile, whole rows of image (N, H, W, C) at a time, which are long runs.

    out: (N, groups, d, t, W', C). Tile r of group g has the rows top + g tile_h d + r, and every d-th after it.
    """
    images, groups, d, _, width, _ = out.shape
    (height, columns), (top, left), size = image.shape[1:3], first, matrix.shape[1]
    across, there = inside(columns, width, 1, left)
    out[..., : across.start, :] = 0
    out[..., across.stop :, :] = 0
    target = out[..., across, :].reshape(*out.shape[:4], -1)
    pixels = image[:, :, there].reshape(images, height, -1)
    step_n, step_h, step_c = pixels.strides
    whole, rows = inside(height - size * d + 1, groups, tile_h * d, top)  # groups that meet no zeros, at once
    windows = as_strided(
        pixels[:, rows.start :],
        (images, whole.stop - whole.start, d, size, pixels.shape[2]),
        (step_n, step_h * tile_h * d, step_h, step_h * d, step_c),
    )
    np.matmul(matrix, windows, out=target[:, whole])
    for group, r in product([*range(whole.start), *range(whole.stop, groups)], range(d)):
        taps, rows = inside(height, size, d, top + group * tile_h * d + r)  # the other taps meet zeros
        np.matmul(matrix[:, taps], pixels[:, rows], out=target[:, group, r])


def _unmix(block: Block, tile: Pair, products: Array, down: Array, across: Array) -> None:
    """A' along both axes, of products (t_h, t_w, rows of tiles, groups, d_w, F): columns first, then long runs."""
    images, height, width, filters = block.out.shape
    (groups_h, groups_w), (d_h, d_w), t_h = _groups(block, tile), block.dilation, len(products)
    mixed = block.scratch("rows", (products.shape[2], t_h, groups_w, tile[1], d_w, filters))
    np.matmul(across, products.transpose(0, 2, 3, 4, 1, 5), out=mixed.transpose(1, 0, 2, 4, 3, 5))
    run = width * filters  # what hangs over the edge is left out
    rows = mixed.reshape(images, groups_h, d_h, t_h, -1)[..., :run]
    side_by_side = block.out.strides[2] == block.out.itemsize * filters
    out = block.out if side_by_side else block.scratch("unmixed", block.out.shape)
    target = out.reshape(images, height, run)
    whole = height // (tile[0] * d_h)
    covered = whole * tile[0] * d_h
    groups = target[:, :covered].reshape(images, whole, tile[0], d_h, run)
    np.matmul(down, rows[:, :whole], out=groups.transpose(0, 1, 3, 2, 4))
    for r in range(d_h if whole < groups_h else 0):
        rest = target[:, covered + r :: d_h]
        np.matmul(down[: rest.shape[1]], rows[:, whole, r], out=rest)
    if not side_by_side:
        block.out[...] = out
