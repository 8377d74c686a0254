"""Real handwritten digits that come with scikit-learn: no network needed."""

import numpy as np
from numpy.typing import NDArray

from convlab.errors import ConvlabError
from convlab.optional import need

Examples = tuple[NDArray[np.uint8], NDArray[np.uint8]]

TESTED = 360  # images held out, a fifth
SMALL = 8  # pixels along each side as they come


def digits(size: int = SMALL) -> tuple[Examples, Examples]:
    """(x_train, y_train), (x_test, y_test): 1,437 and 360 handwritten digits in the form of Keras' MNIST.

    x: uint8 images (N, size, size) from 0 (paper) to 255 (ink). y: uint8 labels (N,) from 0 to 9; each digit has the
    same share of both parts, and the parts are always the same. size: 8 gives the images as they are; a larger size,
    such as MNIST's 28, enlarges them linearly to 20/28 of the side and leaves a margin around, as in MNIST.

    Source: UCI machine learning repository, "Optical Recognition of Handwritten Digits" (Alpaydin and Kaynak, 1998),
    as shipped by `sklearn.datasets.load_digits`.

    Raises `ConvlabError` for a size below 8, or where scikit-learn is not installed.
    """
    if not isinstance(size, int) or isinstance(size, bool) or size < SMALL:
        raise ConvlabError(f"size must be a whole number of pixels from {SMALL} on, but {size!r} was given.")
    bunch = need("sklearn.datasets").load_digits()
    split = need("sklearn.model_selection").train_test_split
    ink = bunch.images * (255 / 16)  # they come with values from 0 to 16
    x = np.rint(ink if size == SMALL else _enlarge(ink, size)).astype(np.uint8)
    y = bunch.target.astype(np.uint8)
    x_train, x_test, y_train, y_test = split(x, y, test_size=TESTED, stratify=y, random_state=0)
    return (x_train, y_train), (x_test, y_test)


def _enlarge(images: NDArray, size: int) -> NDArray:
    """Images (N, 8, 8) drawn larger by linear interpolation, in the middle of (N, size, size)."""
    inner = max(SMALL, round(size * 20 / 28))
    factor = inner / SMALL
    larger = need("scipy.ndimage").zoom(images, (1, factor, factor), order=1, mode="nearest", grid_mode=True)
    before = (size - inner) // 2
    margin = (before, size - inner - before)
    return np.pad(larger, ((0, 0), margin, margin))
