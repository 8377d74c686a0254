"""Arrays in, arrays out: convolution by several algorithms, its relatives, and their gradients."""

from convlab.ops.blocks import set_threads, threads
from convlab.ops.conv import conv2d, conv2d_gradients
from convlab.ops.depthwise import depthwise_conv2d, depthwise_conv2d_gradients
from convlab.ops.gradient_check import GradientCheck, gradient_check, numerical_gradient
from convlab.ops.image import convolve2d, correlate2d
from convlab.ops.kernel_gradient import ConvGradients
from convlab.ops.methods import METHODS
from convlab.ops.pooling import (
    avg_pool2d,
    avg_pool2d_gradient,
    global_avg_pool2d,
    global_avg_pool2d_gradient,
    global_max_pool2d,
    global_max_pool2d_gradient,
    max_pool2d,
    max_pool2d_gradient,
)
from convlab.ops.separable import (
    SeparableGradients,
    pointwise_conv2d,
    pointwise_conv2d_gradients,
    separable_conv2d,
    separable_conv2d_gradients,
)
from convlab.ops.transposed import conv2d_transpose, conv2d_transpose_gradients

__all__ = [
    "METHODS",
    "ConvGradients",
    "GradientCheck",
    "SeparableGradients",
    "avg_pool2d",
    "avg_pool2d_gradient",
    "conv2d",
    "conv2d_gradients",
    "conv2d_transpose",
    "conv2d_transpose_gradients",
    "convolve2d",
    "correlate2d",
    "depthwise_conv2d",
    "depthwise_conv2d_gradients",
    "global_avg_pool2d",
    "global_avg_pool2d_gradient",
    "global_max_pool2d",
    "global_max_pool2d_gradient",
    "gradient_check",
    "max_pool2d",
    "max_pool2d_gradient",
    "numerical_gradient",
    "pointwise_conv2d",
    "pointwise_conv2d_gradients",
    "separable_conv2d",
    "separable_conv2d_gradients",
    "set_threads",
    "threads",
]
