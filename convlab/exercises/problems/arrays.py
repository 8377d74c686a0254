"""Arrays for cases: small whole numbers that a person can follow, and that no exchange and no turn leaves as they were."""

from math import prod

import numpy as np


def counted(*shape: int) -> np.ndarray:
    """1, 2, 3, ...: all different, and none of them zero."""
    return np.arange(1.0, 1 + prod(shape)).reshape(shape)


def weights(height: int, width: int) -> np.ndarray:
    """A kernel that looks like no other after any turn or exchange."""
    return (np.arange(height * width).reshape(height, width) * 3 % 7 - 2).astype(float)


def many_weights(*shape: int) -> np.ndarray:
    """Kernels of a layer in an order that no exchange and no turn keeps."""
    return np.resize([2.0, -1, 3, 5, -4, 1, 6, -2, 4, -3, 7], shape)
