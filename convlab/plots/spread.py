"""Results of repeated experiments: every single one as a dot, so that chance is seen beside the difference."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from convlab.errors import ConvlabError
from convlab.plots.cells import number
from convlab.plots.style import INK, Drawing, Slot, canvas, in_house_style, shades

ROW = 0.42  # inches for each variant
WIDTH = 6.0


@in_house_style
def spread(results: Any, label: str = "test accuracy") -> Drawing:
    """One row of dots for each variant of an experiment, with a bar at their mean.

    results: {variant: numbers, one for each repetition}. label: what the numbers are.

    Raises `ConvlabError` where there is no number to draw.
    """
    if not isinstance(results, Mapping) or not results:
        raise ConvlabError(f"results must be a dict {{variant: numbers}} with at least one entry, but is {results!r}.")
    listed = {str(name): np.atleast_1d(np.asarray(values, float)) for name, values in results.items()}
    for name, values in listed.items():
        if values.ndim != 1 or not values.size or not np.isfinite(values).all():
            raise ConvlabError(f"{name!r} must have one finite number for each repetition, but has {results[name]!r}.")
    names = list(listed)
    room = 0.115 * max(map(len, names))
    figure, (ax,) = canvas([Slot(WIDTH + room, ROW * len(names) + 0.7)])
    ax.set_position((room / (WIDTH + room), 0.6 / (ROW * len(names) + 1.1), WIDTH / (WIDTH + room) * 0.95, 0.75))
    ax.set_axis_on()
    for row, values in enumerate(listed.values()):
        ax.plot(values, np.full(len(values), row), "o", color=shades("input").dark, alpha=0.75, markersize=7)
        mean = values.mean()
        ax.plot([mean, mean], [row - 0.3, row + 0.3], color=shades("kernel").dark, linewidth=3)
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.set_yticks(range(len(names)), names, fontsize=12)
    ax.set_xlabel(label, color=INK)
    ax.grid(axis="x", color="#d8d8d8", linewidth=0.8)
    ax.set_axisbelow(True)
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
    ax.tick_params(axis="y", length=0)
    words = "; ".join(
        f"{name}: mean {number(v.mean())}, from {number(v.min())} to {number(v.max())} in {len(v)} runs"
        for name, v in listed.items()
    )
    return Drawing(figure, f"Spread of the {label}. {words}.")
