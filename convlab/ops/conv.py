"""`conv2d` and its gradients."""

from typing import Any, NamedTuple

import numpy as np

from convlab.geometry import ConvSpec
from convlab.geometry.normalize import Pads, Pair
from convlab.ops.check import (
    Array,
    as_numbers,
    check_bias,
    check_depth,
    check_images,
    check_kernel,
    check_upstream,
    float_type,
    from_channels_last,
    to_channels_last,
)
from convlab.ops.methods import convolve
from convlab.ops.transposed import scatter


class ConvGradients(NamedTuple):
    """Gradients of a loss with respect to the input, the kernel and the bias, each in the shape of its own."""

    dx: Array
    dkernel: Array
    dbias: Array


def conv2d(
    x: Any,
    kernel: Any,
    bias: Any = None,
    *,
    strides: Any = 1,
    padding: Any = "valid",
    dilation: Any = 1,
    groups: int = 1,
    data_format: str = "channels_last",
    method: str = "auto",
) -> Array:
    """2-D convolution as deep learning means it (a cross-correlation: the kernel is not flipped).

        y[n, i, j, f] = bias[f] + sum over u, v, c of  x[n, i s_h + u d_h, j s_w + v d_w, c]  kernel[u, v, c, f]

    x: (N, H, W, C), or (N, C, H, W) for data_format="channels_first".
    kernel: (kh, kw, C / groups, F). bias: (F,) or None.
    strides, dilation: an int or a pair (height, width), freely combined.
    padding: "valid", "same" (TensorFlow's rule), an int, a pair, or ((top, bottom), (left, right)) zeros.
    groups: the channels and the filters are cut into so many groups; group g of the filters sees group g of x.
    method: "auto" or one of `convlab.ops.METHODS`; all give the same numbers but for rounding.

    Returns (N, OH, OW, F), or (N, F, OH, OW), in the common floating type of x and kernel; integers are computed in
    float64, so nothing overflows. float16 is computed in float32 and rounded once.

    Raises `ConvlabError` for arrays or geometry that do not fit together.

    >>> conv2d(np.ones((1, 3, 4, 1)), np.ones((2, 2, 1, 1)))[0, :, :, 0]
    array([[4., 4., 4.],
           [4., 4., 4.]])
    """
    images, kernel, spec = _prepare(x, kernel, strides, padding, dilation, groups, data_format)
    size = (images.shape[1], images.shape[2])
    dtype = float_type(images, kernel)
    working = np.promote_types(dtype, np.float32)
    out = np.empty((len(images), *spec.output_size(size), spec.filters), working)
    _forward(images.astype(working, copy=False), kernel.astype(working, copy=False), out, spec, method)
    if bias is not None:
        out += check_bias(bias, spec.filters).astype(working, copy=False)
    return from_channels_last(out, data_format).astype(dtype, copy=False)


def _prepare(x, kernel, strides, padding, dilation, groups, data_format) -> tuple[Array, Array, ConvSpec]:
    """x with channels last, the kernel, and the geometry of both together; or an error that says what is wrong."""
    kernel = check_kernel(kernel)
    spec = ConvSpec(
        kernel.shape[:2],
        kernel.shape[3],
        strides=strides,
        padding=padding,
        dilation=dilation,
        groups=groups,
        data_format=data_format,
    )
    x = check_images(x, spec.data_format, kernel.shape[2] * spec.groups)
    check_depth(x, kernel, spec)
    return to_channels_last(x, spec.data_format), kernel, spec


def _forward(x: Array, kernel: Array, out: Array, spec: ConvSpec, method: str) -> None:
    (top, _), (left, _) = spec.pads((x.shape[1], x.shape[2]))
    for channels, filters in group_slices(spec.groups, x.shape[3], spec.filters):
        convolve(
            x[..., channels],
            kernel[..., filters],
            out[..., filters],
            strides=spec.strides,
            dilation=spec.dilation,
            origin=(-top, -left),
            method=method,
        )


