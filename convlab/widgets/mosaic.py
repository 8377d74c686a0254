"""Feature maps as one PNG, fast: a mosaic made by Pillow instead of a figure."""

from io import BytesIO

import numpy as np
from PIL import Image

EDGE = 1  # dark pixels between maps


def columns_for(count: int) -> int:
    """Maps in a row: about twice as many as there are rows, at most 16."""
    return min(count, 16, max(1, int(np.ceil(np.sqrt(2 * count)))))


def mosaic(maps: np.ndarray, *, side: int = 64) -> bytes:
    """All maps (H, W, C) on one scale as a PNG, each about `side` dots large.

    Zero is black, or middle grey where there are negative values, as in `convlab.plots.feature_maps`.
    """
    height, width, count = maps.shape
    columns = columns_for(count)
    rows = -(-count // columns)
    cells = np.full((rows, columns, height + EDGE, width + EDGE), 64, np.uint8)
    cells.reshape(-1, height + EDGE, width + EDGE)[:count, :height, :width] = np.moveaxis(levels(maps), 2, 0)
    sheet = cells.transpose(0, 2, 1, 3).reshape(rows * (height + EDGE), columns * (width + EDGE))
    return png(sheet, max(1, round(side / max(height, width))))


def levels(values: np.ndarray) -> np.ndarray:
    """Numbers as 256 levels of grey."""
    largest = float(np.abs(values).max()) or 1.0
    low = -largest if values.min() < 0 else 0.0
    return np.rint(255 * (values - low) / (largest - low)).astype(np.uint8)


def png(pixels: np.ndarray, scale: int = 1) -> bytes:
    """Grey pixels (H, W) as a PNG, each drawn scale x scale dots large."""
    image = Image.fromarray(pixels)
    if scale > 1:
        image = image.resize((pixels.shape[1] * scale, pixels.shape[0] * scale), Image.Resampling.NEAREST)
    buffer = BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
