"""What a model is trained on: batches that depend on the seed, the epoch and the step alone, so any of them can be had
again."""

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convlab.errors import ConvlabError
from convlab.models.contract import check_outputs, class_numbers, fitting
from convlab.optional import need

Augment = Callable[[NDArray, np.random.Generator], NDArray]

ORDER, MOVES, SPLIT, LAYERS = range(1, 5)  # what random numbers are for: each use has its own


@dataclass(frozen=True)
class Examples:
    """Inputs as the model takes them, (N, ...), class numbers (N,) int32, and how many classes the model has."""

    x: NDArray
    y: NDArray[np.int32]
    classes: int

    def __len__(self) -> int:
        return len(self.x)

    def some(self, which: NDArray) -> "Examples":
        return Examples(self.x[which], self.y[which], self.classes)

    def digest(self) -> str:
        """A fingerprint: other examples, or another order, give another one."""
        content = blake2b(digest_size=16)
        for part in (self.x, self.y):
            content.update(f"{part.dtype} {part.shape}".encode())
            content.update(np.ascontiguousarray(part).data)
        return content.hexdigest()


@dataclass
class Batches:
    """The examples in batches of `size`, in an order drawn anew for each epoch; the last batch may be smaller.

    rows: whether answers are one-hot rows instead of class numbers. augmented: the epochs, from the first on, whose
    images `augment` changes; None for all. failure: what went wrong in a batch, for some
    backends ask for batches in another thread and hide it.
    """

    examples: Examples
    size: int
    seed: int
    augment: Augment | None = None
    rows: bool = False
    augmented: int | None = None
    failure: Exception | None = field(default=None, init=False)
    _order: tuple[int, NDArray] = field(default=(-1, np.empty(0)), init=False, repr=False)
    _type: np.dtype | None = field(default=None, init=False, repr=False)

    @property
    def steps(self) -> int:
        """Batches in an epoch."""
        return -(-len(self.examples) // self.size)

    def batch(self, epoch: int, step: int) -> tuple[NDArray, NDArray]:
        """Inputs and answers of a step, both counted from 0."""
        picked = self._of_epoch(epoch)[step * self.size : (step + 1) * self.size]
        x, y = self.examples.x[picked], self.examples.y[picked]
        return self._changed(x, epoch, step), self.answers(y)

    def _changed(self, x: NDArray, epoch: int, step: int) -> NDArray:
        """The images of a step after `augment`, or as they are, then in the type that it gives: a model has one."""
        if self.augment is None:
            return x
        if self.augmented is not None and epoch >= self.augmented:
            return x.astype(self._type or self._changed(x, 0, 0).dtype)
        x = _augmented(self.augment, x, random(self.seed, MOVES, epoch, step))
        self._type = x.dtype
        return x

    def answers(self, y: NDArray) -> NDArray:
        """Class numbers as the loss takes them: as they are, or as rows (N, classes) with a 1 in their place."""
        return np.eye(self.examples.classes, dtype=np.float32)[y] if self.rows else y

    def ready(self, others: Examples | None) -> tuple[NDArray, NDArray] | None:
        """All of other examples at once."""
        return None if others is None else (others.x, self.answers(others.y))

    def _of_epoch(self, epoch: int) -> NDArray:
        if self._order[0] != epoch:
            self._order = epoch, random(self.seed, ORDER, epoch).permutation(len(self.examples))
        return self._order[1]


def as_dataset(batches: Batches, where: Callable[[], tuple[int, int]]) -> Any:
    """`batches` for `fit` of Keras. where: gives the epoch, and the step that it begins with."""
    dataset: Any = need("keras").utils.PyDataset

    class Epoch(dataset):
        @property
        def num_batches(self) -> int:
            return batches.steps - where()[1]

        def __getitem__(self, index: int) -> tuple[NDArray, NDArray]:
            epoch, first = where()
            try:
                return batches.batch(epoch, first + index)
            except Exception as error:
                batches.failure = error
                raise

    return Epoch()


def examples(model: Any, data: Any, name: str = "data") -> Examples:
    """(x, y), or `Handwriting`'s images to learn from, checked and in the form that the model takes.

    Raises `ConvlabError` for what the model cannot learn from: no examples, another number of answers, wrong shapes,
    labels that are no classes of the model, and values that are not finite.
    """
    x, y = pair(data, name)
    if not x.ndim or not x.size or y.shape[:1] != x.shape[:1]:
        raise ConvlabError(
            f"{name} must hold as many answers as examples, and some, but x has shape {x.shape} and y {y.shape}."
        )
    x = fitting(x, getattr(model, "input_shape", None))
    outputs = np.asarray(need("keras").ops.convert_to_numpy(model(x[:2], training=False)))
    check_outputs(outputs)
    classes = outputs.shape[1]
    return Examples(x, class_numbers(y, classes).astype(np.int32), classes)


def pair(data: Any, name: str = "data") -> tuple[NDArray, NDArray]:
    """x and y as arrays, of a pair or of `Handwriting`."""
    if hasattr(data, "x_train"):
        data = data.x_train, data.y_train
    if not isinstance(data, tuple | list) or len(data) != 2:
        raise ConvlabError(
            f"{name} must be a pair (x, y) of arrays, or what convlab.data.mnist_or_digits() gives, "
            f"but is of type {type(data).__name__}."
        )
    x, y = data
    return np.asarray(x), np.asarray(y)


def split(whole: Examples, fraction: float, seed: int) -> tuple[Examples, Examples]:
    """(to learn from, to validate with): `fraction` of the examples are put aside, of each class its share.

    Raises `ConvlabError` where one part would be empty.
    """
    order = random(seed, SPLIT).permutation(len(whole))
    by_class = order[np.argsort(whole.y[order], kind="stable")]
    # every so many of them, so that each class gives its share, to within one
    aside = np.diff(np.floor(np.arange(len(whole) + 1) * fraction + 1e-9)) > 0
    if aside.all() or not aside.any():
        raise ConvlabError(
            f"validation={fraction} of {len(whole)} examples leaves none to "
            f"{'learn from' if aside.all() else 'validate with'}: give another fraction, or more examples."
        )
    first, second = np.sort(by_class[~aside]), np.sort(by_class[aside])
    return whole.some(first), whole.some(second)


def random(seed: int, use: int, epoch: int = 0, step: int = 0) -> np.random.Generator:
    """Random numbers of their own for each use, epoch and step."""
    return np.random.default_rng([seed, use, epoch, step])


def _augmented(augment: Augment, x: NDArray, generator: np.random.Generator) -> NDArray:
    changed = np.asarray(augment(x, generator))
    if changed.shape != x.shape or changed.dtype.kind not in "biuf":
        raise ConvlabError(
            f"augment must give as many images of the same size as it gets, {x.shape}, "
            f"but gave {changed.dtype} {changed.shape}: return the whole batch."
        )
    return changed
