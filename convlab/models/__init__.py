"""The Keras models of the course: built, trained, judged, looked into, saved. Keras is imported when it is first used.

`build` and `RECIPES` make them, `train` and `evaluate` teach and judge any classifier, `describe`, `feature_maps`,
`saliency`, `grad_cam`, `filters` and `embedding` look inside, `save`, `load`, `to_onnx` and `to_tflite` check what they
write, and `on_all_devices` spreads training over several devices.
"""

from convlab.models.augment import RandomAffine
from convlab.models.describing import describe
from convlab.models.distributing import on_all_devices
from convlab.models.evaluation import Evaluation, compare, evaluate
from convlab.models.exporting import to_onnx, to_tflite
from convlab.models.looking import dead_filters, embedding, feature_maps, filters, grad_cam, plane, saliency
from convlab.models.networks import NETWORKS, build
from convlab.models.progress import progress_bar
from convlab.models.recipes import RECIPES, Recipe
from convlab.models.saving import load, same_predictions, save
from convlab.models.schedule import one_cycle
from convlab.models.training import Training, train

__all__ = [
    "NETWORKS",
    "RECIPES",
    "Evaluation",
    "RandomAffine",
    "Recipe",
    "Training",
    "build",
    "compare",
    "dead_filters",
    "describe",
    "embedding",
    "evaluate",
    "feature_maps",
    "filters",
    "grad_cam",
    "load",
    "on_all_devices",
    "one_cycle",
    "plane",
    "progress_bar",
    "saliency",
    "same_predictions",
    "save",
    "to_onnx",
    "to_tflite",
    "train",
]
