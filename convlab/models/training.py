"""Train a classifier: the same seed gives the same weights, a killed training goes on where it was, and a loss that is
no number says why."""

import re
import warnings
from collections.abc import Sequence
from math import inf
from numbers import Real
from pathlib import Path
from typing import Any

from convlab.errors import ConvlabError
from convlab.models import checkpoints
from convlab.models.batches import Augment, Batches, Examples, examples, pair, split
from convlab.models.checkpoints import State
from convlab.models.contract import ends_in_softmax
from convlab.models.divergence import explain, unscaled
from convlab.models.loop import LossLost, Plan, run
from convlab.models.progress import progress_bar
from convlab.models.repeatable import deterministic as make_deterministic
from convlab.models.repeatable import seed_layers
from convlab.models.schedule import one_cycle
from convlab.models.trained import Training
from convlab.optional import need

AT_ONCE = 16  # steps that TensorFlow takes in one go: 10 to 20 % faster for small networks


def train(
    model: Any,
    data: Any,
    *,
    epochs: int = 1,
    batch_size: int = 64,
    peak: float = 0.01,
    label_smoothing: float = 0.0,
    weight_decay: float = 0.0,
    optimizer: Any = None,
    augment: Augment | None = None,
    plain_epochs: int = 0,
    validation: Any = None,
    patience: int | None = None,
    seed: int = 0,
    deterministic: bool = False,
    checkpoint: str | Path | None = None,
    callbacks: Sequence[Any] = (),
    progress: bool = True,
) -> Training:
    """Train a Keras classifier, and return how it went; the model has the new weights afterwards, and is compiled.

    model: one number out for each of K classes, probabilities where it ends in softmax, else logits; the loss is
    chosen to fit. It goes on from the weights it has.
    data: (x, y), or what `convlab.data.mnist_or_digits()` gives, of which only the images to learn from are used.
    x: (N, H, W) or (N, H, W, C), in the units that the model wants; an axis for a single channel is added. y: N class
    numbers from 0 to K - 1, or one-hot rows (N, K).

    epochs, batch_size: passes through the data, each in a new order; examples for a step. The last batch of an epoch
    may be smaller; JAX compiles the step once more for it, so a batch size without a rest starts sooner there.
    peak: the highest learning rate of Adam, which follows `one_cycle` over all steps. weight_decay: of AdamW in place
    of Adam. optimizer: a Keras optimizer to use instead, with its own rate. label_smoothing: from 0 (none) to below 1.
    augment: called with each batch of images (n, H, W, C) and a NumPy generator, gives images to learn from instead,
    such as `RandomAffine`. plain_epochs: so many epochs at the end learn from the images as they are, for changed ones
    differ a little from those that the model is for, also in the averages that BatchNormalization keeps (He et al.,
    "Data augmentation revisited", 2019).
    validation: a share of the data, such as 0.1, put aside with the same share of each class; or (x, y). Never give the
    test images: what they are to judge must not be chosen by them. patience: stop when the validation loss was no
    lower for so many epochs, and take the weights of the best one. A one-cycle rate is lowest, and the weights are
    best, at the end of *all* epochs, so training that is stopped early misses the best part: with patience, give an
    optimizer with a constant rate, or rather choose fewer epochs.
    callbacks: of Keras; TensorFlow calls them every 16 steps. progress: whether to show a bar.

    seed: of the order, of what `augment` draws, and of layers such as Dropout, whatever seed they were made with. The
    same seed, data, settings and first weights give the same weights on the same machine with the same libraries and
    number of threads, on a processor; on a GPU only with deterministic=True, which costs speed and stays on for this
    Python process (JAX must be told by a flag before). Across machines, versions or backends nothing is guaranteed:
    sums are rounded in another order there, and training magnifies that.

    checkpoint: a folder. What it takes to go on is written there every 20 seconds and after each epoch. Called again in
    the same way, also by another process after a crash, training goes on from there, within an epoch too, and ends with
    the weights and history of one that was never interrupted; when all is done it returns at once, with the weights.
    Callbacks begin anew then. Ctrl-C ends the step, writes the checkpoint, and raises KeyboardInterrupt.

    Raises `ConvlabError` for data, models and settings that do not fit, before anything starts; for a checkpoint that
    is damaged, or of another training; and when the loss is nan or infinite, with the likely causes. The model then has
    the weights of the last checkpoint, or those of before.
    """
    check_settings(epochs, batch_size, peak, label_smoothing, weight_decay, patience, seed, optimizer)
    check_plain(plain_epochs, epochs, augment)
    check_model(model)
    learned, validated = _parts(model, data, validation, seed)
    if patience is not None and validated is None:
        raise ConvlabError("patience needs something to judge by: give validation, such as 0.1 or a pair (x, y).")
    batches = Batches(learned, batch_size, seed, augment, rows=label_smoothing > 0, augmented=epochs - plain_epochs)
    batches.batch(0, 0)  # so that `augment` fails before anything starts
    if words := unscaled(model, learned.x):
        warnings.warn(words, stacklevel=2)
    if deterministic:
        make_deterministic()
    settings = {
        "epochs": epochs,
        "batch_size": batch_size,
        "optimizer": type(optimizer).__name__ if optimizer else "AdamW" if weight_decay else "Adam",
        "peak": None if optimizer else peak,
        "label_smoothing": label_smoothing,
        "weight_decay": weight_decay,
        "augment": None if augment is None else re.sub(r" at 0x\w+", "", repr(augment)),
        "plain_epochs": plain_epochs,
        "validation": "given" if isinstance(validation, tuple | list) else validation,
        "patience": patience,
        "deterministic": deterministic,
        "backend": need("keras").backend.backend(),
    }
    optimizer = optimizer or _adam(epochs * batches.steps, peak, weight_decay)
    _compile(model, optimizer, label_smoothing, rows=batches.rows, at_once=min(AT_ONCE, batches.steps))
    folder = None if checkpoint is None else Path(checkpoint)
    identity = settings | {"seed": seed} | _fingerprints(model, learned, validated) if folder else {}
    plan = Plan(epochs, batches.ready(validated), patience, folder, checkpoints.plain(identity))
    state = _train(model, batches, plan, [*callbacks, *([progress_bar()] if progress else [])])
    _compile(
        model, model.optimizer, rows=pair(data)[1].size > len(pair(data)[1])
    )  # for `evaluate` with answers like those of data
    return Training(
        history={name: list(state.history[name]) for name in sorted(state.history, key=_place)},
        epochs=state.epoch,
        kept=state.kept,
        steps=state.steps,
        seconds=state.seconds,
        seed=seed,
        parameters=model.count_params(),
        settings=settings,
    )


