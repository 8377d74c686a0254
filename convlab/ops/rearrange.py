"""Turn dilation and strides into plain convolutions by rearranging pixels, so that Winograd's method applies to them.

Dilation d: outputs whose rows agree modulo d see only input rows that agree modulo d. So the image falls into d x d
*residue images*, each convolved without dilation, and the results interlace.

Strides s: windows start at every s-th pixel, so each block of s x s pixels can be read as one pixel with s s C
channels (*space to depth*), and so can the kernel, filled up with zeros to whole blocks. The convolution of the
blocks has strides of 1.
"""

from collections.abc import Callable

import numpy as np

from convlab.ops.blocks import Array, Job, Pair, Scratch, cut_out

Solve = Callable[[Job], None]


def without_dilation(job: Job, solve: Solve) -> None:
    """Fill job.out, of strides 1, by solving one undilated job whose batch holds all the residue images."""
    images, rows, columns, filters = job.out.shape
    d_h, d_w = job.dilation
    size = -(-rows // d_h), -(-columns // d_w)
    span = size[0] + job.kernel.shape[0] - 1, size[1] + job.kernel.shape[1] - 1
    whole = cut_out(job.x, job.origin, (span[0] * d_h, span[1] * d_w), Scratch(job.x.dtype))
    residues = np.empty((d_h, d_w, images, *span, job.x.shape[3]), job.x.dtype)
    results = np.empty((d_h, d_w, images, *size, filters), job.out.dtype)
    for a, b in np.ndindex(d_h, d_w):
        residues[a, b] = whole[:, a::d_h, b::d_w]
    solve(_plain(residues.reshape(-1, *residues.shape[3:]), job.kernel, results.reshape(-1, *results.shape[3:])))
    for a, b in np.ndindex(d_h, d_w):
        part = job.out[:, a::d_h, b::d_w]
        part[...] = results[a, b, :, : part.shape[1], : part.shape[2]]


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
