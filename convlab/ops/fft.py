"""The convolution theorem: a convolution in space is a product of spectra.

Each image and each kernel is transformed once; then every frequency is a (N, C) @ (C, F) product, and the cost hardly
depends on the kernel's size. A correlation takes the conjugate of the kernel's spectrum. A transform wraps around at
the border; the image is long enough here that only outputs which are thrown away are touched by that.

Source: A. Oppenheim and R. Schafer, "Discrete-Time Signal Processing", chapter 8. In float32 the error relative to
the largest output is about 1e-6.
"""

import numpy as np

from convlab.ops.blocks import Array, Block, Job, Pair


def fast_length(size: int) -> int:
    """The next number from `size` on with no prime factor above 11, for which NumPy's transform is fast.

    >>> fast_length(542)
    550
    """
    while True:
        rest = size
        for factor in (2, 3, 5, 7, 11):
            while rest % factor == 0:
                rest //= factor
        if rest == 1:
            return size
        size += 1


def _dilated(kernel: Array, dilation: Pair) -> Array:
    """The kernel with zeros between its taps."""
    if dilation == (1, 1):
        return kernel
    height, width = (d * (k - 1) + 1 for k, d in zip(kernel.shape[:2], dilation, strict=True))
    spread = np.zeros((height, width, *kernel.shape[2:]), kernel.dtype)
    spread[:: dilation[0], :: dilation[1]] = kernel
    return spread


def prepare(job: Job) -> None:
    """The conjugate spectrum of every kernel, (frequencies, C, F), for whole images at a time."""
    kernel = _dilated(job.kernel, job.dilation)
    size = tuple(fast_length((job.out.shape[1 + a] - 1) * job.strides[a] + kernel.shape[a]) for a in (0, 1))
    spectrum = np.fft.rfft2(kernel.transpose(2, 3, 0, 1), size).conj()
    job.weights = size, np.ascontiguousarray(spectrum.transpose(2, 3, 0, 1))
    job.bands = [(0, job.out.shape[1])]
    channels, filters = job.kernel.shape[2:]
    job.row_bytes = 2 * job.out.itemsize * size[1] * (channels + filters)


def convolve(block: Block) -> None:
    """Fill `block.out` (N, OH, OW, F) from the padded `block.x` (N, H, W, C)."""
    size, weights = block.weights
    spectrum = np.fft.rfft2(block.x.transpose(0, 3, 1, 2), size)
    if weights.shape[2:] == (1, 1):
        product = spectrum * weights[:, :, 0, 0]
    else:
        product = (spectrum.transpose(2, 3, 0, 1) @ weights).transpose(2, 3, 0, 1)
    result = np.fft.irfft2(product, size)
    height, width = ((n - 1) * s + 1 for n, s in zip(block.out.shape[1:3], block.strides, strict=True))
    block.out[...] = result[:, :, : height : block.strides[0], : width : block.strides[1]].transpose(0, 2, 3, 1)
