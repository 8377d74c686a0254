"""Where the windows of a convolution lie: on its padding, and at the steps of its strides."""

from typing import Any

import numpy as np

from convlab.errors import ConvlabError
from convlab.geometry import WindowSpec
from convlab.geometry.normalize import Pair, as_pair
from convlab.ops import conv2d, conv2d_gradients
from convlab.plots.cells import LARGEST, Panel, draw_panels, in_words
from convlab.plots.style import Drawing, in_house_style


@in_house_style
def padding(size: Any, kernel_size: Any, *, padding: Any = "same", strides: Any = 1, dilation: Any = 1) -> Drawing:
    """What padding adds to an input of `size`, how often each pixel is read, and how many zeros each window reads.

    size and kernel_size: an int or (height, width). padding, strides and dilation are those of `convlab.conv2d`. The
    first window is marked. A pixel near the border is read by fewer windows than one in the middle.

    Raises `ConvlabError` for geometry that is impossible, or too large to be read.
    """
    scene = _Scene(size, WindowSpec(kernel_size, strides=strides, padding=padding, dilation=dilation))
    reads, zeros = scene.reads(), scene.zeros()
    (top, bottom), (left, right) = scene.pads
    amounts = f"{top} above, {bottom} below, {left} left, {right} right"
    marked = scene.window(0, 0)
    panels = [
        Panel(reads, "input", "input: how many\nwindows read each pixel", marked, scene.is_padding),
        Panel(zeros, "output", "output: how many zeros\neach window reads", _at(zeros.shape, 0, 0)),
    ]
    alt = (
        f"Padding {scene.spec.padding!r}: {scene}. Zeros added: {amounts}. "
        f"Windows that read each pixel: {in_words(scene.inside(reads))}. Zeros in each window: {in_words(zeros)}."
    )
    return draw_panels(panels, alt, ("→",))


@in_house_style
def strides(size: Any, kernel_size: Any, strides: Any, *, padding: Any = "valid", dilation: Any = 1) -> Drawing:
    """Where each window starts: the first pixel of window 1 is numbered 1 in the input, its output 1, and so on.

    Arguments and errors as in `padding`. Pixels that no window reads are crossed out.
    """
    scene = _Scene(size, WindowSpec(kernel_size, strides=strides, padding=padding, dilation=dilation))
    numbers = np.arange(1.0, 1 + np.prod(scene.output)).reshape(scene.output)
    starts = np.full(scene.padded, np.nan)
    s_h, s_w = scene.spec.strides
    starts[: scene.output[0] * s_h : s_h, : scene.output[1] * s_w : s_w] = numbers
    unread = scene.reads() == 0
    panels = [
        Panel(starts, "input", "input: where\neach window starts", scene.window(0, 0), scene.is_padding, unread),
        Panel(numbers, "output", "output", _at(scene.output, 0, 0)),
    ]
    places = ", ".join(f"({i * s_h}, {j * s_w})" for i, j in np.ndindex(*scene.output))
    crossed = ", ".join(f"({row}, {column})" for row, column in np.argwhere(scene.inside(unread)))
    alt = (
        f"Strides ({s_h}, {s_w}): {scene}. The windows start at (row, column) of the padded input: {places}. "
        f"Pixels that no window reads: {crossed or 'none'}."
    )
    return draw_panels(panels, alt, ("→",))


class _Scene:
    """The geometry of one convolution as arrays of the padded input's size."""

    def __init__(self, size: Any, spec: WindowSpec) -> None:
        self.size, self.spec = as_pair(size, "size"), spec
        self.pads, self.output = spec.pads(self.size), spec.output_size(self.size)
        self.is_padding = np.pad(np.zeros(self.size, bool), self.pads, constant_values=True)
        height, width = self.is_padding.shape
        if max(height, width) > LARGEST:
            raise ConvlabError(
                f"the padded input is {height} x {width}, but at most {LARGEST} x {LARGEST} cells can be read: "
                "draw a smaller one, the rule is the same."
            )
        self.padded: Pair = height, width

    def __str__(self) -> str:
        kernel, (height, width) = self.spec.kernel_size, self.size
        dilation = f", dilation {self.spec.dilation}" if self.spec.dilation != (1, 1) else ""
        return (
            f"an input of {height} x {width}, a kernel of {kernel[0]} x {kernel[1]}{dilation}, strides "
            f"{self.spec.strides}, an output of {self.output[0]} x {self.output[1]}"
        )

    def window(self, row: int, column: int) -> np.ndarray:
        """Mask of the padded pixels that the window of output (row, column) reads."""
        mask = np.zeros(self.padded, bool)
        taps = [
            at * s + d * np.arange(k)
            for at, s, d, k in zip(
                (row, column), self.spec.strides, self.spec.dilation, self.spec.kernel_size, strict=True
            )
        ]
        mask[np.ix_(*taps)] = True
        return mask

    def reads(self) -> np.ndarray:
        """How many windows read each pixel: the gradient of the outputs' sum for a kernel of ones. Padding is NaN."""
        ones, kernel = np.ones((1, *self.size, 1)), np.ones((*self.spec.kernel_size, 1, 1))
        dx = conv2d_gradients(ones, kernel, np.ones((1, *self.output, 1)), **self._arguments()).dx[0, :, :, 0]
        return np.pad(dx, self.pads, constant_values=np.nan)

    def zeros(self) -> np.ndarray:
        """How many padded zeros each window reads: all its taps less those that meet an input of ones."""
        ones, kernel = np.ones((1, *self.size, 1)), np.ones((*self.spec.kernel_size, 1, 1))
        return kernel.size - conv2d(ones, kernel, **self._arguments())[0, :, :, 0]

    def inside(self, padded: np.ndarray) -> np.ndarray:
        """The input's part of an array of the padded size."""
        (top, _), (left, _) = self.pads
        return padded[top : top + self.size[0], left : left + self.size[1]]

    def _arguments(self) -> dict[str, Any]:
        return {"strides": self.spec.strides, "padding": self.spec.padding, "dilation": self.spec.dilation}


def _at(shape: tuple[int, ...], row: int, column: int) -> np.ndarray:
    mask = np.zeros(shape, bool)
    mask[row, column] = True
    return mask
