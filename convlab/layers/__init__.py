"""NumPy layers shaped like Keras' own: the same names, arguments, weights and results, forward and backward."""

from convlab.layers import activations, constraints, initializers, losses, optimizers, regularizers
from convlab.layers.base import Layer, Weight
from convlab.layers.convolution import Conv2D, Conv2DTranspose, DepthwiseConv2D, SeparableConv2D
from convlab.layers.core import (
    Activation,
    Dense,
    Dropout,
    Flatten,
    Input,
    ReLU,
    Rescaling,
    Softmax,
    SpatialDropout2D,
    ZeroPadding2D,
)
from convlab.layers.keras_weights import from_keras, to_keras
from convlab.layers.normalization import BatchNormalization
from convlab.layers.pooling import AveragePooling2D, GlobalAveragePooling2D, GlobalMaxPooling2D, MaxPooling2D
from convlab.layers.random import set_random_seed
from convlab.layers.sequential import History, Sequential

__all__ = [
    "Activation",
    "AveragePooling2D",
    "BatchNormalization",
    "Conv2D",
    "Conv2DTranspose",
    "Dense",
    "DepthwiseConv2D",
    "Dropout",
    "Flatten",
    "GlobalAveragePooling2D",
    "GlobalMaxPooling2D",
    "History",
    "Input",
    "Layer",
    "MaxPooling2D",
    "ReLU",
    "Rescaling",
    "SeparableConv2D",
    "Sequential",
    "Softmax",
    "SpatialDropout2D",
    "Weight",
    "ZeroPadding2D",
    "activations",
    "constraints",
    "from_keras",
    "initializers",
    "losses",
    "optimizers",
    "regularizers",
    "set_random_seed",
    "to_keras",
]
