"""Pointwise and separable convolution, put together from the others.

A depthwise convolution filters every channel on its own; a pointwise one mixes the channels of every pixel. One after
the other they are a separable convolution, with kh kw C M + C M F weights where a full one has kh kw C F.
"""

from typing import Any, NamedTuple

from convlab.errors import ConvlabError
from convlab.ops.blocks import Array
from convlab.ops.check import as_numbers
from convlab.ops.conv import conv2d, conv2d_gradients
from convlab.ops.depthwise import depthwise_conv2d, depthwise_conv2d_gradients
from convlab.ops.kernel_gradient import ConvGradients


class SeparableGradients(NamedTuple):
    """Gradients of a loss with respect to the input, both kernels and the bias, each in the shape of its own."""

    dx: Array
    ddepthwise: Array
    dpointwise: Array
    dbias: Array


def pointwise_conv2d(
    x: Any, kernel: Any, bias: Any = None, *, strides: Any = 1, data_format: str = "channels_last"
) -> Array:
    """Mix the channels of each pixel: a convolution with 1x1 kernels, so one matrix product for all pixels.

    x: (N, H, W, C) or (N, C, H, W); kernel: (1, 1, C, F) or (C, F); bias: (F,) or None.
    Returns (N, OH, OW, F) or (N, F, OH, OW).
    """
    return conv2d(x, _one_by_one(kernel), bias, strides=strides, data_format=data_format)


def pointwise_conv2d_gradients(
    x: Any, kernel: Any, upstream: Any, *, strides: Any = 1, data_format: str = "channels_last"
) -> ConvGradients:
    """Gradients (dx, dkernel, dbias) of `pointwise_conv2d`; dkernel has the shape of `kernel`."""
    gradients = conv2d_gradients(x, _one_by_one(kernel), upstream, strides=strides, data_format=data_format)
    return gradients._replace(dkernel=gradients.dkernel.reshape(as_numbers(kernel, "kernel").shape))


def _one_by_one(kernel: Any) -> Array:
    """A pointwise kernel as (1, 1, C, F)."""
    array = as_numbers(kernel, "kernel")
    if array.ndim == 2:
        return array[None, None]
    if array.ndim != 4 or array.shape[:2] != (1, 1):
        raise ConvlabError(
            f"A pointwise kernel has shape (1, 1, channels, filters) or (channels, filters), but {array.shape} was "
            "given: use conv2d for larger kernels."
        )
    return array


def separable_conv2d(
    x: Any,
    depthwise_kernel: Any,
    pointwise_kernel: Any,
    bias: Any = None,
    *,
    strides: Any = 1,
    padding: Any = "valid",
    dilation: Any = 1,
    data_format: str = "channels_last",
) -> Array:
    """A depthwise convolution, then a pointwise one, with nothing in between.

    x: (N, H, W, C) or (N, C, H, W); depthwise_kernel: (kh, kw, C, M); pointwise_kernel: (1, 1, C M, F) or (C M, F);
    bias: (F,) or None. strides, padding and dilation belong to the depthwise step, as in `tf.nn.separable_conv2d`.
    Returns (N, OH, OW, F) or (N, F, OH, OW).
    """
    filtered = depthwise_conv2d(
        x, depthwise_kernel, strides=strides, padding=padding, dilation=dilation, data_format=data_format
    )
    return pointwise_conv2d(filtered, pointwise_kernel, bias, data_format=data_format)


def separable_conv2d_gradients(
    x: Any,
    depthwise_kernel: Any,
    pointwise_kernel: Any,
    upstream: Any,
    *,
    strides: Any = 1,
    padding: Any = "valid",
    dilation: Any = 1,
    data_format: str = "channels_last",
) -> SeparableGradients:
    """Gradients (dx, ddepthwise, dpointwise, dbias) of `separable_conv2d`: back through one step, then the other."""
    geometry = {"strides": strides, "padding": padding, "dilation": dilation, "data_format": data_format}
    filtered = depthwise_conv2d(x, depthwise_kernel, **geometry)
    outer = pointwise_conv2d_gradients(filtered, pointwise_kernel, upstream, data_format=data_format)
    inner = depthwise_conv2d_gradients(x, depthwise_kernel, outer.dx, **geometry)
    return SeparableGradients(inner.dx, inner.dkernel, outer.dkernel, outer.dbias)
