"""Integers only: how large the output of a convolution is, what it costs and what it sees.

Nothing here touches an array. `ConvSpec` describes one convolution; `sizes` holds the formulas for one axis; `stack`
describes the other layers of a network; `trace` follows an input through all of them.
"""

from convlab.geometry.sizes import (
    effective_kernel,
    output_size,
    padding_amounts,
    transposed_output_size,
    transposed_padding,
)
from convlab.geometry.spec import ConvSpec, WindowSpec, activation_bytes
from convlab.geometry.stack import (
    ActivationSpec,
    BatchNormSpec,
    DenseSpec,
    DepthwiseSpec,
    DropoutSpec,
    FlattenSpec,
    GlobalPoolSpec,
    PoolSpec,
    RescalingSpec,
    SeparableSpec,
    TransposeSpec,
    ZeroPaddingSpec,
)
from convlab.geometry.trace import ReceptiveField, Trace, receptive_field, trace

__all__ = [
    "ActivationSpec",
    "BatchNormSpec",
    "ConvSpec",
    "DenseSpec",
    "DepthwiseSpec",
    "DropoutSpec",
    "FlattenSpec",
    "GlobalPoolSpec",
    "PoolSpec",
    "ReceptiveField",
    "RescalingSpec",
    "SeparableSpec",
    "Trace",
    "TransposeSpec",
    "WindowSpec",
    "ZeroPaddingSpec",
    "activation_bytes",
    "effective_kernel",
    "output_size",
    "padding_amounts",
    "receptive_field",
    "trace",
    "transposed_output_size",
    "transposed_padding",
]
