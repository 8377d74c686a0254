"""Toom and Cook's construction of the matrices of Winograd's algorithm, in exact fractions.

The derivation stands at the head of `convlab.ops.winograd`.
"""

from collections.abc import Iterable
from fractions import Fraction

POINTS = [Fraction(n, d) for n, d in [(0, 1), (1, 1), (-1, 1), (2, 1), (-2, 1), (1, 2), (-1, 2), (4, 1), (-4, 1)]]

Matrix = list[list[Fraction]]


def transforms(outputs: int, taps: int) -> tuple[Matrix, Matrix, Matrix]:
    """(A', G, B') of F(outputs, taps), exactly: (m, t), (t, r) and (t, t) with t = m + r - 1."""
    size = outputs + taps - 1
    points = POINTS[: size - 1]
    a, g, b = _zeros(outputs, size), _zeros(size, taps), _zeros(size, size)
    for i, point in enumerate(points):
        others = [p for p in points if p != point]
        divisor = _product(point - p for p in others)
        for power in range(outputs):
            a[power][i] = point**power
        for power in range(taps):
            g[i][power] = point**power / divisor
        b[i][: size - 1] = _coefficients(others)
    a[outputs - 1][size - 1] = g[size - 1][taps - 1] = Fraction(1)
    b[size - 1] = _coefficients(points)
    return a, g, b


def _zeros(rows: int, columns: int) -> Matrix:
    return [[Fraction(0)] * columns for _ in range(rows)]


def _product(factors: Iterable[Fraction]) -> Fraction:
    result = Fraction(1)
    for factor in factors:
        result *= factor
    return result


def _coefficients(roots: list[Fraction]) -> list[Fraction]:
    """Coefficients of prod (x - root), lowest power first."""
    polynomial = [Fraction(1)]
    for root in roots:
        lifted = [Fraction(0), *polynomial]
        polynomial = [high - root * low for high, low in zip(lifted, [*polynomial, Fraction(0)], strict=True)]
    return polynomial
