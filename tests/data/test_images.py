"""Test images: what they are said to be, and shrunk as SciPy would."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import uniform_filter
from sklearn.datasets import load_sample_image

from convlab import ConvlabError
from convlab.data import IMAGES, image


@pytest.mark.parametrize("name", IMAGES)
def test_every_image_is_float32_between_black_and_white(name):
    grey, color = image(name), image(name, color=True)
    assert grey.dtype == color.dtype == np.float32
    assert grey.shape[0] != grey.shape[1]
    assert color.shape == (*grey.shape, 3)
    assert 0 <= grey.min() < 0.1
    assert 0.8 < grey.max() <= 1
    np.testing.assert_array_equal(image(name), grey)


def test_photographs_are_scikit_learns():
    np.testing.assert_allclose(image("china", color=True), load_sample_image("china.jpg") / 255, rtol=1e-6)


def test_grey_is_as_bright_as_pillow_says():
    from PIL import Image

    expected = np.asarray(Image.fromarray(load_sample_image("flower.jpg")).convert("L"))
    np.testing.assert_allclose(image("flower") * 255, expected, atol=0.51)


def test_the_letter_shows_every_flip_and_turn():
    letter = image("letter")
    for other in (letter[::-1], letter[:, ::-1], letter[::-1, ::-1]):
        assert not np.array_equal(letter, other)


@given(name=st.sampled_from(["letter", "rings", "flower"]), factor=st.integers(2, 48), color=st.booleans())
def test_shrink_averages_blocks(name, factor, color):
    full = image(name, color=color).astype(float)
    small = image(name, color=color, shrink=factor)
    rows, columns = full.shape[0] // factor, full.shape[1] // factor
    size = (factor, factor, 0)[: full.ndim] if full.ndim == 2 else (factor, factor, 1)
    means = uniform_filter(full, size, origin=(-(factor // 2), -(factor // 2), 0)[: full.ndim])
    if (
        factor % 2
    ):  # uniform_filter is centred: for odd windows the block that starts at i is centred at i + factor // 2
        np.testing.assert_allclose(small, means[: rows * factor : factor, : columns * factor : factor], atol=1e-5)
    assert small.shape[:2] == (rows, columns)
    np.testing.assert_allclose(small.mean(), full[: rows * factor, : columns * factor].mean(), atol=1e-5)


@pytest.mark.parametrize("shrink", [0, -1, 49, 1.5, "2", True, None])
def test_an_impossible_shrink_is_refused(shrink):
    if shrink is True:
        assert image("letter", shrink=True).shape == (48, 64)
        return
    with pytest.raises(ConvlabError, match=r"shrink must be a whole number from 1 to 48 .* 48 x 64"):
        image("letter", shrink=shrink)


def test_an_unknown_image_is_refused_with_the_known():
    with pytest.raises(ConvlabError, match=r"'lena': choose one of 'letter', .*'flower'"):
        image("lena")


def test_a_missing_library_is_named_with_its_remedy():
    code = "import sys; sys.modules['sklearn'] = None\nfrom convlab.data import image\nimage('china')"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.stderr.splitlines()[-1].startswith("convlab.errors.ConvlabError: sklearn is needed here")
    assert 'pip install "convlab[course]"' in run.stderr
