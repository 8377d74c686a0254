"""The layers around the convolutions: Input, Rescaling, ZeroPadding2D, Dense, Flatten, activations, dropout."""

from math import prod
from typing import Any

import numpy as np

from convlab.errors import ConvlabError
from convlab.geometry import ZeroPaddingSpec
from convlab.geometry.normalize import as_int
from convlab.layers import activations, constraints, initializers, regularizers
from convlab.layers.base import Array, Layer, Shape, data_format_or_default
from convlab.layers.random import generator


class Input(Layer):
    """Says the shape of what goes in, without the batch axis, so that a model can be built before it sees data."""

    def __init__(self, shape: Any, *, name: str | None = None, dtype: Any = "float32") -> None:
        super().__init__(name=name, dtype=dtype)
        self.shape = tuple(shape)
        self.input_shape = (None, *self.shape)

    def check_input(self, input_shape: Shape) -> None:
        if tuple(input_shape[1:]) != self.shape:
            raise ConvlabError(
                f"the model takes inputs of shape {self.shape} each, but got {tuple(input_shape[1:])}: "
                "add or remove an axis, such as x[..., np.newaxis] for grey images."
            )

    def forward(self, x: Array, training: bool) -> Array:
        self._saved = True
        return x

    def backward_through(self, upstream: Array) -> Array:
        return upstream


class Rescaling(Layer):
    """Each number times `scale` plus `offset`, as `keras.layers.Rescaling`: bytes to 0 to 1 by a scale of 1 / 255.

    Either may be a list with an entry for each channel, of channels_last images.
    """

    def __init__(self, scale: Any, offset: Any = 0.0, *, name: str | None = None, dtype: Any = "float32") -> None:
        super().__init__(name=name, dtype=dtype)
        try:
            self._scale, self._offset = np.asarray(scale, self.dtype), np.asarray(offset, self.dtype)
        except (TypeError, ValueError):
            raise ConvlabError(
                f"scale and offset are numbers or lists of numbers, but {scale!r} and {offset!r} were given."
            ) from None
        self.scale, self.offset = np.asarray(scale).tolist(), np.asarray(offset).tolist()

    def forward(self, x: Array, training: bool) -> Array:
        self._saved = True
        return x * self._scale + self._offset

    def backward_through(self, upstream: Array) -> Array:
        return upstream * self._scale


class ZeroPadding2D(Layer):
    """Zeros around each map, as `keras.layers.ZeroPadding2D`.

    padding: so many on every side, (height, width) on both sides of each axis, or ((top, bottom), (left, right)).
    Input (N, H, W, C), output (N, H + top + bottom, W + left + right, C); channels_first alike.
    """

    def __init__(
        self,
        padding: Any = (1, 1),
        data_format: str | None = None,
        *,
        name: str | None = None,
        dtype: Any = "float32",
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self.data_format = data_format_or_default(data_format)
        self._spec = ZeroPaddingSpec(padding=padding, data_format=self.data_format)
        self.padding = self._spec.padding

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], *self._spec.output_shape(input_shape[1:]))

    def forward(self, x: Array, training: bool) -> Array:
        self.compute_output_shape(x.shape)  # refuses what is no image
        none, (height, width) = (0, 0), self.padding
        last = self.data_format == "channels_last"
        pads = (none, height, width, none) if last else (none, none, height, width)
        self._saved = tuple(slice(before, before + n) for (before, _), n in zip(pads, x.shape, strict=True))
        return np.pad(x, pads)

    def backward_through(self, upstream: Array) -> Array:
        return upstream[self._saved]


class Dense(Layer):
    """Every input to every unit: activation(x @ kernel + bias) over the last axis, as `keras.layers.Dense`.

    Input (N, ..., inputs), kernel (inputs, units), bias (units,), output (N, ..., units).
    """

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        *,
        name: str | None = None,
        dtype: Any = "float32",
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self.units = as_int(units, "units", 1)
        self.activation = activations.get(activation)
        self.use_bias = bool(use_bias)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)

    def build(self, input_shape: Shape) -> None:
        inputs: int = input_shape[-1]
        shape = (inputs, self.units)
        self.add_weight("kernel", shape, self.kernel_initializer, self.kernel_regularizer, self.kernel_constraint)
        if self.use_bias:
            self.add_weight("bias", (self.units,), self.bias_initializer, self.bias_regularizer, self.bias_constraint)

    def check_input(self, input_shape: Shape) -> None:
        inputs = len(self.weights[0].value)
        if input_shape[-1] != inputs:
            raise ConvlabError(f"{self.name} was built for {inputs} inputs, but got {input_shape[-1]}.")

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape[:-1], self.units)

    def forward(self, x: Array, training: bool) -> Array:
        z = x @ self.weights[0].value
        if self.use_bias:
            z += self.weights[1].value
        y = self.activation(z)
        self._saved = x, z, y
        return y

    def backward_through(self, upstream: Array) -> Array:
        x, z, y = self._saved
        self.check_upstream(upstream, y)
        dz = self.activation.backward(z, y, upstream).astype(self.dtype, copy=False)
        flat = dz.reshape(-1, self.units)
        self.weights[0].gradient = x.reshape(-1, x.shape[-1]).T @ flat
        if self.use_bias:
            self.weights[1].gradient = flat.sum(axis=0)
        return dz @ self.weights[0].value.T


