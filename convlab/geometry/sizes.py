"""The formulas of a convolution along one axis.

Notation, for one axis: n the input size, k the kernel size, s the stride, d the dilation, p_before and p_after the
zeros put before and after the input.

    effective kernel   k' = d (k - 1) + 1
    output             floor((n + p_before + p_after - k') / s) + 1

Source: V. Dumoulin and F. Visin, "A guide to convolution arithmetic for deep learning" (2016), relations 1 to 15;
"same" follows TensorFlow's documentation of `tf.nn` (section "Notes on padding").
"""

from typing import Any

from convlab.errors import ConvlabError
from convlab.geometry.normalize import Pair, as_int


def effective_kernel(kernel: int, dilation: int = 1) -> int:
    """Pixels from the first to the last tap of a dilated kernel: d (k - 1) + 1.

    >>> effective_kernel(5, dilation=3)
    13
    """
    return as_int(dilation, "dilation", 1) * (as_int(kernel, "kernel", 1) - 1) + 1


def padding_amounts(
    size: int,
    kernel: int,
    stride: int = 1,
    padding: Any = "valid",
    dilation: int = 1,
    *,
    axis: str = "this axis",
) -> Pair:
    """Zeros (before, after) along one axis.

    `padding` is "valid" (none), "same", an int (so many on both sides) or a pair (before, after). "same" is
    TensorFlow's rule: as many zeros as make the output ceil(size / stride) long, never fewer than none, and when
    their number is odd the extra one goes *after*.

    >>> padding_amounts(28, kernel=3, stride=2, padding="same")
    (0, 1)
    """
    size, stride = as_int(size, f"the input size along {axis}", 1), as_int(stride, "stride", 1)
    if padding == "valid":
        return 0, 0
    if padding == "same":
        outputs = -(-size // stride)
        total = max((outputs - 1) * stride + effective_kernel(kernel, dilation) - size, 0)
        return total // 2, total - total // 2
    if isinstance(padding, str):
        raise ConvlabError(
            f"padding must be 'valid', 'same', an integer or (before, after), but {padding!r} was given."
        )
    before, after = padding if isinstance(padding, tuple | list) else (padding, padding)
    return as_int(before, "padding before", 0), as_int(after, "padding after", 0)


def output_size(
    size: int,
    kernel: int,
    stride: int = 1,
    padding: Any = "valid",
    dilation: int = 1,
    *,
    axis: str = "this axis",
) -> int:
    """Number of places where the kernel fits along one axis: floor((n + p - k') / s) + 1.

    Raises `ConvlabError` when the kernel fits nowhere.

    >>> output_size(28, kernel=3, stride=2)
    13
    """
    before, after = padding_amounts(size, kernel, stride, padding, dilation, axis=axis)
    reach = effective_kernel(kernel, dilation)
    padded = size + before + after
    if padded < reach:
        raise ConvlabError(_too_large(size, before, after, kernel, dilation, reach, axis))
    return (padded - reach) // stride + 1


def _too_large(size: int, before: int, after: int, kernel: int, dilation: int, reach: int, axis: str) -> str:
    what = (
        f"a kernel of {kernel}" if dilation == 1 else f"a kernel of {kernel} dilated by {dilation} (it spans {reach})"
    )
    where = f"an input of {size}" if before == after == 0 else f"an input of {size} padded to {size + before + after}"
    cure = f"use a kernel of at most {(size + before + after - 1) // dilation + 1}"
    if dilation > 1:
        cure += ", a smaller dilation"
    missing = reach - size - before - after
    return f"Along {axis}, {what} does not fit into {where}: {cure}, padding='same', or {missing} more of padding."


def transposed_padding(
    kernel: int, stride: int, padding: str = "valid", output_padding: int | None = None, dilation: int = 1
) -> Pair:
    """What a transposed convolution cuts off its full output, (before, after), along one axis.

    The full output of n inputs is (n - 1) s + k' long. Keras keeps this many of it:

        "valid"  (n - 1) s + max(k', s)    or  (n - 1) s + k' + output_padding
        "same"   n s                       or  (n - 1) s + k' mod 2 + output_padding

    and cuts half of the rest, rounded down, before. A negative amount after means zeros put there instead.
    Source: `keras.layers.Conv2DTranspose` (Keras 3), in agreement with the gradient of `tf.nn.conv2d`.

    >>> transposed_padding(kernel=3, stride=2, padding="same")
    (0, 1)
    """
    reach, stride = effective_kernel(kernel, dilation), as_int(stride, "stride", 1)
    if padding not in ("valid", "same"):
        raise ConvlabError(f"A transposed convolution takes padding 'valid' or 'same', but {padding!r} was given.")
    if output_padding is not None and as_int(output_padding, "output_padding", 0) >= stride:
        raise ConvlabError(f"output_padding must be less than the stride, {stride}, but {output_padding} was given.")
    if padding == "valid":
        total = reach - max(reach, stride) if output_padding is None else -output_padding
    else:
        total = reach - stride if output_padding is None else reach - reach % 2 - output_padding
    before = max(total, 0) // 2
    return before, total - before


def transposed_output_size(
    size: int,
    kernel: int,
    stride: int = 1,
    padding: str = "valid",
    output_padding: int | None = None,
    dilation: int = 1,
    *,
    axis: str = "this axis",
) -> int:
    """Output size of a transposed convolution along one axis, as `keras.layers.Conv2DTranspose` has it.

    The sizes are those of `transposed_padding`; n s + max(k' - s, 0) for "valid", n s for "same" by default.

    >>> transposed_output_size(4, kernel=1, stride=2)
    8
    """
    size, stride = as_int(size, f"the input size along {axis}", 1), as_int(stride, "stride", 1)
    before, after = transposed_padding(kernel, stride, padding, output_padding, dilation)
    length = (size - 1) * stride + effective_kernel(kernel, dilation) - before - after
    if length < 1:
        raise ConvlabError(
            f"Along {axis}, a transposed kernel of {kernel} on an input of {size} leaves no output: "
            "use padding='valid', a larger output_padding or a larger input."
        )
    return length
