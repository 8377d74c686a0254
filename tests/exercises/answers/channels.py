"""Correct answers written differently, catalogue entries, and answers with two mistakes, for problems/channels.py.

TensorFlow and SciPy are imported here too, so that no case's time limit has to pay for the import.
"""

import numpy as np
import scipy.signal  # noqa: F401

from convlab.hardware import quiet_tensorflow

with quiet_tensorflow():
    import keras  # noqa: F401
    import tensorflow  # noqa: F401


# ------------------------------------------------------------------------------------------------------------------ hwio
def hwio_moveaxis(weights):
    return np.moveaxis(weights, (0, 1), (3, 2))


def hwio_einsum(weights):
    return np.einsum("oihw->hwio", weights)


def hwio_loops(weights):
    filters, channels, height, width = weights.shape
    out = np.zeros((height, width, channels, filters))
    for f in range(filters):
        for c in range(channels):
            out[:, :, c, f] = weights[f, c]
    return out


def hwio_tensorflow(weights):
    import tensorflow as tf

    return tf.transpose(weights, [2, 3, 1, 0])


def hwio_float32(weights):
    return weights.astype("float32").swapaxes(0, 2).swapaxes(1, 3).swapaxes(2, 3)


# ------------------------------------------------------------------------------------------------------------- pointwise
def pointwise_loops(x, kernel, bias):
    n, height, width, channels = x.shape
    filters = kernel.shape[3]
    y = np.zeros((n, height, width, filters))
    for b in range(n):
        for i in range(height):
            for j in range(width):
                for f in range(filters):
                    total = bias[f]
                    for c in range(channels):
                        total += x[b, i, j, c] * kernel[0, 0, c, f]
                    y[b, i, j, f] = total
    return y


def pointwise_einsum(x, kernel, bias):
    return np.einsum("nijc,uvcf->nijf", x, kernel) + bias


def pointwise_flat(x, kernel, bias):
    n, height, width, channels = x.shape
    return (x.reshape(-1, channels) @ kernel.reshape(channels, -1)).reshape(n, height, width, -1) + bias


def pointwise_tensorflow(x, kernel, bias):
    import tensorflow as tf

    return tf.nn.conv2d(x, kernel, 1, "VALID") + bias


def pointwise_float32(x, kernel, bias):
    x, kernel, bias = (a.astype("float32") for a in (x, kernel, bias))
    return np.tensordot(x, kernel[0, 0], axes=([3], [0])) + bias


def pointwise_keras(*, x, kernel, bias):
    import keras

    layer = keras.layers.Conv2D(kernel.shape[3], 1, dtype="float64")
    layer.build(x.shape)
    layer.set_weights([kernel, bias])
    return keras.ops.convert_to_numpy(layer(x))


# ----------------------------------------------------------------------------------------------------- conv2d_parameters
def parameters_one_line(input_shape, filters, kernel_size, strides=(1, 1), groups=1, use_bias=True):
    return int(np.prod(kernel_size)) * input_shape[-1] // groups * filters + filters * use_bias


