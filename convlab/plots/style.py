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
    "input": Shades("#0b4f8a", "#d9e9f8", "#8fc1ee"),
    "kernel": Shades("#8a3d00", "#ffe8d1", "#ffb870"),
    "output": Shades("#0a5a3a", "#dcf3e4", "#7fd3a3"),
    "padding": Shades("#555555", "#f2f2f2", "#cfcfcf"),
}
INK = "#1a1a1a"
PAPER = "#ffffff"
HATCH = "////"
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
        buffer = BytesIO()
        with _house_style():
            self.figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
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


def canvas(widths: Sequence[float], height: float, *, gap: float = 0.5) -> "tuple[Figure, list[Axes]]":
    """A white figure with one blank row of axes, `widths` by `height` inches, `gap` apart, below room for titles."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    margin, head = 0.2, 0.55
    total = (sum(widths) + gap * (len(widths) - 1) + 2 * margin, height + head + margin)
    figure = Figure(figsize=total, dpi=DPI, facecolor=PAPER)
    FigureCanvasAgg(figure)
    axes, left = [], margin
    for width in widths:
        ax = figure.add_axes((left / total[0], margin / total[1], width / total[0], height / total[1]))
        ax.set_axis_off()
        axes.append(ax)
        left += width + gap
    return figure, axes


def title(ax: "Axes", text: str, color: str = INK) -> None:
    """A title over an axes, in the type size of the whole course."""
    ax.set_title(text, color=color, fontsize=15, fontweight="bold", pad=8, parse_math=False)
