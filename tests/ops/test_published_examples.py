"""Worked examples that others published, digit for digit.

D&V: V. Dumoulin and F. Visin, "A guide to convolution arithmetic for deep learning" (2016).
D2L: A. Zhang, Z. Lipton, M. Li and A. Smola, "Dive into Deep Learning", chapters 7 and 14.
TensorFlow and Keras: the examples in their reference documentation.
"""

import numpy as np

from convlab import ops

DUMOULIN_VISIN = np.array(
    [[3, 3, 2, 1, 0], [0, 0, 1, 3, 1], [3, 1, 2, 2, 3], [2, 0, 0, 2, 2], [2, 0, 0, 0, 1]], dtype=float
)
NINE, FOUR = np.arange(9.0).reshape(3, 3), np.arange(4.0).reshape(2, 2)


def one(image):
    """A 2-D image as a batch of one with one channel."""
    return np.asarray(image, float)[np.newaxis, :, :, np.newaxis]


def plane(batch):
    return batch[0, :, :, 0]


def test_dumoulin_visin_convolution():
    """D&V, figure 1.1."""
    y = ops.correlate2d(DUMOULIN_VISIN, [[0, 1, 2], [2, 2, 0], [0, 1, 2]])
    np.testing.assert_array_equal(y, [[12, 12, 17], [10, 17, 19], [9, 6, 14]])


def test_dumoulin_visin_average_pooling():
    """D&V, figure 1.5, which prints one decimal."""
    y = plane(ops.avg_pool2d(one(DUMOULIN_VISIN), 3, strides=1))
    np.testing.assert_allclose(y, [[1.7, 1.7, 1.7], [1.0, 1.2, 1.8], [1.1, 0.8, 1.3]], atol=0.05)


def test_dumoulin_visin_max_pooling():
    """D&V, figure 1.6."""
    y = plane(ops.max_pool2d(one(DUMOULIN_VISIN), 3, strides=1))
    np.testing.assert_array_equal(y, [[3, 3, 3], [3, 3, 3], [3, 2, 3]])


def test_d2l_correlation():
    """D2L 7.2.1."""
    np.testing.assert_array_equal(ops.correlate2d(NINE, FOUR), [[19, 25], [37, 43]])


def test_d2l_edge():
    """D2L 7.2.3: white to black is 1, black to white -1."""
    image = np.ones((6, 8))
    image[:, 2:6] = 0
    np.testing.assert_array_equal(ops.correlate2d(image, [[1, -1]]), np.tile([0, 1, 0, 0, 0, -1, 0], (6, 1)))


def test_d2l_channels():
    """D2L 7.4.1 and 7.4.2: two channels in, three out."""
    x = np.stack([NINE, NINE + 1], axis=-1)[np.newaxis]
    kernel = np.stack([FOUR, FOUR + 1], axis=-1)[..., np.newaxis] + np.arange(3)
    y = ops.conv2d(x, kernel)[0].transpose(2, 0, 1)
    np.testing.assert_array_equal(y, [[[56, 72], [104, 120]], [[76, 100], [148, 172]], [[96, 128], [192, 224]]])


def test_d2l_pooling():
    """D2L 7.5.1 and 7.5.2."""
    np.testing.assert_array_equal(plane(ops.max_pool2d(one(NINE), 2, strides=1)), [[4, 5], [7, 8]])
    np.testing.assert_array_equal(plane(ops.avg_pool2d(one(NINE), 2, strides=1)), [[2, 3], [5, 6]])
    sixteen = one(np.arange(16).reshape(4, 4))
    np.testing.assert_array_equal(plane(ops.max_pool2d(sixteen, 3)), [[10]])
    np.testing.assert_array_equal(plane(ops.max_pool2d(sixteen, 3, strides=2, padding=1)), [[5, 7], [13, 15]])


def test_d2l_transposed():
    """D2L 14.10.1 and 14.10.2."""
    y = ops.conv2d_transpose(one(FOUR), FOUR[:, :, np.newaxis, np.newaxis])
    np.testing.assert_array_equal(plane(y), [[0, 0, 1], [0, 4, 6], [4, 12, 9]])
    y = ops.conv2d_transpose(one(FOUR), FOUR[:, :, np.newaxis, np.newaxis], strides=2)
    np.testing.assert_array_equal(plane(y), [[0, 0, 0, 1], [0, 0, 2, 3], [0, 2, 0, 3], [4, 6, 6, 9]])


def test_tensorflow_depthwise():
    """Documentation of `tf.nn.depthwise_conv2d`."""
    x, kernel = np.arange(1.0, 7).reshape(1, 3, 2, 1), np.arange(1.0, 5).reshape(2, 1, 1, 2)
    y = ops.depthwise_conv2d(x, kernel)
    np.testing.assert_array_equal(y, [[[[10, 14], [14, 20]], [[18, 26], [22, 32]]]])


def test_keras_pooling():
    """Documentation of `keras.layers.MaxPooling2D` and `AveragePooling2D`, valid and same."""
    x = one(NINE + 1)
    np.testing.assert_array_equal(plane(ops.max_pool2d(x, 2, strides=1)), [[5, 6], [8, 9]])
    y = plane(ops.max_pool2d(x, 2, strides=1, padding="same"))
    np.testing.assert_array_equal(y, [[5, 6, 6], [8, 9, 9], [8, 9, 9]])
    np.testing.assert_array_equal(plane(ops.avg_pool2d(x, 2, strides=1)), [[3, 4], [6, 7]])
    y = plane(ops.avg_pool2d(x, 2, strides=1, padding="same"))
    np.testing.assert_array_equal(y, [[3, 4, 4.5], [6, 7, 7.5], [7.5, 8.5, 9]])
