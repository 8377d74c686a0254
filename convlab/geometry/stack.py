"""The other layers of a convolutional network, described as `ConvSpec` describes a convolution.

Each has `output_shape`, `parameters` and `macs` for an input shape without its batch axis.
"""

from collections.abc import Iterable
from dataclasses import KW_ONLY, dataclass, field
from math import prod
from typing import Any

from convlab.errors import ConvlabError
from convlab.geometry.normalize import Pair, as_data_format, as_int, as_pair
from convlab.geometry.sizes import transposed_output_size, transposed_padding
from convlab.geometry.spec import ConvSpec, Shape, WindowSpec


@dataclass(frozen=True)
class DepthwiseSpec(WindowSpec):
    """`depth_multiplier` kernels for each channel on its own, as in `keras.layers.DepthwiseConv2D`."""

    _: KW_ONLY
    depth_multiplier: int = 1
    use_bias: bool = True

    def as_conv(self, channels: int) -> ConvSpec:
        """The same as a grouped convolution: one group a channel."""
        multiplier = as_int(self.depth_multiplier, "depth_multiplier", 1)
        return ConvSpec(
            self.kernel_size,
            channels * multiplier,
            strides=self.strides,
            padding=self.padding,
            dilation=self.dilation,
            groups=channels,
            use_bias=self.use_bias,
            data_format=self.data_format,
        )

    def _conv(self, input_shape: Shape) -> ConvSpec:
        return self.as_conv(self.split_shape(input_shape)[1])

    def output_shape(self, input_shape: Shape) -> Shape:
        return self._conv(input_shape).output_shape(input_shape)

    def parameters(self, input_shape: Shape) -> int:
        return self._conv(input_shape).parameters(input_shape)

    def macs(self, input_shape: Shape) -> int:
        return self._conv(input_shape).macs(input_shape)


@dataclass(frozen=True)
class SeparableSpec(WindowSpec):
    """A depthwise convolution, then a 1x1 convolution to `filters`, as in `keras.layers.SeparableConv2D`.

    >>> SeparableSpec(3, 32).parameters((28, 28, 16))
    688
    """

    filters: int = 1
    _: KW_ONLY
    depth_multiplier: int = 1
    use_bias: bool = True

    def steps(self) -> tuple[DepthwiseSpec, ConvSpec]:
        """The depthwise step, which has no bias, and the pointwise step."""
        depthwise = DepthwiseSpec(
            self.kernel_size,
            strides=self.strides,
            padding=self.padding,
            dilation=self.dilation,
            data_format=self.data_format,
            depth_multiplier=self.depth_multiplier,
            use_bias=False,
        )
        return depthwise, ConvSpec(1, self.filters, use_bias=self.use_bias, data_format=self.data_format)

    def output_shape(self, input_shape: Shape) -> Shape:
        depthwise, pointwise = self.steps()
        return pointwise.output_shape(depthwise.output_shape(input_shape))

    def parameters(self, input_shape: Shape) -> int:
        depthwise, pointwise = self.steps()
        return depthwise.parameters(input_shape) + pointwise.parameters(depthwise.output_shape(input_shape))

    def macs(self, input_shape: Shape) -> int:
        depthwise, pointwise = self.steps()
        return depthwise.macs(input_shape) + pointwise.macs(depthwise.output_shape(input_shape))


@dataclass(frozen=True)
class TransposeSpec(WindowSpec):
    """A transposed convolution, as in `keras.layers.Conv2DTranspose`; the kernel is (kh, kw, filters, channels)."""

    filters: int = 1
    _: KW_ONLY
    output_padding: Any = None
    use_bias: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "filters", as_int(self.filters, "filters", 1))
        if self.output_padding is not None:
            object.__setattr__(self, "output_padding", as_pair(self.output_padding, "output_padding", 0))

    def _axis_arguments(self, axis: int) -> tuple[int, int, Any, int | None, int]:
        extra = None if self.output_padding is None else self.output_padding[axis]
        return self.kernel_size[axis], self.strides[axis], self.padding, extra, self.dilation[axis]

    def crops(self) -> tuple[Pair, Pair]:
        """What is cut off the full output: ((top, bottom), (left, right))."""
        return transposed_padding(*self._axis_arguments(0)), transposed_padding(*self._axis_arguments(1))

    def output_size(self, size: Pair) -> Pair:
        """(height, width) of the output for an input of `size`."""
        return (
            transposed_output_size(size[0], *self._axis_arguments(0), axis="height"),
            transposed_output_size(size[1], *self._axis_arguments(1), axis="width"),
        )

    def kernel_shape(self, channels: int) -> Shape:
        """(kernel height, kernel width, filters, channels): Keras' layout, with the output before the input."""
        return (*self.kernel_size, self.filters, channels)

    def output_shape(self, input_shape: Shape) -> Shape:
        size, _ = self.split_shape(input_shape)
        return self.join_shape(self.output_size(size), self.filters)

    def parameters(self, input_shape: Shape) -> int:
        _, channels = self.split_shape(input_shape)
        return prod(self.kernel_shape(channels)) + self.filters * self.use_bias

    def macs(self, input_shape: Shape) -> int:
        """Each number of the *input* is multiplied by each weight of its channel."""
        size, channels = self.split_shape(input_shape)
        return prod(size) * prod(self.kernel_shape(channels))


