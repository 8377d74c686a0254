"""Look into a network, whether Keras' or convlab's: the output of every layer for a batch."""

from collections.abc import Callable
from typing import Any

import numpy as np

from convlab.errors import ConvlabError
from convlab.layers import Input, Sequential
from convlab.layers.keras_graph import calls

Look = Callable[[np.ndarray], dict[str, np.ndarray]]


def look_into(model: Any) -> Look:
    """A function from a batch (N, H, W, C) to {layer's name: its output}, in order.

    Raises `ConvlabError` for a model that is neither Keras' nor convlab's, or one not built yet.
    """
    if isinstance(model, Sequential):
        return lambda x: _through(model, x)
    if not hasattr(model, "layers") or not hasattr(model, "inputs"):
        raise ConvlabError(f"a model of Keras or convlab.layers.Sequential is needed, but {model!r} was given.")
    import keras

    if not model.inputs:
        raise ConvlabError("the model is not built yet: begin it with keras.Input(shape), or call it once.")
    names = [layer.name for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]
    inputs = model.inputs[0] if len(model.inputs) == 1 else model.inputs
    where = calls(model)
    every = keras.Model(inputs, [where[name].output_tensors[0] for name in names])

    def look(x: np.ndarray) -> dict[str, np.ndarray]:
        found = every(x, training=False)
        found = found if isinstance(found, list | tuple) else [found]
        return {name: np.asarray(keras.ops.convert_to_numpy(value)) for name, value in zip(names, found, strict=True)}

    return look


def _through(model: Sequential, x: np.ndarray) -> dict[str, np.ndarray]:
    found = {}
    for number, layer in enumerate(layer for layer in model.layers if not isinstance(layer, Input)):
        x = layer(x)
        found[f"{number} {type(layer).__name__}"] = x
    return found


def softmax(values: np.ndarray) -> np.ndarray:
    """Scores as probabilities; what sums to one already is left as it is."""
    if np.all(values >= 0) and np.isclose(values.sum(), 1, atol=1e-3):
        return values
    powers = np.exp(values - values.max())
    return powers / powers.sum()
