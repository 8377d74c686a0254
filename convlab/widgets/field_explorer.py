"""Build a stack of layers, point at an output cell, and see what it reads of every map below."""

from collections.abc import Iterable
from typing import Any

import traitlets

from convlab import plots
from convlab.errors import ConvlabError
from convlab.geometry import ConvSpec, PoolSpec, ReceptiveField, Trace, receptive_field, trace
from convlab.geometry.normalize import as_pair
from convlab.widgets.base import Widget, bundle

LARGEST = 64  # pixels along each side of the input
START = (ConvSpec(3), PoolSpec(2), ConvSpec(3))


class FieldExplorer(Widget):
    """What `field_explorer` makes. `stack`, `field` and `trace` tell what the reader built."""

    _module = "receptive_field"
    _esm = bundle(_module)
    size = traitlets.List([16, 16]).tag(sync=True)
    layers = traitlets.List(traitlets.Dict()).tag(sync=True)
    cell = traitlets.List([0, 0]).tag(sync=True)

    @property
    def stack(self) -> tuple[ConvSpec | PoolSpec, ...]:
        """The layers as descriptions that `convlab.trace` takes; each convolution has one filter."""
        return tuple(_spec(layer) for layer in self.layers)

    @property
    def input_shape(self) -> tuple[int, int, int]:
        return self.size[0], self.size[1], 1

    @property
    def field(self) -> ReceptiveField:
        """The receptive field of a cell of the last map."""
        return receptive_field(self.stack, self.input_shape)

    @property
    def trace(self) -> Trace:
        """The table of all layers."""
        return trace(self.stack, self.input_shape)

    def words(self) -> str:
        field, rows = self.field, self.trace.rows
        names = ", ".join(row.layer for row in rows) or "no layer"
        return (
            f"Receptive field explorer: an input of {self.size[0]} x {self.size[1]} through {names}. A cell of the "
            f"last map sees {field.size[0]} x {field.size[1]} pixels; the fields of neighbours lie {field.jump[0]} "
            f"rows and {field.jump[1]} columns apart."
        )

    def still(self) -> plots.Drawing:
        return plots.receptive_field(self.stack, tuple(self.size))


def field_explorer(stack: Iterable[ConvSpec | PoolSpec] = START, size: Any = 16) -> FieldExplorer:
    """Layers that can be changed, added and removed, on an input of `size` (height, width), at most 64 x 64.

    stack: `ConvSpec` and `PoolSpec` with padding "valid" or "same", to begin with.

    Raises `ConvlabError` for other layers, or where one does not fit.
    """
    height, width = as_pair(size, "size")
    if max(height, width) > LARGEST:
        raise ConvlabError(f"size must be at most {LARGEST} x {LARGEST}, but {height} x {width} was given.")
    widget = FieldExplorer(size=[height, width], layers=[_state(layer) for layer in stack])
    receptive_field(widget.stack, widget.input_shape)
    return widget


def _state(layer: Any) -> dict[str, Any]:
    if not isinstance(layer, ConvSpec | PoolSpec) or not isinstance(layer.padding, str):
        raise ConvlabError(f"the stack must hold ConvSpec and PoolSpec with padding 'valid' or 'same', not {layer!r}.")
    return {
        "kind": f"{layer.kind} pool" if isinstance(layer, PoolSpec) else "conv",
        "kernel_size": list(layer.kernel_size),
        "strides": list(layer.strides),
        "dilation": list(layer.dilation),
        "padding": layer.padding,
    }


def _spec(state: dict[str, Any]) -> ConvSpec | PoolSpec:
    given = {name: state[name] for name in ("strides", "dilation", "padding")}
    if state["kind"] == "conv":
        return ConvSpec(state["kernel_size"], **given)
    return PoolSpec(state["kernel_size"], kind=state["kind"].removesuffix(" pool"), **given)