@dataclass(frozen=True)
class PoolSpec(WindowSpec):
    """Max or average pooling (`kind` "max" or "average"). Strides default to the window, as in Keras."""

    strides: Any = None
    _: KW_ONLY
    kind: str = "max"

    def __post_init__(self) -> None:
        if self.strides is None:
            object.__setattr__(self, "strides", self.kernel_size)
        super().__post_init__()
        if self.kind not in ("max", "average"):
            raise ConvlabError(f"kind must be 'max' or 'average', but {self.kind!r} was given.")

    def output_shape(self, input_shape: Shape) -> Shape:
        size, channels = self.split_shape(input_shape)
        return self.join_shape(self.output_size(size), channels)

    def parameters(self, input_shape: Shape) -> int:
        return 0

    def macs(self, input_shape: Shape) -> int:
        return 0


@dataclass(frozen=True)
class ZeroPaddingSpec(WindowSpec):
    """Zeros around each map, as in `keras.layers.ZeroPadding2D`: a window of one cell that also slides over the zeros.

    >>> ZeroPaddingSpec(padding=((1, 0), (2, 2))).output_shape((5, 6, 3))
    (6, 10, 3)
    """

    kernel_size: Any = field(default=1, init=False)
    _: KW_ONLY
    strides: Any = field(default=1, init=False)
    padding: Any = 1
    dilation: Any = field(default=1, init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.padding, str):
            raise ConvlabError(
                f"ZeroPaddingSpec needs the number of zeros on each side, such as 1 or ((1, 1), (2, 2)), "
                f"but {self.padding!r} was given."
            )

    def output_shape(self, input_shape: Shape) -> Shape:
        size, channels = self.split_shape(input_shape)
        return self.join_shape(self.output_size(size), channels)

    def parameters(self, input_shape: Shape) -> int:
        return 0

    def macs(self, input_shape: Shape) -> int:
        return 0


@dataclass(frozen=True)
class GlobalPoolSpec:
    """One number a channel: the largest or the average of its whole feature map; keepdims: as a map of 1 x 1."""

    kind: str = "average"
    data_format: str = "channels_last"
    keepdims: bool = False

    def __post_init__(self) -> None:
        as_data_format(self.data_format)
        if self.kind not in ("max", "average"):
            raise ConvlabError(f"kind must be 'max' or 'average', but {self.kind!r} was given.")

    def output_shape(self, input_shape: Shape) -> Shape:
        window = WindowSpec(1, data_format=self.data_format)
        _, channels = window.split_shape(input_shape)
        return window.join_shape((1, 1), channels) if self.keepdims else (channels,)

    def parameters(self, input_shape: Shape) -> int:
        return 0

    def macs(self, input_shape: Shape) -> int:
        return 0


@dataclass(frozen=True)
class SameShapeSpec:
    """A layer that changes numbers but not the shape, and has nothing to learn."""

    def output_shape(self, input_shape: Shape) -> Shape:
        return tuple(input_shape)

    def parameters(self, input_shape: Shape) -> int:
        return 0

    def macs(self, input_shape: Shape) -> int:
        return 0


@dataclass(frozen=True)
class ActivationSpec(SameShapeSpec):
    """An activation function on each number."""

    function: str = "relu"


@dataclass(frozen=True)
class RescalingSpec(SameShapeSpec):
    """Each number times `scale` plus `offset`, which no multiply-accumulate is counted for."""

    scale: Any = 1 / 255
    offset: Any = 0.0


@dataclass(frozen=True)
class DropoutSpec(SameShapeSpec):
    """Dropout: nothing is dropped when the network is used, only while it learns."""

    rate: float = 0.5


@dataclass(frozen=True)
class BatchNormSpec(SameShapeSpec):
    """Batch normalization: gamma, beta, moving mean and moving variance for each channel of `axis`.

    Without `scale` there is no gamma, without `center` no beta.
    """

    axis: int = -1
    _: KW_ONLY
    center: bool = True
    scale: bool = True

    def parameters(self, input_shape: Shape) -> int:
        """4 C, of which 2 C are learned by gradient descent and 2 C are statistics."""
        channels = input_shape[self.axis if self.axis < 0 else self.axis - 1]
        return (2 + self.center + self.scale) * channels


@dataclass(frozen=True)
class FlattenSpec(SameShapeSpec):
    """All numbers in one row."""

    def output_shape(self, input_shape: Shape) -> Shape:
        return (prod(input_shape),)


@dataclass(frozen=True)
class DenseSpec:
    """A fully connected layer of `units` on a flat input."""

    units: int
    _: KW_ONLY
    use_bias: bool = True

    def output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) != 1:
            raise ConvlabError(
                f"DenseSpec needs a flat input (features,), but {tuple(input_shape)} was given: "
                "put a FlattenSpec() or GlobalPoolSpec() before it."
            )
        return (as_int(self.units, "units", 1),)

    def parameters(self, input_shape: Shape) -> int:
        return self.macs(input_shape) + self.units * self.use_bias

    def macs(self, input_shape: Shape) -> int:
        return prod(input_shape) * self.output_shape(input_shape)[0]


LayerSpec = (
    ConvSpec
    | DepthwiseSpec
    | SeparableSpec
    | TransposeSpec
    | PoolSpec
    | ZeroPaddingSpec
    | GlobalPoolSpec
    | SameShapeSpec
    | DenseSpec
)


def as_stack(stack: LayerSpec | Iterable[LayerSpec]) -> tuple[LayerSpec, ...]:
    """One layer or several as a tuple of layer descriptions."""
    layers = tuple(stack) if isinstance(stack, Iterable) else (stack,)
    for layer in layers:
        if not hasattr(layer, "output_shape") or not hasattr(layer, "macs"):
            raise ConvlabError(
                f"A stack is made of layer descriptions such as ConvSpec or PoolSpec, but it holds {layer!r}."
            )
    return layers
