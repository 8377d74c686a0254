"""Several devices train to the weights that one device trains to, and the page about them tells the truth.

Devices are parts of this machine's processor, and machines are processes: real ones need real ones.
"""

import json
import os
import re
import socket
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import convlab
from convlab import ConvlabError
from convlab.models.distributing import Devices, on_all_devices

keras = pytest.importorskip("keras", reason="Keras is not installed")
BACKEND = keras.backend.backend()

PAGE = (Path(convlab.__file__).parents[1] / "docs" / "many-devices.md").read_text(encoding="utf-8")
PROGRAMS = re.findall(r"```python\n(.*?)```", PAGE, re.S)

with_tensorflow = pytest.mark.skipif(not find_spec("tensorflow"), reason="TensorFlow is not installed")
with_jax = pytest.mark.skipif(not find_spec("jax"), reason="JAX is not installed")
BACKENDS = [pytest.param("tensorflow", marks=with_tensorflow), pytest.param("jax", marks=with_jax)]

SPLIT = """
import os
if os.environ["KERAS_BACKEND"] == "tensorflow":
    import tensorflow as tf
    part = tf.config.LogicalDeviceConfiguration()
    tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], [part] * DEVICES)
"""

# prints {what: largest difference of a weight between training on all devices and on one}
COMPARE = """
import json
import keras
import numpy as np
from convlab.models import training
from convlab.models.distributing import on_all_devices
from convlab.models.saving import load, save
from convlab.models.schedule import one_cycle

random = np.random.default_rng(0)
x, y = random.random((71, 8, 9, 2), np.float32), random.integers(0, 3, 71)
layers = keras.layers
PLAIN = [layers.Conv2D(4, 3, activation="relu")]
NORMALIZED = [layers.Conv2D(4, 3), layers.BatchNormalization(momentum=0.5)]

def train(body, x, y, batch):
    keras.utils.set_random_seed(0)
    validation = (x, y) if body is PLAIN else None
    body = [layer.__class__.from_config(layer.get_config()) for layer in body]
    model = keras.Sequential([keras.Input((8, 9, 2)), *body, layers.Flatten(), layers.Dense(3)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(one_cycle(12, 0.2), momentum=0.9), loss, metrics=["accuracy"])
    history = model.fit(x, y, batch_size=batch, epochs=2, verbose=0, shuffle=SHUFFLE, validation_data=validation)
    return model, history.history

def train_of_convlab(devices):
    rows = devices.share(x, y)
    def run():
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.Input((8, 9, 2)), layers.Flatten(), layers.Dense(3)])
        training.train(model, rows, batch_size=4 * devices.count, epochs=1, validation=rows, progress=False)
        return model, None
    try:
        with on_all_devices():
            together = run()
    except Exception as error:
        return str(error)
    return differences(together, run())

def differences(*runs):
    weights = [np.concatenate([np.ravel(weight) for weight in model.get_weights()]) for model, _ in runs]
    return float(np.max(np.abs(weights[0] - weights[1])))

def whole(devices):
    # the rows that all devices together take
    return x[: len(x) // devices.count * devices.count], y[: len(x) // devices.count * devices.count]
"""

ON_ONE_MACHINE = """
SHUFFLE, found = True, {}
with on_all_devices() as devices:
    found["devices"] = [devices.count, devices.here, devices.machines, devices.machine]
    together = train(PLAIN, *devices.share(x, y), 4 * devices.here)
    save(together[0], "together.keras")
    normalized = train(NORMALIZED, *devices.share(x, y), 4 * devices.here)
    try:
        uneven = train([], x[:70], y[:70], 12)  # 10 in the last batch
    except Exception as error:
        found["uneven"] = type(error).__name__
alone = train(PLAIN, *whole(devices), 4 * devices.count)
found["plain"] = differences(together, alone)
found["history"] = max(np.max(np.abs(np.subtract(together[1][key], alone[1][key]))) for key in alone[1])
found["predicted"] = float(np.max(np.abs(together[0].predict(x, verbose=0) - alone[0].predict(x, verbose=0))))
found["saved"] = differences(together, (load("together.keras"), None))
normal = train(NORMALIZED, *whole(devices), 4 * devices.count)
found["normalized"] = differences(normalized, normal)
if keras.backend.backend() == "tensorflow":
    found["uneven"] = differences(uneven, train([], x[:70], y[:70], 12))
    layer = layers.BatchNormalization(momentum=0.5, synchronized=True)
    with on_all_devices():
        synchronized = train([NORMALIZED[0], layer], *devices.share(x, y), 4 * devices.here)
    found["synchronized"] = differences(synchronized, normal)
found["train"] = train_of_convlab(devices)
print(json.dumps(found, default=float))
"""

ON_SEVERAL_MACHINES = """
SHUFFLE = False
with on_all_devices() as devices:
    together = train(PLAIN, *devices.share(x, y), 4 * devices.here)
save(together[0], f"machine{devices.machine}.keras")
found = {"machine": [devices.count, devices.here, devices.machines, devices.machine]}
found["saved"] = differences(together, (load(f"machine{devices.machine}.keras"), None))
found["plain"] = differences(together, train(PLAIN, *whole(devices), 4 * devices.count))
print(json.dumps(found))
"""


