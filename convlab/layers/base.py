"""What every layer has in common: weights that are built when the input's shape is known, forward, and backward."""

import inspect
from collections import Counter
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from convlab.errors import ConvlabError
from convlab.geometry.normalize import as_data_format
from convlab.layers import activations, constraints, initializers, regularizers
from convlab.layers.identifiers import config_of, snake
from convlab.ops.check import as_numbers

Array = np.ndarray
Shape = tuple[Any, ...]  # the batch first, None for any size

_named: Counter[str] = Counter()


def _fresh_name(kind: str) -> str:
    """conv2d, conv2d_1, conv2d_2... as Keras counts them."""
    number = _named[kind]
    _named[kind] += 1
    return f"{kind}_{number}" if number else kind


@dataclass(eq=False)
class Weight:
    """An array that a layer learns (or, where it is not trainable, keeps), with its last gradient."""

    name: str
    value: Array
    regularizer: regularizers.Regularizer | None = None
    constraint: constraints.Constraint | None = None
    trainable: bool = True
    gradient: Array | None = None


class Layer:
    """A function of arrays with weights. `layer(x)` is its output, `layer.backward(upstream)` the gradient.

    Subclasses write `build`, `forward` and `backward_through`. Shapes have the batch first, where None stands for any
    number, as in Keras. Set `trainable` to False to freeze a layer: training leaves its weights as they are.
    """

    trainable = True

    def __init__(self, *, name: str | None = None, dtype: Any = "float32") -> None:
        self.name = name or _fresh_name(snake(type(self).__name__))
        self.dtype = np.dtype(dtype)
        if self.dtype.kind != "f":
            raise ConvlabError(f"dtype must be a floating type such as 'float32', but {dtype!r} was given.")
        self.weights: list[Weight] = []
        self.input_shape: Shape | None = None
        self.losses: list[float] = []
        self._saved: Any = None

    # What a layer is

    def build(self, input_shape: Shape) -> None:
        """Make the weights for inputs of this shape."""

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Shape of the output for inputs of this shape; that of the input unless a layer says otherwise."""
        return tuple(input_shape)

    def forward(self, x: Array, training: bool) -> Array:
        """The output; what `backward_through` needs is kept in `self._saved`."""
        raise NotImplementedError

    def backward_through(self, upstream: Array) -> Array:
        """The gradient with respect to the input; that of each weight is put in `Weight.gradient`."""
        raise NotImplementedError

    # How it is used

    def __call__(self, x: Any, training: bool = False) -> Array:
        """The output for a batch. training: as while learning (dropout drops, batch statistics are used and kept)."""
        array = as_numbers(x, f"the input of {self.name}").astype(self.dtype, copy=False)
        self.ensure_built((None, *array.shape[1:]))
        self._saved = None
        y = self.forward(array, training)
        weights = self.weights if self.trainable else []  # Keras does not count what cannot be helped
        self.losses = [w.regularizer(w.value) for w in weights if w.regularizer is not None]
        return y

    def ensure_built(self, input_shape: Shape) -> None:
        """Build once; afterwards refuse inputs of another depth."""
        shape = (None, *input_shape[1:])
        if self.input_shape is None:
            self.build(shape)
            self.input_shape = shape
        self.check_input(shape)

    def check_input(self, input_shape: Shape) -> None:
        """Refuse an input that the built weights do not fit."""

    def backward(self, upstream: Any) -> Array:
        """The gradient of a loss with respect to the input, given that with respect to the last output.

        The gradients of the weights, those of their regularizers included, are in `gradients` afterwards.

        Raises `ConvlabError` before a forward pass, or for an `upstream` that has not the output's shape.
        """
        if self._saved is None:
            raise ConvlabError(f"{self.name} has no forward pass to go back through: call it on a batch first.")
        dx = self.backward_through(np.asarray(upstream, self.dtype))
        for w in self.weights:
            if w.regularizer is not None and w.gradient is not None:
                w.gradient = w.gradient + w.regularizer.gradient(w.value)
        return dx

    @property
    def gradients(self) -> dict[str, Array]:
        """The last gradient of each trainable weight, by name."""
        return {w.name: w.gradient for w in self.weights if w.gradient is not None}

    # Weights

    def add_weight(
        self,
        name: str,
        shape: tuple[int, ...],
        initializer: initializers.Initializer,
        regularizer: regularizers.Regularizer | None = None,
        constraint: constraints.Constraint | None = None,
        trainable: bool = True,
    ) -> Weight:
        """Make a weight that starts as `initializer` says."""
        w = Weight(name, initializer(shape, self.dtype), regularizer, constraint, trainable)
        self.weights.append(w)
        return w

    def get_weights(self) -> list[Array]:
        """Copies of all weights, in Keras' order."""
        return [w.value.copy() for w in self.weights]

    def set_weights(self, values: Any) -> None:
        """Take over weights in the order of `get_weights`; nothing is changed if one of them does not fit."""
        arrays = [np.asarray(value, self.dtype) for value in values]
        given, own = [a.shape for a in arrays], [w.value.shape for w in self.weights]
        if given != own:
            built = "" if self.input_shape or self.weights else ": call or build the layer first, it has no weights yet"
            raise ConvlabError(f"{self.name} needs weights of shapes {own}, but {given} were given{built}.")
        for w, array in zip(self.weights, arrays, strict=True):
            w.value = array.copy()

    def count_params(self) -> int:
        """Numbers in all weights, those that are not trained included."""
        return sum(prod(w.value.shape) for w in self.weights)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer, in Keras' own form."""
        names = [n for n in inspect.signature(type(self).__init__).parameters if n not in ("self", "name", "dtype")]
        return {n: _plain(getattr(self, n)) for n in names}

    def check_upstream(self, upstream: Array, y: Array) -> None:
        if upstream.shape != y.shape:
            raise ConvlabError(
                f"upstream is the gradient with respect to the output of {self.name} and must have its shape "
                f"{y.shape}, but has shape {upstream.shape}."
            )

    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.get_config().items())
        return f"{type(self).__name__}({arguments})"


def _plain(value: Any) -> Any:
    """A layer's argument as Keras writes it in a config."""
    if isinstance(value, activations.ActivationFunction):
        return value.name
    if isinstance(value, initializers.Initializer | regularizers.Regularizer | constraints.Constraint):
        return config_of(value)
    return value


def data_format_or_default(data_format: str | None) -> str:
    """None is "channels_last", as in Keras unless a user's keras.json says otherwise."""
    return "channels_last" if data_format is None else as_data_format(data_format)
