"""Models: trained step by step like Keras', taken over from Keras and given back, and learning real digits."""

import subprocess
import sys

import keras
import numpy as np
import pytest

from convlab import ConvlabError, layers, plots
from convlab.data import digits

L = keras.layers


def keras_model(*more, dtype="float64"):
    keras.utils.set_random_seed(3)
    return keras.Sequential(
        [
            keras.Input((9, 7, 2)),
            L.Conv2D(4, (3, 2), strides=(1, 2), padding="same", use_bias=False, kernel_regularizer="l2", dtype=dtype),
            L.BatchNormalization(dtype=dtype),
            L.Activation("relu", dtype=dtype),
            L.MaxPooling2D((2, 1), dtype=dtype),
            L.DepthwiseConv2D(2, depth_multiplier=2, activation="tanh", activity_regularizer="l2", dtype=dtype),
            L.SeparableConv2D(5, 2, padding="same", activation="elu", dtype=dtype),
            L.Conv2DTranspose(3, (2, 3), strides=2, kernel_constraint="non_neg", dtype=dtype),
            L.AveragePooling2D(2, padding="same", dtype=dtype),
            *more,
            L.Flatten(dtype=dtype),
            L.Dense(6, activation="softplus", bias_regularizer="l1", dtype=dtype),
            L.Dense(3, dtype=dtype),
        ]
    )


def data(count=13, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, 9, 7, 2)), rng.integers(0, 3, count)


@pytest.fixture
def double():
    """Keras in float64, its losses included, so that a difference is a mistake and not rounding."""
    keras.config.set_floatx("float64")
    yield
    keras.config.set_floatx("float32")


