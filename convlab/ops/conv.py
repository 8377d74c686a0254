"""`conv2d` and its gradients."""

from typing import Any

import numpy as np

from convlab.geometry import ConvSpec
from convlab.ops import blocks
from convlab.ops.blocks import Array, Pair
from convlab.ops.check import (
    check_bias,
    check_depth,
    check_images,
    check_kernel,
    check_upstream,
    from_channels_last,
    result_types,
    to_channels_last,
)
from convlab.ops.depthwise import convolve_depthwise, depthwise_gradients
from convlab.ops.kernel_gradient import ConvGradients, bias_gradient, kernel_gradient
from convlab.ops.methods import convolve
from convlab.ops.transposed import scatter


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
    dtype, working = result_types(images, kernel)
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
    geometry = {"strides": spec.strides, "dilation": spec.dilation, "origin": _origin(spec, x)}
    if method == "auto" and is_depthwise(kernel, spec.groups):
        convolve_depthwise(x, by_channel(kernel, spec.groups), out, **geometry)
        return
    for channels, filters in group_slices(spec.groups, x.shape[3], spec.filters):
        convolve(x[..., channels], kernel[..., filters], out[..., filters], **geometry, method=method)


def is_depthwise(kernel: Array, groups: int) -> bool:
    """One group a channel: each filter sees a single channel."""
    return groups > 1 and kernel.shape[2] == 1


def by_channel(kernel: Array, channels: int) -> Array:
    """A grouped kernel (kh, kw, 1, C M) as a depthwise one, (kh, kw, C, M): filter c M + m belongs to channel c."""
    return kernel.reshape(*kernel.shape[:2], channels, -1)


def _origin(spec: ConvSpec, x: Array) -> Pair:
    """Row and column of x where the first window starts."""
    (top, _), (left, _) = spec.pads((x.shape[1], x.shape[2]))
    return -top, -left


def group_slices(groups: int, channels: int, filters: int) -> list[tuple[slice, slice]]:
    """(channels, filters) of each group: filter f belongs to group f // (F / groups)."""
    c, f = channels // groups, filters // groups
    return [(slice(g * c, (g + 1) * c), slice(g * f, (g + 1) * f)) for g in range(groups)]


@blocks.own_threads()
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
    dtype, working = result_types(images, kernel, upstream)
    images, kernel, upstream = (a.astype(working, copy=False) for a in (images, kernel, upstream))
    geometry = {"strides": spec.strides, "dilation": spec.dilation, "origin": _origin(spec, images)}
    if is_depthwise(kernel, spec.groups):
        dx, dkernel = depthwise_gradients(images, by_channel(kernel, spec.groups), upstream, **geometry)
    else:
        dx, dkernel = np.empty(images.shape, working), np.empty(kernel.shape, working)
        for channels, filters in group_slices(spec.groups, images.shape[3], spec.filters):
            k, dy = kernel[..., filters], upstream[..., filters]
            scatter(dy, k.transpose(0, 1, 3, 2), dx[..., channels], **geometry)
            kernel_gradient(images[..., channels], dy, dkernel[..., filters], **geometry)
    dbias = bias_gradient(upstream)
    return ConvGradients(from_channels_last(dx, spec.data_format), dkernel.reshape(kernel.shape), dbias).astype(dtype)
