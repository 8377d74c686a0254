"""MNIST: from a file you name, from Keras' cache, or by download; and the small digits where there is no network."""

import os
import zipfile
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from convlab.data.digits import Examples, digits
from convlab.errors import ConvlabError
from convlab.optional import need

VARIABLE = "CONVLAB_MNIST"
URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"  # where Keras has it from
SHA256 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"  # of that file, as in Keras' source
SIZE = 11_490_434  # bytes of that file
PATIENCE = 10  # seconds without an answer from the server


class Handwriting(NamedTuple):
    """Images (N, 28, 28) uint8 and labels (N,) uint8 to learn from and to test on.

    source: whose they are, in a word or two. note: why they are not MNIST, and how to get it; empty for MNIST.
    """

    x_train: NDArray[np.uint8]
    y_train: NDArray[np.uint8]
    x_test: NDArray[np.uint8]
    y_test: NDArray[np.uint8]
    source: str
    note: str


def load_mnist(path: str | os.PathLike[str] | None = None) -> tuple[Examples, Examples]:
    """(x_train, y_train), (x_test, y_test) of MNIST, as `keras.datasets.mnist.load_data()` gives them.

    x: uint8 images (60000, 28, 28) and (10000, 28, 28) from 0 (paper) to 255 (ink). y: uint8 labels from 0 to 9.

    path: an `mnist.npz` in Keras' layout; where it is not given, the one that the environment variable CONVLAB_MNIST
    names; else the one in Keras' cache, into which it is downloaded first (11 MB, checked against its SHA-256) where it
    is missing.

    Raises `ConvlabError`, which names the file, for one that is missing, cut off or not MNIST, and where the download
    fails.
    """
    named = path if path is not None else os.environ.get(VARIABLE)
    return _read(Path(named).expanduser() if named else _cached())


def mnist_or_digits(path: str | os.PathLike[str] | None = None) -> Handwriting:
    """MNIST where it can be had, else the small digits, enlarged to its 28 x 28 pixels; `source` and `note` say which.

    A file that was named, by `path` or CONVLAB_MNIST, is used or refused, never replaced.
    """
    try:
        train, test = load_mnist(path)
        return Handwriting(*train, *test, "MNIST", "")
    except ConvlabError as error:
        if path is not None or os.environ.get(VARIABLE):
            raise
        train, test = digits(28)
        return Handwriting(*train, *test, "scikit-learn's digits, enlarged to 28 x 28", str(error))


def _cached() -> Path:
    """The file in Keras' cache, downloaded if it is missing or damaged."""
    pooch = need("pooch")
    folder = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras") / "datasets"
    file = folder / "mnist.npz"
    if file.is_file() and pooch.file_hash(file) == SHA256:
        return file
    bar = need("tqdm.auto").tqdm(desc="MNIST", total=SIZE, unit="B", unit_scale=True)
    try:
        # pooch writes to a temporary file, compares the checksum, and only then gives the file its name
        fetch = pooch.HTTPDownloader(progressbar=bar, timeout=PATIENCE)
        return Path(pooch.retrieve(URL, SHA256, fname=file.name, path=folder, downloader=fetch))
    except (OSError, ValueError) as error:  # no network is an OSError, a wrong checksum a ValueError
        raise ConvlabError(_not_downloaded(file, error)) from error
    finally:
        bar.close()


def _not_downloaded(file: Path, error: Exception) -> str:
    found = f"{file} is damaged" if file.exists() else f"MNIST is not in {file.parent}"
    reason = "what came is not the file that was expected" if isinstance(error, ValueError) else type(error).__name__
    return (
        f"{found} and could not be downloaded ({reason}): go online once, or name a copy of mnist.npz in {VARIABLE}, "
        "or use convlab.data.digits(28), which needs no network."
    )


def _read(file: Path) -> tuple[Examples, Examples]:
    """What is in the file, once it has been found to be digits in Keras' layout."""
    if not file.is_file():
        raise ConvlabError(f"there is no file {file}: name an mnist.npz, or leave {VARIABLE} empty to download it.")
    try:
        archive = np.load(file, allow_pickle=False)
        if isinstance(archive, np.ndarray):
            raise ValueError("it holds a single array")
        with archive:
            train = archive["x_train"], archive["y_train"]
            test = archive["x_test"], archive["y_test"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ConvlabError(
            f"{file} cannot be read as MNIST, it is cut off or another file ({error}): "
            "get mnist.npz again, as Keras has it."
        ) from error
    for part, (x, y) in {"train": train, "test": test}.items():
        _check(file, part, x, y)
    return train, test


def _check(file: Path, part: str, x: NDArray, y: NDArray) -> None:
    right = x.dtype == y.dtype == np.uint8 and x.ndim == 3 and x.shape[1:] == (28, 28) and y.shape == x.shape[:1]
    if not right or not len(y) or y.max() > 9:
        raise ConvlabError(
            f"{file} is not MNIST: x_{part} must be uint8 images (N, 28, 28) and y_{part} as many uint8 labels from "
            f"0 to 9, but they are {x.dtype} {x.shape} and {y.dtype} {y.shape}: get mnist.npz as Keras has it."
        )
