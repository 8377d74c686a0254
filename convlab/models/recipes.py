"""Recipes: a network of the course and how to train it, for a given accuracy in as little time as we found.

They were compared by the accuracy on 10,000 of MNIST's 60,000 training images, put aside for that. For "thorough" the
search went on after test accuracies had been seen, so its test accuracy is a little too good: benchmarks/README.md says
how. `python -m benchmarks.training` measures them, and with `--held-out` by the images that were put aside.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from convlab.models.augment import RandomAffine


class Recipe(NamedTuple):
    """`train(build(recipe.network), data, **recipe.settings)`."""

    network: str
    settings: Mapping[str, Any]


MOVED = RandomAffine(rotation=10, zoom=0.1, shear=0.1, shift=2)

RECIPES: dict[str, Recipe] = {
    "quick": Recipe("tiny", {"epochs": 1, "label_smoothing": 0.05}),
    "careful": Recipe("small", {"epochs": 2, "label_smoothing": 0.05, "augment": MOVED, "plain_epochs": 1}),
    "thorough": Recipe(
        "deep", {"epochs": 8, "batch_size": 128, "label_smoothing": 0.05, "augment": MOVED, "plain_epochs": 1}
    ),
    # for the small digits, 1,437 of them, of which an epoch is soon over
    "digits": Recipe("small", {"epochs": 20, "label_smoothing": 0.05, "augment": MOVED}),
}
