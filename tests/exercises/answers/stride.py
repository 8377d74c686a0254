"""Correct answers written in other ways, answers with two mistakes at once, and where catalogue entries are."""

import numpy as np


# --- strided_size ---------------------------------------------------------------------------------------------------
def strided_size_range(n, kernel, stride=1, dilation=1, padding="valid"):
    if padding == "same":
        return len(range(0, n, stride))
    return len(range(0, n - dilation * (kernel - 1), stride))


def strided_size_count(n, kernel, stride=1, dilation=1, padding="valid"):
    """Walk, as long as the last weight, or for "same" the first, lies in the row."""
    windows, start, last = 0, 0, 0 if padding == "same" else (kernel - 1) * dilation
    while start + last < n:
        windows += 1
        start += stride
    return windows


def strided_size_floats(n, kernel, stride=1, dilation=1, padding="valid"):
    import math

    if padding == "same":
        return math.ceil(n / stride)
    return math.floor((n - (kernel + (kernel - 1) * (dilation - 1))) / stride + 1)


def strided_size_numpy(n, kernel, stride=1, dilation=1, padding="valid"):
    import numpy as np

    if padding == "same":
        return np.ceil(n / stride)
    return np.arange(n)[: n - dilation * (kernel - 1) : stride].size


def strided_size_ceil_of_places(n, kernel, stride=1, dilation=1, padding="valid"):
    places = n if padding == "same" else n - dilation * (kernel - 1)
    return (places + stride - 1) // stride


