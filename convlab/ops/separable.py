"""Pointwise and separable convolution, put together from the others.

A depthwise convolution filters every channel on its own; a pointwise one mixes the channels of every pixel. One after
the other they are a separable convolution, with kh kw C M + C M F weights where a full one has kh kw C F.
"""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from convlab.errors import ConvlabError
from convlab.ops import blocks, depthwise
from convlab.ops.blocks import Array, Block, Pair
from convlab.ops.check import as_numbers, check_bias, from_channels_last, result_types
from convlab.ops.conv import conv2d, conv2d_gradients
from convlab.ops.depthwise import depthwise_conv2d, depthwise_conv2d_gradients
from convlab.ops.im2col import multiply
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
    x, depthwise_kernel, spec = depthwise.prepare(x, depthwise_kernel, strides, padding, dilation, data_format)
    mixing = _one_by_one(pointwise_kernel)[0, 0]
    if len(mixing) != spec.filters:
        raise ConvlabError(
            f"the depthwise kernel of shape {depthwise_kernel.shape} gives {spec.filters} channels, but the pointwise "
            f"kernel takes {len(mixing)}: its shape must be (1, 1, {spec.filters}, filters)."
        )
    dtype, working = result_types(x, depthwise_kernel, mixing)
    x, depthwise_kernel, mixing = (a.astype(working, copy=False) for a in (x, depthwise_kernel, mixing))
    out = np.empty((len(x), *spec.output_size((x.shape[1], x.shape[2])), mixing.shape[1]), working)
    _filter_and_mix(x, depthwise_kernel, np.ascontiguousarray(mixing), out, depthwise.geometry(spec, x))
    if bias is not None:
        out += check_bias(bias, mixing.shape[1]).astype(working, copy=False)
    return from_channels_last(out, data_format).astype(dtype, copy=False)


def _filter_and_mix(x: Array, kernel: Array, mixing: Array, out: Array, geometry: dict[str, Pair]) -> None:
    """Mix each block's channels while they are still in the cache: the filtered image is never built as a whole."""
    job, filter_block = depthwise.filtering(x, kernel, out, **geometry)
    job.row_bytes += out.itemsize * out.shape[2] * out.shape[3]

    def both(block: Block) -> None:
        filtered = block.scratch("filtered", (*block.out.shape[:3], len(mixing)))
        filter_block(replace(block, out=filtered))
        multiply(filtered.reshape(-1, len(mixing)), mixing, block.out, block.scratch)

    blocks.run([job], both)


@blocks.own_threads()
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
