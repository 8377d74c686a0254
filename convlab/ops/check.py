"""Look at the arrays before computing: what is wrong with them, and what they look like instead.

TensorFlow answers a missing axis with a message about another axis, computes a grouped convolution when the depth
does not match, and in some versions ends the process. Here every such case is one sentence that names the cure.
"""

from typing import Any

import numpy as np

from convlab.errors import ConvlabError
from convlab.geometry import ConvSpec

Array = np.ndarray


def as_numbers(value: Any, name: str) -> Array:
    """`value` as an array of real numbers, or an error that says what it holds instead."""
    try:
        array = np.asarray(value)
    except ValueError:
        raise ConvlabError(
            f"{name} is a nested list whose rows differ in length: an array needs rows of equal length."
        ) from None
    if array.dtype.kind in "biuf":
        return array
    kinds = {"c": "complex numbers", "O": "Python objects", "U": "text", "S": "bytes", "M": "dates", "m": "durations"}
    cures = {
        "c": "convolve its .real and .imag apart",
        "O": "build it from numbers of one kind in rows of equal length",
    }
    found, cure = kinds.get(array.dtype.kind, str(array.dtype)), cures.get(array.dtype.kind, "convert it to numbers")
    raise ConvlabError(f"{name} holds {found} (dtype {array.dtype}), but real numbers are needed: {cure}.")


def result_types(*arrays: Array) -> tuple[np.dtype, np.dtype]:
    """(type of the result, type to compute in) for operands of these types.

    The result has NumPy's common floating type; integers alone become float64, because integers are never multiplied
    as integers here: 200 + 200 overflows uint8 without a word. float16 is computed in float32 and rounded once.
    """
    common = np.result_type(*arrays)
    result = common if common.kind == "f" else np.dtype(np.float64)
    return result, np.promote_types(result, np.float32)


def check_images(x: Any, data_format: str, channels: int | None = None, name: str = "x") -> Array:
    """`x` as a 4-D batch of images in its own layout; `channels` is what the kernel expects, if it is known."""
    array = as_numbers(x, name)
    last = data_format == "channels_last"
    order = "(batch, height, width, channels)" if last else "(batch, channels, height, width)"
    if array.ndim == 4:
        if 0 in array.shape[1:]:
            raise ConvlabError(f"{name} has shape {array.shape}: height, width and channels must be at least 1.")
        return array
    raise ConvlabError(
        f"{name} must have four axes {order}, but has shape {array.shape}: {_missing(array, last, channels)}"
    )


def _missing(array: Array, last: bool, channels: int | None) -> str:
    """What an array without four axes looks like, and how to add what is missing."""
    if array.ndim == 2:
        index = "[np.newaxis, :, :, np.newaxis]" if last else "[np.newaxis, np.newaxis]"
        return f"it looks like one image without batch and channel axes; index it with {index}, or use correlate2d."
    if array.ndim == 3:
        depth = array.shape[-1 if last else 0]
        if depth == channels or (channels is None and depth <= 4):
            return "it looks like one image without a batch axis; index it with [np.newaxis]."
        index = "[..., np.newaxis]" if last else "[:, np.newaxis]"
        return f"it looks like a batch of images without a channel axis; index it with {index}."
    return f"an array with {array.ndim} axes is no batch of images."


def check_kernel(kernel: Any, shape_name: str = "(height, width, channels / groups, filters)") -> Array:
    """`kernel` as a 4-D array of numbers."""
    array = as_numbers(kernel, "kernel")
    if array.ndim != 4:
        hint = (
            "; a 2-D kernel for one channel becomes 4-D by kernel[:, :, np.newaxis, np.newaxis]"
            if array.ndim == 2
            else ""
        )
        raise ConvlabError(f"kernel must have four axes {shape_name}, but has shape {array.shape}{hint}.")
    if 0 in array.shape:
        raise ConvlabError(f"kernel has shape {array.shape}: every axis must be at least 1 long.")
    return array


def check_bias(bias: Any, filters: int) -> Array:
    """`bias` as one number a filter."""
    array = as_numbers(bias, "bias")
    if array.shape != (filters,):
        raise ConvlabError(
            f"bias must hold one number for each of the {filters} filters, shape ({filters},), "
            f"but has shape {array.shape}."
        )
    return array


def check_depth(x: Array, kernel: Array, spec: ConvSpec) -> None:
    """The channels of `x` must be what `kernel`, (kh, kw, C / groups, F), expects."""
    _, channels = spec.split_shape(x.shape[1:])
    depth = kernel.shape[2]
    if channels == depth * spec.groups:
        return
    other = x.shape[1] if spec.data_format == "channels_last" else x.shape[3]
    if kernel.shape[1] * spec.groups == channels and kernel.shape[2] != channels:
        hint = (
            "the kernel looks like (filters, channels, height, width), PyTorch's layout: kernel.transpose(2, 3, 1, 0)"
        )
    elif kernel.shape[3] == channels:
        hint = "the kernel looks like (height, width, filters, channels): kernel.transpose(0, 1, 3, 2)"
    elif other == depth * spec.groups:
        wanted = "channels_first" if spec.data_format == "channels_last" else "channels_last"
        hint = f"x looks like {wanted}: pass data_format={wanted!r} or move the channel axis"
    elif spec.groups == 1 and channels % depth == 0 and kernel.shape[3] % (channels // depth) == 0:
        hint = f"if a grouped convolution is meant, pass groups={channels // depth}"
    else:
        hint = "give the kernel as many channels as x has, divided by groups"
    raise ConvlabError(
        f"x of shape {x.shape} ({spec.data_format}) has {channels} channels, but kernel of shape {kernel.shape} "
        f"with groups={spec.groups} expects {depth * spec.groups}: {hint}."
    )


def check_upstream(upstream: Any, shape: tuple[int, ...]) -> Array:
    """The gradient with respect to the output, which has the output's shape."""
    array = as_numbers(upstream, "upstream")
    if array.shape != shape:
        raise ConvlabError(
            f"upstream is the gradient with respect to the output and must have its shape {shape}, "
            f"but has shape {array.shape}."
        )
    return array


def to_channels_last(x: Array, data_format: str) -> Array:
    """A view with the channels last."""
    return x if data_format == "channels_last" else x.transpose(0, 2, 3, 1)


def from_channels_last(x: Array, data_format: str) -> Array:
    """The inverse of `to_channels_last`, contiguous."""
    return x if data_format == "channels_last" else np.ascontiguousarray(x.transpose(0, 3, 1, 2))
