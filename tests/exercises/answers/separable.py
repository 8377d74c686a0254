"""Correct answers written differently, catalogue entries, and answers with two mistakes, for problems/separable.py.

TensorFlow, Keras and SciPy are imported here too, so that no case's time limit has to pay for the import.
"""

import numpy as np
import scipy.ndimage
import scipy.signal

from convlab.hardware import quiet_tensorflow

with quiet_tensorflow():
    import keras  # noqa: F401
    import tensorflow  # noqa: F401


# ------------------------------------------------------------------------------------------------------ depthwise_conv2d
def depthwise_einsum(x, kernel):
    windows = np.lib.stride_tricks.sliding_window_view(x, kernel.shape[:2], (1, 2))
    y = np.einsum("nijcuv,uvcm->nijcm", windows, kernel)
    return y.reshape(*y.shape[:3], -1)


def depthwise_loops(x, kernel):
    n, height, width, channels = x.shape
    kh, kw, _, multiplier = kernel.shape
    y = np.zeros((n, height - kh + 1, width - kw + 1, channels * multiplier))
    for b, i, j, f in np.ndindex(*y.shape):
        c, m = divmod(f, multiplier)
        for u in range(kh):
            for v in range(kw):
                y[b, i, j, f] += x[b, i + u, j + v, c] * kernel[u, v, c, m]
    return y


def depthwise_tensorflow(x, kernel):
    import tensorflow as tf

    return tf.nn.depthwise_conv2d(x, kernel, (1, 1, 1, 1), "VALID")


def depthwise_repeat_float32(x, kernel):
    x, kernel = x.astype("float32"), kernel.astype("float32")
    kh, kw, channels, multiplier = kernel.shape
    flat = kernel.reshape(kh, kw, channels * multiplier)
    x = np.repeat(x, multiplier, axis=3)
    rows, columns = x.shape[1] - kh + 1, x.shape[2] - kw + 1
    return sum(x[:, u : u + rows, v : v + columns] * flat[u, v] for u in range(kh) for v in range(kw))


def depthwise_scipy(x, kernel):
    from scipy.signal import correlate2d

    channels, multiplier = kernel.shape[2:]
    images = [
        [
            correlate2d(image[:, :, c], kernel[:, :, c, m], mode="valid")
            for c in range(channels)
            for m in range(multiplier)
        ]
        for image in x
    ]
    return np.array(images).transpose(0, 2, 3, 1)


def depthwise_keras(*, x, kernel):
    import keras

    layer = keras.layers.DepthwiseConv2D(
        kernel.shape[:2], depth_multiplier=kernel.shape[3], use_bias=False, dtype="float64"
    )
    layer.build(x.shape)
    layer.set_weights([kernel])
    return layer(x)


# ------------------------------------------------------------------------------------------------------- separable_costs
def costs_one_line(input_shape, filters, kernel_size, depth_multiplier=1):
    h, w, c = input_shape
    a, b = kernel_size
    weights = c * depth_multiplier * (a * b + filters)
    return weights + filters, weights * (h - a + 1) * (w - b + 1)


def costs_by_shapes(input_shape, filters, kernel_size, depth_multiplier=1):
    depthwise = np.zeros((*kernel_size, input_shape[2], depth_multiplier))
    pointwise = np.zeros((1, 1, input_shape[2] * depth_multiplier, filters))
    height, width = (n - k + 1 for n, k in zip(input_shape, kernel_size, strict=False))
    return [depthwise.size + pointwise.size + filters, height * width * (depthwise.size + pointwise.size)]


def costs_counted(input_shape, filters, kernel_size, depth_multiplier=1):
    height, width, channels = input_shape
    parameters = products = 0
    pixels = len(range(height - kernel_size[0] + 1)) * len(range(width - kernel_size[1] + 1))
    for _ in range(channels):
        for _ in range(depth_multiplier):
            parameters += kernel_size[0] * kernel_size[1]
            products += kernel_size[0] * kernel_size[1] * pixels
            for _ in range(filters):
                parameters += 1
                products += pixels
    return parameters + filters, products


