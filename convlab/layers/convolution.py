"""Convolution layers with every argument of Keras' own.

output = activation(convolution(input, kernel) + bias)
"""

from collections.abc import Callable
from typing import Any, ClassVar

from convlab import ops
from convlab.errors import ConvlabError
from convlab.geometry import ConvSpec, DepthwiseSpec, SeparableSpec, TransposeSpec
from convlab.geometry.normalize import as_int, as_pair
from convlab.layers import activations, constraints, initializers, regularizers
from convlab.layers.base import Array, Layer, Shape, data_format_or_default


class _Convolution(Layer):
    """What all convolution layers share: one or two kernels, a bias, an activation, and their regularizers.

    A subclass names its kernels in KERNELS; "kernel" has the arguments kernel_initializer, kernel_regularizer and
    kernel_constraint, "depthwise_kernel" those that begin with "depthwise".
    """

    KERNELS: ClassVar[tuple[str, ...]] = ("kernel",)

    def __init__(
        self,
        kernel_size: Any,
        strides: Any,
        padding: Any,
        data_format: str | None,
        dilation_rate: Any,
        activation: Any,
        use_bias: bool,
        activity_regularizer: Any,
        name: str | None,
        dtype: Any,
        **of_weights: Any,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self.kernel_size, self.strides = as_pair(kernel_size, "kernel_size"), as_pair(strides, "strides")
        self.padding = padding.lower() if isinstance(padding, str) else padding
        self.data_format = data_format_or_default(data_format)
        self.dilation_rate = as_pair(dilation_rate, "dilation_rate")
        self.activation = activations.get(activation)
        self.use_bias = bool(use_bias)
        self.activity_regularizer = regularizers.get(activity_regularizer)
        getters = {"initializer": initializers.get, "regularizer": regularizers.get, "constraint": constraints.get}
        for argument, value in of_weights.items():  # such as kernel_initializer
            setattr(self, argument, getters[argument.rpartition("_")[2]](value))

    # What a subclass says

    convolve: ClassVar[Callable[..., Array]]  # output of (x, kernels..., bias)
    convolve_gradients: ClassVar[Callable[..., Any]]  # (dx, of each kernel, dbias) of (x, kernels..., upstream)

    def spec(self) -> Any:
        """The geometry of this layer as `convlab.geometry` describes it."""
        raise NotImplementedError

    def kernel_shapes(self, channels: int) -> tuple[tuple[int, ...], ...]:
        """Shapes of the kernels for an input of so many channels."""
        return (self.spec().kernel_shape(channels),)

    def geometry(self) -> dict[str, Any]:
        """What the layer's operation and its description have in common."""
        return {
            "strides": self.strides,
            "padding": self.padding,
            "dilation": self.dilation_rate,
            "data_format": self.data_format,
        }

    # What follows from it

    def _of(self, weight: str, what: str) -> Any:
        return getattr(self, f"{weight.removesuffix('_kernel')}_{what}")

    def _add(self, weight: str, shape: tuple[int, ...]) -> None:
        parts = (self._of(weight, what) for what in ("initializer", "regularizer", "constraint"))
        self.add_weight(weight, shape, *parts)

    def build(self, input_shape: Shape) -> None:
        output_shape = self.compute_output_shape(input_shape)  # refuses impossible geometry before weights are made
        for kernel, shape in zip(self.KERNELS, self.kernel_shapes(self._channels(input_shape)), strict=True):
            self._add(kernel, shape)
        if self.use_bias:
            filters = output_shape[-1 if self.data_format == "channels_last" else 1]
            self._add("bias", (filters,))

    def _channels(self, input_shape: Shape) -> int:
        if len(input_shape) != 4:
            order = "height, width, channels" if self.data_format == "channels_last" else "channels, height, width"
            raise ConvlabError(
                f"{self.name} needs an input of four axes (batch, {order}), but got shape {input_shape}: add the axis "
                "that is missing, such as x[..., np.newaxis] for grey images."
            )
        return input_shape[-1 if self.data_format == "channels_last" else 1]

    def check_input(self, input_shape: Shape) -> None:
        built_for, given = self._channels(self.input_shape or input_shape), self._channels(input_shape)
        if built_for != given:
            raise ConvlabError(f"{self.name} was built for {built_for} channels, but the input has {given}.")

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        self._channels(input_shape)
        return (input_shape[0], *self.spec().output_shape(input_shape[1:]))

    def forward(self, x: Array, training: bool) -> Array:
        z = type(self).convolve(x, *(w.value for w in self.weights), **self.geometry())
        y = self.activation(z)
        self._saved = x, z, y
        return y

    def __call__(self, x: Any, training: bool = False) -> Array:
        y = super().__call__(x, training)
        if self.activity_regularizer is not None:  # by image, so that the batch size does not matter
            self.losses.append(self.activity_regularizer(y) / len(y))
        return y

    def backward_through(self, upstream: Array) -> Array:
        x, z, y = self._saved
        self.check_upstream(upstream, y)
        if self.activity_regularizer is not None:
            upstream = upstream + self.activity_regularizer.gradient(y) / len(y)
        dz = self.activation.backward(z, y, upstream).astype(self.dtype, copy=False)
        kernels = [w.value for w in self.weights[: len(self.KERNELS)]]
        dx, *gradients = type(self).convolve_gradients(x, *kernels, dz, **self.geometry())
        for w, gradient in zip(self.weights, gradients, strict=False):  # the last gradient is the bias's
            w.gradient = gradient
        return dx


class Conv2D(_Convolution):
    """2-D convolution with `filters` kernels, as `keras.layers.Conv2D`.

    Input (N, H, W, C), kernel (kh, kw, C / groups, filters), bias (filters,), output (N, OH, OW, filters); with
    data_format="channels_first" (N, C, H, W) and (N, filters, OH, OW). padding is "valid" or "same"; other than
    Keras' own it may also be an int or ((top, bottom), (left, right)), and strides go together with dilation.

    Raises `ConvlabError` for arguments that Keras would refuse too, and names them.
    """

    convolve = staticmethod(ops.conv2d)
    convolve_gradients = staticmethod(ops.conv2d_gradients)

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = (1, 1),
        padding: Any = "valid",
        data_format: str | None = None,
        dilation_rate: Any = (1, 1),
        groups: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        *,
        name: str | None = None,
        dtype: Any = "float32",
    ) -> None:
        self.filters, self.groups = as_int(filters, "filters", 1), as_int(groups, "groups", 1)
        super().__init__(
            kernel_size,
            strides,
            padding,
            data_format,
            dilation_rate,
            activation,
            use_bias,
            activity_regularizer,
            name,
            dtype,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint,
        )
        self.spec()

    def geometry(self) -> dict[str, Any]:
        return super().geometry() | {"groups": self.groups}

    def spec(self) -> ConvSpec:
        return ConvSpec(self.kernel_size, self.filters, use_bias=self.use_bias, **self.geometry())


