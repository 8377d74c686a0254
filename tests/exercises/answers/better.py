"""Right answers written differently, mistakes by catalogue id, and two mistakes at once.

Those that use TensorFlow or Keras import it inside: import keras once before they are judged, for importing takes longer
than a problem's time.
"""

import numpy as np

# glorot_limit


def glorot_product(kernel_shape):
    area = np.prod(kernel_shape[:2])
    return (6 / (area * (kernel_shape[2] + kernel_shape[3]))) ** 0.5


def glorot_math(kernel_shape):
    import math

    kh, kw, c, f = kernel_shape
    return math.sqrt(6.0) / math.sqrt(kh * kw * c + kh * kw * f)


def glorot_from_variance(kernel_shape):
    kh, kw, c, f = kernel_shape
    stddev = np.sqrt(2 / (kh * kw * c + kh * kw * f))
    return np.sqrt(3) * stddev


def glorot_array(kernel_shape):
    kh, kw, c, f = np.array(kernel_shape, np.float32)
    return np.sqrt(np.float32(6) / (kh * kw * (c + f)))


def glorot_ones(kernel_shape):
    kernel = np.ones(kernel_shape)
    fan_in, fan_out = kernel[..., 0].sum(), kernel[:, :, 0].sum()
    return np.array((6 / (fan_in + fan_out)) ** 0.5)


# global_average_pooling


def pooling_loops(x):
    n, h, w, c = x.shape
    out = np.zeros((n, c))
    for i in range(n):
        for k in range(c):
            out[i, k] = x[i, :, :, k].sum() / (h * w)
    return out


def pooling_reshape(x):
    return x.reshape(len(x), -1, x.shape[-1]).mean(1)


def pooling_twice_float32(x):
    return x.astype(np.float32).mean(axis=1).mean(axis=1)


def pooling_einsum(x):
    return np.einsum("nhwc->nc", x) / (x.shape[1] * x.shape[2])


def pooling_list(x):
    return [[float(np.mean(image[:, :, c])) for c in range(x.shape[3])] for image in x]


def pooling_keras(x):
    import keras

    return keras.layers.GlobalAveragePooling2D()(x)


# pixel_softmax


def softmax_loops(scores):
    out = np.zeros(scores.shape)
    for n, i, j in np.ndindex(*scores.shape[:3]):
        e = np.exp(scores[n, i, j] - max(scores[n, i, j]))
        out[n, i, j] = e / sum(e)
    return out


def softmax_scipy(scores):
    from scipy.special import softmax

    return softmax(scores, axis=-1)


def softmax_logsumexp(scores):
    from scipy.special import logsumexp

    return np.exp(scores - logsumexp(scores, axis=3, keepdims=True))


def softmax_float32(scores):
    scores = scores.astype(np.float32)
    e = np.exp(scores - np.max(scores, -1)[..., None])
    return e / np.sum(e, -1)[..., None]


def softmax_pairs(scores):
    """1 / sum of exp of all differences."""
    differences = scores[..., None, :] - scores[..., :, None]
    with np.errstate(over="ignore"):
        return 1 / np.exp(differences).sum(axis=-1)


def softmax_keras(scores):
    import keras

    return keras.activations.softmax(keras.ops.convert_to_tensor(scores))


# stack_parameters


def stack_closed_form(channels, filters, sizes, normalized=False):
    first, *others = (k * k for k in sizes)
    return first * channels * filters + sum(others) * filters**2 + len(sizes) * filters * (4 if normalized else 1)


def stack_reads(channels, filters, sizes, normalized=False):
    reads = [channels] + [filters] * (len(sizes) - 1)
    return int(sum(k**2 * c * filters + (4 if normalized else 1) * filters for k, c in zip(sizes, reads, strict=False)))


def stack_numpy(channels, filters, sizes, normalized=False):
    reads = np.full(len(sizes), filters)
    reads[0] = channels
    return (np.square(sizes) * reads * filters).sum() + len(sizes) * filters * (1 + 3 * normalized)


