"""Arrays in, a figure out, in one visual language: input blue, kernel orange, output green, padding hatched grey.

Every figure is drawn from what `convlab.ops` and `convlab.geometry` compute, and carries the same in words.
"""

from convlab.plots.cells import grid
from convlab.plots.pictures import images, kernels
from convlab.plots.step import step
from convlab.plots.style import Drawing

__all__ = ["Drawing", "grid", "images", "kernels", "step"]
