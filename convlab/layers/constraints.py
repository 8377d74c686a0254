"""What weights are made to obey after each step. Names, arguments and formulas are those of `keras.constraints`.

`axis` are the axes that a norm is summed over. The kernel of a convolution is (kh, kw, channels, filters), and the
norm of a whole filter is over axis=[0, 1, 2]. The default, axis=0, suits a dense kernel (inputs, units); for a
convolution it takes each column of each window alone, which is seldom meant.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from convlab.errors import ConvlabError
from convlab.layers.identifiers import resolve

Array = np.ndarray
EPSILON = 1e-7  # keras.config.epsilon(), against division by zero


class Constraint:
    """Maps weights to the nearest allowed ones."""

    def __call__(self, w: Array) -> Array:
        raise NotImplementedError


def _norms(w: Array, axis: Any) -> Array:
    axes = tuple(axis) if isinstance(axis, list | tuple) else (axis,)
    if not all(isinstance(a, int) and -w.ndim <= a < w.ndim for a in axes):
        raise ConvlabError(
            f"axis={axis!r} does not fit weights of shape {w.shape}: give axes from 0 to {w.ndim - 1}, "
            "such as [0, 1, 2] for the filters of a convolution."
        )
    return np.sqrt(np.square(w).sum(axis=axes, keepdims=True))


@dataclass(frozen=True)
class MaxNorm(Constraint):
    """Norms of at most `max_value`."""

    max_value: float = 2
    axis: Any = 0

    def __call__(self, w: Array) -> Array:
        norms = _norms(w, self.axis)
        return w * (np.minimum(norms, self.max_value) / (EPSILON + norms)).astype(w.dtype)


@dataclass(frozen=True)
class NonNeg(Constraint):
    """No weight below 0."""

    def __call__(self, w: Array) -> Array:
        return np.maximum(w, 0)


@dataclass(frozen=True)
class UnitNorm(Constraint):
    """Norms of 1."""

    axis: Any = 0

    def __call__(self, w: Array) -> Array:
        return w / (EPSILON + _norms(w, self.axis)).astype(w.dtype)


@dataclass(frozen=True)
class MinMaxNorm(Constraint):
    """Norms between `min_value` and `max_value`; `rate` below 1 goes only that part of the way in each step."""

    min_value: float = 0.0
    max_value: float = 1.0
    rate: float = 1.0
    axis: Any = 0

    def __call__(self, w: Array) -> Array:
        norms = _norms(w, self.axis)
        desired = self.rate * np.clip(norms, self.min_value, self.max_value) + (1 - self.rate) * norms
        return w * (desired / (EPSILON + norms)).astype(w.dtype)


CLASSES: dict[str, type[Constraint]] = {one.__name__: one for one in (MaxNorm, NonNeg, UnitNorm, MinMaxNorm)}


def get(identifier: Any) -> Constraint | None:
    """The constraint that a name such as "non_neg", a config or an object stands for; None stays None."""
    return None if identifier is None else resolve(identifier, CLASSES, "constraint")
