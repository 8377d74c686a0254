"""Pooling and its gradients equal TensorFlow's: overlapping windows, equal numbers, every padding."""

import numpy as np
import pytest
import tensorflow as tf
from cases import assert_same, batches, pads_of, ramp, tensorflow, to_format, windows
from hypothesis import given, settings
from hypothesis import strategies as st

from convlab import ops

EXAMPLES = settings(max_examples=2000)


def tensorflow_max(x, size, strides, padding):
    """`tf.nn.max_pool2d`; explicit padding never wins, because it is minus infinity."""
    if isinstance(padding, str):
        return tf.nn.max_pool2d(x, size, strides, padding.upper())
    return tf.nn.max_pool2d(tf.pad(x, pads_of(padding), constant_values=float("-inf")), size, strides, "VALID")


def tensorflow_avg(x, size, strides, padding):
    """Sums by convolution over counts of real pixels: `tf.nn.avg_pool2d` takes no explicit padding, and its gradient
    (2.21, on the CPU) does not fit its own forward pass where the window is larger than the image."""
    ones = np.ones((*size, 1, 1)) * np.eye(x.shape[3])
    total = lambda z: tf.nn.conv2d(z, ones, strides, pads_of(padding))  # noqa: E731
    return total(x) / total(tf.ones_like(x))


POOLS = {
    "max": (tensorflow_max, ops.max_pool2d, ops.max_pool2d_gradient),
    "avg": (tensorflow_avg, ops.avg_pool2d, ops.avg_pool2d_gradient),
}


@pytest.mark.parametrize("kind", POOLS)
@EXAMPLES
@given(data=st.data(), window=windows(with_dilation=False), channels=st.integers(1, 3))
def test_pool(kind, data, window, channels):
    size, geometry, image = window
    last, data_format = data.draw(batches(image, channels))
    reference, pool, gradient = POOLS[kind]
    expected, pullback = tensorflow(lambda x: reference(x, size, **geometry), data_format, last)
    x, geometry = to_format(last, data_format), geometry | {"data_format": data_format}
    y = pool(x, size, **geometry)
    assert_same(y, expected)
    if kind == "avg" and isinstance(geometry["padding"], str):
        direct = tf.nn.avg_pool2d(last.astype(float), size, geometry["strides"], geometry["padding"].upper())
        assert_same(y, to_format(direct.numpy(), data_format))
    upstream = ramp(y)
    assert_same(gradient(x, upstream, size, **geometry), pullback(upstream)[0])


@settings(max_examples=2000)
@given(data=st.data(), size=st.tuples(*[st.integers(1, 9)] * 2), channels=st.integers(1, 5), keepdims=st.booleans())
def test_global_pools(data, size, channels, keepdims):
    x, data_format = data.draw(batches(size, channels))
    mine = to_format(x, data_format)
    for reduce, pool, gradient in (
        (tf.reduce_max, ops.global_max_pool2d, ops.global_max_pool2d_gradient),
        (tf.reduce_mean, ops.global_avg_pool2d, ops.global_avg_pool2d_gradient),
    ):
        expected, pullback = tensorflow(lambda x, reduce=reduce: reduce(x, (1, 2), keepdims=True), data_format, x)
        y = pool(mine, keepdims=keepdims, data_format=data_format)
        assert_same(y, expected if keepdims else expected.reshape(y.shape))
        if reduce is tf.reduce_mean or len(set(x.ravel().tolist())) == x.size:  # TensorFlow shares among equal maxima
            upstream = ramp(y)
            theirs = pullback(upstream.reshape(expected.shape))[0]
            assert_same(gradient(mine, upstream, data_format=data_format), theirs)
