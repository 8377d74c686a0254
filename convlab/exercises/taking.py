"""How a function takes a case: whether it was written at all, which arguments it takes, what it imports."""

import ast
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from convlab.exercises.comparing import kind_of
from convlab.exercises.problem import Case
from convlab.hardware.quiet import quiet_tensorflow

SLOW_TO_START = {"jax", "keras", "scipy", "sklearn", "tensorflow", "torch"}


def misfit(name: str, wanted: inspect.Signature, function: Any, cases: Iterable[Case]) -> str:
    """Why a function that should be called as `wanted` cannot even be called with these cases, or an empty text."""
    if not callable(function):
        return (
            f"a function was expected, but {kind_of(function)} was given: write the function's name without calling it."
        )
    if not all(map(taker(wanted, function), cases)):
        given = inspect.signature(function)
        plain = [str(p.replace(annotation=inspect.Parameter.empty)) for p in wanted.parameters.values()]
        return (
            f"it takes {given.replace(return_annotation=inspect.Signature.empty)}, but is called as "
            f"{name}({', '.join(plain)}): give it these arguments."
        )
    return ""


def taker(wanted: inspect.Signature, function: Callable[..., Any]) -> Callable[[Case], Case | None]:
    """Turns a case into one that the function takes: by position, or by name; into None where it takes neither.

    By name first where the function has the same names, perhaps in another order.
    """
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # of a function that is not written in Python
        return lambda case: case
    if _alike(signature, wanted):
        return lambda case: case
    by_name_first = set(signature.parameters) == set(wanted.parameters)

    def as_taken(case: Case) -> Case | None:
        given = wanted.bind(*case.args, **case.kwargs)
        attempts = [Case(given.args, given.kwargs), Case((), given.arguments)]
        if by_name_first:
            attempts.reverse()
        for attempt in attempts:
            try:
                signature.bind(*attempt.args, **attempt.kwargs)
            except TypeError:
                continue
            return attempt
        return None

    return as_taken


def _alike(signature: inspect.Signature, wanted: inspect.Signature) -> bool:
    """Does one take whatever the other takes, in the same order?"""
    pairs = zip(signature.parameters.values(), wanted.parameters.values(), strict=False)
    return len(signature.parameters) == len(wanted.parameters) and all(
        own.name == other.name
        and own.kind is other.kind
        and (own.default is not own.empty or other.default is other.empty)
        for own, other in pairs
    )


def is_untouched(function: Any) -> bool:
    """Does the function's body hold nothing but a docstring, `pass`, `...` or `raise NotImplementedError()`?"""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return False
    return bool(tree.body) and isinstance(tree.body[0], ast.FunctionDef) and is_stub(tree.body[0])


def is_stub(function: ast.FunctionDef) -> bool:
    """The same of a function that was read already."""
    return all(_says_nothing(node) for node in function.body)


def _says_nothing(node: ast.stmt) -> bool:
    if isinstance(node, ast.Raise):
        return "NotImplementedError" in ast.unparse(node)
    return isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))


def libraries_of(function: Any) -> set[str]:
    """The libraries that a function imports itself, or finds among the names around it."""
    names = getattr(getattr(function, "__code__", None), "co_names", ())
    around = [getattr(function, "__globals__", {}).get(name) for name in names]
    modules = [getattr(value, "__name__" if inspect.ismodule(value) else "__module__", None) for value in around]
    return {str(name).partition(".")[0] for name in (*names, *modules) if name}


def start_libraries(function: Any) -> None:
    """Import what the function imports itself, so that a library's start does not count as the function's time."""
    for name in sorted(SLOW_TO_START & libraries_of(function)):
        if name not in sys.modules and find_spec(name) is not None:
            with quiet_tensorflow():
                import_module(name)