class DepthwiseConv2D(_Convolution):
    """`depth_multiplier` kernels for each channel on its own, as `keras.layers.DepthwiseConv2D`.

    Kernel (kh, kw, C, M), bias (C M,), output (N, OH, OW, C M): channel c's maps are c M to c M + M - 1.
    """

    KERNELS = ("depthwise_kernel",)
    convolve = staticmethod(ops.depthwise_conv2d)
    convolve_gradients = staticmethod(ops.depthwise_conv2d_gradients)

    def __init__(
        self,
        kernel_size: Any,
        strides: Any = (1, 1),
        padding: Any = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        dilation_rate: Any = (1, 1),
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        bias_constraint: Any = None,
        *,
        name: str | None = None,
        dtype: Any = "float32",
    ) -> None:
        self.depth_multiplier = as_int(depth_multiplier, "depth_multiplier", 1)
        super().__init__(
            kernel_size,
            strides,
            padding,
            data_format,
            dilation_rate,
            activation,
            use_bias,
            activity_regularizer,
            name,
            dtype,
            depthwise_initializer=depthwise_initializer,
            bias_initializer=bias_initializer,
            depthwise_regularizer=depthwise_regularizer,
            bias_regularizer=bias_regularizer,
            depthwise_constraint=depthwise_constraint,
            bias_constraint=bias_constraint,
        )
        self.spec()

    def spec(self) -> DepthwiseSpec:
        multiplier = self.depth_multiplier
        return DepthwiseSpec(self.kernel_size, depth_multiplier=multiplier, use_bias=self.use_bias, **self.geometry())

    def kernel_shapes(self, channels: int) -> tuple[tuple[int, ...], ...]:
        return ((*self.kernel_size, channels, self.depth_multiplier),)


