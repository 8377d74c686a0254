"""convlab: 2-D convolution, taught and computed.

`import convlab` needs NumPy alone. Rooms that need more (`convlab.layers`, `convlab.plots`, `convlab.data`) are
imported when they are first used.
"""

from importlib import import_module
from types import ModuleType

from convlab.errors import ConvlabError
from convlab.geometry import ConvSpec, receptive_field, trace
from convlab.ops import *  # noqa: F403
from convlab.ops import __all__ as _ops

__version__ = "0.1.0"
__all__ = ["ConvSpec", "ConvlabError", "receptive_field", "trace", *_ops]

_ROOMS = ("data", "geometry", "layers", "ops", "plots")


def __getattr__(name: str) -> ModuleType:
    if name in _ROOMS:
        return import_module(f"convlab.{name}")
    raise AttributeError(f"module 'convlab' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_ROOMS})
