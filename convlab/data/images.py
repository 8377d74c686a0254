"""Test images: a few made by formula, and two photographs that come with scikit-learn."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from convlab.errors import ConvlabError
from convlab.ops import avg_pool2d
from convlab.optional import need

Image = NDArray[np.float32]

HEIGHT, WIDTH = 48, 64  # of the images made here: not square, so that a mistake of axes shows
LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # how bright red, green and blue look: ITU-R BT.601, section 2.5.1


def image(name: str, *, color: bool = False, shrink: int = 1) -> Image:
    """A test image as float32 from 0 (black) to 1 (white): grey (H, W), or (H, W, 3) with color=True.

    name: one of `convlab.data.IMAGES`; "china" and "flower" are photographs of 427 x 640 pixels, the others are made
    by formula, 48 x 64. shrink: average over blocks of shrink x shrink pixels, what is left over at the lower and right
    edges cut off.

    Raises `ConvlabError` for an unknown name, or a `shrink` that leaves no pixel.

    >>> image("flower").shape, image("flower", color=True, shrink=4).shape
    ((427, 640), (106, 160, 3))
    """
    if name not in _MAKERS:
        names = ", ".join(repr(known) for known in IMAGES)
        raise ConvlabError(f"there is no image {name!r}: choose one of {names}.")
    pixels = _MAKERS[name]().astype(np.float32)
    if color and pixels.ndim == 2:
        pixels = np.repeat(pixels[:, :, np.newaxis], 3, axis=2)
    elif not color and pixels.ndim == 3:
        pixels = pixels @ LUMA
    return pixels if shrink == 1 else _shrink(pixels, shrink)


def _shrink(pixels: Image, factor: int) -> Image:
    """Averages over blocks: average pooling with a window as large as its stride."""
    if not isinstance(factor, int) or not 1 <= factor <= min(pixels.shape[:2]):
        raise ConvlabError(
            f"shrink must be a whole number from 1 to {min(pixels.shape[:2])} for an image of "
            f"{pixels.shape[0]} x {pixels.shape[1]} pixels, but {factor!r} was given."
        )
    batch = pixels.reshape(1, *pixels.shape[:2], -1)
    pooled = avg_pool2d(batch, factor, strides=factor)
    return pooled.reshape(pooled.shape[1:3] + pixels.shape[2:])


def _grid() -> tuple[NDArray, NDArray]:
    """The row and the column of each pixel."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    return rows, columns


def _letter() -> NDArray:
    """A white F on black: neither a flip nor a turn leaves it as it is."""
    pixels = np.zeros((HEIGHT, WIDTH))
    pixels[8:40, 20:26] = pixels[8:14, 20:46] = pixels[22:28, 20:40] = 1
    return pixels


def _checkerboard() -> NDArray:
    """Squares of 8 x 8 pixels, black at the upper left."""
    rows, columns = _grid()
    return (rows // 8 + columns // 8) % 2


def _ramp() -> NDArray:
    """Black on the left to white on the right: the same slope everywhere."""
    return _grid()[1] / (WIDTH - 1)


def _rings() -> NDArray:
    """Rings that become finer outwards: edges of every direction and every spacing, down to five pixels a ring."""
    rows, columns = _grid()
    squared = (rows - HEIGHT / 2) ** 2 + (columns - WIDTH / 2) ** 2
    return (1 + np.cos(np.pi * squared / (4 * HEIGHT))) / 2


def _photograph(file: str) -> Callable[[], NDArray]:
    return lambda: need("sklearn.datasets").load_sample_image(file) / 255


_MAKERS: dict[str, Callable[[], NDArray]] = {
    "letter": _letter,
    "checkerboard": _checkerboard,
    "ramp": _ramp,
    "rings": _rings,
    "china": _photograph("china.jpg"),
    "flower": _photograph("flower.jpg"),
}
IMAGES = tuple(_MAKERS)
