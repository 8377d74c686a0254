"""The small digits: scikit-learn's own, dealt into two parts, and enlarged without being moved."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import center_of_mass
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from convlab import ConvlabError
from convlab.data import digits


def test_every_digit_of_scikit_learn_is_there_once():
    (x, y), (x_test, y_test) = digits()
    assert (x.shape, x_test.shape) == ((1437, 8, 8), (360, 8, 8))
    assert x.dtype == x_test.dtype == y.dtype == y_test.dtype == np.uint8
    ours = np.column_stack([np.concatenate([x, x_test]).reshape(1797, -1), np.concatenate([y, y_test])])
    bunch = load_digits()
    theirs = np.column_stack([np.rint(bunch.data * 255 / 16), bunch.target])
    np.testing.assert_array_equal(ours[np.lexsort(ours.T)], theirs[np.lexsort(theirs.T)])


def test_each_digit_has_its_share_of_both_parts_and_they_never_change():
    (x, y), (_, y_test) = digits()
    np.testing.assert_allclose(np.bincount(y_test) / 360, np.bincount(y) / 1437, atol=0.003)
    np.testing.assert_array_equal(digits()[0][0], x)


@settings(max_examples=8, deadline=None)
@given(size=st.integers(9, 40))
def test_larger_digits_keep_their_shape_and_their_place(size):
    (small, y), _ = digits()
    (large, y_large), _ = digits(size)
    assert large.shape == (1437, size, size)
    np.testing.assert_array_equal(y, y_large)
    inner = max(8, round(size * 20 / 28))
    for before, after in zip(small[:50].astype(float), large[:50].astype(float), strict=True):
        centre = (np.array(center_of_mass(before)) + 0.5) * inner / 8 + (size - inner) // 2 - 0.5
        np.testing.assert_allclose(center_of_mass(after), centre, atol=0.35 * inner / 8)
        assert after.mean() * size**2 / inner**2 == pytest.approx(before.mean(), rel=0.12)


def test_enlarged_digits_can_still_be_told_apart():
    (x, y), (x_test, y_test) = digits(28)
    model = LogisticRegression(max_iter=300).fit(x.reshape(len(x), -1) / 255, y)
    assert model.score(x_test.reshape(len(x_test), -1) / 255, y_test) > 0.93


@pytest.mark.parametrize("size", [7, 0, -28, 28.0, "28", None, True])
def test_an_impossible_size_is_refused(size):
    with pytest.raises(ConvlabError, match="size must be a whole number of pixels from 8 on"):
        digits(size)