@pytest.mark.parametrize("frozen", [[], [0, 1, 6]])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_training_gives_the_same_numbers_as_keras(double, optimizer, frozen):
    theirs, (x, y) = keras_model(), data()
    for place in frozen:
        theirs.layers[place].trainable = False
    ours = layers.from_keras(theirs)
    assert [w.name for w in ours.layers[1].weights] == ["kernel"]
    start = ours.get_weights()
    theirs.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    ours.compile(optimizer, layers.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    held_out = data(6, seed=1)
    settings = dict(batch_size=5, epochs=4, shuffle=False, validation_data=held_out)
    expected, got = theirs.fit(x, y, verbose=0, **settings).history, ours.fit(x, y, **settings).history
    assert set(got) == set(expected)
    for name in expected:
        np.testing.assert_allclose(got[name], expected[name], rtol=1e-6, err_msg=name)
    for mine, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(mine, other, atol=1e-6)
    moved = [not np.array_equal(before, after) for before, after in zip(start[:5], ours.get_weights(), strict=False)]
    assert moved == [not frozen] * 5  # of the first convolution and of batch normalization
    np.testing.assert_allclose(ours.predict(x, batch_size=4), theirs.predict(x, verbose=0), atol=1e-6)
    assert ours.evaluate(*held_out)["loss"] == pytest.approx(theirs.evaluate(*held_out, verbose=0)[0], rel=1e-6)


def test_a_keras_model_and_its_twin_predict_the_same_and_back_again():
    theirs, (x, _) = keras_model(L.Dropout(0.5), dtype="float32"), data()
    ours = layers.from_keras(theirs)
    assert ours.name == theirs.name
    assert ours.output_shape == theirs.output_shape
    assert ours.count_params() == theirs.count_params()
    expected = theirs.predict(x, verbose=0)
    np.testing.assert_allclose(ours.predict(x), expected, atol=1e-5)
    again = ours.to_keras()
    assert [type(layer) for layer in again.layers] == [type(layer) for layer in theirs.layers]
    np.testing.assert_allclose(again.predict(x, verbose=0), expected, atol=1e-6)
    for before, after in zip(theirs.layers, again.layers, strict=True):
        wanted = {k: v for k, v in before.get_config().items() if k != "dtype"}
        assert {k: v for k, v in after.get_config().items() if k != "dtype"} == wanted


def test_a_functional_chain_is_taken_and_a_branch_is_refused():
    inputs = keras.Input((6, 5, 1))
    first = L.Conv2D(2, 3)(inputs)
    x = L.GlobalAveragePooling2D()(L.Conv2D(3, 2, activation="relu")(first))
    model = keras.Model(inputs, x)
    images = np.random.default_rng(0).normal(size=(2, 6, 5, 1))
    np.testing.assert_allclose(layers.from_keras(model)(images), model.predict(images, verbose=0), atol=1e-6)
    branch = keras.Model(inputs, L.Activation("tanh")(L.Add(name="sum")([first, first])))
    with pytest.raises(ConvlabError, match="no chain of layers: sum has 2 inputs"):
        layers.from_keras(branch)
    both = keras.Model(inputs, [first, x])
    with pytest.raises(ConvlabError, match="1 inputs and 2 outputs"):
        layers.from_keras(both)
    twice = L.Conv2D(2, 1, name="again")
    with pytest.raises(ConvlabError, match="again is used twice"):
        layers.from_keras(keras.Model(inputs, twice(twice(first))))


def test_the_layers_of_a_chain_are_those_between_its_ends():
    """A model up to an inner layer, from an inner layer on, on new inputs, and with models in it."""
    whole, images = keras_model(), data(3)[0]
    begun = keras.Sequential(whole.layers[:4])
    begun.build((None, 9, 7, 2))
    rest = keras.Model(whole.layers[4].input, whole.outputs[0])
    inputs = keras.Input((9, 7, 2), dtype="float64")
    anew = keras.Model(inputs, whole.layers[1](whole.layers[0](inputs)))
    nested = keras.Sequential([keras.Input((9, 7, 2), dtype="float64"), begun, rest])
    up_to = keras.Model(whole.inputs[0], whole.layers[2].output)
    for model, count in ((begun, 4), (anew, 2), (nested, len(whole.layers)), (up_to, 3)):
        twin = layers.from_keras(model)
        assert len(twin.layers) == count + 1
        np.testing.assert_allclose(twin(images), model(images), atol=1e-5)
    np.testing.assert_allclose(layers.from_keras(nested)(images), whole(images), atol=1e-5)
    np.testing.assert_allclose(layers.from_keras(rest)(begun(images)), whole(images), atol=1e-5)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (
            lambda: keras.Sequential([keras.Input((4,)), L.Dense(2), L.LayerNormalization()]),
            "LayerNormalization .*no twin",
        ),
        (lambda: keras.Sequential([L.Dense(2)]), "no weights yet"),
        (lambda: keras.Sequential([keras.Input((4, 4, 1)), L.Dropout(0.5, noise_shape=(1, 1))]), "noise_shape"),
        (lambda: keras.Sequential([keras.Input((4,)), L.Dense(2, activation="gelu")]), "'gelu' is no activation"),
    ],
)
def test_what_has_no_twin_is_named(make, words):
    with pytest.raises(ConvlabError, match=words):
        layers.from_keras(make())