def strided_size_pads_first(n, kernel, stride=1, dilation=1, *, padding="valid"):
    reach = dilation * (kernel - 1) + 1
    if padding == "same":
        n += max((-(-n // stride) - 1) * stride + reach - n, 0)
    return (n - reach) // stride + 1


def strided_size_keras(n, kernel, stride=1, dilation=1, padding="valid"):
    """Keras refuses strides and dilation together, so the row is dilated by itself first."""
    import keras

    if padding == "valid":
        kernel, dilation = dilation * (kernel - 1) + 1, 1
    layer = keras.layers.Conv1D(1, kernel, strides=stride, padding=padding)
    return layer.compute_output_shape((1, n, 1))[1]


def strided_size_up_and_dk(n, kernel, stride=1, dilation=1, padding="valid"):
    return -(-n // stride) if padding == "same" else -(-(n - dilation * kernel) // stride) + 1


def strided_size_no_one_and_same(n, kernel, stride=1, dilation=1, padding="valid"):
    return n if padding == "same" else (n - dilation * (kernel - 1) - 1) // stride


def strided_size_dk_and_same_down(n, kernel, stride=1, dilation=1, padding="valid"):
    return n // stride if padding == "same" else (n - dilation * kernel) // stride + 1


def strided_size_up_without_one(n, kernel, stride=1, dilation=1, padding="valid"):
    """Rounded up, and the first window forgotten."""
    return -(-n // stride) if padding == "same" else -(-(n - dilation * (kernel - 1) - 1) // stride)


def strided_size_ignores_all(n, kernel, stride=1, dilation=1, padding="valid"):
    return n if padding == "same" else (n - kernel) // stride + 1


# --- strided_correlation and dilated_correlation --------------------------------------------------------------------
def _corr(image, kernel):
    import numpy as np

    return np.einsum("ijuv,uv->ij", np.lib.stride_tricks.sliding_window_view(image, kernel.shape), kernel)


def strided_correlation_thinned(image, kernel, strides):
    return _corr(image, kernel)[:: strides[0], :: strides[1]]


def strided_correlation_four_loops(image, kernel, strides):
    (h, w), (kh, kw), (sh, sw) = image.shape, kernel.shape, strides
    return [
        [
            sum(image[i + u, j + v] * kernel[u, v] for u in range(kh) for v in range(kw))
            for j in range(0, w - kw + 1, sw)
        ]
        for i in range(0, h - kh + 1, sh)
    ]


def strided_correlation_einsum(image, kernel, strides):
    import numpy as np

    windows = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)[:: strides[0], :: strides[1]]
    return np.einsum("ijuv,uv->ij", windows.astype(np.float32), kernel.astype(np.float32))


def strided_correlation_as_strided(image, kernel, strides):
    import numpy as np

    image = np.ascontiguousarray(image)
    shape = [(n - k) // s + 1 for n, k, s in zip(image.shape, kernel.shape, strides, strict=False)]
    steps = [b * s for b, s in zip(image.strides, strides, strict=False)] + list(image.strides)
    windows = np.lib.stride_tricks.as_strided(image, (*shape, *kernel.shape), steps)
    return np.tensordot(windows, kernel, 2)


def strided_correlation_scipy(image, kernel, strides):
    from scipy.signal import correlate

    return correlate(image, kernel, mode="valid", method="direct")[:: strides[0], :: strides[1]]


def strided_correlation_tensorflow(*, strides, kernel, image):
    import tensorflow as tf

    x, k = tf.constant(image[None, :, :, None], tf.float32), tf.constant(kernel[:, :, None, None], tf.float32)
    return tf.nn.conv2d(x, k, strides, "VALID")[0, :, :, 0].numpy()


def _strided(image, kernel, strides):
    return _corr(image, kernel)[:: strides[0], :: strides[1]]


def strided_correlation_turned_and_exchanged(image, kernel, strides):
    return _strided(image, kernel[::-1, ::-1], strides[::-1])


def strided_correlation_turned_and_crowded(image, kernel, strides):
    rows, columns = _strided(image, kernel, strides).shape
    return _corr(image, kernel[::-1, ::-1])[:rows, :columns]


def strided_correlation_exchanged_and_short(image, kernel, strides):
    return _strided(image, kernel, strides[::-1])[:-1, :-1]


def strided_correlation_thinned_and_turned(image, kernel, strides):
    return _corr(image[:: strides[0], :: strides[1]], kernel[::-1, ::-1])


def strided_correlation_first_and_crowded(image, kernel, strides):
    rows, columns = _strided(image, kernel, (strides[0], strides[0])).shape
    return _corr(image, kernel)[:rows, :columns]


def strided_correlation_rows_crowded(image, kernel, strides):
    """Only the rows are one pixel apart."""
    rows, columns = _strided(image, kernel, strides).shape
    return _strided(image, kernel, (1, strides[1]))[:rows, :columns]


def dilated_correlation_zeros_between(image, kernel, dilation):
    import numpy as np

    (kh, kw), (dh, dw) = kernel.shape, dilation
    spread = np.zeros((dh * (kh - 1) + 1, dw * (kw - 1) + 1))
    spread[::dh, ::dw] = kernel
    return _corr(image, spread)


def dilated_correlation_four_loops(image, kernel, dilation):
    import numpy as np

    (h, w), (kh, kw), (dh, dw) = image.shape, kernel.shape, dilation
    out = np.zeros((h - dh * (kh - 1), w - dw * (kw - 1)))
    for i, j in np.ndindex(*out.shape):
        for u, v in np.ndindex(kh, kw):
            out[i, j] += image[i + u * dh, j + v * dw] * kernel[u, v]
    return out


def dilated_correlation_shifts(image, kernel, dilation):
    import numpy as np

    (kh, kw), (dh, dw) = kernel.shape, dilation
    oh, ow = image.shape[0] - dh * (kh - 1), image.shape[1] - dw * (kw - 1)
    total = np.float32(0)
    for u in range(kh):
        for v in range(kw):
            total = total + image[u * dh : u * dh + oh, v * dw : v * dw + ow].astype(np.float32) * np.float32(
                kernel[u, v]
            )
    return total


def dilated_correlation_windows(image, kernel, dilation):
    import numpy as np

    reach = [d * (k - 1) + 1 for k, d in zip(kernel.shape, dilation, strict=False)]
    windows = np.lib.stride_tricks.sliding_window_view(image, reach)[:, :, :: dilation[0], :: dilation[1]]
    return (windows * kernel).sum(axis=(2, 3))


def dilated_correlation_tensorflow(*, image, kernel, dilation):
    import tensorflow as tf

    x, k = tf.constant(image[None, :, :, None], tf.float32), tf.constant(kernel[:, :, None, None], tf.float32)
    return tf.nn.conv2d(x, k, 1, "VALID", dilations=dilation)[0, :, :, 0]


def dilated_correlation_keras(image, kernel, dilation):
    import keras

    layer = keras.layers.Conv2D(1, kernel.shape, dilation_rate=dilation, use_bias=False)
    layer.build((None, *image.shape, 1))
    layer.set_weights([kernel[:, :, None, None]])
    return keras.ops.convert_to_numpy(layer(image[None, :, :, None]))[0, :, :, 0]


def _dilated(image, kernel, dilation):
    import numpy as np

    reach = [d * (k - 1) + 1 for k, d in zip(kernel.shape, dilation, strict=False)]
    windows = np.lib.stride_tricks.sliding_window_view(image, reach)[:, :, :: dilation[0], :: dilation[1]]
    return (windows * kernel).sum(axis=(2, 3))


def dilated_correlation_turned_and_exchanged(image, kernel, dilation):
    return _dilated(image, kernel[::-1, ::-1], dilation[::-1])


def dilated_correlation_turned_and_dk(image, kernel, dilation):
    oh, ow = (n - d * k + 1 for n, k, d in zip(image.shape, kernel.shape, dilation, strict=False))
    return _dilated(image, kernel[::-1, ::-1], dilation)[:oh, :ow]


def dilated_correlation_first_and_turned(image, kernel, dilation):
    return _dilated(image, kernel[::-1, ::-1], (dilation[0], dilation[0]))


def dilated_correlation_exchanged_and_dk(image, kernel, dilation):
    oh, ow = (n - d * k + 1 for n, k, d in zip(image.shape, kernel.shape, dilation[::-1], strict=False))
    return _dilated(image, kernel, dilation[::-1])[:oh, :ow]


def dilated_correlation_stride_and_turned(image, kernel, dilation):
    return _strided(image, kernel[::-1, ::-1], dilation)


# --- max_pool and avg_pool ------------------------------------------------------------------------------------------
def _same(n, k, s):
    total = max((-(-n // s) - 1) * s + k - n, 0)
    return total // 2, total - total // 2


def max_pool_cut_windows(x, pool_size, strides=None, padding="valid"):
    """Windows are cut off at the border; nothing is padded."""
    import numpy as np

    strides = strides or pool_size
    (kh, kw), (sh, sw), (h, w) = pool_size, strides, x.shape[1:3]
    if padding == "same":
        oh, ow = -(-h // sh), -(-w // sw)
        top, left = _same(h, kh, sh)[0], _same(w, kw, sw)[0]
    else:
        oh, ow, top, left = (h - kh) // sh + 1, (w - kw) // sw + 1, 0, 0
    out = np.empty((len(x), oh, ow, x.shape[3]))
    for n, i, j, c in np.ndindex(*out.shape):
        a, b = i * sh - top, j * sw - left
        out[n, i, j, c] = np.max(x[n, max(a, 0) : a + kh, max(b, 0) : b + kw, c])
    return out


def max_pool_windows(x, pool_size, strides=None, padding="valid"):
    import numpy as np

    strides = pool_size if strides is None else strides
    if padding == "same":
        pads = [_same(n, k, s) for n, k, s in zip(x.shape[1:3], pool_size, strides, strict=False)]
        x = np.pad(x, [(0, 0), *pads, (0, 0)], constant_values=x.min())
    windows = np.lib.stride_tricks.sliding_window_view(x, pool_size, axis=(1, 2))
    return windows[:, :: strides[0], :: strides[1]].max(axis=(-2, -1))


def max_pool_keras(x, pool_size, strides=None, padding="valid"):
    import keras

    return keras.layers.MaxPooling2D(pool_size, strides, padding=padding)(x.astype("float32"))


def max_pool_tensorflow(x, pool_size, strides=None, padding="valid"):
    import tensorflow as tf

    return tf.nn.max_pool2d(x, pool_size, strides or pool_size, padding.upper()).numpy()


def max_pool_maxima(x, pool_size, strides=None, *, padding="valid"):
    """The running maximum of shifted images, in float32."""
    import numpy as np

    strides = strides or pool_size
    pads = [
        _same(n, k, s) if padding == "same" else (0, 0)
        for n, k, s in zip(x.shape[1:3], pool_size, strides, strict=False)
    ]
    x = np.pad(x.astype(np.float32), [(0, 0), *pads, (0, 0)], constant_values=-np.inf)
    places = [n - k + 1 for n, k in zip(x.shape[1:3], pool_size, strict=False)]
    shifted = [x[:, u : u + places[0], v : v + places[1]] for u in range(pool_size[0]) for v in range(pool_size[1])]
    return np.maximum.reduce(shifted)[:, :: strides[0], :: strides[1]]


def max_pool_nan(x, pool_size, strides=None, padding="valid"):
    """What is not a number is not counted."""
    import numpy as np

    strides = strides or pool_size
    if padding == "same":
        pads = [_same(n, k, s) for n, k, s in zip(x.shape[1:3], pool_size, strides, strict=False)]
        x = np.pad(x, [(0, 0), *pads, (0, 0)], constant_values=np.nan)
    rows = range(0, x.shape[1] - pool_size[0] + 1, strides[0])
    columns = range(0, x.shape[2] - pool_size[1] + 1, strides[1])
    return np.stack(
        [
            np.stack(
                [np.nanmax(x[:, i : i + pool_size[0], j : j + pool_size[1]], axis=(1, 2)) for j in columns], axis=1
            )
            for i in rows
        ],
        axis=1,
    )


def _max(x, pool_size, strides, pads, fill):
    import numpy as np

    x = np.pad(x, [(0, 0), *pads, (0, 0)], constant_values=fill)
    windows = np.lib.stride_tricks.sliding_window_view(x, pool_size, axis=(1, 2))
    return windows[:, :: strides[0], :: strides[1]].max(axis=(-2, -1))


def _pads(x, pool_size, strides, padding):
    return [
        _same(n, k, s) if padding == "same" else (0, 0)
        for n, k, s in zip(x.shape[1:3], pool_size, strides, strict=False)
    ]


def max_pool_zeros_and_stride_one(x, pool_size, strides=None, padding="valid"):
    strides = strides or (1, 1)
    return _max(x, pool_size, strides, _pads(x, pool_size, strides, padding), 0)


def max_pool_zeros_before(x, pool_size, strides=None, padding="valid"):
    strides = strides or pool_size
    return _max(x, pool_size, strides, [p[::-1] for p in _pads(x, pool_size, strides, padding)], 0)


def max_pool_ignores_strides_and_padding(x, pool_size, strides=None, padding="valid"):
    return _max(x, pool_size, pool_size, ((0, 0), (0, 0)), 0)


def max_pool_channels_and_zeros(x, pool_size, strides=None, padding="valid"):
    import numpy as np

    strides = strides or pool_size
    out = _max(x, pool_size, strides, _pads(x, pool_size, strides, padding), 0)
    return np.broadcast_to(out.max(axis=3, keepdims=True), out.shape)


def max_pool_exchanged_and_zeros(x, pool_size, strides=None, padding="valid"):
    pool_size, strides = pool_size[::-1], (strides or pool_size)[::-1]
    return _max(x, pool_size, strides, _pads(x, pool_size, strides, padding), 0)


NONE = ((0, 0), (0, 0))


def avg_pool_counts(x, pool_size, strides=None, padding=NONE):
    """The sum of zeros and pixels, divided by the number of pixels."""
    import numpy as np

    strides = strides or pool_size

    def sums(values):
        padded = np.pad(values, ((0, 0), *padding, (0, 0)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, pool_size, axis=(1, 2))
        return windows[:, :: strides[0], :: strides[1]].sum(axis=(-2, -1))

    return sums(x) / sums(np.ones_like(x))


def avg_pool_nan(x, pool_size, strides=None, padding=NONE):
    import numpy as np

    strides = pool_size if strides is None else strides
    x = np.pad(x.astype(np.float32), [(0, 0), *padding, (0, 0)], constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(x, pool_size, axis=(1, 2))
    return np.nanmean(windows[:, :: strides[0], :: strides[1]], axis=(-2, -1))


def avg_pool_loops(x, pool_size, strides=None, padding=NONE):
    """Every pixel by itself."""
    import numpy as np

    (kh, kw), (sh, sw) = pool_size, strides or pool_size
    ((above, below), (left, right)), (images, h, w, channels) = padding, x.shape
    out = np.zeros((images, (h + above + below - kh) // sh + 1, (w + left + right - kw) // sw + 1, channels))
    for n, i, j, c in np.ndindex(*out.shape):
        met = [
            x[n, r, q, c]
            for r in range(i * sh - above, i * sh - above + kh)
            for q in range(j * sw - left, j * sw - left + kw)
            if 0 <= r < h and 0 <= q < w
        ]
        out[n, i, j, c] = sum(met) / len(met)
    return out


def avg_pool_tensorflow(x, pool_size, strides=None, padding=NONE):
    """The mean of zeros and pixels, divided by the mean of zeros and ones."""
    import tensorflow as tf

    around = [(0, 0), *padding, (0, 0)]
    means = [
        tf.nn.avg_pool2d(tf.pad(values, around), pool_size, strides or pool_size, "VALID")
        for values in (tf.constant(x), tf.ones_like(x))
    ]
    return means[0] / means[1]


def avg_pool_masked(x, pool_size, strides=None, padding=NONE):
    import numpy as np

    strides = strides or pool_size
    padded = np.pad(x, ((0, 0), *padding, (0, 0)))
    mask = ~np.pad(np.ones(x.shape, bool), ((0, 0), *padding, (0, 0)))
    masked = np.ma.array(padded, mask=mask)
    rows = range(0, padded.shape[1] - pool_size[0] + 1, strides[0])
    columns = range(0, padded.shape[2] - pool_size[1] + 1, strides[1])
    out = np.zeros((len(x), len(rows), len(columns), x.shape[3]))
    for i, r in enumerate(rows):
        for j, q in enumerate(columns):
            out[:, i, j, :] = masked[:, r : r + pool_size[0], q : q + pool_size[1]].mean(axis=(1, 2))
    return out


def avg_pool_keras(x, pool_size, strides=None, *, padding=NONE):
    import keras

    pool = keras.layers.AveragePooling2D(pool_size, strides or pool_size)
    around = keras.layers.ZeroPadding2D(padding)
    sums, counts = pool(around(x)), pool(around(keras.ops.ones_like(x)))
    return keras.ops.convert_to_numpy(sums) / keras.ops.convert_to_numpy(counts)


def _mean(x, pool_size, strides, padding, mode="constant"):
    import numpy as np

    padded = np.pad(x, ((0, 0), *padding, (0, 0)), mode=mode)
    windows = np.lib.stride_tricks.sliding_window_view(padded, pool_size, axis=(1, 2))
    return windows[:, :: strides[0], :: strides[1]].mean(axis=(-2, -1))


def avg_pool_counted_and_stride_one(x, pool_size, strides=None, padding=NONE):
    return _mean(x, pool_size, strides or (1, 1), padding)


def avg_pool_edges_and_stride_one(x, pool_size, strides=None, padding=NONE):
    return _mean(x, pool_size, strides or (1, 1), padding, "edge")


def avg_pool_sum_and_no_padding(x, pool_size, strides=None, padding=NONE):
    return _mean(x, pool_size, strides or pool_size, NONE) * pool_size[0] * pool_size[1]


def avg_pool_counted_and_channels(x, pool_size, strides=None, padding=NONE):
    import numpy as np

    out = _mean(x, pool_size, strides or pool_size, padding)
    return np.broadcast_to(out.mean(axis=3, keepdims=True), out.shape)


def avg_pool_counted_and_exchanged(x, pool_size, strides=None, padding=NONE):
    return _mean(x, pool_size[::-1], (strides or pool_size)[::-1], padding)


# --- receptive_field ------------------------------------------------------------------------------------------------
def receptive_field_backwards(layers):
    """From one number of the last map down to the input: how many numbers of each map it needs."""
    needed = 1
    for kernel, stride, dilation in reversed(layers):
        needed = (needed - 1) * stride + dilation * (kernel - 1) + 1
    return needed


def receptive_field_sum(layers):
    from math import prod

    return 1 + sum(d * (k - 1) * prod(s for _, s, _ in layers[:i]) for i, (k, _, d) in enumerate(layers))


def receptive_field_numpy(layers):
    import numpy as np

    kernel, stride, dilation = np.array(layers).T
    jumps = np.cumprod(np.concatenate([[1], stride[:-1]]))
    return 1 + (dilation * (kernel - 1) * jumps).sum()


def receptive_field_ends(layers):
    """The first and the last pixel of output 0, without padding."""
    first, last = 0, 0
    for kernel, stride, dilation in layers[::-1]:
        first, last = first * stride, last * stride + (kernel - 1) * dilation
    return last - first + 1


def receptive_field_recursive(layers):
    if not layers:
        return 1
    (kernel, stride, dilation), *above = layers
    return (receptive_field_recursive(above) - 1) * stride + dilation * (kernel - 1) + 1


def receptive_field_sets(*, layers):
    """The range of the pixels that are really read."""
    read = {0}
    for kernel, stride, dilation in layers[::-1]:
        read = {p * stride + u * dilation for p in read for u in range(kernel)}
    return max(read) - min(read) + 1


def receptive_field_no_stride_no_dilation(layers):
    return 1 + sum(k - 1 for k, _, _ in layers)


def receptive_field_own_stride_and_dk(layers):
    field, jump = 1, 1
    for kernel, stride, dilation in layers:
        jump *= stride
        field += (dilation * kernel - 1) * jump
    return field


def receptive_field_zero_and_own_stride(layers):
    field, jump = 0, 1
    for kernel, stride, dilation in layers:
        jump *= stride
        field += dilation * (kernel - 1) * jump
    return field


def receptive_field_product_of_reaches_and_strides(layers):
    from math import prod

    return prod((d * (k - 1) + 1) * s for k, s, d in layers)


def receptive_field_last_stride_no_dilation(layers):
    field, jump = 1, 1
    for kernel, stride, _ in layers:
        field += (kernel - 1) * jump
        jump = stride
    return field


def receptive_field_zero_and_whole_kernels(layers):
    field, jump = 0, 1
    for kernel, stride, dilation in layers:
        field += (dilation * (kernel - 1) + 1) * jump
        jump *= stride
    return field


# --- dilated_padding ------------------------------------------------------------------------------------------------
def dilated_padding_written_out(n, kernel, stride=1, dilation=1):
    """The kernel with its gaps, as zeros between its weights."""
    row = np.kron(np.ones(kernel), np.eye(1, dilation)[0])[: dilation * (kernel - 1) + 1]
    missing = max(range(0, n, stride)[-1] + len(row) - n, 0)
    return [missing // 2, -(-missing // 2)]


def dilated_padding_remainder(n, kernel, stride=1, dilation=1):
    reach = kernel + (kernel - 1) * (dilation - 1)
    total = max(reach - (n % stride or stride), 0)
    return total // 2, total - total // 2


def dilated_padding_numpy(n, kernel, stride=1, dilation=1):
    total = np.maximum((np.ceil(n / stride) - 1) * stride + dilation * (kernel - 1) + 1 - n, 0)
    return np.array([np.floor(total / 2), np.ceil(total / 2)])


def dilated_padding_keywords(*, n, kernel, stride=1, dilation=1):
    return same_padding_of(n, dilation * (kernel - 1) + 1, stride)


def same_padding_of(n, reach, stride):
    total = max((-(-n // stride) - 1) * stride + reach - n, 0)
    return divmod(total, 2)[0], sum(divmod(total, 2))


def dilated_padding_touched(n, kernel, stride=1, dilation=1):
    touched = {start + u * dilation for start in range(0, n, stride) for u in range(kernel)}
    total = max(max(touched) + 1 - n, 0)
    return np.int64(total // 2), np.int64(total - total // 2)


def dilated_padding_ignored_and_before(n, kernel, stride=1, dilation=1):
    before, after = same_padding_of(n, kernel, stride)
    return after, before


def dilated_padding_dk_without_stride(n, kernel, stride=1, dilation=1):
    total = dilation * kernel - 1
    return total // 2, total - total // 2


VARIANTS = {
    "dilated_padding": [
        dilated_padding_written_out,
        dilated_padding_remainder,
        dilated_padding_numpy,
        dilated_padding_keywords,
        dilated_padding_touched,
    ],
    "strided_size": [
        strided_size_range,
        strided_size_count,
        strided_size_floats,
        strided_size_numpy,
        strided_size_ceil_of_places,
        strided_size_keras,
        strided_size_pads_first,
    ],
    "strided_correlation": [
        strided_correlation_thinned,
        strided_correlation_four_loops,
        strided_correlation_einsum,
        strided_correlation_as_strided,
        strided_correlation_scipy,
        strided_correlation_tensorflow,
    ],
    "dilated_correlation": [
        dilated_correlation_zeros_between,
        dilated_correlation_four_loops,
        dilated_correlation_shifts,
        dilated_correlation_windows,
        dilated_correlation_tensorflow,
        dilated_correlation_keras,
    ],
    "max_pool": [
        max_pool_cut_windows,
        max_pool_windows,
        max_pool_keras,
        max_pool_tensorflow,
        max_pool_nan,
        max_pool_maxima,
    ],
    "avg_pool": [
        avg_pool_counts,
        avg_pool_nan,
        avg_pool_loops,
        avg_pool_tensorflow,
        avg_pool_masked,
        avg_pool_keras,
    ],
    "receptive_field": [
        receptive_field_backwards,
        receptive_field_sum,
        receptive_field_numpy,
        receptive_field_ends,
        receptive_field_recursive,
        receptive_field_sets,
    ],
}

DOUBLES = {
    "dilated_padding": [dilated_padding_ignored_and_before, dilated_padding_dk_without_stride],
    "strided_size": [
        strided_size_up_and_dk,
        strided_size_no_one_and_same,
        strided_size_dk_and_same_down,
        strided_size_up_without_one,
        strided_size_ignores_all,
    ],
    "strided_correlation": [
        strided_correlation_turned_and_exchanged,
        strided_correlation_turned_and_crowded,
        strided_correlation_exchanged_and_short,
        strided_correlation_thinned_and_turned,
        strided_correlation_first_and_crowded,
        strided_correlation_rows_crowded,
    ],
    "dilated_correlation": [
        dilated_correlation_turned_and_exchanged,
        dilated_correlation_turned_and_dk,
        dilated_correlation_first_and_turned,
        dilated_correlation_exchanged_and_dk,
        dilated_correlation_stride_and_turned,
    ],
    "max_pool": [
        max_pool_zeros_and_stride_one,
        max_pool_zeros_before,
        max_pool_ignores_strides_and_padding,
        max_pool_channels_and_zeros,
        max_pool_exchanged_and_zeros,
    ],
    "avg_pool": [
        avg_pool_counted_and_stride_one,
        avg_pool_edges_and_stride_one,
        avg_pool_sum_and_no_padding,
        avg_pool_counted_and_channels,
        avg_pool_counted_and_exchanged,
    ],
    "receptive_field": [
        receptive_field_no_stride_no_dilation,
        receptive_field_own_stride_and_dk,
        receptive_field_zero_and_own_stride,
        receptive_field_product_of_reaches_and_strides,
        receptive_field_last_stride_no_dilation,
        receptive_field_zero_and_whole_kernels,
    ],
}
