"""The numbers drawn are the numbers computed, and the words say the same."""

import numpy as np
import pytest
from scipy.signal import correlate2d

from convlab import ConvlabError, plots


def drawn(ax):
    return [text.get_text() for text in ax.texts]


def test_grid_shows_every_number():
    ax = plots.grid([[1, -2, 0.5], [4, 5, 6]], title="x").figure.axes[0]
    assert drawn(ax) == ["1", "-2", "0.5", "4", "5", "6"]


def test_step_draws_what_scipy_computes():
    rng = np.random.default_rng(0)
    x, kernel = rng.integers(-9, 9, (5, 7)), rng.integers(-3, 3, (3, 2))
    drawing = plots.step(x, kernel, (2, 4))
    expected = correlate2d(x, kernel, "valid")
    products = x[2:5, 4:6] * kernel
    _, _, product_ax, output_ax = drawing.figure.axes
    assert list(map(int, drawn(output_ax))) == expected.ravel().tolist()
    assert list(map(int, drawn(product_ax))) == products.ravel().tolist()
    assert f"the sum is {products.sum()}." in drawing.alt


def test_mime_bundle_carries_the_words_and_equal_bytes():
    data, metadata = plots.images({"a": np.eye(4)})._repr_mimebundle_()
    again, _ = plots.images({"a": np.eye(4)})._repr_mimebundle_()
    assert metadata["image/png"]["alt"] == data["text/plain"]
    assert "4 x 4" in data["text/plain"]
    assert data["image/png"] == again["image/png"]


@pytest.mark.parametrize(
    "draw",
    [
        lambda: plots.grid([1, 2]),
        lambda: plots.grid(np.zeros((2, 2, 2))),
        lambda: plots.grid(np.zeros((0, 2))),
        lambda: plots.grid(np.zeros((33, 2))),
        lambda: plots.grid(np.eye(2), role="pink"),
        lambda: plots.grid(np.eye(2), highlight=(2, 0)),
        lambda: plots.step(np.eye(3), np.eye(2), (2, 0)),
        lambda: plots.step(np.eye(3), np.eye(2), 1),
        lambda: plots.images([]),
        lambda: plots.images({"a": np.eye(2)}, titles=["b"]),
        lambda: plots.images([np.eye(2)], titles=["b", "c"]),
        lambda: plots.kernels(np.zeros((3, 3, 2))),
    ],
)
def test_bad_input_is_a_convlab_error(draw):
    with pytest.raises(ConvlabError):
        draw()


def test_every_run_is_a_dot_and_the_mean_a_bar():
    results = {"one way": [0.9, 0.95, 0.91], "another": [0.5]}
    drawing = plots.spread(results, "accuracy")
    assert "one way: mean 0.92, from 0.9 to 0.95 in 3 runs; another: mean 0.5, from 0.5 to 0.5 in 1 runs" in drawing.alt
    lines = drawing.figure.axes[0].lines
    np.testing.assert_allclose(np.concatenate([line.get_xdata() for line in lines[::2]]), [0.9, 0.95, 0.91, 0.5])
    np.testing.assert_allclose([line.get_xdata()[0] for line in lines[1::2]], [0.92, 0.5])
    for wrong in ({}, [1, 2], {"a": []}, {"a": [float("nan")]}, {"a": [[1], [2]]}):
        with pytest.raises(ConvlabError, match=r"results must be|must have one finite number"):
            plots.spread(wrong)
