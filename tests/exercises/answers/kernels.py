"""Correct answers written in other ways, answers with two mistakes at once, and where catalogue entries are."""


# --- correlate ------------------------------------------------------------------------------------------------------
def correlate_four_loops(image, kernel):
    rows = []
    for i in range(len(image) - len(kernel) + 1):
        row = []
        for j in range(len(image[0]) - len(kernel[0]) + 1):
            total = 0.0
            for u in range(len(kernel)):
                for v in range(len(kernel[0])):
                    total += float(image[i + u, j + v]) * float(kernel[u, v])
            row.append(total)
        rows.append(row)
    return rows


def correlate_windows(image, kernel):
    import numpy as np

    windows = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)
    return np.einsum("ijuv,uv->ij", windows, kernel)


def correlate_shifts(image, kernel):
    import numpy as np

    kh, kw = kernel.shape
    oh, ow = image.shape[0] - kh + 1, image.shape[1] - kw + 1
    out = np.zeros((oh, ow), np.float32)
    for u in range(kh):
        for v in range(kw):
            out += (image[u : u + oh, v : v + ow] * kernel[u, v]).astype(np.float32)
    return out


def correlate_scipy(image, kernel):
    from scipy.signal import correlate2d

    return correlate2d(image, kernel, mode="valid")


def correlate_tensorflow(image, kernel):
    import tensorflow as tf

    x, k = tf.constant(image[None, :, :, None], tf.float32), tf.constant(kernel[:, :, None, None], tf.float32)
    return tf.nn.conv2d(x, k, 1, "VALID")[0, :, :, 0]


def correlate_keyword_only(*, kernel, image):
    import numpy as np

    windows = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)
    return windows.reshape(*windows.shape[:2], -1) @ kernel.ravel()


def correlate_fft(image, kernel):
    import numpy as np

    spectrum = np.fft.rfft2(image) * np.conj(np.fft.rfft2(kernel, s=image.shape))
    full = np.fft.irfft2(spectrum, s=image.shape)
    return full[: image.shape[0] - kernel.shape[0] + 1, : image.shape[1] - kernel.shape[1] + 1]


def _corr(image, kernel):
    import numpy as np

    return np.einsum("ijuv,uv->ij", np.lib.stride_tricks.sliding_window_view(image, kernel.shape), kernel)


def correlate_turned_and_mean(image, kernel):
    return _corr(image, kernel[::-1, ::-1]) / kernel.size


def correlate_turned_and_short(image, kernel):
    return _corr(image, kernel[::-1, ::-1])[:-1, :-1]


def correlate_transposed_twice(image, kernel):
    return _corr(image, kernel.T).T


def correlate_square_and_mean(image, kernel):
    out = _corr(image, kernel) / kernel.size
    return out[:, : len(out)]


def correlate_upside_down(image, kernel):
    return _corr(image, kernel[::-1])


def correlate_short_and_transposed(image, kernel):
    return _corr(image, kernel)[:-1, :-1].T


# --- convolve -------------------------------------------------------------------------------------------------------
def convolve_four_loops(image, kernel):
    kh, kw = kernel.shape
    return [
        [
            sum(image[i + u, j + v] * kernel[kh - 1 - u, kw - 1 - v] for u in range(kh) for v in range(kw))
            for j in range(image.shape[1] - kw + 1)
        ]
        for i in range(image.shape[0] - kh + 1)
    ]


def convolve_windows(image, kernel):
    import numpy as np

    windows = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)
    return np.einsum("ijuv,uv->ij", windows, np.rot90(kernel, 2))


def convolve_scipy(image, kernel):
    from scipy.signal import convolve2d

    return convolve2d(image, kernel, mode="valid")


def convolve_paint(image, kernel):
    """Each pixel paints the kernel into a large output, of which the middle is kept."""
    import numpy as np

    (h, w), (kh, kw) = image.shape, kernel.shape
    full = np.zeros((h + kh - 1, w + kw - 1), np.float32)
    for i in range(h):
        for j in range(w):
            full[i : i + kh, j : j + kw] += (image[i, j] * kernel).astype(np.float32)
    return full[kh - 1 : h, kw - 1 : w]


