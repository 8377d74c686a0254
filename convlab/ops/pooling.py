"""Pooling: the largest number, or the average, of each window of each channel.

Padding never counts. A maximum over a border window is the maximum of its real pixels, so all-negative images keep
negative maxima; an average divides by the number of real pixels in the window. Both as in TensorFlow.
"""

from typing import Any

import numpy as np

from convlab.errors import ConvlabError
from convlab.geometry import PoolSpec
from convlab.ops.blocks import Array, inside
from convlab.ops.check import (
    check_images,
    check_upstream,
    from_channels_last,
    result_types,
    to_channels_last,
)


def max_pool2d(
    x: Any, pool_size: Any = 2, *, strides: Any = None, padding: Any = "valid", data_format: str = "channels_last"
) -> Array:
    """The largest number of each window.

    x: (N, H, W, C) or (N, C, H, W). strides: None means `pool_size`, as in Keras. padding as in `conv2d`.
    Returns (N, OH, OW, C) or (N, C, OH, OW) in x's own type, integers included.

    >>> max_pool2d(-np.ones((1, 3, 3, 1)), padding="same").max()
    np.float64(-1.0)
    """
    windows = _Windows(x, pool_size, strides, padding, data_format)
    return from_channels_last(windows.maximum(), data_format)


def avg_pool2d(
    x: Any, pool_size: Any = 2, *, strides: Any = None, padding: Any = "valid", data_format: str = "channels_last"
) -> Array:
    """The average of each window, over its real pixels. Arguments and shapes as in `max_pool2d`.

    >>> avg_pool2d(np.ones((1, 3, 3, 1)), padding="same").min()
    np.float64(1.0)
    """
    windows = _Windows(x, pool_size, strides, padding, data_format)
    dtype, working = result_types(windows.x)
    total = np.zeros(windows.shape, working)
    for places, met in windows.offsets():
        total[places] += windows.x[met]
    total /= windows.counts(working)
    return from_channels_last(total, data_format).astype(dtype, copy=False)


def max_pool2d_gradient(
    x: Any,
    upstream: Any,
    pool_size: Any = 2,
    *,
    strides: Any = None,
    padding: Any = "valid",
    data_format: str = "channels_last",
) -> Array:
    """Gradient of `max_pool2d` with respect to x, in x's shape.

    Each window hands its gradient to its largest number; the first in reading order where several are equal, as in
    TensorFlow. A pixel that wins in several overlapping windows gets the sum.
    """
    windows = _Windows(x, pool_size, strides, padding, data_format)
    dy, dtype = windows.upstream(upstream)
    largest = windows.maximum()
    open_ = np.ones(windows.shape, bool)
    dx = np.zeros(windows.x.shape, dy.dtype)
    for places, met in windows.offsets():
        wins = open_[places] & (windows.x[met] == largest[places])
        dx[met] += dy[places] * wins
        open_[places] &= ~wins
    return from_channels_last(dx, data_format).astype(dtype, copy=False)


def avg_pool2d_gradient(
    x: Any,
    upstream: Any,
    pool_size: Any = 2,
    *,
    strides: Any = None,
    padding: Any = "valid",
    data_format: str = "channels_last",
) -> Array:
    """Gradient of `avg_pool2d` with respect to x: each window shares its gradient among its real pixels."""
    windows = _Windows(x, pool_size, strides, padding, data_format)
    dy, dtype = windows.upstream(upstream)
    share = dy / windows.counts(dy.dtype)
    dx = np.zeros(windows.x.shape, dy.dtype)
    for places, met in windows.offsets():
        dx[met] += share[places]
    return from_channels_last(dx, data_format).astype(dtype, copy=False)


def global_max_pool2d(x: Any, *, keepdims: bool = False, data_format: str = "channels_last") -> Array:
    """The largest number of each channel's whole map: (N, C), or with axes of length 1 kept."""
    return check_images(x, data_format).max(axis=_space(data_format), keepdims=keepdims)


def global_avg_pool2d(x: Any, *, keepdims: bool = False, data_format: str = "channels_last") -> Array:
    """The average of each channel's whole map: (N, C), or with axes of length 1 kept."""
    array = check_images(x, data_format)
    dtype, working = result_types(array)
    return array.mean(axis=_space(data_format), keepdims=keepdims, dtype=working).astype(dtype, copy=False)