def costs_keyword_float(*, input_shape, filters, kernel_size, depth_multiplier=1):
    middle = input_shape[2] * depth_multiplier
    first = np.prod(kernel_size) * middle
    second = middle * filters
    pixels = np.prod(np.array(input_shape[:2]) - kernel_size + 1)
    return np.array([first + second + filters, (first + second) * pixels], float)


def costs_keras(input_shape, filters, kernel_size, depth_multiplier=1):
    import keras

    layer = keras.layers.SeparableConv2D(filters, kernel_size, depth_multiplier=depth_multiplier)
    layer.build((None, *input_shape))
    _, rows, columns, _ = layer.compute_output_shape((None, *input_shape))
    return layer.count_params(), (layer.count_params() - filters) * rows * columns


# ------------------------------------------------------------------------------------------------------ separable_conv2d
def separable_einsum(x, depthwise, pointwise, bias, relu=False):
    windows = np.lib.stride_tricks.sliding_window_view(x, depthwise.shape[:2], (1, 2))
    channels, multiplier = depthwise.shape[2:]
    mix = pointwise.reshape(channels, multiplier, -1)
    y = np.einsum("nijcuv,uvcm,cmf->nijf", windows, depthwise, mix) + bias
    return y.clip(min=0) if relu else y


def separable_full_kernel(x, depthwise, pointwise, bias, relu=False):
    kh, kw, channels, multiplier = depthwise.shape
    full = np.zeros((kh, kw, channels, pointwise.shape[3]))
    for c in range(channels):
        full[:, :, c] = depthwise[:, :, c] @ pointwise[0, 0, c * multiplier : (c + 1) * multiplier]
    rows, columns = x.shape[1] - kh + 1, x.shape[2] - kw + 1
    y = bias + sum(x[:, u : u + rows, v : v + columns] @ full[u, v] for u in range(kh) for v in range(kw))
    return y * (y > 0) if relu else y


def separable_tensorflow(x, depthwise, pointwise, bias, relu=False):
    import tensorflow as tf

    maps = tf.nn.depthwise_conv2d(x, depthwise, (1, 1, 1, 1), "VALID")
    y = tf.nn.conv2d(maps, pointwise, 1, "VALID") + bias
    return tf.nn.relu(y) if relu else y


def separable_convlab_float32(x, depthwise, pointwise, bias, relu=False):
    import convlab

    x, depthwise, pointwise, bias = (a.astype("float32") for a in (x, depthwise, pointwise, bias))
    y = convlab.depthwise_conv2d(x, depthwise) @ pointwise[0, 0] + bias
    if relu:
        y[y < 0] = 0
    return y


def separable_keras(*, x, depthwise, pointwise, bias, relu=False):
    import keras

    layer = keras.layers.SeparableConv2D(
        pointwise.shape[3],
        depthwise.shape[:2],
        depth_multiplier=depthwise.shape[3],
        activation="relu" if relu else None,
        dtype="float64",
    )
    layer.build(x.shape)
    layer.set_weights([depthwise, pointwise, bias])
    return keras.ops.convert_to_numpy(layer(x))


def separable_loops(x, depthwise, pointwise, bias, relu=False):
    kh, kw, channels, multiplier = depthwise.shape
    y = np.zeros((len(x), x.shape[1] - kh + 1, x.shape[2] - kw + 1, pointwise.shape[3]))
    for n, i, j in np.ndindex(*y.shape[:3]):
        maps = []
        for c in range(channels):
            for m in range(multiplier):
                maps.append(np.sum(x[n, i : i + kh, j : j + kw, c] * depthwise[:, :, c, m]))
        for f in range(y.shape[3]):
            value = bias[f] + sum(a * b for a, b in zip(maps, pointwise[0, 0, :, f], strict=True))
            y[n, i, j, f] = max(value, 0) if relu else value
    return y


# ------------------------------------------------------------------------------------------------------------ two_passes
def passes_numpy(image, column, row):
    tall = np.array([np.correlate(pixels, column, "valid") for pixels in image.T]).T
    return np.array([np.correlate(pixels, row, "valid") for pixels in tall])


def passes_row_first(image, column, row):
    wide = sum(image[:, v : image.shape[1] - len(row) + 1 + v] * row[v] for v in range(len(row)))
    return sum(wide[u : image.shape[0] - len(column) + 1 + u] * column[u] for u in range(len(column)))


