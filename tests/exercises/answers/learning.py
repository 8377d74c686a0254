"""Right answers written differently, mistakes by catalogue id, and two mistakes at once.

Those that use TensorFlow or Keras import it inside: import tensorflow once before they are judged, for importing takes
longer than a problem's time.
"""

import numpy as np

NONE = ((0, 0), (0, 0))


# bias_gradient


def bias_loops(upstream):
    n, rows, columns, filters = upstream.shape
    gradient = np.zeros(filters)
    for i in range(n):
        for r in range(rows):
            for c in range(columns):
                for f in range(filters):
                    gradient[f] += upstream[i, r, c, f]
    return gradient


def bias_einsum(upstream):
    return np.einsum("nijf->f", upstream)


def bias_reshape_float32(upstream):
    return upstream.astype(np.float32).reshape(-1, upstream.shape[-1]).sum(0)


def bias_sum_three_times(upstream):
    return sum(sum(sum(upstream)))


def bias_list(upstream):
    return [float(upstream[..., f].sum()) for f in range(upstream.shape[3])]


def bias_tensorflow(upstream):
    import tensorflow as tf

    bias = tf.zeros(upstream.shape[3], tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(bias)
        y = tf.zeros(upstream.shape, tf.float64) + bias
        loss = tf.reduce_sum(y * upstream)
    return tape.gradient(loss, bias)


# numerical_gradient


def numerical_flat(f, x, h=1e-5):
    flat = np.array(x, np.float64).ravel()
    out = np.empty(flat.size)
    for i in range(flat.size):
        up, down = flat.copy(), flat.copy()
        up[i] += h
        down[i] -= h
        out[i] = (f(up.reshape(x.shape)) - f(down.reshape(x.shape))) / 2 / h
    return out.reshape(x.shape)


def numerical_nditer(f, x, h=1e-5):
    x = x.astype(float)
    grad = np.zeros_like(x)
    it = np.nditer(x, flags=["multi_index"])
    while not it.finished:
        at = it.multi_index
        old = x[at]
        x[at] = old + h
        plus = float(f(x))
        x[at] = old - h
        minus = float(f(x))
        grad[at] = (plus - minus) / (2 * h)
        x[at] = old
        it.iternext()
    return grad


def numerical_eye(f, x, h=1e-5):
    x = np.asarray(x, dtype=np.float64)
    steps = np.eye(x.size).reshape((-1, *x.shape)) * h
    return np.reshape([(f(x + s) - f(x - s)) / (2 * h) for s in steps], x.shape)


def numerical_steps_back(f, x, h=1e-5):
    point = x.astype(np.float64).copy()
    gradient = np.zeros(point.shape)
    for place in np.ndindex(point.shape):
        point[place] += h
        above = f(point)
        point[place] -= 2 * h
        below = f(point)
        point[place] += h
        gradient[place] = (above - below) / (2 * h)
    return gradient


def numerical_keywords(*, x, f, h=1e-5):
    point = np.array(x, float)
    gradient = np.zeros(np.shape(x))
    for k in range(point.size):
        here = point.flat[k]
        point.flat[k] = here + h
        above = f(point)
        point.flat[k] = here - h
        gradient.flat[k] = (above - f(point)) / (2 * h)
        point.flat[k] = here
    return gradient


# kernel_gradient


def kernel_places(x, upstream, kernel_size, strides=(1, 1), padding=NONE):
    (kh, kw), (sh, sw) = kernel_size, strides
    padded = np.pad(x, ((0, 0), padding[0], padding[1], (0, 0)))
    _, oh, ow, f = upstream.shape
    out = np.zeros((kh, kw, x.shape[3], f))
    for u in range(kh):
        for v in range(kw):
            met = padded[:, u : u + (oh - 1) * sh + 1 : sh, v : v + (ow - 1) * sw + 1 : sw]
            out[u, v] = np.tensordot(met, upstream, ((0, 1, 2), (0, 1, 2)))
    return out


def kernel_windows(x, upstream, kernel_size, strides=(1, 1), padding=NONE):
    padded = np.pad(x, ((0, 0), *padding, (0, 0)))
    views = np.lib.stride_tricks.sliding_window_view(padded, kernel_size, axis=(1, 2))
    views = views[:, :: strides[0], :: strides[1]]
    return np.einsum("nijcuv,nijf->uvcf", views, upstream)


def kernel_all_loops(x, upstream, kernel_size, strides=(1, 1), padding=NONE):
    (above, _), (left, _) = padding
    height, width = x.shape[1:3]
    out = np.zeros((*kernel_size, x.shape[3], upstream.shape[3]))
    for n, i, j, f in np.ndindex(upstream.shape):
        for u, v, c in np.ndindex(out.shape[:3]):
            row, column = i * strides[0] + u - above, j * strides[1] + v - left
            if 0 <= row < height and 0 <= column < width:
                out[u, v, c, f] += upstream[n, i, j, f] * x[n, row, column, c]
    return out


def kernel_dilated_upstream(x, upstream, kernel_size, strides=(1, 1), padding=NONE):
    """The correlation of the input with the upstream gradient spread out by the stride."""
    padded = np.pad(x, ((0, 0), *padding, (0, 0)))
    n, oh, ow, f = upstream.shape
    spread = np.zeros((n, (oh - 1) * strides[0] + 1, (ow - 1) * strides[1] + 1, f))
    spread[:, :: strides[0], :: strides[1]] = upstream
    out = np.zeros((*kernel_size, x.shape[3], f))
    for u, v in np.ndindex(kernel_size):
        part = padded[:, u : u + spread.shape[1], v : v + spread.shape[2]]
        out[u, v] = np.einsum("nijc,nijf->cf", part, spread)
    return out


def kernel_float32(x, upstream, kernel_size, strides=(1, 1), padding=NONE):
    return kernel_places(x.astype("float32"), upstream.astype("float32"), kernel_size, strides, padding).astype(
        "float32"
    )


def kernel_tensorflow(x, upstream, kernel_size, strides=(1, 1), padding=NONE):
    import tensorflow as tf

    kernel = tf.zeros((*kernel_size, x.shape[3], upstream.shape[3]), tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(kernel)
        padded = tf.constant(np.pad(x, ((0, 0), *padding, (0, 0))))
        y = tf.nn.conv2d(padded, kernel, (1, *strides, 1), "VALID")
    return tape.gradient(y, kernel, tf.constant(upstream))


# max_pool_gradient


def pool_where(x, upstream, pool_size, strides):
    gradient = np.zeros_like(x)
    for i in range(upstream.shape[0]):
        for j in range(upstream.shape[1]):
            top, left = i * strides[0], j * strides[1]
            window = x[top : top + pool_size[0], left : left + pool_size[1]]
            gradient[top : top + pool_size[0], left : left + pool_size[1]] += (window == window.max()) * upstream[i, j]
    return gradient


def pool_loops(x, upstream, pool_size, strides):
    gradient = np.zeros(x.shape)
    for i, j in np.ndindex(upstream.shape):
        best = None
        for u, v in np.ndindex(pool_size):
            place = i * strides[0] + u, j * strides[1] + v
            if best is None or x[place] > x[best]:
                best = place
        gradient[best] += upstream[i, j]
    return gradient


def pool_add_at(x, upstream, pool_size, strides):
    views = np.lib.stride_tricks.sliding_window_view(x, pool_size)[:: strides[0], :: strides[1]]
    flat = views.reshape(*upstream.shape, -1).argmax(-1)
    u, v = np.unravel_index(flat, pool_size)
    i, j = np.indices(upstream.shape)
    gradient = np.zeros(x.shape)
    np.add.at(gradient, (i * strides[0] + u, j * strides[1] + v), upstream)
    return gradient


def pool_divmod_float32(x, upstream, pool_size, strides):
    gradient = np.zeros(x.shape, np.float32)
    for i, j in np.ndindex(*upstream.shape):
        r, c = i * strides[0], j * strides[1]
        u, v = divmod(int(np.argmax(x[r : r + pool_size[0], c : c + pool_size[1]])), pool_size[1])
        gradient[r + u, c + v] += upstream[i, j]
    return gradient


def pool_pixels(x, upstream, pool_size, strides):
    """Gathering: each pixel asks the windows that see it."""
    gradient = np.zeros(x.shape)
    for a, b in np.ndindex(*x.shape):
        for i, j in np.ndindex(*upstream.shape):
            r, c = i * strides[0], j * strides[1]
            inside = r <= a < r + pool_size[0] and c <= b < c + pool_size[1]
            if inside and x[a, b] == x[r : r + pool_size[0], c : c + pool_size[1]].max():
                gradient[a, b] += upstream[i, j]
    return gradient


def pool_tensorflow(x, upstream, pool_size, strides):
    import tensorflow as tf

    image = tf.constant(x[None, :, :, None])
    with tf.GradientTape() as tape:
        tape.watch(image)
        y = tf.nn.max_pool2d(image, pool_size, strides, "VALID")
    return tape.gradient(y, image, tf.constant(upstream[None, :, :, None]))[0, :, :, 0]


# input_gradient


def input_places(kernel, upstream, input_size, strides=(1, 1), padding=NONE):
    kh, kw, channels, _ = kernel.shape
    (above, below), (left, right) = padding
    n, oh, ow, _ = upstream.shape
    padded = np.zeros((n, input_size[0] + above + below, input_size[1] + left + right, channels))
    for u in range(kh):
        for v in range(kw):
            rows = slice(u, u + (oh - 1) * strides[0] + 1, strides[0])
            columns = slice(v, v + (ow - 1) * strides[1] + 1, strides[1])
            padded[:, rows, columns] += upstream @ kernel[u, v].T
    return padded[:, above : above + input_size[0], left : left + input_size[1]]


def input_full_correlation(kernel, upstream, input_size, strides=(1, 1), padding=NONE):
    kh, kw, _channels, filters = kernel.shape
    (above, below), (left, right) = padding
    n, oh, ow, _ = upstream.shape
    height, width = input_size[0] + above + below, input_size[1] + left + right
    spread = np.zeros((n, height + kh - 1, width + kw - 1, filters))
    spread[:, kh - 1 :, kw - 1 :][:, : oh * strides[0] : strides[0], : ow * strides[1] : strides[1]] = upstream
    views = np.lib.stride_tricks.sliding_window_view(spread, (kh, kw), axis=(1, 2))
    padded = np.einsum("nijfuv,uvcf->nijc", views, kernel[::-1, ::-1])
    return padded[:, above : height - below, left : width - right]


def input_all_loops(kernel, upstream, input_size, strides=(1, 1), padding=NONE):
    (above, _), (left, _) = padding
    kh, kw, channels, _ = kernel.shape
    out = np.zeros((len(upstream), *input_size, channels))
    for n, i, j, f in np.ndindex(upstream.shape):
        for u, v, c in np.ndindex(kh, kw, channels):
            row, column = i * strides[0] + u - above, j * strides[1] + v - left
            if 0 <= row < input_size[0] and 0 <= column < input_size[1]:
                out[n, row, column, c] += upstream[n, i, j, f] * kernel[u, v, c, f]
    return out


def input_matrix(kernel, upstream, input_size, strides=(1, 1), padding=NONE):
    """The transpose of the convolution, written as a matrix."""
    from convlab import conv2d

    shape = (*input_size, kernel.shape[2])
    units = np.eye(int(np.prod(shape))).reshape(-1, *shape)
    matrix = conv2d(units, kernel, strides=strides, padding=padding).reshape(len(units), -1)
    return (upstream.reshape(len(upstream), -1) @ matrix.T).reshape(-1, *shape)


def input_float32(kernel, upstream, input_size, strides=(1, 1), padding=NONE):
    found = input_places(kernel.astype("float32"), upstream.astype("float32"), input_size, strides, padding)
    return found.astype("float32")


def input_tensorflow(kernel, upstream, input_size, strides=(1, 1), padding=NONE):
    import tensorflow as tf

    x = tf.zeros((len(upstream), *input_size, kernel.shape[2]), tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(x)
        padded = tf.pad(x, ((0, 0), *padding, (0, 0)))
        y = tf.nn.conv2d(padded, tf.constant(kernel), (1, *strides, 1), "VALID")
    return tape.gradient(y, x, tf.constant(upstream))


# transposed_shapes


def transposed_written_out(input_shape, filters, kernel_size, strides=(1, 1), padding="valid"):
    h, w, c = input_shape
    if padding == "same":
        oh, ow = h * strides[0], w * strides[1]
    else:
        oh = (h - 1) * strides[0] + max(kernel_size[0], strides[0])
        ow = (w - 1) * strides[1] + max(kernel_size[1], strides[1])
    return (kernel_size[0], kernel_size[1], filters, c), (oh, ow, filters)


def transposed_lists(input_shape, filters, kernel_size, strides=(1, 1), padding="valid"):
    sizes = [
        n * s + (max(k - s, 0) if padding == "valid" else 0)
        for n, k, s in zip(input_shape, kernel_size, strides, strict=False)
    ]
    return [[*kernel_size, filters, input_shape[2]], [*sizes, filters]]


def transposed_arrays(input_shape, filters, kernel_size, strides=(1, 1), padding="valid"):
    n, k, s = np.array(input_shape[:2]), np.array(kernel_size), np.array(strides)
    size = n * s + (np.maximum(k - s, 0) if padding == "valid" else 0)
    return np.array([*kernel_size, filters, input_shape[2]]), np.array([*size, filters])


def transposed_floats(input_shape, filters, kernel_size, strides=(1, 1), padding="valid"):
    kernel, output = transposed_written_out(input_shape, filters, kernel_size, strides, padding)
    return tuple(map(float, kernel)), tuple(map(float, output))


def transposed_painted(input_shape, filters, kernel_size, strides=(1, 1), padding="valid"):
    from convlab import conv2d_transpose

    kernel = np.zeros((*kernel_size, filters, input_shape[2]))
    return kernel.shape, conv2d_transpose(np.zeros((1, *input_shape)), kernel, strides=strides, padding=padding).shape[
        1:
    ]


def transposed_numpy_layer(input_shape, filters, kernel_size, strides=(1, 1), padding="valid"):
    from convlab import layers

    layer = layers.Conv2DTranspose(filters, kernel_size, strides=strides, padding=padding)
    output = layer(np.zeros((1, *input_shape)))
    return layer.get_weights()[0].shape, output.shape[1:]


# find_kernel


def find_descent_loops(image, output, kernel_size):
    kernel = np.zeros(kernel_size)
    oh, ow = output.shape
    for _ in range(400):
        y = np.zeros(output.shape)
        for u, v in np.ndindex(kernel_size):
            y += kernel[u, v] * image[u : u + oh, v : v + ow]
        g = 2 * (y - output) / output.size
        gradient = np.zeros(kernel_size)
        for u, v in np.ndindex(kernel_size):
            gradient[u, v] = np.sum(g * image[u : u + oh, v : v + ow])
        kernel -= 0.1 * gradient
    return kernel


def find_least_squares(image, output, kernel_size):
    windows = np.lib.stride_tricks.sliding_window_view(image, kernel_size).reshape(output.size, -1)
    return np.linalg.lstsq(windows, output.ravel(), rcond=None)[0].reshape(kernel_size)


def find_normal_equations(image, output, kernel_size):
    kh, kw = kernel_size
    oh, ow = output.shape
    columns = np.stack([image[u : u + oh, v : v + ow].ravel() for u in range(kh) for v in range(kw)], axis=1)
    return np.linalg.solve(columns.T @ columns, columns.T @ output.ravel()).reshape(kernel_size)


def find_with_convlab(image, output, kernel_size):
    import convlab

    kernel = np.zeros(kernel_size)
    for _ in range(300):
        error = convlab.correlate2d(image, kernel) - output
        kernel = kernel - 0.1 * convlab.correlate2d(image, 2 * error / error.size)
    return kernel


def find_scipy(image, output, kernel_size):
    from scipy.optimize import least_squares
    from scipy.signal import correlate2d

    start = np.zeros(kernel_size).ravel()
    return least_squares(
        lambda k: (correlate2d(image, k.reshape(kernel_size), mode="valid") - output).ravel(), start
    ).x.reshape(kernel_size)


def find_random_start_float32(image, output, kernel_size):
    image, output = image.astype(np.float32), output.astype(np.float32)
    kernel = np.random.default_rng(0).normal(size=kernel_size).astype(np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(image, kernel_size)
    for _ in range(800):
        error = np.einsum("ijuv,uv->ij", windows, kernel) - output
        kernel -= np.float32(0.1) * np.einsum("ijuv,ij->uv", windows, error) / np.float32(error.size)
    return kernel


def find_tensorflow(image, output, kernel_size):
    import tensorflow as tf

    kernel = tf.Variable(tf.zeros((*kernel_size, 1, 1), tf.float64))
    x, target = tf.constant(image[None, :, :, None]), tf.constant(output[None, :, :, None])
    for _ in range(250):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((tf.nn.conv2d(x, kernel, 1, "VALID") - target) ** 2)
        kernel.assign_sub(0.1 * tape.gradient(loss, kernel))
    return kernel.numpy()[:, :, 0, 0]


VARIANTS = {
    "bias_gradient": [
        bias_loops,
        bias_einsum,
        bias_reshape_float32,
        bias_sum_three_times,
        bias_list,
        bias_tensorflow,
    ],
    "numerical_gradient": [
        numerical_flat,
        numerical_nditer,
        numerical_eye,
        numerical_steps_back,
        numerical_keywords,
    ],
    "kernel_gradient": [
        kernel_places,
        kernel_windows,
        kernel_all_loops,
        kernel_dilated_upstream,
        kernel_float32,
        kernel_tensorflow,
    ],
    "max_pool_gradient": [pool_where, pool_loops, pool_add_at, pool_divmod_float32, pool_pixels, pool_tensorflow],
    "input_gradient": [
        input_places,
        input_full_correlation,
        input_all_loops,
        input_matrix,
        input_float32,
        input_tensorflow,
    ],
    "transposed_shapes": [
        transposed_written_out,
        transposed_lists,
        transposed_arrays,
        transposed_floats,
        transposed_painted,
        transposed_numpy_layer,
    ],
    "find_kernel": [
        find_descent_loops,
        find_least_squares,
        find_normal_equations,
        find_with_convlab,
        find_scipy,
        find_random_start_float32,
        find_tensorflow,
    ],
}


MORE = {  # the same entries in other problems, or other forms of them
    "M1": [("find_kernel", "the kernel is turned")],
    "M4": [("find_kernel", "rows and columns of the kernel exchanged")],
    "M38": [("bias_gradient", "one number for all filters")],
    "M62": [("kernel_gradient", "the first image for all")],
    "M50": [
        ("transposed_shapes", "a short kernel shortens the output"),
        ("transposed_shapes", "same gives (n - 1) · stride + 1"),
    ],
    "M70": [
        ("input_gradient", "`=` instead of `+=`, for the filters too"),
        ("input_gradient", "`=` instead of `+=`, in a loop over the kernel"),
        ("kernel_gradient", "`=` instead of `+=`"),
        ("kernel_gradient", "`=` instead of `+=`, for all images at once"),
    ],
    "M71": [("kernel_gradient", "the stride is ignored"), ("max_pool_gradient", "the stride is ignored")],
    "M72": [("kernel_gradient", "the gradient is turned")],
    "M73": [("bias_gradient", "summed over the batch only"), ("bias_gradient", "the mean over the batch")],
}


# two mistakes at once


def bias_kept_mean(upstream):
    return upstream.mean(axis=(0, 1, 2), keepdims=True)


def bias_batch_mean_only(upstream):
    return upstream.mean(axis=0)


def numerical_one_sided_not_put_back(f, x, h=1e-5):
    point = x.astype(float)
    gradient = np.zeros(x.shape)
    for place in np.ndindex(*x.shape):
        below = f(point)
        point[place] += h
        gradient[place] = (f(point) - below) / h
    return gradient


def numerical_own_type_by_h(f, x, h=1e-5):
    point = x.copy()
    gradient = np.zeros(x.shape)
    for place in np.ndindex(*x.shape):
        here = point[place]
        point[place] = here + h
        above = f(point)
        point[place] = here - h
        gradient[place] = (above - f(point)) / h
        point[place] = here
    return gradient


def kernel_turned_without_stride(x, upstream, kernel_size, strides=(1, 1), padding=NONE):
    return kernel_places(x, upstream, kernel_size, (1, 1), padding)[::-1, ::-1]


def kernel_mean_exchanged(x, upstream, kernel_size, strides=(1, 1), padding=NONE):
    return kernel_places(x, upstream, kernel_size, strides, padding).swapaxes(2, 3) / len(x)


def pool_shared_overwritten(x, upstream, pool_size, strides):
    gradient = np.zeros(x.shape)
    for i, j in np.ndindex(*upstream.shape):
        rows = slice(i * strides[0], i * strides[0] + pool_size[0])
        columns = slice(j * strides[1], j * strides[1] + pool_size[1])
        gradient[rows, columns] = upstream[i, j] / np.prod(pool_size)
    return gradient


def pool_without_stride_times_pixel(x, upstream, pool_size, strides):
    gradient = np.zeros(x.shape)
    for i, j in np.ndindex(*upstream.shape):
        window = x[i : i + pool_size[0], j : j + pool_size[1]]
        u, v = np.unravel_index(window.argmax(), window.shape)
        gradient[i + u, j + v] += upstream[i, j] * window.max()
    return gradient


def input_turned_overwritten(kernel, upstream, input_size, strides=(1, 1), padding=NONE):
    (above, below), (left, right) = padding
    kh, kw = kernel.shape[:2]
    padded = np.zeros((len(upstream), input_size[0] + above + below, input_size[1] + left + right, kernel.shape[2]))
    for n, i, j in np.ndindex(*upstream.shape[:3]):
        r, c = i * strides[0], j * strides[1]
        padded[n, r : r + kh, c : c + kw] = kernel[::-1, ::-1] @ upstream[n, i, j]
    return padded[:, above : above + input_size[0], left : left + input_size[1]]


def input_without_stride_cut_at_end(kernel, upstream, input_size, strides=(1, 1), padding=NONE):
    (above, below), (left, right) = padding
    size = input_size[0] + above + below, input_size[1] + left + right
    return input_places(kernel, upstream, size, (1, 1))[:, : input_size[0], : input_size[1]]


def transposed_hwio_short(input_shape, filters, kernel_size, strides=(1, 1), padding="valid"):
    _, output = transposed_written_out(input_shape, filters, kernel_size, strides, padding)
    sizes = [
        n * s if padding == "same" else (n - 1) * s + k
        for n, s, k in zip(input_shape, strides, kernel_size, strict=False)
    ]
    return (*kernel_size, input_shape[2], filters), (*sizes, output[2])


def transposed_exchanged_ignoring_same(input_shape, filters, kernel_size, strides=(1, 1), padding="valid"):
    return transposed_written_out(input_shape, filters, kernel_size, strides[::-1], "valid")


def find_turned_rounded(image, output, kernel_size):
    return np.round(find_least_squares(image, output, kernel_size)[::-1, ::-1])


def find_centred_turned(image, output, kernel_size):
    return find_least_squares(image - image.mean(), output, kernel_size)[::-1, ::-1]


DOUBLES = {
    "bias_gradient": [bias_kept_mean, bias_batch_mean_only],
    "numerical_gradient": [numerical_one_sided_not_put_back, numerical_own_type_by_h],
    "kernel_gradient": [kernel_turned_without_stride, kernel_mean_exchanged],
    "max_pool_gradient": [pool_shared_overwritten, pool_without_stride_times_pixel],
    "input_gradient": [input_turned_overwritten, input_without_stride_cut_at_end],
    "transposed_shapes": [transposed_hwio_short, transposed_exchanged_ignoring_same],
    "find_kernel": [find_turned_rounded, find_centred_turned],
}
