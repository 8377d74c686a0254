"""How a classifier errs: which classes it takes for which, and whether it is right as often as it says."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from convlab.errors import ConvlabError
from convlab.plots.cells import draw_cell, frame_cells, number, plane
from convlab.plots.style import INK, PAPER, Drawing, Slot, canvas, in_house_style, shades

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIZE = 13  # points of counts and labels
LETTER = 0.64 * SIZE / 72  # inches that a letter takes
TURNED = 3  # letters; longer names of columns stand upright
HEADING = 0.4  # inches for "true" and "read as"
NAMED = 5  # kinds of mistake that the alternative text lists
WIDTH, HEIGHT, COUNTS = 4.4, 4.4, 1.0  # inches: the curve, and the bars below it
LEFT, UNDER = 0.95, 0.65  # inches for numbers and labels


@in_house_style
def confusion(confusion: Any, labels: Sequence[Any] | None = None) -> Drawing:
    """Which class was read as which: (K, K) counts, the true class by rows, what was read by columns.

    Mistakes are orange, the more the darker; right answers, on the diagonal, grey; no number means none. labels: the
    names of the classes, else 0 to K - 1.

    Raises `ConvlabError` for anything but a square matrix of whole numbers, at most 32 x 32, and for more or fewer
    than K names.

    >>> confusion([[9, 1], [0, 8]], ["cat", "dog"])
    Confusion of 2 classes: 17 of 18 right, 1 mistake. cat read as dog: 1.
    """
    counts = plane(confusion, "confusion")
    if counts.shape[0] != counts.shape[1] or (counts < 0).any() or (counts != np.rint(counts)).any():
        raise ConvlabError(
            "confusion must be a square matrix of counts, one row for each true class and one column for each that "
            f"was read, but it has shape {counts.shape} and values from {number(counts.min())} to "
            f"{number(counts.max())}."
        )
    names = [str(k) for k in range(len(counts))] if labels is None else [str(name) for name in labels]
    if len(names) != len(counts):
        raise ConvlabError(f"{len(counts)} classes need as many labels, but {len(names)} were given.")
    cell = max(0.5, 0.16 + LETTER * len(str(int(counts.max()))))
    longest = max(map(len, names))
    left = HEADING + LETTER * longest + 0.15
    top = HEADING + (LETTER * longest + 0.15 if longest > TURNED else 0.3)
    figure, (ax,) = canvas([Slot(left + cell * len(counts), top + cell * len(counts))])
    frame_cells(ax, *counts.shape)
    ax.set_xlim(-0.5 - left / cell, len(counts) - 0.5)
    ax.set_ylim(len(counts) - 0.5, -0.5 - top / cell)
    _draw_counts(ax, counts)
    _draw_names(ax, names, left / cell, top / cell)
    return Drawing(figure, _confusion_in_words(counts, names))


def _draw_counts(ax: "Axes", counts: np.ndarray) -> None:
    from matplotlib.colors import to_hex, to_rgb

    most = (counts * ~np.eye(len(counts), dtype=bool)).max() or 1
    pale, strong = np.array(to_rgb(PAPER)), np.array(to_rgb(shades("kernel").strong))
    for (row, column), count in np.ndenumerate(counts):
        right = row == column
        face = shades("padding").pale if right else to_hex(pale + (strong - pale) * count / most)
        draw_cell(ax, row, column, face, "#d8d8d8")
        if count:
            color, weight = (shades("padding").dark, "normal") if right else (INK, "bold")
            ax.text(column, row, str(int(count)), fontsize=SIZE, color=color, weight=weight, ha="center", va="center")


def _draw_names(ax: "Axes", names: Sequence[str], left: float, top: float) -> None:
    """Names of rows and columns, and what rows and columns are; `left` and `top` are the room for them in cells."""
    style: dict[str, Any] = {"fontsize": SIZE, "color": INK}
    turned = 90 if max(map(len, names)) > TURNED else 0
    for k, name in enumerate(names):
        ax.text(-0.65, k, name, ha="right", va="center", **style)
        ax.text(k, -0.65, name, ha="center", va="bottom", rotation=turned, **style)
    middle = (len(names) - 1) / 2
    style["weight"] = "bold"
    ax.text(middle, -0.5 - top, "read as", ha="center", va="top", **style)
    ax.text(-0.5 - left, middle, "true", ha="left", va="center", rotation=90, **style)


def _confusion_in_words(counts: np.ndarray, names: Sequence[str]) -> str:
    total, right = int(counts.sum()), int(np.trace(counts))
    wrong = counts * ~np.eye(len(counts), dtype=bool)
    order = np.argsort(-wrong, axis=None, kind="stable")[: int((wrong > 0).sum())]
    pairs = [
        f"{names[row]} read as {names[column]}: {int(wrong[row, column])}"
        for row, column in zip(*np.unravel_index(order, wrong.shape), strict=True)
    ]
    mistakes = "1 mistake" if total - right == 1 else f"{total - right} mistakes"
    most = f" Most often: {'; '.join(pairs[:NAMED])}." if len(pairs) > NAMED else f" {'; '.join(pairs)}."
    return f"Confusion of {len(counts)} classes: {right} of {total} right, {mistakes}.{most if pairs else ''}"


@in_house_style
def reliability(confidence: Any, accuracy: Any, count: Any) -> Drawing:
    """Is a classifier right as often as it says? A dot for each bin of examples, and below it how many they are.

    confidence: mean probability of the answers in each bin, (B,); accuracy: share of them that was right; count: their
    number. Bins with no examples are left out. On the dashed line a classifier is right as often as it says; below it
    is too sure.

    Raises `ConvlabError` unless there are three lists of equal length, shares from 0 to 1, and an example.

    >>> reliability([0.6, 0.9], [0.5, 0.9], [10, 40])
    Reliability of 50 answers. 60 % sure: 50 % right of 10. 90 % sure: 90 % right of 40.
    """
    bins = _bins(confidence, accuracy, count)
    figure, (above, below) = canvas([Slot(WIDTH + LEFT, HEIGHT), Slot(WIDTH + LEFT, COUNTS + UNDER)], columns=1)
    _frame(above, HEIGHT, 0)
    _frame(below, COUNTS, UNDER)
    _draw_reliability(above, *bins[:2])
    _draw_number_of_answers(below, bins[0], bins[2])
    words = " ".join(f"{100 * c:.0f} % sure: {100 * a:.0f} % right of {int(n)}." for c, a, n in zip(*bins, strict=True))
    return Drawing(figure, f"Reliability of {int(bins[2].sum())} answers. {words}")


def _frame(ax: "Axes", height: float, under: float) -> None:
    """Axes from 0 to 1 with room for numbers and labels on the left and below."""
    left, bottom, wide, tall = ax.get_position().bounds
    across, up = WIDTH / (WIDTH + LEFT), height / (height + under)
    ax.set_position((left + wide * (1 - across), bottom + tall * (1 - up), wide * across, tall * up))
    ax.set_axis_on()
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(color="#dddddd", linewidth=0.8)
    ax.set_axisbelow(True)
    ax.set_xlim(-0.02, 1.02)


def _draw_number_of_answers(ax: "Axes", confidence: np.ndarray, count: np.ndarray) -> None:
    """Bars that grow with the logarithm, since most answers are sure ones."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    ax.bar(confidence, count, width=0.035, color=shades("input").dark)
    ax.set_yscale("log")
    ax.set_ylim(0.5, max(2 * count.max(), 20))
    ax.yaxis.set_major_locator(LogLocator(10, numticks=3))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.set_ylabel("answers", color=INK)
    ax.set_xlabel("how sure it was", color=INK)


