"""More examples than there are: each image a little turned, scaled, sheared and moved, anew in every epoch."""

from dataclasses import dataclass, fields
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from convlab.errors import ConvlabError

Array = NDArray[np.float32]


@dataclass(frozen=True)
class RandomAffine:
    """Call it with images (N, H, W, C) and a NumPy generator: the same images, each moved in its own way.

    rotation: up to so many degrees, either way. zoom: larger or smaller by up to this share, such as 0.1. shear: each
    row moves by up to so many pixels more than the row above it. shift: up to so many pixels along either axis. All are
    drawn evenly from their range, for each image; the middle of the image stays in place but for the shift.

    Between pixels values are interpolated linearly; what comes in from outside is 0. The result is float32, in the
    units of the input.

    >>> moved = RandomAffine(shift=2)(images, np.random.default_rng(0))

    Source: P. Simard, D. Steinkraus and J. Platt, "Best practices for convolutional neural networks applied to visual
    document analysis" (2003).

    Raises `ConvlabError` for a negative amount, for a zoom of 1 or more, and for images without four axes.
    """

    rotation: float = 0.0
    zoom: float = 0.0
    shear: float = 0.0
    shift: float = 0.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not isfinite(value) or value < 0 or (field.name == "zoom" and value >= 1):
                most = "below 1 and " if field.name == "zoom" else ""
                raise ConvlabError(f"{field.name} must be {most}not negative, but is {value!r}.")

    def __call__(self, images: NDArray, random: np.random.Generator) -> Array:
        if images.ndim != 4:
            raise ConvlabError(
                f"images must be a batch (number, height, width, channels), but has shape {images.shape}: "
                "add a channel axis with [..., np.newaxis]."
            )
        return resample(images, *self.draw(len(images), random))

    def draw(self, number: int, random: np.random.Generator) -> tuple[Array, Array]:
        """For each image where its pixels come from: matrices (N, 2, 2) and shifts (N, 2), rows before columns."""

        def amounts(most: float) -> Array:
            return random.uniform(-most, most, number).astype(np.float32)

        angle, scale, shear = np.deg2rad(amounts(self.rotation)), 1 + amounts(self.zoom), amounts(self.shear)
        cosine, sine = np.cos(angle) / scale, np.sin(angle) / scale
        # a rotation and a zoom, [[cos, -sin], [sin, cos]] / scale, after a shear, [[1, 0], [shear, 1]]
        matrices = np.stack([cosine - sine * shear, -sine, sine + cosine * shear, cosine], axis=1)
        shifts = np.stack([amounts(self.shift), amounts(self.shift)], axis=1)
        return matrices.reshape(number, 2, 2).astype(np.float32), shifts


def resample(images: NDArray, matrices: Array, shifts: Array) -> Array:
    """Images (N, H, W, C) whose pixel at p, seen from the middle, is the input's at `matrix @ p + shift`.

    matrices (N, 2, 2), shifts (N, 2): rows, then columns. Linear between the four pixels around a point. Equal to
    `scipy.ndimage.affine_transform(order=1)` on each image, but all images at once.
    """
    number, height, width, channels = images.shape
    middle = np.array([[height - 1], [width - 1]], np.float32) / 2
    grid = np.indices((height, width), np.float32).reshape(2, -1) - middle
    rows, columns = np.moveaxis(matrices @ grid + middle + shifts[:, :, np.newaxis], 1, 0)
    row, below = _whole_and_rest(rows, height)
    column, beside = _whole_and_rest(columns, width)
    framed = np.zeros((channels, number, height + 3, width + 3), np.float32)
    framed[:, :, 1:-2, 1:-2] = np.moveaxis(images, 3, 0)
    upper_left = (np.arange(number, dtype=np.int32)[:, np.newaxis] * (height + 3) + row) * (width + 3) + column
    moved = np.empty((number, height * width, channels), np.float32)
    for channel, pixels in enumerate(framed.reshape(channels, -1)):
        upper = _between(pixels, upper_left, beside)
        lower = _between(pixels, upper_left + (width + 3), beside)
        moved[:, :, channel] = upper + (lower - upper) * below
    return moved.reshape(images.shape)


def _whole_and_rest(position: Array, size: int) -> tuple[NDArray[np.int32], Array]:
    """Index of the pixel at or before a position, in an image with a frame of one, and how far the position is from it.

    What lies beyond the frame is as empty as the frame.
    """
    inside = np.clip(position + 1, 0, size + 1)
    whole = inside.astype(np.int32)
    return whole, inside - whole.astype(np.float32)


def _between(pixels: Array, left: NDArray[np.int32], share: Array) -> Array:
    """Values between each pixel of `left` (share 0) and its right neighbour (share 1)."""
    here = pixels.take(left)
    return here + (pixels.take(left + 1) - here) * share
