"""A saved model comes back as it was, goes on training as it would have, and a bad file is refused in words."""

import subprocess
import sys
import zipfile
from contextlib import suppress

import numpy as np
import pytest

from convlab import ConvlabError
from convlab.models import NETWORKS, build, one_cycle
from convlab.models.saving import load, predictions, same_predictions, save, write_checked

keras = pytest.importorskip("keras", reason="Keras is not installed")

numpy = keras.ops.convert_to_numpy
SHAPE = (30, 27, 3)


@pytest.fixture
def model():
    keras.utils.set_random_seed(3)
    layers = keras.layers
    model = keras.Sequential(
        [keras.Input((7, 6, 2)), layers.Conv2D(3, 3), layers.BatchNormalization(), layers.Flatten(), layers.Dense(4)]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(one_cycle(16, 0.02)), loss, metrics=["accuracy"])
    return model


def data():
    random = np.random.default_rng(5)
    return random.random((16, 7, 6, 2), np.float32), random.integers(0, 4, 16)


def fit(model, epochs=1):
    return model.fit(*data(), batch_size=4, epochs=epochs, shuffle=False, verbose=0)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_comes_back_equal(name, tmp_path):
    keras.utils.set_random_seed(1)
    model = build(name, SHAPE, 7)
    path = save(model, tmp_path / "new" / f"{name}.keras")
    again = load(path)
    x = np.random.default_rng(2).random((3, *SHAPE), np.float32)
    np.testing.assert_array_equal(numpy(again(x)), numpy(model(x)))
    assert same_predictions(model, again, x) == 0
    for ours, kept in zip(keras.saving.load_model(path).get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, kept)


def test_training_goes_on_as_if_it_had_never_stopped(model, tmp_path):
    fit(model, 2)
    again = load(save(model, str(tmp_path / "half.keras")))
    assert float(again.optimizer.learning_rate) == float(model.optimizer.learning_rate)
    assert again.optimizer.get_config()["learning_rate"]["config"] == {"steps": 16, "peak": 0.02}
    assert fit(again).history == fit(model).history
    for ours, kept in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, kept)


def test_a_fresh_python_loads_it(model, tmp_path):
    fit(model)
    path = save(model, tmp_path / "model.keras")
    program = (
        "import sys, numpy as np\n"
        "import keras\nfrom convlab.models.saving import load\n"
        "model = load(sys.argv[1])\n"
        "np.save(sys.argv[2], keras.ops.convert_to_numpy(model(np.load(sys.argv[3]))))\n"
        "print(float(model.optimizer.learning_rate))\n"
    )
    np.save(tmp_path / "x.npy", data()[0])
    command = [sys.executable, "-c", program, path, tmp_path / "out.npy", tmp_path / "x.npy"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) == float(model.optimizer.learning_rate)
    np.testing.assert_allclose(np.load(tmp_path / "out.npy"), numpy(model(data()[0])), atol=1e-6)


def test_the_difference_is_the_largest_of_all(model):
    x = data()[0]
    other = keras.models.clone_model(model)
    other.set_weights(model.get_weights())
    assert same_predictions(model, other, x) == 0
    other.layers[-1].bias.assign([0, 0.25, 0, -0.5])
    np.testing.assert_allclose(same_predictions(model, other, x), 0.5, rtol=1e-5)
    with pytest.raises(ConvlabError, match=r"shape \(16, 4\) and of \(16, 5, 4, 3\)"):
        same_predictions(model, model.layers[0], x)


def test_weights_that_training_ruined_are_kept_too(model, tmp_path):
    model.layers[-1].bias.assign([np.nan, np.inf, 0, 1])
    again = load(save(model, tmp_path / "ruined.keras"))
    np.testing.assert_array_equal(numpy(again.layers[-1].bias), [np.nan, np.inf, 0, 1])


def test_images_of_any_size(tmp_path):
    layers = keras.layers
    model = keras.Sequential(
        [keras.Input((None, None, 1), dtype="uint8"), layers.Rescaling(1 / 255), layers.GlobalMaxPooling2D()]
    )
    x = np.random.default_rng(0).integers(0, 256, (2, 9, 4, 1), np.uint8)
    assert same_predictions(load(save(model, tmp_path / "any.keras")), model, x) == 0


class Forgetful(keras.layers.Layer):
    """It keeps a number that is neither weight nor argument, and so is lost when it is saved."""

    number = 0.0

    def call(self, x):
        return x + self.number


class Stranger(keras.layers.Layer):
    def call(self, x):
        return x


def sequential(layer):
    return keras.Sequential([keras.Input((5, 4, 1)), layer])


