"""Depthwise convolution.

A depthwise convolution filters every channel on its own: channels are never mixed, so there is no matrix product to
lean on. It does kh kw multiplications for each number it writes, where a convolution with F filters does F times as
many for each number it reads. What bounds it in NumPy is one pass of `einsum` over the image for each offset of the
kernel, with its inner loop over a whole row; a compiled library keeps all offsets in registers and passes once.
"""

from collections.abc import Callable
from threading import Lock
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from convlab.errors import ConvlabError
from convlab.geometry import ConvSpec
from convlab.geometry.stack import DepthwiseSpec
from convlab.ops import blocks, offsets
from convlab.ops.blocks import Array, Block, Job, Pair
from convlab.ops.check import (
    check_bias,
    check_images,
    check_kernel,
    check_upstream,
    from_channels_last,
    result_types,
    to_channels_last,
)
from convlab.ops.kernel_gradient import ConvGradients, bias_gradient
from convlab.ops.transposed import scatter
from convlab.ops.windows import windows_of


def convolve_depthwise(x: Array, kernel: Array, out: Array, *, strides: Pair, dilation: Pair, origin: Pair) -> None:
    """Filter x (N, H, W, C) with kernel (kh, kw, C, M) into out (N, OH, OW, C M), channel c M + m from channel c."""
    job, filter_block = filtering(x, kernel, out, strides=strides, dilation=dilation, origin=origin)
    blocks.run([job], filter_block)


def filtering(
    x: Array, kernel: Array, out: Array, *, strides: Pair, dilation: Pair, origin: Pair
) -> tuple[Job, Callable[[Block], None]]:
    """The work of `convolve_depthwise`, and the algorithm that does a block of it."""
    multiplier = kernel.shape[3]
    if multiplier > 1:
        x = np.repeat(x, multiplier, axis=3)
    flat = np.ascontiguousarray(kernel).reshape(*kernel.shape[:2], -1, 1)
    job = Job(np.ascontiguousarray(x), flat, out, strides, dilation, origin)
    job.row_bytes = x.itemsize * 2 * out.shape[2] * x.shape[3]
    if strides[1] > 1:
        return job, _offsets
    job.weights = np.tile(flat[..., 0], out.shape[2])
    return job, _rows


def _rows(block: Block) -> None:
    """One pass an offset over whole rows (W C), which lie side by side in memory when columns are not skipped.

    `block.weights` is the kernel repeated along a row: (kh, kw, OW C).
    """
    images, rows, columns, channels = block.out.shape
    step_n, step_h, step_w, _ = block.x.strides
    windows = as_strided(
        block.x,
        (images, rows, *block.kernel.shape[:2], columns * channels),
        (step_n, step_h * block.strides[0], step_h * block.dilation[0], step_w * block.dilation[1], block.x.itemsize),
        writeable=False,
    )
    target = block.out
    if target.strides[2] != target.itemsize * channels:
        target = block.scratch("rows", block.out.shape)
    np.einsum("nhuvr,uvr->nhr", windows, block.weights, out=target.reshape(images, rows, -1))
    if target is not block.out:
        block.out[...] = target


def _offsets(block: Block) -> None:
    """The same where columns are skipped."""
    product = block.scratch("product", block.out.shape)
    block.out[...] = 0
    for u, v in np.ndindex(*block.kernel.shape[:2]):
        np.multiply(offsets.shifted(block.x, block, u, v), block.kernel[u, v, :, 0], out=product)
        block.out += product


def depthwise_gradients(
    x: Array, kernel: Array, upstream: Array, *, strides: Pair, dilation: Pair, origin: Pair
) -> tuple[Array, Array]:
    """(dx, dkernel) of `convolve_depthwise`, in the shapes of x and kernel."""
    channels, multiplier = kernel.shape[2:]
    geometry = {"strides": strides, "dilation": dilation, "origin": origin}
    spread = np.empty((*x.shape[:3], channels * multiplier), x.dtype)
    flat = kernel.reshape(*kernel.shape[:2], channels * multiplier, 1)
    scatter(upstream, flat, spread, **geometry, gather=convolve_depthwise)
    dx = spread.reshape(*x.shape, multiplier).sum(axis=4) if multiplier > 1 else spread
    return dx, _kernel_gradient(x, kernel.shape, upstream, **geometry)


