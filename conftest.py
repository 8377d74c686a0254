"""Let nbval compare figures too, and cells that trained a network by what can be the same twice.

By itself nbval does not notice a black picture. Figures must have the same number and size as the saved ones, and
nearly the same pixels: text is drawn a little differently from version to version of matplotlib's fonts.

Two tags of a cell say what its saved output depends on:

- `approximate`: on training, which goes a little differently on every processor. Its words must be the same, and its
  numbers and figures near the saved ones.
- `mnist`: on MNIST, with which the lessons were saved. Where CONVLAB_MNIST does not name it the cell is run, but not
  compared, and the summary says so.
"""

import copy
import math
import os
import re
from base64 import b64decode
from io import BytesIO

import numpy as np
from nbval.plugin import IPyNbCell
from PIL import Image

TOLERANCE = 5  # root mean square difference in grey levels of 255
NEARLY = 45  # the same for a cell that trained something
ABSOLUTE, RELATIVE = 0.02, 0.25  # what a trained number may differ by
NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?(?:e[-+]\d+)?")

_compare_outputs = IPyNbCell.compare_outputs
NOT_COMPARED = "not compared"


def compare_outputs(cell, test, ref, skip_compare=None):
    """What nbval compares, and then the figures."""
    tags = cell.cell.metadata.get("tags", [])
    if "mnist" in tags and not os.environ.get("CONVLAB_MNIST"):
        cell.user_properties.append((NOT_COMPARED, True))  # travels from the processes of xdist, too
        return True
    complaint, tolerance = "", TOLERANCE
    pictures = figures(ref), figures(test)
    if "approximate" in tags:
        test, found = without_numbers(test)
        ref, saved = without_numbers(ref)
        complaint, tolerance = compare_numbers(saved, found), NEARLY
    if not _compare_outputs(cell, test, ref, skip_compare):
        return False
    complaint = complaint or compare_figures(*pictures, tolerance)
    if complaint:
        cell.comparison_traceback.append(complaint)
    return not complaint


def pytest_terminal_summary(terminalreporter):
    """Say which cells were run only."""
    passed = terminalreporter.stats.get("passed", [])
    cells = [r.nodeid for r in passed if (NOT_COMPARED, True) in getattr(r, "user_properties", ()) and r.when == "call"]
    if cells:
        terminalreporter.section("cells that were run, but not compared")
        terminalreporter.write_line(
            f"{len(cells)} cells were saved with MNIST, which CONVLAB_MNIST does not name: {cells[0]}"
        )


def without_numbers(outputs):
    """A copy of a cell's outputs with each number in their text replaced by "#", and the numbers."""
    outputs, numbers = copy.deepcopy(outputs), []

    def mask(match):
        numbers.append(float(match[0].replace(",", "")))
        return "#"

    for output in outputs:
        if "text" in output:
            output["text"] = NUMBER.sub(mask, output["text"])
        data = output.get("data", {})
        for kind in [kind for kind in data if kind.startswith("text/")]:
            data[kind] = (
                "" if "image/png" in data else NUMBER.sub(mask, data[kind])
            )  # a figure's words list its numbers
    return outputs, numbers


def compare_numbers(saved, new):
    """What is wrong with the numbers of a trained cell, or an empty string; other words are noticed elsewhere."""
    for before, after in zip(saved, new, strict=False):
        if not math.isclose(before, after, rel_tol=RELATIVE, abs_tol=ABSOLUTE):
            return f"the saved number {before:g} is now {after:g}, which is further off than training explains"
    return ""


def figures(outputs):
    """All PNGs of a cell's outputs as arrays."""
    coded = [output["data"]["image/png"] for output in outputs if "image/png" in output.get("data", {})]
    return [np.asarray(Image.open(BytesIO(b64decode(png))).convert("RGB"), float) for png in coded]


def compare_figures(saved, new, tolerance=TOLERANCE):
    """What is wrong with the new figures, or an empty string."""
    if len(saved) != len(new):
        return f"{len(saved)} figures are saved, but the cell now draws {len(new)}"
    for number, (before, after) in enumerate(zip(saved, new, strict=True), 1):
        if before.shape != after.shape:
            return f"figure {number} is saved with shape {before.shape}, but is now {after.shape}"
        difference = np.sqrt(np.square(before - after).mean())
        if difference > tolerance:
            return (
                f"figure {number} differs from the saved one by {difference:.1f} grey levels, allowed are {tolerance}"
            )
    return ""


IPyNbCell.compare_outputs = compare_outputs
