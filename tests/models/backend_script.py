"""Trains on the backend that KERAS_BACKEND names, and writes what came of it. Run by test_backends.py.

python backend_script.py FOLDER REFERENCE: reference is the backend whose trained models all others predict with.
"""

import json
import sys
from importlib import import_module
from pathlib import Path
from time import perf_counter

import keras
import numpy as np

from convlab.data import digits
from convlab.models import build, loop
from convlab.models.training import train

SETTINGS = {"small": dict(peak=0.01, label_smoothing=0.05), "separable": dict(peak=0.005)}


def learn(name: str, scale: float) -> tuple[keras.Model, float, float]:
    """(a trained network, its accuracy on other digits, seconds)"""
    (x, y), (x_test, y_test) = digits(28)
    keras.utils.set_random_seed(0)
    model = build(name)
    start = perf_counter()
    train(model, (x[:320] * scale, y[:320]), epochs=6, batch_size=32, progress=False, **SETTINGS[name])
    seconds = perf_counter() - start
    scores = model.predict(x_test[..., np.newaxis] * scale, verbose=0)
    return model, float(np.mean(scores.argmax(axis=1) == y_test)), seconds


def goes_on(folder: Path) -> bool:
    """Whether an interrupted training ends with the weights of one that was not, with dropout at work."""

    def weights(interrupted: bool) -> list[np.ndarray]:
        layers = keras.layers
        model = keras.Sequential(
            [keras.Input((8, 8, 1)), layers.Flatten(), layers.Dense(9), layers.Dropout(0.5), layers.Dense(10)]
        )
        random = np.random.default_rng(0)
        for weight in model.weights:
            weight.assign(random.normal(0, 0.1, weight.shape))
        x, y = digits()[0]
        settings = dict(epochs=3, batch_size=8, validation=0.2, progress=False, seed=1, deterministic=True)

        def stop(epoch: int, step: int) -> keras.callbacks.Callback:
            class Stop(keras.callbacks.Callback):
                def on_epoch_begin(self, now, logs=None):
                    self.epoch = now

                def on_train_batch_end(self, batch, logs=None):
                    if self.epoch == epoch and batch >= step:
                        raise InterruptedError

            return Stop()

        for moment in [(0, 17), (1, 17), (2, 0)] if interrupted else []:
            try:
                train(model, (x[:240] / 255, y[:240]), checkpoint=folder, callbacks=[stop(*moment)], **settings)
            except InterruptedError:
                continue
            raise AssertionError("it was not interrupted")
        train(model, (x[:240] / 255, y[:240]), checkpoint=folder if interrupted else None, **settings)
        return [weight.numpy() for weight in model.weights]

    loop.EVERY = 0
    return all(np.array_equal(one, other) for one, other in zip(weights(False), weights(True), strict=True))


def main(folder: Path, reference: str) -> None:
    backend = keras.backend.backend()
    found = {"keras": keras.__version__, backend: import_module(backend).__version__}
    outputs = {}
    for name, scale in {"small": 1, "separable": 1 / 255}.items():
        model, accuracy, seconds = learn(name, scale)
        found[name] = {"accuracy": accuracy, "seconds": seconds}
        file = folder / f"{reference}-{name}.keras"
        if backend == reference:
            model.save(file)
        x = digits(28)[1][0][:100, ..., np.newaxis] * scale
        outputs[name] = keras.saving.load_model(file).predict(x, verbose=0)
    found["goes_on"] = goes_on(folder / f"{backend}-training")
    np.savez(folder / f"{backend}.npz", **outputs)
    (folder / f"{backend}.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
