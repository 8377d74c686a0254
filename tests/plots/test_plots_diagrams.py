"""Diagrams of padding, strides, receptive fields and training: what is drawn is counted another way."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle
from numpy.lib.stride_tricks import sliding_window_view

from convlab import ConvlabError, ConvSpec, plots, receptive_field
from convlab.geometry import BatchNormSpec, PoolSpec

small = st.tuples(st.integers(5, 9), st.integers(5, 9))
kernels = st.tuples(st.integers(1, 3), st.integers(1, 3))
steps = st.tuples(st.integers(1, 4), st.integers(1, 4))
paddings = st.sampled_from(["valid", "same", ((1, 0), (0, 2))])


def texts(ax):
    """{(row, column): text} of a grid."""
    return {(round(t.get_position()[1]), round(t.get_position()[0])): t.get_text() for t in ax.texts}


def windows(size, kernel, strides, padding):
    """(row, column) of the padded pixels that each window reads, and the padding before, by NumPy's own windows."""
    pads = ConvSpec(kernel, strides=strides, padding=padding).pads(size)
    shape = [n + sum(p) for n, p in zip(size, pads, strict=True)]
    pixels = np.arange(shape[0] * shape[1]).reshape(shape)
    taken = sliding_window_view(pixels, kernel)[:: strides[0], :: strides[1]]
    return taken.reshape(*taken.shape[:2], -1), shape, (pads[0][0], pads[1][0])


@settings(max_examples=25, deadline=None)
@given(size=small, kernel=kernels, strides=steps, padding=paddings)
def test_padding_counts_what_windows_read(size, kernel, strides, padding):
    taken, shape, (top, left) = windows(size, kernel, strides, padding)
    counts = Counter(taken.ravel().tolist())
    before, after = plots.padding(size, kernel, padding=padding, strides=strides).figure.axes
    expected = {
        (top + i, left + j): str(counts[(top + i) * shape[1] + left + j])
        for i in range(size[0])
        for j in range(size[1])
    }
    assert texts(before) == expected
    inside = np.zeros(shape, bool)
    inside[top : top + size[0], left : left + size[1]] = True
    zeros = (~inside.ravel()[taken]).sum(axis=2)
    assert texts(after) == {place: str(count) for place, count in np.ndenumerate(zeros)}


@settings(max_examples=25, deadline=None)
@given(size=small, kernel=kernels, strides=steps, padding=paddings)
def test_strides_number_each_window_where_it_starts(size, kernel, strides, padding):
    taken, shape, (top, left) = windows(size, kernel, strides, padding)
    drawing = plots.strides(size, kernel, strides, padding=padding)
    before, after = drawing.figure.axes
    starts = {
        divmod(int(pixels[0]), shape[1]): str(k + 1) for k, pixels in enumerate(taken.reshape(-1, taken.shape[2]))
    }
    assert texts(before) == starts
    assert list(texts(after).values()) == list(starts.values())
    read = set(taken.ravel().tolist())
    crossed = {(round(np.mean(line.get_ydata())), round(np.mean(line.get_xdata()))) for line in before.lines}
    inside = {(top + i, left + j) for i in range(size[0]) for j in range(size[1])}
    assert crossed == {(i, j) for i, j in inside if i * shape[1] + j not in read}


layers = st.builds(
    ConvSpec,
    kernels,
    strides=st.tuples(st.integers(1, 2), st.integers(1, 2)),
    padding=st.sampled_from(["valid", "same"]),
) | st.builds(ConvSpec, kernels, dilation=st.integers(1, 3), padding=st.just("same"))


