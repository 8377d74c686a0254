"""Training does what a loop of steps does, gives the same twice, survives being killed, and says what is wrong."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convlab import ConvlabError, plots
from convlab.data import Handwriting
from convlab.models import batches, checkpoints, loop, trained, training
from convlab.models.batches import Batches, Examples, split
from convlab.models.training import train

keras = pytest.importorskip("keras", reason="Keras is not installed")

CLASSES, SHAPE = 3, (7, 6, 2)


def data(number=45, seed=0):
    """Images whose class is in them, as bytes."""
    random = np.random.default_rng(seed)
    y = random.integers(0, CLASSES, number)
    x = random.integers(0, 128, (number, *SHAPE), dtype=np.uint8)
    x[np.arange(number), 2 * y] += 100
    return x, y


def network(*last, dropout=0.3, rescaled=True, seed=0):
    """A network with everything that has a state; the same weights each time for a seed."""
    layers = keras.layers
    first = [layers.Rescaling(1 / 255)] * rescaled
    body = [layers.Conv2D(4, 3, use_bias=False), layers.BatchNormalization(), layers.ReLU(), layers.Dropout(dropout)]
    head = [layers.Flatten(), layers.Dense(CLASSES), *last]
    model = keras.Sequential([keras.Input(SHAPE), *first, *body, *head])
    random = np.random.default_rng(seed)
    for weight in model.trainable_weights:
        weight.assign(random.normal(0, 0.3, weight.shape))
    return model


def noise(images, random):
    return images + random.normal(0, 3, images.shape).astype(np.float32)


SETTINGS = dict(epochs=3, batch_size=8, augment=noise, plain_epochs=1, validation=0.2, seed=5, progress=False)


def weights(model):
    return [weight.numpy().copy() for weight in model.weights]


def same(ours, theirs):
    return all(np.array_equal(one, other) for one, other in zip(ours, theirs, strict=True))


@pytest.fixture(autouse=True)
def one_at_once(monkeypatch):
    """So that something happens within an epoch of a few steps."""
    monkeypatch.setattr(training, "AT_ONCE", 1)


@pytest.fixture(scope="module")
def whole():
    """A training that nothing interrupted, many steps at once: how it went, and the weights."""
    model = network()
    return train(model, data(), **SETTINGS), weights(model)


@pytest.mark.parametrize(("softmax", "smoothing"), [(False, 0.1), (True, 0)])
def test_it_takes_the_steps_of_a_plain_loop(softmax, smoothing):
    last = [keras.layers.Softmax()] * softmax
    ours, theirs = (network(*last, dropout=0) for _ in range(2))
    x, y = data()
    train(ours, (x, y), epochs=2, batch_size=8, peak=0.01, label_smoothing=smoothing, seed=3, progress=False)
    steps = -(-len(x) // 8)
    rates = [training.one_cycle(2 * steps, 0.01)(step) for step in range(2 * steps)]
    loss = keras.losses.CategoricalCrossentropy(from_logits=not softmax, label_smoothing=smoothing)
    theirs.compile(keras.optimizers.Adam(0.01), loss)
    given = Batches(Examples(x, y, CLASSES), 8, 3)
    for epoch in range(2):
        for step in range(steps):
            theirs.optimizer.learning_rate = float(rates[epoch * steps + step])
            images, labels = given.batch(epoch, step)
            theirs.train_on_batch(images, np.eye(CLASSES)[labels])
    for one, other in zip(weights(ours), weights(theirs), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)


@given(st.integers(1, 60), st.integers(1, 9), st.integers(0, 99))
def test_an_epoch_has_each_example_once_in_a_new_order(number, size, seed):
    x = np.arange(number)
    made = Batches(Examples(x, x, number), size, seed)
    epochs = [[made.batch(epoch, step) for step in range(made.steps)] for epoch in (0, 1, 0)]
    for epoch in epochs:
        assert [len(images) for images, _ in epoch[:-1]] == [size] * (made.steps - 1)
        assert all(np.array_equal(images, labels) for images, labels in epoch)
        assert sorted(np.concatenate([images for images, _ in epoch])) == list(x)
    orders = [np.concatenate([images for images, _ in epoch]).tolist() for epoch in epochs]
    assert orders[0] == orders[2]
    assert number < 8 or orders[0] != orders[1]


@given(st.integers(1, 20), st.integers(1, 9), st.integers(1, 3), st.integers(0, 3))
def test_the_last_epochs_have_the_images_as_they_are(number, size, changed, more):
    x = np.random.default_rng(0).integers(0, 256, (number, 3, 2, 1), np.uint8)
    made = Batches(Examples(x, np.arange(number), number), size, 0, noise, augmented=changed)
    for epoch in reversed(range(changed + more)):  # in any order, as after an interruption
        batches = [made.batch(epoch, step) for step in range(made.steps)]
        images, labels = (np.concatenate(parts) for parts in zip(*batches, strict=True))
        assert images.dtype == np.float32
        assert np.array_equal(images, x[labels]) == (epoch >= changed)


@given(st.lists(st.integers(0, 4), min_size=12, max_size=80), st.floats(0.1, 0.9), st.integers(0, 9))
def test_a_split_gives_each_class_its_share(labels, fraction, seed):
    y = np.array(labels)
    learned, validated = split(Examples(np.arange(len(y)), y, 5), fraction, seed)
    assert sorted([*learned.x, *validated.x]) == list(range(len(y)))
    assert len(validated) == int(fraction * len(y) + 1e-9)
    assert np.array_equal(validated.y, y[validated.x])
    for label in range(5):
        assert abs(np.sum(validated.y == label) - fraction * np.sum(y == label)) <= 1.001


def test_the_same_seed_gives_the_same_weights(whole):
    went, expected = whole
    keras.utils.set_random_seed(77)  # nothing outside matters
    model = network()
    again = train(model, Handwriting(*data(), *data(9, 1), "made up", ""), **SETTINGS)
    assert again.history == went.history
    assert same(weights(model), expected)
    other = network()
    train(other, data(), **SETTINGS | {"seed": 6, "epochs": 2})
    assert not same(weights(other), expected)


def test_what_it_returns(whole):
    went, _ = whole
    assert list(went.history) == ["loss", "accuracy", "val_loss", "val_accuracy"]
    assert {len(values) for values in went.history.values()} == {3}
    assert (went.epochs, went.kept, went.steps, went.seed) == (3, 3, 3 * 5, 5)
    assert went.seconds > 0
    assert went.parameters == network().count_params()
    assert json.loads(json.dumps(went.as_dict()))["history"] == went.history
    assert went.as_dict()["settings"]["validation"] == 0.2
    text = str(went)
    assert "3 epochs, 15 steps in" in text.splitlines()[0]
    assert text.splitlines()[-1].split()[0] == "3"
    assert went._repr_html_().count("<tr>") == 4
    assert "Training history over 3 epochs" in plots.history(went).alt
    many = trained.Training({"loss": [0.5] * 40}, 40, 40, 40, 1.0, 0, 1, {})
    assert len(str(many).splitlines()) == 2 + trained.SHOWN + 1


def test_afterwards_the_model_evaluates_with_answers_as_they_were_given():
    x, y = data(30)
    for answers in (y[:, np.newaxis], np.eye(CLASSES)[y]):
        model = network()
        train(model, (x, answers), batch_size=8, label_smoothing=0.1, progress=False)
        logits = model.predict(x, verbose=0)
        expected = keras.losses.sparse_categorical_crossentropy(y, logits, from_logits=True)
        assert model.evaluate(x, answers, verbose=0)[0] == pytest.approx(float(np.mean(expected)), rel=1e-4)


# what a child process runs until it kills itself, or to the end
CHILD = """
import os, signal, sys
import keras
from convlab.models import loop, training
from tests.models import test_training as tests

