"""Things to play with in a notebook, each made by one call.

Those that need no Python draw in the browser and live on a plain web page too (`save_page`); a pad for digits and a
browser of feature maps ask Python. What the reader chose can be read from each.
"""

from convlab.widgets.digit_pad import DigitPad, digit_pad
from convlab.widgets.feature_map_browser import FeatureMapBrowser, feature_map_browser
from convlab.widgets.field_explorer import FieldExplorer, field_explorer
from convlab.widgets.kernel_painter import KernelPainter, kernel_painter
from convlab.widgets.layer_calculator import LayerCalculator, layer_calculator
from convlab.widgets.page import page, save_page
from convlab.widgets.ruler import Ruler, ruler
from convlab.widgets.separable_cost import SeparableCost, separable_cost
from convlab.widgets.stepper import Stepper, stepper

__all__ = [
    "DigitPad",
    "FeatureMapBrowser",
    "FieldExplorer",
    "KernelPainter",
    "LayerCalculator",
    "Ruler",
    "SeparableCost",
    "Stepper",
    "digit_pad",
    "feature_map_browser",
    "field_explorer",
    "kernel_painter",
    "layer_calculator",
    "page",
    "ruler",
    "save_page",
    "separable_cost",
    "stepper",
]