@settings(max_examples=25, deadline=None)
@given(stack=st.lists(layers, min_size=1, max_size=3), axis=st.sampled_from([0, 1]))
def test_the_marked_pixels_are_those_that_move_the_output(stack, axis):
    """Change one pixel at a time, and see which change the chosen cell of a network of positive kernels."""
    from convlab import conv2d

    size, rng = (24, 21), np.random.default_rng(0)
    kernels = [rng.uniform(1, 2, (*layer.kernel_size, 1, 1)) for layer in stack]

    def network(x):
        for layer, kernel in zip(stack, kernels, strict=True):
            x = conv2d(x, kernel, strides=layer.strides, padding=layer.padding, dilation=layer.dilation)
        return x[:, :, :, 0]

    ones = np.zeros((size[axis], *size, 1))
    for i in range(size[axis]):
        np.moveaxis(ones[i], axis, 0)[i] = 1
    moved = network(ones)
    moved = np.moveaxis(moved, 1 + axis, 1)[:, moved.shape[1 + axis] // 2].reshape(size[axis], -1).any(axis=1)
    drawing = plots.receptive_field(stack, size, axis=axis)
    (ax,) = drawing.figure.axes
    strong = {to_hex(plots.style.ROLES["input"].strong)}
    boxes = [p for p in ax.patches if isinstance(p, Rectangle) and to_hex(p.get_facecolor()) in strong]
    assert sorted(round(p.get_x() + 0.45) for p in boxes) == np.flatnonzero(moved).tolist()
    field = receptive_field(stack, (*size, 1))
    assert f"spans {field.size[axis]} pixels" in drawing.alt
    assert f"lie {field.jump[axis]} apart" in drawing.alt


def test_history_draws_every_number_it_is_given():
    given = {"loss": [0.9, 0.5, 0.4], "val_loss": [0.8, 0.6, 0.55], "accuracy": [0.5, 0.8, 0.7]}
    drawing = plots.history(given)
    loss, accuracy = drawing.figure.axes
    drawn = {line.get_label(): line.get_ydata().tolist() for line in loss.lines}
    assert drawn == {"training": given["loss"], "validation": given["val_loss"]}
    assert accuracy.lines[0].get_ydata().tolist() == given["accuracy"]
    assert "highest 0.8 in epoch 2" in drawing.alt
    assert "val_loss: from 0.8 to 0.55, lowest 0.55 in epoch 3" in drawing.alt


def test_history_takes_what_fit_of_keras_gives():
    import keras

    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    fitted = model.fit(np.ones((4, 3)), np.ones((4, 1)), epochs=3, verbose=0)
    (ax,) = plots.history(fitted).figure.axes
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), fitted.history["loss"])


def test_feature_maps_share_one_scale_with_zero_in_the_middle():
    rng = np.random.default_rng(0)
    maps = rng.normal(size=(1, 6, 9, 3)) * [0.1, 1, 5]
    drawing = plots.feature_maps(maps)
    assert len(drawing.figure.axes) == 3
    for c, ax in enumerate(drawing.figure.axes):
        (picture,) = ax.images
        np.testing.assert_array_equal(picture.get_array(), maps[0, :, :, c])
        low, high = picture.get_clim()
        assert low == -high == -np.abs(maps).max()
    (first, *_) = plots.feature_maps(np.abs(maps)).figure.axes
    assert first.images[0].get_clim() == (0, np.abs(maps).max())


def test_images_keep_to_the_limits_they_are_given():
    drawing = plots.images({"a": [[0, 5], [1, 2]], "b": [[-3, 0.5]]}, limits=(-1, 1))
    assert {ax.images[0].get_clim() for ax in drawing.figure.axes} == {(-1, 1)}
    assert drawing.alt.endswith("Black is -1, white is 1.")


@pytest.mark.parametrize(
    ("draw", "words"),
    [
        (lambda: plots.padding(40, 3), "at most 32 x 32"),
        (lambda: plots.padding(2, 3, padding="valid"), "kernel"),
        (lambda: plots.strides((5, 5), 3, 0), "strides"),
        (lambda: plots.receptive_field([ConvSpec(3), BatchNormSpec()], 8), "BatchNormSpec"),
        (lambda: plots.receptive_field(ConvSpec(3), 65), "at most 64"),
        (lambda: plots.receptive_field([PoolSpec(2)] * 5, 8), "height"),
        (lambda: plots.receptive_field(ConvSpec(3), 8, axis=2), "axis"),
        (lambda: plots.history({}), "dict such as"),
        (lambda: plots.history([1, 2]), "dict such as"),
        (lambda: plots.history({"loss": []}), "one number an epoch"),
        (lambda: plots.history({"loss": ["a"]}), "one number an epoch"),
        (lambda: plots.history({"loss": [1, 2], "val_loss": [1, 2, 3]}), "3 epochs, but training has 2"),
        (lambda: plots.feature_maps(np.zeros((2, 5, 5, 3))), "choose one image"),
        (lambda: plots.feature_maps(np.zeros((5, 5, 65))), "at most 64"),
        (lambda: plots.images(np.eye(2), limits=(1, 0)), "low below high"),
        (lambda: plots.images(np.eye(2), limits=3), "low below high"),
    ],
)
def test_what_cannot_be_drawn_is_said(draw, words):
    with pytest.raises(ConvlabError, match=words):
        draw()
