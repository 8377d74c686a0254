"""Heat over images: which places of an image mattered."""

from typing import Any

import numpy as np

from convlab.errors import ConvlabError
from convlab.ops.check import as_numbers
from convlab.plots.cells import number
from convlab.plots.pictures import COLUMNS, SIDE, _named, _picture, _sizes
from convlab.plots.style import Drawing, Slot, canvas, in_house_style

DIM = 0.4  # the brightest grey of an image under the heat, which so stays the brightest of all
HOT = "inferno"  # black, purple, orange, pale yellow: its lightness grows all the way, for every kind of eyes


@in_house_style
def overlay(images: Any, heat: Any, titles: Any = None) -> Drawing:
    """Heat maps, such as those of saliency or Grad-CAM, over the images that they belong to.

    images: (N, H, W), (N, H, W, 1) or (N, H, W, 3), or a list of images, or one. heat: (N, H, W), or one, not below 0.
    Images are drawn in dim grey, each from its own darkest to its brightest pixel. Heat goes over purple and orange to
    pale yellow, the brighter, the more, on one scale from 0 to the largest heat of all, so that images can be
    compared. The alternative text says where each is largest.

    Raises `ConvlabError` for heat below 0, and for other numbers or sizes than the images have.
    """
    single = np.ndim(heat) == 2
    named = _named([images] if single else list(images), titles)
    pictures = [_picture(image, name or f"image {i}") for i, (name, image) in enumerate(named)]
    maps = [_heat(one, i) for i, one in enumerate([heat] if single else list(heat))]
    if [picture.shape[:2] for picture in pictures] != [one.shape for one in maps]:
        raise ConvlabError(
            "each image needs a heat map of its height and width, but the images have shapes "
            f"{_shapes(pictures)} and the heat {_shapes(maps)}."
        )
    most = max(one.max() for one in maps) or 1
    slots = [Slot(*size, name) for size, (name, _) in zip(_sizes(pictures, SIDE), named, strict=True)]
    figure, axes = canvas(slots, columns=COLUMNS, gap=0.3)
    for ax, picture, one in zip(axes, pictures, maps, strict=True):
        ax.imshow(_mixed(picture, one / most), interpolation="nearest", aspect="auto")
    words = "; ".join(_in_words(name, one) for (name, _), one in zip(named, maps, strict=True))
    return Drawing(figure, f"Heat over {'an image' if len(named) == 1 else 'images'}: {words}.")


def _heat(value: Any, place: int) -> np.ndarray:
    array = as_numbers(value, f"heat[{place}]")
    if array.ndim != 2 or not array.size or not array.min() >= 0:
        raise ConvlabError(
            f"heat[{place}] must be (height, width) and nowhere below 0, but has shape {array.shape}"
            f"{f' and goes down to {number(array.min())}' if array.size else ''}: take its absolute value, or "
            "np.maximum(heat, 0) for what speaks for a class."
        )
    return array.astype(float)


def _mixed(picture: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """Red, green, blue (H, W, 3): heat from 0 to 1 as light that is added to the dim image, as by a second lamp."""
    from matplotlib import colormaps

    grey = picture if picture.ndim == 2 else picture @ [0.2126, 0.7152, 0.0722]
    span = grey.max() - grey.min()
    grey = DIM * (grey - grey.min()) / (span or 1)
    return 1 - (1 - grey[:, :, np.newaxis]) * (1 - colormaps[HOT](heat)[:, :, :3])


def _shapes(arrays: list[np.ndarray]) -> str:
    return ", ".join(sorted({str(array.shape) for array in arrays})) + f" ({len(arrays)} of them)"


def _in_words(name: str, heat: np.ndarray) -> str:
    begin = f"{name + ', ' if name else ''}{heat.shape[0]} x {heat.shape[1]} pixels"
    if not heat.any():
        return f"{begin}, no heat anywhere"
    row, column = np.unravel_index(heat.argmax(), heat.shape)
    return f"{begin}, largest heat {number(heat.max())} in row {row}, column {column}"
