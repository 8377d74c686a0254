"""Change the numbers of a kernel and see at once what it does to an image."""

from base64 import b64encode
from collections.abc import Mapping
from html import escape
from io import BytesIO
from typing import Any

import ipywidgets
import numpy as np
from PIL import Image

from convlab import plots
from convlab.errors import ConvlabError
from convlab.ops import convolve2d, correlate2d
from convlab.ops.check import as_numbers
from convlab.plots.cells import in_words, number

Array = np.ndarray

CELL = "4.2em"  # width of an editable weight
OWN = "your own"
RANGES = {
    "as it is: 0 black, 1 white": (0.0, 1.0),
    "zero grey: -1 black, 1 white": (-1.0, 1.0),
    "stretched: least black, largest white": None,
}


def kernel_explorer(image: Any, kernels: Mapping[str, Any], *, scale: int = 2) -> "KernelExplorer":
    """A kernel with weights that can be edited, beside the image before and after it.

    image: grey (H, W), from 0 black to 1 white. kernels: {name: matrix} to start from, all of one shape. scale: dots of
    the screen for each pixel.

    Raises `ConvlabError` for anything else.
    """
    picture = as_numbers(image, "image").astype(float)
    if picture.ndim != 2:
        raise ConvlabError(f"image must be grey (height, width), but has shape {picture.shape}: take one channel.")
    if not isinstance(kernels, Mapping) or not kernels:
        raise ConvlabError(f"kernels must be a dict {{name: matrix}} with at least one kernel, but is {kernels!r}.")
    listed = {str(name): as_numbers(kernel, name).astype(float) for name, kernel in kernels.items()}
    shapes = {kernel.shape for kernel in listed.values()}
    if len(shapes) > 1 or any(len(shape) != 2 for shape in shapes):
        raise ConvlabError(f"kernels must be matrices of one shape, but have the shapes {sorted(shapes)}.")
    return KernelExplorer(picture, listed, scale)


class KernelExplorer(ipywidgets.VBox):
    """What `kernel_explorer` makes. `kernel` is the kernel as it is now, `output` the image after it."""

    def __init__(self, image: Array, kernels: Mapping[str, Array], scale: int) -> None:
        self._image, self._kernels, self._scale = image, dict(kernels), scale
        name, kernel = next(iter(kernels.items()))
        self._setting = False
        self.choice = ipywidgets.Dropdown(options=[*kernels, OWN], value=name, description="kernel")
        self.weights = [
            ipywidgets.FloatText(
                value=value,
                step=0.1,
                layout=ipywidgets.Layout(width=CELL, margin="0 2px 2px 0"),
                tooltip=f"weight in row {row}, column {column}",
            )
            for (row, column), value in np.ndenumerate(kernel)
        ]
        self.turned = ipywidgets.Checkbox(
            description="turn the kernel by 180° (convolution)", indent=False, layout=ipywidgets.Layout(width="auto")
        )
        self.shown = ipywidgets.Dropdown(options=list(RANGES), description="show")
        self._summary, self._pictures = ipywidgets.HTML(), ipywidgets.HTML()
        grid = ipywidgets.GridBox(
            self.weights,
            layout=ipywidgets.Layout(grid_template_columns=f"repeat({kernel.shape[1]}, max-content)"),
        )
        controls = ipywidgets.VBox([self.choice, grid, self.turned, self.shown, self._summary])
        self.choice.observe(self._choose, "value")
        for control in (*self.weights, self.turned, self.shown):
            control.observe(self._edit, "value")
        self._draw()
        wrap = ipywidgets.Layout(flex_flow="row wrap", align_items="flex-start")
        super().__init__([ipywidgets.HBox([controls, self._pictures], layout=wrap)])

    @property
    def kernel(self) -> Array:
        """The weights as they stand in the cells."""
        shape = next(iter(self._kernels.values())).shape
        return np.array([cell.value for cell in self.weights]).reshape(shape)

    @property
    def output(self) -> Array:
        """The image after the kernel, as `correlate2d` (turned: `convolve2d`) computes it."""
        slide = convolve2d if self.turned.value else correlate2d
        return slide(self._image, self.kernel)

    def words(self) -> str:
        """What is to be seen, in words."""
        output = self.output
        turned = ", turned by 180 degrees" if self.turned.value else ""
        return (
            f"Kernel explorer. The kernel {self.choice.value!r}{turned}, {in_words(self.kernel)}, on an image of "
            f"{self._image.shape[0]} x {self._image.shape[1]} pixels. The weights sum to {_tidy(self.kernel.sum())}; "
            f"the output goes from {_tidy(output.min())} to {_tidy(output.max())}."
        )

    def _choose(self, change: Any) -> None:
        if change["new"] == OWN:
            return
        self._setting = True  # one drawing for all cells, not one for each
        for cell, value in zip(self.weights, self._kernels[change["new"]].flat, strict=True):
            cell.value = float(value)
        self._setting = False
        self._draw()

    def _edit(self, change: Any) -> None:
        if self._setting:
            return
        if change["owner"] in self.weights:
            self._setting = True
            self.choice.value = OWN
            self._setting = False
        self._draw()

    def _draw(self) -> None:
        output = self.output
        total = self.kernel.sum()
        flat = "keeps flat areas as they are" if abs(total - 1) < 1e-9 else f"multiplies flat areas by {_tidy(total)}"
        self._summary.value = (
            f'<div role="status" style="line-height: 1.5">The weights sum to <b>{_tidy(total)}</b>: the kernel {flat}.'
            f"<br>The output goes from <b>{_tidy(output.min())}</b> to <b>{_tidy(output.max())}</b>.</div>"
        )
        before = _figure("input", self._image, (0.0, 1.0), self._scale)
        after = _figure("output", output, RANGES[self.shown.value], self._scale, self.words())
        self._pictures.value = f'<div style="display: flex; flex-wrap: wrap; gap: 1em">{before}{after}</div>'

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        """The live widget, and for where no kernel runs a still picture and the same in words."""
        bundle = super()._repr_mimebundle_(include=include, exclude=exclude)
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        limits = RANGES[self.shown.value]
        still = plots.images({"input": self._image, "output": self.output}, limits=limits)
        data |= {"image/png": b64encode(still.png()).decode("ascii"), "text/plain": self.words()}
        return data, {"image/png": {"alt": self.words()}}


def _tidy(value: float) -> str:
    """A sum of weights without the dust of rounding."""
    return number(round(float(value), 10))


def _figure(title: str, pixels: Array, limits: tuple[float, float] | None, scale: int, alt: str = "") -> str:
    """An image with its title as HTML, drawn with hard pixels."""
    low, high = limits or (float(pixels.min()), float(pixels.max()))
    levels = np.rint(255 * np.clip((pixels - low) / ((high - low) or 1), 0, 1)).astype(np.uint8)
    buffer = BytesIO()
    Image.fromarray(levels).save(buffer, "PNG")
    source = "data:image/png;base64," + b64encode(buffer.getvalue()).decode("ascii")
    height, width = pixels.shape
    words = escape(alt or f"{title}, {height} x {width} pixels", quote=True)
    return (
        f'<figure style="margin: 0"><figcaption style="font-weight: bold; text-align: center">{title}, '
        f'{height} × {width}</figcaption><img alt="{words}" src="{source}" width="{width * scale}" '
        f'height="{height * scale}" style="image-rendering: pixelated; max-width: none"></figure>'
    )
