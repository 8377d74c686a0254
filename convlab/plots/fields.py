"""What one cell of a deep feature map sees of the input."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from convlab.errors import ConvlabError
from convlab.geometry import PoolSpec, ReceptiveField, WindowSpec
from convlab.geometry.normalize import AXES, Pair, as_pair
from convlab.plots.style import HATCH, HATCH_COLOR, INK, Drawing, Slot, canvas, in_house_style, shades

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LONGEST = 64  # cells of the input that still fit side by side
CELL, FLOOR = 0.3, 0.9  # inches: the width of a cell, and from one map up to the next
LABEL = 3.2  # inches for what stands beside a map


@dataclass(frozen=True)
class _Map:
    """One feature map along one axis: its cells lie `jump` pixels of the input apart, the first one at `center`."""

    name: str
    length: int
    center: float
    jump: int
    seen: tuple[int, ...]  # cells that the chosen cell of the last map depends on, padding included

    def place(self, cell: Any) -> Any:
        """Where a cell lies, in pixels of the input."""
        return self.center + np.asarray(cell) * self.jump


@in_house_style
def receptive_field(stack: WindowSpec | Iterable[WindowSpec], size: Any, *, axis: int = 0) -> Drawing:
    """The receptive field through a stack, seen from the side: the input below, the last map on top.

    stack: convolution and pooling layers (`ConvSpec`, `PoolSpec`...), the first one first. size: an int or (height,
    width) of the input. axis: the one to draw, 0 for height, 1 for width. The cell in the middle of the last map is
    marked, and below it every cell that it depends on: with dilation they have gaps. Cells in the padding are hatched.

    Raises `ConvlabError` for layers of another kind, impossible geometry, or an input of more than 64 pixels.
    """
    if axis not in (0, 1):
        raise ConvlabError(f"axis must be 0 (height) or 1 (width), but {axis!r} was given.")
    layers = [stack] if isinstance(stack, WindowSpec) else list(stack)
    maps, field = _maps(layers, as_pair(size, "size"), axis)
    left = min(min(m.place(0), *m.place(m.seen)) for m in maps) - 0.5
    right = max(max(m.place(m.length - 1), *m.place(m.seen)) for m in maps) + 0.5
    height = FLOOR * len(layers) + 0.5
    figure, (ax,) = canvas([Slot((right - left) * CELL + LABEL, height)])
    ax.set_xlim(left, right + LABEL / CELL)
    ax.set_ylim(-0.25, height - 0.25)
    for level, feature_map in enumerate(maps):
        role = "input" if level == 0 else "output" if level == len(layers) else "product"
        _draw_cells(ax, feature_map, level * FLOOR, role)
        ax.text(right + 0.6, level * FLOOR, feature_map.name, color=INK, fontsize=12, va="center")
    for level, layer in enumerate(layers):
        _draw_reads(ax, maps[level], maps[level + 1], layer, axis, level * FLOOR)
    names = "; ".join(m.name for m in maps)
    pixels = [cell for cell in maps[0].seen if 0 <= cell < maps[0].length]
    alt = (
        f"Receptive field along the {AXES[axis]}. From below: {names}. Cell {maps[-1].seen[0]} of the last map depends "
        f"on pixels {_ranges(pixels)} of the input. The receptive field spans {field.size[axis]} pixels, "
        f"and those of neighbouring cells lie {field.jump[axis]} apart."
    )
    return Drawing(figure, alt)


def _maps(layers: list[WindowSpec], size: Pair, axis: int) -> tuple[list[_Map], ReceptiveField]:
    """The input and the map after each layer, and the receptive field of the last."""
    if size[axis] > LONGEST:
        raise ConvlabError(f"size is {size[axis]} along the {AXES[axis]}, but at most {LONGEST} cells can be drawn.")
    sizes, fields = [size], [ReceptiveField()]
    for layer in layers:
        if not isinstance(layer, WindowSpec):
            raise ConvlabError(f"the stack must be made of convolution and pooling layers, but it holds {layer!r}.")
        fields.append(fields[-1].through(layer, sizes[-1]))
        sizes.append(layer.output_size(sizes[-1]))
    seen = {sizes[-1][axis] // 2}
    found: list[_Map] = []
    for level in range(len(layers), -1, -1):
        name = f"input: {size[axis]}" if level == 0 else f"{_name(layers[level - 1], axis)}: {sizes[level][axis]}"
        field = fields[level]
        found.insert(0, _Map(name, sizes[level][axis], field.center[axis], field.jump[axis], tuple(sorted(seen))))
        if level:
            before = layers[level - 1].pads(sizes[level - 1])[axis][0]
            seen = {i - before for cell in seen for i in _taps(layers[level - 1], cell, axis)}
    return found, fields[-1]


def _taps(layer: WindowSpec, cell: int, axis: int) -> range:
    """The cells of the padded map below that a cell reads."""
    step, start = layer.dilation[axis], cell * layer.strides[axis]
    return range(start, start + step * layer.kernel_size[axis], step)


def _name(layer: WindowSpec, axis: int) -> str:
    words = [layer.kind + " pool" if isinstance(layer, PoolSpec) else "conv", str(layer.kernel_size[axis])]
    words += [f"stride {layer.strides[axis]}"] * (layer.strides[axis] > 1)
    words += [f"dilation {layer.dilation[axis]}"] * (layer.dilation[axis] > 1)
    return " ".join(words)


def _draw_cells(ax: "Axes", feature_map: _Map, height: float, role: str) -> None:
    """A map as a row of cells; those in the padding only where they are read."""
    from matplotlib.patches import Rectangle

    colors, seen = shades(role), set(feature_map.seen)
    for cell in sorted(set(range(feature_map.length)) | seen):
        outside = not 0 <= cell < feature_map.length
        face = shades("padding").pale if outside else colors.strong if cell in seen else colors.pale
        corner = (feature_map.place(cell) - 0.45, height - 0.14)
        hatch = HATCH if outside else None
        edge = HATCH_COLOR if outside else colors.dark
        width = 2 if cell in seen and not outside else 0.8
        ax.add_patch(Rectangle(corner, 0.9, 0.28, facecolor=face, edgecolor=edge, linewidth=width, hatch=hatch))


def _draw_reads(ax: "Axes", below: _Map, above: _Map, layer: WindowSpec, axis: int, height: float) -> None:
    """A line from each marked cell to each cell that it reads."""
    first = min(_taps(layer, above.seen[0], axis)) - below.seen[0]  # the padding before the map below
    for cell in above.seen:
        for tap in _taps(layer, cell, axis):
            across = below.place(tap - first), above.place(cell)
            ax.plot(across, (height + 0.14, height + FLOOR - 0.14), color=shades("kernel").dark, linewidth=0.8)


def _ranges(cells: list[int]) -> str:
    """Sorted cells as text: "2 to 6", or "0, 2, 4" where they have gaps."""
    if len(cells) > 2 and cells[-1] - cells[0] == len(cells) - 1:
        return f"{cells[0]} to {cells[-1]}"
    return ", ".join(map(str, cells)) or "none"
