"""Strings, dicts and objects that name the same thing, as Keras takes them: "l2", {"class_name": "L2", ...}, L2()."""

import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

from convlab.errors import ConvlabError

T = TypeVar("T")


def snake(name: str) -> str:
    """The lower-case form of a class name: "GlorotUniform" becomes "glorot_uniform"."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def resolve(identifier: Any, classes: Mapping[str, type[T]], kind: str) -> T:
    """The object that `identifier` names: one of `classes` by name, a dict with its class and config, or an instance.

    Raises `ConvlabError` with the known names for anything else.
    """
    by_name = {**classes, **{snake(name): one for name, one in classes.items()}}
    for one in classes.values():
        if isinstance(identifier, one):
            return identifier
    if isinstance(identifier, str) and identifier in by_name:
        return by_name[identifier]()
    if isinstance(identifier, Mapping) and identifier.get("class_name") in by_name:
        chosen = by_name[identifier["class_name"]]
        known = {field.name for field in fields(chosen)}  # type: ignore[arg-type]  # every class here is a dataclass
        given = {
            name: value for name, value in identifier.get("config", {}).items() if name in known or value is not None
        }
        if set(given) - known:
            raise ConvlabError(
                f"{chosen.__name__} has no arguments {sorted(set(given) - known)}: known are {sorted(known)}."
            )
        return chosen(**given)
    names = ", ".join(sorted(snake(name) for name in classes))
    raise ConvlabError(f"{identifier!r} is no {kind}: choose one of {names}, or give an object.")


def config_of(thing: Any) -> dict[str, Any] | None:
    """The dict that names a dataclass instance; the inverse of `resolve`."""
    if thing is None:
        return None
    return {"class_name": type(thing).__name__, "config": {f.name: getattr(thing, f.name) for f in fields(thing)}}