def _train(model: Any, batches: Batches, plan: Plan, callbacks: Sequence[Any]) -> State:
    """Train from the checkpoint, or from the beginning, to the end."""
    model.optimizer.build(model.trainable_variables)
    before = checkpoints.copies(model.variables)
    state = checkpoints.read(plan.folder, plan.identity) if plan.folder else None
    if state:
        checkpoints.restore(state, model)
        if state.finished:
            return state
    else:
        state = State()
        seed_layers(model, batches.seed)
        checkpoints.remember(state, model)
        if plan.folder:
            checkpoints.write(plan.folder, state, plan.identity)
    try:
        run(model, batches, plan, state, callbacks)
    except LossLost as lost:
        words = explain(lost, model, batches)
        last = plan.folder and checkpoints.read(plan.folder, plan.identity)
        checkpoints.assign(model.variables, last.values["model"] if last else before)
        again = f"those of the checkpoint; for other settings name another folder than {plan.folder}" if last else ""
        raise ConvlabError(f"{words} The model has weights from before that again{again and f', {again}'}.") from None
    except Exception:
        if batches.failure:
            raise batches.failure from None
        raise
    if plan.patience is not None:
        checkpoints.assign(model.weights, state.values["best"])
    if plan.folder:
        state.finished = True
        checkpoints.remember(state, model)
        checkpoints.write(plan.folder, state, plan.identity)
    return state


def _compile(model: Any, optimizer: Any, smoothing: float = 0.0, *, rows: bool, at_once: int = 1) -> None:
    """Choose the loss by what the model gives and whether answers are one-hot rows."""
    keras = need("keras")
    logits = not ends_in_softmax(model)
    loss = (
        keras.losses.CategoricalCrossentropy(from_logits=logits, label_smoothing=smoothing)
        if rows
        else keras.losses.SparseCategoricalCrossentropy(from_logits=logits)
    )
    if keras.backend.backend() != "tensorflow" or need("tensorflow").distribute.has_strategy():
        at_once = 1  # several steps in one go fail under a strategy of TensorFlow (keras-team/keras#19246)
    model.compile(optimizer, loss, metrics=["accuracy"], steps_per_execution=at_once)


