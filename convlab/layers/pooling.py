"""Pooling layers, as in Keras: the largest or the average number of each window, channel by channel."""

from collections.abc import Callable
from typing import Any, ClassVar

from convlab import ops
from convlab.geometry import GlobalPoolSpec, PoolSpec
from convlab.geometry.normalize import as_pair
from convlab.layers.base import Array, Layer, Shape, data_format_or_default


class _Pooling2D(Layer):
    """A window that slides over each channel. Strides default to the window; averages do not count padding."""

    pool: ClassVar[Callable[..., Array]]
    pool_gradient: ClassVar[Callable[..., Array]]

    def __init__(
        self,
        pool_size: Any = (2, 2),
        strides: Any = None,
        padding: Any = "valid",
        data_format: str | None = None,
        *,
        name: str | None = None,
        dtype: Any = "float32",
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self.pool_size = as_pair(pool_size, "pool_size")
        self.strides = self.pool_size if strides is None else as_pair(strides, "strides")
        self.padding = padding.lower() if isinstance(padding, str) else padding
        self.data_format = data_format_or_default(data_format)
        self._spec = PoolSpec(self.pool_size, strides=self.strides, padding=self.padding, data_format=self.data_format)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], *self._spec.output_shape(input_shape[1:]))

    def _geometry(self) -> dict[str, Any]:
        return {"strides": self.strides, "padding": self.padding, "data_format": self.data_format}

    def forward(self, x: Array, training: bool) -> Array:
        self._saved = x
        return type(self).pool(x, self.pool_size, **self._geometry())

    def backward_through(self, upstream: Array) -> Array:
        return type(self).pool_gradient(self._saved, upstream, self.pool_size, **self._geometry())


class MaxPooling2D(_Pooling2D):
    """The largest number of each window, as `keras.layers.MaxPooling2D`."""

    pool, pool_gradient = staticmethod(ops.max_pool2d), staticmethod(ops.max_pool2d_gradient)


class AveragePooling2D(_Pooling2D):
    """The average of each window, as `keras.layers.AveragePooling2D`."""

    pool, pool_gradient = staticmethod(ops.avg_pool2d), staticmethod(ops.avg_pool2d_gradient)


class _GlobalPooling2D(Layer):
    """One number of each channel's whole map: (N, C).

    With keepdims=True (N, 1, 1, C), or (N, C, 1, 1) for channels_first.
    """

    pool: ClassVar[Callable[..., Array]]
    pool_gradient: ClassVar[Callable[..., Array]]

    def __init__(
        self,
        data_format: str | None = None,
        keepdims: bool = False,
        *,
        name: str | None = None,
        dtype: Any = "float32",
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self.data_format, self.keepdims = data_format_or_default(data_format), bool(keepdims)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        spec = GlobalPoolSpec(data_format=self.data_format, keepdims=self.keepdims)
        return (input_shape[0], *spec.output_shape(input_shape[1:]))

    def forward(self, x: Array, training: bool) -> Array:
        y = type(self).pool(x, keepdims=self.keepdims, data_format=self.data_format)
        self._saved = x, y
        return y

    def backward_through(self, upstream: Array) -> Array:
        x, y = self._saved
        self.check_upstream(upstream, y)
        return type(self).pool_gradient(x, upstream, data_format=self.data_format)


class GlobalMaxPooling2D(_GlobalPooling2D):
    """The largest number of each channel's whole map, as `keras.layers.GlobalMaxPooling2D`: (N, C)."""

    pool, pool_gradient = staticmethod(ops.global_max_pool2d), staticmethod(ops.global_max_pool2d_gradient)


class GlobalAveragePooling2D(_GlobalPooling2D):
    """The average of each channel's whole map, as `keras.layers.GlobalAveragePooling2D`: (N, C)."""

    pool, pool_gradient = staticmethod(ops.global_avg_pool2d), staticmethod(ops.global_avg_pool2d_gradient)
