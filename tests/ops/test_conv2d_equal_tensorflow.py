"""conv2d and its gradients equal TensorFlow's in both types and both layouts, by every method."""

import tensorflow as tf
from cases import assert_same, batches, numbers, pads_of, ramp, spread, tensorflow, to_format, windows
from hypothesis import given, settings
from hypothesis import strategies as st

from convlab import ops
from convlab.errors import ConvlabError


@settings(max_examples=2000)
@given(st.data(), windows(), st.integers(1, 3), st.integers(1, 3), st.integers(1, 3))
def test_conv2d(data, window, groups, depth, multiple):
    size, geometry, image = window
    x, data_format = data.draw(batches(image, groups * depth))
    kernel, bias = numbers(x, *size, depth, groups * multiple), numbers(x, groups * multiple)

    def reference(x, kernel, bias):
        pairs = zip(tf.split(x, groups, 3), tf.split(spread(kernel, geometry["dilation"]), groups, 3), strict=True)
        strides, pads = geometry["strides"], pads_of(geometry["padding"])
        return tf.concat([tf.nn.conv2d(part, weights, strides, pads) for part, weights in pairs], 3) + bias

    expected, pullback = tensorflow(reference, data_format, x, kernel, bias)
    x, more = to_format(x, data_format), geometry | {"groups": groups, "data_format": data_format}
    y = ops.conv2d(x, kernel, bias, **more)
    assert_same(y, expected)
    upstream = ramp(y)
    for mine, theirs in zip(ops.conv2d_gradients(x, kernel, upstream, **more), pullback(upstream), strict=True):
        assert_same(mine, theirs)
    method = data.draw(st.sampled_from(list(ops.METHODS)))
    try:
        other = ops.conv2d(x, kernel, bias, **more, method=method)
    except ConvlabError:
        assert method in ("winograd", "bands")  # those that do not take every geometry
    else:
        assert_same(other, expected)
