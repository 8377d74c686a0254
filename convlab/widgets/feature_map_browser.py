"""The maps of every layer of a network for one image after the other, and one of them large."""

from typing import Any

import numpy as np
import traitlets

from convlab import plots
from convlab.errors import ConvlabError
from convlab.ops.check import as_numbers
from convlab.widgets.base import Widget, bundle
from convlab.widgets.mosaic import columns_for, levels, mosaic, picture
from convlab.widgets.networks import Look, look_into

LARGE, SMALL = 160, 64  # dots along the side of the large map, and of each small one


class FeatureMapBrowser(Widget):
    """What `feature_map_browser` makes. `feature_maps` holds the chosen layer's maps, (H, W, C)."""

    _esm = bundle("feature_maps")
    layers = traitlets.List(traitlets.Unicode()).tag(sync=True)
    count = traitlets.Int().tag(sync=True)
    layer = traitlets.Unicode().tag(sync=True)
    index = traitlets.Int(0).tag(sync=True)
    channel = traitlets.Int(0).tag(sync=True)
    input = traitlets.Dict().tag(sync=True)
    maps = traitlets.Dict().tag(sync=True)
    large = traitlets.Dict().tag(sync=True)
    columns = traitlets.Int(1).tag(sync=True)
    shape = traitlets.List([1, 1, 1]).tag(sync=True)
    description = traitlets.Unicode("").tag(sync=True)

    def __init__(self, look: Look, images: np.ndarray) -> None:
        self._look, self._images, self._found = look, images, _with_maps(look(images[:1]))
        super().__init__(layers=list(self._found), count=len(images), layer=next(iter(self._found)))
        self.observe(self._choose_image, "index")
        self.observe(lambda _: self._draw(), ["layer", "channel"])
        self._draw()

    @property
    def feature_maps(self) -> np.ndarray:
        """The chosen layer's maps for the chosen image."""
        return self._found[self.layer][0]

    def _choose_image(self, change: Any) -> None:
        self._found = _with_maps(self._look(self._images[self.index : self.index + 1]))
        self._draw()

    def _draw(self) -> None:
        maps = self.feature_maps
        channel = min(self.channel, maps.shape[2] - 1)
        seen, chosen = self._images[self.index][:, :, 0], maps[:, :, channel]
        with self.hold_sync():
            self.shape, self.columns, self.channel = list(maps.shape), columns_for(maps.shape[2]), channel
            self.input, self.large = picture(levels(seen), LARGE), picture(levels(chosen), LARGE)
            self.maps = picture(mosaic(maps), SMALL, of=max(maps.shape[:2]))
            silent = int((maps == 0).all(axis=(0, 1)).sum())
            self.description = (
                f"{self.layer}: {maps.shape[2]} maps of {maps.shape[0]} x {maps.shape[1]}, {silent} of them zero "
                f"everywhere. Map {channel} goes from {chosen.min():.3g} to {chosen.max():.3g}."
            )

    def words(self) -> str:
        return f"Feature-map browser, image {self.index} of {self.count}. {self.description}"

    def still(self) -> plots.Drawing:
        return plots.feature_maps(self.feature_maps[:, :, :32])


def feature_map_browser(model: Any, images: Any) -> FeatureMapBrowser:
    """Look at what each layer of `model` makes of `images` (N, H, W, C), given as the model takes them.

    model: of Keras or `convlab.layers.Sequential`. Raises `ConvlabError` for other shapes, or a model without maps.
    """
    array = as_numbers(images, "images")
    if array.ndim != 4 or not len(array):
        raise ConvlabError(
            f"images must be a batch (number, height, width, channels), but has shape {array.shape}: "
            "index one image with [np.newaxis], and add a channel axis with [..., np.newaxis]."
        )
    return FeatureMapBrowser(look_into(model), array)


def _with_maps(found: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    maps = {name: value for name, value in found.items() if value.ndim == 4}
    if not maps:
        raise ConvlabError("the model has no layer with feature maps (an output with four axes).")
    return maps
