"""conv2d and its gradients equal TensorFlow's, whatever the geometry."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from convlab.ops import METHODS, blocks, conv2d, conv2d_gradients, im2col, methods, tiles, transposed, winograd_gradient


@st.composite
def problems(draw):
    """A convolution that fits: rectangular, with every padding, stride, dilation and group."""
    ints = lambda low, high: draw(st.integers(low, high))  # noqa: E731
    kernel, dilation, strides = (ints(1, 5), ints(1, 5)), (ints(1, 3), ints(1, 3)), (ints(1, 4), ints(1, 4))
    padding = draw(st.sampled_from(["valid", "same", "explicit"]))
    if padding == "explicit":
        padding = ((ints(0, 3), ints(0, 3)), (ints(0, 3), ints(0, 3)))
    room = [0 if padding == "same" else d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    size = [ints(1, 9) + extra for extra in room]
    groups = ints(1, 3)
    channels, filters, images = groups * ints(1, 9), groups * ints(1, 3), ints(1, 3)
    rng = np.random.default_rng(ints(0, 2**32))
    x = rng.normal(size=(images, *size, channels))
    k = rng.normal(size=(*kernel, channels // groups, filters))
    return x, k, dict(strides=strides, padding=padding, dilation=dilation, groups=groups)


def tensorflow_conv2d(x, kernel, strides, padding, dilation, groups):
    """TensorFlow's convolution; dilation as a kernel with zeros between its taps, which has gradients on any device."""
    spread = [np.eye((k - 1) * d + 1)[::d].T for k, d in zip(kernel.shape[:2], dilation, strict=True)]
    kernel = tf.einsum("au,bv,uvcf->abcf", *spread, kernel)
    pads = padding.upper() if isinstance(padding, str) else [[0, 0], *map(list, padding), [0, 0]]
    parts = zip(tf.split(x, groups, axis=3), tf.split(kernel, groups, axis=3), strict=True)
    return tf.concat([tf.nn.conv2d(images, part, strides, pads) for images, part in parts], axis=3)


@settings(max_examples=2000, deadline=None)
@given(problems())
def test_conv2d_and_gradients(problem):
    x, kernel, geometry = problem
    with tf.GradientTape() as tape:
        inputs = tf.constant(x), tf.constant(kernel)
        tape.watch(inputs)
        expected = tensorflow_conv2d(*inputs, **geometry)
    y = conv2d(x, kernel, **geometry)
    np.testing.assert_allclose(y, expected.numpy(), atol=1e-11)
    upstream = np.cos(np.arange(y.size)).reshape(y.shape)
    dx, dkernel = tape.gradient(expected, inputs, output_gradients=tf.constant(upstream))
    ours = conv2d_gradients(x, kernel, upstream, **geometry)
    np.testing.assert_allclose(ours.dx, dx.numpy(), atol=1e-11)
    np.testing.assert_allclose(ours.dkernel, dkernel.numpy(), atol=1e-11)
    np.testing.assert_allclose(ours.dbias, upstream.sum((0, 1, 2)), atol=1e-11)


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=60, deadline=None)
@given(problems())
def test_every_method_gives_the_same(method, problem):
    x, kernel, geometry = problem
    if method == "winograd":
        geometry = geometry | {"dilation" if max(geometry["strides"]) > 1 else "strides": 1}
        if all(k <= s for k, s in zip(kernel.shape[:2], np.broadcast_to(geometry["strides"], 2), strict=True)):
            return
    if method == "bands":
        x, kernel, geometry = x[..., :1], kernel[:, :, :1, :1], geometry | {"strides": 1, "groups": 1}
    expected = conv2d(x, kernel, **geometry, method="windows")
    np.testing.assert_allclose(conv2d(x, kernel, **geometry, method=method), expected, atol=1e-11)


@st.composite
def layers(draw):
    """A layer large enough for the fast paths: many channels on one side or both, some dozen pixels."""
    ints = lambda low, high: draw(st.integers(low, high))  # noqa: E731
    kernel, strides, dilation = (ints(1, 5), ints(1, 5)), (1, 1), (1, 1)
    match draw(st.sampled_from(["plain", "strided", "dilated"])):
        case "strided":
            strides = ints(1, 3), ints(1, 3)
        case "dilated":
            dilation = ints(1, 3), ints(1, 3)
    size = [ints(1, 20) + d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    channels, filters = (draw(st.sampled_from([1, 1, 3, 16, 40])) for _ in range(2))
    rng = np.random.default_rng(ints(0, 2**32))
    x = rng.normal(size=(ints(1, 4), *size, channels))
    padding = draw(st.sampled_from(["valid", "same", ((1, 0), (2, 3))]))
    k = rng.normal(size=(*kernel, channels, filters))
    return x, k, dict(strides=strides, padding=padding, dilation=dilation, groups=1)


@pytest.mark.parametrize("threads", [1, 3])
@settings(max_examples=150, deadline=None)
@given(problem=layers())
def test_fast_paths(threads, problem):
    """Blocks made small, so that every path meets several blocks, bands and threads."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "CACHE", 1 << 14)
        patch.setattr(blocks, "WORTH_A_THREAD", 1)
        patch.setattr(tiles, "CACHE", 1 << 14)
        patch.setattr(tiles, "TILES", 8)
        patch.setattr(im2col, "SMALL", 1 << 12)
        patch.setattr(im2col, "FEWEST", 2)
        patch.setattr(transposed, "CACHE", 1 << 14)
        patch.setattr(winograd_gradient, "CACHE", 1 << 16)
        patch.setattr(winograd_gradient, "WORTH_IT", 1)
        patch.setattr(methods, "SURE", 2.0)
        patch.setattr(methods, "SMALL", 1)
        patch.setattr(blocks, "_threads", threads)
        test_conv2d_and_gradients.hypothesis.inner_test(problem)


@pytest.mark.parametrize(
    ("size", "kernel", "strides", "name"),
    [
        ((1, 28, 28, 1), (3, 3, 1, 8), 1, "im2col"),
        ((1, 256, 256, 1), (5, 5, 1, 1), 1, "bands"),
        ((1, 256, 256, 1), (31, 31, 1, 1), 1, "fft"),
        ((8, 56, 56, 64), (3, 3, 64, 64), 1, "winograd"),
        ((8, 56, 56, 64), (3, 3, 64, 128), 2, "im2col"),
        ((1, 224, 224, 3), (7, 7, 3, 64), 2, "winograd"),
        ((8, 56, 56, 64), (1, 1, 64, 128), 1, "im2col"),
    ],
)
def test_auto_picks(size, kernel, strides, name):
    rows, columns = ((n - k) // strides + 1 for n, k in zip(size[1:3], kernel[:2], strict=True))
    x, weights, out = np.empty(size), np.empty(kernel), np.empty((size[0], rows, columns, kernel[3]))
    assert methods.choose(blocks.Job(x, weights, out, (strides, strides), (1, 1), (0, 0))) == name
