"""Drawings come out as MNIST's images are: boxed, centred by mass, whatever their size and place."""

import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from scipy import ndimage

from convlab import ConvlabError, data
from convlab.data import like_mnist


def stroke(side, points, width):
    """A drawing of round dots along points given as fractions of the side."""
    rows, columns = np.mgrid[:side, :side]
    dots = [(rows - r * side) ** 2 + (columns - c * side) ** 2 <= width**2 for r, c in points]
    return 255 * np.any(dots, axis=0).astype(np.uint8)


points = st.lists(st.tuples(st.floats(0.1, 0.9), st.floats(0.1, 0.9)), min_size=1, max_size=6)


@given(points, st.integers(40, 140), st.integers(2, 12))
def test_the_ink_fits_the_box_and_its_mass_is_in_the_middle(where, side, width):
    found = like_mnist(stroke(side, where, width))
    assert found.shape == (28, 28)
    assert found.dtype == np.uint8
    rows, columns = (np.flatnonzero(found.any(axis=axis)) for axis in (1, 0))
    extent = max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1
    assert 19 <= extent <= 20
    for axis, center in enumerate(ndimage.center_of_mass(found)):
        low, high = (rows, columns)[axis][[0, -1]]
        assert abs(center - 14) <= 0.5 + 1e-9 or low == 0 or high == 27


@given(points, st.integers(2, 6))
def test_neither_place_nor_size_of_the_drawing_matters(where, factor):
    drawing = stroke(48, where, 4)
    rows, columns = (np.flatnonzero(drawing.any(axis=axis)) for axis in (1, 0))
    inked = drawing[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    moved = np.pad(inked, ((30, 5), (2, 41)))
    np.testing.assert_array_equal(like_mnist(moved), like_mnist(drawing))
    larger = np.kron(drawing, np.ones((factor, factor), np.uint8))
    small, large = like_mnist(drawing).astype(float), like_mnist(larger)
    shifts = [(r, c) for r in (-1, 0, 1) for c in (-1, 0, 1)]  # the centre of mass may round to the next pixel
    assert min(np.abs(np.roll(large, shift, (0, 1)) - small).mean() for shift in shifts) < 12


def test_nothing_drawn_is_nothing_seen():
    assert not like_mnist(np.zeros((50, 60))).any()


@pytest.mark.parametrize("drawing", [np.zeros((3, 3, 3)), np.zeros(5), np.zeros((0, 4))])
def test_what_is_no_drawing_is_named(drawing):
    with pytest.raises(ConvlabError, match="drawing must be one grey image"):
        like_mnist(drawing)


@pytest.fixture(scope="module")
def mnist():
    """All 70,000 images."""
    path = os.environ.get("CONVLAB_MNIST")
    if not path:
        pytest.skip("the real MNIST is not here: CONVLAB_MNIST names no file")
    (train, _), (test, _) = data.load_mnist(path)
    return np.concatenate([train, test])


def extents(images):
    """The longer side of the box around the ink of each image."""
    sides = []
    for axis in (2, 1):
        ink = images.any(axis=axis)
        sides.append(28 - ink.argmax(axis=1) - ink[:, ::-1].argmax(axis=1))
    return np.maximum(*sides)


def centers(images):
    """The centre of mass of each image, in pixels counted from 0."""
    mass = images.sum(axis=(1, 2), dtype=float)
    return np.stack([images.sum(axis=axis, dtype=float) @ np.arange(28) / mass for axis in (2, 1)], axis=1)


def test_mnist_itself_is_boxed_and_centred_so(mnist):
    """What LeCun, Cortes and Burges say of it, and which pixel "the centre of the 28x28 field" is: (14, 14)."""
    assert (extents(mnist) == 20).mean() > 0.9997
    middle = centers(mnist)
    assert (np.abs(middle - 14) > 0.5 + 1e-6).any(axis=1).sum() == 2  # of 70,000
    np.testing.assert_allclose(middle.mean(axis=0), 14, atol=0.01)
    np.testing.assert_allclose(middle.std(axis=0), 12**-0.5, rtol=0.02)  # of a shift by whole pixels


def test_drawings_have_the_statistics_of_mnist(mnist):
    rng = np.random.default_rng(0)
    drawings = []
    for image in mnist[rng.choice(len(mnist), 500, replace=False)]:
        side = int(rng.integers(60, 200))
        margins = rng.integers(0, 60, (2, 2))
        large = Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC)
        drawings.append(like_mnist(np.pad(np.asarray(large), margins)))
    drawings = np.array(drawings)
    assert (extents(drawings) == 20).mean() > 0.99
    middle = centers(drawings)
    assert np.abs(middle - 14).max() <= 0.5 + 1e-6
    np.testing.assert_allclose(middle.mean(axis=0), 14, atol=0.05)  # a standard error is 0.013


@pytest.mark.parametrize("factor", [2, 5])
def test_images_of_mnist_come_back_as_they_were(mnist, factor):
    changed = []
    for image in mnist[-300:]:
        large = np.kron(image, np.ones((factor, factor), np.uint8))
        back = like_mnist(np.pad(large, ((9, 0), (0, 17))))
        changed.append(np.abs(back.astype(int) - image).max())
    changed = np.array(changed)
    assert (changed == 0).mean() > 0.6
    assert (changed <= 32).mean() > 0.97  # all but the soft rim, where there is one
