"""Points of several classes in a plane."""

from typing import Any

import numpy as np

from convlab.errors import ConvlabError
from convlab.ops.check import as_numbers
from convlab.plots.cells import number
from convlab.plots.style import PAPER, Drawing, Slot, canvas, in_house_style, shades

WIDTH, LOWEST, HIGHEST = 7.0, 3.5, 8.0  # inches
MOST = 50  # classes
# ten hues after the "muted" and "bright" schemes of P. Tol, "Colour schemes" (2021), darkened to be read on white
COLORS = ["#332288", "#0069a8", "#117733", "#7a7a12", "#b8405a"]
COLORS += ["#882255", "#a03c90", "#b34700", "#555555", "#00766a"]


@in_house_style
def points(points: Any, labels: Any) -> Drawing:
    """Points (N, 2) of a plane, each drawn as its own label in its class's colour; a large label is its class's mean.

    labels: (N,), whole numbers or short names. Colours repeat after ten classes, labels do not. Both axes have one
    scale, and no numbers: only distances mean something.

    Raises `ConvlabError` for other shapes, points that are not finite, labels of more than two letters, and more than
    50 classes.

    >>> points([[0, 0], [1, 1], [4, 3]], [7, 7, 1])
    3 points of 2 classes in a plane. 1: 1 around (4, 3). 7: 2 around (0.5, 0.5).
    """
    array, names = as_numbers(points, "points"), np.asarray(labels)
    if array.ndim != 2 or array.shape[1] != 2 or not len(array) or not np.isfinite(array).all():
        raise ConvlabError(
            f"points must be finite numbers of shape (N, 2), but have shape {array.shape}: "
            "project points of more axes to a plane first."
        )
    if names.shape != array.shape[:1]:
        raise ConvlabError(f"{len(array)} points need as many labels, but labels have shape {names.shape}.")
    classes = np.unique(names)
    if len(classes) > MOST or max(len(str(one)) for one in classes) > 2:
        raise ConvlabError(
            f"labels must be at most {MOST} whole numbers or names of one or two letters, but they are "
            f"{', '.join(map(str, classes[:5]))}{', ...' if len(classes) > 5 else ''}."
        )
    across, upward = np.ptp(array, axis=0)
    height = WIDTH * upward / across if across else HIGHEST
    figure, (ax,) = canvas([Slot(WIDTH, min(max(height, LOWEST), HIGHEST))])
    means = [array[names == one].mean(axis=0) for one in classes]
    _draw_points(ax, array, names, classes)
    _draw_means(ax, means, classes)
    words = " ".join(
        f"{one}: {(names == one).sum()} around ({', '.join(map(number, mean))})."
        for one, mean in zip(classes, means, strict=True)
    )
    return Drawing(figure, f"{len(array)} points of {len(classes)} classes in a plane. {words}")


def _draw_points(ax: Any, array: np.ndarray, names: np.ndarray, classes: np.ndarray) -> None:
    from matplotlib.font_manager import FontProperties
    from matplotlib.markers import MarkerStyle
    from matplotlib.textpath import TextPath

    ax.set_axis_on()
    ax.set_xticks([])
    ax.set_yticks([])
    for spine in ax.spines.values():
        spine.set_color(shades("padding").strong)
    for place, one in enumerate(classes):
        glyph = TextPath((0, 0), str(one), prop=FontProperties("DejaVu Sans"))
        marker = MarkerStyle(glyph.transformed(_centred(glyph)))
        ax.scatter(*array[names == one].T, s=36, marker=marker, color=COLORS[place % len(COLORS)], linewidths=0)
    ax.set_aspect("equal", adjustable="datalim")
    ax.margins(0.05)


def _centred(glyph: Any) -> Any:
    from matplotlib.transforms import Affine2D

    (left, bottom), (right, top) = glyph.get_extents().get_points()
    return Affine2D().translate(-(left + right) / 2, -(bottom + top) / 2)


def _draw_means(ax: Any, means: list[np.ndarray], classes: np.ndarray) -> None:
    from matplotlib.patheffects import withStroke

    for place, (one, mean) in enumerate(zip(classes, means, strict=True)):
        halo = [withStroke(linewidth=5, foreground=PAPER)]
        color = COLORS[place % len(COLORS)]
        ax.text(*mean, str(one), fontsize=22, weight="bold", color=color, ha="center", va="center", path_effects=halo)
