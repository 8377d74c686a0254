"""Follow an input through a stack of layers: shapes, costs, and what each output sees of the input.

The receptive field grows by (k' - 1) jumps at each layer, where the jump is the distance, in pixels of the input,
between neighbours of a feature map: the product of the strides before it.
Source: A. Araujo, W. Norris and J. Sim, "Computing receptive fields of convolutional neural networks", Distill (2019).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from convlab.errors import ConvlabError
from convlab.geometry.normalize import Pair, as_int
from convlab.geometry.spec import ConvSpec, Shape, WindowSpec, activation_bytes
from convlab.geometry.stack import DenseSpec, GlobalPoolSpec, LayerSpec, TransposeSpec, ZeroPaddingSpec, as_stack


class ReceptiveField(NamedTuple):
    """What one cell of a feature map sees of the input, as pairs (height, width) in pixels.

    size: rows and columns seen; jump: distance between the fields of neighbours (the effective stride);
    start: row and column of the first pixel that the first cell sees, negative where it lies in the padding.
    """

    size: Pair = (1, 1)
    jump: Pair = (1, 1)
    start: Pair = (0, 0)

    @property
    def center(self) -> tuple[float, float]:
        """Row and column of the centre of the first cell's field; pixel 0 has its centre at 0."""
        return self.start[0] + (self.size[0] - 1) / 2, self.start[1] + (self.size[1] - 1) / 2

    def through(self, window: WindowSpec, size: Pair) -> "ReceptiveField":
        """The field after one more layer, a window that slides over a map of `size`."""
        reach, pads = window.effective_kernel, window.pads(size)
        return ReceptiveField(
            size=_pair(self.size[a] + (reach[a] - 1) * self.jump[a] for a in (0, 1)),
            jump=_pair(self.jump[a] * window.strides[a] for a in (0, 1)),
            start=_pair(self.start[a] - pads[a][0] * self.jump[a] for a in (0, 1)),
        )


def _pair(values: Iterable[int]) -> Pair:
    first, second = values
    return first, second


class Row(NamedTuple):
    """One layer of a trace. `field` is None where a receptive field is not defined (after transposed layers)."""

    layer: str
    output_shape: Shape
    parameters: int
    macs: int
    memory: int
    field: ReceptiveField | None


@dataclass(frozen=True)
class Trace:
    """A table with a row for each layer; it prints as text, and as HTML in a notebook.

    Memory is what one image's output takes, in bytes. MACs are multiply-accumulates for one image; FLOPs are twice
    as many.
    """

    input_shape: Shape
    rows: tuple[Row, ...]

    @property
    def output_shape(self) -> Shape:
        return self.rows[-1].output_shape if self.rows else self.input_shape

    @property
    def parameters(self) -> int:
        return sum(row.parameters for row in self.rows)

    @property
    def macs(self) -> int:
        return sum(row.macs for row in self.rows)

    @property
    def flops(self) -> int:
        return 2 * self.macs

    @property
    def memory(self) -> int:
        return sum(row.memory for row in self.rows)

    header = (
        "layer",
        "output shape",
        "parameters",
        "MACs",
        "memory (bytes)",
        "receptive field",
        "jump",
        "first centre",
    )

    def table(self) -> list[tuple[str, ...]]:
        """The cells of the table as text, with a last row of totals, without the header."""
        lines: list[tuple[str, ...]] = [("input", _times(self.input_shape), "", "", "", "", "", "")]
        for row in self.rows:
            field = ("-", "-", "-")
            if row.field:
                center = ", ".join(f"{value:g}" for value in row.field.center)
                field = (_times(row.field.size), _times(row.field.jump), f"({center})")
            costs = (f"{row.parameters:,}", f"{row.macs:,}", f"{row.memory:,}")
            lines.append((row.layer, _times(row.output_shape), *costs, *field))
        lines.append(("total", "", f"{self.parameters:,}", f"{self.macs:,}", f"{self.memory:,}", "", "", ""))
        return lines

    def __str__(self) -> str:
        lines = [self.header, *self.table()]
        widths = [max(len(line[column]) for line in lines) for column in range(len(self.header))]
        sides = [str.ljust] * 2 + [str.rjust] * (len(widths) - 2)
        text = [
            "  ".join(side(cell, width) for side, cell, width in zip(sides, line, widths, strict=True)).rstrip()
            for line in lines
        ]
        rule = "-" * len(text[0])
        return "\n".join([text[0], rule, *text[1:-1], rule, text[-1]])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        from html import escape

        def row(cells: Sequence[str], tag: str) -> str:
            sides = ["left"] * 2 + ["right"] * (len(cells) - 2)
            return "".join(
                f'<{tag} style="text-align:{side}">{escape(cell)}</{tag}>'
                for cell, side in zip(cells, sides, strict=True)
            )

        body = "".join(f"<tr>{row(cells, 'td')}</tr>" for cells in self.table())
        return f"<table><thead><tr>{row(self.header, 'th')}</tr></thead><tbody>{body}</tbody></table>"


