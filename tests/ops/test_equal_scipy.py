"""correlate2d and convolve2d equal SciPy's for one 2-D image."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from convlab import ops

SIZES = st.tuples(*[st.integers(1, 12)] * 2)


@pytest.mark.parametrize("name", ["correlate2d", "convolve2d"])
@settings(max_examples=2000)
@given(image=SIZES, kernel=SIZES, seed=st.integers(0, 2**32 - 1), steps=SIZES)
def test_image(name, image, kernel, seed, steps):
    """SciPy's "full" is our padding by one less than the kernel; strides take every so-many-th of it."""
    rng = np.random.default_rng(seed)
    image, kernel = rng.normal(size=image), rng.normal(size=kernel)
    padding = tuple(k - 1 for k in kernel.shape)
    ours = getattr(ops, name)(image, kernel, padding=padding, strides=steps)
    expected = getattr(signal, name)(image, kernel, mode="full")[:: steps[0], :: steps[1]]
    np.testing.assert_allclose(ours, expected, atol=1e-12)
    if all(k <= n for k, n in zip(kernel.shape, image.shape, strict=True)):
        expected = getattr(signal, name)(image, kernel, mode="valid")
        np.testing.assert_allclose(getattr(ops, name)(image, kernel), expected, atol=1e-12)
