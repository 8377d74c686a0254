"""A Keras model as a table: each layer's shape, parameters, multiply-accumulates, memory and receptive field."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from convlab.errors import ConvlabError
from convlab.geometry import (
    ActivationSpec,
    BatchNormSpec,
    ConvSpec,
    DenseSpec,
    DepthwiseSpec,
    DropoutSpec,
    FlattenSpec,
    GlobalPoolSpec,
    PoolSpec,
    RescalingSpec,
    SeparableSpec,
    Trace,
    TransposeSpec,
    ZeroPaddingSpec,
    activation_bytes,
    trace,
)
from convlab.geometry.stack import LayerSpec
from convlab.geometry.trace import Row
from convlab.layers.keras_weights import chain


def describe(model: Any) -> Trace:
    """What each layer of a Keras model gives, costs and sees, for one image, as `convlab.trace` has it for a stack.

    model: layers one after the other, however it was written; its input has a size for every axis. An activation that
    is an argument of a layer is counted with it. Every shape and number of parameters is held against Keras' own.

    Raises `ConvlabError` for a model that is not built, has no fixed size or branches, and names a layer it does not
    know.
    """
    layers = chain(model)
    shape = tuple(model.input_shape[1:])
    if None in shape:
        raise ConvlabError(
            f"a table needs images of one size, but this model takes {shape}: "
            "build it with keras.Input((height, width, channels)) in whole numbers."
        )
    traced = trace([spec_of(layer) for layer in layers], shape)
    rows = []
    for layer, row in zip(layers, traced.rows, strict=True):
        _check(layer, row, shape)
        shape = row.output_shape
        memory = activation_bytes(shape, layer.compute_dtype)
        rows.append(row._replace(layer=f"{layer.name}: {row.layer}", memory=memory))
    return replace(traced, rows=tuple(rows))


def spec_of(layer: Any) -> LayerSpec:
    """The description of a Keras layer, without its weights.

    Raises `ConvlabError` that names the layer, where there is none.
    """
    kind = type(layer).__name__
    if kind not in SPECS:
        raise ConvlabError(
            f"{kind} (layer {layer.name!r}) has no description here: known are {', '.join(sorted(SPECS))}."
        )
    return SPECS[kind](layer)


def _check(layer: Any, row: Row, input_shape: tuple[int, ...]) -> None:
    """Refuse a row that says anything else than Keras."""
    theirs = tuple(layer.compute_output_shape((None, *input_shape))[1:]), layer.count_params()
    if (row.output_shape, row.parameters) != theirs:
        raise ConvlabError(
            f"{row.layer} (layer {layer.name!r}) should give {theirs[0]} with {theirs[1]:,} parameters, as Keras says, "
            f"but {row.output_shape} with {row.parameters:,} were computed: this is a bug in convlab, please report it."
        )


def _window(layer: Any) -> dict[str, Any]:
    """What all layers with a sliding kernel have."""
    return {
        "kernel_size": layer.kernel_size,
        "strides": layer.strides,
        "padding": layer.padding,
        "dilation": layer.dilation_rate,
        "data_format": layer.data_format,
        "use_bias": layer.use_bias,
    }


def _transpose(layer: Any) -> TransposeSpec:
    return TransposeSpec(filters=layer.filters, output_padding=layer.output_padding, **_window(layer))


def _pool(kind: str) -> Callable[[Any], PoolSpec]:
    return lambda layer: PoolSpec(
        layer.pool_size, layer.strides, padding=layer.padding, data_format=layer.data_format, kind=kind
    )


def _global_pool(kind: str) -> Callable[[Any], GlobalPoolSpec]:
    return lambda layer: GlobalPoolSpec(kind, layer.data_format, layer.keepdims)


def _dense(layer: Any) -> LayerSpec:
    """On maps, a dense layer works at each pixel alike: it is a convolution of 1 x 1."""
    if len(layer.get_build_config()["input_shape"]) == 4:
        return ConvSpec(1, layer.units, use_bias=layer.use_bias)
    return DenseSpec(layer.units, use_bias=layer.use_bias)


SPECS: dict[str, Callable[[Any], LayerSpec]] = {
    "Conv2D": lambda layer: ConvSpec(filters=layer.filters, groups=layer.groups, **_window(layer)),
    "DepthwiseConv2D": lambda layer: DepthwiseSpec(depth_multiplier=layer.depth_multiplier, **_window(layer)),
    "SeparableConv2D": lambda layer: SeparableSpec(
        filters=layer.filters, depth_multiplier=layer.depth_multiplier, **_window(layer)
    ),
    "Conv2DTranspose": _transpose,
    "ZeroPadding2D": lambda layer: ZeroPaddingSpec(padding=layer.padding, data_format=layer.data_format),
    "MaxPooling2D": _pool("max"),
    "AveragePooling2D": _pool("average"),
    "GlobalMaxPooling2D": _global_pool("max"),
    "GlobalAveragePooling2D": _global_pool("average"),
    "BatchNormalization": lambda layer: BatchNormSpec(layer.axis, center=layer.center, scale=layer.scale),
    "Rescaling": lambda layer: RescalingSpec(layer.scale, layer.offset),
    "Activation": lambda layer: ActivationSpec(layer.activation.__name__),
    "ReLU": lambda layer: ActivationSpec("relu"),
    "LeakyReLU": lambda layer: ActivationSpec("leaky_relu"),
    "ELU": lambda layer: ActivationSpec("elu"),
    "Softmax": lambda layer: ActivationSpec("softmax"),
    "Dropout": lambda layer: DropoutSpec(layer.rate),
    "SpatialDropout2D": lambda layer: DropoutSpec(layer.rate),
    "Flatten": lambda layer: FlattenSpec(),
    "Dense": _dense,
}
