"""TensorFlow starts without a word and loses no error; settings are made in time, or say that it is too late."""

import subprocess
import sys

import pytest

from convlab import ConvlabError
from convlab.hardware import grow_memory, mixed_precision, setup, use_device, use_threads

tf = pytest.importorskip("tensorflow", reason="TensorFlow is not installed")
START = "import os, sys\nfrom convlab.hardware import quiet_tensorflow\nwith quiet_tensorflow():\n"


def run(body, start=START):
    return subprocess.run([sys.executable, "-c", start + body], capture_output=True, text=True)


def test_tensorflow_starts_quietly_and_stderr_comes_back():
    body = "    import tensorflow as tf\nos.write(2, b'after')\nprint(tf.reduce_sum(tf.ones((2, 3))).numpy())\n"
    result = run(body + "print('too', file=sys.stderr)")
    assert (result.stdout, result.stderr, result.returncode) == ("6.0\n", "aftertoo\n", 0)


def test_what_a_failed_import_said_is_shown():
    result = run("    os.write(2, b'no AVX here')\n    raise ImportError('libtensorflow')")
    assert result.returncode == 1
    assert result.stderr.startswith("no AVX here")
    assert result.stderr.endswith("ImportError: libtensorflow\n")


def test_what_python_says_is_not_held_back():
    result = run(
        "    os.write(2, b'log')\n    import warnings\n    warnings.warn('deprecated')\n    print('x', file=sys.stderr)"
    )
    assert "UserWarning: deprecated" in result.stderr
    assert result.stderr.endswith("x\n")
    assert "log" not in result.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
def test_a_start_that_ends_the_process_says_where():
    result = run("    os.write(2, b'log')\n    os.abort()")
    assert result.returncode == -6
    assert result.stderr.startswith("Fatal Python error: Aborted")
    assert 'File "<string>", line 5 in <module>' in result.stderr


def test_what_watched_for_crashes_before_watches_again():
    body = "    pass\nimport faulthandler\nprint(faulthandler.is_enabled())"
    assert run(body).stdout == "False\n"
    assert run(body, "import faulthandler\nfaulthandler.enable()\n" + START).stdout == "True\n"


def test_no_window_and_no_place_to_write_are_survived():
    assert run("    print(1)", START.replace("with", "sys.stderr = None\nwith")).stdout == "1\n"
    full = "import tempfile\ndef full(): raise FileNotFoundError('No usable temporary directory found')\n"
    result = run("    os.write(2, b'log')\nos.write(2, b'after')", full + "tempfile.TemporaryFile = full\n" + START)
    assert (result.stderr, result.returncode) == ("after", 0)


def test_a_chosen_log_level_is_kept(monkeypatch):
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "0")
    assert run("    pass\nprint(os.environ['TF_CPP_MIN_LOG_LEVEL'])").stdout == "0\n"


def fresh(code):
    """Run code in a Python where TensorFlow has not started."""
    start = "from convlab.hardware import *\nfrom convlab import ConvlabError\n"
    start += "with quiet_tensorflow():\n    import tensorflow as tf\n"
    return run(code, start)


def test_threads_can_be_set_before_tensorflow_computes_and_not_after():
    code = (
        "use_threads(2); use_threads(2); print(use_device('cpu')); tf.constant(1) + 1; print(use_device('cpu'))\n"
        "print(tf.config.threading.get_intra_op_parallelism_threads())\n"
        "use_threads(2)\n"
        "try:\n    use_threads(1)\nexcept ConvlabError as error:\n    print(error)"
    )
    result = fresh(code)
    assert result.returncode == 0, result.stderr
    assert result.stdout == (
        "()\n()\n2\nuse_threads(1) comes too late, for TensorFlow has started to compute: "
        "restart the kernel and call it before anything else.\n"
    )
    for wrong in (0, 1.5, True):
        with pytest.raises(ConvlabError, match="whole number of at least 1"):
            use_threads(wrong)


class Device:
    def __init__(self, name):
        self.name = name


def test_memory_growth_is_asked_of_every_gpu_once(monkeypatch):
    asked = {"a": False, "b": True}

    def grow(device, on):
        if device.name == "late":
            raise RuntimeError("Physical devices cannot be modified after being initialized")
        asked[device.name] = on

    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [Device("a"), Device("b")])
    monkeypatch.setattr(tf.config.experimental, "get_memory_growth", lambda device: asked.get(device.name, False))
    monkeypatch.setattr(tf.config.experimental, "set_memory_growth", grow)
    assert grow_memory() == grow_memory() == ("a", "b")
    assert asked == {"a": True, "b": True}
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [Device("late")])
    with pytest.raises(ConvlabError, match="restart the kernel"):
        grow_memory()
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [])
    assert grow_memory() == ()


