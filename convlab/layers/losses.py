"""How wrong a batch of predictions is. Names, arguments and results are those of `keras.losses`.

Each loss is the mean over the batch, and has a gradient with respect to the predictions.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from convlab.errors import ConvlabError
from convlab.layers.identifiers import resolve

Array = np.ndarray
EPSILON = 1e-7  # keras.config.epsilon(): probabilities are kept this far from 0 and 1


class Loss:
    """loss(y_true, y_pred) is a number; gradient(y_true, y_pred) has the shape of y_pred."""

    def __call__(self, y_true: Any, y_pred: Array) -> float:
        raise NotImplementedError

    def gradient(self, y_true: Any, y_pred: Array) -> Array:
        raise NotImplementedError


@dataclass(frozen=True)
class MeanSquaredError(Loss):
    """The mean of (y_true - y_pred)^2."""

    def __call__(self, y_true: Any, y_pred: Array) -> float:
        return float(np.square(_same_shape(y_true, y_pred) - y_pred).mean())

    def gradient(self, y_true: Any, y_pred: Array) -> Array:
        return 2 * (y_pred - _same_shape(y_true, y_pred)) / y_pred.dtype.type(y_pred.size)


@dataclass(frozen=True)
class CategoricalCrossentropy(Loss):
    """-log of the probability given to the right class. y_true: one-hot rows (N, classes).

    y_pred: probabilities (N, classes), such as those of a softmax layer, or with from_logits=True the sums before it,
    which is exact also where a probability would round to 0 or 1.
    """

    from_logits: bool = False

    def __call__(self, y_true: Any, y_pred: Array) -> float:
        target = _same_shape(y_true, y_pred)
        if self.from_logits:
            return float(-(target * _log_softmax(y_pred)).sum(axis=-1).mean())
        share = y_pred / y_pred.sum(axis=-1, keepdims=True)
        return float(-(target * np.log(np.clip(share, EPSILON, 1 - EPSILON))).sum(axis=-1).mean())

    def gradient(self, y_true: Any, y_pred: Array) -> Array:
        target, count = _same_shape(y_true, y_pred), y_pred.size // y_pred.shape[-1]
        if self.from_logits:
            return (np.exp(_log_softmax(y_pred)) * target.sum(axis=-1, keepdims=True) - target) / y_pred.dtype.type(
                count
            )
        total = y_pred.sum(axis=-1, keepdims=True)
        share = y_pred / total
        inside = (share >= EPSILON) & (share <= 1 - EPSILON)  # a clipped probability has no slope
        dshare = -np.where(inside, target / np.where(inside, share, 1), 0) / y_pred.dtype.type(count)
        return (dshare - (dshare * share).sum(axis=-1, keepdims=True)) / total


@dataclass(frozen=True)
class SparseCategoricalCrossentropy(Loss):
    """The same for y_true as class numbers (N,), such as the digits 0 to 9."""

    from_logits: bool = False

    def _logits(self, y_pred: Array) -> Array:
        return y_pred if self.from_logits else np.log(np.clip(y_pred, EPSILON, 1 - EPSILON))

    def __call__(self, y_true: Any, y_pred: Array) -> float:
        return CategoricalCrossentropy(from_logits=True)(_one_hot(y_true, y_pred), self._logits(y_pred))

    def gradient(self, y_true: Any, y_pred: Array) -> Array:
        target, logits = _one_hot(y_true, y_pred), self._logits(y_pred)
        dlogits = CategoricalCrossentropy(from_logits=True).gradient(target, logits)
        if self.from_logits:
            return dlogits
        inside = (y_pred >= EPSILON) & (y_pred <= 1 - EPSILON)
        return np.where(inside, dlogits / np.where(inside, y_pred, 1), 0).astype(y_pred.dtype)


def _log_softmax(z: Array) -> Array:
    z = z - z.max(axis=-1, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=-1, keepdims=True))


def _same_shape(y_true: Any, y_pred: Array) -> Array:
    target = np.asarray(y_true).astype(y_pred.dtype)
    if target.shape != y_pred.shape:
        hint = "; for class numbers use SparseCategoricalCrossentropy" if target.ndim < y_pred.ndim else ""
        raise ConvlabError(f"y_true has shape {target.shape}, but the predictions have {y_pred.shape}{hint}.")
    return target


def _one_hot(y_true: Any, y_pred: Array) -> Array:
    classes, labels = y_pred.shape[-1], np.asarray(y_true)
    if labels.shape == (*y_pred.shape[:-1], 1):
        labels = labels[..., 0]
    if labels.shape != y_pred.shape[:-1]:
        hint = "; for one-hot rows use CategoricalCrossentropy" if labels.shape == y_pred.shape else ""
        raise ConvlabError(
            f"y_true must hold one class number for each prediction, shape {y_pred.shape[:-1]}, "
            f"but has shape {labels.shape}{hint}."
        )
    whole = labels.astype(np.int64)
    if labels.size and ((whole != labels).any() or whole.min() < 0 or whole.max() >= classes):
        raise ConvlabError(
            f"y_true must hold class numbers from 0 to {classes - 1}, "
            f"but they go from {labels.min()} to {labels.max()}."
        )
    return np.eye(classes, dtype=y_pred.dtype)[whole]


CLASSES: dict[str, type[Loss]] = {
    one.__name__: one for one in (MeanSquaredError, CategoricalCrossentropy, SparseCategoricalCrossentropy)
}


def get(identifier: Any) -> Loss:
    """The loss that a name such as "sparse_categorical_crossentropy", "mse" or an object stands for."""
    return resolve("mean_squared_error" if identifier == "mse" else identifier, CLASSES, "loss")
