"""Draw a digit by mouse, pen, finger or keys, and see what a network makes of it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import traitlets

from convlab import plots
from convlab.data.handwriting import FIELD, like_mnist
from convlab.errors import ConvlabError
from convlab.widgets.base import Widget, bundle
from convlab.widgets.mosaic import mosaic, picture
from convlab.widgets.networks import Look, look_into, softmax

EMPTY = "Nothing is drawn yet."


class DigitPad(Widget):
    """What `digit_pad` makes. `image` is the drawing as the network sees it, `probabilities` what it says."""

    _esm = bundle("digit_pad")
    labels = traitlets.List(traitlets.Unicode()).tag(sync=True)
    seen = traitlets.CBytes(bytes(FIELD * FIELD)).tag(sync=True)
    probabilities = traitlets.List(traitlets.Float()).tag(sync=True)
    maps = traitlets.Dict().tag(sync=True)
    map_layer = traitlets.Unicode("").tag(sync=True)
    description = traitlets.Unicode(EMPTY).tag(sync=True)

    def __init__(self, look: Look, scale: float, layer: str | None, labels: Sequence[Any]) -> None:
        super().__init__(labels=[str(label) for label in labels])
        self._look, self._scale, self._layer = look, scale, layer
        self.on_msg(lambda _, message, buffers: self._receive(message, buffers))

    @property
    def image(self) -> np.ndarray:
        """The drawing in MNIST's form, (28, 28) uint8."""
        return np.frombuffer(self.seen, np.uint8).reshape(FIELD, FIELD)

    def read(self, drawing: Any) -> None:
        """Take a drawing (H, W), ink bright on dark, as if the reader had drawn it."""
        image = like_mnist(drawing)
        if not image.any():
            self.seen, self.probabilities, self.maps = image.tobytes(), [], {}
            self.description = EMPTY
            return
        found = self._look(image[np.newaxis, :, :, np.newaxis].astype(np.float32) * self._scale)
        *_, scores = found.values()
        likely = softmax(np.asarray(scores[0], float).ravel())
        best = int(likely.argmax())
        layer, maps = _maps_of(found, self._layer)
        with self.hold_sync():
            self.seen, self.probabilities = image.tobytes(), likely.tolist()
            self.map_layer, self.maps = layer, picture(mosaic(maps[0]), 64, of=max(maps.shape[1:3]))
            self.description = f"The network reads {self.labels[best]}, with probability {likely[best]:.3f}."

    def _receive(self, message: Any, buffers: Any) -> None:
        side = message.get("drawing")
        if side and buffers:
            try:
                self.read(np.frombuffer(bytes(buffers[0]), np.uint8).reshape(side, side))
            finally:
                self.send({"seen": True})  # else the pad would wait for ever for an answer

    def words(self) -> str:
        return f"A pad to draw a digit on, with what a network makes of it. {self.description}"

    def still(self) -> plots.Drawing:
        return plots.images({"what the network sees": self.image}, limits=(0, 255))


def digit_pad(
    model: Any, *, scale: float = 1 / 255, layer: str | None = None, labels: Sequence[Any] = tuple(range(10))
) -> DigitPad:
    """A pad to draw on; `model` says which digit it reads, and shows the maps of its first convolution.

    model: of Keras or `convlab.layers.Sequential`, from (N, 28, 28, 1) to one score a label. scale: what bytes are
    multiplied by before the model gets them; 1 for a model that rescales by itself. layer: whose maps to show.

    Raises `ConvlabError` for a model of another shape.
    """
    look = look_into(model)
    found = look(np.zeros((1, FIELD, FIELD, 1), np.float32))
    *_, scores = found.values()
    if scores.shape != (1, len(labels)):
        raise ConvlabError(f"the model must give {len(labels)} scores for an image, but gives shape {scores.shape}.")
    _maps_of(found, layer)
    return DigitPad(look, scale, layer, labels)


def _maps_of(found: dict[str, np.ndarray], layer: str | None) -> tuple[str, np.ndarray]:
    """The name and the maps of a layer, or of the first that has any."""
    maps = {name: value for name, value in found.items() if value.ndim == 4}
    names = ", ".join(maps) or "none"
    chosen = layer or next(iter(maps), None)
    if chosen not in maps:
        raise ConvlabError(f"there is no layer {chosen!r} with feature maps: choose one of {names}.")
    return chosen, maps[chosen]
