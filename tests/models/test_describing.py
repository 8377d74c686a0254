"""The table of a model says what Keras says, and counts and sees what TensorFlow and gradients do."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convlab import ConvlabError, layers
from convlab.models import NETWORKS, build, describing
from convlab.models.describing import describe

keras = pytest.importorskip("keras", reason="Keras is not installed")
L = keras.layers
PAIR = st.tuples(st.integers(1, 3), st.integers(1, 3))
SQUARE = st.integers(1, 3).map(lambda n: (n, n))  # TensorFlow's depthwise strides must be equal
EVEN = st.sampled_from([2, 4, 6])
PADDING, BOOLS = st.sampled_from(["valid", "same"]), st.booleans()


def window(draw, strides=PAIR, dilation=True):
    """What sliding layers share; Keras takes strides or dilation, not both."""
    one = (1, 1)
    strides, rate = (one, draw(strides)) if dilation and draw(BOOLS) else (draw(strides), one)
    more = {"use_bias": draw(BOOLS), "activation": draw(st.sampled_from([None, "relu"]))}
    return {"kernel_size": draw(PAIR), "strides": strides, "dilation_rate": rate, "padding": draw(PADDING)} | more


def pool(draw):
    return {"pool_size": draw(PAIR), "strides": draw(st.none() | PAIR), "padding": draw(PADDING)}


def separable(draw):
    return window(draw, SQUARE) | {"filters": draw(EVEN), "depth_multiplier": draw(st.integers(1, 2))}


ARGUMENTS = {  # of layers that take maps and give maps, whose channels stay a multiple of 2
    "Conv2D": lambda draw: window(draw) | {"filters": draw(EVEN), "groups": draw(st.integers(1, 2))},
    "DepthwiseConv2D": lambda draw: window(draw, SQUARE) | {"depth_multiplier": draw(st.integers(1, 3))},
    "SeparableConv2D": separable,
    "Conv2DTranspose": lambda draw: window(draw, dilation=False) | {"filters": draw(EVEN)},
    "ZeroPadding2D": lambda draw: {"padding": draw(st.integers(0, 2) | st.tuples(PAIR, PAIR))},
    "MaxPooling2D": pool,
    "AveragePooling2D": pool,
    "SpatialDropout2D": lambda draw: {"rate": 0.3},
    "BatchNormalization": lambda draw: {"center": draw(BOOLS), "scale": draw(BOOLS)},
    "Rescaling": lambda draw: {"scale": 0.5},
    "Activation": lambda draw: {"activation": "tanh"},
    "Dropout": lambda draw: {"rate": 0.3},
    "ReLU": lambda draw: {},
    "LeakyReLU": lambda draw: {},
    "ELU": lambda draw: {},
    "Softmax": lambda draw: {},
    "Dense": lambda draw: {"units": draw(EVEN), "use_bias": draw(BOOLS)},  # at each pixel
}
WITHOUT_FORMAT = list(ARGUMENTS)[list(ARGUMENTS).index("BatchNormalization") :]


@st.composite
def stacks(draw, first):
    """(input shape, layers as kinds and arguments): of maps, then of a row of numbers."""
    form = {} if first == "Dense" else {"data_format": draw(st.sampled_from(["channels_last", "channels_first"]))}
    channels_last = form.get("data_format") != "channels_first"
    kinds = [kind for kind in ARGUMENTS if channels_last or kind != "Dense"]
    size, channels = draw(st.tuples(st.integers(4, 9), st.integers(4, 9))), draw(st.sampled_from([2, 4]))
    stack = []
    for kind in [first, *draw(st.lists(st.sampled_from(kinds), max_size=4))]:
        more = {} if kind in WITHOUT_FORMAT else form
        more = {"axis": -1 if channels_last else 1} if kind == "BatchNormalization" else more
        stack.append((kind, ARGUMENTS[kind](draw) | more))
    last = draw(st.sampled_from([None, "GlobalMaxPooling2D", "GlobalAveragePooling2D"]))
    stack += [(last, form | {"keepdims": draw(BOOLS)})] if last else []
    stack += [("Flatten", {}), *[("Dense", {"units": n}) for n in draw(st.lists(st.integers(1, 3), max_size=2))]]
    return (*size, channels) if channels_last else (channels, *size), stack


def chain_of(shape, stack):
    """The model; a layer whose window is larger than what is left is left out."""
    inputs = x = keras.Input(shape)
    for kind, arguments in stack:
        one = getattr(L, kind)(**arguments)
        try:
            x = one(x)
        except ValueError:
            continue
    return keras.Model(inputs, x)


@pytest.mark.parametrize("first", ARGUMENTS)
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_shapes_and_parameters_are_those_of_keras(first, data):
    model = chain_of(*data.draw(stacks(first)))
    table = describe(model)
    theirs = [one for one in model.layers if not isinstance(one, L.InputLayer)]
    assert [row.layer.split(":")[0] for row in table.rows] == [one.name for one in theirs]
    assert [row.output_shape for row in table.rows] == [one.output.shape[1:] for one in theirs]
    assert [row.parameters for row in table.rows] == [one.count_params() for one in theirs]
    assert [row.memory for row in table.rows] == [4 * np.prod(one.output.shape[1:]) for one in theirs]
    assert table.parameters == model.count_params()
    assert (None, *table.output_shape) == model.output_shape


def operations(model):
    """Multiplications and additions of convolutions and matrix products, as TensorFlow's profiler counts them."""
    tf = pytest.importorskip("tensorflow", reason="TensorFlow is not installed")
    from tensorflow.python.framework import ops
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    if keras.backend.backend() != "tensorflow":
        pytest.skip("the profiler counts what TensorFlow runs")
    concrete = tf.function(model).get_concrete_function(tf.TensorSpec((1, *model.input_shape[1:])))
    graph = convert_variables_to_constants_v2(concrete).graph
    kinds = ("Conv2D", "DepthwiseConv2dNative", "MatMul")
    nodes = [one.node_def for one in graph.get_operations() if one.type in kinds]
    return sum(ops.get_stats_for_node_def(graph, node, "flops").value for node in nodes)


