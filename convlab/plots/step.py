"""One step of a convolution: the window, the kernel, their products and the sum."""

from typing import Any

import numpy as np

from convlab.errors import ConvlabError
from convlab.geometry import ConvSpec
from convlab.geometry.normalize import as_pair
from convlab.ops import correlate2d
from convlab.plots.cells import Panel, draw_panels, in_words, number, plane
from convlab.plots.style import Drawing, in_house_style


@in_house_style
def step(
    x: Any, kernel: Any, position: Any = (0, 0), *, strides: Any = 1, padding: Any = "valid", dilation: Any = 1
) -> Drawing:
    """How the output at `position` (row, column) comes about: input with its window, kernel, products, output.

    x: (H, W). kernel: (kh, kw). strides, padding and dilation are those of `convlab.conv2d`; the kernel is not
    turned. Padding is drawn hatched.

    Raises `ConvlabError` when `position` lies outside of the output, or an array is no matrix.
    """
    x, kernel = plane(x, "x"), plane(kernel, "kernel")
    spec = ConvSpec(kernel.shape, strides=strides, padding=padding, dilation=dilation)
    output = correlate2d(x, kernel, strides=strides, padding=padding, dilation=dilation)
    row, column = _place(position, output.shape)
    pads = spec.pads((x.shape[0], x.shape[1]))
    padded, is_padding = np.pad(x, pads), np.pad(np.zeros(x.shape, bool), pads, constant_values=True)
    window = np.ix_(*(_taps(spec, axis, at) for axis, at in enumerate((row, column))))
    marked, here = np.zeros(padded.shape, bool), np.zeros(output.shape, bool)
    marked[window], here[row, column] = True, True
    products = np.asarray(padded[window], float) * kernel
    total = number(output[row, column])
    panels = [
        Panel(padded, "input", "input", marked, is_padding),
        Panel(kernel, "kernel", "kernel"),
        Panel(products, "product", f"products\nsum = {total}"),
        Panel(output, "output", "output", here),
    ]
    alt = (
        f"One step of a convolution. At output row {row}, column {column}, "
        f"the window holds {in_words(padded[window])}; the kernel is {in_words(kernel)}; "
        f"their products are {in_words(products)}; the sum is {total}. "
        f"The whole output: {in_words(output)}."
    )
    return draw_panels(panels, alt, ("×", "=", "→"))


def _place(position: Any, shape: tuple[int, ...]) -> tuple[int, int]:
    row, column = as_pair(position, "position", 0) if np.ndim(position) else _no_pair(position)
    if row >= shape[0] or column >= shape[1]:
        raise ConvlabError(
            f"position ({row}, {column}) lies outside of the output, which is {shape[0]} x {shape[1]}: "
            f"rows go from 0 to {shape[0] - 1}, columns from 0 to {shape[1] - 1}."
        )
    return row, column


def _no_pair(position: Any) -> tuple[int, int]:
    raise ConvlabError(f"position must be (row, column) of an output cell, but {position!r} was given.")


def _taps(spec: ConvSpec, axis: int, at: int) -> np.ndarray:
    """Rows (or columns) of the padded input that the kernel meets at output row (or column) `at`."""
    return at * spec.strides[axis] + spec.dilation[axis] * np.arange(spec.kernel_size[axis])
