"""What a notebook finds in the sandbox in place of modules that are not there, so that its imports still run.

What an exercise forbids stands there as something that complains when it is used; convlab's `check` and its like stand
there as functions that do nothing, for grading is done outside. This module is copied into the sandbox.
"""

import sys
from collections.abc import Iterable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

SILENT = {"check", "earned", "failing", "hint", "progress", "reset", "solution"}


class NotYourOwnWork(Exception):
    """A library that does the exercise's work was used."""


class Complaint:
    """Stands for anything of a forbidden module: it can be imported and passed around, but not used."""

    def __init__(self, name: str) -> None:
        self.__name__ = name

    def __getattr__(self, name: str) -> "Complaint":
        if name.startswith("__"):
            raise AttributeError(name)
        return Complaint(f"{self.__name__}.{name}")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise NotYourOwnWork(f"{self.__name__} may not be used in this exercise: write it yourself, with NumPy.")

    __array__ = __iter__ = __len__ = __getitem__ = __enter__ = __call__
    __add__ = __radd__ = __mul__ = __rmul__ = __sub__ = __rsub__ = __matmul__ = __rmatmul__ = __call__


class StandIn(ModuleType):
    """A module that is not there."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if self.__name__.partition(".")[0] == "convlab":
            if name in SILENT:
                return lambda *args, **kwargs: None
            if name == "score":
                return lambda *args, **kwargs: 0.0
        return Complaint(f"{self.__name__}.{name}")


class StandIns(MetaPathFinder, Loader):
    """Finds a stand-in for every module of the forbidden libraries."""

    def __init__(self, forbidden: Iterable[str]) -> None:
        self._forbidden = set(forbidden)

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name.partition(".")[0] not in self._forbidden:
            return None
        return ModuleSpec(name, self, is_package=True)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return StandIn(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        pass


def forbid(libraries: Iterable[str]) -> None:
    """From now on, these libraries are stand-ins for whoever imports them."""
    libraries = set(libraries)
    for name in [name for name in sys.modules if name.partition(".")[0] in libraries]:
        del sys.modules[name]
    sys.meta_path.insert(0, StandIns(libraries))