class Flatten(Layer):
    """Each image as one row of numbers, as `keras.layers.Flatten`: (N, H, W, C) to (N, H W C).

    With data_format="channels_first" the channels are put last before, so that the rows are the same either way.
    """

    def __init__(self, data_format: str | None = None, *, name: str | None = None, dtype: Any = "float32") -> None:
        super().__init__(name=name, dtype=dtype)
        self.data_format = data_format_or_default(data_format)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape[0], prod(input_shape[1:])

    def forward(self, x: Array, training: bool) -> Array:
        last = x if self.data_format == "channels_last" or x.ndim < 3 else np.moveaxis(x, 1, -1)
        self._saved = last.shape, x.ndim
        return last.reshape(len(x), -1)

    def backward_through(self, upstream: Array) -> Array:
        shape, axes = self._saved
        last = upstream.reshape(shape)
        return last if self.data_format == "channels_last" or axes < 3 else np.moveaxis(last, -1, 1)


class Activation(Layer):
    """An activation function as a layer of its own, as `keras.layers.Activation`."""

    def __init__(self, activation: Any, *, name: str | None = None, dtype: Any = "float32") -> None:
        super().__init__(name=name, dtype=dtype)
        self.activation = activations.get(activation)

    def forward(self, x: Array, training: bool) -> Array:
        y = self.activation(x)
        self._saved = x, y
        return y

    def backward_through(self, upstream: Array) -> Array:
        x, y = self._saved
        self.check_upstream(upstream, y)
        return self.activation.backward(x, y, upstream).astype(self.dtype, copy=False)


class ReLU(Layer):
    """max(x, 0) as a layer of its own, as `keras.layers.ReLU`, with its three arguments.

    What lies above `threshold` stays, but for what exceeds `max_value`, which becomes `max_value`; what lies below
    becomes negative_slope (x - threshold).
    """

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        *,
        name: str | None = None,
        dtype: Any = "float32",
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        if negative_slope < 0 or threshold < 0 or (max_value is not None and max_value < 0):
            raise ConvlabError(
                "max_value, negative_slope and threshold must not be negative, "
                f"but {max_value!r}, {negative_slope!r} and {threshold!r} were given."
            )
        self.max_value, self.negative_slope, self.threshold = max_value, negative_slope, threshold
        self._most = np.inf if max_value is None else max_value

    def forward(self, x: Array, training: bool) -> Array:
        self._saved = x
        y = np.minimum(np.where(x > self.threshold, x, 0), self._most)
        return y - self.negative_slope * np.maximum(self.threshold - x, 0) if self.negative_slope else y

    def backward_through(self, upstream: Array) -> Array:
        x = self._saved
        self.check_upstream(upstream, x)
        kept = (x > self.threshold) & (x < self._most)
        return upstream * np.where(x < self.threshold, self.dtype.type(self.negative_slope), kept)


class Softmax(Layer):
    """exp(x) / sum(exp(x)) over one axis, or over several at once, as `keras.layers.Softmax`."""

    def __init__(self, axis: Any = -1, *, name: str | None = None, dtype: Any = "float32") -> None:
        super().__init__(name=name, dtype=dtype)
        self.axis = axis if isinstance(axis, int) else tuple(axis)

    def forward(self, x: Array, training: bool) -> Array:
        self._saved = activations.softmax(x, self.axis)
        return self._saved

    def backward_through(self, upstream: Array) -> Array:
        self.check_upstream(upstream, self._saved)
        return activations.softmax_backward(self._saved, upstream, self.axis)


class Dropout(Layer):
    """While training, sets a share `rate` of the numbers to 0 and the others up by 1 / (1 - rate), as in Keras.

    So the expected sum stays the same, and in use nothing needs to be scaled (inverted dropout).
    """

    def __init__(
        self, rate: float, seed: int | None = None, *, name: str | None = None, dtype: Any = "float32"
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        if not isinstance(rate, int | float) or not 0 <= rate <= 1:
            raise ConvlabError(f"rate is the share to drop, from 0 to 1, but {rate!r} was given.")
        self.rate, self.seed = rate, seed
        self._chance = None if seed is None else generator(seed)

    def drawn_shape(self, shape: Shape) -> Shape:
        """How many chances are drawn for a batch of this shape: one for each number."""
        return shape

    def forward(self, x: Array, training: bool) -> Array:
        if not training or not self.rate:
            self._saved = x.dtype.type(1)
            return x
        kept = (self._chance or generator()).random(self.drawn_shape(x.shape)) >= self.rate
        self._saved = kept / x.dtype.type(1 - self.rate) if self.rate < 1 else np.zeros(x.shape, x.dtype)
        return x * self._saved

    def backward_through(self, upstream: Array) -> Array:
        return upstream * self._saved


class SpatialDropout2D(Dropout):
    """Dropout of whole feature maps, as `keras.layers.SpatialDropout2D`: neighbours in a map know too much of another.

    Source: Tompson et al. (2015), "Efficient object localization using convolutional networks".
    """

    def __init__(
        self,
        rate: float,
        data_format: str | None = None,
        seed: int | None = None,
        *,
        name: str | None = None,
        dtype: Any = "float32",
    ) -> None:
        super().__init__(rate, seed, name=name, dtype=dtype)
        self.data_format = data_format_or_default(data_format)

    def drawn_shape(self, shape: Shape) -> Shape:
        """One chance for each map of each image."""
        if len(shape) != 4:
            raise ConvlabError(f"{self.name} needs an input of four axes, but got shape {shape}.")
        last = self.data_format == "channels_last"
        return (shape[0], 1, 1, shape[3]) if last else (shape[0], shape[1], 1, 1)
