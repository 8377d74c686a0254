"""No well-known wrong implementation survives the cases that the right one passes."""

import numpy as np
import pytest
from mutants import MUTANTS, convolve

from convlab.ops import conv2d

# (x shape, kernel shape, geometry): never square, never divisible; an even kernel; a stride above the kernel
CASES = [
    ((2, 5, 7, 3), (3, 2, 3, 4), dict(strides=(2, 1), padding="same")),
    ((2, 7, 6, 2), (3, 2, 2, 2), dict(strides=(1, 2), padding=((0, 1), (2, 1)))),
    ((1, 8, 9, 4), (3, 3, 2, 6), dict(groups=2)),
    ((1, 8, 11, 1), (1, 2, 1, 2), dict(strides=(3, 3), padding="same")),
    ((2, 6, 6, 2), (4, 4, 2, 2), dict(padding="same")),
    ((1, 9, 10, 2), (3, 3, 2, 2), dict(padding="same", dilation=(2, 3))),
    ((1, 10, 7, 2), (3, 2, 2, 1), dict(strides=(3, 2))),
    ((1, 6, 6, 1), (3, 3, 1, 1), dict(strides=(2, 2), padding="same")),
    ((1, 7, 8, 1), (2, 3, 1, 1), dict(strides=(3, 3))),
]


def arrays(x_shape, kernel_shape):
    """Whole numbers up to 200, which are exact in every type but the image's own."""
    x = (np.arange(np.prod(x_shape)) * 37 % 201).reshape(x_shape).astype(np.uint8)
    kernel = (np.arange(np.prod(kernel_shape)) % 13 + 1).reshape(kernel_shape).astype(np.uint8)
    return x, kernel, np.arange(kernel_shape[3]) + 1


@pytest.mark.parametrize(("x_shape", "kernel_shape", "geometry"), CASES)
def test_the_definition_agrees(x_shape, kernel_shape, geometry):
    problem = arrays(x_shape, kernel_shape)
    np.testing.assert_allclose(conv2d(*problem, **geometry), convolve(*problem, **geometry), rtol=1e-12)


def told_apart(mutant, x_shape, kernel_shape, geometry):
    problem = arrays(x_shape, kernel_shape)
    try:
        wrong = convolve(*problem, **geometry, changes=mutant)
    except (ValueError, IndexError):
        return True
    right = conv2d(*problem, **geometry)
    return wrong.shape != right.shape or not np.allclose(wrong, right)


@pytest.mark.parametrize("name", MUTANTS)
def test_no_mutant_survives(name):
    assert any(told_apart(MUTANTS[name], *case) for case in CASES)
