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


def test_images_of_mnist_stay_as_they_are():
    path = os.environ.get("CONVLAB_MNIST")
    if not path:
        pytest.skip("the real MNIST is not here: CONVLAB_MNIST names no file")
    (images, _), _ = data.load_mnist(path)
    errors = []
    for image in images[:300]:
        drawing = np.asarray(Image.fromarray(image).resize((112, 112), Image.Resampling.BILINEAR))
        errors.append(np.abs(like_mnist(np.pad(drawing, ((9, 0), (0, 17)))).astype(float) - image).mean())
    assert np.median(errors) < 8  # of 255, over the whole field
    centers = np.array([ndimage.center_of_mass(image) for image in images[:300]])
    assert np.abs(centers - 14).max() <= 0.5  # MNIST itself is centred so
