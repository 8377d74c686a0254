"""Moved images are what SciPy makes of them, and stay within what was asked."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from convlab import ConvlabError
from convlab.models.augment import RandomAffine, resample

sizes = st.integers(1, 9)
seeds = st.integers(0, 2**32)


@given(st.tuples(sizes, sizes, sizes, st.integers(1, 3)), seeds)
def test_resampling_equals_scipy(shape, seed):
    random = np.random.default_rng(seed)
    images = random.integers(0, 256, shape).astype(random.choice([np.uint8, np.float32]))
    matrices = random.normal(0, 1, (shape[0], 2, 2)).astype(np.float32)
    shifts = random.normal(0, 4, (shape[0], 2)).astype(np.float32)
    found = resample(images, matrices, shifts)
    assert found.dtype == np.float32
    middle = (np.array(shape[1:3]) - 1) / 2
    for image, matrix, shift, one in zip(images, matrices, shifts, found, strict=True):
        offset = middle - matrix @ middle + shift
        for channel in range(shape[3]):
            # in an empty frame, for SciPy gives 0 for all that is not between two pixels
            framed = np.pad(image[:, :, channel].astype(float), 1)
            want = ndimage.affine_transform(framed, matrix, offset + 1, output_shape=shape[1:3], order=1)
            np.testing.assert_allclose(one[:, :, channel], want, atol=0.01)


def test_nothing_asked_is_nothing_done():
    images = np.random.default_rng(0).integers(0, 256, (3, 5, 8, 2), dtype=np.uint8)
    np.testing.assert_allclose(RandomAffine()(images, np.random.default_rng(1)), images, atol=1e-3)


@given(st.floats(0, 180), st.floats(0, 0.9), st.floats(0, 1), st.floats(0, 5), seeds)
def test_amounts_stay_in_their_ranges(rotation, zoom, shear, shift, seed):
    matrices, shifts = RandomAffine(rotation, zoom, shear, shift).draw(50, np.random.default_rng(seed))
    assert np.abs(shifts).max() <= shift * (1 + 1e-6)
    areas = np.linalg.det(matrices)  # a rotation and a shear keep areas
    low, high = (1 + zoom) ** -2, (1 - zoom) ** -2
    assert areas.min() >= low * 0.999
    assert areas.max() <= high * 1.001
    if zoom == shear == 0:
        angles = np.rad2deg(np.arctan2(matrices[:, 1, 0], matrices[:, 0, 0]))
        assert np.abs(angles).max() <= rotation * 1.001 + 1e-4


def test_a_shift_moves_what_is_seen():
    image = np.zeros((1, 6, 7, 1), np.uint8)
    image[0, 2, 3] = 200
    found = resample(image, np.eye(2, dtype=np.float32)[np.newaxis], np.array([[-1, 2]], np.float32))
    assert found[0, 3, 1, 0] == pytest.approx(200, abs=0.5)
    assert found.sum() == pytest.approx(200, abs=1)


def test_a_shear_moves_rows_more_and_more():
    matrices, _ = RandomAffine(shear=0.5).draw(4, np.random.default_rng(0))
    np.testing.assert_allclose(matrices[:, 0], np.tile([1, 0], (4, 1)))
    np.testing.assert_allclose(matrices[:, 1, 1], 1)
    assert np.all(np.abs(matrices[:, 1, 0]) > 0)


def test_the_same_generator_gives_the_same_images():
    images = np.random.default_rng(0).random((4, 6, 5, 1), np.float32)
    change = RandomAffine(10, 0.1, 0.1, 2)
    first, again = (change(images, np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, change(images, np.random.default_rng(8)))
    assert not np.allclose(first[0] - images[0], first[1] - images[1])


@pytest.mark.parametrize("wrong", [{"shift": -1}, {"zoom": 1}, {"rotation": float("nan")}, {"shear": float("inf")}])
def test_impossible_amounts_are_refused(wrong):
    with pytest.raises(ConvlabError, match=f"{next(iter(wrong))} must be"):
        RandomAffine(**wrong)


def test_images_without_channels_are_refused():
    with pytest.raises(ConvlabError, match="add a channel axis"):
        RandomAffine()(np.zeros((3, 28, 28)), np.random.default_rng(0))
