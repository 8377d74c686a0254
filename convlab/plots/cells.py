"""Arrays as grids of numbered cells: the picture that every diagram of a convolution is made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from convlab.errors import ConvlabError
from convlab.ops.check import as_numbers
from convlab.plots.style import HATCH, HATCH_COLOR, INK, Drawing, Slot, canvas, in_house_style, shades

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NUMBER_SIZE = 15  # points; with cells to match, so that the last row of a classroom can read them
LARGEST = 32  # rows or columns; beyond that nobody reads the numbers


def number(value: Any) -> str:
    """A number as a cell shows it: integers as they are, others to three digits.

    >>> number(-4.0), number(1 / 3), number(True)
    ('-4', '0.333', '1')
    """
    value = float(value) + 0.0  # no minus zero
    if value.is_integer() and abs(value) < 1e6:
        return str(int(value))
    return f"{value:.0f}" if 1e3 <= abs(value) < 1e6 else f"{value:.3g}"


def plane(value: Any, name: str) -> np.ndarray:
    """`value` as a matrix (height, width) of numbers that fits into a grid."""
    array = as_numbers(value, name)
    if array.ndim != 2:
        more = "choose one channel or one filter of it" if array.ndim > 2 else "write it as a list of rows"
        raise ConvlabError(f"{name} must have two axes (height, width), but has shape {array.shape}: {more}.")
    if array.size == 0:
        raise ConvlabError(f"{name} has shape {array.shape}, which is empty: there is nothing to draw.")
    if max(array.shape) > LARGEST:
        raise ConvlabError(
            f"{name} has shape {array.shape}, but numbers can be read in at most {LARGEST} rows and columns: "
            "draw it with images(), or draw a part of it."
        )
    return array


@dataclass(frozen=True)
class Panel:
    """One grid of a figure: its numbers (NaN: an empty cell), whose they are, and masks of cells.

    marked: framed and strong; padding: hatched; unread: crossed out.
    """

    array: np.ndarray
    role: str
    title: str = ""
    marked: np.ndarray | None = None
    padding: np.ndarray | None = None
    unread: np.ndarray | None = None

    def has(self, mask: str, row: int, column: int) -> bool:
        """Is the cell in the mask of that name?"""
        cells = getattr(self, mask)
        return cells is not None and bool(cells[row, column])


def cell_size(panels: Sequence[Panel]) -> float:
    """Width of a cell in inches such that the longest number fits."""
    values = [value for panel in panels for value in panel.array.flat if not np.isnan(value)]
    longest = max((len(number(value)) for value in values), default=1)
    return max(0.55, 0.16 + longest * 0.64 * NUMBER_SIZE / 72)


def draw_panels(panels: Sequence[Panel], alt: str, signs: Sequence[str] = (), columns: int = 0) -> Drawing:
    """Panels in rows of `columns` (0: one row), centred, with `signs` such as "=" after them."""
    cell = cell_size(panels)
    slots = [
        Slot(panel.array.shape[1] * cell, panel.array.shape[0] * cell, panel.title, shades(panel.role).dark)
        for panel in panels
    ]
    figure, axes = canvas(slots, columns=columns)
    for panel, ax in zip(panels, axes, strict=True):
        draw_cells(ax, panel)
    for sign, left, right in zip(signs, axes, axes[1:], strict=False):
        x, middle = (left.get_position().x1 + right.get_position().x0) / 2, left.get_position()
        y = (middle.y0 + middle.y1) / 2
        figure.text(x, y, sign, fontsize=22, color=INK, ha="center", va="center")
    return Drawing(figure, alt)


def frame_cells(ax: "Axes", rows: int, columns: int) -> None:
    """Let cell (row, column) of `ax` be centred at y = row, x = column, with row 0 on top."""
    ax.set_xlim(-0.5, columns - 0.5)
    ax.set_ylim(rows - 0.5, -0.5)


def draw_cells(ax: "Axes", panel: Panel) -> None:
    """The cells of one panel with their numbers."""
    frame_cells(ax, *panel.array.shape)
    colors = shades(panel.role)
    for (row, column), value in np.ndenumerate(panel.array):
        marked, padded = panel.has("marked", row, column), panel.has("padding", row, column)
        face = colors.strong if marked else shades("padding").pale if padded else colors.pale
        draw_cell(ax, row, column, face, colors.dark, hatched=padded)
        if panel.has("unread", row, column):
            _cross_out(ax, row, column)
        if np.isnan(value):
            continue
        ax.text(
            column,
            row,
            number(value),
            fontsize=NUMBER_SIZE,
            color=INK,
            ha="center",
            va="center",
            weight="bold" if marked else "normal",
            bbox={"boxstyle": "round,pad=0.15", "facecolor": face, "edgecolor": "none"} if padded else None,
        )
    if panel.marked is not None:
        _outline(ax, panel.marked, colors.dark)


def draw_cell(ax: "Axes", row: int, column: int, face: str, edge: str, *, hatched: bool = False) -> None:
    """One square; hatched where it is padding."""
    from matplotlib.patches import Rectangle

    corner = (column - 0.5, row - 0.5)
    if hatched:
        ax.add_patch(Rectangle(corner, 1, 1, facecolor=face, edgecolor=HATCH_COLOR, linewidth=0, hatch=HATCH))
    else:
        ax.add_patch(Rectangle(corner, 1, 1, facecolor=face, linewidth=0))
    ax.add_patch(Rectangle(corner, 1, 1, fill=False, edgecolor=edge, linewidth=1, clip_on=False, zorder=2))


def _cross_out(ax: "Axes", row: int, column: int) -> None:
    for direction in (1, -1):
        across, down = (column - 0.4, column + 0.4), (row - 0.4 * direction, row + 0.4 * direction)
        ax.plot(across, down, color=shades("padding").dark, linewidth=1.5)


def _outline(ax: "Axes", marked: np.ndarray, color: str) -> None:
    """A heavy frame around every marked cell: a mark that needs no colour."""
    from matplotlib.patches import Rectangle

    for row, column in np.argwhere(marked):
        corner = (column - 0.5, row - 0.5)
        ax.add_patch(Rectangle(corner, 1, 1, fill=False, edgecolor=color, linewidth=3, clip_on=False, zorder=3))


def in_words(array: np.ndarray) -> str:
    """The rows of a matrix as text, "1 2; 3 4"; beyond 64 numbers the shape and range instead."""
    if array.size <= 64:
        return "; ".join(" ".join(number(value) for value in row) for row in array)
    return f"{array.shape[0]} rows, {array.shape[1]} columns, from {number(array.min())} to {number(array.max())}"


@in_house_style
def grid(array: Any, title: str | None = None, role: str = "input", highlight: Any = None) -> Drawing:
    """A matrix (height, width) as numbered cells.

    role: "input", "kernel", "output" or "padding", which sets the colour. highlight: cells to mark, as one
    (row, column), a list of them, or a boolean mask of the array's shape.

    Raises `ConvlabError` for anything but a matrix of at most 32 x 32 numbers.

    >>> grid([[1, 2], [3, 4]], role="kernel")
    Kernel, 2 x 2: 1 2; 3 4.
    """
    values = plane(array, "array")
    shades(role)
    marked = None if highlight is None else mask(highlight, values.shape)
    name = title or role.capitalize()
    alt = f"{name}, {values.shape[0]} x {values.shape[1]}: {in_words(values)}."
    if marked is not None:
        places = ", ".join(f"({row}, {column})" for row, column in np.argwhere(marked))
        alt += f" Marked (row, column): {places or 'none'}."
    return draw_panels([Panel(values, role, title or "", marked)], alt)


def mask(highlight: Any, shape: tuple[int, ...]) -> np.ndarray:
    """`highlight` of `grid` as a boolean array of `shape`."""
    given = np.asarray(highlight)
    if given.dtype == bool and given.shape == shape:
        return given
    places = given.reshape(-1, 2) if given.dtype.kind in "iu" and given.size % 2 == 0 and given.ndim <= 2 else None
    if places is None or (given.ndim == 2 and given.shape[1] != 2):
        raise ConvlabError(
            f"highlight must be (row, column), a list of them, or a boolean mask of shape {shape}, "
            f"but {highlight!r} was given."
        )
    if places.size and (places.min() < 0 or (places >= shape).any()):
        raise ConvlabError(
            f"highlight {highlight!r} lies outside of the array: rows go from 0 to {shape[0] - 1}, "
            f"columns from 0 to {shape[1] - 1}."
        )
    marked = np.zeros(shape, bool)
    marked[tuple(places.T)] = True
    return marked
