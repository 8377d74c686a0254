"""Settings of TensorFlow and Keras that must come early, and that say in a sentence when it is too late."""

import re
import sys
from typing import Any

from convlab.errors import ConvlabError
from convlab.hardware.packages import backend
from convlab.optional import need

# what to do with the other backends, which have settings of their own
ELSEWHERE = {
    ("grow_memory", "jax"): "set XLA_PYTHON_CLIENT_PREALLOCATE=false in the environment before Python starts",
    ("grow_memory", "torch"): "there is nothing to do, for PyTorch takes a GPU's memory as it needs it",
    ("use_threads", "jax"): "set NPROC to the number of threads in the environment before Python starts",
    ("use_threads", "torch"): "call torch.set_num_threads, at any time",
    ("use_device", "jax"): "set JAX_PLATFORMS=cpu or CUDA_VISIBLE_DEVICES=1 in the environment before Python starts",
    ("use_device", "torch"): "set KERAS_TORCH_DEVICE=cpu or cuda:1 in the environment before Keras is imported",
}
POLICIES = {True: "mixed_float16", "float16": "mixed_float16", "bfloat16": "mixed_bfloat16", False: "float32"}


def grow_memory() -> tuple[str, ...]:
    """Let TensorFlow take the memory of each GPU as it needs it, instead of all at once; returns the GPUs' names.

    May be called again. Without a GPU there is nothing to do. Raises `ConvlabError` where TensorFlow has used a GPU
    already, for then the memory is taken, and where Keras computes with another backend.
    """
    config = _config("grow_memory")
    devices = config.list_physical_devices("GPU")
    for device in devices:  # all alike: TensorFlow refuses a mixture
        if not config.experimental.get_memory_growth(device):
            _or_too_late(lambda d=device: config.experimental.set_memory_growth(d, True), "grow_memory()")
    return tuple(device.name for device in devices)


def use_device(name: str) -> tuple[str, ...]:
    """Let TensorFlow compute on one device and hide the other GPUs; returns the names of the GPUs that it still sees.

    name: "cpu" (although there is a GPU), "gpu" (the first one) or "gpu:1" (the second), as `keras.device` counts them.
    May be called again with the same name. Raises `ConvlabError` for a device that is not there, where TensorFlow has
    started with another, and where Keras computes with another backend.

    >>> use_device("cpu")
    ()
    """
    config = _config("use_device")
    found = re.fullmatch(r"cpu|gpu(?::(\d+))?", name) if isinstance(name, str) else None
    if not found:
        raise ConvlabError(f'a device is "cpu", "gpu" or "gpu:1", but {name!r} was given.')
    gpus = config.list_physical_devices("GPU")
    number = int(found[1] or 0)
    if name != "cpu" and number >= len(gpus):
        seen = f"{len(gpus)}, counted from 0" if gpus else "none; `convlab doctor` says why"
        raise ConvlabError(f"there is no {name}: the number of GPUs that TensorFlow sees is {seen}.")
    wanted = [] if name == "cpu" else [gpus[number]]
    if config.get_visible_devices("GPU") != wanted:
        here = name if found[1] else f"{name}:0"
        instead = f', or compute inside of `with keras.device("{here}"):`, which works at any time'
        _or_too_late(lambda: config.set_visible_devices(wanted, "GPU"), f'use_device("{name}")', instead)
    return tuple(device.name for device in wanted)


def use_threads(count: int) -> None:
    """Let TensorFlow compute with `count` threads.

    Raises `ConvlabError` where it has begun with another number, and where Keras computes with another backend.
    """
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise ConvlabError(f"the number of threads must be a whole number of at least 1, but is {count!r}.")
    threading = _config("use_threads").threading
    if threading.get_intra_op_parallelism_threads() == count and threading.get_inter_op_parallelism_threads() == count:
        return

    def set_both() -> None:
        threading.set_intra_op_parallelism_threads(count)
        threading.set_inter_op_parallelism_threads(count)

    _or_too_late(set_both, f"use_threads({count})")


def mixed_precision(on: bool | str = True, model: Any = None) -> str:
    """Let Keras' new layers compute in 16 bits and keep their weights in float32; returns the policy's name.

    on: True or "float16", "bfloat16", or False for float32 again. Works at any time and with every backend, for layers
    made afterwards. model: a Keras model, to be sure of it: where it was built before, its layers go on as they were,
    and a `ConvlabError` says so.

    When it pays: "float16" on NVIDIA's cards of compute capability 7.0 and above (T4, RTX), about half the memory and
    time for large networks. "bfloat16" on cards from 8.0 on (A100, RTX 30), on TPUs, and on processors with
    instructions for it (AVX512_BF16, AMX; `convlab doctor` names them): of float32's seven digits it has two to three,
    but its whole range, so nothing overflows. On other processors both are slower, because those compute in float32.
    Small networks gain nothing. End a network with dtype="float32" in either case. With "float16", `compile` also
    scales the loss, so that small gradients do not vanish; in a training loop of your own, use
    `keras.optimizers.LossScaleOptimizer`.

    Source: Keras' documentation of `keras.dtype_policies.DTypePolicy`; NVIDIA, "Train with mixed precision".
    """
    if not isinstance(on, bool | str) or on not in POLICIES:
        raise ConvlabError(f'the precision is True, False, "float16" or "bfloat16", but {on!r} was given.')
    keras = need("keras")
    keras.config.set_dtype_policy(POLICIES[on])
    name = keras.config.dtype_policy().name
    others = [] if model is None else [layer for layer in model.layers if layer.dtype_policy.name != name]
    if others:
        raise ConvlabError(
            f"{name} is for layers made from now on: {len(others)} of the {len(model.layers)} layers of this model "
            f"were made with {others[0].dtype_policy.name} and keep it. Build the model again."
        )
    return name


def _config(call: str) -> Any:
    """TensorFlow's settings; a `ConvlabError` that says what to do instead where Keras computes with something else."""
    keras = sys.modules.get("keras")
    chosen = keras.config.backend() if keras else backend()[0]
    if chosen != "tensorflow":
        instead = ELSEWHERE.get((call, chosen), "look into its documentation")
        raise ConvlabError(f"{call}() is for TensorFlow, and Keras' backend here is {chosen}: {instead}.")
    return need("tensorflow").config


def _or_too_late(change: Any, call: str, instead: str = "") -> None:
    try:
        change()
    except RuntimeError as error:
        raise ConvlabError(
            f"{call} comes too late, for TensorFlow has started to compute: restart the kernel and call it before "
            f"anything else{instead}."
        ) from error
