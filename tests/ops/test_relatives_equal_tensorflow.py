"""Depthwise, separable, pointwise and transposed convolution and their gradients equal TensorFlow's and Keras'."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from cases import assert_same, batches, numbers, pads_of, ramp, spread, tensorflow, to_format, windows
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from convlab import ops
from convlab.ops import blocks

EXAMPLES = settings(max_examples=2000)


def tensorflow_depthwise(x, kernel, strides, padding, dilation):
    """`tf.nn.depthwise_conv2d` for the square strides it takes; else a full convolution, zero between channels."""
    kernel, pads = spread(kernel, dilation), pads_of(padding)
    if strides[0] == strides[1]:
        return tf.nn.depthwise_conv2d(x, kernel, [1, *strides, 1], pads)
    dense = tf.einsum("uvcm,cd->uvcdm", kernel, np.eye(kernel.shape[2]))
    return tf.nn.conv2d(x, tf.reshape(dense, (*kernel.shape[:3], -1)), strides, pads)


def compare(ours, gradients, expected, pullback):
    """Our output with TensorFlow's, and our gradients for a gradient that is different everywhere."""
    assert_same(ours, expected)
    upstream = ramp(ours)
    for mine, theirs in zip(gradients(upstream), pullback(upstream), strict=True):
        assert_same(mine, theirs)


@EXAMPLES
@given(st.data(), windows(), st.integers(1, 4), st.integers(1, 3))
def test_depthwise(data, window, channels, multiplier):
    size, geometry, image = window
    x, data_format = data.draw(batches(image, channels))
    kernel, bias = numbers(x, *size, channels, multiplier), numbers(x, channels * multiplier)
    answer = tensorflow(lambda x, k, b: tensorflow_depthwise(x, k, **geometry) + b, data_format, x, kernel, bias)
    x, geometry = to_format(x, data_format), geometry | {"data_format": data_format}
    y = ops.depthwise_conv2d(x, kernel, bias, **geometry)
    compare(y, lambda dy: ops.depthwise_conv2d_gradients(x, kernel, dy, **geometry), *answer)


def test_depthwise_of_one_channel_channels_first():
    x, kernel = np.arange(1.0, 7.0).reshape(1, 1, 2, 3), np.full((1, 1, 1, 1), 2.0)
    np.testing.assert_array_equal(ops.depthwise_conv2d(x, kernel, data_format="channels_first"), 2 * x)


@EXAMPLES
@given(st.data(), windows(), st.integers(1, 3), st.integers(1, 2), st.integers(1, 3))
def test_separable(data, window, channels, multiplier, filters):
    size, geometry, image = window
    x, data_format = data.draw(batches(image, channels))
    depthwise, pointwise = numbers(x, *size, channels, multiplier), numbers(x, 1, 1, channels * multiplier, filters)

    def reference(x, depthwise, pointwise, bias):
        return tf.nn.conv2d(tensorflow_depthwise(x, depthwise, **geometry), pointwise, 1, "VALID") + bias

    bias = numbers(x, filters)
    answer = tensorflow(reference, data_format, x, depthwise, pointwise, bias)
    x, geometry_ = to_format(x, data_format), geometry | {"data_format": data_format}
    y = ops.separable_conv2d(x, depthwise, pointwise, bias, **geometry_)
    compare(y, lambda dy: ops.separable_conv2d_gradients(x, depthwise, pointwise, dy, **geometry_), *answer)


@EXAMPLES
@given(st.data(), st.tuples(*[st.integers(1, 9)] * 4), st.tuples(*[st.integers(1, 4)] * 2))
def test_pointwise(data, sizes, strides):
    height, width, channels, filters = sizes
    x, data_format = data.draw(batches((height, width), channels))
    kernel, bias = numbers(x, 1, 1, channels, filters), numbers(x, filters)
    answer = tensorflow(lambda x, k, b: tf.nn.conv2d(x, k, strides, "VALID") + b, data_format, x, kernel, bias)
    x, geometry = to_format(x, data_format), {"strides": strides, "data_format": data_format}
    y = ops.pointwise_conv2d(x, kernel, bias, **geometry)
    compare(y, lambda dy: ops.pointwise_conv2d_gradients(x, kernel, dy, **geometry), *answer)


@EXAMPLES
@given(st.data(), windows(), st.integers(1, 3), st.integers(1, 3), st.sampled_from(["valid", "same"]))
def test_transposed(data, window, channels, filters, padding):
    size, geometry, _ = window
    strides, dilation = geometry["strides"], geometry["dilation"]
    extra = data.draw(st.none() | st.tuples(*(st.integers(0, s - 1) for s in strides)))
    x, data_format = data.draw(batches(data.draw(st.tuples(*[st.integers(1, 6)] * 2)), channels))
    ours = {"strides": strides, "padding": padding, "output_padding": extra, "dilation": dilation}
    reach = ((k - 1) * d + 1 for k, d in zip(size, dilation, strict=True))
    if extra and padding == "same":  # Keras asks TensorFlow for impossible sizes where this sum is 0
        assume(all(r % 2 + e > 0 for r, e in zip(reach, extra, strict=True)))

    def reference(x, kernel, bias):
        return keras.ops.conv_transpose(x, spread(kernel, dilation), strides, padding, extra, "channels_last") + bias

    kernel, bias = numbers(x, *size, filters, channels), numbers(x, filters)
    answer = tensorflow(reference, data_format, x, kernel, bias)
    x, ours = to_format(x, data_format), ours | {"data_format": data_format}
    y = ops.conv2d_transpose(x, kernel, bias, **ours)
    compare(y, lambda dy: ops.conv2d_transpose_gradients(x, kernel, dy, **ours), *answer)


@pytest.mark.parametrize("threads", [1, 3])
@settings(max_examples=60)
@given(data=st.data(), window=windows(), channels=st.integers(1, 20), filters=st.integers(1, 9))
def test_relatives_in_small_blocks(threads, data, window, channels, filters):
    """Blocks made small, so that each image is cut into several, by several threads, and images share blocks."""
    (kh, kw), geometry, image = window
    x = np.tile(data.draw(batches(image, channels))[0], (3, 2, 2, 1))
    depthwise, pointwise = numbers(x, kh, kw, channels, 2), numbers(x, 1, 1, 2 * channels, filters)
    whole = ops.depthwise_conv2d(x, depthwise, **geometry), ops.separable_conv2d(x, depthwise, pointwise, **geometry)
    upstream = ramp(whole[0])
    gradients = ops.depthwise_conv2d_gradients(x, depthwise, upstream, **geometry)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "CACHE", data.draw(st.sampled_from([1 << 8, 1 << 11, 1 << 13])))
        patch.setattr(blocks, "WORTH_A_THREAD", 1)
        patch.setattr(blocks, "_threads", threads)
        assert_same(ops.depthwise_conv2d(x, depthwise, **geometry), whole[0])
        assert_same(ops.separable_conv2d(x, depthwise, pointwise, **geometry), whole[1])
        for cut, uncut in zip(
            ops.depthwise_conv2d_gradients(x, depthwise, upstream, **geometry), gradients, strict=True
        ):
            assert_same(cut, uncut)
