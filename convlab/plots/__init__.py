"""Arrays in, a figure out, in one visual language: input blue, kernel orange, output green, padding hatched grey.

Every figure is drawn from what `convlab.ops` and `convlab.geometry` compute, and carries the same in words.
"""

from convlab.plots.cells import grid
from convlab.plots.curves import history
from convlab.plots.evaluation import confusion, reliability
from convlab.plots.fields import receptive_field
from convlab.plots.overlays import overlay
from convlab.plots.pictures import feature_maps, images, kernels
from convlab.plots.scatter import points
from convlab.plots.spread import spread
from convlab.plots.step import step
from convlab.plots.style import Drawing
from convlab.plots.windows import padding, strides

__all__ = [
    "Drawing",
    "confusion",
    "feature_maps",
    "grid",
    "history",
    "images",
    "kernels",
    "overlay",
    "padding",
    "points",
    "receptive_field",
    "reliability",
    "spread",
    "step",
    "strides",
]
