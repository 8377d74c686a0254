"""Random problems for the relatives of convolution, and TensorFlow's answer to them.

TensorFlow computes in float64 whatever the type of ours, so its own rounding is not in the comparison.
"""

from zlib import crc32

import numpy as np
import tensorflow as tf
from hypothesis import strategies as st

TOLERANCE = {"float32": 3e-5, "float64": 1e-12}  # of the largest number; Winograd's tiles give float32's
FORMATS = ["channels_last", "channels_first"]


@st.composite
def windows(draw, with_dilation=True):
    """(kernel size, geometry, image size): rectangular, even or odd, stride above or below the kernel, any padding."""
    pair = lambda low, high: (draw(st.integers(low, high)), draw(st.integers(low, high)))  # noqa: E731
    kernel, strides = pair(1, 5), pair(1, 4)
    dilation = pair(1, 3) if with_dilation else (1, 1)
    padding = draw(st.sampled_from(["valid", "same", "explicit"]))
    if padding == "explicit":
        padding = tuple(pair(0, min(k - 1, 3)) for k in kernel)
    room = [0 if padding == "same" else d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    size = tuple(n + extra for n, extra in zip(pair(1, 8), room, strict=True))
    geometry = {"strides": strides, "padding": padding}
    return kernel, geometry | ({"dilation": dilation} if with_dilation else {}), size


@st.composite
def batches(draw, size, channels):
    """(images with channels last, data format): ordinary numbers, or few integers so that many are equal."""
    images, seed = draw(st.integers(1, 3)), draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    dtype = draw(st.sampled_from(list(TOLERANCE)))
    x = rng.normal(size=(images, *size, channels))
    return (np.round(x) if draw(st.booleans()) else x).astype(dtype), draw(st.sampled_from(FORMATS))


def numbers(x, *shape):
    """Weights of this shape in the type of x, other ones for other images."""
    rng = np.random.default_rng(crc32(x.tobytes()))
    return rng.normal(size=shape).astype(x.dtype)


def to_format(x, data_format):
    return x if data_format == "channels_last" else np.ascontiguousarray(x.transpose(0, 3, 1, 2))


def ramp(y):
    """A gradient with respect to y that is different everywhere."""
    return np.cos(np.arange(y.size)).reshape(y.shape).astype(y.dtype)


def spread(kernel, dilation):
    """The kernel with zeros between its taps, as TensorFlow's own dilation has no gradient on every device."""
    rows, columns = (np.eye((k - 1) * d + 1)[::d].T for k, d in zip(kernel.shape[:2], dilation, strict=True))
    return tf.einsum("au,bv,uvcf->abcf", rows, columns, kernel)


def pads_of(padding):
    """`padding` as TensorFlow wants it."""
    return padding.upper() if isinstance(padding, str) else [[0, 0], *map(list, padding), [0, 0]]


def tensorflow(function, data_format, *inputs):
    """(output, pullback) of a TensorFlow function of images with channels last and weights, as our arrays are."""
    with tf.GradientTape() as tape:
        tensors = [tf.constant(np.asarray(value, np.float64)) for value in inputs]
        tape.watch(tensors)
        y = function(*tensors)
    expected = to_format(y.numpy(), data_format)

    def pullback(upstream):
        last = upstream if data_format == "channels_last" else upstream.transpose(0, 2, 3, 1)
        gradients = tape.gradient(y, tensors, output_gradients=tf.constant(last.astype(np.float64)))
        return [to_format(gradients[0].numpy(), data_format), *(g.numpy() for g in gradients[1:])]

    return expected, pullback


def assert_same(ours, expected, *, terms=1):
    """Equal in shape, and in every number within the error of the type relative to the largest number."""
    assert ours.shape == expected.shape
    scale = max(np.abs(expected).max(initial=0), 1) * max(terms, 1)
    np.testing.assert_allclose(ours, expected, rtol=0, atol=TOLERANCE[str(ours.dtype)] * scale)
