"""Transposed convolution: the same kernel the other way round, each input number spreading into a window.

It is the transpose of the convolution as a linear map, hence also its gradient with respect to the input; it is not
its inverse. Written as a sum that gathers, output row h collects input row i through kernel row u where
h = i s + u d. For a stride above 1 the outputs fall into s *phases*, h mod s, and each phase sees only every s-th row
of the kernel: an ordinary convolution of the input with that part of the kernel, flipped. So the fast methods for
convolution serve here too, and no zero is ever multiplied.
"""

from collections.abc import Callable
from math import gcd
from typing import Any, NamedTuple

import numpy as np

from convlab.errors import ConvlabError
from convlab.geometry import TransposeSpec
from convlab.ops import blocks
from convlab.ops.blocks import CACHE, Array, Pair, inside
from convlab.ops.check import (
    check_bias,
    check_images,
    check_kernel,
    check_upstream,
    from_channels_last,
    result_types,
    to_channels_last,
)
from convlab.ops.im2col import FEW_CHANNELS
from convlab.ops.kernel_gradient import ConvGradients, bias_gradient, kernel_gradient
from convlab.ops.methods import convolve


class Phase(NamedTuple):
    """Along one axis: output rows `outputs`, made by kernel rows `taps`, as a convolution of the input."""

    outputs: slice
    size: int
    taps: slice
    dilation: int
    origin: int


