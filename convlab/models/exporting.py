"""Trained models for programs without Keras: ONNX for servers and browsers, TFLite for telephones and small boards."""

import textwrap
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from convlab.errors import ConvlabError
from convlab.hardware.quiet import quiet_tensorflow
from convlab.models.saving import Predict, path_ending_in, write_checked
from convlab.optional import need

Tools = dict[str, tuple[str, ...]]

TOLERANCE = 1e-3  # of the largest prediction: graphics processors may multiply float32 with 10 bits after the point

# what has to be installed beside Keras and its backend: {backend: module names}, which are pip's names too; with
# TensorFlow, the extra `export` brings them
ONNX_TOOLS: Tools = {"tensorflow": ("tf2onnx", "onnx", "onnxruntime"), "torch": ("onnx", "onnxruntime")}
TFLITE_TOOLS: Tools = {"tensorflow": ()}


def to_onnx(model: Any, path: str | Path) -> Path:
    """Write a Keras model to an `.onnx` file, for any batch size, with training left out. The result is the path.

    ONNX Runtime runs the file, and it takes its name only if the predictions for random images, in batches of several
    sizes, differ by at most 1e-3 of the largest. Until then an older file of that name stays.

    Raises `ConvlabError` for another ending, a model without one input and one output of known shape, a backend or
    tool that is missing (it names the command), a file that cannot be written, and a model that ONNX cannot express.
    """
    return _export(model, path_ending_in(path, ".onnx"), "onnx", ONNX_TOOLS, _with_onnxruntime)


def to_tflite(model: Any, path: str | Path) -> Path:
    """Write a Keras model to a `.tflite` file (now also called LiteRT), with training left out. The result is the path.

    TensorFlow's interpreter runs the file; check and errors are those of `to_onnx`. The file has batches of one until
    the interpreter's `resize_tensor_input` says otherwise.
    """
    return _export(model, path_ending_in(path, ".tflite"), "litert", TFLITE_TOOLS, _with_interpreter)


def _export(model: Any, path: Path, kind: str, tools: Tools, read: Callable[[Path], Predict]) -> Path:
    backend = need("keras").backend.backend()
    if backend not in tools:
        raise ConvlabError(
            f"{path.suffix} files are written by Keras on {' or '.join(tools)}, but it runs on {backend}: save the "
            "model, set the environment variable KERAS_BACKEND=tensorflow, and load and export it there."
        )
    if missing := [tool for tool in tools[backend] if find_spec(tool) is None]:
        raise ConvlabError(f"{path.suffix} files need {', '.join(missing)}: pip install {' '.join(missing)}")

    def write(draft: Path) -> None:
        model.export(draft, format=kind, verbose=False)

    problem: Exception | None = None
    with quiet_tensorflow(), warnings.catch_warnings(action="ignore"):
        try:
            write_checked(model, path, write, read, TOLERANCE)
        except Exception as error:  # every converter and runtime has errors of its own
            problem = error  # raised below: an error that leaves the block makes TensorFlow's log lines appear
    if isinstance(problem, ConvlabError):
        raise problem
    if problem is not None:
        said = textwrap.shorten(str(problem) or type(problem).__name__, 300)
        raise ConvlabError(f"{path} is not written: the model cannot be put in this format. {said}") from problem
    return path


def _with_onnxruntime(file: Path) -> Predict:
    onnxruntime = need("onnxruntime")
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    return lambda x: session.run(None, {given.name: x})[0]


def _with_interpreter(file: Path) -> Predict:
    interpreter = need("tensorflow").lite.Interpreter(str(file))
    (given,), (result,) = interpreter.get_input_details(), interpreter.get_output_details()

    def predict(x: np.ndarray) -> np.ndarray:
        interpreter.resize_tensor_input(given["index"], x.shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(given["index"], x)
        interpreter.invoke()
        return interpreter.get_tensor(result["index"])

    return predict