def parameters_by_filter(input_shape, filters, kernel_size, strides=(1, 1), groups=1, use_bias=True):
    *_, channels = input_shape
    total = 0
    for _ in range(filters):
        total += kernel_size[0] * kernel_size[1] * (channels // groups) + (1 if use_bias else 0)
    return total


def parameters_by_group(input_shape, filters, kernel_size, strides=(1, 1), groups=1, use_bias=True):
    one_group = kernel_size[0] * kernel_size[1] * (input_shape[2] // groups) * (filters // groups)
    return groups * one_group + (filters if use_bias else 0)


def parameters_float(input_shape, filters, kernel_size, strides=(1, 1), groups=1, use_bias=True):
    weights = kernel_size[0] * kernel_size[1] * input_shape[2] * filters / groups
    return np.float32(weights + filters * int(use_bias))


def parameters_keyword(*, input_shape, filters, kernel_size, strides=(1, 1), groups=1, use_bias=True):
    kernel = np.zeros((*kernel_size, input_shape[2] // groups, filters))
    return kernel.size + use_bias * filters


def parameters_keras(input_shape, filters, kernel_size, strides=(1, 1), groups=1, use_bias=True):
    import keras

    layer = keras.layers.Conv2D(filters, kernel_size, strides, groups=groups, use_bias=use_bias)
    layer.build((None, *input_shape))
    return layer.count_params()


# -------------------------------------------------------------------------------------------------------- grouped_conv2d
def grouped_concatenate(x, kernel, groups):
    def plain(x, kernel):
        height, width = kernel.shape[:2]
        windows = np.lib.stride_tricks.sliding_window_view(x, (height, width), (1, 2))
        return np.einsum("nijcuv,uvcf->nijf", windows, kernel)

    pairs = zip(np.split(x, groups, axis=3), np.split(kernel, groups, axis=3), strict=True)
    return np.concatenate([plain(*pair) for pair in pairs], axis=-1)


def grouped_loops(x, kernel, groups):
    n, height, width, _channels = x.shape
    kh, kw, depth, filters = kernel.shape
    y = np.zeros((n, height - kh + 1, width - kw + 1, filters))
    for b, i, j, f in np.ndindex(*y.shape):
        first = f * groups // filters * depth
        for u in range(kh):
            for v in range(kw):
                for c in range(depth):
                    y[b, i, j, f] += x[b, i + u, j + v, first + c] * kernel[u, v, c, f]
    return y


def grouped_tensorflow(x, kernel, groups):
    import tensorflow as tf

    parts = zip(tf.split(x, groups, axis=3), tf.split(kernel, groups, axis=3), strict=True)
    return tf.concat([tf.nn.conv2d(*part, 1, "VALID") for part in parts], axis=3)


def grouped_full_kernel(x, kernel, groups):
    """An ordinary convolution whose kernel is zero outside of the groups."""
    kh, kw, depth, filters = kernel.shape
    full = np.zeros((kh, kw, x.shape[3], filters))
    for f in range(filters):
        g = f // (filters // groups)
        full[:, :, g * depth : (g + 1) * depth, f] = kernel[..., f]
    y = 0
    for u in range(kh):
        for v in range(kw):
            y = y + x[:, u : x.shape[1] - kh + 1 + u, v : x.shape[2] - kw + 1 + v] @ full[u, v]
    return y


def grouped_float32(x, kernel, groups):
    x, kernel = x.astype("float32"), kernel.astype("float32")
    kh, kw, depth, filters = kernel.shape
    windows = np.lib.stride_tricks.sliding_window_view(x, (kh, kw), (1, 2))
    windows = windows.reshape(*windows.shape[:3], groups, depth, kh, kw)
    y = np.einsum("nijgcuv,uvcgf->nijgf", windows, kernel.reshape(kh, kw, depth, groups, -1))
    return y.reshape(*y.shape[:3], filters)


# ---------------------------------------------------------------------------------------------------------------- im2col
def im2col_windows(x, kernel_size, strides=(1, 1)):
    windows = np.lib.stride_tricks.sliding_window_view(x, kernel_size, axis=(1, 2))
    windows = windows[:, :: strides[0], :: strides[1]].transpose(0, 1, 2, 4, 5, 3)
    return windows.reshape(-1, kernel_size[0] * kernel_size[1] * x.shape[3])


def im2col_fill(x, kernel_size, strides=(1, 1)):
    n, height, width, channels = x.shape
    (kh, kw), (sh, sw) = kernel_size, strides
    rows, columns = (height - kh) // sh + 1, (width - kw) // sw + 1
    out = np.zeros((n * rows * columns, kh * kw * channels))
    for b in range(n):
        for i in range(rows):
            for j in range(columns):
                for u in range(kh):
                    for v in range(kw):
                        for c in range(channels):
                            place = (b * rows + i) * columns + j
                            out[place, (u * kw + v) * channels + c] = x[b, i * sh + u, j * sw + v, c]
    return out


def im2col_by_offset(x, kernel_size, strides=(1, 1)):
    (kh, kw), (sh, sw) = kernel_size, strides
    rows, columns = (x.shape[1] - kh) // sh + 1, (x.shape[2] - kw) // sw + 1
    parts = [
        x[:, u : u + (rows - 1) * sh + 1 : sh, v : v + (columns - 1) * sw + 1 : sw]
        for u in range(kh)
        for v in range(kw)
    ]
    return np.concatenate(parts, axis=3).reshape(len(x) * rows * columns, -1)


def im2col_tensorflow(x, kernel_size, strides=(1, 1)):
    import tensorflow as tf

    patches = tf.image.extract_patches(x, [1, *kernel_size, 1], [1, *strides, 1], [1, 1, 1, 1], "VALID")
    return tf.reshape(patches, (-1, patches.shape[-1]))


def im2col_float32_list(x, kernel_size, strides=(1, 1)):
    x = x.astype(np.float32)
    found = []
    for image in x:
        for i in range((image.shape[0] - kernel_size[0]) // strides[0] + 1):
            for j in range((image.shape[1] - kernel_size[1]) // strides[1] + 1):
                top, left = i * strides[0], j * strides[1]
                found.append(image[top : top + kernel_size[0], left : left + kernel_size[1]].flatten().tolist())
    return found


# ---------------------------------------------------------------------------------------------------------------- conv2d
def _pads(shape, kernel, strides):
    pairs = [(0, 0)]
    for n, k, s in zip(shape[1:3], kernel.shape[:2], strides, strict=True):
        total = max(k - s, 0) if n % s == 0 else max(k - n % s, 0)
        pairs.append((total // 2, total - total // 2))
    return [*pairs, (0, 0)]


def conv2d_windows(x, kernel, bias, strides=(1, 1), padding="valid"):
    if padding == "same":
        x = np.pad(x, _pads(x.shape, kernel, strides))
    windows = np.lib.stride_tricks.sliding_window_view(x, kernel.shape[:2], (1, 2))[:, :: strides[0], :: strides[1]]
    return np.einsum("nijcuv,uvcf->nijf", windows, kernel) + bias


def conv2d_seven_loops(x, kernel, bias, strides=(1, 1), padding="valid"):
    """Without padding an array: what lies outside counts as zero."""
    n, height, width, channels = x.shape
    kh, kw, _, filters = kernel.shape
    sh, sw = strides
    if padding == "same":
        rows, columns = int(np.ceil(height / sh)), int(np.ceil(width / sw))
        top = max((rows - 1) * sh + kh - height, 0) // 2
        left = max((columns - 1) * sw + kw - width, 0) // 2
    else:
        rows, columns, top, left = (height - kh) // sh + 1, (width - kw) // sw + 1, 0, 0
    y = np.zeros((n, rows, columns, filters))
    for b, i, j, f in np.ndindex(*y.shape):
        total = bias[f]
        for u in range(kh):
            for v in range(kw):
                r, c = i * sh + u - top, j * sw + v - left
                if 0 <= r < height and 0 <= c < width:
                    for channel in range(channels):
                        total += x[b, r, c, channel] * kernel[u, v, channel, f]
        y[b, i, j, f] = total
    return y


def conv2d_im2col_float32(x, kernel, bias, strides=(1, 1), padding="valid"):
    x, kernel, bias = (a.astype("float32") for a in (x, kernel, bias))
    if padding == "same":
        x = np.pad(x, _pads(x.shape, kernel, strides))
    kh, kw, channels, filters = kernel.shape
    rows, columns = (x.shape[1] - kh) // strides[0] + 1, (x.shape[2] - kw) // strides[1] + 1
    matrix = [
        image[i * strides[0] : i * strides[0] + kh, j * strides[1] : j * strides[1] + kw].ravel()
        for image in x
        for i in range(rows)
        for j in range(columns)
    ]
    y = np.array(matrix) @ kernel.reshape(kh * kw * channels, filters) + bias
    return y.reshape(len(x), rows, columns, filters)


def conv2d_tensorflow(x, kernel, bias, strides=(1, 1), padding="valid"):
    import tensorflow as tf

    return tf.nn.conv2d(x, kernel, strides, padding.upper()) + bias


def conv2d_scipy(x, kernel, bias, strides=(1, 1), padding="valid"):
    from scipy.signal import correlate

    if padding == "same":
        x = np.pad(x, _pads(x.shape, kernel, strides))
    maps = [
        np.stack(
            [correlate(image, kernel[..., f], "valid")[:, :, 0] + bias[f] for f in range(kernel.shape[3])], axis=-1
        )
        for image in x
    ]
    return np.stack(maps)[:, :: strides[0], :: strides[1]]


def conv2d_keras(*, x, kernel, bias, strides=(1, 1), padding="valid"):
    import keras

    return keras.ops.convert_to_numpy(keras.ops.conv(x, kernel, strides, padding)) + bias


VARIANTS = {
    "hwio": [hwio_moveaxis, hwio_einsum, hwio_loops, hwio_tensorflow, hwio_float32],
    "pointwise": [
        pointwise_loops,
        pointwise_einsum,
        pointwise_flat,
        pointwise_tensorflow,
        pointwise_float32,
        pointwise_keras,
    ],
    "conv2d_parameters": [
        parameters_one_line,
        parameters_by_filter,
        parameters_by_group,
        parameters_float,
        parameters_keyword,
        parameters_keras,
    ],
    "grouped_conv2d": [grouped_concatenate, grouped_loops, grouped_tensorflow, grouped_full_kernel, grouped_float32],
    "im2col": [im2col_windows, im2col_fill, im2col_by_offset, im2col_tensorflow, im2col_float32_list],
    "conv2d": [
        conv2d_windows,
        conv2d_seven_loops,
        conv2d_im2col_float32,
        conv2d_tensorflow,
        conv2d_scipy,
        conv2d_keras,
    ],
}


# ----------------------------------------------------------------------------------------------------------- two mistakes
def hwio_reversed_and_turned(weights):
    return weights.transpose(3, 2, 1, 0)[::-1, ::-1]


def hwio_exchanged_and_turned(weights):
    return weights.transpose(2, 3, 0, 1)[::-1, ::-1]


def pointwise_mean_without_bias(x, kernel, bias):
    return x @ kernel[0, 0] / x.shape[3]


def pointwise_first_channel_squeezed(x, kernel, bias):
    return (x[..., :1] * kernel[0, 0, 0] + bias).squeeze()


def pointwise_first_image_one_bias(x, kernel, bias):
    return np.repeat(x[:1], len(x), axis=0) @ kernel[0, 0] + bias[0]


def parameters_square_one_bias(input_shape, filters, kernel_size, strides=(1, 1), groups=1, use_bias=True):
    return kernel_size[0] ** 2 * (input_shape[2] // groups) * filters + use_bias


def parameters_no_groups_always_bias(input_shape, filters, kernel_size, strides=(1, 1), groups=1, use_bias=True):
    return kernel_size[0] * kernel_size[1] * input_shape[2] * filters + filters


def parameters_groups_twice_biases_too(input_shape, filters, kernel_size, strides=(1, 1), groups=1, use_bias=True):
    filters //= groups
    return kernel_size[0] * kernel_size[1] * (input_shape[2] // groups) * filters + filters * use_bias


def grouped_in_turn_and_transposed(x, kernel, groups):
    from convlab.exercises.problems.decisions import mistaken

    wrong = mistaken(group=lambda f, groups, filters: f % groups)
    return wrong(x, kernel, groups=groups).swapaxes(1, 2)


def grouped_first_channel_of_first_group(x, kernel, groups):
    from convlab.exercises.problems.decisions import mistaken

    wrong = mistaken(group=lambda f, groups, filters: 0, window=lambda products: products[:, :, 0].sum())
    return wrong(x, kernel, groups=groups)


def im2col_channels_first_upright(x, kernel_size, strides=(1, 1)):
    windows = np.lib.stride_tricks.sliding_window_view(x, kernel_size, axis=(1, 2))[:, :: strides[0], :: strides[1]]
    return windows.reshape(np.prod(windows.shape[:3]), -1).T


def im2col_strides_exchanged_columns_first(x, kernel_size, strides=(1, 1)):
    windows = np.lib.stride_tricks.sliding_window_view(x, kernel_size, axis=(1, 2))[:, :: strides[1], :: strides[0]]
    return windows.transpose(0, 2, 1, 4, 5, 3).reshape(np.prod(windows.shape[:3]), -1)


def _conv2d_double(name, **changes):
    def wrong(x, kernel, bias, strides=(1, 1), padding="valid"):
        from convlab.exercises.problems.decisions import mistaken

        return mistaken(**changes)(x, kernel, bias, strides, padding)

    wrong.__name__ = name
    return wrong


CHANGES = {  # each alone is a known mistake of conv2d
    "turned": dict(kernel=lambda k: k[::-1, ::-1]),
    "reversed": dict(kernel=lambda k: k[::-1, ::-1, ::-1]),
    "one_matrix": dict(kernel=lambda k: np.repeat(k[:, :, :1], k.shape[2], axis=2)),
    "first_channel": dict(window=lambda p: p[:, :, 0].sum()),
    "first_image": dict(image=lambda n: 0),
    "bias_by_channel": dict(bias=lambda b, f, p: b[f] * p.shape[2]),
    "bias_by_weight": dict(bias=lambda b, f, p: b[f] * p.size),
    "one_bias": dict(bias=lambda b, f, p: b[0]),
    "strides_exchanged": dict(strides=lambda s: s[::-1]),
    "first_stride": dict(strides=lambda s: (s[0], s[0])),
    "odd_before": dict(same=lambda n, k, r, s: _total(n, k, s, lambda t: (t - t // 2, t // 2))),
    "half_kernel": dict(same=lambda n, k, r, s: (k // 2, k // 2)),
    "stride_ignored": dict(same=lambda n, k, r, s: ((k - 1) // 2, k - 1 - (k - 1) // 2)),
    "smaller_half": dict(same=lambda n, k, r, s: _total(n, k, s, lambda t: (t // 2, t // 2))),
    "all_after": dict(same=lambda n, k, r, s: _total(n, k, s, lambda t: (0, t))),
    "edge": dict(fill="edge"),
}


def _total(n, k, s, split):
    return split(max((-(-n // s) - 1) * s + k - n, 0))


DOUBLES = {
    "hwio": [hwio_reversed_and_turned, hwio_exchanged_and_turned],
    "pointwise": [pointwise_mean_without_bias, pointwise_first_channel_squeezed, pointwise_first_image_one_bias],
    "conv2d_parameters": [
        parameters_square_one_bias,
        parameters_no_groups_always_bias,
        parameters_groups_twice_biases_too,
    ],
    "grouped_conv2d": [grouped_in_turn_and_transposed, grouped_first_channel_of_first_group],
    "im2col": [im2col_channels_first_upright, im2col_strides_exchanged_columns_first],
    "conv2d": [  # every two that do not decide the same thing, but for a pair of which one hides the other
        _conv2d_double(f"{a}_and_{b}", **CHANGES[a], **CHANGES[b])
        for place, a in enumerate(CHANGES)
        for b in list(CHANGES)[place + 1 :]
        if not CHANGES[a].keys() & CHANGES[b].keys() and {a, b} != {"one_matrix", "first_channel"}
    ],
}
