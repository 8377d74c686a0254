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
        normalization.BatchNormalization,
        core.Activation,
        core.Dense,
        core.Dropout,
        core.Flatten,
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
    if not model.built:
        raise ConvlabError("this Keras model has no weights yet: begin it with keras.Input(shape), or build it first.")
    _check_chain(model)
    layers = [_twin(layer) for layer in model.layers if type(layer).__name__ != "InputLayer"]
    twin = Sequential([Input(model.input_shape[1:]), *layers], name=model.name)
    twin.set_weights([value for layer in model.layers for value in layer.get_weights()])
    return twin


def _check_chain(model: Any) -> None:
    """Refuse a functional model whose layers are no chain: here each layer takes what the one before gives."""
    if type(model).__name__ == "Sequential":
        return
    for before, after in zip(model.layers, model.layers[1:], strict=False):
        if not getattr(after, "_inbound_nodes", None) or after.input is not before.output:
            raise ConvlabError(
                f"this Keras model is no chain of layers: {after.name} does not just follow {before.name}."
            )


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
