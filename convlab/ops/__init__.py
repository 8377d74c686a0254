"""Arrays in, arrays out: convolution by several algorithms, its relatives, and their gradients."""

from convlab.ops.blocks import set_threads, threads
from convlab.ops.conv import ConvGradients, conv2d, conv2d_gradients
from convlab.ops.methods import METHODS

__all__ = ["METHODS", "ConvGradients", "conv2d", "conv2d_gradients", "set_threads", "threads"]
