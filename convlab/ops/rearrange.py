"""Turn dilation and strides into plain convolutions by rearranging pixels, so that Winograd's method applies to them.

Dilation d: outputs whose rows agree modulo d see only input rows that agree modulo d. So the image falls into d x d
*residue images*, each convolved without dilation, and the results interlace.

Strides s: windows start at every s-th pixel, so each block of s x s pixels can be read as one pixel with s s C
channels (*space to depth*), and so can the kernel, filled up with zeros to whole blocks. The convolution of the
blocks has strides of 1.
"""

from collections.abc import Callable
from math import prod

import numpy as np

from convlab.ops.blocks import Array, Job, Pair, Scratch, cut_out

Solve = Callable[[Job], None]


def without_dilation(job: Job, solve: Solve) -> None:
    """Fill job.out, of strides 1, by solving one undilated job whose batch holds all the residue images."""
    size, span = _sizes(job)
    results = np.empty((prod(job.dilation) * len(job.out), *size, job.out.shape[3]), job.out.dtype)
    solve(_plain(residues(job.x, job.origin, job.dilation, span), job.kernel, results))
    d_h, d_w = job.dilation
    parts = results.reshape(d_h, d_w, len(job.out), *results.shape[1:])
    for a, b in np.ndindex(d_h, d_w):
        part = job.out[:, a::d_h, b::d_w]
        part[...] = parts[a, b, :, : part.shape[1], : part.shape[2]]


def undilated(job: Job) -> Job:
    """The same for a job whose `out` is given: an undilated job whose batch holds the residues of x and of out."""
    size, span = _sizes(job)
    out = residues(job.out, (0, 0), job.dilation, size)
    return _plain(residues(job.x, job.origin, job.dilation, span), job.kernel, out)


def residues(x: Array, first: Pair, dilation: Pair, size: Pair) -> Array:
    """The residue images of x (N, H, W, C) from row and column `first` on, zero outside of x: (d_h d_w N, *size, C)."""
    d_h, d_w = dilation
    whole = cut_out(x, first, (size[0] * d_h, size[1] * d_w), Scratch(x.dtype))
    found = np.empty((d_h, d_w, len(x), *size, x.shape[3]), x.dtype)
    for a, b in np.ndindex(d_h, d_w):
        found[a, b] = whole[:, a::d_h, b::d_w]
    return found.reshape(-1, *found.shape[3:])


def _sizes(job: Job) -> tuple[Pair, Pair]:
    """Height and width of the residues of the output, rounded up, and of the input that they need."""
    rows, columns = (-(-job.out.shape[1 + a] // job.dilation[a]) for a in (0, 1))
    return (rows, columns), (rows + job.kernel.shape[0] - 1, columns + job.kernel.shape[1] - 1)


def without_strides(job: Job, solve: Solve) -> None:
    """Fill job.out, of dilation 1, by solving one job of strides 1 on blocks of strides x strides pixels."""
    kernel = blocks_of_kernel(job.kernel, job.strides)
    span = tuple(job.out.shape[1 + a] + kernel.shape[a] - 1 for a in (0, 1))
    (s_h, s_w), (rows, columns) = job.strides, span
    whole = cut_out(job.x, job.origin, (rows * s_h, columns * s_w), Scratch(job.x.dtype))
    deep = np.empty((len(whole), rows, columns, s_h, s_w, whole.shape[3]), whole.dtype)
    for a, b in np.ndindex(s_h, s_w):
        deep[:, :, :, a, b] = whole[:, a::s_h, b::s_w]
    solve(_plain(deep.reshape(*deep.shape[:3], -1), kernel, job.out))


def blocks_of_kernel(kernel: Array, strides: Pair) -> Array:
    """The kernel (kh, kw, C, F) over blocks of pixels: (kh / s_h, kw / s_w, s_h s_w C, F), rounded up with zeros."""
    kernel_h, kernel_w, channels, filters = kernel.shape
    (s_h, s_w), (rows, columns) = strides, (-(-kernel_h // strides[0]), -(-kernel_w // strides[1]))
    whole = np.zeros((rows * s_h, columns * s_w, channels, filters), kernel.dtype)
    whole[:kernel_h, :kernel_w] = kernel
    split = whole.reshape(rows, s_h, columns, s_w, channels, filters).transpose(0, 2, 1, 3, 4, 5)
    return split.reshape(rows, columns, -1, filters)


def _plain(x: Array, kernel: Array, out: Array) -> Job:
    return Job(x, kernel, out, (1, 1), (1, 1), (0, 0))
