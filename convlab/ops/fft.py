"""The convolution theorem: a convolution in space is a product of spectra.

Each image and each kernel is transformed once; then every frequency is a (N, C) @ (C, F) product, and the cost hardly
depends on the kernel's size. A correlation takes the conjugate of the kernel's spectrum. A transform wraps around at
the border; the image is long enough here that only outputs which are thrown away are touched by that.

Forward transforms are divided by their length here, with norm="forward", and the kernel's spectrum makes up for it:
NumPy transforms float32 in float64 where there is no such factor (seen with 2.4: its factor 1 is a Python integer, for
which the float64 loop is chosen), which takes eight times as long.

Source: A. Oppenheim and R. Schafer, "Discrete-Time Signal Processing", chapter 8. In float32 the error relative to
the largest output is about 1e-6.
"""

from functools import lru_cache
from math import prod

import numpy as np

from convlab.ops.blocks import CACHE, Array, Block, Job, Pair

CALLS = 3_000_000  # multiply-accumulates that take as long as the calls of a block, some 25 microseconds


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


def cost(job: Job) -> int:
    """What the transforms and products cost, in multiply-accumulates of a matrix product that take as long.

    Measured for each pixel: 255 for the transforms of an input or output channel, 80 for a pair of them, whose spectrum
    is computed and multiplied; twice as much where one spectrum does not fit into the cache; and CALLS for a block.
    """
    pixels, images, (_, _, channels, filters) = prod(_size(job)), len(job.out), job.kernel.shape
    crowded = 2 if 4 * pixels > CACHE else 1  # half of the frequencies, 8 bytes each
    return CALLS + crowded * pixels * (255 * images * (channels + filters) + 80 * channels * filters)


def _size(job: Job) -> Pair:
    """Height and width to transform: no shorter than the padded image."""
    height, width = (
        fast_length((job.out.shape[1 + a] - 1) * job.strides[a] + job.dilation[a] * (job.kernel.shape[a] - 1) + 1)
        for a in (0, 1)
    )
    return height, width


def prepare(job: Job) -> list[Job]:
    """The job with the conjugate spectrum of every kernel, (frequencies, C, F), for whole images at a time."""
    size = _size(job)
    job.weights = size, kernel_spectrum(job.kernel * job.kernel.dtype.type(prod(size)), size, job.dilation)
    job.together = job.out.shape[1]
    channels, filters = job.kernel.shape[2:]
    job.row_bytes = 2 * job.out.itemsize * size[1] * (channels + filters)
    return [job]


def kernel_spectrum(kernel: Array, size: Pair, dilation: Pair) -> Array:
    """The conjugate of the transform of a kernel (kh, kw, C, F), padded to `size`: (height, width // 2 + 1, C, F).

    A kernel is nearly all padding, so the definition, as two matrix products over its few taps, is faster than a fast
    transform; and dilated taps just sit at other places.
    """
    kernel_h, kernel_w = kernel.shape[:2]
    down = _waves(size[0], size[0], kernel_h, dilation[0], kernel.dtype)
    across = _waves(size[1], size[1] // 2 + 1, kernel_w, dilation[1], kernel.dtype)
    rows = across @ kernel.reshape(kernel_h, kernel_w, -1)
    return (down @ rows.reshape(kernel_h, -1)).reshape(size[0], -1, *kernel.shape[2:])


@lru_cache(maxsize=64)
def _waves(length: int, frequencies: int, taps: int, step: int, dtype: np.dtype) -> Array:
    """exp(2 pi i f u step / length) for every frequency f and tap u."""
    turns = np.outer(np.arange(frequencies), np.arange(taps) * step) % length / length
    return np.exp(2j * np.pi * turns).astype(np.result_type(dtype, np.complex64))


def convolve(block: Block) -> None:
    """Fill `block.out` (N, OH, OW, F) from the padded `block.x` (N, H, W, C)."""
    (height, width), weights = block.weights
    frequencies, channels, filters = weights.shape[1:]
    images, rows = block.x.shape[:2]

    def work(name: str, *shape: int) -> Array:
        return block.scratch(name, (*shape, 2)).view(weights.dtype)[..., 0]

    # padded by hand: NumPy's transforms of a longer length than the array's take three times as long
    padded = block.scratch("padded", (images, channels, rows, width))
    padded[..., : block.x.shape[2]] = block.x.transpose(0, 3, 1, 2)
    padded[..., block.x.shape[2] :] = 0
    spectrum = work("spectrum", images, channels, height, frequencies)
    np.fft.rfft(padded, norm="forward", out=spectrum[:, :, :rows])
    spectrum[:, :, rows:] = 0
    np.fft.fft(spectrum, axis=2, norm="forward", out=spectrum)
    product = work("product", height, frequencies, images, filters)
    # (N, C) @ (C, F) for every frequency; with one channel there is nothing to add up
    multiply = np.matmul if channels > 1 else np.multiply
    multiply(spectrum.transpose(2, 3, 0, 1), weights, out=product)
    np.fft.ifft(product, axis=0, out=product)
    end_row, end_column = ((n - 1) * s + 1 for n, s in zip(block.out.shape[1:3], block.strides, strict=True))
    wanted = product[: end_row : block.strides[0]]
    result = block.scratch("result", (len(wanted), width, images, filters))
    np.fft.irfft(wanted, width, axis=1, out=result)
    block.out[...] = result[:, : end_column : block.strides[1]].transpose(2, 0, 1, 3)