def passes_convolve_turned_back(image, column, row):
    def once(pixels, weights):
        return np.convolve(pixels, weights[::-1], mode="valid")

    tall = np.apply_along_axis(once, 0, image, column)
    return np.apply_along_axis(once, 1, tall, row)


def passes_scipy_float32(image, column, row):
    from scipy.signal import correlate2d

    image, column, row = (a.astype("float32") for a in (image, column, row))
    return correlate2d(correlate2d(image, column[:, None], "valid"), row[None], "valid")


def passes_matrices(*, image, column, row):
    """Each pass as a matrix with the weights along its diagonals."""
    height, width = image.shape
    down = sum(np.eye(height - len(column) + 1, height, u) * column[u] for u in range(len(column)))
    along = sum(np.eye(width, width - len(row) + 1, -v) * row[v] for v in range(len(row)))
    return down @ image @ along


def passes_tensorflow(image, column, row):
    import tensorflow as tf

    y = tf.nn.conv2d(image[None, :, :, None], column[:, None, None, None], 1, "VALID")
    return tf.nn.conv2d(y, row[None, :, None, None], 1, "VALID")[0, :, :, 0]


# -------------------------------------------------------------------------------------------------------------- rank_one
def rank_one_square_roots(kernel):
    u, s, vt = np.linalg.svd(kernel, full_matrices=False)
    return np.sqrt(s[0]) * u[:, 0], np.sqrt(s[0]) * vt[0]


def rank_one_other_sign_and_shape(kernel):
    u, s, vt = np.linalg.svd(kernel)
    return -u[:, :1], -vt[:1] * s[0]


def rank_one_power_iteration(kernel):
    row = kernel[np.argmax(np.abs(kernel).sum(1))] + 0.01
    for _ in range(200):
        column = kernel @ row
        column = column / np.linalg.norm(column)
        row = column @ kernel
    return [column, row]


def rank_one_eigenvectors(kernel):
    values, vectors = np.linalg.eigh(kernel @ kernel.T)
    column = vectors[:, np.argmax(values)]
    return column, kernel.T @ column


def rank_one_float32(kernel):
    u, s, vt = np.linalg.svd(kernel.astype("float32"))
    return u[:, 0], s[0] * vt[0]


def rank_one_scipy(*, kernel):
    from scipy.linalg import svd

    u, s, vt = svd(kernel)
    return u.T[0] * s[0] * 2, vt[0] / 2


VARIANTS = {
    "depthwise_conv2d": [
        depthwise_einsum,
        depthwise_loops,
        depthwise_tensorflow,
        depthwise_repeat_float32,
        depthwise_scipy,
        depthwise_keras,
    ],
    "separable_costs": [costs_one_line, costs_by_shapes, costs_counted, costs_keyword_float, costs_keras],
    "separable_conv2d": [
        separable_einsum,
        separable_full_kernel,
        separable_tensorflow,
        separable_convlab_float32,
        separable_keras,
        separable_loops,
    ],
    "two_passes": [
        passes_numpy,
        passes_row_first,
        passes_convolve_turned_back,
        passes_scipy_float32,
        passes_matrices,
        passes_tensorflow,
    ],
    "rank_one": [
        rank_one_square_roots,
        rank_one_other_sign_and_shape,
        rank_one_power_iteration,
        rank_one_eigenvectors,
        rank_one_float32,
        rank_one_scipy,
    ],
}


# ----------------------------------------------------------------------------------------------------------- two mistakes
def _maps(x, kernel):
    windows = np.lib.stride_tricks.sliding_window_view(x, kernel.shape[:2], (1, 2))
    return np.einsum("nijcuv,uvcm->nijcm", windows, kernel)


def depthwise_wrong_order_and_turned(x, kernel):
    y = _maps(x, kernel[::-1, ::-1]).swapaxes(3, 4)
    return y.reshape(*y.shape[:3], -1)


def depthwise_first_image_and_mean(x, kernel):
    y = np.repeat(_maps(x[:1], kernel), len(x), axis=0) / np.prod(kernel.shape[:2])
    return y.reshape(*y.shape[:3], -1)