def test_what_does_not_come_back_is_not_written(tmp_path):
    path = tmp_path / "model.keras"
    path.write_bytes(b"the model of yesterday")
    layer = Forgetful()
    layer.number = 0.5
    with (
        keras.saving.custom_object_scope({"Forgetful": Forgetful}),
        pytest.raises(ConvlabError, match=r"model\.keras is not written.* differ by 0\.5 .* no weight"),
    ):
        save(sequential(layer), path)
    with pytest.raises(ConvlabError, match="is not written: it could not be loaded again. Keras does not know 'Str"):
        save(sequential(Stranger()), path)
    with pytest.raises(ConvlabError, match="is not written.* subclass of keras.layers.Layer instead of the lambda"):
        save(sequential(keras.layers.Lambda(lambda x: x + 1)), path)
    assert path.read_bytes() == b"the model of yesterday"
    assert list(tmp_path.iterdir()) == [path]


def test_a_wrong_file_of_any_batch_size_is_seen(model, tmp_path):
    path = tmp_path / "any.bin"
    for wrong in (1, 5, 2):

        def read(draft, wrong=wrong):
            return lambda x: numpy(model(x)) * (1.01 if len(x) == wrong else 1)

        with pytest.raises(ConvlabError, match=f"predictions for {wrong} random images"):
            write_checked(model, path, lambda draft: draft.write_bytes(b"x"), read, 1e-3)
    assert not path.exists()
    write_checked(model, path, lambda draft: draft.write_bytes(b"x"), lambda draft: predictions(model), 1e-3)
    assert path.read_bytes() == b"x"


def test_models_that_cannot_be_checked_are_refused(tmp_path):
    two = [keras.Input((3,)), keras.Input((3,))]
    pair = keras.Model(two, keras.layers.add(two))
    with pytest.raises(ConvlabError, match="has 2 inputs and 1 outputs"):
        save(pair, tmp_path / "pair.keras")
    with pytest.raises(ConvlabError, match=r"has 0 inputs and 0 outputs.*begin .* with keras.Input"):
        save(keras.Sequential([keras.layers.Dense(2)]), tmp_path / "new.keras")


def test_a_model_that_was_compiled_and_never_trained_is_saved_in_silence(model, tmp_path, recwarn):
    for optimizer in (model.optimizer, keras.optimizers.SGD(0.1, momentum=0.9)):
        model.compile(optimizer, "mse")
        load(save(model, tmp_path / "new.keras"))
    assert not [str(warning.message) for warning in recwarn if "__array__" not in str(warning.message)]


@pytest.mark.parametrize(
    ("name", "said"),
    [("model.h5", "'.keras', but is 'model.h5'. That older format is read by"), ("model", "'.keras', but is 'model'")],
)
def test_other_endings_are_refused(name, said, model, tmp_path):
    for act in (lambda: save(model, tmp_path / name), lambda: load(tmp_path / name)):
        with pytest.raises(ConvlabError, match=said):
            act()


def test_what_is_no_file_is_refused(model, tmp_path):
    with pytest.raises(ConvlabError, match=r"there is no file .*mode\.keras: check the path"):
        load(tmp_path / "mode.keras")
    with pytest.raises(ConvlabError, match="is a folder, but a model is one .keras file"):
        load(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(ConvlabError, match="cannot be written"):
        save(model, tmp_path / "file" / "model.keras")


def test_damaged_files_are_refused(model, tmp_path):
    path = save(model, tmp_path / "model.keras")
    whole = path.read_bytes()
    turned = bytearray(whole)
    turned[len(whole) // 2] ^= 1
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("readme.txt", "no model")
    other = (tmp_path / "other.zip").read_bytes()
    for content in (b"", whole[: len(whole) // 2], whole[:-1], bytes(turned), other):
        path.write_bytes(content)
        with pytest.raises(ConvlabError, match=r"model\.keras is damaged, cut off, or no Keras model"):
            load(path)


def test_a_byte_is_never_changed_unseen(model, tmp_path):
    """Any single byte: the file is refused, or the model is the same."""
    path = save(model, tmp_path / "model.keras")
    whole, x = path.read_bytes(), data()[0]
    for place in np.random.default_rng(0).integers(0, len(whole), 12):
        changed = bytearray(whole)
        changed[place] ^= 255
        path.write_bytes(changed)
        with suppress(ConvlabError):
            assert same_predictions(load(path), model, x) == 0


def test_unknown_layers_and_code_are_not_loaded(tmp_path):
    path = tmp_path / "model.keras"
    sequential(Stranger()).save(path)
    with pytest.raises(ConvlabError, match=r"cannot be loaded. Keras does not know 'Stranger': write @keras"):
        load(path)
    with keras.saving.custom_object_scope({"Stranger": Stranger}):
        assert isinstance(load(path).layers[0], Stranger)
    sequential(keras.layers.Lambda(lambda x: x + 1)).save(path)
    with pytest.raises(ConvlabError, match="It holds code .* is not run"):
        load(path)


def test_the_words_of_keras_are_passed_on(tmp_path):
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", '{"module": "keras", "class_name": "Nonesuch", "config": {}}')
    with pytest.raises(ConvlabError, match="cannot be loaded. "):
        load(path)