@pytest.mark.parametrize(("optimizer", "least"), [("sgd", 0.93), ("adam", 0.94)])
def test_a_small_network_learns_real_digits(optimizer, least):
    (x, y), (x_test, y_test) = digits()
    layers.set_random_seed(0)
    model = layers.Sequential(
        [
            layers.Input((8, 8, 1)),
            layers.Conv2D(12, 3, activation="relu", kernel_initializer="he_normal"),
            layers.Conv2D(16, 3, activation="relu", kernel_initializer="he_normal"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(10),
        ]
    )
    optimizer = {"sgd": layers.optimizers.SGD(0.03, momentum=0.9), "adam": layers.optimizers.Adam(0.003)}[optimizer]
    model.compile(optimizer, layers.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    history = model.fit(x[..., None] / 255, y, epochs=10, validation_data=(x_test[..., None] / 255, y_test))
    assert history.history["val_accuracy"][-1] > least
    assert history.history["loss"][-1] < history.history["loss"][0] / 4
    assert "val_accuracy" in plots.history(history).alt


def test_training_is_repeated_by_its_seed():
    def train():
        layers.set_random_seed(7)
        model = layers.Sequential([layers.Dropout(0.2), layers.Conv2D(2, 3), layers.Flatten(), layers.Dense(3)])
        model.compile("adam", layers.losses.SparseCategoricalCrossentropy(from_logits=True))
        return model.fit(*data(), epochs=2).history["loss"]

    assert train() == train()


def test_weights_that_do_not_fit_change_nothing():
    model = layers.Sequential([layers.Input((4, 4, 1)), layers.Conv2D(2, 3), layers.Flatten(), layers.Dense(2)])
    before = model.get_weights()
    with pytest.raises(ConvlabError, match=r"needs weights of shapes \[\(3, 3, 1, 2\), \(2,\), \(8, 2\), \(2,\)\]"):
        model.set_weights([before[0] + 1, *before[2:]])
    for was, now in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(was, now)


conv = layers.Conv2D(2, 3)
conv(np.zeros((1, 5, 5, 3)))


@pytest.mark.parametrize(
    ("what", "words"),
    [
        (lambda: layers.Conv2D(0, 3), "filters"),
        (lambda: layers.Conv2D(32, 3, (1, 1), "relu"), "padding must be"),
        (lambda: layers.Conv2D(4, 3, groups=3), "groups=3 must divide filters=4"),
        (lambda: layers.Conv2D(4, 3, data_format="NHWC"), "data_format"),
        (lambda: layers.Conv2D(4, 3, dtype="int32"), "floating type"),
        (lambda: layers.Conv2D(4, 3)(np.zeros((28, 28))), "four axes"),
        (lambda: layers.Conv2D(4, 5)(np.zeros((1, 4, 9, 1))), "height"),
        (lambda: layers.Conv2D(4, 3, groups=2)(np.zeros((1, 4, 9, 3))), "groups=2 must divide the 3 channels"),
        (lambda: layers.Conv2D(4, 3).backward(np.zeros(1)), "call it on a batch first"),
        (lambda: conv(np.zeros((1, 5, 5, 4))), "built for 3 channels, but the input has 4"),
        (lambda: conv.backward(np.zeros((1, 5, 5, 2))), r"must have its shape \(1, 3, 3, 2\)"),
        (lambda: layers.Dropout(1.5), "rate is the share to drop"),
        (lambda: layers.SpatialDropout2D(0.5)(np.ones((2, 3)), training=True), "four axes"),
        (lambda: layers.ZeroPadding2D("same"), "number of zeros on each side"),
        (lambda: layers.ZeroPadding2D(1)(np.ones((2, 3))), "needs an input shape"),
        (lambda: layers.Rescaling("1/255"), "scale and offset are numbers"),
        (lambda: layers.ReLU(negative_slope=-1), "must not be negative"),
        (lambda: layers.BatchNormalization(axis=4)(np.zeros((1, 2, 2, 3))), "no channel axis"),
        (lambda: layers.Sequential([keras.layers.Dense(2)]), "takes layers of convlab.layers"),
        (lambda: layers.Sequential([layers.Dense(2)]).fit(np.ones((2, 2)), [0, 1]), "call compile"),
        (lambda: layers.Sequential([layers.Dense(2)]).output_shape, "is not built"),
        (lambda: layers.Sequential([layers.Dense(2)]).to_keras(), "no weights yet"),
        (
            lambda: layers.Sequential([layers.Input((4, 4, 1)), layers.Flatten()])(np.zeros((2, 4, 4))),
            r"x\[..., np.newaxis\]",
        ),
        (lambda: layers.Sequential().compile("adam", "mse", ["mae"]), "metrics may hold 'accuracy'"),
    ],
)
def test_mistakes_are_named(what, words):
    with pytest.raises(ConvlabError, match=words):
        what()


def test_answers_and_examples_are_counted():
    model = layers.Sequential([layers.Dense(2)])
    model.compile("sgd", "mse")
    with pytest.raises(ConvlabError, match="as many answers as examples"):
        model.fit(np.ones((3, 2)), np.ones((2, 2)))


def test_without_keras_the_remedy_is_said():
    code = (
        "import sys; sys.modules['keras'] = None\nfrom convlab import layers\n"
        "layers.Sequential([layers.Input((2,)), layers.Dense(1)]).to_keras()"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "ConvlabError: keras is needed here and is not installed" in run.stderr


def test_the_twin_of_a_float64_model_does_not_round_its_input():
    policy, kind = keras.config.dtype_policy(), keras.config.floatx()
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    try:
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        x = np.random.default_rng(0).random((4, 3))
        np.testing.assert_allclose(layers.from_keras(model)(x), model(x), rtol=1e-12)
    finally:
        keras.config.set_floatx(kind)
        keras.config.set_dtype_policy(policy)