def assorted():
    return keras.Sequential(
        [
            keras.Input((17, 12, 4)),
            L.Conv2D(6, (3, 2), strides=(1, 2), padding="same"),
            L.DepthwiseConv2D((2, 3), depth_multiplier=2),
            L.ZeroPadding2D(((1, 0), (0, 2))),
            L.SeparableConv2D(5, 3, strides=2, activation="relu"),
            L.Dense(7),
            L.Flatten(),
            L.Dense(3),
        ]
    )


@pytest.mark.parametrize("make", [assorted, *[lambda name=name: build(name) for name in ("classic", "separable")]])
def test_multiplications_are_those_that_tensorflow_does(make):
    model = make()
    assert describe(model).flops == operations(model)


def test_the_receptive_field_is_where_gradients_come_from():
    """All weights 1, one cell of the last map asked: numbers of the image with a gradient are those it sees."""
    model = keras.Sequential(
        [
            keras.Input((40, 37, 2)),
            L.Conv2D(2, (3, 2), dilation_rate=(2, 3), kernel_initializer="ones"),
            L.ZeroPadding2D(((2, 1), (3, 0))),
            L.AveragePooling2D((2, 3)),
            L.DepthwiseConv2D(3, strides=2, padding="same", depthwise_initializer="ones"),
        ]
    )
    field, (height, width, _) = describe(model).rows[-1].field, describe(model).output_shape
    twin = layers.from_keras(model)
    twin(np.ones((1, 40, 37, 2)))
    for row, column in ((3, 4), (0, 0), (2, 1)):
        upstream = np.zeros((1, height, width, 2))
        upstream[0, row, column] = 1
        seen = np.argwhere(twin.backward(upstream)[0].any(axis=-1))
        first = np.array(field.start) + np.array(field.jump) * (row, column)
        last = first + np.array(field.size) - 1
        np.testing.assert_array_equal(seen.min(axis=0), np.maximum(first, 0))
        np.testing.assert_array_equal(seen.max(axis=0), last)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_of_the_course_has_a_table(name):
    model = build(name, (33, 40, 3), 7)
    text = str(describe(model))
    assert f"{model.count_params():,}" in text.splitlines()[-1]
    assert all(one.name in text for one in model.layers[1:])


def test_models_in_a_model_stand_for_their_layers():
    inner = keras.Sequential([keras.Input((8, 9, 1)), L.Conv2D(2, 3, name="inner"), L.MaxPooling2D(2)])
    model = keras.Sequential([keras.Input((8, 9, 1)), inner, L.Flatten(), L.Dense(2)])
    table = describe(model)
    assert table.rows[0].layer == "inner: Conv 3 x 3, to 2"
    assert len(table.rows) == 4
    assert table.parameters == model.count_params()


def test_half_precision_takes_half_the_memory():
    def make(dtype):
        return keras.Sequential([keras.Input((6, 7, 1)), L.Conv2D(2, 3, dtype=dtype), L.Flatten(), L.Dense(3)])

    single, mixed = describe(make("float32")), describe(make("mixed_float16"))
    assert [row.memory for row in single.rows] == [4 * 40, 4 * 40, 4 * 3]
    assert [row.memory for row in mixed.rows] == [2 * 40, 4 * 40, 4 * 3]
    assert describe(make("mixed_bfloat16")).rows[0].memory == 2 * 40


def branched():
    inputs = keras.Input((6, 6, 2))
    x = L.Conv2D(2, 3, padding="same")(inputs)
    return keras.Model(inputs, L.Add(name="sum")([inputs, x]))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: keras.Sequential([L.Conv2D(2, 3)]), r"begin it with keras.Input\(shape\)"),
        (lambda: keras.Sequential([keras.Input((None, None, 1)), L.Conv2D(2, 3)]), "images of one size"),
        (lambda: keras.Sequential([keras.Input((4,)), L.Reshape((2, 2), name="fold")]), r"Reshape \(layer 'fold'\)"),
        (lambda: keras.Sequential([keras.Input((4, 5)), L.Dense(2)]), "needs a flat input"),
        (branched, "sum has 2 inputs"),
    ],
)  # fmt: skip
def test_what_has_no_table_is_named(make, words):
    with pytest.raises(ConvlabError, match=words):
        describe(make())


def test_a_table_that_keras_does_not_agree_with_is_not_shown(monkeypatch):
    monkeypatch.setitem(describing.SPECS, "Conv2D", lambda layer: describing.ConvSpec(3, 2, strides=2))
    with pytest.raises(ConvlabError, match=r"\(layer 'first'\) should give \(5, 6, 2\) .* bug in convlab"):
        describe(keras.Sequential([keras.Input((7, 8, 1)), L.Conv2D(2, 3, name="first")]))
