"""Exported files predict what Keras does, by the format's own runtime, and what would not is never written."""

from importlib.util import find_spec

import numpy as np
import pytest

from convlab import ConvlabError
from convlab.models import build, exporting
from convlab.models.exporting import ONNX_TOOLS, to_onnx, to_tflite

keras = pytest.importorskip("keras", reason="Keras is not installed")
BACKEND = keras.backend.backend()

missing = [tool for tool in ONNX_TOOLS.get(BACKEND, ("tf2onnx",)) if find_spec(tool) is None]
with_onnx = pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")
with_tflite = pytest.mark.skipif(
    BACKEND != "tensorflow", reason=f"TFLite needs TensorFlow, and Keras runs on {BACKEND}"
)
KINDS = [pytest.param(to_onnx, ".onnx", marks=with_onnx), pytest.param(to_tflite, ".tflite", marks=with_tflite)]

SHAPE = (30, 27, 3)


def by_onnxruntime(path, x):
    session = pytest.importorskip("onnxruntime").InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: x})[0]


def by_interpreter(path, x):
    """LiteRT's own interpreter if it is there, else TensorFlow's."""
    if find_spec("ai_edge_litert"):
        from ai_edge_litert.interpreter import Interpreter
    else:
        Interpreter = pytest.importorskip("tensorflow").lite.Interpreter
    interpreter = Interpreter(str(path))
    interpreter.resize_tensor_input(interpreter.get_input_details()[0]["index"], x.shape)
    runner = interpreter.get_signature_runner()
    (name,) = runner.get_input_details()
    (result,) = runner(**{name: x}).values()
    return result


RUN = {".onnx": by_onnxruntime, ".tflite": by_interpreter}


def tiny():
    """With what formats may count in another way: a stride with "same" padding, a dilation, kernels wider than high."""
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((9, 6, 2)),
            layers.Conv2D(4, (3, 2), strides=2, padding="same"),
            layers.BatchNormalization(),
            layers.Conv2D(4, 2, dilation_rate=2, padding="same", activation="relu"),
            layers.Dropout(0.5),
            layers.Flatten(),
            layers.Dense(3),
        ]
    )
    random = np.random.default_rng(0)
    model.set_weights([random.random(weight.shape, np.float32) - 0.25 * (weight.ndim > 1) for weight in model.weights])
    return model


@pytest.mark.parametrize(("export", "ending"), KINDS)
def test_a_batch_of_any_size_is_predicted_as_by_keras(export, ending, tmp_path):
    model = tiny()
    path = export(model, tmp_path / "new" / f"tiny{ending}")
    assert path == tmp_path / "new" / f"tiny{ending}"
    for number in (1, 4, 11):
        x = np.random.default_rng(number).random((number, 9, 6, 2), np.float32)
        expected = keras.ops.convert_to_numpy(model(x))
        np.testing.assert_allclose(RUN[ending](path, x), expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize(("export", "ending"), KINDS)
@pytest.mark.parametrize("name", ["small", "functional", "separable", "normalized"])
def test_the_networks_of_the_course_are_exported(name, export, ending, tmp_path):
    keras.utils.set_random_seed(0)
    model = build(name, SHAPE, 7)
    path = export(model, str(tmp_path / f"{name}{ending}"))
    x = np.random.default_rng(1).random((3, *SHAPE), np.float32)
    expected = keras.ops.convert_to_numpy(model(x))
    np.testing.assert_allclose(RUN[ending](path, x), expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize(("export", "ending"), KINDS)
def test_it_is_silent(export, ending, tmp_path, capfd):
    export(tiny(), tmp_path / f"tiny{ending}")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("export", "ending"), KINDS)
def test_a_file_that_predicts_otherwise_is_not_written(export, ending, tmp_path, monkeypatch):
    class Wrong(keras.Sequential):
        def export(self, *given, **how):
            self.layers[-1].bias.assign(self.layers[-1].bias + 1)
            super().export(*given, **how)

    path = tmp_path / f"model{ending}"
    path.write_bytes(b"the model of yesterday")
    model = Wrong([keras.Input((4, 3, 1)), keras.layers.Flatten(), keras.layers.Dense(2)])
    with pytest.raises(ConvlabError, match=f"model{ending} is not written: read back, its predictions .* differ by 1 "):
        export(model, path)
    assert path.read_bytes() == b"the model of yesterday"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(("export", "ending"), KINDS)
def test_a_layer_that_the_format_has_no_word_for(export, ending, tmp_path, capfd):
    class SingularValues(keras.layers.Layer):
        def call(self, x):
            return keras.ops.svd(x, compute_uv=False)

    model = keras.Sequential([keras.Input((3, 4)), SingularValues()])
    with pytest.raises(ConvlabError, match=f"model{ending} is not written: the model cannot be put in this format. .*"):
        export(model, tmp_path / f"model{ending}")
    assert capfd.readouterr().err == ""
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("export", "ending"), [(to_onnx, ".onnx"), (to_tflite, ".tflite")])
def test_other_endings_and_backends_are_refused(export, ending, tmp_path, monkeypatch):
    with pytest.raises(ConvlabError, match=rf"must end in '{ending}', but is 'a\.keras'"):
        export(None, tmp_path / "a.keras")
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(ConvlabError, match=rf"{ending} files are written by Keras on tensorflow.* runs on jax: save"):
        export(None, tmp_path / f"a{ending}")


def test_a_missing_tool_is_named_with_the_command(tmp_path, monkeypatch):
    monkeypatch.setitem(ONNX_TOOLS, BACKEND, ("sys", "no_such_tool", "nor_this"))
    with pytest.raises(ConvlabError, match="need no_such_tool, nor_this: pip install no_such_tool nor_this$"):
        to_onnx(None, tmp_path / "a.onnx")


def test_a_model_without_a_known_input_is_refused(tmp_path, monkeypatch):
    monkeypatch.setitem(exporting.TFLITE_TOOLS, BACKEND, ())
    with pytest.raises(ConvlabError, match=r"has 0 inputs .* begin a Sequential model with keras.Input"):
        to_tflite(keras.Sequential([keras.layers.Dense(2)]), tmp_path / "a.tflite")