training.AT_ONCE, loop.EVERY = 2, 0

class Killer(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        if (self.epoch, batch) == (1, 3):
            os.kill(os.getpid(), signal.SIGKILL)
    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

training.train(tests.network(), tests.data(), callbacks=[Killer()], checkpoint=sys.argv[1], **tests.SETTINGS)
"""


def test_a_training_that_was_killed_goes_on_where_it_was(whole, tmp_path):
    """What goes on began with other weights, and takes fewer steps at once: the checkpoint is all that counts."""
    went, expected = whole
    folder = tmp_path / "new" / "training"
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "PYTHONPATH", str(Path(__file__).parents[2]))
        killed = subprocess.run([sys.executable, "-c", CHILD, str(folder)], capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    state = checkpoints._read(folder / checkpoints.LAST)[1]
    assert (state.epoch, state.step) == (1, 2)
    seen = []
    steps = keras.callbacks.LambdaCallback(
        on_train_begin=lambda logs: seen.append("begin"),
        on_train_batch_end=lambda batch, logs: seen.append(batch),
        on_train_end=lambda logs: seen.append("end"),
    )
    model = network(seed=9)
    again = train(model, data(), checkpoint=folder, callbacks=[steps], **SETTINGS)
    assert again.history == went.history
    assert same(weights(model), expected)
    assert again.steps == went.steps
    assert seen == ["begin", 2, 3, 4, 0, 1, 2, 3, 4, "end"]

    model = network(seed=9)
    model.fit = None  # a training that is over is not called for
    over = train(model, data(), checkpoint=folder, **SETTINGS)
    assert (over.history, over.epochs, over.seconds) == (went.history, went.epochs, again.seconds)
    assert same(weights(model), expected)


def test_ctrl_c_ends_the_step_and_writes_the_checkpoint(whole, tmp_path):
    pressed = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: batch == 1 and signal.raise_signal(signal.SIGINT)
    )
    usual = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        train(network(), data(), callbacks=[pressed], checkpoint=tmp_path, **SETTINGS)
    assert signal.getsignal(signal.SIGINT) is usual
    assert checkpoints._read(tmp_path / checkpoints.LAST)[1].step == 2
    model = network(seed=9)
    assert train(model, data(), checkpoint=tmp_path, **SETTINGS).history == whole[0].history
    assert same(weights(model), whole[1])


@pytest.fixture
def begun(tmp_path):
    """A folder with a training of one epoch that is over."""
    settings = SETTINGS | {"epochs": 1, "plain_epochs": 0}
    train(network(), data(), checkpoint=tmp_path, **settings)
    return tmp_path, settings


def test_another_training_does_not_go_on(begun):
    folder, settings = begun
    x, y = data()
    others = {
        "batch_size is 9, but was 8": (network(), (x, y), {"batch_size": 9}),
        "epochs is 2, but was 1": (network(), (x, y), {"epochs": 2}),
        "seed is 6, but was 5": (network(), (x, y), {"seed": 6}),
        "augment is None, but was": (network(), (x, y), {"augment": None}),
        "optimizer is 'SGD', but was 'Adam'": (network(), (x, y), {"optimizer": keras.optimizers.SGD(0.1)}),
        "other layers": (network(dropout=0.2), (x, y), {}),
        "examples are others": (network(), (x[::-1], y[::-1]), {}),
    }
    for words, (model, pair, change) in others.items():
        before = weights(model)
        with pytest.raises(ConvlabError, match=f"is another one: .*{words}.*name another folder"):
            train(model, pair, checkpoint=folder, **settings | change)
        assert same(weights(model), before)


def test_a_damaged_checkpoint_gives_way_to_the_one_before(begun):
    folder, settings = begun
    last, before = folder / checkpoints.LAST, folder / checkpoints.BEFORE
    content = last.read_bytes()
    last.write_bytes(content[: len(content) // 2])
    with pytest.warns(UserWarning, match="is damaged: training goes on from .*before"):
        checkpoints.read(folder, checkpoints._read(before)[0])
    assert not last.exists()  # or the next one would put it in the place of the good one
    model = network(seed=9)
    train(model, data(), checkpoint=folder, **settings)
    assert checkpoints._read(last)[1].finished
    reference = network()
    train(reference, data(), **settings)
    assert same(weights(model), weights(reference))
    for path in (last, before):
        middle = bytearray(path.read_bytes())
        middle[len(middle) // 2] ^= 1  # a single bit, which only the checksum tells
        path.write_bytes(middle)
    with pytest.raises(ConvlabError, match="the checkpoint is damaged: .*delete the folder"):
        train(network(), data(), checkpoint=folder, **settings)


def test_a_checkpoint_needs_a_folder(tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(ConvlabError, match="cannot be written"):
        train(network(), data(), checkpoint=tmp_path / "file", **SETTINGS)


@pytest.fixture
def usual():
    """What Ctrl-C does in Python by itself, also where the tests were started to ignore it, as in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield signal.default_int_handler
    signal.signal(signal.SIGINT, before)


def test_the_second_ctrl_c_interrupts_and_other_threads_get_none(usual):
    with loop.interrupts() as interrupted:
        signal.raise_signal(signal.SIGINT)
        assert interrupted.is_set()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    seen = []

    def elsewhere():
        with loop.interrupts() as interrupted:
            seen.append(interrupted.is_set())

    worker = threading.Thread(target=elsewhere)
    worker.start()
    worker.join()
    assert seen == [False]
    assert signal.getsignal(signal.SIGINT) is usual


def spoiled(images, random):
    """Finite at first, for that is tried before anything starts."""
    spoiled.calls += 1
    return images * (np.float32(1) if spoiled.calls < 8 else np.float32("nan"))


LOST = {
    "augment makes nan or infinity of finite images, first in step 5": {"augment": spoiled},
    "the learning rate is high for SGD, for which 0.1 is a lot": {},
    "inputs go up to 2.* and the model does not rescale": {},
    "softmax is applied more than once": {},
}


@pytest.mark.parametrize("cause", LOST)
@pytest.mark.filterwarnings("ignore:inputs go up to")
def test_a_loss_that_is_no_number_stops_at_once_and_says_why(cause, tmp_path):
    spoiled.calls = 0
    softmax = [keras.layers.Softmax()] * (2 * ("softmax" in cause))
    model = network(*softmax, rescaled="rescale" not in cause)
    before, kept = weights(model), "rate" in cause
    settings = LOST[cause] or {"optimizer": keras.optimizers.SGD(1e30)}
    with pytest.raises(ConvlabError, match=f"the loss is not finite .* in epoch 1, step . of 6, .*{cause}") as caught:
        train(model, data(), batch_size=8, progress=False, checkpoint=tmp_path if kept else None, **settings)
    assert same(weights(model), before)
    assert ("name another folder" in str(caught.value)) == kept


def test_patience_keeps_the_best_weights():
    x, y = data(60)
    model, validation = network(), (x[40:], (y[40:] + 1) % CLASSES)  # what it learns is wrong there
    settings = dict(batch_size=8, patience=2, optimizer=keras.optimizers.Adam(0.01), progress=False)
    went = train(model, (x[:40], y[:40]), epochs=20, validation=validation, **settings)
    losses = went.history["val_loss"]
    assert went.kept == int(np.argmin(losses)) + 1
    assert went.epochs == went.kept + 2 < 20
    assert model.evaluate(*validation, verbose=0)[0] == pytest.approx(min(losses), rel=1e-5)
    assert f"weights of epoch {went.kept}" in str(went)


def test_what_augment_raises_is_raised():
    def fails(images, random):
        fails.calls = getattr(fails, "calls", 0) + 1
        return images if fails.calls < 6 else images[:, :1]

    with pytest.raises(ConvlabError, match=r"augment must give as many images .* \(8, 7, 6, 2\), but gave"):
        train(network(), data(), batch_size=8, augment=fails, epochs=3, progress=False)


def test_the_bar_runs_to_the_end(capsys):
    train(network(), data(20), epochs=2, batch_size=8)
    lines = capsys.readouterr().err.splitlines()
    assert [line[:12] for line in lines if line.startswith("epoch")] == ["epoch 1 of 2", "epoch 2 of 2"]


def test_an_optimizer_of_your_own_and_weight_decay():
    given = keras.optimizers.SGD(0.01)
    model = network()
    went = train(model, data(20), optimizer=given, progress=False)
    assert model.optimizer is given
    assert (went.settings["optimizer"], went.settings["peak"]) == ("SGD", None)
    model = network()
    went = train(model, data(20), weight_decay=0.01, progress=False)
    assert went.settings["optimizer"] == "AdamW"
    assert model.optimizer.weight_decay == 0.01


def test_inputs_that_nobody_rescales_are_warned_of():
    with pytest.warns(UserWarning, match=r"inputs go up to 2.*Rescaling"):
        train(network(rescaled=False), data(20), progress=False)


def wrong(change):
    x, y = data(12)
    pair = {
        "empty": (x[:0], y[:0]),
        "lengths": (x, y[:-1]),
        "classes": (x, y + 1),
        "float labels": (x, y + 0.5),
        "shape": (x[:, :5], y),
        "no pair": x,
        "nan": (np.where(np.arange(12)[:, None, None, None] == 7, np.nan, x), y),
        "rows": (x, np.ones((12, CLASSES))),
    }
    return pair.get(change, (x, y))


@pytest.mark.parametrize(
    ("change", "words"),
    {
        "empty": "must hold as many answers as examples, and some",
        "lengths": r"x has shape \(12, 7, 6, 2\) and y \(11,\)",
        "classes": "classes 0 to 2, but y goes from",
        "float labels": "whole class numbers",
        "shape": r"takes x of shape \(N, 7, 6, 2\)",
        "no pair": "must be a pair",
        "nan": "nan or infinity, first in example 7",
        "rows": "one-hot rows",
    }.items(),
)
def test_data_that_do_not_fit_are_refused(change, words):
    model = network()
    model.fit = model.compile = None  # before anything starts
    with pytest.raises(ConvlabError, match=words):
        train(model, wrong(change), progress=False)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"epochs": -1}, "epochs must be a whole number from 1 on, but is -1"),
        ({"epochs": 0}, "epochs must be"),
        ({"batch_size": 2.0}, "batch_size must be"),
        ({"seed": -1}, "seed must be"),
        ({"label_smoothing": 1}, "label_smoothing must be"),
        ({"weight_decay": -0.1}, "weight_decay must be"),
        ({"label_smoothing": "a"}, "label_smoothing must be a number .* not 'a'"),
        ({"weight_decay": True}, "weight_decay must be"),
        ({"peak": 0}, "peak, the highest learning rate, must be a number above 0, such as 0.01, not 0"),
        ({"peak": [0.01]}, "peak, the highest"),
        ({"peak": float("nan")}, "peak, the highest"),
        ({"optimizer": "adam"}, "optimizer must be one of Keras"),
        ({"optimizer": keras.optimizers.SGD(), "weight_decay": 0.1}, "give it to your own optimizer"),
        ({"patience": 1}, "patience needs something to judge by"),
        ({"patience": 0, "validation": 0.5}, "patience must be"),
        ({"validation": 1.5}, "validation must be a share between 0 and 1"),
        ({"validation": 0.01}, "leaves none to validate with"),
        ({"plain_epochs": 1}, "plain_epochs must be a whole number from 0 to 0, but is 1"),
        ({"plain_epochs": 1, "epochs": 2}, "plain_epochs needs augment"),
        ({"plain_epochs": True, "epochs": 2}, "plain_epochs must"),
        ({"augment": lambda images, random: images[:1]}, "augment must give as many images"),
    ],
)
def test_settings_out_of_range_are_refused(settings, words):
    model = network()
    model.fit = model.compile = None
    with pytest.raises(ConvlabError, match=words):
        train(model, data(12), progress=False, **settings)


