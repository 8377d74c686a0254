"""A stack of layers that learns."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from convlab.errors import ConvlabError
from convlab.geometry.normalize import as_int
from convlab.layers import losses, optimizers
from convlab.layers.base import Array, Layer, Shape
from convlab.layers.core import Input
from convlab.layers.random import generator


@dataclass(frozen=True)
class History:
    """What `fit` gives: `history` has one number an epoch for "loss", "accuracy", "val_loss", "val_accuracy"."""

    history: dict[str, list[float]]


class Sequential(Layer):
    """Layers one after the other, as `keras.Sequential`, with compile, fit, evaluate and predict.

    The weights are made when the shape of the input is known: at once where the first layer is `Input(shape)`, else at
    the first batch.
    """

    def __init__(self, layers: Iterable[Layer] = (), *, name: str | None = None, dtype: Any = "float32") -> None:
        super().__init__(name=name, dtype=dtype)
        self.layers: list[Layer] = []
        self.optimizer: optimizers.Optimizer | None = None
        self.loss: losses.Loss | None = None
        for layer in layers:
            self.add(layer)

    def add(self, layer: Layer) -> None:
        """Put a layer on top."""
        if not isinstance(layer, Layer):
            raise ConvlabError(f"Sequential takes layers of convlab.layers, but got {layer!r}.")
        if self.input_shape is not None and not isinstance(self.layers[0], Input):
            raise ConvlabError(f"{self.name} has been built already: add all layers before it sees data.")
        self.layers.append(layer)
        first = self.layers[0]
        if isinstance(first, Input):
            self.input_shape = None
            self.ensure_built((None, *first.shape))

    def build(self, input_shape: Shape) -> None:
        shape = tuple(input_shape)
        for layer in self.layers:
            layer.ensure_built(shape)
            shape = layer.compute_output_shape(shape)
        self.weights = [w for layer in self.layers for w in layer.weights]

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        for layer in self.layers:
            input_shape = layer.compute_output_shape(input_shape)
        return input_shape

    @property
    def output_shape(self) -> Shape:
        """Shape of the output, None for the batch."""
        if self.input_shape is None:
            raise ConvlabError(f"{self.name} is not built: begin with Input(shape), or call it on a batch first.")
        return self.compute_output_shape(self.input_shape)

    def __call__(self, x: Any, training: bool = False) -> Array:
        array = np.asarray(x, self.dtype)
        self.ensure_built((None, *array.shape[1:]))
        for layer in self.layers:
            array = layer(array, training=training)
        self.losses = [loss for layer in self.layers for loss in layer.losses]
        self._saved = True
        return array

    def backward(self, upstream: Any) -> Array:
        if self._saved is None:
            raise ConvlabError(f"{self.name} has no forward pass to go back through: call it on a batch first.")
        for layer in reversed(self.layers):
            upstream = layer.backward(upstream)
        return upstream

    @property
    def gradients(self) -> dict[str, Array]:
        """The last gradient of each trainable weight, as "layer/weight"."""
        return {f"{layer.name}/{name}": gradient for layer in self.layers for name, gradient in layer.gradients.items()}

    def compile(self, optimizer: Any = "sgd", loss: Any = None, metrics: Sequence[str] = ()) -> None:
        """Choose how to learn: an optimizer, a loss, and metrics=["accuracy"] to count right answers too."""
        if set(metrics) - {"accuracy"}:
            raise ConvlabError(f"metrics may hold 'accuracy', but {list(metrics)!r} was given.")
        self.optimizer, self.loss, self.metrics = optimizers.get(optimizer), losses.get(loss), tuple(metrics)

    def train_on_batch(self, x: Any, y: Any) -> dict[str, float]:
        """One step on one batch; its loss (and accuracy) before the step."""
        optimizer, loss = self._compiled()
        predicted = self(x, training=True)
        logs = self._logs(loss, y, predicted)
        self.backward(loss.gradient(y, predicted))
        optimizer.apply(w for layer in self.layers if layer.trainable for w in layer.weights)
        return logs

    def fit(
        self,
        x: Any,
        y: Any,
        batch_size: int = 32,
        epochs: int = 1,
        shuffle: bool = True,
        validation_data: tuple[Any, Any] | None = None,
    ) -> History:
        """Learn from examples x and answers y, several times over. `set_random_seed` makes it repeatable."""
        x, y = np.asarray(x), np.asarray(y)
        history: dict[str, list[float]] = {}
        for _ in range(as_int(epochs, "epochs", 1)):
            order = generator().permutation(len(x)) if shuffle else np.arange(len(x))
            logs = _mean(
                (len(part), self.train_on_batch(x[part], y[part])) for part in _parts(order, batch_size, len(y))
            )
            if validation_data is not None:
                logs |= {f"val_{name}": value for name, value in self.evaluate(*validation_data, batch_size).items()}
            for name, value in logs.items():
                history.setdefault(name, []).append(value)
        return History(history)

    def evaluate(self, x: Any, y: Any, batch_size: int = 32) -> dict[str, float]:
        """Loss, and accuracy if it was asked for, on examples that are not learned from."""
        _, loss = self._compiled()
        x, y = np.asarray(x), np.asarray(y)
        parts = _parts(np.arange(len(x)), batch_size, len(y))
        return _mean((len(part), self._logs(loss, y[part], self(x[part]))) for part in parts)

    def predict(self, x: Any, batch_size: int = 32) -> Array:
        """The outputs for all examples, computed batch by batch."""
        x = np.asarray(x)
        return np.concatenate([self(x[part]) for part in _parts(np.arange(len(x)), batch_size, len(x))])

    def _compiled(self) -> tuple[optimizers.Optimizer, losses.Loss]:
        if self.optimizer is None or self.loss is None:
            raise ConvlabError(f"{self.name} does not know how to learn yet: call compile(optimizer, loss) first.")
        return self.optimizer, self.loss

    def _logs(self, loss: losses.Loss, y: Array, predicted: Array) -> dict[str, float]:
        logs = {"loss": loss(y, predicted) + sum(self.losses)}
        if "accuracy" in self.metrics:
            right = np.argmax(y, axis=-1) if y.shape == predicted.shape else y.reshape(predicted.shape[:-1])
            logs["accuracy"] = float((np.argmax(predicted, axis=-1) == right).mean())
        return logs

    def get_config(self) -> dict[str, Any]:
        return {"layers": self.layers}

    def to_keras(self) -> Any:
        """A `keras.Sequential` with the same layers and weights."""
        from convlab.layers.keras_weights import to_keras

        return to_keras(self)


def _parts(order: Array, batch_size: int, answers: int) -> Iterator[Array]:
    """`order` in batches, the last one smaller where it does not divide."""
    if not len(order) or answers != len(order):
        raise ConvlabError(
            f"there must be as many answers as examples, and some, but there are {answers} and {len(order)}."
        )
    size = as_int(batch_size, "batch_size", 1)
    return (order[start : start + size] for start in range(0, len(order), size))


def _mean(logs: Iterable[tuple[int, dict[str, float]]]) -> dict[str, float]:
    """The mean of numbers of batches, each weighted by its examples."""
    total: dict[str, float] = {}
    examples = 0
    for count, one in logs:
        examples += count
        for name, value in one.items():
            total[name] = total.get(name, 0.0) + count * value
    return {name: value / examples for name, value in total.items()}