def environment(backend, devices, **more):
    flags = {"XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}"} if backend == "jax" else {}
    return os.environ | {"KERAS_BACKEND": backend, "JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": ""} | flags | more


def start(program, folder, backend, devices, **more):
    program = SPLIT.replace("DEVICES", str(devices)) + program
    return subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=folder,
        env=environment(backend, devices, **more),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def result(process):
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err[-3000:]
    return json.loads(out.splitlines()[-1])


@pytest.fixture(scope="module", params=BACKENDS)
def found(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    return {"backend": request.param} | result(start(COMPARE + ON_ONE_MACHINE, folder, request.param, 3))


def test_three_devices_train_as_one(found):
    assert found["devices"] == [3, 3, 1, 0]
    for same in ("plain", "history", "predicted"):
        assert found[same] < 2e-5
    assert found["saved"] == 0


def test_train_works_on_three_devices(found):
    assert isinstance(found["train"], float), found["train"]
    assert found["train"] < 2e-5


def test_statistics_are_those_of_the_page(found):
    if found["backend"] == "jax":
        assert found["normalized"] < 2e-5
    else:
        assert found["normalized"] > 1e-3
        assert (
            found["synchronized"] < 1e-4
        )  # statistics are summed in another order: 2e-5 was seen; unsynchronized 1e-3


def test_uneven_batches_do_what_the_page_says(found):
    if found["backend"] == "jax":
        assert found["uneven"] == "IndivisibleError"
    else:
        assert found["uneven"] > 1e-3


@with_jax
def test_two_machines_train_as_one(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    cluster = {"KERAS_DISTRIBUTION_JOB_ADDRESSES": address, "KERAS_DISTRIBUTION_NUM_PROCESSES": "2"}
    running = [
        start(COMPARE + ON_SEVERAL_MACHINES, tmp_path, "jax", 2, **cluster, KERAS_DISTRIBUTION_PROCESS_ID=str(number))
        for number in range(2)
    ]
    for number, process in enumerate(running):
        found = result(process)
        assert found["machine"] == [4, 2, 2, number]
        assert found["plain"] < 2e-5
        assert found["saved"] == 0


@pytest.mark.skipif(BACKEND == "torch", reason="Keras on PyTorch trains on one device")
def test_the_program_of_the_page_runs(tmp_path):
    assert len(PROGRAMS) == 1
    done = start(PROGRAMS[0], tmp_path, BACKEND, 2)
    out, err = done.communicate(timeout=300)
    assert done.returncode == 0, err[-3000:]
    assert float(re.search(r"(0\.\d+) of the test digits", out)[1]) > 0.8
    assert (tmp_path / "small.keras").is_file()


def test_a_machine_takes_its_rows_and_none_is_taken_twice():
    x, y = np.arange(46).reshape(23, 2), list(range(23))
    assert Devices(1, 1).share(x)[0] is not None
    parts = [Devices(6, 3, 2, machine).share(x, y) for machine in range(2)]
    for batch in range(3):  # of six rows: the same ones as on one machine
        rows = sorted(row for _, mine in parts for row in mine[3 * batch : 3 * batch + 3])
        assert rows == list(range(6 * batch, 6 * batch + 6))
    np.testing.assert_array_equal(parts[1][0][:, 0], np.multiply(parts[1][1], 2))
    np.testing.assert_array_equal(Devices(1, 1).share(x)[0], x)


@pytest.mark.parametrize("arrays", [(), ([1, 2, 3],), ([1, 2, 3, 4], [1, 2, 3, 4, 5])])
def test_arrays_that_cannot_be_shared(arrays):
    with pytest.raises(ConvlabError, match=re.escape(f"but got lengths {[len(array) for array in arrays]}")):
        Devices(4, 4).share(*arrays)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="TensorFlow is not Keras' backend here")
@pytest.mark.parametrize("variable", ["TF_CONFIG", "KERAS_DISTRIBUTION_NUM_PROCESSES"])
def test_several_machines_need_jax(variable, monkeypatch):
    monkeypatch.setenv(variable, "2")
    with pytest.raises(ConvlabError, match=f"^{variable} asks for several machines"), on_all_devices():
        pass


def test_other_backends_are_refused(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    with (
        pytest.raises(ConvlabError, match="Keras on torch trains on one device: set .* tensorflow or jax"),
        on_all_devices(),
    ):
        pass


@with_jax
def test_machines_that_meet_too_late_are_told(tmp_path):
    program = """
import jax
jax.numpy.ones(3) + 1
from convlab.models.distributing import on_all_devices
with on_all_devices():
    pass
"""
    cluster = {"KERAS_DISTRIBUTION_JOB_ADDRESSES": "127.0.0.1:1", "KERAS_DISTRIBUTION_NUM_PROCESSES": "2"}
    _, err = start(program, tmp_path, "jax", 1, **cluster, KERAS_DISTRIBUTION_PROCESS_ID="0").communicate(timeout=300)
    assert "ConvlabError: several machines must find each other first: make on_all_devices the first" in err