def _kernel_gradient(
    x: Array, shape: tuple[int, ...], upstream: Array, *, strides: Pair, dilation: Pair, origin: Pair
) -> Array:
    """The gradient (kh, kw, C, M) of the kernel: what each offset met times what came of it, summed over places."""
    channels, multiplier = shape[2:]
    x = np.repeat(x, multiplier, axis=3) if multiplier > 1 else x
    flat = np.empty((*shape[:2], channels * multiplier, 1), x.dtype)
    job = Job(np.ascontiguousarray(x), flat, np.ascontiguousarray(upstream), strides, dilation, origin)
    job.row_bytes = 2 * x.itemsize * upstream.shape[2] * upstream.shape[3]
    sums = np.zeros((*shape[:2], upstream.shape[2], channels * multiplier), x.dtype)
    adding = Lock()

    def add(block: Block) -> None:
        part = np.einsum("nijuvc,nijc->uvjc", windows_of(block), block.out)
        with adding:
            np.add(sums, part, out=sums)

    blocks.run([job], add)
    return sums.sum(axis=2).reshape(shape)


def depthwise_conv2d(
    x: Any,
    kernel: Any,
    bias: Any = None,
    *,
    strides: Any = 1,
    padding: Any = "valid",
    dilation: Any = 1,
    data_format: str = "channels_last",
) -> Array:
    """Filter each channel on its own with its M kernels.

    x: (N, H, W, C), or (N, C, H, W) for data_format="channels_first".
    kernel: (kh, kw, C, M), with M the depth multiplier. bias: (C M,) or None.
    strides, padding and dilation as in `conv2d`.

    Returns (N, OH, OW, C M), or (N, C M, OH, OW); channel c M + m is channel c of x filtered by kernel[:, :, c, m].
    Source of the order: `tf.nn.depthwise_conv2d`.
    """
    x, kernel, spec = prepare(x, kernel, strides, padding, dilation, data_format)
    dtype, working = result_types(x, kernel)
    out = np.empty((len(x), *spec.output_size((x.shape[1], x.shape[2])), spec.filters), working)
    convolve_depthwise(x.astype(working, copy=False), kernel.astype(working, copy=False), out, **geometry(spec, x))
    if bias is not None:
        out += check_bias(bias, spec.filters).astype(working, copy=False)
    return from_channels_last(out, data_format).astype(dtype, copy=False)


@blocks.own_threads()
def depthwise_conv2d_gradients(
    x: Any,
    kernel: Any,
    upstream: Any,
    *,
    strides: Any = 1,
    padding: Any = "valid",
    dilation: Any = 1,
    data_format: str = "channels_last",
) -> ConvGradients:
    """Gradients (dx, dkernel, dbias) of `depthwise_conv2d`; upstream has its output's shape."""
    x, kernel, spec = prepare(x, kernel, strides, padding, dilation, data_format)
    size = spec.output_size((x.shape[1], x.shape[2]))
    upstream = check_upstream(upstream, (len(x), *spec.join_shape(size, spec.filters)))
    upstream = to_channels_last(upstream, spec.data_format)
    dtype, working = result_types(x, kernel, upstream)
    x, kernel, upstream = (a.astype(working, copy=False) for a in (x, kernel, upstream))
    dx, dkernel = depthwise_gradients(x, kernel, upstream, **geometry(spec, x))
    dbias = bias_gradient(upstream)
    return ConvGradients(from_channels_last(dx, spec.data_format), dkernel, dbias).astype(dtype)


def prepare(x, kernel, strides, padding, dilation, data_format) -> tuple[Array, Array, ConvSpec]:
    """x with channels last, the kernel, and the geometry as a convolution with a group for each channel."""
    kernel = check_kernel(kernel, "(height, width, channels, depth multiplier)")
    window = DepthwiseSpec(
        kernel.shape[:2],
        strides=strides,
        padding=padding,
        dilation=dilation,
        data_format=data_format,
        depth_multiplier=kernel.shape[3],
    )
    x = to_channels_last(check_images(x, window.data_format, kernel.shape[2]), window.data_format)
    if x.shape[3] != kernel.shape[2]:
        raise ConvlabError(
            f"x has {x.shape[3]} channels, but a depthwise kernel of shape {kernel.shape}, which is "
            f"(height, width, channels, depth multiplier), has {kernel.shape[2]}: give a kernel for each channel."
        )
    return x, kernel, window.as_conv(kernel.shape[2])


def geometry(spec: ConvSpec, x: Array) -> dict[str, Pair]:
    """Where the windows of `spec` lie on x, as the algorithms take it."""
    (top, _), (left, _) = spec.pads((x.shape[1], x.shape[2]))
    return {"strides": spec.strides, "dilation": spec.dilation, "origin": (-top, -left)}
