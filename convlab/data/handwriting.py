"""Bring a drawing into the form of MNIST's digits, so that a network trained on those can read it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from convlab.errors import ConvlabError
from convlab.ops.check import as_numbers
from convlab.optional import need

FIELD, BOX = 28, 20  # pixels of MNIST's images, and of the box that a digit fits into
FAINT = 32 / 255  # ink below this is the soft rim of a stroke


def like_mnist(drawing: Any) -> NDArray[np.uint8]:
    """A drawing (H, W) of any size, ink bright on dark, as MNIST would have it: (28, 28) uint8.

    The ink is scaled, keeping its proportions and smoothing its edges, to fit a box of 20 x 20, and put so that its
    centre of mass falls on pixel (14, 14). An empty drawing stays empty.

    Source: Y. LeCun, C. Cortes and C. Burges, "The MNIST database of handwritten digits". Which pixel their "center of
    the 28x28 field" is, the images show: in all 70,000 but 2 the centre of mass is within half a pixel of (14, 14).

    Raises `ConvlabError` for anything but one grey image.
    """
    ink = as_numbers(drawing, "drawing").astype(np.float32)
    if ink.ndim != 2 or ink.size == 0:
        raise ConvlabError(f"drawing must be one grey image (height, width), but has shape {ink.shape}.")
    largest = float(ink.max())
    field = np.zeros((FIELD, FIELD), np.uint8)
    if largest <= 0:
        return field
    rows, columns = (np.flatnonzero((ink > FAINT * largest).any(axis=axis)) for axis in (1, 0))
    box = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    small = _fit(box / largest)
    top, left = (_place(small, axis) for axis in (0, 1))
    field[top : top + small.shape[0], left : left + small.shape[1]] = np.rint(255 * small)
    return field


def _fit(ink: NDArray) -> NDArray:
    """The ink scaled so that its longer side is that of the box."""
    image = need("PIL.Image")
    scale = BOX / max(ink.shape)
    height, width = (max(1, round(side * scale)) for side in ink.shape)
    smooth = image.Resampling.BOX if scale < 1 else image.Resampling.BILINEAR
    picture = image.fromarray(np.rint(255 * np.clip(ink, 0, 1)).astype(np.uint8))
    return np.asarray(picture.resize((width, height), smooth)) / 255


def _place(ink: NDArray, axis: int) -> int:
    """Where the ink begins along an axis so that its centre of mass falls on pixel 14, as in MNIST's images."""
    mass = ink.sum(axis=1 - axis)
    center = np.arange(len(mass)) @ mass / mass.sum()
    return int(np.clip(np.rint(FIELD / 2 - center), 0, FIELD - len(mass)))