def stack_recursive(channels, filters, sizes, normalized=False):
    if not sizes:
        return 0
    extra = 4 * filters if normalized else filters
    return sizes[0] ** 2 * channels * filters + extra + stack_recursive(filters, filters, sizes[1:], normalized)


def stack_arrays(channels, filters, sizes, normalized=False):
    total = 0
    for k in sizes:
        arrays = [np.zeros((k, k, channels, filters))] + [np.zeros(filters)] * (4 if normalized else 1)
        total += sum(a.size for a in arrays)
        channels = filters
    return total


def stack_numpy_layers(channels, filters, sizes, normalized=False):
    from convlab import layers

    parts = [layers.Input((20, 20, channels))]
    for k in sizes:
        parts.append(layers.Conv2D(filters, k, padding="same", use_bias=not normalized))
        parts += [layers.BatchNormalization()] if normalized else []
    return sum(part.count_params() for part in layers.Sequential(parts).layers)


# batch_norm


def batch_norm_loops(x, gamma, beta, mean, variance, training=False, epsilon=0.001):
    y = np.zeros(x.shape)
    for c in range(x.shape[3]):
        m, v = mean[c], variance[c]
        if training:
            m = x[..., c].mean()
            v = ((x[..., c] - m) ** 2).mean()
        y[..., c] = gamma[c] * (x[..., c] - m) / (v + epsilon) ** 0.5 + beta[c]
    return y


def batch_norm_flat(x, gamma, beta, mean, variance, training=False, epsilon=0.001):
    flat = x.reshape(-1, x.shape[-1])
    if training:
        mean, variance = flat.mean(0), flat.var(0)
    scale = gamma / np.sqrt(variance + epsilon)
    return (flat * scale + (beta - mean * scale)).reshape(x.shape)


def batch_norm_squares(x, gamma, beta, mean, variance, training=False, epsilon=0.001):
    if training:
        mean = np.mean(x, (0, 1, 2), keepdims=True)
        variance = np.mean(x**2, (0, 1, 2), keepdims=True) - mean**2
    return (x - mean) / np.sqrt(variance + epsilon) * gamma + beta


def batch_norm_float32(x, gamma, beta, mean, variance, training=False, epsilon=0.001):
    x, gamma, beta, mean, variance = (np.asarray(a, np.float32) for a in (x, gamma, beta, mean, variance))
    if training:
        mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
    return gamma * (x - mean) / np.sqrt(variance + np.float32(epsilon)) + beta


def batch_norm_keywords(x, *, gamma, beta, mean, variance, epsilon=0.001, training=False):
    return batch_norm_flat(x, gamma, beta, mean, variance, training, epsilon)


def batch_norm_tensorflow(x, gamma, beta, mean, variance, training=False, epsilon=0.001):
    import tensorflow as tf

    if training:
        mean, variance = tf.nn.moments(tf.constant(x), (0, 1, 2))
    return tf.nn.batch_normalization(tf.constant(x), mean, variance, beta, gamma, epsilon)


# fold


def fold_loops(kernel, bias, gamma, beta, mean, variance, epsilon=0.001):
    new_kernel, new_bias = np.array(kernel, float), np.array(bias, float)
    for f in range(kernel.shape[3]):
        s = gamma[f] / (variance[f] + epsilon) ** 0.5
        new_kernel[..., f] *= s
        new_bias[f] = bias[f] * s + beta[f] - mean[f] * s
    return new_kernel, new_bias


def fold_einsum(kernel, bias, gamma, beta, mean, variance, epsilon=0.001):
    deviation = np.sqrt(variance + epsilon)
    return np.einsum("uvcf,f->uvcf", kernel, gamma / deviation), beta + gamma * (bias - mean) / deviation


def fold_list(kernel, bias, gamma, beta, mean, variance, epsilon=0.001):
    scale = gamma * (variance + epsilon) ** -0.5
    return [(kernel.reshape(-1, len(scale)) * scale).reshape(kernel.shape), list(beta - scale * (mean - bias))]


