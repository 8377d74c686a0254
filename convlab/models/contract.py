"""What a classifier takes and gives: images that fit its input, labels that fit its classes, logits or softmax."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from convlab.errors import ConvlabError

Array = np.ndarray


def ends_in_softmax(model: Any) -> bool:
    """Whether a model gives probabilities; False means logits. The last layer that is no mere passage tells.

    Raises `ConvlabError` for an activation that gives neither, such as "sigmoid".
    """
    for layer in reversed(list(leaves(model))):
        name = activation_of(layer)
        if name == "linear" and not layer.weights:  # dropout, flatten and the like
            continue
        if name in ("softmax", "linear", "log_softmax"):  # the logarithms of probabilities are logits, too
            return name == "softmax"
        raise ConvlabError(
            f"the last activation is {name!r} (layer {layer.name!r}), which gives neither logits nor probabilities: "
            "end with one output for each class, and no activation or softmax."
        )
    return False


def leaves(model: Any) -> Iterator[Any]:
    """The layers of a model, those of models in it in their place."""
    for layer in model.layers:
        yield from leaves(layer) if hasattr(layer, "layers") else (layer,)


def activation_of(layer: Any) -> str:
    """The name of the function that a layer ends in, "linear" where there is none."""
    if type(layer).__name__ in ("Softmax", "ReLU", "LeakyReLU", "PReLU", "ELU"):
        return type(layer).__name__.lower()
    function = getattr(layer, "activation", None)
    return "linear" if function is None else getattr(function, "__name__", None) or function.name


def fitting(x: Array, wanted: Any) -> Array:
    """x as it is, or with an axis for a single channel, as a model wants it whose input has the shape `wanted`."""
    if x.dtype.kind not in "biuf":
        raise ConvlabError(f"x must hold numbers, but it has the type {x.dtype}.")
    if not np.isfinite(x).all():  # TensorFlow's ReLU makes 0 of nan, so that the outputs would not show it
        raise ConvlabError(f"x holds nan or infinity, first in example {np.argwhere(~np.isfinite(x))[0][0]}.")
    if wanted is None:
        return x
    for axes in ((), (-1,), (1,)):  # channels last, channels first
        shape = np.expand_dims(x, axes).shape
        if len(shape) == len(wanted) and all(w in (None, n) for w, n in zip(wanted[1:], shape[1:], strict=True)):
            return x.reshape(shape)
    raise ConvlabError(
        f"the model takes x of shape {_shape((None, *wanted[1:]))}, but x has {x.shape}: "
        "N examples come first; resize the images, or build the model for theirs."
    )


def _shape(shape: tuple[int | None, ...]) -> str:
    """(None, 28, 28, 1) as "(N, 28, 28, 1)"."""
    return f"({', '.join(['N', *('any' if n is None else str(n) for n in shape[1:])])})"


def check_outputs(outputs: Array) -> None:
    """Raises `ConvlabError` unless there is a finite number for each of two or more classes, (N, K)."""
    if outputs.ndim != 2 or outputs.shape[1] < 2:
        raise ConvlabError(
            f"a classifier gives a number for each of two or more classes, shape (N, K), but this model gives "
            f"{_shape((None, *outputs.shape[1:]))}: end with Flatten and Dense(K), or train it as what it is."
        )
    lost = np.flatnonzero(~np.isfinite(outputs).all(axis=1))
    if len(lost):
        raise ConvlabError(
            f"the outputs for {len(lost):,} of {len(outputs):,} examples are not finite, first those of example "
            f"{lost[0]}: look for nan in x and in the weights, and train with a lower learning rate."
        )


def class_numbers(y: Array, classes: int) -> Array:
    """y as class numbers (N,), whether it holds those or one-hot rows."""
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim == 2:
        if y.shape[1] != classes or not np.isin(y, (0, 1)).all() or (y.sum(axis=1) != 1).any():
            raise ConvlabError(
                f"y of shape {y.shape} should hold one-hot rows, with a single 1 among {classes} numbers each: "
                "or give class numbers, shape (N,)."
            )
        return y.argmax(axis=1)
    if y.ndim != 1 or y.dtype.kind not in "biuf" or (y != np.floor(y.astype(np.float64))).any():
        raise ConvlabError(
            f"y must hold whole class numbers, shape (N,), or one-hot rows, shape (N, {classes}), "
            f"but it has shape {y.shape}, type {y.dtype} and begins with {y.ravel()[:3].tolist()}."
        )
    if y.min() < 0 or y.max() >= classes:
        raise ConvlabError(
            f"the model knows the classes 0 to {classes - 1}, but y goes from {y.min()} to {y.max()}: "
            f"number the classes from 0, and build the model for all of them."
        )
    return y.astype(np.int64)