def test_models_that_are_no_classifiers_are_refused():
    layers = keras.layers
    frozen = network()
    frozen.trainable = False
    models = {
        "train is for models of Keras": "network",
        "does not know its input yet": keras.Sequential([layers.Flatten(), layers.Dense(3)]),
        "no weights to train": frozen,
        r"gives \(N, 7, 6, 3\)": keras.Sequential([keras.Input(SHAPE), layers.Dense(3)]),
        "the last activation is 'sigmoid'": network(layers.Activation("sigmoid")),
    }
    for words, model in models.items():
        with pytest.raises(ConvlabError, match=words):
            train(model, data(12), progress=False)


def test_each_use_of_random_numbers_has_its_own():
    x = np.zeros((6, 1))
    moved = Batches(Examples(x, x, 1), 2, 1, augment=lambda images, random: random.random(images.shape))
    images = [moved.batch(epoch, step)[0] for epoch in range(3) for step in range(3)]
    assert len(np.unique(images)) == 3 * len(x)
    drawn = {
        batches.random(1, use, epoch, step).random() for use in range(3) for epoch in range(3) for step in range(3)
    }
    assert len(drawn) == 27


def test_weights_that_the_last_step_spoils_are_noticed():
    """The loss was a number to the end."""
    model = network()
    spoil = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: model.weights[0].assign(np.full(model.weights[0].shape, np.inf))
    )
    before = weights(model)
    with pytest.raises(ConvlabError, match="the loss is not finite .* in epoch 1, step 3 of 3"):
        train(model, data(20), batch_size=8, callbacks=[spoil], progress=False)
    assert same(weights(model), before)


def test_checkpoints_within_an_epoch_come_by_the_clock(tmp_path, monkeypatch):
    written = []
    monkeypatch.setattr(checkpoints, "write", lambda folder, state, identity: written.append((state.epoch, state.step)))
    monkeypatch.setattr(loop, "EVERY", 0)
    train(network(), data(30), epochs=1, batch_size=8, checkpoint=tmp_path, progress=False)
    assert written == [(0, 0), (0, 1), (0, 2), (0, 3), (1, 0), (1, 0)]
    written.clear()
    monkeypatch.setattr(loop, "EVERY", 1000)
    train(network(), data(30), epochs=1, batch_size=8, checkpoint=tmp_path, progress=False)
    assert written == [(0, 0), (1, 0), (1, 0)]