def fold_float32(kernel, bias, gamma, beta, mean, variance, epsilon=0.001):
    found = fold_loops(kernel, bias, gamma, beta, mean, variance, epsilon)
    return tuple(part.astype(np.float32) for part in found)


def fold_measured(kernel, bias, gamma, beta, mean, variance, epsilon=0.001):
    """From what the two layers answer to an image of zeros, and to images with a single 1."""
    from convlab import conv2d

    def both(x):
        return gamma * (conv2d(x, kernel) + bias - mean) / np.sqrt(variance + epsilon) + beta

    shape = kernel.shape[:3]
    rest = both(np.zeros((1, *shape)))[0, 0, 0]
    ones = np.eye(int(np.prod(shape))).reshape(-1, *shape)
    return (both(ones) - rest).reshape(kernel.shape), rest


# merged_kernel


def merged_loops(first, second):
    h, w = first.shape[0] + second.shape[0] - 1, first.shape[1] + second.shape[1] - 1
    out = np.zeros((h, w, first.shape[2], second.shape[3]))
    for u, v, c, m in np.ndindex(first.shape):
        for p, q, f in np.ndindex(second.shape[0], second.shape[1], second.shape[3]):
            out[u + p, v + q, c, f] += first[u, v, c, m] * second[p, q, m, f]
    return out


def merged_scipy(first, second):
    from scipy.signal import convolve2d

    maps, filters = second.shape[2:]
    return np.array(
        [
            [sum(convolve2d(first[:, :, c, m], second[:, :, m, f]) for m in range(maps)) for f in range(filters)]
            for c in range(first.shape[2])
        ]
    ).transpose(2, 3, 0, 1)


def merged_by_second(first, second):
    (a, b), (p, q) = first.shape[:2], second.shape[:2]
    out = np.zeros((a + p - 1, b + q - 1, first.shape[2], second.shape[3]))
    for u in range(p):
        for v in range(q):
            out[u : u + a, v : v + b] += np.tensordot(first, second[u, v], 1)
    return out


def merged_measured(first, second):
    from convlab import conv2d

    h, w = first.shape[0] + second.shape[0] - 1, first.shape[1] + second.shape[1] - 1
    shape = (h, w, first.shape[2])
    ones = np.eye(int(np.prod(shape))).reshape(-1, *shape)
    return conv2d(conv2d(ones, first), second).reshape(*shape, second.shape[3])


def merged_gather_float32(first, second):
    """The second kernel, padded and correlated with the turned first one."""
    first, second = first.astype(np.float32), second.astype(np.float32)
    a, b = first.shape[:2]
    padded = np.pad(second, ((a - 1, a - 1), (b - 1, b - 1), (0, 0), (0, 0)))
    views = np.lib.stride_tricks.sliding_window_view(padded, (a, b), axis=(0, 1))
    return np.einsum("ijmfuv,uvcm->ijcf", views, first[::-1, ::-1])


def merged_fourier(first, second):
    size = first.shape[0] + second.shape[0] - 1, first.shape[1] + second.shape[1] - 1
    one, two = np.fft.fft2(first, size, (0, 1)), np.fft.fft2(second, size, (0, 1))
    return np.fft.ifft2(one @ two, axes=(0, 1)).real


VARIANTS = {
    "glorot_limit": [glorot_product, glorot_math, glorot_from_variance, glorot_array, glorot_ones],
    "global_average_pooling": [
        pooling_loops,
        pooling_reshape,
        pooling_twice_float32,
        pooling_einsum,
        pooling_list,
        pooling_keras,
    ],
    "pixel_softmax": [
        softmax_loops,
        softmax_scipy,
        softmax_logsumexp,
        softmax_float32,
        softmax_pairs,
        softmax_keras,
    ],
    "stack_parameters": [
        stack_closed_form,
        stack_reads,
        stack_numpy,
        stack_recursive,
        stack_arrays,
        stack_numpy_layers,
    ],
    "batch_norm": [
        batch_norm_loops,
        batch_norm_flat,
        batch_norm_squares,
        batch_norm_float32,
        batch_norm_keywords,
        batch_norm_tensorflow,
    ],
    "fold": [fold_loops, fold_einsum, fold_list, fold_float32, fold_measured],
    "merged_kernel": [
        merged_loops,
        merged_scipy,
        merged_by_second,
        merged_measured,
        merged_gather_float32,
        merged_fourier,
    ],
}