def group_slices(groups: int, channels: int, filters: int) -> list[tuple[slice, slice]]:
    """(channels, filters) of each group: filter f belongs to group f // (F / groups)."""
    c, f = channels // groups, filters // groups
    return [(slice(g * c, (g + 1) * c), slice(g * f, (g + 1) * f)) for g in range(groups)]


def conv2d_gradients(
    x: Any,
    kernel: Any,
    upstream: Any,
    *,
    strides: Any = 1,
    padding: Any = "valid",
    dilation: Any = 1,
    groups: int = 1,
    data_format: str = "channels_last",
) -> ConvGradients:
    """Gradients of `conv2d` for the gradient `upstream` with respect to its output.

        dkernel[u, v, c, f] = sum over n, i, j of  x[n, i s_h + u d_h, j s_w + v d_w, c]  upstream[n, i, j, f]
        dx[n, a, b, c]      = sum over u, v, i, j, f with a = i s_h + u d_h, b = j s_w + v d_w
                              of  kernel[u, v, c, f]  upstream[n, i, j, f]
        dbias[f]            = sum over n, i, j of upstream[n, i, j, f]

    Shapes and arguments as in `conv2d`; upstream has the output's shape. Returns (dx, dkernel, dbias).
    """
    images, kernel, spec = _prepare(x, kernel, strides, padding, dilation, groups, data_format)
    size = (images.shape[1], images.shape[2])
    shape = (len(images), *spec.join_shape(spec.output_size(size), spec.filters))
    upstream = to_channels_last(check_upstream(upstream, shape), spec.data_format)
    dtype = float_type(images, kernel, upstream)
    working = np.promote_types(dtype, np.float32)
    images, kernel, upstream = (a.astype(working, copy=False) for a in (images, kernel, upstream))
    pads = spec.pads(size)
    dx = np.empty(images.shape, working)
    dkernel = np.empty(kernel.shape, working)
    for channels, filters in group_slices(spec.groups, images.shape[3], spec.filters):
        k, dy = kernel[..., filters], upstream[..., filters]
        scatter(dy, k, dx[..., channels], strides=spec.strides, dilation=spec.dilation, origin=_origin(pads))
        kernel_gradient(images[..., channels], dy, dkernel[..., filters], spec.strides, spec.dilation, _origin(pads))
    dbias = upstream.sum(axis=(0, 1, 2), dtype=working)
    return ConvGradients(
        from_channels_last(dx, spec.data_format).astype(dtype, copy=False),
        dkernel.astype(dtype, copy=False),
        dbias.astype(dtype, copy=False),
    )


def _origin(pads: Pads) -> Pair:
    return -pads[0][0], -pads[1][0]


def kernel_gradient(x: Array, upstream: Array, out: Array, strides: Pair, dilation: Pair, origin: Pair) -> None:
    """Fill out (kh, kw, C, F): for each offset of the kernel, the product of what it met with what came of it."""
    filters = upstream.shape[3]
    flat = np.ascontiguousarray(upstream).reshape(-1, filters)
    rows, columns = upstream.shape[1:3]
    for u, v in np.ndindex(*out.shape[:2]):
        met = np.zeros((len(x), rows, columns, x.shape[3]), x.dtype)
        here, there = zip(
            *(
                _overlap(x.shape[1 + a], n, strides[a], origin[a] + o * dilation[a])
                for a, (n, o) in enumerate([(rows, u), (columns, v)])
            ),
            strict=True,
        )
        met[:, here[0], here[1]] = x[:, there[0], there[1]]
        np.matmul(met.reshape(-1, x.shape[3]).T, flat, out=out[u, v])


def _overlap(size: int, outputs: int, stride: int, start: int) -> tuple[slice, slice]:
    """Which of `outputs` places start, start + stride, ... lie inside 0 .. size - 1, as (outputs, places) slices."""
    first = max(-(start // stride), 0)
    end = min((size - 1 - start) // stride + 1, outputs)
    if end <= first:
        return slice(0, 0), slice(0, 0)
    return slice(first, end), slice(start + first * stride, start + (end - 1) * stride + 1, stride)


def as_image(image: Any, name: str = "image") -> Array:
    return as_numbers(image, name)
