"""The layers around the convolutions: Input, Dense, Flatten, Activation, Dropout."""

from math import prod
from typing import Any

import numpy as np

from convlab.errors import ConvlabError
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

    def forward(self, x: Array, training: bool) -> Array:
        if not training or not self.rate:
            self._saved = x.dtype.type(1)
            return x
        kept = (self._chance or generator()).random(x.shape) >= self.rate
        self._saved = kept / x.dtype.type(1 - self.rate) if self.rate < 1 else np.zeros(x.shape, x.dtype)
        return x * self._saved

    def backward_through(self, upstream: Array) -> Array:
        return upstream * self._saved
