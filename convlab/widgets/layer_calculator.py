"""Layers as you type them, with their shapes, parameters, cost and memory, or what is wrong with them."""

from typing import Any

import traitlets

from convlab.errors import ConvlabError
from convlab.geometry import Trace, trace
from convlab.plots import Drawing
from convlab.plots.tables import table
from convlab.widgets.base import Widget, bundle
from convlab.widgets.keras_text import read_layers

START = """Conv2D(32, 3, activation="relu")
MaxPooling2D(2)
Conv2D(64, 3, activation="relu")
MaxPooling2D(2)
Flatten()
Dense(128, activation="relu")
Dense(10)"""


class LayerCalculator(Widget):
    """What `layer_calculator` makes. `trace` is the table of the layers in `text`."""

    _module = "calculator"
    _esm = bundle(_module)
    text = traitlets.Unicode(START).tag(sync=True)
    input_shape = traitlets.List([28, 28, 1]).tag(sync=True)

    @property
    def trace(self) -> Trace:
        """The table of the layers; raises `ConvlabError` where one is wrong."""
        return trace(read_layers(self.text), tuple(self.input_shape))

    def words(self) -> str:
        try:
            found = self.trace
        except ConvlabError as error:
            return f"Layer calculator: {error}"
        names = ", ".join(row.layer for row in found.rows)
        return (
            f"Layer calculator: {names} on an input of {' x '.join(map(str, self.input_shape))}. "
            f"{found.parameters:,} parameters, {found.macs:,} multiply-accumulates for one image."
        )

    def still(self) -> Drawing:
        try:
            found = self.trace
        except ConvlabError:
            return table([self.text.splitlines()], ["layers"], self.words())
        rows = [row[:4] for row in found.table()]
        return table(rows, found.header[:4], self.words())


def layer_calculator(text: str = START, input_shape: Any = (28, 28, 1)) -> LayerCalculator:
    """Layers to edit, one a line as in Keras, on an input of `input_shape` (height, width, channels).

    Wrong lines are explained in the widget, so any text is welcome. Raises `ConvlabError` for an `input_shape` that
    is not three whole numbers.
    """
    shape = list(input_shape)
    if len(shape) != 3 or not all(isinstance(n, int) and n > 0 for n in shape):
        raise ConvlabError(f"input_shape must be (height, width, channels), but {input_shape!r} was given.")
    return LayerCalculator(text=text, input_shape=shape)