def _adam(steps: int, peak: float, weight_decay: float) -> Any:
    optimizers, rate = need("keras").optimizers, one_cycle(steps, peak)
    return optimizers.AdamW(rate, weight_decay=weight_decay) if weight_decay else optimizers.Adam(rate)


def _parts(model: Any, data: Any, validation: Any, seed: int) -> tuple[Examples, Examples | None]:
    """What to learn from, and what to validate with."""
    whole = examples(model, data)
    if validation is None:
        return whole, None
    if isinstance(validation, tuple | list) and not hasattr(validation, "x_train"):
        return whole, examples(model, validation, "validation")
    if isinstance(validation, bool) or not isinstance(validation, float) or not 0 < validation < 1:
        raise ConvlabError(
            f"validation must be a share between 0 and 1, such as 0.1, or a pair (x, y), not {validation!r}."
        )
    return split(whole, validation, seed)


def _fingerprints(model: Any, learned: Examples, validated: Examples | None) -> dict[str, Any]:
    """What two trainings must have in common besides the settings, for one to go on where the other stopped."""
    keras = need("keras")
    return {
        "optimizer settings": checkpoints.nameless(keras.saving.serialize_keras_object(model.optimizer)["config"]),
        "model": checkpoints.layers_of(model),
        "data": learned.digest(),
        "validation data": validated and validated.digest(),
    }


def check_settings(
    epochs: Any, batch_size: Any, peak: Any, smoothing: Any, decay: Any, patience: Any, seed: Any, optimizer: Any
) -> None:
    """Raises `ConvlabError` for numbers out of their range, and an optimizer that is none."""
    wholes = {"epochs": (epochs, 1), "batch_size": (batch_size, 1), "seed": (seed, 0), "patience": (patience, 1)}
    for name, (value, least) in wholes.items():
        if name == "patience" and value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise ConvlabError(f"{name} must be a whole number from {least} on, but is {value!r}.")
    for name, value, example in (("label_smoothing", smoothing, 0.05), ("weight_decay", decay, 0.004)):
        if not _is_real(value) or not 0 <= value < 1:
            raise ConvlabError(f"{name} must be a number from 0 (none) to below 1, such as {example}, not {value!r}.")
    if not _is_real(peak) or not 0 < peak < inf:
        raise ConvlabError(f"peak, the highest learning rate, must be a number above 0, such as 0.01, not {peak!r}.")
    if optimizer is None:
        return
    if not isinstance(optimizer, need("keras").optimizers.Optimizer):
        raise ConvlabError(f"optimizer must be one of Keras, such as keras.optimizers.SGD(0.1), not {optimizer!r}.")
    if decay:
        raise ConvlabError("weight_decay is for the optimizer that train makes: give it to your own optimizer instead.")


def _is_real(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def check_plain(plain: Any, epochs: int, augment: Any) -> None:
    """Raises `ConvlabError` unless some epochs are left whose images are changed."""
    if isinstance(plain, bool) or not isinstance(plain, int) or not 0 <= plain < epochs:
        raise ConvlabError(f"plain_epochs must be a whole number from 0 to {epochs - 1}, but is {plain!r}.")
    if plain and augment is None:
        raise ConvlabError("plain_epochs needs augment: without it the images are always as they are.")


def check_model(model: Any) -> None:
    """Raises `ConvlabError` for anything but a Keras model with weights to train that ends in logits or softmax."""
    if not isinstance(model, need("keras").Model):
        raise ConvlabError(
            f"train is for models of Keras, such as convlab.models.build('small'), not {type(model).__name__}."
        )
    if not model.built:
        raise ConvlabError(
            "the model does not know its input yet: begin it with keras.Input((height, width, channels))."
        )
    if not model.trainable_variables:
        raise ConvlabError("the model has no weights to train: set trainable = True on some layers that have any.")
    ends_in_softmax(model)


def _place(name: str) -> tuple[bool, str]:
    """Those of training before those of validation, and the loss first."""
    return name.startswith("val_"), "" if name.endswith("loss") else name
