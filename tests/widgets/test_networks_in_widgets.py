"""The digit pad and the feature-map browser show what the network computes, of Keras and of convlab alike."""

from base64 import b64decode
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from convlab import ConvlabError, layers
from convlab.data import digits, like_mnist
from convlab.widgets import digit_pad, feature_map_browser
from convlab.widgets.mosaic import levels, mosaic
from convlab.widgets.networks import look_into, softmax

RNG = np.random.default_rng(0)


def pixels(picture):
    return np.frombuffer(picture["pixels"], np.uint8).reshape(picture["height"], picture["width"])


def keras_model(**last):
    keras = pytest.importorskip("keras", reason="Keras is not installed")
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Conv2D(5, (3, 4), activation="relu", name="first"),
            keras.layers.MaxPooling2D(2, name="pool"),
            keras.layers.Flatten(name="flat"),
            keras.layers.Dense(10, name="scores", **last),
        ]
    )


def numpy_model():
    return layers.Sequential(
        [layers.Input((28, 28, 1)), layers.Conv2D(3, 3), layers.MaxPooling2D(2), layers.Flatten(), layers.Dense(10)]
    )


def test_every_layer_is_seen_as_it_is():
    model, x = keras_model(), RNG.random((2, 28, 28, 1), np.float32)
    found = look_into(model)(x)
    assert list(found) == ["first", "pool", "flat", "scores"]
    np.testing.assert_allclose(found["first"], model.layers[0](x), atol=1e-6)
    np.testing.assert_allclose(found["scores"], model(x), atol=1e-6)
    twin = layers.from_keras(model)
    for value, right in zip(look_into(twin)(x).values(), found.values(), strict=True):
        np.testing.assert_allclose(value, right, atol=1e-4)


def test_layers_taken_from_another_model_are_seen_in_this_one():
    keras = pytest.importorskip("keras", reason="Keras is not installed")
    first, x = keras_model(), RNG.random((2, 30, 31, 1), np.float32)
    model = keras.Sequential([keras.Input((30, 31, 1)), *first.layers[:2], keras.layers.Flatten(name="rows")])
    found = look_into(model)(x)
    assert [*found] == ["first", "pool", "rows"]
    np.testing.assert_allclose(found["pool"], first.layers[1](first.layers[0](x)), atol=1e-6)


@pytest.mark.parametrize("make", [keras_model, lambda: keras_model(activation="softmax"), numpy_model])
def test_the_pad_says_what_the_model_says(make):
    model = make()
    pad = digit_pad(model)
    assert pad.words().endswith("Nothing is drawn yet.")
    (images, _), _ = digits()
    drawing = np.kron(images[3], np.ones((14, 14), np.uint8))
    pad.read(drawing)
    x = like_mnist(drawing)[None, :, :, None].astype(np.float32) / 255
    scores = np.asarray(model(x), float)[0]
    expected = scores if np.isclose(scores.sum(), 1) and (scores >= 0).all() else np.exp(scores) / np.exp(scores).sum()
    np.testing.assert_allclose(pad.probabilities, expected, atol=1e-5)
    np.testing.assert_array_equal(pad.image, like_mnist(drawing))
    assert f"reads {expected.argmax()}, " in pad.words()
    maps = next(iter(look_into(model)(x).values()))
    np.testing.assert_array_equal(pixels(pad.maps), mosaic(maps[0]))
    pad.read(np.zeros((112, 112)))
    assert pad.probabilities == []


def test_a_drawing_that_comes_as_bytes_is_answered(monkeypatch):
    pad = digit_pad(numpy_model())
    answers = []
    monkeypatch.setattr(pad, "send", lambda content, *_: answers.append(content))
    drawing = RNG.integers(0, 256, (112, 112), np.uint8)
    pad._receive({"drawing": 112}, [memoryview(drawing.tobytes())])
    assert answers == [{"seen": True}]
    np.testing.assert_array_equal(pad.image, like_mnist(drawing))
    pad._receive({"other": 1}, [])
    assert len(answers) == 1
    monkeypatch.setattr(pad, "_look", lambda x: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        pad._receive({"drawing": 112}, [memoryview(drawing.tobytes())])
    assert len(answers) == 2  # a network that fails must not leave the pad waiting


def test_the_browser_shows_the_chosen_maps():
    model, x = keras_model(), RNG.random((4, 28, 28, 1), np.float32)
    browser = feature_map_browser(model, x)
    assert browser.layers == ["first", "pool"]
    browser.index, browser.layer, browser.channel = 2, "pool", 4
    expected = look_into(model)(x[2:3])["pool"][0]
    np.testing.assert_allclose(browser.feature_maps, expected)
    np.testing.assert_array_equal(pixels(browser.large), levels(expected[:, :, 4]))
    assert browser.large["scale"] == 12  # 13 rows fill 160 dots
    np.testing.assert_array_equal(pixels(browser.maps), mosaic(expected))
    assert browser.maps["scale"] == 5  # each map fills 64
    assert browser.shape == list(expected.shape)
    assert "pool: 5 maps of 13 x 12" in browser.words()
    browser.channel = 99
    assert browser.channel == 4


def test_a_mosaic_holds_every_map_on_one_scale():
    maps = RNG.normal(size=(5, 7, 11))
    sheet = mosaic(maps)
    columns = 5
    for c in range(11):
        row, column = divmod(c, columns)
        np.testing.assert_array_equal(sheet[row * 6 : row * 6 + 5, column * 8 : column * 8 + 7], levels(maps)[:, :, c])
    assert sheet[-1, -1] == 64  # the empty place at the end
    assert levels(np.zeros((2, 2))).max() == 0


def test_softmax_leaves_probabilities_alone():
    np.testing.assert_array_equal(softmax(np.array([0.25, 0.75])), [0.25, 0.75])
    np.testing.assert_allclose(softmax(np.array([1000.0, 1000.0])), [0.5, 0.5])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: digit_pad("model"), "model of Keras or convlab"),
        (
            lambda: digit_pad(layers.Sequential([layers.Input((28, 28, 1)), layers.Flatten(), layers.Dense(3)])),
            "10 scores",
        ),
        (lambda: digit_pad(numpy_model(), layer="none"), "no layer 'none'"),
        (lambda: feature_map_browser(numpy_model(), np.zeros((28, 28))), "must be a batch"),
        (lambda: feature_map_browser(layers.Sequential([layers.Flatten()]), np.zeros((1, 4, 4, 1))), "no layer with"),
    ],
)
def test_what_it_cannot_show_is_said(make, words):
    with pytest.raises(ConvlabError, match=words):
        make()


def test_without_a_running_kernel_there_are_pictures_and_words():
    x = RNG.random((1, 28, 28, 1), np.float32)
    for widget in (digit_pad(numpy_model()), feature_map_browser(numpy_model(), x)):
        content, metadata = widget._repr_mimebundle_()
        assert "application/vnd.jupyter.widget-view+json" in content
        assert Image.open(BytesIO(b64decode(content["image/png"]))).width > 100
        assert content["text/plain"] == metadata["image/png"]["alt"] == widget.words()
