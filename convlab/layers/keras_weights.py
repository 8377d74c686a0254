"""From Keras and back: the same layers with the same weights."""

import inspect
from collections.abc import Callable
from typing import Any

from convlab.errors import ConvlabError
from convlab.layers import convolution, core, normalization, pooling
from convlab.layers.base import Layer
from convlab.layers.core import Input
from convlab.layers.sequential import Sequential
from convlab.optional import need

LAYERS: dict[str, Callable[..., Layer]] = {
    one.__name__: one
    for one in (
        convolution.Conv2D,
        convolution.DepthwiseConv2D,
        convolution.SeparableConv2D,
        convolution.Conv2DTranspose,
        pooling.MaxPooling2D,
        pooling.AveragePooling2D,
        pooling.GlobalAveragePooling2D,
        pooling.GlobalMaxPooling2D,
        normalization.BatchNormalization,
        core.Activation,
        core.Dense,
        core.Dropout,
        core.Flatten,
        core.ReLU,
        core.Rescaling,
        core.Softmax,
        core.SpatialDropout2D,
        core.ZeroPadding2D,
    )
}
OURS = {"name", "trainable", "dtype"}  # arguments that every layer of Keras has


def from_keras(source: Any) -> Layer:
    """The NumPy twin of a Keras layer, or of a model that is a chain of layers, with copies of its weights.

    Raises `ConvlabError` that names a layer, or an argument of one, that has no twin here.
    """
    if hasattr(source, "layers"):
        return _from_model(source)
    twin = _twin(source)
    if source.built and source.get_weights():
        twin.ensure_built(_input_shape(source))
        twin.set_weights(source.get_weights())
    return twin


def _from_model(model: Any) -> Sequential:
    layers = chain(model)
    kind = model.compute_dtype
    first = Input(model.input_shape[1:], dtype=kind)
    twin = Sequential([first, *map(_twin, layers)], name=model.name, dtype=kind)
    twin.set_weights([value for layer in layers for value in layer.get_weights()])
    return twin


def chain(model: Any) -> list[Any]:
    """The Keras layers of a model in which each takes what the one before gives; those of a model in it stand for it.

    They are found from the output backwards, so that it does not matter how the model was written down.
    Raises `ConvlabError` for a model that is not built, and names the layer where it branches or is used twice.
    """
    inputs, outputs = (getattr(model, side, None) for side in ("inputs", "outputs"))
    if not inputs or not outputs:
        raise ConvlabError(
            "this Keras model has no weights yet, or is more than a chain of layers: begin it with keras.Input(shape), "
            "or build it first."
        )
    if len(inputs) > 1 or len(outputs) > 1:
        raise ConvlabError(
            f"this Keras model is no chain of layers: it has {len(inputs)} inputs and {len(outputs)} outputs."
        )
    found: list[Any] = []
    tensor = outputs[0]
    while tensor is not inputs[0]:
        layer, call, _ = tensor._keras_history
        came_from = layer._inbound_nodes[call].input_tensors
        if len(came_from) != 1:
            raise ConvlabError(f"this Keras model is no chain of layers: {layer.name} has {len(came_from)} inputs.")
        if layer in found:
            raise ConvlabError(f"this Keras model is no chain of layers: {layer.name} is used twice in it.")
        found.insert(0, layer)
        tensor = came_from[0]
    return [one for layer in found for one in (chain(layer) if hasattr(layer, "layers") else [layer])]


def _twin(layer: Any) -> Layer:
    kind = type(layer).__name__
    if kind not in LAYERS:
        raise ConvlabError(f"{kind} (layer {layer.name!r}) has no twin here: known are {', '.join(sorted(LAYERS))}.")
    make = LAYERS[kind]
    known = set(inspect.signature(make).parameters)
    defaults = {n: p.default for n, p in inspect.signature(type(layer)).parameters.items()}
    config = layer.get_config()
    lost = {n for n in config if n not in known | OURS and config[n] != defaults.get(n, config[n])}
    if lost:
        raise ConvlabError(
            f"{kind} (layer {layer.name!r}) uses {', '.join(sorted(lost))}, which its twin here has not."
        )
    arguments = {n: value for n, value in config.items() if n in known - OURS}
    twin = make(**arguments, name=layer.name, dtype=layer.compute_dtype)
    twin.trainable = layer.trainable
    return twin


def _input_shape(layer: Any) -> tuple[int | None, ...]:
    """The shape a built Keras layer was built for."""
    shape = layer.get_build_config()["input_shape"]
    return (None, *shape[1:])


def to_keras(model: Sequential) -> Any:
    """A `keras.Sequential` with the layers and weights of a built `Sequential`.

    Raises `ConvlabError` where Keras has no such thing: explicit padding, or a model that is not built.
    """
    if model.input_shape is None:
        raise ConvlabError(f"{model.name} has no weights yet: begin it with Input(shape), or call it on a batch first.")
    keras = need("keras")
    layers = [keras.Input(model.input_shape[1:])]
    for layer in model.layers:
        if not isinstance(layer, Input):
            layers.append(_to_layer(keras, layer))
    twin = keras.Sequential(layers, name=model.name)
    twin.set_weights(model.get_weights())
    return twin


def _to_layer(keras: Any, layer: Layer) -> Any:
    kind, config = type(layer).__name__, layer.get_config()
    if kind not in LAYERS:
        raise ConvlabError(f"{layer!r} has no twin in Keras.")
    if not isinstance(config.get("padding", "valid"), str):
        raise ConvlabError(f"Keras has only 'valid' and 'same' padding, but {layer.name} has {config['padding']!r}.")
    make = getattr(keras.layers, kind)
    common = {"name": layer.name, "dtype": layer.dtype.name, "trainable": layer.trainable}
    return make.from_config({**config, **common})
