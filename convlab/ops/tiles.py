"""Which tiles Winograd's method cuts an output into.

Large tiles need the fewest products, but they rarely fit: an output of 26 rows takes five tiles of 6 that hang over the
edge by 4, or three of 6 and two of 4. Along each axis the tiles are of one size, the last perhaps hanging over, or of
two sizes that fit exactly; so the output falls into at most four rectangles of equal tiles, each a job of its own.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from convlab.ops.blocks import CACHE, Band, Job, Pair, even_parts
from convlab.ops.rearrange import plain_kernel

LARGEST_TILE = 6  # outputs a side; beyond, float32 loses more than the fewer products are worth
LARGEST_WINDOW = 8  # samples a side of a tile's input: the points stay accurate up to here
TILES = 128  # tiles in a product, at least: with fewer, reading the kernels takes longer than multiplying
TRANSFORM = 40  # multiply-accumulates that take as long as one number of a transformed kernel
CALLS = 3_000_000  # multiply-accumulates that take as long as the calls for a rectangle

Tiles = tuple[Pair, ...]  # runs of (outputs a side, how many), large tiles first


class Plan(NamedTuple):
    """How the tiles cover the output, and what that costs in multiply-accumulates."""

    heights: Tiles
    widths: Tiles
    cost: int


def covers(outputs: int, taps: int) -> list[Tiles]:
    """Ways to cover `outputs` with tiles of one size, or exactly with tiles of two.

    >>> ((6, 3), (4, 2)) in covers(26, 3), ((6, 5),) in covers(26, 3)
    (True, True)
    """
    largest = min(LARGEST_TILE, LARGEST_WINDOW - taps + 1, outputs)
    found: list[Tiles] = []
    for large in range(1, largest + 1):
        found.append(((large, -(-outputs // large)),))
        for count in range(1, outputs // large + 1):
            rest = outputs - large * count
            exact = [small for small in range(1, large) if rest and rest % small == 0]
            found += [((large, count), (small, rest // small)) for small in exact]
    return found


@lru_cache(maxsize=1024)
def plan(images: int, size: Pair, kernel_shape: tuple[int, int, int, int]) -> Plan:
    """The cheapest cover of an output of `size`.

    Every tile costs a product for each of its samples, channels and filters. Every rectangle needs a transformed
    kernel, which is mostly memory to write and to read, TRANSFORM products for each of its numbers; and its calls.
    """
    kernel_h, kernel_w, channels, filters = kernel_shape
    rows = _undominated([(_samples(tiles, kernel_h), tiles) for tiles in covers(size[0], kernel_h)])
    columns = _undominated([(_samples(tiles, kernel_w), tiles) for tiles in covers(size[1], kernel_w)])
    cost, heights, widths = min(
        (
            channels * filters * (images * h[0] * w[0] + TRANSFORM * h[1] * w[1]) + CALLS * len(high) * len(wide),
            high,
            wide,
        )
        for h, high in rows
        for w, wide in columns
    )
    return Plan(heights, widths, cost)


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


def plan_of(job: Job) -> Plan:
    """The plan for a job. Dilated, it is d x d convolutions without dilation, of every d-th pixel."""
    d_h, d_w = job.dilation
    size = -(-job.out.shape[1] // d_h), -(-job.out.shape[2] // d_w)
    return plan(len(job.out) * d_h * d_w, size, plain_kernel(job))


def rectangles(job: Job) -> Iterator[tuple[Pair, Job]]:
    """(tile's height and width, the part of the job with such tiles), narrow enough for a row of them in the cache."""
    kernel_h, kernel_w, channels, filters = job.kernel.shape
    heights, widths, _ = plan_of(job)
    for m_h, rows in _stretches(heights, job.out.shape[1], job.dilation[0]):
        for m_w, columns in _stretches(widths, job.out.shape[2], job.dilation[1]):
            tile_bytes = job.out.itemsize * (m_h + kernel_h - 1) * (m_w + kernel_w - 1) * (channels + filters)
            group = m_w * job.dilation[1]  # columns that interlacing tiles cover together
            for left, right in even_parts(columns[1] - columns[0], max(CACHE // tile_bytes, 1) * m_w, group):
                tiles = -(-(right - left) // m_w)  # of one row
                part = replace(
                    job,
                    out=job.out[:, slice(*rows), columns[0] + left : columns[0] + right],
                    origin=(job.origin[0] + rows[0], job.origin[1] + columns[0] + left),
                    together=m_h * job.dilation[0],
                    row_bytes=min(tile_bytes, CACHE // TILES) * tiles // m_h,
                )
                yield (m_h, m_w), part


def _stretches(tiles: Tiles, size: int, dilation: int) -> Iterator[tuple[int, Band]]:
    """(outputs of a tile, first and last + 1 of the outputs that such tiles cover) along one axis."""
    first = 0
    for m, count in tiles:
        last = min(first + m * count * dilation, size)
        if last > first:
            yield m, (first, last)
        first = last
