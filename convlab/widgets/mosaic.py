"""Feature maps as one grey picture for a canvas: no figure and no image format, so that it is there within a frame."""

from typing import Any

import numpy as np

EDGE = 1  # dark pixels between maps


def columns_for(count: int) -> int:
    """Maps in a row: about twice as many as there are rows, at most 16."""
    return min(count, 16, max(1, int(np.ceil(np.sqrt(2 * count)))))


def mosaic(maps: np.ndarray) -> np.ndarray:
    """All maps (H, W, C) on one scale as levels of grey, row after row with a dark line between them.

    Zero is black, or middle grey where there are negative values, as in `convlab.plots.feature_maps`.
    """
    height, width, count = maps.shape
    columns = columns_for(count)
    rows = -(-count // columns)
    cells = np.full((rows, columns, height + EDGE, width + EDGE), 64, np.uint8)
    cells.reshape(-1, height + EDGE, width + EDGE)[:count, :height, :width] = np.moveaxis(levels(maps), 2, 0)
    return cells.transpose(0, 2, 1, 3).reshape(rows * (height + EDGE), columns * (width + EDGE))


def levels(values: np.ndarray) -> np.ndarray:
    """Numbers as 256 levels of grey."""
    largest = float(np.abs(values).max()) or 1.0
    low = -largest if values.min() < 0 else 0.0
    return np.rint(255 * (values - low) / (largest - low)).astype(np.uint8)


def picture(pixels: np.ndarray, side: int, of: int | None = None) -> dict[str, Any]:
    """Levels of grey (H, W) as the browser draws them: each pixel so many dots large that `of` pixels fill `side`.

    of: the longer side of the picture where it is not given.
    """
    height, width = pixels.shape
    scale = max(1, round(side / (of or max(height, width))))
    return {"height": height, "width": width, "scale": scale, "pixels": pixels.tobytes()}