def convolve_tensorflow(image, kernel):
    import numpy as np
    import tensorflow as tf

    turned = np.flip(kernel)
    x, k = tf.constant(image[None, :, :, None], tf.float32), tf.constant(turned[:, :, None, None], tf.float32)
    return tf.nn.conv2d(x, k, 1, "VALID").numpy()[0, :, :, 0]


def convolve_image_and_output_turned(image, kernel):
    return _corr(image[::-1, ::-1], kernel)[::-1, ::-1]


def convolve_as_named(**given):
    return _corr(given["image"], given["kernel"][::-1, ::-1])


def convolve_upside_down_and_transposed(image, kernel):
    return _corr(image, kernel[::-1].T)


def convolve_transpose_and_output(image, kernel):
    return _corr(image, kernel.T).T


def convolve_not_turned_and_full(image, kernel):
    from scipy.signal import correlate2d

    return correlate2d(image, kernel)


def convolve_image_and_kernel_turned(image, kernel):
    return _corr(image[::-1, ::-1], kernel[::-1, ::-1])


def convolve_not_turned_and_short(image, kernel):
    return _corr(image, kernel)[:-1, :-1]


# --- edge_kernel ----------------------------------------------------------------------------------------------------
def edge_kernel_signs(down, right, size=3):
    import numpy as np

    steps = np.arange(size) - size // 2
    return np.sign(np.add.outer(down * steps, right * steps))


def edge_kernel_ends(down, right, size=3):
    """Only the outermost weights are not zero."""
    kernel = [[0] * size for _ in range(size)]
    last, middle = size - 1, size // 2
    there = lambda step: {1: last, -1: 0, 0: middle}[step]  # noqa: E731
    kernel[there(down)][there(right)] = 1
    kernel[there(-down)][there(-right)] = -1
    return kernel


def edge_kernel_sobel(down, right, size=3):
    """A smooth bell times a slope, in float32."""
    import numpy as np

    steps = np.arange(size) - size // 2
    bell = np.exp(-(steps**2) / size)
    rows, columns = np.outer(steps * bell, bell), np.outer(bell, steps * bell)
    return (down * rows + right * columns).astype(np.float32) / 7


def edge_kernel_gradient(down, right, size=3):
    import numpy as np

    u, v = np.mgrid[:size, :size] - (size - 1) / 2
    return 10 * (down * u + right * v)


