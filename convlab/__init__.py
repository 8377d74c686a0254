"""convlab: 2-D convolution, taught and computed.

`import convlab` needs NumPy alone. Rooms that need more (`convlab.layers`, `convlab.plots`, `convlab.data`) are
imported when they are first used, and so is what exercise notebooks call: `convlab.check`, `convlab.hint` and so on.
"""

from importlib import import_module
from typing import Any

from convlab.errors import ConvlabError
from convlab.geometry import ConvSpec, receptive_field, trace
from convlab.ops import *  # noqa: F403
from convlab.ops import __all__ as _ops

__version__ = "0.1.0"
__all__ = ["ConvSpec", "ConvlabError", "receptive_field", "trace", *_ops]

_ROOMS = ("data", "exercises", "geometry", "layers", "ops", "plots")
_IN_NOTEBOOKS = ("check", "earned", "failing", "hint", "progress", "reset", "score", "solution")  # of exercises


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return import_module(f"convlab.{name}")
    if name in _IN_NOTEBOOKS:
        return getattr(import_module("convlab.exercises"), name)
    raise AttributeError(f"module 'convlab' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_ROOMS, *_IN_NOTEBOOKS})
