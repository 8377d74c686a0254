"""Why the loss of a training is no number any more: what is seen in the data, the model and the settings."""

from typing import Any

import numpy as np

from convlab.models.batches import Batches
from convlab.models.contract import activation_of, leaves
from convlab.models.loop import LossLost
from convlab.optional import need

LARGE = 10.0  # inputs beyond it make the first layer's outputs large, too
RESCALING = "Rescaling", "Normalization", "BatchNormalization", "LayerNormalization"
USUAL = {"SGD": 0.1}  # learning rates above these are seldom good; of optimizers that adapt their steps:
ADAPTIVE = 0.01


def explain(lost: LossLost, model: Any, batches: Batches) -> str:
    """What happened, when, and what was found, in sentences."""
    rate = float(need("keras").ops.convert_to_numpy(model.optimizer.learning_rate))
    low, high, steps = lost.steps.start + 1, lost.steps.stop, batches.steps
    when = f"step {high}" if high <= low else f"steps {low} to {high}"
    before = "" if lost.before is None else f"; until then the mean loss was {lost.before:.4g}"
    causes = "; ".join(f"({i}) {cause}" for i, cause in enumerate(_causes(lost, model, batches, rate), 1))
    return (
        f"the loss is not finite ({lost.loss}) in epoch {lost.epoch + 1}, {when} of {steps}, "
        f"at a learning rate of {rate:.3g}{before}. Found: {causes}."
    )


def unscaled(model: Any, x: np.ndarray) -> str:
    """What to say about inputs that are large and not rescaled by the model; empty where all is well."""
    largest = float(np.abs(x).max())
    if largest <= LARGE or _rescales(model):
        return ""
    return (
        f"inputs go up to {largest:.4g} and the model does not rescale them: "
        f"divide x by that, or begin the model with keras.layers.Rescaling(1 / {largest:.4g})"
    )


def _causes(lost: LossLost, model: Any, batches: Batches, rate: float) -> list[str]:
    seen = [batches.batch(lost.epoch, step)[0] for step in lost.steps] or [batches.batch(lost.epoch, 0)[0]]
    causes = []
    if bad := [lost.steps[i] + 1 for i, x in enumerate(seen) if not np.isfinite(x).all()]:
        causes.append(
            f"augment makes nan or infinity of finite images, first in step {bad[0]}: look at what it returns"
        )
    if words := unscaled(model, np.concatenate(seen)):
        causes.append(words)
    if [activation_of(layer) for layer in leaves(model)].count("softmax") > 1:
        causes.append("softmax is applied more than once in the model: leave only the last one, or none")
    optimizer = type(getattr(model.optimizer, "inner_optimizer", model.optimizer)).__name__
    usual = USUAL.get(optimizer, ADAPTIVE)
    if rate > usual:
        causes.append(f"the learning rate is high for {optimizer}, for which {usual:g} is a lot: try a tenth of it")
    return causes or ["nothing unusual in the data and the model, so try a tenth of the learning rate"]


def _rescales(model: Any) -> bool:
    """Whether something brings the inputs to a common scale before the first layer that has other weights."""
    for layer in leaves(model):
        if type(layer).__name__ in RESCALING:
            return True
        if layer.weights:
            return False
    return False
