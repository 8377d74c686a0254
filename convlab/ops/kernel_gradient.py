"""The gradient of a convolution with respect to its kernel."""

from typing import Any, NamedTuple

import numpy as np

from convlab.ops.blocks import Array, Pair


class ConvGradients(NamedTuple):
    """Gradients of a loss with respect to the input, the kernel and the bias, each in the shape of its own."""

    dx: Array
    dkernel: Array
    dbias: Array

    def astype(self, dtype: Any) -> "ConvGradients":
        """The same in another floating type."""
        return ConvGradients(*(gradient.astype(dtype, copy=False) for gradient in self))


def kernel_gradient(x: Array, upstream: Array, out: Array, *, strides: Pair, dilation: Pair, origin: Pair) -> None:
    """Fill out (kh, kw, C, F) from x (N, H, W, C) and upstream (N, OH, OW, F).

    Each offset (u, v) of the kernel met a shifted and thinned x; its gradient is the product of what it met with what
    came of it, summed over images and places: (C, N OH OW) @ (N OH OW, F).
    """
    channels, filters = out.shape[2:]
    flat = np.ascontiguousarray(upstream).reshape(-1, filters)
    for u, v in np.ndindex(*out.shape[:2]):
        start = origin[0] + u * dilation[0], origin[1] + v * dilation[1]
        met = shifted(x, start, strides, upstream.shape[1:3])
        np.matmul(met.reshape(-1, channels).T, flat, out=out[u, v])


def shifted(x: Array, start: Pair, strides: Pair, size: Pair) -> Array:
    """x at rows start[0], start[0] + strides[0], ... and the same for columns, `size` of each; zero outside of x."""
    rows, columns = (inside(x.shape[1 + a], size[a], strides[a], start[a]) for a in (0, 1))
    met = np.zeros((len(x), *size, x.shape[3]), x.dtype)
    met[:, rows[0], columns[0]] = x[:, rows[1], columns[1]]
    return met


def inside(size: int, places: int, stride: int, start: int) -> tuple[slice, slice]:
    """Which of the places start, start + stride, ... lie in 0 .. size - 1: a slice of the places, and of the axis."""
    first = max(-(start // stride), 0)
    end = min((size - 1 - start) // stride + 1, places)
    if end <= first:
        return slice(0, 0), slice(0, 0)
    return slice(first, end), slice(start + first * stride, start + (end - 1) * stride + 1, stride)
