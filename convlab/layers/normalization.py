"""Batch normalization."""

from typing import Any

import numpy as np

from convlab.errors import ConvlabError
from convlab.layers import constraints, initializers, regularizers
from convlab.layers.base import Array, Layer, Shape


class BatchNormalization(Layer):
    """Brings each channel to mean 0 and variance 1, then scales by gamma and shifts by beta, as in Keras.

    While training, mean and variance are those of the batch, over all axes but `axis`, and moving averages of them are
    kept: moving = momentum moving + (1 - momentum) batch. In use the moving averages stand in for the batch.

        y = gamma (x - mean) / sqrt(variance + epsilon) + beta

    Weights, in this order: gamma (C,) where scale, beta (C,) where center, moving_mean (C,), moving_variance (C,).
    A frozen one (trainable=False) uses the moving averages while training too, and keeps them, as in Keras.
    For channels_first data give axis=1. Source: Ioffe and Szegedy (2015), "Batch normalization".
    """

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 0.001,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        *,
        name: str | None = None,
        dtype: Any = "float32",
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self.axis, self.momentum, self.epsilon = axis, float(momentum), float(epsilon)
        self.center, self.scale = bool(center), bool(scale)
        self.beta_initializer, self.gamma_initializer = map(initializers.get, (beta_initializer, gamma_initializer))
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        self.beta_regularizer, self.gamma_regularizer = map(regularizers.get, (beta_regularizer, gamma_regularizer))
        self.beta_constraint, self.gamma_constraint = map(constraints.get, (beta_constraint, gamma_constraint))

    def build(self, input_shape: Shape) -> None:
        if not isinstance(self.axis, int) or not -len(input_shape) < self.axis < len(input_shape) or self.axis == 0:
            raise ConvlabError(
                f"axis={self.axis!r} is no channel axis of an input of shape {input_shape}: "
                "give -1 for channels_last or 1 for channels_first."
            )
        channels = (input_shape[self.axis],)
        if self.scale:
            self._gamma = self.add_weight(
                "gamma",
                channels,
                self.gamma_initializer,
                self.gamma_regularizer,
                self.gamma_constraint,
            )
        if self.center:
            self._beta = self.add_weight(
                "beta",
                channels,
                self.beta_initializer,
                self.beta_regularizer,
                self.beta_constraint,
            )
        self._mean = self.add_weight("moving_mean", channels, self.moving_mean_initializer, trainable=False)
        self._variance = self.add_weight(
            "moving_variance",
            channels,
            self.moving_variance_initializer,
            trainable=False,
        )

    def check_input(self, input_shape: Shape) -> None:
        channels = len(self._mean.value)
        if input_shape[self.axis] != channels:
            raise ConvlabError(f"{self.name} was built for {channels} channels, but got {input_shape[self.axis]}.")

    def forward(self, x: Array, training: bool) -> Array:
        others = tuple(a for a in range(x.ndim) if a != self.axis % x.ndim)
        mean, variance = self._mean.value, self._variance.value
        training = training and self.trainable
        if training:
            mean, variance = x.mean(axis=others), x.var(axis=others)
            for moving, batch in ((self._mean, mean), (self._variance, variance)):
                moving.value = (moving.value * self.momentum + batch * (1 - self.momentum)).astype(self.dtype)
        along = tuple(-1 if a == self.axis % x.ndim else 1 for a in range(x.ndim))  # (C,) along the channel axis
        inverse = (1 / np.sqrt(variance + self.epsilon)).astype(self.dtype).reshape(along)
        normal = (x - mean.reshape(along)) * inverse
        self._saved = normal, inverse, others, along, training
        y = normal * self._gamma.value.reshape(along) if self.scale else normal
        return y + self._beta.value.reshape(along) if self.center else y

    def backward_through(self, upstream: Array) -> Array:
        """The batch's own mean and variance depend on x, so their gradients are taken off: first, and along normal.

        dx = gamma / sqrt(variance + epsilon) (dy - mean(dy) - normal mean(dy normal))
        """
        normal, inverse, others, along, training = self._saved
        self.check_upstream(upstream, normal)
        if self.scale:
            self._gamma.gradient = (upstream * normal).sum(axis=others)
        if self.center:
            self._beta.gradient = upstream.sum(axis=others)
        dnormal = upstream * self._gamma.value.reshape(along) if self.scale else upstream
        if training:
            mean = dnormal.mean(axis=others, keepdims=True)
            slope = (dnormal * normal).mean(axis=others, keepdims=True)
            dnormal = dnormal - mean - normal * slope
        return dnormal * inverse