def _draw_reliability(ax: "Axes", confidence: np.ndarray, accuracy: np.ndarray) -> None:
    grey = shades("padding").dark
    ax.plot([0, 1], [0, 1], "--", color=grey, linewidth=1.5)
    ax.vlines(confidence, confidence, accuracy, color=shades("kernel").strong, linewidth=4)
    ax.plot(confidence, accuracy, "o", color=shades("input").dark, markersize=8)
    ax.set_ylim(-0.02, 1.02)
    ax.text(0.03, 0.97, "right more often\nthan it says", color=grey, ha="left", va="top")
    ax.text(0.97, 0.03, "too sure", color=grey, ha="right", va="bottom")
    ax.tick_params(labelbottom=False)
    ax.set_ylabel("how often it was right", color=INK)


def _bins(confidence: Any, accuracy: Any, count: Any) -> np.ndarray:
    """The bins that hold examples, (3, B): confidence, accuracy, count."""
    given = [np.asarray(values, float) for values in (confidence, accuracy, count)]
    if given[0].ndim != 1 or len({values.shape for values in given}) > 1:
        shapes = ", ".join(str(values.shape) for values in given)
        raise ConvlabError(f"confidence, accuracy and count must be lists of equal length, but have shapes {shapes}.")
    bins = np.array(given)[:, given[2] > 0]
    if not bins.size or not ((bins[:2] >= 0) & (bins[:2] <= 1)).all():
        problem = "a bin with examples has another" if bins.size else "no bin has an example"
        raise ConvlabError(f"each bin needs a confidence and an accuracy from 0 to 1, but {problem}.")
    return bins
