"""Which Python packages are installed, and what Keras and the course would take, without starting any of them."""

import json
import os
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from convlab.hardware.running import attempt, read

# each brings the module `tensorflow`, so there must be only one of them
TENSORFLOWS = ("tensorflow", "tensorflow-cpu", "tensorflow-gpu", "tf-nightly", "tf-nightly-cpu", "tensorflow-rocm")
BACKENDS = {"tensorflow": "tensorflow", "jax": "jax", "torch": "torch", "openvino": "openvino", "numpy": "numpy"}
CUDA_PACKAGE, CUDNN_PACKAGE = "nvidia-cuda-runtime-cu12", "nvidia-cudnn-cu12"  # what tensorflow[and-cuda] brings


def version(package: str) -> str | None:
    """The version of a package; None where it is not installed, or too broken to say."""
    return attempt(lambda: metadata.version(package) or None, None)


def tensorflows() -> tuple[str, ...]:
    """Names and versions of the packages that bring TensorFlow."""
    found = {name: version(name) for name in TENSORFLOWS}
    return tuple(f"{name} {number}" for name, number in found.items() if number)


def tensorflow() -> str | None:
    """TensorFlow's version; "of unknown version" where there is a module but no package; None for neither."""
    found = tensorflows()
    if found:
        return found[0].split()[1]
    return "of unknown version" if has_module("tensorflow") else None


def has_module(name: str) -> bool:
    """Can a module be imported? Nothing is imported. Folders that an uninstallation has left do not count."""
    spec = attempt(lambda: find_spec(name), None)
    return spec is not None and spec.origin is not None


def backend() -> tuple[str, str]:
    """The backend that Keras would take, and who chose it: "KERAS_BACKEND", "keras.json" or "Keras"."""
    chosen = os.environ.get("KERAS_BACKEND")
    if chosen:
        return chosen, "KERAS_BACKEND"
    try:
        named = json.loads(read(keras_home() / "keras.json"))["backend"]
        if isinstance(named, str) and named:
            return named, "keras.json"
    except (ValueError, KeyError, TypeError, RuntimeError):
        pass
    return "tensorflow", "Keras"


def keras_home() -> Path:
    """Keras' folder. Raises RuntimeError for a user without a home."""
    return Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")


def mnist() -> str | None:
    """Where MNIST is: "CONVLAB_MNIST", "Keras' cache" or None."""
    named = os.environ.get("CONVLAB_MNIST")
    if named:
        return "CONVLAB_MNIST" if Path(named).expanduser().is_file() else None
    return "Keras' cache" if (keras_home() / "datasets" / "mnist.npz").is_file() else None
