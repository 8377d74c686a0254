"""Shapes and parameter counts equal those of Keras' layers."""

import keras
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from convlab.errors import ConvlabError
from convlab.geometry import ConvSpec, DepthwiseSpec, PoolSpec, SeparableSpec, TransposeSpec

SETTINGS = settings(max_examples=300)
PAIR = st.tuples(st.integers(1, 5), st.integers(1, 5))
SIZES = st.tuples(st.integers(1, 20), st.integers(1, 20))
FORMATS = st.sampled_from(["channels_last", "channels_first"])
PADDING = st.sampled_from(["valid", "same"])


@st.composite
def layers(draw, with_dilation=True):
    """(kernel size, arguments) that Keras takes: strides or dilation, not both."""
    strides, dilation = draw(PAIR), (1, 1)
    if with_dilation and draw(st.booleans()):
        strides, dilation = (1, 1), draw(PAIR)
    geometry = {"strides": strides, "padding": draw(PADDING), "data_format": draw(FORMATS)}
    return draw(PAIR), geometry, dilation


def has_output(layer, shape):
    """Whether Keras finds at least one place for the kernel."""
    try:
        return min(layer.compute_output_shape((None, *shape))[1:]) > 0
    except ValueError:
        return False


def compare(spec, layer, size, channels, data_format, *, parameters=True):
    """Our shape and count against the layer's; what we refuse, Keras must not be able to compute either."""
    shape = (*size, channels) if data_format == "channels_last" else (channels, *size)
    try:
        ours = spec.output_shape(shape)
    except ConvlabError:
        assert not has_output(layer, shape)
        return
    assert (None, *ours) == tuple(layer.compute_output_shape((None, *shape)))
    if parameters:
        layer.build((None, *shape))
        assert spec.parameters(shape) == layer.count_params()


@SETTINGS
@given(layers(), SIZES, st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), st.booleans())
def test_convolution(layer, size, groups, depth, multiple, use_bias):
    kernel, geometry, dilation = layer
    more = {"groups": groups, "use_bias": use_bias}
    spec = ConvSpec(kernel, groups * multiple, dilation=dilation, **geometry, **more)
    theirs = keras.layers.Conv2D(groups * multiple, kernel, dilation_rate=dilation, **geometry, **more)
    compare(spec, theirs, size, groups * depth, geometry["data_format"])


@SETTINGS
@given(layers(), SIZES, st.integers(1, 4), st.integers(1, 3), st.booleans())
def test_depthwise(layer, size, channels, multiplier, use_bias):
    kernel, geometry, dilation = layer
    more = {"depth_multiplier": multiplier, "use_bias": use_bias}
    spec = DepthwiseSpec(kernel, dilation=dilation, **geometry, **more)
    theirs = keras.layers.DepthwiseConv2D(kernel, dilation_rate=dilation, **geometry, **more)
    compare(spec, theirs, size, channels, geometry["data_format"])


@SETTINGS
@given(layers(), SIZES, st.integers(1, 4), st.integers(1, 3), st.integers(1, 5), st.booleans())
def test_separable(layer, size, channels, multiplier, filters, use_bias):
    kernel, geometry, dilation = layer
    more = {"depth_multiplier": multiplier, "use_bias": use_bias}
    spec = SeparableSpec(kernel, filters, dilation=dilation, **geometry, **more)
    theirs = keras.layers.SeparableConv2D(filters, kernel, dilation_rate=dilation, **geometry, **more)
    compare(spec, theirs, size, channels, geometry["data_format"])


@SETTINGS
@given(layers(), SIZES, st.integers(1, 4), st.integers(1, 5), st.booleans(), st.data())
def test_transposed(layer, size, channels, filters, use_bias, data):
    kernel, geometry, dilation = layer
    extra = data.draw(st.none() | st.tuples(*(st.integers(0, s - 1) for s in geometry["strides"])))
    more = {"output_padding": extra, "use_bias": use_bias}
    spec = TransposeSpec(kernel, filters, dilation=dilation, **geometry, **more)
    theirs = keras.layers.Conv2DTranspose(filters, kernel, dilation_rate=dilation, **geometry, **more)
    compare(spec, theirs, size, channels, geometry["data_format"])


@SETTINGS
@given(layers(with_dilation=False), SIZES, st.integers(1, 4), st.booleans())
def test_pooling(layer, size, channels, default_strides):
    window, geometry, _ = layer
    if default_strides:
        geometry = geometry | {"strides": None}
    assume(geometry["padding"] == "same" or all(n >= k for n, k in zip(size, window, strict=True)))
    theirs = keras.layers.MaxPooling2D(window, **geometry)
    compare(PoolSpec(window, **geometry), theirs, size, channels, geometry["data_format"], parameters=False)
