"""Turn strides into a plain convolution by rearranging pixels, so that Winograd's method applies (*space to depth*).

Windows start at every s-th pixel, so each block of s x s pixels can be read as one pixel with s s C channels, and so
can the kernel, filled up with zeros to whole blocks. The convolution of the blocks has strides of 1.
"""

import numpy as np

from convlab.ops.blocks import Array, Job, Pair, Scratch, cut_out


def without_strides(job: Job) -> Job:
    """The job, of dilation 1, as one of strides 1 on blocks of strides x strides pixels."""
    kernel = blocks_of_kernel(job.kernel, job.strides)
    (s_h, s_w), (rows, columns) = job.strides, (job.out.shape[1 + a] + kernel.shape[a] - 1 for a in (0, 1))
    whole = cut_out(job.x, job.origin, (rows * s_h, columns * s_w), Scratch(job.x.dtype))
    pixels = whole.reshape(len(whole), rows, s_h, columns, s_w, -1).transpose(0, 1, 3, 2, 4, 5)
    return Job(pixels.reshape(len(whole), rows, columns, -1), kernel, job.out, (1, 1), (1, 1), (0, 0))


def plain_kernel(job: Job) -> tuple[int, int, int, int]:
    """Shape of the kernel when strides are turned into channels."""
    (kernel_h, kernel_w, channels, filters), (s_h, s_w) = job.kernel.shape, job.strides
    return -(-kernel_h // s_h), -(-kernel_w // s_w), channels * s_h * s_w, filters


def blocks_of_kernel(kernel: Array, strides: Pair) -> Array:
    """The kernel (kh, kw, C, F) over blocks of pixels: (kh / s_h, kw / s_w, s_h s_w C, F), rounded up with zeros."""
    kernel_h, kernel_w, channels, filters = kernel.shape
    (s_h, s_w), (rows, columns) = strides, (-(-kernel_h // strides[0]), -(-kernel_w // strides[1]))
    whole = np.zeros((rows * s_h, columns * s_w, channels, filters), kernel.dtype)
    whole[:kernel_h, :kernel_w] = kernel
    split = whole.reshape(rows, s_h, columns, s_w, channels, filters).transpose(0, 2, 1, 3, 4, 5)
    return split.reshape(rows, columns, -1, filters)
