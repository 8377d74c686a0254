"""Correct answers written in other ways, and answers with two mistakes at once."""

import math

import numpy as np
import tensorflow as tf
from numpy.lib.stride_tricks import sliding_window_view
from scipy import signal


def padded_size_counted(n, kernel, before=0, after=0):
    return sum(1 for start in range(-before, n + after) if start + kernel <= n + after)


def padded_size_windows(n, kernel, before=0, after=0):
    return len(sliding_window_view(np.zeros(before + n + after), kernel))


def padded_size_numpy(n, kernel, before=0, after=0):
    return np.convolve(np.ones(n + before + after), np.ones(kernel), "valid").size


def padded_size_float(n, kernel, *, before=0, after=0):
    return float(n + before + after) - kernel + 1.0


def padded_size_tensorflow(n, kernel, before=0, after=0):
    row, weights = tf.zeros((1, n + before + after, 1)), tf.zeros((kernel, 1, 1))
    return tf.nn.conv1d(row, weights, 1, "VALID").shape[1]


def padded_size_short_and_lopsided(n, kernel, before=0, after=0):
    return n + before - kernel


def padded_size_half_and_twice(n, kernel, before=0, after=0):
    return n + 2 * before - 2 * (kernel // 2)


def same_padding_ceil(n, kernel, stride=1):
    total = max(0, (math.ceil(n / stride) - 1) * stride + kernel - n)
    return [total // 2, math.ceil(total / 2)]


def same_padding_remainder(n, kernel, stride=1):
    """TensorFlow's documentation has it in this form."""
    total = max(kernel - (stride if n % stride == 0 else n % stride), 0)
    return total // 2, total - total // 2


def same_padding_walked(n, kernel, stride=1):
    last = list(range(0, n, stride))[-1]
    missing = max(last + kernel - n, 0)
    return np.array([missing // 2, missing - missing // 2])


def same_padding_float(n, kernel, *, stride=1):
    total = max((np.ceil(n / stride) - 1) * stride + kernel - n, 0)
    return np.floor(total / 2), np.ceil(total / 2)


def same_padding_tensorflow(n, kernel, stride=1):
    """Looked up in what TensorFlow does: the first window's weights that lie on the row."""
    counts = tf.nn.conv1d(tf.ones((1, n, 1)), tf.ones((kernel, 1, 1)), stride, "SAME")[0, :, 0].numpy()
    total = max((len(counts) - 1) * stride + kernel - n, 0)
    return total // 2, total - total // 2


def same_padding_before_and_unclamped(n, kernel, stride=1):
    total = (-(-n // stride) - 1) * stride + kernel - n
    return total - total // 2, total // 2


def same_padding_down_and_all_after(n, kernel, stride=1):
    return 0, max((n // stride - 1) * stride + kernel - n, 0)


def pad_concatenated(image, rows, columns):
    above, below = (np.zeros((r, image.shape[1])) for r in rows)
    tall = np.concatenate([above, image, below])
    left, right = (np.zeros((len(tall), c)) for c in columns)
    return np.hstack([left, tall, right])


def pad_loops(image, rows, columns):
    out = [[0.0] * (sum(columns) + image.shape[1]) for _ in range(sum(rows) + image.shape[0])]
    for i in range(image.shape[0]):
        for j in range(image.shape[1]):
            out[rows[0] + i][columns[0] + j] = image[i, j]
    return out


def pad_numpy(image, *, rows, columns):
    return np.pad(np.float32(image), (rows, columns))


def pad_matrices(image, rows, columns):
    """Two matrices move rows and columns to their places."""
    down = np.eye(sum(rows) + image.shape[0], image.shape[0], -rows[0])
    along = np.eye(image.shape[1], sum(columns) + image.shape[1], columns[0])
    return down @ image @ along


def pad_view(image, rows, columns):
    large = np.zeros((sum(rows) + image.shape[0] + 5, sum(columns) + image.shape[1] + 5))
    large[rows[0] : rows[0] + image.shape[0], columns[0] : columns[0] + image.shape[1]] = image
    return large[:-5, :-5]


def pad_tensorflow(image, rows, columns):
    return tf.pad(image, (rows, columns))


def pad_exchanged_and_edge(image, rows, columns):
    return np.pad(image, (columns, rows), mode="edge")


def pad_after_and_exchanged(image, rows, columns):
    return np.pad(image, ((0, sum(columns)), (0, sum(rows))))


def _padded(image, kernel, padding):
    pads = [((k - 1) // 2, k // 2) if padding == "same" else (0, 0) for k in kernel.shape]
    return np.pad(image, pads)


def padded_correlation_windows(image, kernel, padding="valid"):
    return np.einsum("ijuv,uv->ij", sliding_window_view(_padded(image, kernel, padding), kernel.shape), kernel)


def padded_correlation_im2col(image, kernel, padding="valid"):
    windows = sliding_window_view(_padded(image, kernel, padding), kernel.shape)
    return (windows.reshape(-1, kernel.size) @ kernel.ravel()).reshape(windows.shape[:2])


def padded_correlation_offsets(image, kernel, padding="valid"):
    padded, (kh, kw) = _padded(image, kernel, padding), kernel.shape
    height, width = padded.shape[0] - kh + 1, padded.shape[1] - kw + 1
    out = np.zeros((height, width), np.float32)
    for u in range(kh):
        for v in range(kw):
            out += np.float32(padded[u : u + height, v : v + width] * kernel[u, v])
    return out


def padded_correlation_scipy(image, kernel, *, padding="valid"):
    return signal.correlate2d(_padded(image, kernel, padding), kernel, mode="valid")


def padded_correlation_tensorflow(image, kernel, padding="valid"):
    x, k = image[None, :, :, None], kernel[:, :, None, None]
    return tf.nn.conv2d(x, k, 1, padding.upper())[0, :, :, 0]


def padded_correlation_lists(image, kernel, padding="valid"):
    padded = _padded(image, kernel, padding).tolist()
    weights = kernel.tolist()
    rows, columns = len(padded) - len(weights) + 1, len(padded[0]) - len(weights[0]) + 1
    return [
        [
            sum(w * padded[i + u][j + v] for u, row in enumerate(weights) for v, w in enumerate(row))
            for j in range(columns)
        ]
        for i in range(rows)
    ]


def padded_correlation_turned_and_after(image, kernel, padding="valid"):
    pads = [(0, k - 1) if padding == "same" else (0, 0) for k in kernel.shape]
    return signal.convolve2d(np.pad(image, pads), kernel, mode="valid")


def padded_correlation_mean_and_edge(image, kernel, padding="valid"):
    pads = [((k - 1) // 2, k // 2) if padding == "same" else (0, 0) for k in kernel.shape]
    return signal.correlate2d(np.pad(image, pads, mode="edge"), kernel, mode="valid") / kernel.size


VARIANTS = {
    "padded_size": [
        padded_size_counted,
        padded_size_windows,
        padded_size_numpy,
        padded_size_float,
        padded_size_tensorflow,
    ],
    "same_padding": [
        same_padding_ceil,
        same_padding_remainder,
        same_padding_walked,
        same_padding_float,
        same_padding_tensorflow,
    ],
    "pad": [pad_concatenated, pad_loops, pad_numpy, pad_matrices, pad_view, pad_tensorflow],
    "padded_correlation": [
        padded_correlation_windows,
        padded_correlation_im2col,
        padded_correlation_offsets,
        padded_correlation_scipy,
        padded_correlation_tensorflow,
        padded_correlation_lists,
    ],
}
DOUBLES = {
    "padded_size": [padded_size_short_and_lopsided, padded_size_half_and_twice],
    "same_padding": [same_padding_before_and_unclamped, same_padding_down_and_all_after],
    "pad": [pad_exchanged_and_edge, pad_after_and_exchanged],
    "padded_correlation": [padded_correlation_turned_and_after, padded_correlation_mean_and_edge],
}