def phases(outputs: int, taps: int, stride: int, dilation: int, origin: int) -> list[Phase]:
    """The phases of one axis; `origin` is the first output's place in the full, uncut result, times -1.

    With g = gcd(stride, dilation), kernel rows u, u + s/g, u + 2 s/g, ... reach the same outputs, and in steps of d/g
    inputs.
    """
    common = gcd(stride, dilation)
    period, step = stride // common, dilation // common
    found = []
    for u in range(min(taps, period)):
        first = (u * dilation + origin) % stride
        count = -(-(outputs - first) // stride)
        if count <= 0:
            continue
        length = -(-(taps - u) // period)
        start = (first - origin - u * dilation) // stride - (length - 1) * step
        found.append(Phase(slice(first, None, stride), count, slice(u, None, period), step, start))
    return found


def scatter(
    y: Array,
    kernel: Array,
    out: Array,
    *,
    strides: Pair,
    dilation: Pair,
    origin: Pair,
    gather: Callable[..., None] = convolve,
) -> None:
    """Spread y (N, H, W, F) through a kernel into out (N, OH, OW, C): the transpose of a convolution.

    kernel: (kh, kw, F, C), so with the channels of y first. `origin` is that of the convolution which maps out's size
    to y's: minus what is cut off above and to the left. `gather` is the convolution that each phase is.
    """
    small = kernel.shape[0] * kernel.shape[1] <= LARGEST_SPREAD and kernel.shape[3] < FEW_CHANNELS <= kernel.shape[2]
    if gather is convolve and small:
        _multiply_then_add(y, kernel, out, strides, dilation, origin)
        return
    rows = phases(out.shape[1], kernel.shape[0], strides[0], dilation[0], origin[0])
    columns = phases(out.shape[2], kernel.shape[1], strides[1], dilation[1], origin[1])
    if sum(p.size for p in rows) < out.shape[1] or sum(p.size for p in columns) < out.shape[2]:
        out[...] = 0
    for row in rows:
        for column in columns:
            gather(
                y,
                kernel[row.taps, column.taps][::-1, ::-1],
                out[:, row.outputs, column.outputs],
                strides=(1, 1),
                dilation=(row.dilation, column.dilation),
                origin=(row.origin, column.origin),
            )


LARGEST_SPREAD = 64  # kernel places; each takes a pass over the output


def _multiply_then_add(y: Array, kernel: Array, out: Array, strides: Pair, dilation: Pair, origin: Pair) -> None:
    """`scatter` for few channels of the output: one product spreads a number into all its places, then they are added.

    The sums are kept as planes, one a channel, because the runs of channels are too short to add well.
    """
    kernel_h, kernel_w, filters, channels = kernel.shape
    matrix = kernel.transpose(0, 1, 3, 2).reshape(-1, filters)
    images, rows, columns = y.shape[:3]
    step = max(CACHE // (y.itemsize * rows * columns * (len(matrix) + filters)), 1)
    for first in range(0, images, step):
        part = y[first : first + step]
        spread = (matrix @ part.reshape(-1, filters).T).reshape(kernel_h, kernel_w, channels, *part.shape[:3])
        sums = np.zeros((channels, len(part), *out.shape[1:3]), out.dtype)
        for u, v in np.ndindex(kernel_h, kernel_w):
            down, to_row = inside(out.shape[1], rows, strides[0], origin[0] + u * dilation[0])
            across, to_column = inside(out.shape[2], columns, strides[1], origin[1] + v * dilation[1])
            sums[:, :, to_row, to_column] += spread[u, v, :, :, down, across]
        out[first : first + step] = sums.transpose(1, 2, 3, 0)


def conv2d_transpose(
    x: Any,
    kernel: Any,
    bias: Any = None,
    *,
    strides: Any = 1,
    padding: str = "valid",
    output_padding: Any = None,
    dilation: Any = 1,
    data_format: str = "channels_last",
) -> Array:
    """Transposed 2-D convolution with the sizes of `keras.layers.Conv2DTranspose`.

    x: (N, H, W, C), or (N, C, H, W) for data_format="channels_first".
    kernel: (kh, kw, F, C), Keras' layout: the output's channels before the input's. bias: (F,) or None.
    padding: "valid" or "same"; output_padding: an int or pair below the strides, or None for Keras' default size.

    Returns (N, OH, OW, F), or (N, F, OH, OW), with OH and OW as in `geometry.transposed_output_size`. It is the
    transpose of `conv2d` with the same kernel, not its inverse.

    >>> conv2d_transpose(np.ones((1, 1, 2, 1)), np.ones((1, 3, 1, 1)), strides=2)[0, 0, :, 0]
    array([1., 1., 2., 1., 1.])
    """
    x, kernel, spec = _prepare(x, kernel, strides, padding, output_padding, dilation, data_format)
    dtype, working = result_types(x, kernel)
    size = spec.output_size((x.shape[1], x.shape[2]))
    out = np.empty((len(x), *size, spec.filters), working)
    scatter(
        x.astype(working, copy=False),
        kernel.astype(working, copy=False).transpose(0, 1, 3, 2),
        out,
        strides=spec.strides,
        dilation=spec.dilation,
        origin=_origin(spec),
    )
    if bias is not None:
        out += check_bias(bias, spec.filters).astype(working, copy=False)
    return from_channels_last(out, data_format).astype(dtype, copy=False)


@blocks.own_threads()
def conv2d_transpose_gradients(
    x: Any,
    kernel: Any,
    upstream: Any,
    *,
    strides: Any = 1,
    padding: str = "valid",
    output_padding: Any = None,
    dilation: Any = 1,
    data_format: str = "channels_last",
) -> ConvGradients:
    """Gradients of `conv2d_transpose` for the gradient `upstream` with respect to its output.

    The transpose of a transpose is the convolution itself, so dx is a convolution of `upstream`. Shapes as in
    `conv2d_transpose`. Returns (dx, dkernel, dbias).
    """
    x, kernel, spec = _prepare(x, kernel, strides, padding, output_padding, dilation, data_format)
    size = spec.output_size((x.shape[1], x.shape[2]))
    upstream = check_upstream(upstream, (len(x), *spec.join_shape(size, spec.filters)))
    upstream = to_channels_last(upstream, spec.data_format)
    dtype, working = result_types(x, kernel, upstream)
    x, kernel, upstream = (a.astype(working, copy=False) for a in (x, kernel, upstream))
    geometry = {"strides": spec.strides, "dilation": spec.dilation, "origin": _origin(spec)}
    dx, dkernel = np.empty(x.shape, working), np.empty(kernel.shape, working)
    convolve(upstream, kernel, dx, **geometry)
    kernel_gradient(upstream, x, dkernel, **geometry)
    dbias = bias_gradient(upstream)
    return ConvGradients(from_channels_last(dx, spec.data_format), dkernel, dbias).astype(dtype)


def _prepare(x, kernel, strides, padding, output_padding, dilation, data_format) -> tuple[Array, Array, TransposeSpec]:
    kernel = check_kernel(kernel, "(height, width, filters, channels)")
    spec = TransposeSpec(
        kernel.shape[:2],
        kernel.shape[2],
        strides=strides,
        padding=padding,
        output_padding=output_padding,
        dilation=dilation,
        data_format=data_format,
    )
    x = to_channels_last(check_images(x, spec.data_format, kernel.shape[3]), spec.data_format)
    if x.shape[3] != kernel.shape[3]:
        swapped = x.shape[3] == kernel.shape[2]
        raise ConvlabError(
            f"x has {x.shape[3]} channels, but a transposed kernel of shape {kernel.shape} expects {kernel.shape[3]}: "
            "its layout is (height, width, filters, channels)"
            + ("; this one looks like a kernel of conv2d: kernel.transpose(0, 1, 3, 2)." if swapped else ".")
        )
    return x, kernel, spec


def _origin(spec: TransposeSpec) -> Pair:
    (top, _), (left, _) = spec.crops()
    return -top, -left
