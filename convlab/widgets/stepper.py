"""Every number of a small convolution, one output cell at a time."""

from typing import Any

import numpy as np
import traitlets

from convlab.errors import ConvlabError
from convlab.geometry import ConvSpec
from convlab.ops import conv2d
from convlab.ops.check import as_numbers
from convlab.plots import Drawing
from convlab.plots.cells import Panel, draw_panels, in_words
from convlab.widgets.base import Widget, bundle

MOST_CELLS, MOST_CHANNELS, MOST_FILTERS, MOST_TAPS = 10, 3, 4, 5
EDGE = np.array([[-1, -1, -1], [0, 0, 0], [1, 1, 1]])


class Stepper(Widget):
    """What `stepper` makes. `spec`, `output` and `position` tell what the reader chose."""

    _module = "stepper"
    _esm = bundle(_module)
    image = traitlets.List(traitlets.List()).tag(sync=True)
    kernel = traitlets.List(traitlets.List()).tag(sync=True)
    strides = traitlets.List([1, 1]).tag(sync=True)
    dilation = traitlets.List([1, 1]).tag(sync=True)
    padding = traitlets.Any("valid").tag(sync=True)
    groups = traitlets.Int(1).tag(sync=True)
    flip = traitlets.Bool(False).tag(sync=True)
    step = traitlets.Int(0).tag(sync=True)
    pinned = traitlets.Bool(False).tag(sync=True)

    @property
    def spec(self) -> ConvSpec:
        """The convolution as it is set now."""
        kernel = np.asarray(self.kernel)
        return ConvSpec(
            kernel.shape[:2],
            kernel.shape[3],
            strides=self.strides,
            padding=self.padding,
            dilation=self.dilation,
            groups=self.groups,
            use_bias=False,
        )

    @property
    def output(self) -> np.ndarray:
        """All output numbers, (rows, columns, filters), as `convlab.conv2d` computes them."""
        kernel = np.asarray(self.kernel, float)
        kernel = kernel[::-1, ::-1] if self.flip else kernel
        spec = self.spec
        return conv2d(
            np.asarray(self.image, float)[np.newaxis],
            kernel,
            strides=spec.strides,
            padding=spec.padding,
            dilation=spec.dilation,
            groups=spec.groups,
        )[0]

    @property
    def position(self) -> tuple[int, int, int]:
        """(row, column, filter) of the chosen output cell."""
        rows, columns, filters = self.output.shape
        place = np.unravel_index(self.step, (filters, rows, columns))
        return int(place[1]), int(place[2]), int(place[0])

    def words(self) -> str:
        image, spec, output = np.asarray(self.image), self.spec, self.output
        row, column, which = self.position
        return (
            f"Convolution stepper. Input {_times(image.shape)}, kernel {_times(spec.kernel_size)} with {spec.groups} "
            f"group(s) and {spec.filters} filter(s), strides {_times(spec.strides)}, dilation {_times(spec.dilation)}, "
            f"padding {spec.padding}{', flipped' if self.flip else ''}: output {_times(output.shape)}. "
            f"Output row {row}, column {column}, filter {which} is {output[row, column, which]:g}."
        )

    def still(self) -> Drawing:
        image, kernel, spec, output = np.asarray(self.image), np.asarray(self.kernel), self.spec, self.output
        row, column, which = self.position
        pads = spec.pads((image.shape[0], image.shape[1]))
        is_padding = np.pad(np.zeros(image.shape[:2], bool), pads, constant_values=True)
        window = np.zeros(is_padding.shape, bool)
        starts = (row * spec.strides[0], column * spec.strides[1])
        taps = [s + d * np.arange(k) for s, d, k in zip(starts, spec.dilation, spec.kernel_size, strict=True)]
        window[np.ix_(*taps)] = True
        here = np.zeros(output.shape[:2], bool)
        here[row, column] = True
        depth = kernel.shape[2]
        first = which // (spec.filters // spec.groups) * depth
        panels = [
            Panel(np.pad(image[:, :, first + c], pads), "input", f"input {first + c}", window, is_padding)
            for c in range(depth)
        ]
        panels += [Panel(kernel[:, :, c, which], "kernel", "kernel") for c in range(depth)]
        panels.append(Panel(output[:, :, which], "output", "output", here))
        return draw_panels(panels, f"{self.words()} The whole output of this filter: {in_words(output[:, :, which])}.")


def stepper(
    image: Any = None,
    kernel: Any = None,
    *,
    strides: Any = 1,
    padding: Any = "valid",
    dilation: Any = 1,
    groups: int = 1,
    flip: bool = False,
) -> Stepper:
    """Step through a small convolution; every number and every argument can be changed.

    image: (H, W) or (H, W, C), at most 10 x 10 with 3 channels. kernel: (kh, kw), or (kh, kw, C // groups, F) with at
    most 5 x 5 weights and 4 filters. The other arguments are those of `convlab.conv2d`; flip=True turns the kernel by
    180 degrees first.

    Raises `ConvlabError` for what cannot be shown, or cannot be computed.
    """
    pixels = _pattern() if image is None else as_numbers(image, "image")
    pixels = pixels[:, :, np.newaxis] if pixels.ndim == 2 else pixels
    weights = as_numbers(EDGE if kernel is None else kernel, "kernel")
    if weights.ndim == 2:
        weights = np.repeat(weights[:, :, np.newaxis, np.newaxis], pixels.shape[-1] // groups, axis=2)
    limits = (MOST_CELLS, MOST_CELLS, MOST_CHANNELS)
    if pixels.ndim != 3 or any(n > most for n, most in zip(pixels.shape, limits, strict=True)):
        raise ConvlabError(
            f"image must be (height, width) or (height, width, channels) of at most {_times(limits)}, "
            f"but has shape {pixels.shape}: take a part of it."
        )
    if weights.ndim != 4 or max(weights.shape[:2]) > MOST_TAPS or weights.shape[3] > MOST_FILTERS:
        raise ConvlabError(
            f"kernel must be (height, width) or (height, width, channels, filters) with at most {MOST_TAPS} x "
            f"{MOST_TAPS} weights and {MOST_FILTERS} filters, but has shape {weights.shape}."
        )
    spec = ConvSpec(weights.shape[:2], weights.shape[3], strides=strides, padding=padding, dilation=dilation)
    widget = Stepper(
        image=pixels.tolist(),
        kernel=weights.tolist(),
        strides=list(spec.strides),
        padding=spec.padding if isinstance(spec.padding, str) else [list(side) for side in spec.padding],
        dilation=list(spec.dilation),
        groups=groups,
        flip=flip,
    )
    _ = widget.output  # what cannot be computed is said now
    return widget


def _pattern() -> np.ndarray:
    """5 x 6 digits that no flip, turn or shift leaves as they are."""
    row, column = np.mgrid[:5, :6]
    return (3 * row + 5 * column + 1) % 10


def _times(values: Any) -> str:
    return " x ".join(str(value) for value in values)
