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

SLOW_TO_START = {"jax", "keras", "scipy", "sklearn", "tensorflow", "torch"}


def misfit(name: str, wanted: inspect.Signature, function: Any, cases: Iterable[Case]) -> str:
    """Why a function that should be called as `wanted` cannot even be called with these cases, or an empty text."""
    if not callable(function):
        return (
            f"a function was expected, but {kind_of(function)} was given: write the function's name without calling it."
        )
    if any(as_taken(wanted, function, case) is None for case in cases):
        given = inspect.signature(function)
        plain = [str(p.replace(annotation=inspect.Parameter.empty)) for p in wanted.parameters.values()]
        return (
            f"it takes {given.replace(return_annotation=inspect.Signature.empty)}, but is called as "
            f"{name}({', '.join(plain)}): give it these arguments."
        )
    return ""


def as_taken(wanted: inspect.Signature, function: Callable[..., Any], case: Case) -> Case | None:
    """The case as the function takes it: by position, or by name; None where it takes neither.

    By name first where the function has the same names, perhaps in another order.
    """
    given = wanted.bind(*case.args, **case.kwargs)
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # of a function that is not written in Python
        return Case(given.args, given.kwargs)
    attempts = [Case(given.args, given.kwargs), Case((), given.arguments)]
    if set(signature.parameters) == set(wanted.parameters):
        attempts.reverse()
    for attempt in attempts:
        try:
            signature.bind(*attempt.args, **attempt.kwargs)
        except TypeError:
            continue
        return attempt
    return None


def is_untouched(function: Any) -> bool:
    """Does the function's body hold nothing but a docstring, `pass`, `...` or `raise NotImplementedError()`?"""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return False
    if not tree.body or not isinstance(tree.body[0], ast.FunctionDef):
        return False
    return all(_says_nothing(node) for node in tree.body[0].body)


def _says_nothing(node: ast.stmt) -> bool:
    if isinstance(node, ast.Raise):
        return "NotImplementedError" in ast.unparse(node)
    return isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))


def start_libraries(function: Any) -> None:
    """Import what the function imports itself, so that a library's start does not count as the function's time."""
    from convlab.hardware.quiet import quiet_tensorflow

    names = set(getattr(getattr(function, "__code__", None), "co_names", ()))
    for name in sorted(SLOW_TO_START & {name.partition(".")[0] for name in names}):
        if name not in sys.modules and find_spec(name) is not None:
            with quiet_tensorflow():
                import_module(name)
