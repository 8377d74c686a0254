"""Training on several devices at once: each computes the gradient of its part of a batch, and all take the mean."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import cache
from typing import Any

from convlab.errors import ConvlabError
from convlab.optional import need


@dataclass(frozen=True)
class Devices:
    """What trains together.

    count: devices on all machines. here: those on this machine; `fit` takes a `batch_size` for one machine, so this
    times what one device is to have. machines: how many. machine: the number of this one, from 0.
    """

    count: int
    here: int
    machines: int = 1
    machine: int = 0

    def share(self, *arrays: Any) -> list[Any]:
        """Of arrays with a row for each example, the rows that this machine trains on: all, if it is the only one.

        Where the number of rows is no multiple of `count`, the last few are left out, so that all devices get as many.
        Uneven parts stop JAX, and make TensorFlow weigh examples wrongly, or stop if a device gets none.

        Raises `ConvlabError` for arrays of different lengths, or with fewer rows than there are devices.
        """
        lengths = {len(array) for array in arrays}
        if len(lengths) != 1 or min(lengths) < self.count:
            raise ConvlabError(
                f"share needs arrays of one length, and at least {self.count} rows, one for each device, "
                f"but got lengths {[len(array) for array in arrays]}."
            )
        whole = min(lengths) // self.count * self.count
        return [array[self.machine : whole : self.machines] for array in arrays]


@contextmanager
def on_all_devices() -> Iterator[Devices]:
    """What is built, compiled and trained inside of this is trained by all graphics processors, or else processors.

    Each batch is split among them, and the weights become what one device would have made of the whole batch, up to
    rounding, for layers that treat examples one by one. On one device nothing changes.

    >>> with on_all_devices() as devices:
    ...     x, y = devices.share(x, y)
    ...     model = build("classic")
    ...     model.compile("adam", "sparse_categorical_crossentropy")
    ...     model.fit(x, y, batch_size=64 * devices.here)

    TensorFlow does it by `tf.distribute.MirroredStrategy`, JAX by `keras.distribution.DataParallel`. JAX does it on
    several machines too, if the environment variables of `keras.distribution.initialize` are set on each
    (docs/many-devices.md).

    Raises `ConvlabError` for another backend, for several machines on TensorFlow, on which Keras 3 cannot train, and
    for several machines after JAX has begun to compute on this one.
    """
    keras = need("keras")
    backend = keras.backend.backend()
    if backend not in _BACKENDS:
        raise ConvlabError(
            f"Keras on {backend} trains on one device: set the environment variable KERAS_BACKEND to tensorflow or jax."
        )
    scope, devices = _BACKENDS[backend]()
    with scope if devices.count > 1 else nullcontext():
        yield devices


def _on_jax() -> tuple[AbstractContextManager[Any], Devices]:
    jax, keras = need("jax"), need("keras")
    if "KERAS_DISTRIBUTION_NUM_PROCESSES" in os.environ and not jax.distributed.is_initialized():
        try:
            keras.distribution.initialize()
        except RuntimeError as error:
            raise ConvlabError(
                f"several machines must find each other first: make on_all_devices the first that runs. {error}"
            ) from error
    # each machine brings its own rows (`Devices.share`), so Keras is not to divide them once more
    parallel = keras.distribution.DataParallel(auto_shard_dataset=False)
    devices = Devices(jax.device_count(), jax.local_device_count(), jax.process_count(), jax.process_index())
    return parallel.scope(), devices


def _on_tensorflow() -> tuple[AbstractContextManager[Any], Devices]:
    for variable in ("TF_CONFIG", "KERAS_DISTRIBUTION_NUM_PROCESSES"):
        if variable in os.environ:
            raise ConvlabError(
                f"{variable} asks for several machines, but Keras 3 on TensorFlow trains on one only: unset it, or "
                "set KERAS_BACKEND=jax (docs/many-devices.md says how)."
            )
    config = need("tensorflow").config
    names = tuple(device.name for device in config.list_logical_devices("GPU") or config.list_logical_devices("CPU"))
    return _mirrored(names).scope(), Devices(len(names), len(names))


@cache
def _mirrored(names: tuple[str, ...]) -> Any:
    """One strategy for the life of Python: with a second one, TensorFlow mixes up its gradients with the first one's.

    It stops with "Shape mismatch in the collective instance" (tensorflow/tensorflow#62790).
    """
    return need("tensorflow").distribute.MirroredStrategy(names)


_BACKENDS: dict[str, Callable[[], tuple[AbstractContextManager[Any], Devices]]] = {
    "jax": _on_jax,
    "tensorflow": _on_tensorflow,
}
