"""Draw a kernel, or pick one, and see at once what it does to an image."""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

import numpy as np
import traitlets

from convlab import plots
from convlab.data import image as shipped_image
from convlab.errors import ConvlabError
from convlab.ops import convolve2d, correlate2d
from convlab.ops.check import as_numbers
from convlab.plots.cells import in_words, number
from convlab.widgets.base import Widget, bundle

MOST_WEIGHTS = 9
RANGES = {
    "0 black, 1 white": (0.0, 1.0),
    "-1 black, 0 grey, 1 white": (-1.0, 1.0),
    "least black, largest white": None,
}
SHIPPED = {"letter": 1, "rings": 1, "checkerboard": 1, "china": 3, "flower": 3}  # and how much each is shrunk
KERNELS: dict[str, Any] = {
    "identity": [[0, 0, 0], [0, 1, 0], [0, 0, 0]],
    "box blur": np.full((3, 3), 1 / 9),
    "sharpen": [[0, -1, 0], [-1, 5, -1], [0, -1, 0]],
    "emboss": [[-2, -1, 0], [-1, 1, 1], [0, 1, 2]],
    "horizontal edges": [[-1, -1, -1], [0, 0, 0], [1, 1, 1]],
    "vertical edges": [[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]],
    "outline": [[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]],
}


class KernelPainter(Widget):
    """What `kernel_painter` makes. `weights` is the kernel as it is now, `output` the image after it."""

    _module = "painter"
    _esm = bundle(_module)
    kernels = traitlets.Dict().tag(sync=True)
    images = traitlets.Dict().tag(sync=True)
    kernel = traitlets.List(traitlets.List()).tag(sync=True)
    kernel_name = traitlets.Unicode().tag(sync=True)
    image_name = traitlets.Unicode().tag(sync=True)
    upload = traitlets.Dict().tag(sync=True)
    turned = traitlets.Bool(False).tag(sync=True)
    padding = traitlets.Unicode("valid").tag(sync=True)
    shown = traitlets.Unicode(next(iter(RANGES))).tag(sync=True)

    @property
    def weights(self) -> np.ndarray:
        """The weights as they stand in the cells, (kh, kw)."""
        return np.array(self.kernel, float)

    @property
    def image(self) -> np.ndarray:
        """The chosen image in 256 levels of grey from 0 to 1, (H, W)."""
        coded = self.images.get(self.image_name, self.upload)
        levels = np.frombuffer(b64decode(coded["pixels"]), np.uint8)
        return levels.reshape(coded["height"], coded["width"]) / 255

    @property
    def output(self) -> np.ndarray:
        """The image after the kernel, as `correlate2d` (flipped: `convolve2d`) computes it."""
        slide = convolve2d if self.turned else correlate2d
        return slide(self.image, self.weights, padding=self.padding)

    def words(self) -> str:
        output, height, width = self.output, *self.image.shape
        flipped = ", flipped" if self.turned else ""
        return (
            f"Kernel painter. The kernel {self.kernel_name!r}{flipped}, {in_words(self.weights)}, on the image "
            f"{self.image_name!r} of {height} x {width} pixels. The weights sum to {_tidy(self.weights.sum())}; "
            f"the output goes from {_tidy(output.min())} to {_tidy(output.max())}."
        )

    def still(self) -> plots.Drawing:
        return plots.images({"input": self.image, "output": self.output}, limits=RANGES[self.shown])


def kernel_painter(image: Any = None, kernels: Mapping[str, Any] | None = None) -> KernelPainter:
    """A kernel with weights that can be edited or painted, beside an image before and after it.

    image: grey (H, W) from 0 black to 1 white, to begin with; the shipped images, and one from the reader's disk, can
    be chosen as well. kernels: {name: matrix} to pick from, at most 9 x 9.

    Raises `ConvlabError` for anything else.
    """
    pictures = {} if image is None else {"given": _grey(image)}
    pictures |= {name: shipped_image(name, shrink=shrink) for name, shrink in SHIPPED.items()}
    listed = _matrices(KERNELS if kernels is None else kernels)
    name, first = next(iter(listed.items()))
    return KernelPainter(
        kernels={name: kernel.tolist() for name, kernel in listed.items()},
        images={name: _code(pixels) for name, pixels in pictures.items()},
        kernel=first.tolist(),
        kernel_name=name,
        image_name=next(iter(pictures)),
    )


def _grey(image: Any) -> np.ndarray:
    pixels = as_numbers(image, "image").astype(float)
    if pixels.ndim != 2:
        raise ConvlabError(f"image must be grey (height, width), but has shape {pixels.shape}: take one channel.")
    if pixels.min() < 0 or pixels.max() > 1:
        raise ConvlabError(
            f"image must have values from 0 (black) to 1 (white), but goes from {number(pixels.min())} to "
            f"{number(pixels.max())}: divide bytes by 255."
        )
    return pixels


def _matrices(kernels: Any) -> dict[str, np.ndarray]:
    if not isinstance(kernels, Mapping) or not kernels:
        raise ConvlabError(f"kernels must be a dict {{name: matrix}} with at least one kernel, but is {kernels!r}.")
    listed = {str(name): as_numbers(kernel, str(name)).astype(float) for name, kernel in kernels.items()}
    for name, kernel in listed.items():
        if kernel.ndim != 2 or not 1 <= max(kernel.shape) <= MOST_WEIGHTS:
            raise ConvlabError(
                f"the kernel {name!r} must be a matrix of at most {MOST_WEIGHTS} x {MOST_WEIGHTS} weights, "
                f"but has shape {kernel.shape}."
            )
    return listed


def _code(pixels: np.ndarray) -> dict[str, Any]:
    """An image as JSON: 256 levels of grey."""
    levels = np.rint(np.clip(pixels, 0, 1) * 255).astype(np.uint8)
    height, width = levels.shape
    return {"height": height, "width": width, "pixels": b64encode(levels.tobytes()).decode("ascii")}


def _tidy(value: float) -> str:
    """A sum of weights without the dust of rounding."""
    return number(round(float(value), 6))
