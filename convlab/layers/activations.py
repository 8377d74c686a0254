"""Activation functions with their derivatives. Names and formulas are those of `keras.activations`.

Each maps a layer's sums z to its output y, and the gradient with respect to y back to the one with respect to z.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from convlab.errors import ConvlabError

Array = np.ndarray


@dataclass(frozen=True)
class ActivationFunction:
    """y = function(z), and backward(z, y, upstream), which is upstream times dy/dz."""

    name: str
    function: Callable[[Array], Array]
    backward: Callable[[Array, Array, Array], Array]

    def __call__(self, z: Array) -> Array:
        return self.function(z)


def _elementwise(
    name: str, function: Callable[[Array], Array], slope: Callable[[Array, Array], Any]
) -> ActivationFunction:
    """An activation of each number by itself, with the slope at (z, y)."""
    return ActivationFunction(name, function, lambda z, y, upstream: upstream * slope(z, y))


def _sigmoid(z: Array) -> Array:
    """1 / (1 + exp(-z)), by the exponential that cannot overflow."""
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1, e) / (1 + e)


def softmax(z: Array, axis: int | tuple[int, ...] = -1) -> Array:
    """exp(z) / sum(exp(z)) over `axis`; over the last one, for images: over the channels of each pixel."""
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def softmax_backward(y: Array, upstream: Array, axis: int | tuple[int, ...] = -1) -> Array:
    """The gradient with respect to z of y = softmax(z), given that with respect to y."""
    return y * (upstream - (upstream * y).sum(axis=axis, keepdims=True))


def _elu(z: Array) -> Array:
    return np.where(z > 0, z, np.expm1(np.minimum(z, 0)))


SLOPE = 0.2  # of leaky_relu below zero, as in Keras

_ALL = (
    _elementwise("linear", lambda z: z, lambda z, y: 1),
    _elementwise("relu", lambda z: np.maximum(z, 0), lambda z, y: z > 0),
    _elementwise("relu6", lambda z: np.clip(z, 0, 6), lambda z, y: (z > 0) & (z < 6)),
    _elementwise(
        "leaky_relu",
        lambda z: np.where(z > 0, z, z * z.dtype.type(SLOPE)),
        lambda z, y: np.where(z > 0, z.dtype.type(1), z.dtype.type(SLOPE)),
    ),
    _elementwise("elu", _elu, lambda z, y: np.where(z > 0, 1, y + 1)),
    _elementwise("exponential", np.exp, lambda z, y: y),
    _elementwise("sigmoid", _sigmoid, lambda z, y: y * (1 - y)),
    _elementwise("tanh", np.tanh, lambda z, y: 1 - y * y),
    _elementwise("softplus", lambda z: np.logaddexp(z, 0), lambda z, y: _sigmoid(z)),
    _elementwise("silu", lambda z: z * _sigmoid(z), lambda z, y: _sigmoid(z) + y * (1 - _sigmoid(z))),
    ActivationFunction("softmax", softmax, lambda z, y, upstream: softmax_backward(y, upstream)),
)
FUNCTIONS = {one.name: one for one in _ALL} | {"swish": next(one for one in _ALL if one.name == "silu")}


def get(identifier: Any) -> ActivationFunction:
    """The activation that a name stands for; None is linear. A function of your own needs an `ActivationFunction`."""
    if identifier is None:
        return FUNCTIONS["linear"]
    if isinstance(identifier, ActivationFunction):
        return identifier
    if isinstance(identifier, str) and identifier in FUNCTIONS:
        return FUNCTIONS[identifier]
    raise ConvlabError(
        f"{identifier!r} is no activation: choose one of {', '.join(sorted(FUNCTIONS))}, "
        "or give an ActivationFunction, which brings its own derivative."
    )
