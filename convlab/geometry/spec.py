"""`ConvSpec`: the one description of a convolution that the whole package shares."""

from dataclasses import KW_ONLY, dataclass
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from convlab.errors import ConvlabError
from convlab.geometry.normalize import AXES, Pads, Pair, as_data_format, as_int, as_padding, as_pair
from convlab.geometry.sizes import effective_kernel, output_size, padding_amounts

Shape = tuple[int, ...]


def activation_bytes(shape: Shape, dtype: Any = "float32") -> int:
    """Bytes that an array of this shape takes.

    >>> activation_bytes((26, 26, 32))
    86528
    """
    return prod(shape) * np.dtype(dtype).itemsize


@dataclass(frozen=True)
class WindowSpec:
    """A window that slides over height and width: what convolution and pooling have in common.

    Integers stand for both axes. After construction kernel_size, strides and dilation are pairs (height, width), and
    padding is "valid", "same" or ((top, bottom), (left, right)).
    """

    kernel_size: Any
    _: KW_ONLY
    strides: Any = 1
    padding: Any = "valid"
    dilation: Any = 1
    data_format: str = "channels_last"

    def __post_init__(self) -> None:
        object.__setattr__(self, "kernel_size", as_pair(self.kernel_size, "kernel_size"))
        object.__setattr__(self, "strides", as_pair(self.strides, "strides"))
        object.__setattr__(self, "padding", as_padding(self.padding))
        object.__setattr__(self, "dilation", as_pair(self.dilation, "dilation"))
        object.__setattr__(self, "data_format", as_data_format(self.data_format))

    @property
    def effective_kernel(self) -> Pair:
        """(height, width) that the dilated kernel spans."""
        height, width = map(effective_kernel, self.kernel_size, self.dilation)
        return height, width

    def _axis(self, axis: int) -> tuple[int, int, Any, int]:
        """(kernel, stride, padding, dilation) along one axis, in the order that `sizes` takes them."""
        padding = self.padding if isinstance(self.padding, str) else self.padding[axis]
        return self.kernel_size[axis], self.strides[axis], padding, self.dilation[axis]

    def pads(self, size: Pair) -> Pads:
        """Zeros ((top, bottom), (left, right)) for an input of `size` (height, width)."""
        return _pads(self, (size[0], size[1]))

    def output_size(self, size: Pair) -> Pair:
        """(height, width) of the output for an input of `size` (height, width)."""
        return _output_size(self, (size[0], size[1]))

    def split_shape(self, input_shape: Shape) -> tuple[Pair, int]:
        """((height, width), channels) of an input shape without its batch axis, by `data_format`."""
        if len(input_shape) != 3:
            order = "(height, width, channels)" if self.data_format == "channels_last" else "(channels, height, width)"
            raise ConvlabError(
                f"{type(self).__name__} needs an input shape {order}, without the batch axis, "
                f"but {tuple(input_shape)} was given."
            )
        if self.data_format == "channels_last":
            height, width, channels = input_shape
        else:
            channels, height, width = input_shape
        return (height, width), as_int(channels, "the number of channels", 1)

    def join_shape(self, size: Pair, channels: int) -> Shape:
        """The inverse of `split_shape`."""
        return (*size, channels) if self.data_format == "channels_last" else (channels, *size)


# A network asks for the same few sizes again and again, and for a small image the answer costs more than the products.
@lru_cache(maxsize=4096)
def _pads(spec: WindowSpec, size: Pair) -> Pads:
    height, width = (padding_amounts(size[a], *spec._axis(a), axis=AXES[a]) for a in (0, 1))
    return height, width


@lru_cache(maxsize=4096)
def _output_size(spec: WindowSpec, size: Pair) -> Pair:
    height, width = (output_size(size[a], *spec._axis(a), axis=AXES[a]) for a in (0, 1))
    return height, width


@dataclass(frozen=True)
class ConvSpec(WindowSpec):
    """A 2-D convolution: `filters` kernels of `kernel_size`, as in `keras.layers.Conv2D`.

    Shapes here are without the batch axis, as in `keras.Input`: (height, width, channels), or
    (channels, height, width) for data_format="channels_first".

    >>> conv = ConvSpec(3, 64, strides=2, padding="same")
    >>> conv.output_shape((28, 28, 32))
    (14, 14, 64)
    >>> conv.parameters((28, 28, 32))
    18496
    """

    filters: int = 1
    _: KW_ONLY
    groups: int = 1
    use_bias: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "filters", as_int(self.filters, "filters", 1))
        object.__setattr__(self, "groups", as_int(self.groups, "groups", 1))
        if self.filters % self.groups:
            raise ConvlabError(
                f"groups={self.groups} must divide filters={self.filters}: "
                f"use {self.groups * max(round(self.filters / self.groups), 1)} filters or fewer groups."
            )

    def kernel_shape(self, channels: int) -> Shape:
        """(kernel height, kernel width, channels per group, filters), the layout called HWIO."""
        if channels % self.groups:
            raise ConvlabError(
                f"groups={self.groups} must divide the {channels} channels of the input: "
                "use fewer groups, or a layer before this one with other filters."
            )
        return (*self.kernel_size, channels // self.groups, self.filters)

    def output_shape(self, input_shape: Shape) -> Shape:
        """Shape of the output for an input of `input_shape`."""
        size, channels = self.split_shape(input_shape)
        self.kernel_shape(channels)
        return self.join_shape(self.output_size(size), self.filters)

    def parameters(self, input_shape: Shape) -> int:
        """Weights, and one bias a filter: kh kw (C / groups) F + F. The image's size does not matter."""
        _, channels = self.split_shape(input_shape)
        return prod(self.kernel_shape(channels)) + self.filters * self.use_bias

    def macs(self, input_shape: Shape) -> int:
        """Multiply-accumulates for one image: kh kw (C / groups) for each number of the output.

        Products with padded zeros count, additions of the bias do not.
        """
        size, channels = self.split_shape(input_shape)
        return prod(self.output_size(size)) * prod(self.kernel_shape(channels))

    def flops(self, input_shape: Shape) -> int:
        """Floating-point operations for one image: two a multiply-accumulate."""
        return 2 * self.macs(input_shape)