class SeparableConv2D(_Convolution):
    """A depthwise convolution, then a 1x1 convolution, as `keras.layers.SeparableConv2D`.

    Kernels (kh, kw, C, M) and (1, 1, C M, filters), bias (filters,). There is no activation between the two.
    """

    KERNELS = ("depthwise_kernel", "pointwise_kernel")
    convolve = staticmethod(ops.separable_conv2d)
    convolve_gradients = staticmethod(ops.separable_conv2d_gradients)

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = (1, 1),
        padding: Any = "valid",
        data_format: str | None = None,
        dilation_rate: Any = (1, 1),
        depth_multiplier: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        pointwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        pointwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        pointwise_constraint: Any = None,
        bias_constraint: Any = None,
        *,
        name: str | None = None,
        dtype: Any = "float32",
    ) -> None:
        self.filters = as_int(filters, "filters", 1)
        self.depth_multiplier = as_int(depth_multiplier, "depth_multiplier", 1)
        super().__init__(
            kernel_size,
            strides,
            padding,
            data_format,
            dilation_rate,
            activation,
            use_bias,
            activity_regularizer,
            name,
            dtype,
            depthwise_initializer=depthwise_initializer,
            pointwise_initializer=pointwise_initializer,
            bias_initializer=bias_initializer,
            depthwise_regularizer=depthwise_regularizer,
            pointwise_regularizer=pointwise_regularizer,
            bias_regularizer=bias_regularizer,
            depthwise_constraint=depthwise_constraint,
            pointwise_constraint=pointwise_constraint,
            bias_constraint=bias_constraint,
        )
        self.spec()

    def spec(self) -> SeparableSpec:
        multiplier, bias = self.depth_multiplier, self.use_bias
        return SeparableSpec(
            self.kernel_size, self.filters, depth_multiplier=multiplier, use_bias=bias, **self.geometry()
        )

    def kernel_shapes(self, channels: int) -> tuple[tuple[int, ...], ...]:
        depth = channels * self.depth_multiplier
        return (*self.kernel_size, channels, self.depth_multiplier), (1, 1, depth, self.filters)


class Conv2DTranspose(_Convolution):
    """Transposed convolution, as `keras.layers.Conv2DTranspose`: the gradient of a convolution as a layer.

    Kernel (kh, kw, filters, C), the output's depth first, bias (filters,). padding "valid" or "same".
    """

    convolve = staticmethod(ops.conv2d_transpose)
    convolve_gradients = staticmethod(ops.conv2d_transpose_gradients)

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = (1, 1),
        padding: str = "valid",
        output_padding: Any = None,
        data_format: str | None = None,
        dilation_rate: Any = (1, 1),
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        *,
        name: str | None = None,
        dtype: Any = "float32",
    ) -> None:
        self.filters = as_int(filters, "filters", 1)
        self.output_padding = None if output_padding is None else as_pair(output_padding, "output_padding", 0)
        super().__init__(
            kernel_size,
            strides,
            padding,
            data_format,
            dilation_rate,
            activation,
            use_bias,
            activity_regularizer,
            name,
            dtype,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint,
        )
        self.spec()

    def geometry(self) -> dict[str, Any]:
        return super().geometry() | {"output_padding": self.output_padding}

    def spec(self) -> TransposeSpec:
        return TransposeSpec(self.kernel_size, self.filters, use_bias=self.use_bias, **self.geometry())