def trace(stack: LayerSpec | Iterable[LayerSpec], input_shape: Shape, *, dtype: Any = "float32") -> Trace:
    """Follow an input of `input_shape`, without the batch axis, through `stack`.

    >>> print(trace([ConvSpec(3, 32)], (28, 28, 1)).output_shape)
    (26, 26, 32)

    Raises `ConvlabError` that names the layer where a shape becomes impossible.
    """
    shape: Shape = tuple(as_int(n, "an entry of the input shape", 1) for n in input_shape)
    state = _FieldState(ReceptiveField())
    rows = []
    for number, layer in enumerate(as_stack(stack), start=1):
        try:
            output = layer.output_shape(shape)
            costs = layer.parameters(shape), layer.macs(shape)
            field = state.after(layer, shape)
        except ConvlabError as error:
            raise ConvlabError(f"Layer {number} ({_name(layer)}), which gets {_times(shape)}: {error}") from None
        rows.append(Row(_name(layer), output, *costs, activation_bytes(output, dtype), field))
        shape = output
    return Trace(tuple(input_shape), tuple(rows))


def receptive_field(stack: LayerSpec | Iterable[LayerSpec], input_shape: Shape) -> ReceptiveField:
    """What a cell of the last feature map sees of an input of `input_shape` (without the batch axis).

    >>> from convlab.geometry import PoolSpec
    >>> conv, pool = ConvSpec(3, 8), PoolSpec(2)
    >>> receptive_field([conv, pool, conv, pool], (28, 28, 1)).size
    (10, 10)
    """
    rows = trace(stack, input_shape).rows
    field = rows[-1].field if rows else ReceptiveField()
    if field is None:
        raise ConvlabError(
            "The receptive field of a transposed convolution differs from cell to cell, so it has no one size: "
            "ask for the layers before it."
        )
    return field


class _FieldState:
    """The receptive field so far, and the size of the last map, which a dense layer sees whole."""

    def __init__(self, field: ReceptiveField | None) -> None:
        self.field, self.map_size, self.data_format = field, (1, 1), "channels_last"

    def after(self, layer: LayerSpec, shape: Shape) -> ReceptiveField | None:
        if isinstance(layer, TransposeSpec):
            self.field = None
        if isinstance(layer, WindowSpec | GlobalPoolSpec):
            self.data_format = layer.data_format
        if len(shape) == 3:
            self.map_size, _ = WindowSpec(1, data_format=self.data_format).split_shape(shape)
        window: WindowSpec | None = layer if isinstance(layer, WindowSpec) else None
        if isinstance(layer, DenseSpec | GlobalPoolSpec):
            window, size = WindowSpec(self.map_size), self.map_size
            self.map_size = (1, 1)
        else:
            size = self.map_size
        if self.field is not None and window is not None:
            self.field = self.field.through(window, size)
        return self.field


def _name(layer: LayerSpec) -> str:
    """How a person would call the layer: its kind, its window and its filters."""
    if isinstance(layer, ZeroPaddingSpec):
        (top, bottom), (left, right) = layer.pads((1, 1))
        return f"ZeroPadding {top} + {bottom}, {left} + {right}"
    words = [type(layer).__name__.removesuffix("Spec")]
    if hasattr(layer, "kind"):
        words[0] = f"{layer.kind.capitalize()}{words[0]}"
    if isinstance(layer, WindowSpec):
        words.append(_times(layer.kernel_size))
    for attribute in ("filters", "units"):
        if hasattr(layer, attribute):
            words.append(f"to {getattr(layer, attribute)}")
    if isinstance(layer, WindowSpec):
        rare = {"stride": layer.strides, "dilation": layer.dilation}
        words += [f"{name} {_times(value)}" for name, value in rare.items() if value != (1, 1)]
    if isinstance(layer, ConvSpec) and layer.groups > 1:
        words.append(f"groups {layer.groups}")
    return f"{words[0]} {', '.join(words[1:])}".rstrip()


def _times(values: Sequence[int]) -> str:
    """(28, 28, 1) as "28 x 28 x 1"."""
    return " x ".join(str(value) for value in values)
