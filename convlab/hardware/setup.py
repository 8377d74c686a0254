"""Settings of TensorFlow and Keras that must come early, and that say in a sentence when it is too late."""

from typing import Any

from convlab.errors import ConvlabError
from convlab.optional import need


def grow_memory() -> tuple[str, ...]:
    """Let TensorFlow take the memory of each GPU as it needs it, instead of all at once; returns the GPUs' names.

    May be called again. Without a GPU there is nothing to do. Raises `ConvlabError` where TensorFlow has used a GPU
    already, for then the memory is taken.
    """
    config = need("tensorflow").config
    devices = config.list_physical_devices("GPU")
    for device in devices:  # all alike: TensorFlow refuses a mixture
        if not config.experimental.get_memory_growth(device):
            _or_too_late(lambda d=device: config.experimental.set_memory_growth(d, True), "grow_memory()")
    return tuple(device.name for device in devices)


def use_threads(count: int) -> None:
    """Let TensorFlow compute with `count` threads; raises `ConvlabError` where it has begun with another number."""
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise ConvlabError(f"the number of threads must be a whole number of at least 1, but is {count!r}.")
    threading = need("tensorflow").config.threading
    if threading.get_intra_op_parallelism_threads() == count and threading.get_inter_op_parallelism_threads() == count:
        return

    def set_both() -> None:
        threading.set_intra_op_parallelism_threads(count)
        threading.set_inter_op_parallelism_threads(count)

    _or_too_late(set_both, f"use_threads({count})")


def mixed_precision(on: bool = True) -> str:
    """Let Keras' new layers compute in float16 and keep their weights in float32; returns the policy's name.

    Works at any time, for layers made afterwards. On a GPU from 2018 on it about halves memory and time; on a
    processor it is slower, because that computes in float32.
    """
    keras = need("keras")
    keras.config.set_dtype_policy("mixed_float16" if on else "float32")
    return keras.config.dtype_policy().name


def _or_too_late(change: Any, call: str) -> None:
    try:
        change()
    except RuntimeError as error:
        raise ConvlabError(
            f"{call} comes too late, for TensorFlow has started to compute: restart the kernel and call it before "
            "anything else."
        ) from error
