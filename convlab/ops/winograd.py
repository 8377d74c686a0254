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

The price is accuracy: the entries of the matrices grow with t. In float32 the error relative to the largest output is
about 1e-6 for F(2), 5e-6 for F(4) and 2e-5 for F(6).

Sources: S. Winograd, "Arithmetic Complexity of Computations" (1980); A. Lavin and S. Gray, "Fast algorithms for
convolutional neural networks" (2016).
"""

from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from convlab.ops.blocks import CACHE, Array, Block, Job, Pair

LARGEST_TILE = 6  # outputs a side; beyond, float32 loses more than the fewer products are worth
TILES = 128  # tiles in a product, at least: with fewer, reading the kernels takes longer than multiplying
TRANSFORM = 60  # multiply-accumulates that take as long as one number of a transformed kernel
LARGEST_WINDOW = 8  # samples a side of a tile's input: the points above stay accurate up to here


class Matrices(NamedTuple):
    """F(m, r): output transform A' (m, t), kernel transform G (t, r), input transform B' (t, t)."""

    a: Array
    g: Array
    b: Array


@cache
def matrices(outputs: int, taps: int, dtype: str = "float64") -> Matrices:
    """The three matrices of F(outputs, taps), derived exactly in fractions and rounded once.

    >>> matrices(2, 3).b.astype(int)
    array([[-1,  0,  1,  0],
           [ 0,  1,  1,  0],
           [ 0, -1,  1,  0],
           [ 0, -1,  0,  1]])
    """
    from convlab.ops import cook_toom  # its fractions are needed only here, and take time to import

    return Matrices(*(np.array(m, float).astype(dtype) for m in cook_toom.transforms(outputs, taps)))


Tiles = tuple[tuple[int, int], ...]  # runs of (outputs a side, how many), large tiles first


class Plan(NamedTuple):
    """How the tiles cover the output, and what that costs in multiply-accumulates."""

    heights: Tiles
    widths: Tiles
    cost: int


def covers(outputs: int, taps: int) -> list[Tiles]:
    """Ways to cover `outputs` exactly with tiles of at most two sizes.

    >>> ((6, 3), (4, 2)) in covers(26, 3)
    True
    """
    largest = min(LARGEST_TILE, LARGEST_WINDOW - taps + 1, outputs)
    found: list[Tiles] = []
    for large in range(1, largest + 1):
        for count in range(1, outputs // large + 1):
            rest = outputs - large * count
            if rest == 0:
                found.append(((large, count),))
            else:
                found += [((large, count), (small, rest // small)) for small in range(1, large) if rest % small == 0]
    return found


@lru_cache(maxsize=1024)
def plan(images: int, size: Pair, kernel_shape: tuple[int, int, int, int]) -> Plan:
    """The cheapest cover of an output of `size`.

    Every tile costs a product for each of its samples, channels and filters. Every pair of tile sizes needs a
    transformed kernel, which is mostly memory to write and to read: TRANSFORM products for each of its numbers.
    """
    kernel_h, kernel_w, channels, filters = kernel_shape
    rows = [(_samples(tiles, kernel_h), tiles) for tiles in covers(size[0], kernel_h)]
    columns = [(_samples(tiles, kernel_w), tiles) for tiles in covers(size[1], kernel_w)]
    rows, columns = _undominated(rows), _undominated(columns)
    cost, heights, widths = min(
        (images * h[0] * w[0] + TRANSFORM * h[1] * w[1], high, wide) for h, high in rows for w, wide in columns
    )
    return Plan(heights, widths, cost * channels * filters)


def _samples(tiles: Tiles, taps: int) -> Pair:
    """Input samples a side of all tiles, and of one tile of each size."""
    return sum((m + taps - 1) * count for m, count in tiles), sum(m + taps - 1 for m, _ in tiles)


def _undominated(choices: list[tuple[Pair, Tiles]]) -> list[tuple[Pair, Tiles]]:
    """Those that no other beats in both samples and transforms."""
    kept: list[tuple[Pair, Tiles]] = []
    for choice in sorted(choices):
        if not kept or choice[0][1] < kept[-1][0][1]:
            kept.append(choice)
    return kept


def applies(job: Job) -> bool:
    """Strides or dilation but not both, two taps or more on some axis, and few enough for the points to be accurate."""
    taps = max(plain_kernel(job)[:2])
    return (job.strides == (1, 1) or job.dilation == (1, 1)) and 1 < taps < LARGEST_WINDOW


def cost(job: Job) -> int:
    """Multiply-accumulates of a job that `applies` accepts, with the transformation of the kernel."""
    d_h, d_w = job.dilation
    size = -(-job.out.shape[1] // d_h), -(-job.out.shape[2] // d_w)
    return plan(len(job.out) * d_h * d_w, size, plain_kernel(job)).cost


def plain_kernel(job: Job) -> tuple[int, int, int, int]:
    """Shape of the kernel when strides are turned into channels."""
    (kernel_h, kernel_w, channels, filters), (s_h, s_w) = job.kernel.shape, job.strides
    return -(-kernel_h // s_h), -(-kernel_w // s_w), channels * s_h * s_w, filters


def plan_of(job: Job) -> Plan:
    """The tiles for a job that `applies` accepts."""
    return plan(len(job.out), (job.out.shape[1], job.out.shape[2]), job.kernel.shape)


def prepare(job: Job) -> None:
    """Transform the kernel once for each pair of tile sizes, and choose bands that are whole rows of tiles."""
    heights, widths, _ = plan_of(job)
    job.weights = widths, {(m, w): transform_kernel(job.kernel, m, w) for m, _ in heights for w, _ in widths}
    cut_in_tiles(job, heights, widths)


def cut_in_tiles(job: Job, heights: Tiles, widths: Tiles) -> None:
    """Choose bands that are whole rows of tiles, and say what memory they take."""
    kernel_h, kernel_w, channels, filters = job.kernel.shape
    job.bands, top = [], 0
    for m, count in heights:
        job.bands += [(top + m * tile, top + m * (tile + 1)) for tile in range(count)]
        top += m * count
    growth = (heights[0][0] + kernel_h - 1) / heights[0][0] * (widths[0][0] + kernel_w - 1) / widths[0][0]
    job.row_bytes = int(job.out.itemsize * job.out.shape[2] * growth * (channels + filters))
    images = -(-TILES // sum(count for _, count in widths))
    job.row_bytes = min(job.row_bytes, CACHE // (images * heights[0][0]))


def transform_kernel(kernel: Array, tile_h: int, tile_w: int) -> Array:
    """G_h k G_w' for every channel and filter: (t_h, t_w, C, F)."""
    kernel_h, kernel_w, channels, filters = kernel.shape
    g_h = matrices(tile_h, kernel_h, str(kernel.dtype)).g
    g_w = matrices(tile_w, kernel_w, str(kernel.dtype)).g
    rows = g_h @ kernel.reshape(kernel_h, -1)
    both = g_w @ rows.reshape(len(g_h), kernel_w, -1)
    return both.reshape(len(g_h), len(g_w), channels, filters)


