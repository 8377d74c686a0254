"""Arrays as pictures: images side by side, and kernels with their weights."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from convlab.errors import ConvlabError
from convlab.ops.check import as_numbers
from convlab.plots.cells import Panel, draw_panels, in_words, number, plane
from convlab.plots.style import DPI, INK, Drawing, Slot, canvas, in_house_style, shades

SIDE = 260  # dots along the longer side of a picture, or nearly so many
COLUMNS = 4  # pictures in a row
MAP_SIDE, MAP_COLUMNS, MOST_MAPS = 120, 8, 64  # the same for feature maps

Limits = tuple[float, float] | None


@in_house_style
def images(pictures: Any, titles: Any = None, *, limits: Any = None) -> Drawing:
    """Images side by side, each grey (H, W) or colour (H, W, 3).

    pictures: a dict {title: image}, a list of images with `titles`, or one image. limits: the values (low, high) of
    grey images that are drawn black and white, such as (-1, 1) to have zero grey; else each spans from its own least
    to its own largest value. The alternative text says which. Colour is 0 to 255 for integers, 0 to 1 for floats, and
    clipped to that.
    """
    named = _named(pictures, titles)
    arrays = [_picture(array, name or f"image {i}") for i, (name, array) in enumerate(named)]
    kind = "Images side by side" if len(named) > 1 else "An image"
    return _draw_pictures([name for name, _ in named], arrays, kind, _limits(limits), SIDE, COLUMNS)


@in_house_style
def feature_maps(maps: Any, titles: Any = None) -> Drawing:
    """The channels of one output, (H, W, C) or (1, H, W, C), as pictures that share one scale.

    Zero is middle grey where there are negative values, else black; so the maps can be compared. titles: one for each
    channel, else their numbers. At most 64 channels are drawn; choose others by slicing.
    """
    array = as_numbers(maps, "maps")
    array = array[0] if array.ndim == 4 and len(array) == 1 else array
    if array.ndim != 3 or not array.size:
        raise ConvlabError(
            f"maps must be the output for one image, (height, width, channels), but has shape {array.shape}: "
            "choose one image of a batch, such as maps[0]."
        )
    if array.shape[2] > MOST_MAPS:
        raise ConvlabError(
            f"maps has {array.shape[2]} channels, but at most {MOST_MAPS} can be told apart: draw a part, "
            f"such as maps[..., :{MOST_MAPS}]."
        )
    largest = float(np.abs(array).max()) or 1.0
    limits = (-largest if array.min() < 0 else 0.0, largest)
    listed = _named([array[:, :, c] for c in range(array.shape[2])], titles or list(range(array.shape[2])))
    names = [name for name, _ in listed]
    pictures = [picture.astype(float) for _, picture in listed]
    return _draw_pictures(names, pictures, "Feature maps", limits, MAP_SIDE, MAP_COLUMNS, shades("output").dark)


def _draw_pictures(
    names: list[str], arrays: list[np.ndarray], kind: str, limits: Limits, side: int, columns: int, color: str = INK
) -> Drawing:
    slots = [Slot(*size, name, color) for name, size in zip(names, _sizes(arrays, side), strict=True)]
    figure, axes = canvas(slots, columns=columns, gap=0.3)
    low, high = limits or (None, None)
    for array, ax, slot in zip(arrays, axes, slots, strict=True):
        smooth = "antialiased" if slot.width * DPI < array.shape[1] else "nearest"
        ax.imshow(array, cmap="gray", interpolation=smooth, aspect="auto", vmin=low, vmax=high)
    words = "; ".join(_in_words(name, array) for name, array in zip(names, arrays, strict=True))
    scale = f" Black is {number(low)}, white is {number(high)}." if limits else ""
    return Drawing(figure, f"{kind}: {words}.{scale}")


def _limits(limits: Any) -> Limits:
    if limits is None:
        return None
    try:
        low, high = map(float, limits)
    except (TypeError, ValueError):
        low = high = 0.0
    if not low < high:
        raise ConvlabError(f"limits must be (low, high), such as (0, 1), with low below high, but is {limits!r}.")
    return low, high


@in_house_style
def kernels(kernels: Any, titles: Any = None) -> Drawing:
    """Kernels as numbered grids side by side: a dict {title: kernel}, a list with `titles`, or one (kh, kw)."""
    named = [(name, plane(array, name or "kernel")) for name, array in _named(kernels, titles)]
    words = ". ".join(f"{name or 'Kernel'}, {a.shape[0]} x {a.shape[1]}: {in_words(a)}" for name, a in named)
    return draw_panels([Panel(array, "kernel", name) for name, array in named], f"Kernels. {words}.", columns=COLUMNS)


def _sizes(arrays: list[np.ndarray], most: int) -> list[tuple[float, float]]:
    """Width and height of each picture in inches, with a whole number of dots for each of its pixels where it fits.

    Pictures of like size share one scale, so that an output smaller than its input looks smaller.
    """
    longest = [max(array.shape[:2]) for array in arrays]
    if max(longest) <= 2 * min(longest):
        longest = [max(longest)] * len(arrays)
    scales = [most // side if side <= most else most / side for side in longest]
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
