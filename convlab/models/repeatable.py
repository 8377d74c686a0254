"""What it takes for a training to give the same weights twice."""

import os
from typing import Any

from numpy.typing import NDArray

from convlab.errors import ConvlabError
from convlab.models.batches import LAYERS, random
from convlab.optional import need

JAX_FLAG = "--xla_gpu_deterministic_ops=true"


def seed_layers(model: Any, seed: int) -> None:
    """Let layers that draw random numbers in training, such as Dropout, begin where `seed` says."""
    weights = {id(weight) for weight in model.weights}
    states = [variable for variable in model.variables if id(variable) not in weights]  # of seed generators: the rest
    for state, drawn in zip(states, random(seed, LAYERS).integers(2**31, size=len(states)), strict=True):
        state.assign([int(drawn), 0])


def seed_generators(seed: int, epoch: int) -> None:
    """Begin an epoch on PyTorch: layers draw from its own generators there, whatever their seeds; so do its loaders."""
    if need("keras").backend.backend() == "torch":
        need("torch").manual_seed(int(random(seed, LAYERS, epoch, 1).integers(2**63)))


def generators() -> list[NDArray]:
    """The states of PyTorch's generators, of the processor and the GPUs; the other backends have none of their own."""
    if need("keras").backend.backend() != "torch":
        return []
    torch = need("torch")
    return [state.numpy() for state in [torch.get_rng_state(), *torch.cuda.get_rng_state_all()]]


def set_generators(states: list[NDArray]) -> None:
    """Let PyTorch's generators go on from the states that `generators` gave."""
    if states:
        torch = need("torch")
        first, *others = (torch.from_numpy(state) for state in states)
        torch.set_rng_state(first)
        torch.cuda.set_rng_state_all(others)


def deterministic() -> None:
    """Let the backend use algorithms only that add in the same order each time. It stays so for this Python process.

    Raises `ConvlabError` for JAX on a GPU, where a flag must be set before JAX is imported.
    """
    backend = need("keras").backend.backend()
    if backend == "tensorflow":
        need("tensorflow").config.experimental.enable_op_determinism()
    elif backend == "torch":
        need("torch").use_deterministic_algorithms(True)
    elif (
        backend == "jax" and need("jax").default_backend() == "gpu" and JAX_FLAG not in os.environ.get("XLA_FLAGS", "")
    ):
        raise ConvlabError(
            "on a GPU, JAX is deterministic only if it was told so before it was imported: "
            f"set the environment variable XLA_FLAGS={JAX_FLAG}, and start Python anew."
        )