MORE = {  # the same entries in other problems, or other forms of them
    "M40": [("stack_parameters", "a bias for each channel that is read")],
    "M65": [("batch_norm", "channels taken from axis 1")],
    "M66": [("fold", "the old bias kept as it is")],
    "M69": [
        ("merged_kernel", "cut to the size of the first kernel"),
        ("merged_kernel", "one row and column too many"),
        ("merged_kernel", "copies side by side"),
    ],
    "M76": [("glorot_limit", "fan in without the channels"), ("glorot_limit", "both fans without the area")],
}


# two mistakes at once


def glorot_he_without_root(kernel_shape):
    kh, kw, c, _f = kernel_shape
    return 6 / (kh * kw * c)


def glorot_both_fans_wrong(kernel_shape):
    kh, kw, _c, f = kernel_shape
    return (6 / (kh * kw + f)) ** 0.5


def pooling_sum_kept(x):
    return x.sum(axis=(1, 2), keepdims=True)


def pooling_max_over_batch(x):
    return x.max(axis=(0, 1, 2))


def softmax_over_places_overflowing(scores):
    with np.errstate(all="ignore"):
        e = np.exp(scores)
        return e / e.sum(axis=(1, 2), keepdims=True)


def softmax_sigmoid_normalized(scores):
    s = (1 + np.tanh(scores / 2)) / 2
    return s / s.sum(axis=3, keepdims=True)


def stack_no_area_no_bias(channels, filters, sizes, normalized=False):
    total = 0
    for k in sizes:
        total += k * channels * filters + (4 * filters if normalized else 0)
        channels = filters
    return total


def stack_image_moving(channels, filters, sizes, normalized=False):
    return sum(k * k * channels * filters + (2 if normalized else 1) * filters for k in sizes)


def batch_norm_image_epsilon(x, gamma, beta, mean, variance, training=False, epsilon=0.001):
    if training:
        mean, variance = x.mean((1, 2), keepdims=True), x.var((1, 2), keepdims=True)
    return gamma * (x - mean) / (np.sqrt(variance) + epsilon) + beta


def batch_norm_always_exchanged(x, gamma, beta, mean, variance, training=False, epsilon=0.001):
    return batch_norm_flat(x, beta, gamma, mean, variance, True, epsilon)


def fold_no_root_no_bias(kernel, bias, gamma, beta, mean, variance, epsilon=0.001):
    scale = gamma / (variance + epsilon)
    return kernel * scale, beta - mean * scale


def fold_no_gamma_mean_added(kernel, bias, gamma, beta, mean, variance, epsilon=0.001):
    scale = 1 / np.sqrt(variance + epsilon)
    return kernel * scale, (bias + mean) * scale + beta


def merged_cut_and_turned(first, second):
    full = merged_loops(first, second[::-1, ::-1])
    top, left = ((k - 1) // 2 for k in second.shape[:2])
    return full[top : top + first.shape[0], left : left + first.shape[1]]


def merged_first_map_exchanged(first, second):
    return merged_loops(first[..., :1], second[:, :, :1]).swapaxes(2, 3)


DOUBLES = {
    "glorot_limit": [glorot_he_without_root, glorot_both_fans_wrong],
    "global_average_pooling": [pooling_sum_kept, pooling_max_over_batch],
    "pixel_softmax": [softmax_over_places_overflowing, softmax_sigmoid_normalized],
    "stack_parameters": [stack_no_area_no_bias, stack_image_moving],
    "batch_norm": [batch_norm_image_epsilon, batch_norm_always_exchanged],
    "fold": [fold_no_root_no_bias, fold_no_gamma_mean_added],
    "merged_kernel": [merged_cut_and_turned, merged_first_map_exchanged],
}
