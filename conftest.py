"""Let nbval compare figures too: by itself it does not notice a black picture.

Figures must have the same number and size as the saved ones, and nearly the same pixels: text is drawn a little
differently from version to version of matplotlib's fonts.
"""

from base64 import b64decode
from io import BytesIO

import numpy as np
from nbval.plugin import IPyNbCell
from PIL import Image

TOLERANCE = 5  # root mean square difference in grey levels of 255

_compare_outputs = IPyNbCell.compare_outputs


def compare_outputs(cell, test, ref, skip_compare=None):
    """What nbval compares, and then the figures."""
    if not _compare_outputs(cell, test, ref, skip_compare):
        return False
    complaint = compare_figures(figures(ref), figures(test))
    if complaint:
        cell.comparison_traceback.append(complaint)
    return not complaint


def figures(outputs):
    """All PNGs of a cell's outputs as arrays."""
    coded = [output["data"]["image/png"] for output in outputs if "image/png" in output.get("data", {})]
    return [np.asarray(Image.open(BytesIO(b64decode(png))).convert("RGB"), float) for png in coded]


def compare_figures(saved, new):
    """What is wrong with the new figures, or an empty string."""
    if len(saved) != len(new):
        return f"{len(saved)} figures are saved, but the cell now draws {len(new)}"
    for number, (before, after) in enumerate(zip(saved, new, strict=True), 1):
        if before.shape != after.shape:
            return f"figure {number} is saved with shape {before.shape}, but is now {after.shape}"
        difference = np.sqrt(np.square(before - after).mean())
        if difference > TOLERANCE:
            return (
                f"figure {number} differs from the saved one by {difference:.1f} grey levels, allowed are {TOLERANCE}"
            )
    return ""


IPyNbCell.compare_outputs = compare_outputs
