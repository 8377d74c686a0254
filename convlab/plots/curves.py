"""How training went."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from convlab.errors import ConvlabError
from convlab.plots.cells import number
from convlab.plots.style import INK, Drawing, Slot, canvas, in_house_style, shades

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH, HEIGHT = 4.2, 2.8  # inches of one panel's curves
AROUND = 0.75  # inches for its numbers and labels
VALIDATION = "val_"


@in_house_style
def history(history: Any) -> Drawing:
    """Loss and metrics by epoch, one panel each: training as a solid line, validation dashed with squares.

    history: a dict {name: one number an epoch}, where "val_loss" is the validation's "loss", or what `fit` of Keras
    gives, which holds such a dict in `.history`.

    Raises `ConvlabError` for anything else, and for curves of different lengths in one panel.
    """
    curves = _curves(history)
    names = [name for name in curves if not name.startswith(VALIDATION)]
    names += [name for name in curves if name.startswith(VALIDATION) and name.removeprefix(VALIDATION) not in curves]
    slots = [Slot(WIDTH + AROUND, HEIGHT + AROUND, name) for name in names]
    figure, axes = canvas(slots, columns=2, gap=0.4)
    for name, ax in zip(names, axes, strict=True):
        pair = {key: curves[key] for key in (name, VALIDATION + name) if key in curves}
        _draw(ax, pair)
    words = ". ".join(_in_words(name, curve) for name, curve in curves.items())
    return Drawing(figure, f"Training history over {max(map(len, curves.values()))} epochs. {words}.")


def _curves(history: Any) -> dict[str, np.ndarray]:
    given = getattr(history, "history", history)
    if not isinstance(given, Mapping) or not given:
        raise ConvlabError(
            f"history must be what fit() gives, or a dict such as {{'loss': [0.9, 0.5]}}, but {given!r} was given."
        )
    curves = {}
    for name, values in given.items():
        try:
            curve = np.asarray(values, float)
        except (TypeError, ValueError):
            curve = np.empty(())
        if curve.ndim != 1 or not curve.size:
            raise ConvlabError(f"history[{name!r}] must be a list with one number an epoch, but is {values!r}.")
        curves[str(name)] = curve
    for name, curve in curves.items():
        training = curves.get(name.removeprefix(VALIDATION), curve)
        if len(training) % len(curve):  # validation every few epochs is fine
            raise ConvlabError(
                f"history[{name!r}] has {len(curve)} epochs, but training has {len(training)}: "
                "give one number an epoch."
            )
    return curves


def _draw(ax: "Axes", pair: Mapping[str, np.ndarray]) -> None:
    from matplotlib.ticker import MaxNLocator

    left, bottom, width, height = ax.get_position().bounds
    inner = WIDTH / (WIDTH + AROUND), HEIGHT / (HEIGHT + AROUND)
    ax.set_position(
        (left + width * (1 - inner[0]), bottom + height * (1 - inner[1]), width * inner[0], height * inner[1])
    )
    ax.set_axis_on()
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(axis="y", color="#dddddd", linewidth=0.8)
    epochs = max(map(len, pair.values()))
    for name, curve in pair.items():
        validation = name.startswith(VALIDATION)
        style: dict[str, Any] = (
            {"color": shades("kernel").dark, "linestyle": "--", "marker": "s", "label": "validation"}
            if validation
            else {"color": shades("input").dark, "linestyle": "-", "marker": "o", "label": "training"}
        )
        every = epochs // len(curve)
        ax.plot(np.arange(every, epochs + 1, every), curve, markersize=5 if epochs <= 30 else 0, linewidth=2, **style)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    ax.set_xlabel("epoch", color=INK)
    ax.legend(frameon=False)


def _in_words(name: str, curve: Sequence[float] | np.ndarray) -> str:
    best = int(np.nanargmax(curve) if "acc" in name else np.nanargmin(curve)) if np.isfinite(curve).any() else 0
    return (
        f"{name}: from {number(curve[0])} to {number(curve[-1])}, "
        f"{'highest' if 'acc' in name else 'lowest'} {number(curve[best])} in epoch {best + 1}"
    )
