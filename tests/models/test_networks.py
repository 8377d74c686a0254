"""The networks have the sizes that their tutorials state, and train as told."""

import numpy as np
import pytest

from convlab import ConvlabError, layers
from convlab.data import digits
from convlab.models import NETWORKS, build, one_cycle, progress, progress_bar
from convlab.models.describing import describe
from convlab.models.schedule import one_cycle_rate

keras = pytest.importorskip("keras", reason="Keras is not installed")

# from the published tutorials and Keras' own count
PARAMETERS = {
    "single": 320,
    "classic": 225_034,
    "late_pool": 1_199_882,
    "normalized": 1_626_250,
    "normalized_no_bias": 1_626_154,
    "tiny": 21_778,  # these three are of the course itself; none is above 100,000
    "small": 29_402,
    "deep": 99_394,
}
FLOAT32 = 3e-6  # the largest difference from Keras that rounding explains, of outputs around 1; seen was 1e-6


def as_if_trained(name):
    """A network whose biases and statistics are not those of the first step, and images as it takes them."""
    keras.utils.set_random_seed(0)
    model, rng = build(name), np.random.default_rng(0)
    for weight in model.weights:
        kind = weight.path.rpartition("/")[2]
        if kind in ("gamma", "moving_variance"):
            weight.assign(rng.uniform(0.3, 2, weight.shape))
        elif "kernel" not in kind:
            weight.assign(rng.normal(0, 0.3, weight.shape))
    most = 255 if any(isinstance(layer, keras.layers.Rescaling) for layer in model.layers) else 1
    return model, rng.uniform(0, most, (3, 28, 28, 1)).astype(np.float32)


@pytest.mark.parametrize("name", NETWORKS)
def test_numpy_gives_the_predictions_of_keras(name):
    model, x = as_if_trained(name)
    twin, expected = layers.from_keras(model), model.predict(x, verbose=0)
    assert np.ptp(expected) > 0.05
    for other in (twin, twin.to_keras()):
        found = other.predict(x)
        assert np.abs(found - expected).max() < FLOAT32 * max(np.abs(expected).max(), 1)


@pytest.mark.parametrize("name", NETWORKS)
def test_all_count_the_same_parameters(name):
    model = build(name)
    counted = model.count_params(), describe(model).parameters, layers.from_keras(model).count_params()
    assert set(counted) == {PARAMETERS.get(name, model.count_params())}
    assert (None, *describe(model).output_shape) == model.output_shape


def test_shapes_of_the_classic_network():
    shapes = [layer.output.shape[1:] for layer in build("classic").layers]
    assert shapes == [(26, 26, 32), (13, 13, 32), (11, 11, 64), (5, 5, 64), (1600,), (128,), (10,)]


def test_other_images_and_classes():
    assert build("small", (40, 33, 3), 7).output_shape == (None, 7)
    with pytest.raises(ConvlabError, match="no network 'large': choose one of 'tiny'"):
        build("large")
    with pytest.raises(ConvlabError, match="'small' cannot be built for images of"):
        build("small", (8, 8, 1))


def test_the_small_network_reads_the_digits():
    (x, y), (x_test, y_test) = digits(28)
    keras.utils.set_random_seed(0)
    model = build("small")
    steps = -(-len(x) // 32) * 6
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(one_cycle(steps)), loss, metrics=["accuracy"])
    model.fit(x[..., None], y, batch_size=32, epochs=6, verbose=0)
    assert model.evaluate(x_test[..., None], y_test, verbose=0)[1] > 0.97


@pytest.mark.parametrize("steps", [1, 2, 7, 400])
def test_the_rate_goes_up_and_down_once(steps):
    schedule = one_cycle(steps, 0.02)
    rates = [float(schedule(step)) for step in range(steps + 3)]
    np.testing.assert_allclose(rates, [one_cycle_rate(step, steps, 0.02) for step in range(steps + 3)], atol=1e-8)
    top = int(np.argmax(rates))
    assert np.all(np.diff(rates[: top + 1]) > 0)
    assert np.all(np.diff(rates[top:]) <= 0)
    assert max(rates) <= 0.02 + 1e-9
    np.testing.assert_allclose(rates[-1], 0.02 / 1000, rtol=1e-4)
    assert schedule.get_config() == {"steps": steps, "peak": 0.02}


@pytest.mark.parametrize("wrong", [(0, 0.1), (1.5, 0.1), (True, 0.1), (3, 0), (3, float("nan"))])
def test_a_schedule_without_steps_is_refused(wrong):
    with pytest.raises(ConvlabError, match="at least 1 step"):
        one_cycle(*wrong)


def fit(callback, **options):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["mae"])
    model.fit(np.ones((10, 2)), np.ones((10, 1)), batch_size=4, epochs=2, verbose=0, callbacks=[callback], **options)


def test_in_a_file_there_is_a_line_for_each_epoch(capsys):
    fit(progress_bar())
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(",")[0] for line in lines] == ["epoch 1 of 2", "epoch 2 of 2"]
    assert all("loss " in line and "mae " in line for line in lines)


def test_on_a_terminal_one_line_is_written_over(capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setattr(progress, "EVERY", 0)
    fit(progress_bar(), validation_data=(np.ones((2, 2)), np.ones((2, 1))))
    text = capsys.readouterr().err
    assert text.count("\n") == 2
    assert text.count("\r") == 2 * 3 + 2
    assert "[##########..........] epoch 1 of 2" in text
    assert "val_loss" in text
    assert " left" in text


def test_in_a_notebook_a_widget_moves(monkeypatch):
    from convlab.widgets.progress import Progress

    shown = []
    monkeypatch.setattr(progress, "_in_notebook", lambda: True)
    monkeypatch.setattr("IPython.display.display", shown.append)
    fit(progress_bar())
    (bar,) = shown
    assert isinstance(bar, Progress)
    assert bar.done == 1
    assert bar.description.startswith("epoch 2 of 2, ")
    assert bar._repr_mimebundle_()[0]["text/plain"].startswith("A progress bar")


def test_the_time_left_counts_from_where_this_training_began(capsys, monkeypatch):
    clock = iter(range(0, 1000, 10))
    monkeypatch.setattr(progress, "monotonic", lambda: next(clock))
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    bar = progress_bar()
    bar.set_params({"steps": 10, "epochs": 2})
    bar.on_train_begin()
    bar.on_epoch_begin(1)
    bar.on_train_batch_end(0, {})  # the eleventh step of twenty, 20 s after the beginning: nine more take 180 s
    assert ", 3:00 left" in capsys.readouterr().err
