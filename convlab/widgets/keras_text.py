"""Read layers as Keras writes them, one a line, into the descriptions that `convlab.trace` takes."""

import ast
from collections.abc import Callable
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
    SeparableSpec,
    TransposeSpec,
)

# Arguments that change no size and no cost
IGNORED = {"name", "activation", "seed", "kernel_initializer", "bias_initializer", "kernel_regularizer",
           "bias_regularizer", "activity_regularizer", "kernel_constraint", "bias_constraint"}  # fmt: skip

# Each function has the arguments of Keras' layer that are left, in Keras' order.


def _conv(filters, kernel_size, strides=1, padding="valid", data_format=None, dilation_rate=1, groups=1,
          activation=None, use_bias=True):  # fmt: skip
    return ConvSpec(kernel_size, filters, strides=strides, padding=padding, dilation=dilation_rate, groups=groups,
                    use_bias=use_bias)  # fmt: skip


def _depthwise(kernel_size, strides=1, padding="valid", depth_multiplier=1, data_format=None, dilation_rate=1,
               activation=None, use_bias=True):  # fmt: skip
    return DepthwiseSpec(kernel_size, strides=strides, padding=padding, dilation=dilation_rate,
                         depth_multiplier=depth_multiplier, use_bias=use_bias)  # fmt: skip


def _separable(filters, kernel_size, strides=1, padding="valid", data_format=None, dilation_rate=1, depth_multiplier=1,
               activation=None, use_bias=True):  # fmt: skip
    return SeparableSpec(kernel_size, filters, strides=strides, padding=padding, dilation=dilation_rate,
                         depth_multiplier=depth_multiplier, use_bias=use_bias)  # fmt: skip


def _transpose(filters, kernel_size, strides=1, padding="valid", output_padding=None, data_format=None,
               dilation_rate=1, activation=None, use_bias=True):  # fmt: skip
    return TransposeSpec(kernel_size, filters, strides=strides, padding=padding, dilation=dilation_rate,
                         output_padding=output_padding, use_bias=use_bias)  # fmt: skip


def _pool(kind: str) -> Callable[..., PoolSpec]:
    return lambda pool_size=2, strides=None, padding="valid": PoolSpec(
        pool_size, strides=strides, padding=padding, kind=kind
    )


LAYERS: dict[str, Callable[..., Any]] = {
    "Conv2D": _conv,
    "DepthwiseConv2D": _depthwise,
    "SeparableConv2D": _separable,
    "Conv2DTranspose": _transpose,
    "MaxPooling2D": _pool("max"),
    "AveragePooling2D": _pool("average"),
    "GlobalAveragePooling2D": lambda: GlobalPoolSpec("average"),
    "GlobalMaxPooling2D": lambda: GlobalPoolSpec("max"),
    "BatchNormalization": lambda axis=-1, momentum=0.99, epsilon=0.001: BatchNormSpec(),
    "Activation": lambda activation: ActivationSpec(activation),
    "ReLU": lambda: ActivationSpec("relu"),
    "Dropout": lambda rate: DropoutSpec(rate),
    "SpatialDropout2D": lambda rate: DropoutSpec(rate),
    "Flatten": lambda: FlattenSpec(),
    "Dense": lambda units, activation=None, use_bias=True: DenseSpec(units, use_bias=use_bias),
}


def read_layers(text: str) -> list[Any]:
    """The layers of a text with one a line; empty lines and comments are skipped.

    Raises `ConvlabError` with the number of the line that is no layer.
    """
    layers = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.split("#")[0].strip():
            try:
                layers.append(_layer(line.split("#")[0].strip().rstrip(",")))
            except (SyntaxError, TypeError, ValueError) as error:
                raise ConvlabError(f"line {number}, {line.strip()!r}: {error}") from None
    return layers


def _layer(source: str) -> Any:
    call = ast.parse(source, mode="eval").body
    if not isinstance(call, ast.Call):
        raise ConvlabError("it is not a layer such as Conv2D(32, 3).")
    name = ast.unparse(call.func).split(".")[-1]
    if name not in LAYERS:
        raise ConvlabError(f"there is no layer {name}: choose one of {', '.join(LAYERS)}.")
    given = {word.arg: word.value for word in call.keywords if word.arg}
    if name != "Activation":
        given = {key: value for key, value in given.items() if key not in IGNORED}
    given = {key: ast.literal_eval(value) for key, value in given.items()}
    return LAYERS[name](*map(ast.literal_eval, call.args), **given)