def convolve(block: Block) -> None:
    """Fill `block.out` (N, OH, OW, F), whose rows are one row of tiles, from the padded `block.x` (N, H, W, C)."""
    kernel_h, kernel_w, channels, filters = block.kernel.shape
    tile_h = block.out.shape[1]
    widths, kernels = block.weights
    mixed_rows = mix_rows(block.x, matrices(tile_h, kernel_h, str(block.out.dtype)).b, block)
    left = 0
    for tile_w, count in widths:
        weights = kernels[tile_h, tile_w]
        t_h, t_w = weights.shape[:2]
        fit = max(
            CACHE // (block.out.itemsize * t_h * t_w * (channels + filters) * len(block.x)), -(-TILES // len(block.x))
        )
        for first in range(0, count, fit):
            tiles = min(fit, count - first)
            begin = left + first * tile_w
            matrix = matrices(tile_w, kernel_w, str(block.out.dtype)).b
            samples = mix_columns(mixed_rows[:, :, begin:], matrix, tile_w, tiles, block)
            products = block.scratch("products", (t_h, t_w, len(block.x) * tiles, filters))
            np.matmul(
                samples.reshape(t_h * t_w, -1, channels),
                weights.reshape(t_h * t_w, channels, filters),
                out=products.reshape(t_h * t_w, -1, filters),
            )
            _unmix(products, block.out[:, :, begin : begin + tiles * tile_w], tile_w, kernel_h, kernel_w, block)
        left += tile_w * count


def mix_rows(x: Array, matrix: Array, block: Block, name: str = "rows") -> Array:
    """matrix (t, m) along the rows of x (N, m, W, C): (N, t, W, C)."""
    images, height, width, channels = x.shape
    if x.strides[2] != x.itemsize * channels:
        x = np.ascontiguousarray(x)
    out = block.scratch(name, (images, len(matrix), width * channels))
    pixels = as_strided(x, (images, height, width * channels), (x.strides[0], x.strides[1], x.itemsize))
    np.matmul(matrix, pixels, out=out)
    return out.reshape(images, len(matrix), width, channels)


def mix_columns(rows: Array, matrix: Array, step: int, tiles: int, block: Block, name: str = "samples") -> Array:
    """matrix (t_w, m) along the columns of tiles that start every `step`: (t_h, t_w, N, tiles, C)."""
    images, t_h, _, channels = rows.shape
    step_n, step_i, step_w, step_c = rows.strides
    samples = as_strided(
        rows,
        (t_h, images, tiles, matrix.shape[1], channels),
        (step_i, step_n, step_w * step, step_w, step_c),
        writeable=False,
    )
    out = block.scratch(name, (t_h, len(matrix), images, tiles, channels))
    np.matmul(matrix, samples, out=out.transpose(0, 2, 3, 1, 4))
    return out


def _unmix(products: Array, out: Array, tile_w: int, kernel_h: int, kernel_w: int, block: Block) -> None:
    """A' along both axes: out (N, m_h, tiles m_w, F) from products (t_h, t_w, N tiles, F)."""
    images, tile_h, columns, filters = out.shape
    t_h, t_w, pixels, _ = products.shape
    a_h = matrices(tile_h, kernel_h, str(products.dtype)).a
    a_w = matrices(tile_w, kernel_w, str(products.dtype)).a
    rows = block.scratch("unmixed", (tile_h, t_w * pixels * filters))
    np.matmul(a_h, products.reshape(t_h, -1), out=rows)
    tiles = columns // tile_w
    parts = rows.reshape(tile_h, t_w, images, tiles, filters).transpose(0, 2, 3, 1, 4)
    step_n, step_h, step_w, step_f = out.strides
    target = as_strided(
        out,
        (tile_h, images, tiles, tile_w, filters),
        (step_h, step_n, step_w * tile_w, step_w, step_f),
    )
    np.matmul(a_w, parts, out=target)
