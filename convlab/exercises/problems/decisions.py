"""The definition of convolution with every decision in a named place, so that one of them can be made wrongly.

A correct convolution is a chain of small decisions: which way the kernel lies, how many pixels go before, where a
window begins, what is summed. A well-known mistake makes one of them in another way, and everything else as it should be.
"""

from collections.abc import Callable, Mapping
from math import ceil
from typing import Any

import numpy as np

Pair = tuple[int, int]


def same(n: int, reach: int, stride: int) -> Pair:
    """TensorFlow's rule for one axis: pixels (before, after)."""
    total = max((ceil(n / stride) - 1) * stride + reach - n, 0)
    return total // 2, total - total // 2


DECISIONS: dict[str, Any] = dict(
    kernel=lambda k: k,
    strides=lambda s: s,
    dilation=lambda d: d,
    reach=lambda k, d: d * (k - 1) + 1,
    same=lambda n, k, reach, stride: same(n, reach, stride),
    pads=lambda pads: pads,
    outputs=lambda n, reach, stride: (n - reach) // stride + 1,
    first=lambda n, reach, stride: 0,
    fill="constant",
    group=lambda f, groups, filters: f // (filters // groups),
    window=lambda products: products.sum(),
    image=lambda n: n,
    bias=lambda b, f, window: b[f],
    accumulate=None,
)


def convolve(
    x: np.ndarray,
    kernel: np.ndarray,
    bias: Any = None,
    strides: Pair = (1, 1),
    padding: Any = "valid",
    dilation: Pair = (1, 1),
    groups: int = 1,
    changes: Mapping[str, Any] | None = None,
) -> np.ndarray:
    """The definition, over (N, H, W, C) and (kh, kw, C / groups, F), with some decisions changed."""
    do = DECISIONS | dict(changes or {})
    kernel, strides, dilation = do["kernel"](kernel), do["strides"](strides), do["dilation"](dilation)
    bias = np.zeros(kernel.shape[3]) if bias is None else bias
    reach = [do["reach"](k, d) for k, d in zip(kernel.shape[:2], dilation, strict=True)]
    pads = ((0, 0), (0, 0)) if padding == "valid" else padding
    if padding == "same":
        pads = [do["same"](x.shape[1 + a], kernel.shape[a], reach[a], strides[a]) for a in (0, 1)]
    padded = np.pad(x, ((0, 0), *do["pads"](pads), (0, 0)), mode=do["fill"])
    sizes = [do["outputs"](padded.shape[1 + a], reach[a], strides[a]) for a in (0, 1)]
    starts = [do["first"](padded.shape[1 + a], reach[a], strides[a]) for a in (0, 1)]
    depth, filters = kernel.shape[2:]
    y = np.zeros((len(x), *sizes, filters), do["accumulate"] or np.result_type(x, kernel, float))
    for n, i, j, f in np.ndindex(*y.shape):
        top, left = starts[0] + i * strides[0], starts[1] + j * strides[1]
        channels = slice(do["group"](f, groups, filters) * depth, (do["group"](f, groups, filters) + 1) * depth)
        rows = slice(top, top + dilation[0] * kernel.shape[0], dilation[0])
        columns = slice(left, left + dilation[1] * kernel.shape[1], dilation[1])
        window = padded[do["image"](n), rows, columns, channels]
        products = window.astype(y.dtype) * kernel[: window.shape[0], : window.shape[1], :, f].astype(y.dtype)
        y[n, i, j, f] = do["window"](products) + do["bias"](bias, f, products)
    return y


def mistaken(**changes: Any) -> Callable[..., np.ndarray]:
    """`convolve` with other decisions."""

    def wrong(*args: Any, **kwargs: Any) -> np.ndarray:
        return convolve(*args, **{**kwargs, "changes": changes})

    return wrong


def on_image(wrong: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
    """A convolution of batches, for one image (H, W) and one kernel (kh, kw)."""
    return lambda image, kernel, **more: wrong(image[None, :, :, None], kernel[:, :, None, None], **more)[0, :, :, 0]
