"""Arrays as pictures: images side by side, and kernels with their weights."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from convlab.errors import ConvlabError
from convlab.ops.check import as_numbers
from convlab.plots.cells import Panel, draw_panels, in_words, number, plane
from convlab.plots.style import DPI, Drawing, Slot, canvas, in_house_style

SIDE = 260  # dots along the longer side of a picture, or nearly so many
COLUMNS = 4  # pictures in a row


@in_house_style
def images(pictures: Any, titles: Any = None) -> Drawing:
    """Images side by side, each grey (H, W) or colour (H, W, 3).

    pictures: a dict {title: image}, a list of images with `titles`, or one image. A grey image spans black, its
    least value, to white, its largest; both are written in the alternative text. Colour is 0 to 255 for integers,
    0 to 1 for floats, and clipped to that.
    """
    named = _named(pictures, titles)
    arrays = [_picture(array, name or f"image {i}") for i, (name, array) in enumerate(named)]
    slots = [Slot(*size, name) for (name, _), size in zip(named, _sizes(arrays), strict=True)]
    figure, axes = canvas(slots, columns=COLUMNS, gap=0.3)
    for array, ax, slot in zip(arrays, axes, slots, strict=True):
        shrunk = slot.width * DPI < array.shape[1]
        ax.imshow(array, cmap="gray", interpolation="antialiased" if shrunk else "nearest", aspect="auto")
    words = "; ".join(_in_words(name, array) for (name, _), array in zip(named, arrays, strict=True))
    return Drawing(figure, f"{'Images side by side' if len(named) > 1 else 'An image'}: {words}.")


@in_house_style
def kernels(kernels: Any, titles: Any = None) -> Drawing:
    """Kernels as numbered grids side by side: a dict {title: kernel}, a list with `titles`, or one (kh, kw)."""
    named = [(name, plane(array, name or "kernel")) for name, array in _named(kernels, titles)]
    words = ". ".join(f"{name or 'Kernel'}, {a.shape[0]} x {a.shape[1]}: {in_words(a)}" for name, a in named)
    return draw_panels([Panel(array, "kernel", name) for name, array in named], f"Kernels. {words}.", columns=COLUMNS)


def _sizes(arrays: list[np.ndarray]) -> list[tuple[float, float]]:
    """Width and height of each picture in inches, with a whole number of dots for each of its pixels where it fits.

    Pictures of like size share one scale, so that an output smaller than its input looks smaller.
    """
    longest = [max(array.shape[:2]) for array in arrays]
    if max(longest) <= 2 * min(longest):
        longest = [max(longest)] * len(arrays)
    scales = [SIDE // side if side <= SIDE else SIDE / side for side in longest]
    return [
        (array.shape[1] * scale / DPI, array.shape[0] * scale / DPI)
        for array, scale in zip(arrays, scales, strict=True)
    ]


def _named(pictures: Any, titles: Any) -> list[tuple[str, Any]]:
    """(title, array) of each picture, however they were given."""
    if isinstance(pictures, Mapping):
        if titles is not None:
            raise ConvlabError("Titles were given twice: a dict {title: array} already has them, so leave out titles.")
        named = [(str(name), array) for name, array in pictures.items()]
    else:
        listed = (
            list(pictures)
            if isinstance(pictures, list | tuple) and np.ndim(pictures[0] if pictures else 0) >= 2
            else [pictures]
        )
        titles = [titles] if isinstance(titles, str) else [""] * len(listed) if titles is None else list(titles)
        if len(titles) != len(listed):
            raise ConvlabError(f"{len(listed)} arrays need as many titles, but {len(titles)} were given.")
        named = list(zip(map(str, titles), listed, strict=True))
    if not named or (isinstance(pictures, list | tuple) and not pictures):
        raise ConvlabError("There is nothing to draw: give at least one array.")
    return named


def _picture(value: Any, name: str) -> np.ndarray:
    """`value` as something to show: (H, W), or (H, W, 3) between 0 and 1."""
    array = as_numbers(value, name)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.size == 0 or not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] == 3)):
        raise ConvlabError(
            f"{name} must be grey (height, width) or colour (height, width, 3), but has shape {array.shape}: "
            "choose one image, or one channel of it."
        )
    if array.ndim == 2:
        return array.astype(float)
    return np.clip(array / 255 if array.dtype.kind in "iu" else array, 0, 1).astype(float)


def _in_words(name: str, array: np.ndarray) -> str:
    kind = "colour" if array.ndim == 3 else "grey"
    spread = f"values from {number(array.min())} to {number(array.max())}"
    return f"{name + ', ' if name else ''}{array.shape[0]} x {array.shape[1]} {kind} pixels, {spread}"
