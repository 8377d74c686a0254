"""Hold a gradient against central differences.

    df/dx_i  is about  (f(x + h e_i) - f(x - h e_i)) / (2 h)

The error of the difference itself is about h^2 from the curve and eps / h from rounding; both are small together near
h = eps^(1/3), which is 6e-6 in float64. In float32 the rounding alone reaches some percent, so a right gradient looks
wrong there; that is why everything here is float64.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from convlab.errors import ConvlabError
from convlab.ops.blocks import Array
from convlab.ops.check import as_numbers

STEP = float(np.finfo(np.float64).eps ** (1 / 3))


@dataclass(frozen=True)
class GradientCheck:
    """The outcome: true when the gradient agrees. `worst` is the index where it is furthest off."""

    error: float
    tolerance: float
    worst: tuple[int, ...]
    given: float
    numerical: Array

    def __bool__(self) -> bool:
        return self.error <= self.tolerance

    def __str__(self) -> str:
        verdict = "agrees" if self else "disagrees"
        return (
            f"The gradient {verdict}: relative error {self.error:.1e} (allowed {self.tolerance:.0e}), largest at "
            f"{self.worst}, where {self.given:.6g} was given and {self.numerical[self.worst]:.6g} measured."
        )


def numerical_gradient(f: Callable[[Array], Any], x: Any, upstream: Any = None, *, step: float = STEP) -> Array:
    """Gradient of sum(f(x) * upstream) with respect to x, by central differences; `upstream` is 1 by default.

    f takes an array of x's shape in float64 and returns a number or an array. Returns an array of x's shape.
    """
    point = as_numbers(x, "x").astype(np.float64)
    gradient = np.empty_like(point)
    for index in np.ndindex(*point.shape):
        here = float(point[index])
        h = step * max(abs(here), 1.0)
        point[index] = here + h
        above = _value(f, point, upstream)
        point[index] = here - h
        below = _value(f, point, upstream)
        point[index] = here
        gradient[index] = (above - below) / (2 * h)
    return gradient


def _value(f: Callable[[Array], Any], point: Array, upstream: Any) -> float:
    y = np.asarray(f(point.copy()))
    if y.dtype not in (np.float64, np.longdouble):
        raise ConvlabError(
            f"f returned {y.dtype}, but a gradient check needs float64: in {y.dtype} rounding hides the differences. "
            "Give f's other arrays in float64 too."
        )
    return float(y.sum() if upstream is None else (y * upstream).sum())


def gradient_check(
    f: Callable[[Array], Any], x: Any, gradient: Any, upstream: Any = None, *, tolerance: float = 1e-6
) -> GradientCheck:
    """Compare `gradient` with the numerical gradient of sum(f(x) * upstream) at x.

    The error is the largest difference divided by the largest entry of either gradient. The result is true when it is
    at most `tolerance`, and says in words where the gradient is furthest off.

    >>> bool(gradient_check(lambda x: x**3, [1.0, 2.0], [3.0, 12.0]))
    True
    """
    given = as_numbers(gradient, "gradient").astype(np.float64)
    numerical = numerical_gradient(f, x, upstream)
    if given.shape != numerical.shape:
        raise ConvlabError(f"gradient must have x's shape {numerical.shape}, but has shape {given.shape}.")
    difference = np.where(np.isfinite(given), np.abs(given - numerical), np.inf)
    scale = max(np.abs(numerical).max(), np.abs(given[np.isfinite(given)]).max(initial=0), np.finfo(float).tiny)
    worst = tuple(int(i) for i in np.unravel_index(difference.argmax(), difference.shape))
    return GradientCheck(float(difference[worst] / scale), tolerance, worst, float(given[worst]), numerical)