def depthwise_first_kernels_of_first_channel(x, kernel):
    return _maps(x, np.repeat(kernel[:, :, :1, :1], x.shape[3], axis=2))[..., 0]


def costs_forgotten_multiplier_second_bias(input_shape, filters, kernel_size, depth_multiplier=1):
    h, w, c = input_shape
    depthwise, pointwise = kernel_size[0] * kernel_size[1] * c * depth_multiplier, c * filters
    pixels = (h - kernel_size[0] + 1) * (w - kernel_size[1] + 1)
    return depthwise + c * depth_multiplier + pointwise + filters, (depthwise + pointwise) * pixels


def costs_flops_at_input_size(input_shape, filters, kernel_size, depth_multiplier=1):
    h, w, c = input_shape
    weights = c * depth_multiplier * (kernel_size[0] * kernel_size[1] + filters)
    return weights + filters, 2 * weights * h * w


def costs_no_bias_square(input_shape, filters, kernel_size, depth_multiplier=1):
    h, w, c = input_shape
    weights = c * depth_multiplier * (kernel_size[0] ** 2 + filters)
    return weights, weights * (h - kernel_size[0] + 1) * (w - kernel_size[1] + 1)


def separable_relu_between_and_wrong_order(x, depthwise, pointwise, bias, relu=False):
    y = _maps(x, depthwise).swapaxes(3, 4)
    y = y.reshape(*y.shape[:3], -1)
    y = (np.maximum(y, 0) if relu else y) @ pointwise[0, 0] + bias
    return np.maximum(y, 0) if relu else y


def separable_always_relu_before_bias(x, depthwise, pointwise, bias, relu=False):
    y = _maps(x, depthwise)
    return np.maximum(y.reshape(*y.shape[:3], -1) @ pointwise[0, 0], 0) + bias


def separable_turned_without_bias(x, depthwise, pointwise, bias, relu=False):
    y = _maps(x, depthwise[::-1, ::-1])
    y = y.reshape(*y.shape[:3], -1) @ pointwise[0, 0]
    return np.maximum(y, 0) if relu else y


def separable_relu_between_before_bias(x, depthwise, pointwise, bias, relu=False):
    y = _maps(x, depthwise)
    y = y.reshape(*y.shape[:3], -1)
    if not relu:
        return y @ pointwise[0, 0] + bias
    return np.maximum(np.maximum(y, 0) @ pointwise[0, 0], 0) + bias


def passes_turned_same_size(image, column, row):
    """np.convolve with mode "same" turns the weights and keeps the size."""
    tall = np.apply_along_axis(np.convolve, 0, image, column, "same")
    return np.apply_along_axis(np.convolve, 1, tall, row, "same")


def passes_turned_and_exchanged(image, column, row):
    return scipy.signal.correlate2d(image, np.outer(row[::-1], column[::-1]), "valid")


def passes_only_one_turned(image, column, row):
    return scipy.signal.correlate2d(image, np.outer(column[::-1], row), "valid")


def rank_one_last_without_value(kernel):
    u, _, vt = np.linalg.svd(kernel)
    return u[:, -1], vt[-1]


def rank_one_exchanged_without_value(kernel):
    u, _, vt = np.linalg.svd(kernel)
    return vt[0], u[:, 0]


def rank_one_both_axes_wrong(kernel):
    u, s, vt = np.linalg.svd(kernel)
    return u[0] * s[0], vt[:, 0]


DOUBLES = {
    "depthwise_conv2d": [
        depthwise_wrong_order_and_turned,
        depthwise_first_image_and_mean,
        depthwise_first_kernels_of_first_channel,
    ],
    "separable_costs": [costs_forgotten_multiplier_second_bias, costs_flops_at_input_size, costs_no_bias_square],
    "separable_conv2d": [
        separable_relu_between_and_wrong_order,
        separable_always_relu_before_bias,
        separable_turned_without_bias,
        separable_relu_between_before_bias,
    ],
    "two_passes": [passes_turned_same_size, passes_turned_and_exchanged, passes_only_one_turned],
    "rank_one": [rank_one_last_without_value, rank_one_exchanged_without_value, rank_one_both_axes_wrong],
}
