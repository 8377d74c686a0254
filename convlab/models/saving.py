"""Trained models in files that are known to hold them: a file takes its name once it gives the model's predictions."""

import re
import tempfile
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convlab.errors import ConvlabError
from convlab.files import writing
from convlab.models.schedule import one_cycle_class
from convlab.optional import need

Predict = Callable[[NDArray], NDArray]

PROBES = ((1, 1), (5, 255), (2, 1))  # (images in a batch, their largest value): files may be bound to one batch size
FREE = 32  # the size of an axis that the model leaves open, in pixels
SAME = 1e-6  # of the largest prediction: a graphics processor may add float32 in another order


def save(model: Any, path: str | Path) -> Path:
    """Write a Keras model to a `.keras` file: layers, weights, and if it is compiled optimizer, loss and metrics.

    The file is loaded again, and takes its name only if the predictions for a few random images are the model's own,
    to within 1e-6 of the largest. Until then an older file of that name stays. The result is the path.

    Raises `ConvlabError` for another ending, for a model without one input and one output of known shape, for a file
    that cannot be written, and for a model that does not come back: one with a layer of your own that Keras does not
    know, or with a lambda.
    """
    path = path_ending_in(path, ".keras")

    def read(draft: Path) -> Predict:
        try:
            return predictions(_load(draft))
        except Exception as error:
            raise ConvlabError(f"{path} is not written: it could not be loaded again. {_reason(error)}") from error

    return write_checked(model, path, lambda draft: model.save(draft), read, SAME)


def load(path: str | Path) -> Any:
    """The model of a `.keras` file, as `save` writes it.

    Code is never loaded from it (Keras' safe mode), so a file from others is no program that runs on your machine.

    Raises `ConvlabError` for a file that is missing, damaged, or of another format, for a layer or function that is not
    Keras' own and not registered, and for a lambda.
    """
    if Path(path).is_dir():
        raise ConvlabError(f"{path} is a folder, but a model is one .keras file, as convlab.models.save writes it.")
    path = path_ending_in(path, ".keras")
    if not path.is_file():
        raise ConvlabError(f"there is no file {path}: check the path, which is seen from {Path.cwd()}.")
    if not _is_whole(path):
        raise ConvlabError(f"{path} is damaged, cut off, or no Keras model: get it again from where it came.")
    try:
        return _load(path)
    except Exception as error:  # Keras raises ValueError, TypeError, KeyError and more, as the file has it
        raise ConvlabError(f"{path} cannot be loaded. {_reason(error)}") from error


def same_predictions(a: Any, b: Any, x: Any) -> float:
    """The largest absolute difference between the predictions of two Keras models for the batch x.

    Raises `ConvlabError` where the predictions have different shapes.
    """
    return _difference(predictions(a)(x), predictions(b)(x))


def predictions(model: Any) -> Predict:
    """A Keras model as a function from arrays to arrays, not in training: dropout and the like are off."""
    keras = need("keras")
    return lambda x: keras.ops.convert_to_numpy(model(x, training=False))


def write_checked(
    model: Any, path: Path, write: Callable[[Path], Any], read: Callable[[Path], Predict], tolerance: float
) -> Path:
    """Let `write` make a file, `read` it back, and name it `path` if it predicts what the model does.

    tolerance: the difference allowed, as a share of the largest prediction of a batch.
    """
    probes = _probes(model)
    expected = [predictions(model)(x) for x in probes]  # first: ONNX takes no model that was never called
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / path.name
        write(draft)
        predict = read(draft)
        for x, wanted in zip(probes, expected, strict=True):
            difference = _difference(predict(x), wanted)
            allowed = tolerance * np.max(np.abs(wanted), where=np.isfinite(wanted), initial=0)
            if not difference <= allowed:
                raise ConvlabError(
                    f"{path} is not written: read back, its predictions for {len(x)} random images differ by "
                    f"{difference:.2g} from the model's, where {allowed:.2g} is allowed. Does a layer of your own keep "
                    "something that is no weight?"
                )
        content = draft.read_bytes()
    with writing(path, "wb") as file:
        file.write(content)
    return path


def path_ending_in(path: str | Path, ending: str) -> Path:
    path = Path(path)
    if path.suffix == ending:
        return path
    old = " That older format is read by keras.saving.load_model." if path.suffix in (".h5", ".hdf5") else ""
    raise ConvlabError(f"the name of the file must end in {ending!r}, but is {path.name!r}.{old}")


def _load(path: Path) -> Any:
    one_cycle_class()  # so that Keras knows it
    with warnings.catch_warnings():
        # said of an optimizer that has not begun: it has a count of steps, perhaps a rate, and nothing to be lost
        warnings.filterwarnings("ignore", r"Skipping variable loading for optimizer.* saved optimizer has [12] var")
        return need("keras").saving.load_model(path, safe_mode=True)


def _difference(a: NDArray, b: NDArray) -> float:
    """The largest absolute difference. Where both are NaN, or the same infinity, there is none."""
    if a.shape != b.shape:
        raise ConvlabError(f"predictions of shape {a.shape} and of {b.shape} are of different models.")
    with np.errstate(invalid="ignore"):  # infinity less infinity
        return float(np.max(np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0, np.abs(a - b)), initial=0))


def _probes(model: Any) -> list[NDArray]:
    """Seeded random images in batches of several sizes, with values from 0 to 1 and from 0 to 255."""
    inputs, outputs = getattr(model, "inputs", None) or [], getattr(model, "outputs", None) or []
    if len(inputs) != 1 or len(outputs) != 1:
        raise ConvlabError(
            f"the model {getattr(model, 'name', model)!r} has {len(inputs)} inputs and {len(outputs)} outputs of known "
            "shape, where one of each is needed: begin a Sequential model with keras.Input(shape)."
        )
    random, size = np.random.default_rng(0), [axis or FREE for axis in inputs[0].shape[1:]]
    return [(most * random.random((number, *size))).astype(inputs[0].dtype) for number, most in PROBES]


def _is_whole(path: Path) -> bool:
    """A `.keras` file is a zip archive, with a checksum for each part."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None and "config.json" in archive.namelist()
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError):  # as the damage has it
        return False


def _reason(error: Exception) -> str:
    """What Keras says, in a sentence or two."""
    said = str(error).strip()
    if "safe_mode" in said:
        return (
            "It holds code (a Lambda layer with a lambda), which could do anything on this machine, so it is not run. "
            "Write a subclass of keras.layers.Layer instead of the lambda, and save the model again."
        )
    if unknown := re.search(r"Could not locate (?:class|function) '([^']+)'", said):
        return (
            f"Keras does not know {unknown[1]!r}: write @keras.saving.register_keras_serializable() above its "
            "definition, and import the module that holds it before you load."
        )
    return f"Keras says: {said.splitlines()[-1] if said else type(error).__name__}"
