"""Where weights start. Names, arguments and formulas are those of `keras.initializers`.

A sum of `fan_in` products of independent numbers has fan_in times the variance of one of them. So that signals neither
fade nor explode from layer to layer, the weights get a variance of

    scale / fan_in              lecun (scale 1), he (scale 2, because relu drops half of the signal)
    scale / ((fan_in + fan_out) / 2)     glorot (scale 1), a compromise with the gradients that flow back

Sources: Glorot and Bengio (2010), "Understanding the difficulty of training deep feedforward neural networks";
He et al. (2015), "Delving deep into rectifiers"; LeCun et al. (1998), "Efficient BackProp"; Saxe et al. (2013),
"Exact solutions to the nonlinear dynamics of learning in deep linear neural networks" (orthogonal).
"""

from dataclasses import dataclass
from math import prod, sqrt
from typing import Any, ClassVar

import numpy as np

from convlab.errors import ConvlabError
from convlab.layers.identifiers import resolve
from convlab.layers.random import generator

Array = np.ndarray
Shape = tuple[int, ...]

CUT_OFF = 2  # a truncated normal keeps what lies within two standard deviations...
CUT_OFF_STDDEV = 0.87962566103423978  # ...and has this standard deviation itself (scipy.stats.truncnorm(-2, 2).std())


def fans(shape: Shape) -> tuple[int, int]:
    """(fan_in, fan_out): numbers that one output is computed from, and outputs that one input goes into.

    A dense kernel is (inputs, units). A convolution's is (kh, kw, channels, filters): each output sums kh kw channels
    products, and each input goes into kh kw filters of them.

    >>> fans((3, 3, 16, 32))
    (144, 288)
    """
    if len(shape) < 2:
        size = prod(shape)
        return size, size
    window = prod(shape[:-2])
    return window * shape[-2], window * shape[-1]


class Initializer:
    """Makes an array of a given shape and dtype."""

    def __call__(self, shape: Shape, dtype: Any = "float32") -> Array:
        return self.draw(tuple(shape)).astype(dtype)

    def draw(self, shape: Shape) -> Array:
        raise NotImplementedError


@dataclass(frozen=True)
class Zeros(Initializer):
    """All 0: right for a bias, wrong for a kernel, whose filters would all stay equal."""

    def draw(self, shape: Shape) -> Array:
        return np.zeros(shape)


@dataclass(frozen=True)
class Ones(Initializer):
    """All 1."""

    def draw(self, shape: Shape) -> Array:
        return np.ones(shape)


@dataclass(frozen=True)
class Constant(Initializer):
    """All `value`, a number or an array of the shape that is asked for."""

    value: Any = 0.0

    def draw(self, shape: Shape) -> Array:
        return np.broadcast_to(np.asarray(self.value, float), shape)


@dataclass(frozen=True)
class RandomNormal(Initializer):
    """Normal with `mean` and `stddev`."""

    mean: float = 0.0
    stddev: float = 0.05
    seed: int | None = None

    def draw(self, shape: Shape) -> Array:
        return generator(self.seed).normal(self.mean, self.stddev, shape)


@dataclass(frozen=True)
class RandomUniform(Initializer):
    """Uniform from `minval` to `maxval`."""

    minval: float = -0.05
    maxval: float = 0.05
    seed: int | None = None

    def draw(self, shape: Shape) -> Array:
        return generator(self.seed).uniform(self.minval, self.maxval, shape)


@dataclass(frozen=True)
class TruncatedNormal(Initializer):
    """Normal with `mean` and `stddev`, what lies further than 2 `stddev` from the mean drawn again."""

    mean: float = 0.0
    stddev: float = 0.05
    seed: int | None = None

    def draw(self, shape: Shape) -> Array:
        return self.mean + self.stddev * _truncated_normal(shape, generator(self.seed))


def _truncated_normal(shape: Shape, rng: np.random.Generator) -> Array:
    values = rng.normal(size=shape)
    outside = np.abs(values) > CUT_OFF
    while outside.any():
        values[outside] = rng.normal(size=outside.sum())
        outside = np.abs(values) > CUT_OFF
    return values


@dataclass(frozen=True)
class _VarianceScaling(Initializer):
    """Variance scale / n, where n is the fan in or the mean of both fans."""

    seed: int | None = None

    scale: ClassVar[float] = 1.0
    mode: ClassVar[str] = "fan_in"
    distribution: ClassVar[str] = "uniform"

    def variance(self, shape: Shape) -> float:
        fan_in, fan_out = fans(shape)
        return self.scale / max(1.0, fan_in if self.mode == "fan_in" else (fan_in + fan_out) / 2)

    def draw(self, shape: Shape) -> Array:
        stddev, rng = sqrt(self.variance(shape)), generator(self.seed)
        if self.distribution == "uniform":  # the variance of uniform(-a, a) is a^2 / 3
            return rng.uniform(-sqrt(3) * stddev, sqrt(3) * stddev, shape)
        return stddev / CUT_OFF_STDDEV * _truncated_normal(shape, rng)


class GlorotUniform(_VarianceScaling):
    """Uniform within sqrt(6 / (fan_in + fan_out)): Keras' default for kernels."""

    mode = "fan_avg"


class GlorotNormal(_VarianceScaling):
    """Truncated normal with variance 2 / (fan_in + fan_out)."""

    mode, distribution = "fan_avg", "truncated_normal"


class HeUniform(_VarianceScaling):
    """Uniform within sqrt(6 / fan_in): for layers followed by relu."""

    scale = 2.0


class HeNormal(_VarianceScaling):
    """Truncated normal with variance 2 / fan_in: for layers followed by relu."""

    scale, distribution = 2.0, "truncated_normal"


class LecunUniform(_VarianceScaling):
    """Uniform within sqrt(3 / fan_in)."""


class LecunNormal(_VarianceScaling):
    """Truncated normal with variance 1 / fan_in."""

    distribution = "truncated_normal"


@dataclass(frozen=True)
class Orthogonal(Initializer):
    """`gain` times a matrix with orthonormal columns, or rows where it is wider than high.

    A kernel (kh, kw, C, F) is taken as the matrix (kh kw C, F): its filters are orthogonal to each other.
    """

    gain: float = 1.0
    seed: int | None = None

    def draw(self, shape: Shape) -> Array:
        if len(shape) < 2:
            raise ConvlabError(f"orthogonal needs a shape of at least two axes, but {shape} was given: use another.")
        rows, columns = prod(shape[:-1]), shape[-1]
        tall = generator(self.seed).normal(size=(max(rows, columns), min(rows, columns)))
        q, r = np.linalg.qr(tall)
        q *= np.sign(np.diag(r))  # without this, the result is not uniform among orthogonal matrices (Mezzadri 2007)
        return self.gain * (q if rows >= columns else q.T).reshape(shape)


CLASSES: dict[str, type[Initializer]] = {
    one.__name__: one
    for one in (
        Zeros,
        Ones,
        Constant,
        RandomNormal,
        RandomUniform,
        TruncatedNormal,
        GlorotUniform,
        GlorotNormal,
        HeUniform,
        HeNormal,
        LecunUniform,
        LecunNormal,
        Orthogonal,
    )
}


def get(identifier: Any) -> Initializer:
    """The initializer that a name such as "he_normal", a config or an object stands for."""
    return resolve(identifier, CLASSES, "initializer")
