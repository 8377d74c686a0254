"""Prices on weights, added to the loss. Names, arguments and formulas are those of `keras.regularizers`.

L2(0.01) of weights w is 0.01 sum(w^2), without the factor 1/2 of some textbooks; its gradient is 0.02 w.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from convlab.errors import ConvlabError
from convlab.layers.identifiers import resolve

Array = np.ndarray


class Regularizer:
    """A price, and its gradient with respect to the weights."""

    def __call__(self, w: Array) -> float:
        raise NotImplementedError

    def gradient(self, w: Array) -> Array:
        """The gradient of the price, of the shape of `w`; at a kink, where there is none, 0."""
        raise NotImplementedError


@dataclass(frozen=True)
class L1L2(Regularizer):
    """l1 sum(|w|) + l2 sum(w^2)."""

    l1: float = 0.0
    l2: float = 0.0

    def __post_init__(self) -> None:
        for name in ("l1", "l2"):
            _check_factor(name, getattr(self, name))

    def __call__(self, w: Array) -> float:
        return float(self.l1 * np.abs(w).sum() + self.l2 * np.square(w).sum())

    def gradient(self, w: Array) -> Array:
        return (self.l1 * np.sign(w) + 2 * self.l2 * w).astype(w.dtype)


@dataclass(frozen=True)
class L1(Regularizer):
    """l1 sum(|w|): drives weights that do not pay to exactly 0."""

    l1: float = 0.01

    def __post_init__(self) -> None:
        _check_factor("l1", self.l1)

    def __call__(self, w: Array) -> float:
        return L1L2(l1=self.l1)(w)

    def gradient(self, w: Array) -> Array:
        return L1L2(l1=self.l1).gradient(w)


@dataclass(frozen=True)
class L2(Regularizer):
    """l2 sum(w^2): shrinks large weights most."""

    l2: float = 0.01

    def __post_init__(self) -> None:
        _check_factor("l2", self.l2)

    def __call__(self, w: Array) -> float:
        return L1L2(l2=self.l2)(w)

    def gradient(self, w: Array) -> Array:
        return L1L2(l2=self.l2).gradient(w)


@dataclass(frozen=True)
class OrthogonalRegularizer(Regularizer):
    """factor times the mean |cosine| between the rows (or columns) of a matrix, two different ones at a time.

    As in Keras it takes a matrix, such as the kernel of a dense layer, and not the four axes of a convolution's.
    """

    factor: float = 0.01
    mode: str = "rows"

    def __post_init__(self) -> None:
        _check_factor("factor", self.factor)
        if self.mode not in ("rows", "columns"):
            raise ConvlabError(f"mode must be 'rows' or 'columns', but {self.mode!r} was given.")

    def _rows(self, w: Array) -> Array:
        if w.ndim != 2:
            raise ConvlabError(
                f"OrthogonalRegularizer needs a matrix, but the weights have shape {w.shape}: use it in a Dense layer."
            )
        return w if self.mode == "rows" else w.T

    def __call__(self, w: Array) -> float:
        rows = self._rows(w)
        cosines = _cosines(_unit(rows)[0])
        pairs = len(rows) * (len(rows) - 1) / 2
        return float(self.factor * 0.5 * np.abs(cosines).sum() / pairs)

    def gradient(self, w: Array) -> Array:
        rows = self._rows(w)
        unit, norms = _unit(rows)
        pairs = len(rows) * (len(rows) - 1) / 2
        along = self.factor / pairs * (np.sign(_cosines(unit)) @ unit)  # with respect to the unit rows
        across = (along - unit * (along * unit).sum(axis=1, keepdims=True)) / norms
        return (across if self.mode == "rows" else across.T).astype(w.dtype)


def _unit(rows: Array) -> tuple[Array, Array]:
    """Each row divided by its length, and the lengths."""
    norms = np.sqrt(np.maximum(np.square(rows).sum(axis=1, keepdims=True), 1e-12))  # Keras' guard against zero
    return rows / norms, norms


def _cosines(unit: Array) -> Array:
    """Cosines between different rows; 0 on the diagonal."""
    return unit @ unit.T * (1 - np.eye(len(unit), dtype=unit.dtype))


def _check_factor(name: str, value: Any) -> None:
    if not isinstance(value, int | float | np.floating) or not 0 <= value < np.inf:
        raise ConvlabError(f"{name} must be a number from 0 on, but {value!r} was given.")


CLASSES: dict[str, type[Regularizer]] = {one.__name__: one for one in (L1, L2, L1L2, OrthogonalRegularizer)}


def get(identifier: Any) -> Regularizer | None:
    """The regularizer that "l1", "l2", a config or an object stands for; None stays None."""
    return None if identifier is None else resolve(identifier, CLASSES, "regularizer")
