"""Every layer against its namesake in Keras: outputs, gradients, losses and weights, from random configurations."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from convlab import ConvlabError, layers

# a softmax over a single channel is 1 everywhere, which random layers may well ask for
pytestmark = pytest.mark.filterwarnings("ignore:You are using a softmax over axis -1 of a tensor of shape")
EXAMPLES = settings(max_examples=60, deadline=None)
pair = st.tuples(st.integers(1, 3), st.integers(1, 3))
activation = st.sampled_from([None, *sorted(layers.activations.FUNCTIONS)])
regularizer = st.sampled_from([None, "l1", "l2", {"class_name": "L1L2", "config": {"l1": 0.02, "l2": 0.03}}])
constraint = st.sampled_from(
    [None, "non_neg", "unit_norm", {"class_name": "MaxNorm", "config": {"max_value": 0.5, "axis": [0, 1, 2]}}]
)
bools = st.booleans()
seeds = st.integers(0, 2**32 - 1)


def windows(draw, strides=pair, dilation=pair):
    """Keyword arguments that all layers with a sliding kernel share, as Keras allows them."""
    arguments = {
        "kernel_size": draw(pair),
        "strides": draw(strides),
        "padding": draw(st.sampled_from(["valid", "same"])),
        "dilation_rate": draw(dilation),
        "activation": draw(activation),
        "use_bias": draw(bools),
        "bias_initializer": "random_normal",
        "bias_regularizer": draw(regularizer),
        "activity_regularizer": draw(regularizer),
        "bias_constraint": draw(st.sampled_from([None, "non_neg"])),
    }
    if max(arguments["strides"]) > 1:  # Keras takes only one of the two
        arguments["dilation_rate"] = (1, 1)
    return arguments


@st.composite
def conv2d(draw):
    groups = draw(st.integers(1, 3))
    arguments = windows(draw) | {
        "filters": groups * draw(st.integers(1, 3)),
        "groups": groups,
        "kernel_regularizer": draw(regularizer),
        "kernel_constraint": draw(constraint),
    }
    return "Conv2D", arguments, groups * draw(st.integers(1, 3))


@st.composite
def depthwise(draw):
    square = st.integers(1, 3).map(lambda n: (n, n))  # TensorFlow's depthwise strides must be equal
    arguments = windows(draw, square, square) | {
        "depth_multiplier": draw(st.integers(1, 3)),
        "depthwise_regularizer": draw(regularizer),
        "depthwise_constraint": draw(constraint),
    }
    return "DepthwiseConv2D", arguments, draw(st.integers(1, 4))


@st.composite
def separable(draw):
    square = st.integers(1, 3).map(lambda n: (n, n))
    arguments = windows(draw, square, square) | {
        "filters": draw(st.integers(1, 4)),
        "depth_multiplier": draw(st.integers(1, 3)),
        "depthwise_regularizer": draw(regularizer),
        "pointwise_regularizer": draw(regularizer),
        "pointwise_constraint": draw(constraint),
    }
    return "SeparableConv2D", arguments, draw(st.integers(1, 4))


@st.composite
def transposed(draw):
    arguments = windows(draw, dilation=st.just((1, 1))) | {
        "filters": draw(st.integers(1, 3)),
        "kernel_regularizer": draw(regularizer),
        "kernel_constraint": draw(constraint),
    }
    return "Conv2DTranspose", arguments, draw(st.integers(1, 3))


@st.composite
def pooling(draw):
    kind = draw(st.sampled_from(["MaxPooling2D", "AveragePooling2D", "GlobalMaxPooling2D", "GlobalAveragePooling2D"]))
    if kind.startswith("Global"):
        return kind, {"keepdims": draw(bools)}, draw(st.integers(1, 4))
    strides = draw(st.sampled_from([None, (1, 2), (2, 1), (3, 3)]))
    arguments = {"pool_size": draw(pair), "strides": strides, "padding": draw(st.sampled_from(["valid", "same"]))}
    return kind, arguments, draw(st.integers(1, 4))


@st.composite
def others(draw):
    dense = {
        "units": draw(st.integers(1, 5)),
        "activation": draw(activation),
        "use_bias": draw(bools),
        "kernel_regularizer": draw(regularizer),
        "bias_regularizer": draw(regularizer),
    }
    norm = {"center": draw(bools), "scale": draw(bools), "momentum": draw(st.sampled_from([0.9, 0.5])), "epsilon": 0.01}
    norm |= {"gamma_initializer": "random_uniform", "gamma_regularizer": draw(regularizer)}
    kind, arguments = draw(
        st.sampled_from(
            [
                ("Dense", dense),
                ("BatchNormalization", norm),
                ("Flatten", {}),
                ("Activation", {"activation": draw(activation)}),
            ]
        )
    )
    return kind, arguments, draw(st.integers(2, 4))


@st.composite
def padded(draw):
    sides = st.tuples(st.integers(0, 3), st.integers(0, 3))
    padding = draw(st.one_of(st.integers(0, 3), sides, st.tuples(sides, sides)))
    return "ZeroPadding2D", {"padding": padding}, draw(st.integers(1, 3))


@st.composite
def without_weights(draw):
    if draw(st.booleans()):
        return draw(padded())
    channels, numbers = draw(st.integers(2, 4)), st.floats(-3, 3)
    by_channel = st.lists(numbers, min_size=channels, max_size=channels)
    relu = {
        "max_value": draw(st.sampled_from([None, 6, 0.7])),
        "negative_slope": draw(st.sampled_from([0.0, 0.3])),
        "threshold": draw(st.sampled_from([0.0, 0.2])),
    }
    kind, arguments = draw(
        st.sampled_from(
            [
                ("ReLU", relu),
                ("Rescaling", {"scale": draw(numbers | by_channel), "offset": draw(numbers | by_channel)}),
                ("Softmax", {"axis": draw(st.sampled_from([-1, 1, 2, (1, 2), [1, 2, 3]]))}),
            ]
        )
    )
    return kind, arguments, channels


def check(kind, arguments, channels, size, batch, seed, training):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(batch, *size, channels))
    try:
        theirs = getattr(keras.layers, kind)(**arguments, dtype="float64")
        theirs.build((None, *x.shape[1:]))
        theirs(x)
    except (ValueError, tf.errors.OpError):  # a kernel larger than its input
        with pytest.raises(ConvlabError):
            getattr(layers, kind)(**arguments)(x)
        return
    ours = layers.from_keras(theirs)
    with tf.GradientTape() as tape:
        tape.watch(variable := tf.constant(x))
        expected = theirs(variable, training=training)
        upstream = rng.normal(size=expected.shape)
        total = tf.reduce_sum(expected * upstream) + sum(theirs.losses)
    assert ours.compute_output_shape((None, *x.shape[1:])) == (None, *expected.shape[1:])
    got = ours(x, training=training)
    np.testing.assert_allclose(got, expected, atol=1e-6)
    np.testing.assert_allclose(sum(ours.losses), float(sum(theirs.losses)), rtol=1e-5)
    dx, *gradients = tape.gradient(total, [variable, *theirs.trainable_weights])
    np.testing.assert_allclose(ours.backward(upstream), dx, atol=1e-6)
    for w, gradient in zip([w for w in ours.weights if w.trainable], gradients, strict=True):
        np.testing.assert_allclose(w.gradient, gradient, atol=1e-6, err_msg=w.name)
    for mine, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(mine, other, atol=1e-7)
    assert ours.count_params() == theirs.count_params()


sizes = st.tuples(st.integers(3, 8), st.integers(3, 8))


@pytest.mark.parametrize("kind", [conv2d, depthwise, separable, transposed, pooling, others, without_weights])
@EXAMPLES
@given(data=st.data(), size=sizes, batch=st.integers(1, 3), seed=seeds, training=bools)
def test_equal_to_keras(kind, data, size, batch, seed, training):
    check(*data.draw(kind()), size, batch, seed, training)


@EXAMPLES
@given(data=st.data(), size=sizes, seed=seeds)
def test_channels_first_is_the_same_with_its_axes_moved(data, size, seed):
    kinds = conv2d(), depthwise(), separable(), transposed(), pooling(), padded()
    kind, arguments, channels = data.draw(st.one_of(kinds))
    if arguments.get("activation") == "softmax":
        arguments["activation"] = None  # over the last axis, which is another one then
    rng, make = np.random.default_rng(seed), getattr(layers, kind)
    x = rng.normal(size=(2, *size, channels))
    last = make(**arguments, dtype="float64")
    first = make(**arguments, data_format="channels_first", dtype="float64")
    try:
        expected = last(x)
    except ConvlabError:
        assume(False)
    swapped = np.moveaxis(x, -1, 1)
    first.ensure_built(swapped.shape)
    first.set_weights(last.get_weights())
    y = first(swapped)
    back = np.moveaxis(y, 1, -1) if y.ndim == 4 else y
    np.testing.assert_allclose(back, expected, atol=1e-12)
    upstream = rng.normal(size=expected.shape)
    moved = np.moveaxis(upstream, -1, 1) if upstream.ndim == 4 else upstream
    np.testing.assert_allclose(np.moveaxis(first.backward(moved), 1, -1), last.backward(upstream), atol=1e-12)


def test_flatten_and_batch_normalization_of_channels_first():
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype("float32")
    np.testing.assert_array_equal(
        layers.Flatten("channels_first")(x), keras.layers.Flatten("channels_first")(x).numpy()
    )
    theirs = keras.layers.BatchNormalization(axis=1)
    ours = layers.BatchNormalization(axis=1)
    np.testing.assert_allclose(ours(x, training=True), theirs(x, training=True), atol=1e-5)
    np.testing.assert_allclose(ours(x), theirs(x), atol=1e-5)


def test_dropout_keeps_the_mean_and_drops_the_share():
    layers.set_random_seed(1)
    dropout, x = layers.Dropout(0.3), np.ones((200, 50, 4), "float32")
    y = dropout(x, training=True)
    assert abs((y == 0).mean() - 0.3) < 0.01  # 40,000 draws: four standard deviations
    np.testing.assert_allclose(y[y != 0], 1 / 0.7, rtol=1e-6)
    np.testing.assert_array_equal(dropout.backward(x), y)
    np.testing.assert_array_equal(dropout(x), x)
    np.testing.assert_array_equal(
        layers.Dropout(0.5, seed=3)(x, training=True), layers.Dropout(0.5, seed=3)(x, training=True)
    )
    assert not layers.Dropout(1)(x, training=True).any()


@pytest.mark.parametrize(("data_format", "map_axes"), [("channels_last", (1, 2)), ("channels_first", (2, 3))])
def test_spatial_dropout_drops_whole_maps(data_format, map_axes):
    theirs = keras.layers.SpatialDropout2D(0.3, data_format=data_format, seed=1)
    dropout = layers.from_keras(theirs)
    x = np.ones((60, 5, 4, 50) if data_format == "channels_last" else (60, 50, 5, 4), "float32")
    for y in (dropout(x, training=True), np.asarray(theirs(x, training=True))):
        maps = y.mean(axis=map_axes)
        np.testing.assert_array_equal(maps.min(), 0)
        np.testing.assert_allclose(y[y != 0], 1 / 0.7, rtol=1e-6)
        np.testing.assert_array_equal(y.min(axis=map_axes), y.max(axis=map_axes))
        assert abs((maps == 0).mean() - 0.3) < 0.035  # 3,000 draws: four standard deviations
    y = dropout(x, training=True)
    np.testing.assert_array_equal(dropout.backward(x), y)
    np.testing.assert_array_equal(dropout(x), x)


def test_a_layer_without_weights_takes_what_cannot_be_multiplied_by_a_slope_of_zero():
    x = np.array([[-np.inf, np.inf, -1, 7]], "float32")
    np.testing.assert_array_equal(layers.ReLU()(x), keras.layers.ReLU()(x))
    np.testing.assert_array_equal(layers.ReLU(6)(x), keras.layers.ReLU(6)(x))


def test_strides_together_with_dilation_and_explicit_padding_go_beyond_keras():
    from convlab import conv2d as reference

    x = np.random.default_rng(0).normal(size=(1, 9, 8, 2)).astype("float32")
    layer = layers.Conv2D(3, (3, 2), strides=2, dilation_rate=2, padding=((1, 0), (2, 1)))
    kernel = layer(x) is not None and layer.get_weights()[0]
    expected = reference(x, kernel, strides=2, dilation=2, padding=((1, 0), (2, 1)))
    np.testing.assert_allclose(layer(x), expected, atol=1e-6)
    with pytest.raises(ConvlabError, match="only 'valid' and 'same'"):
        layers.Sequential([layers.Input((9, 8, 2)), layer]).to_keras()
