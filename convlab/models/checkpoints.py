"""Where a training stands, in a file that is whole or not there, so that it can go on as if nothing had happened."""

import json
import warnings
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convlab.errors import ConvlabError
from convlab.files import writing
from convlab.models.repeatable import generators

LAST, BEFORE = "training.npz", "training-before.npz"  # the one before is there for the day the last one is damaged
FORMAT = 1
DAMAGE = OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile, zlib.error
ASK = {
    "model": "the model has other layers",
    "data": "the examples are others, or in another order",
    "validation data": "the examples to validate with are others",
}
Identity = dict[str, Any]


@dataclass
class State:
    """Where a training stands.

    epoch: epochs that are over. step: steps of the next one that are done. steps: all that were taken. seconds: spent.
    history: numbers of each epoch that is over. kept: the best epoch so far, counted from 1, and best, its loss of
    validation. stopped: no epoch follows. finished: the model has its last weights.
    values: of the variables of the "model", the "optimizer" and the "metrics", of the "best" weights, and the states of
    random "generators".
    """

    epoch: int = 0
    step: int = 0
    steps: int = 0
    seconds: float = 0.0
    history: dict[str, list[float]] = field(default_factory=dict)
    kept: int = 0
    best: float = inf
    stopped: bool = False
    finished: bool = False
    values: dict[str, list[NDArray]] = field(default_factory=dict)


def remember(state: State, model: Any) -> None:
    """Take the values of all variables of a compiled model."""
    state.values["model"] = copies(model.variables)
    state.values["optimizer"] = copies(model.optimizer.variables)
    state.values["metrics"] = copies(model.metrics_variables)
    state.values["generators"] = generators()


def restore(state: State, model: Any) -> None:
    """Give the values back to the variables of a compiled model, but those of its metrics, which `fit` sets to 0."""
    assign(model.variables, state.values["model"])
    assign(model.optimizer.variables, state.values["optimizer"])


def copies(variables: Iterable[Any]) -> list[NDArray]:
    """Values of Keras variables, of their own: some backends lend their memory."""
    return [np.array(variable.numpy()) for variable in variables]


def assign(variables: Iterable[Any], values: Iterable[NDArray]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def write(folder: Path, state: State, identity: Identity) -> None:
    """Write the state beside the one before it.

    Raises `ConvlabError` where that is impossible.
    """
    facts = {name: value for name, value in asdict(state).items() if name != "values"}
    about = json.dumps({"format": FORMAT, "identity": identity, **facts})
    arrays: dict[str, Any] = {
        f"{part}_{i}": value for part, values in state.values.items() for i, value in enumerate(values)
    }
    last = folder / LAST
    if last.exists():
        last.replace(folder / BEFORE)
    with writing(last, "wb") as file:
        np.savez(file, about=np.array(about), **arrays)


def read(folder: Path, identity: Identity) -> State | None:
    """The state of the training in `folder`, or None where none was begun.

    Where the last file is damaged, the one before it is taken, with a warning.

    Raises `ConvlabError` where both are damaged, and where the training has another `identity`.
    """
    damaged = []
    for path in (folder / LAST, folder / BEFORE):
        if not path.exists():
            continue
        try:
            theirs, state = _read(path)
        except DAMAGE as error:
            damaged.append(f"{path} ({str(error) or type(error).__name__})")
            continue
        _compare(folder, theirs, identity)
        if damaged:
            warnings.warn(f"{damaged[0]} is damaged: training goes on from {path}, written before it.", stacklevel=3)
            (folder / LAST).unlink()  # or it would take the place of the good one
        return state
    if damaged:
        raise ConvlabError(
            f"the checkpoint is damaged: {', '.join(damaged)}. Copy it again from where you have it, "
            f"or delete the folder {folder} to train from the beginning."
        )
    return None


def plain(identity: Identity) -> Identity:
    """The identity as it comes back from a file."""
    return json.loads(json.dumps(identity, default=str))


def layers_of(model: Any) -> list[Any]:
    """What a model is made of, without the names that layers get by the order in which they are made."""
    shapes = [[list(variable.shape), str(variable.dtype)] for variable in model.variables]
    return [*(_description(layer) for layer in model.layers), shapes]


def _description(layer: Any) -> list[Any]:
    kind = type(layer).__name__
    if hasattr(layer, "layers"):
        return [kind, *(_description(inner) for inner in layer.layers)]
    try:
        return [kind, nameless(layer.get_config())]
    except NotImplementedError:  # a layer of one's own that cannot be saved
        return [kind]


def nameless(config: Any) -> Any:
    """A configuration without names, for they count what was made before in this process."""
    if isinstance(config, dict):
        return {key: nameless(value) for key, value in config.items() if key not in ("name", "build_config")}
    return [nameless(value) for value in config] if isinstance(config, list | tuple) else config


def _read(path: Path) -> tuple[Identity, State]:
    with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
        about = json.loads(str(archive["about"]))
        parts: dict[str, dict[int, NDArray]] = {}
        for name in set(archive.files) - {"about"}:
            part, _, i = name.rpartition("_")
            parts.setdefault(part, {})[int(i)] = archive[name]
    if about.pop("format") != FORMAT:
        raise ValueError("it is of another version of convlab")
    values = {part: [arrays[i] for i in range(len(arrays))] for part, arrays in parts.items()}
    return about.pop("identity"), State(**about, values=values)


def _compare(folder: Path, theirs: Identity, ours: Identity) -> None:
    """Refuse to go on with a training that is another one."""
    different = [
        ASK.get(name, f"{name} is {_short(ours.get(name))}, but was {_short(theirs.get(name))}")
        for name in {**theirs, **ours}
        if theirs.get(name) != ours.get(name)
    ]
    if different:
        raise ConvlabError(
            f"the training in {folder} is another one: {'; '.join(different)}. Call train as it was called there to go "
            "on with it, or name another folder to begin anew."
        )


def _short(value: Any) -> str:
    said = repr(value)
    return said if len(said) <= 160 else f"{said[:157]}..."
