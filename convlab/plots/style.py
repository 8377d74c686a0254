"""The one visual language of every figure: colours, type sizes, and a figure that carries its own description.

The input is blue, the kernel orange, the output green, and padding is grey and hatched, so that no meaning hangs on
colour alone. Each role has a dark shade for lines and a pale one behind dark text.
"""

from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from io import BytesIO
from typing import TYPE_CHECKING, Any, ParamSpec

import numpy as np

from convlab.errors import ConvlabError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

P = ParamSpec("P")


@dataclass(frozen=True)
class Shades:
    """A role's colours: `dark` for lines and titles, `pale` behind numbers, `strong` behind marked numbers."""

    dark: str
    pale: str
    strong: str


ROLES = {
    "input": Shades("#0b4f8a", "#d9e9f8", "#74aee8"),
    "kernel": Shades("#8a3d00", "#ffe8d1", "#ffb870"),
    "output": Shades("#0a5a3a", "#dcf3e4", "#9be0b0"),
    "padding": Shades("#555555", "#f2f2f2", "#cfcfcf"),
    "product": Shades("#444444", "#ffffff", "#dddddd"),
}
INK = "#1a1a1a"
PAPER = "#ffffff"
HATCH = "////"
HATCH_COLOR = "#b0b0b0"
DPI = 100

RC: Any = {  # the font is one that comes with matplotlib
    "font.family": "DejaVu Sans",
    "font.size": 13,
    "axes.titlesize": 15,
    "hatch.linewidth": 1.0,
    "text.usetex": False,
    "text.parse_math": False,  # a title with a dollar sign is a title
}


def shades(role: str) -> Shades:
    """The colours of a role, or an error that lists the roles."""
    if role not in ROLES:
        names = ", ".join(repr(name) for name in ROLES)
        raise ConvlabError(f"role must be one of {names}, but {role!r} was given.")
    return ROLES[role]


@dataclass(frozen=True)
class Drawing:
    """A finished figure and, in `alt`, the same in words.

    The last line of a notebook cell shows it. Its mime bundle holds the PNG, the words as plain text, and the words
    once more as the `alt` metadata that JupyterLab and nbconvert put on the image. `figure` is the matplotlib Figure.
    """

    figure: "Figure"
    alt: str

    def png(self) -> bytes:
        """The picture as PNG; equal drawings give equal bytes."""
        from PIL import Image

        with _house_style():
            self.figure.canvas.draw()
        pixels = np.asarray(self.figure.canvas.buffer_rgba())[:, :, :3]  # type: ignore[attr-defined]  # Agg's canvas
        is_grey = (pixels == pixels[:, :, :1]).all()
        buffer = BytesIO()
        Image.fromarray(pixels[:, :, 0] if is_grey else pixels).save(buffer, "PNG", optimize=True)
        return buffer.getvalue()

    def save(self, path: Any) -> None:
        """Write the PNG to `path`."""
        with open(path, "wb") as file:
            file.write(self.png())

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict[str, str], dict[str, Any]]:
        data = {"image/png": b64encode(self.png()).decode("ascii"), "text/plain": self.alt}
        return data, {"image/png": {"alt": self.alt}}

    def __repr__(self) -> str:
        return self.alt


def _house_style() -> Any:
    """Matplotlib's own defaults and ours, whatever a notebook has set, while a figure is made or saved."""
    from matplotlib import style

    return style.context(["default", RC])


def in_house_style(draw: Callable[P, Drawing]) -> Callable[P, Drawing]:
    """Decorate a function that draws: equal arguments give equal pictures, whatever style a notebook has chosen."""

    @wraps(draw)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> Drawing:
        with _house_style():
            return draw(*args, **kwargs)

    return wrapper


TITLE_SIZE = 15  # points
LINE = 0.25  # inches that a line of a title takes
MARGIN = 0.2  # inches around everything


@dataclass(frozen=True)
class Slot:
    """Room for one picture: width and height in inches, and the title over it with its colour."""

    width: float
    height: float
    title: str = ""
    color: str = INK

    @property
    def across(self) -> float:
        """Inches from side to side, title included: a bold letter takes nearly 0.7 of its size."""
        letters = max(map(len, self.title.split("\n")))
        return max(self.width, letters * 0.69 * TITLE_SIZE / 72)

    @property
    def upward(self) -> float:
        """Inches from bottom to top, title included."""
        return self.height + (0.1 + LINE * len(self.title.split("\n")) if self.title else 0.0)


def canvas(slots: Sequence[Slot], *, columns: int = 0, gap: float = 0.6) -> "tuple[Figure, list[Axes]]":
    """A white figure with blank axes, one a slot, in rows of `columns` (0: all in one row), centred in their row."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    columns = columns or len(slots)
    rows = [slots[start : start + columns] for start in range(0, len(slots), columns)]
    lefts = np.cumsum([0, *(max(row[c].across for row in rows if c < len(row)) + gap for c in range(len(rows[0])))])
    heads = [max(slot.upward - slot.height for slot in row) for row in rows]
    heights = [max(slot.height for slot in row) for row in rows]
    width = lefts[-1] - gap + 2 * MARGIN
    height = sum(heads) + sum(heights) + 0.15 * (len(rows) - 1) + 2 * MARGIN
    figure = Figure(figsize=(width, height), dpi=DPI, facecolor=PAPER)
    FigureCanvasAgg(figure)
    axes, top = [], height - MARGIN
    for row, head, tall in zip(rows, heads, heights, strict=True):
        for column, slot in enumerate(row):
            room = lefts[column + 1] - lefts[column] - gap
            left = _whole(MARGIN + lefts[column] + (room - slot.width) / 2)
            bottom = _whole(top - head - (tall + slot.height) / 2)
            ax = figure.add_axes((left / width, bottom / height, slot.width / width, slot.height / height))
            ax.set_axis_off()
            if slot.title:
                ax.set_title(slot.title, color=slot.color, fontsize=TITLE_SIZE, fontweight="bold", pad=6)
            axes.append(ax)
        top -= head + tall + 0.15
    return figure, axes


def _whole(inches: float) -> float:
    """The nearest place where a dot of the picture begins, so that lines and pixels are crisp."""
    return round(inches * DPI) / DPI