def edge_kernel_tensor(down, right, size=3):
    import tensorflow as tf

    steps = tf.range(-(size // 2), size // 2 + 1)
    return down * steps[:, None] + right * steps[None, :]


def edge_kernel_turned(*, right, down, size=3):
    """The kernel for the right, turned into place; corners from triangles."""
    import numpy as np

    if down * right == 0:
        kernel = np.tile(np.linspace(-1, 1, size), (size, 1))
        return np.rot90(kernel, {(0, 1): 0, (-1, 0): 1, (0, -1): 2, (1, 0): 3}[down, right])
    ones = np.ones((size, size))
    upper_right = np.triu(ones, 1) - np.tril(ones, -1)
    return np.rot90(upper_right, {(-1, 1): 0, (-1, -1): 1, (1, -1): 2, (1, 1): 3}[down, right])


def _plane(down, right, size):
    import numpy as np

    u, v = np.mgrid[:size, :size] - size // 2
    return down * u + right * v


def edge_kernel_exchanged_and_sign(down, right, size=3):
    return _plane(-right, -down, size)


def edge_kernel_sum_and_sign(down, right, size=3):
    kernel = _plane(-down, -right, size)
    kernel[size // 2, size // 2] += 1
    return kernel


def edge_kernel_upwards_and_exchanged(down, right, size=3):
    return _plane(right, -down, size)


def edge_kernel_vertical_and_sign(down, right, size=3):
    return _plane(0, -1, size)


def edge_kernel_ignored_signs_and_exchanged(down, right, size=3):
    return _plane(abs(right), abs(down), size)


def edge_kernel_zeros(down, right, size=3):
    import numpy as np

    return np.zeros((size, size))


# --- gaussian_kernel ------------------------------------------------------------------------------------------------
def gaussian_kernel_outer(size, sigma):
    import numpy as np

    bell = np.exp(-((np.arange(size) - (size - 1) / 2) ** 2) / (2 * sigma**2))
    bell = bell / bell.sum()
    return np.outer(bell, bell)


def gaussian_kernel_mesh(size, sigma):
    import numpy as np

    axis = np.linspace(-(size - 1) / 2, (size - 1) / 2, size)
    x, y = np.meshgrid(axis, axis)
    kernel = np.exp(-0.5 * (np.hypot(x, y) / sigma) ** 2) / (2 * np.pi * sigma**2)
    return kernel / np.sum(kernel)


def gaussian_kernel_scipy(size, sigma):
    from scipy.signal.windows import gaussian

    kernel = gaussian(size, sigma)[:, None] * gaussian(size, sigma)[None]
    return kernel / kernel.sum()


def gaussian_kernel_lists(size, sigma):
    from math import exp

    middle = (size - 1) / 2
    rows = [
        [exp(-((u - middle) ** 2 + (v - middle) ** 2) / 2 / sigma / sigma) for v in range(size)] for u in range(size)
    ]
    total = sum(map(sum, rows))
    return [[value / total for value in row] for row in rows]


def gaussian_kernel_float32(size, sigma):
    import numpy as np

    u, v = (np.indices((size, size)) - (size - 1) / 2).astype(np.float32)
    kernel = np.exp(-(u * u + v * v) / np.float32(2 * sigma * sigma))
    return kernel / kernel.sum()


def gaussian_kernel_tensorflow(size, sigma):
    import tensorflow as tf

    steps = tf.range(size, dtype=tf.float32) - (size - 1) / 2
    bell = tf.nn.softmax(-(steps**2) / (2 * sigma**2))
    return bell[:, None] * bell[None, :]


def _bell(size, divisor, middle=None, root=False):
    import numpy as np

    steps = np.arange(size) - ((size - 1) / 2 if middle is None else middle)
    squared = np.add.outer(steps**2, steps**2)
    return np.exp(-(np.sqrt(squared) if root else squared) / divisor)


def gaussian_kernel_no_sum_and_sigma(size, sigma):
    return _bell(size, 2 * sigma)


def gaussian_kernel_no_two_and_no_square(size, sigma):
    kernel = _bell(size, sigma)
    return kernel / kernel.sum()


def gaussian_kernel_middle_and_no_sum(size, sigma):
    return _bell(size, 2 * sigma**2, size // 2)


def gaussian_kernel_middle_and_root(size, sigma):
    kernel = _bell(size, 2 * sigma**2, size // 2, True)
    return kernel / kernel.sum()


def gaussian_kernel_rows_and_two(size, sigma):
    kernel = _bell(size, sigma**2)
    return kernel / kernel.sum(axis=1, keepdims=True)


# --- apply_kernel ---------------------------------------------------------------------------------------------------
def apply_kernel_integers_where_possible(image, kernel):
    """Products of eighths are exact in float32, too."""
    import numpy as np

    sums = _corr(image.astype(np.float32), kernel.astype(np.float32))
    return np.uint8(np.clip(np.round(sums), 0, 255))


def apply_kernel_four_loops(image, kernel):
    import numpy as np

    (kh, kw), (h, w) = kernel.shape, image.shape
    out = np.zeros((h - kh + 1, w - kw + 1), np.uint8)
    for i in range(h - kh + 1):
        for j in range(w - kw + 1):
            total = sum(float(image[i + u, j + v]) * float(kernel[u, v]) for u in range(kh) for v in range(kw))
            out[i, j] = min(max(round(total), 0), 255)
    return out


def apply_kernel_scipy(image, kernel):
    import numpy as np
    from scipy.signal import correlate2d

    sums = correlate2d(image.astype("float64"), kernel.astype("float64"), mode="valid")
    sums[sums < 0] = 0
    sums[sums > 255] = 255
    return (sums + 0.5).astype(np.uint8)


def apply_kernel_tensorflow(image, kernel):
    import tensorflow as tf

    x = tf.cast(image, tf.float32)[None, :, :, None]
    sums = tf.nn.conv2d(x, tf.cast(kernel, tf.float32)[:, :, None, None], 1, "VALID")[0, :, :, 0]
    return tf.saturate_cast(tf.round(sums), tf.uint8)


def apply_kernel_unit_range(image, kernel):
    import numpy as np

    sums = _corr(image / 255, kernel.astype(float))
    return np.rint(np.clip(sums, 0, 1) * 255).astype("uint8")


def apply_kernel_keyword(*, kernel, image):
    import numpy as np

    if kernel.dtype.kind in "iu":
        return np.clip(_corr(image.astype(np.int64), kernel.astype(np.int64)), 0, 255).astype(np.uint8)
    return np.rint(_corr(image.astype(float), kernel)).clip(0, 255).astype(np.uint8)


def apply_kernel_wrap_and_cut(image, kernel):
    import numpy as np

    return np.floor(_corr(image.astype(float), kernel.astype(float))).astype(np.int64).astype(np.uint8)


def apply_kernel_abs_and_cut(image, kernel):
    import numpy as np

    return np.clip(np.abs(_corr(image.astype(float), kernel.astype(float))), 0, 255).astype(np.uint8)


def apply_kernel_products_and_cut(image, kernel):
    import numpy as np

    windows = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)
    return np.clip((windows * kernel).sum(axis=(2, 3)), 0, 255).astype(np.uint8)


def apply_kernel_turned_and_wrap(image, kernel):
    import numpy as np

    sums = _corr(image.astype(float), kernel[::-1, ::-1].astype(float))
    return np.rint(sums).astype(np.int64).astype(np.uint8)


def apply_kernel_whole_weights_and_abs(image, kernel):
    import numpy as np

    return np.clip(np.abs(_corr(image.astype(int), kernel.astype(int))), 0, 255).astype(np.uint8)


VARIANTS = {
    "correlate": [
        correlate_four_loops,
        correlate_windows,
        correlate_shifts,
        correlate_scipy,
        correlate_tensorflow,
        correlate_keyword_only,
        correlate_fft,
    ],
    "convolve": [
        convolve_four_loops,
        convolve_windows,
        convolve_scipy,
        convolve_paint,
        convolve_image_and_output_turned,
        convolve_tensorflow,
        convolve_as_named,
    ],
    "edge_kernel": [
        edge_kernel_signs,
        edge_kernel_ends,
        edge_kernel_sobel,
        edge_kernel_gradient,
        edge_kernel_tensor,
        edge_kernel_turned,
    ],
    "gaussian_kernel": [
        gaussian_kernel_outer,
        gaussian_kernel_mesh,
        gaussian_kernel_scipy,
        gaussian_kernel_lists,
        gaussian_kernel_float32,
        gaussian_kernel_tensorflow,
    ],
    "apply_kernel": [
        apply_kernel_integers_where_possible,
        apply_kernel_four_loops,
        apply_kernel_scipy,
        apply_kernel_tensorflow,
        apply_kernel_unit_range,
        apply_kernel_keyword,
    ],
}

DOUBLES = {
    "correlate": [
        correlate_turned_and_mean,
        correlate_turned_and_short,
        correlate_transposed_twice,
        correlate_square_and_mean,
        correlate_upside_down,
        correlate_short_and_transposed,
    ],
    "convolve": [
        convolve_upside_down_and_transposed,
        convolve_transpose_and_output,
        convolve_not_turned_and_full,
        convolve_image_and_kernel_turned,
        convolve_not_turned_and_short,
    ],
    "edge_kernel": [
        edge_kernel_exchanged_and_sign,
        edge_kernel_sum_and_sign,
        edge_kernel_upwards_and_exchanged,
        edge_kernel_vertical_and_sign,
        edge_kernel_ignored_signs_and_exchanged,
        edge_kernel_zeros,
    ],
    "gaussian_kernel": [
        gaussian_kernel_no_sum_and_sigma,
        gaussian_kernel_no_two_and_no_square,
        gaussian_kernel_middle_and_no_sum,
        gaussian_kernel_middle_and_root,
        gaussian_kernel_rows_and_two,
    ],
    "apply_kernel": [
        apply_kernel_wrap_and_cut,
        apply_kernel_abs_and_cut,
        apply_kernel_products_and_cut,
        apply_kernel_turned_and_wrap,
        apply_kernel_whole_weights_and_abs,
    ],
}