def global_max_pool2d_gradient(x: Any, upstream: Any, *, data_format: str = "channels_last") -> Array:
    """Gradient of `global_max_pool2d` with respect to x; upstream is (N, C), or with axes of length 1 kept.

    Equal largest numbers share the gradient evenly, as TensorFlow's reduction (not its pooling) has it.
    """
    array, dy, dtype = _global(x, upstream, data_format)
    wins = array == array.max(axis=_space(data_format), keepdims=True)
    share = dy / wins.sum(axis=_space(data_format), keepdims=True)
    return (wins * share).astype(dtype, copy=False)


def global_avg_pool2d_gradient(x: Any, upstream: Any, *, data_format: str = "channels_last") -> Array:
    """Gradient of `global_avg_pool2d` with respect to x: every pixel gets the same share."""
    array, dy, dtype = _global(x, upstream, data_format)
    pixels = np.prod([array.shape[axis] for axis in _space(data_format)])
    return np.broadcast_to(dy / pixels, array.shape).astype(dtype)


def _space(data_format: str) -> tuple[int, int]:
    return (1, 2) if data_format == "channels_last" else (2, 3)


def _global(x: Any, upstream: Any, data_format: str) -> tuple[Array, Array, np.dtype]:
    array = check_images(x, data_format)
    channels = array.shape[3 if data_format == "channels_last" else 1]
    kept = tuple(1 if axis in _space(data_format) else n for axis, n in enumerate(array.shape))
    dy = np.asarray(upstream)
    dy = check_upstream(dy, kept if dy.ndim == 4 else (len(array), channels)).reshape(kept)
    dtype, working = result_types(array, dy)
    return array, dy.astype(working, copy=False), dtype


class _Windows:
    """The windows of one pooling: for each offset in the window, which outputs meet which pixels."""

    def __init__(self, x: Any, pool_size: Any, strides: Any, padding: Any, data_format: str) -> None:
        self.spec = PoolSpec(pool_size, strides, padding=padding, data_format=data_format)
        self.x = to_channels_last(check_images(x, data_format), data_format)
        size = (self.x.shape[1], self.x.shape[2])
        self.pads = self.spec.pads(size)
        for axis, (pads, window) in enumerate(zip(self.pads, self.spec.kernel_size, strict=True)):
            if max(pads) >= window:
                raise ConvlabError(
                    f"padding of {max(pads)} along {('height', 'width')[axis]} would give pooling windows of {window} "
                    "that hold no pixel: pad by less than the window."
                )
        self.shape = (len(self.x), *self.spec.output_size(size), self.x.shape[3])

    def upstream(self, upstream: Any) -> tuple[Array, np.dtype]:
        """(gradient with channels last in the type to compute in, type of the result)."""
        shape = (self.shape[0], *self.spec.join_shape(self.shape[1:3], self.shape[3]))
        array = to_channels_last(check_upstream(upstream, shape), self.spec.data_format)
        dtype, working = result_types(self.x, array)
        return array.astype(working, copy=False), dtype

    def offsets(self):
        """For each offset of the window: (which outputs meet a real pixel there, which pixels), as index tuples."""
        for u, v in np.ndindex(*self.spec.kernel_size):
            rows, columns = (
                inside(self.x.shape[1 + a], self.shape[1 + a], self.spec.strides[a], o - self.pads[a][0])
                for a, o in enumerate((u, v))
            )
            yield (slice(None), rows[0], columns[0]), (slice(None), rows[1], columns[1])

    def maximum(self) -> Array:
        lowest = -np.inf if self.x.dtype.kind == "f" else np.iinfo(self.x.dtype).min if self.x.dtype != bool else False
        largest = np.full(self.shape, lowest, self.x.dtype)
        for places, met in self.offsets():
            np.maximum(largest[places], self.x[met], out=largest[places])
        return largest

    def counts(self, dtype: Any) -> Array:
        """Real pixels in each window, (1, OH, OW, 1)."""
        counts = np.zeros((1, *self.shape[1:3], 1), dtype)
        for places, _ in self.offsets():
            counts[places] += 1
        return counts