@pytest.fixture
def two_gpus(monkeypatch):
    """A TensorFlow with two GPUs, which can be hidden until it has started; returns what it sees."""
    gpus = [Device("GPU:0"), Device("GPU:1")]
    state = {"visible": gpus, "started": False}

    def show(devices, kind):
        if state["started"]:
            raise RuntimeError("Visible devices cannot be modified after being initialized")
        state["visible"] = devices

    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: gpus)
    monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind: state["visible"])
    monkeypatch.setattr(tf.config, "set_visible_devices", show)
    return state


def test_a_device_is_chosen_by_hiding_the_others(two_gpus):
    for name, seen in {"gpu": ("GPU:0",), "gpu:1": ("GPU:1",), "cpu": (), "gpu:0": ("GPU:0",)}.items():
        assert use_device(name) == seen
        assert tuple(device.name for device in two_gpus["visible"]) == seen
    two_gpus["started"] = True
    assert use_device("gpu") == ("GPU:0",)  # as it is
    with pytest.raises(ConvlabError, match='^use_device\\("cpu"\\) comes too late.*`with keras.device\\("cpu:0"\\):`'):
        use_device("cpu")
    with pytest.raises(ConvlabError, match='`with keras.device\\("gpu:1"\\):`'):
        use_device("gpu:1")


def test_a_device_that_is_not_there_is_named(two_gpus, monkeypatch):
    with pytest.raises(ConvlabError, match="there is no gpu:2: the number of GPUs that TensorFlow sees is 2"):
        use_device("gpu:2")
    for wrong in ("GPU", "tpu", "gpu:", "gpu:-1", "", 0, None):
        with pytest.raises(ConvlabError, match='a device is "cpu", "gpu" or "gpu:1"'):
            use_device(wrong)
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [])
    with pytest.raises(ConvlabError, match="sees is none; `convlab doctor` says why"):
        use_device("gpu")


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_other_backends_have_settings_of_their_own(backend, monkeypatch):
    monkeypatch.delitem(sys.modules, "keras", raising=False)
    monkeypatch.setenv("KERAS_BACKEND", backend)
    for call, name in [
        (grow_memory, "grow_memory"),
        (lambda: use_threads(2), "use_threads"),
        (lambda: use_device("cpu"), "use_device"),
    ]:
        with pytest.raises(ConvlabError) as error:
            call()
        words = str(error.value)
        assert words == f"{name}() is for TensorFlow, and Keras' backend here is {backend}: " + words.split(": ", 1)[1]
        assert words.endswith(f"{setup.ELSEWHERE[name, backend]}.")


@pytest.fixture
def keras():
    import keras

    yield keras
    keras.config.set_dtype_policy("float32")


def test_mixed_precision_can_be_switched(keras):
    for on, name, kind in [
        (True, "mixed_float16", "float16"),
        ("float16", "mixed_float16", "float16"),
        ("bfloat16", "mixed_bfloat16", "bfloat16"),
        (False, "float32", "float32"),
    ]:
        assert mixed_precision(on) == name
        layer = keras.layers.Dense(1)
        layer.build((None, 3))
        assert layer.compute_dtype == kind
        assert layer.kernel.dtype == "float32"
    for wrong in ("float8", 16, None, [True]):
        with pytest.raises(ConvlabError, match="the precision is True, False"):
            mixed_precision(wrong)


def test_layers_that_were_made_before_are_told_of(keras):
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(3), keras.layers.Dense(2)])
    assert mixed_precision(False, model) == "float32"
    with pytest.raises(ConvlabError, match="2 of the 2 layers of this model were made with float32"):
        mixed_precision("bfloat16", model)
    again = keras.Sequential([keras.Input((5,)), keras.layers.Dense(3)])
    assert mixed_precision("bfloat16", again) == "mixed_bfloat16"
    again.compile(optimizer="sgd", loss="mse")
    assert mixed_precision("float16") == "mixed_float16"
    scaled = keras.Sequential([keras.Input((5,)), keras.layers.Dense(1)])
    scaled.compile(optimizer="sgd", loss="mse")
    assert isinstance(scaled.optimizer, keras.optimizers.LossScaleOptimizer)  # as the docstring says
    assert not isinstance(again.optimizer, keras.optimizers.LossScaleOptimizer)
