"""Judge a function: run it on every case of a problem, compare, add up points, and look for a known mistake."""

import ast
import inspect
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from convlab.errors import ConvlabError
from convlab.exercises.calling import Call, call
from convlab.exercises.comparing import Difference, difference, kind_of
from convlab.exercises.problem import Case, Group, Misconception, Problem

PATIENCE = 60.0  # seconds for a case of code that is known to end


class Unusable(ConvlabError):
    """A result of a kind that the problem's `observe` can do nothing with."""


class Verdict(Enum):
    """What can be said of an answer."""

    CORRECT = "correct"
    INCORRECT = "incorrect"
    NOT_ATTEMPTED = "not attempted"
    CANNOT_BE_CHECKED = "cannot be checked"


@dataclass(frozen=True)
class Outcome:
    """One case: what was expected, what came of the call, and how that differs, if it does."""

    case: Case
    expected: Any
    answer: Call
    difference: Difference | None

    @property
    def right(self) -> bool:
        return self.answer.error is None and self.difference is None


@dataclass(frozen=True)
class GroupResult:
    """A group's outcomes; all must be right to earn its points."""

    group: Group
    outcomes: tuple[Outcome, ...]
    planned: int

    @property
    def right(self) -> bool:
        return len(self.outcomes) == self.planned and all(outcome.right for outcome in self.outcomes)

    @property
    def points(self) -> float:
        return self.group.points if self.right else 0


@dataclass(frozen=True)
class Result:
    """What a check found. reason: why nothing could be checked. remarks: what is right, but could be better."""

    problem: Problem
    verdict: Verdict
    groups: tuple[GroupResult, ...] = ()
    misconception: Misconception | None = None
    remarks: tuple[str, ...] = ()
    reason: str = ""

    @property
    def points(self) -> float:
        return sum(group.points for group in self.groups)

    @property
    def outcomes(self) -> list[Outcome]:
        """Of all groups, in order."""
        return [outcome for group in self.groups for outcome in group.outcomes]

    @property
    def failing(self) -> Outcome | None:
        """The smallest visible case that goes wrong; None where only hidden ones do."""
        wrong = [o for group in self.groups if not group.group.hidden for o in group.outcomes if not o.right]
        return min(wrong, key=lambda outcome: outcome.case.size, default=None)


def judge(problem: Problem, function: Any, seed: int | None = None) -> Result:
    """Run `function` on all cases of `problem`. seed: of the hidden cases; by default the package's own."""
    if reason := _unfit(problem, function):
        return Result(problem, Verdict.CANNOT_BE_CHECKED, reason=reason)
    if is_untouched(function):
        return Result(problem, Verdict.NOT_ATTEMPTED)
    _start_libraries(function)
    groups = _run(problem, function, seed)
    result = Result(problem, Verdict.CORRECT, groups)
    if any(isinstance(outcome.answer.error, NotImplementedError) for outcome in result.outcomes[:1]):
        return Result(problem, Verdict.NOT_ATTEMPTED)
    remarks = _remarks(problem, [o for group in groups if not group.group.hidden for o in group.outcomes])
    if all(group.right for group in groups):
        return Result(problem, Verdict.CORRECT, groups, remarks=remarks)
    return Result(problem, Verdict.INCORRECT, groups, diagnose(problem, result.outcomes), remarks)


def _unfit(problem: Problem, function: Any) -> str:
    """Why the function cannot even be called."""
    if missing := [name for name in problem.needs if find_spec(name) is None]:
        return f"{missing[0]} is not installed: install the course with its libraries, pip install 'convlab[course]'."
    if not callable(function):
        return (
            f"a function was expected, but {kind_of(function)} was given: write the function's name without calling it."
        )
    visible = [case for group in problem.groups if not group.hidden for case in group.make()]
    if any(_bound(problem, function, case) is None for case in visible):
        wanted, given = problem.signature, inspect.signature(function)
        plain = [str(p.replace(annotation=inspect.Parameter.empty)) for p in wanted.parameters.values()]
        return (
            f"it takes {given.replace(return_annotation=inspect.Signature.empty)}, but is called as "
            f"{problem.id}({', '.join(plain)}): give it these arguments."
        )
    return ""


def _bound(problem: Problem, function: Callable[..., Any], case: Case) -> Case | None:
    """The case as the function takes it: by position, or by name; None where it takes neither.

    By name first where the function has the same names, perhaps in another order.
    """
    given = problem.signature.bind(*case.args, **case.kwargs)
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # of a function that is not written in Python
        return Case(given.args, given.kwargs)
    attempts = [Case(given.args, given.kwargs), Case((), given.arguments)]
    if set(signature.parameters) == set(problem.signature.parameters):
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


SLOW_TO_START = {"jax", "keras", "scipy", "sklearn", "tensorflow", "torch"}


def _start_libraries(function: Any) -> None:
    """Import what the function imports itself, so that a library's start does not count as the function's time."""
    from convlab.hardware import quiet_tensorflow

    names = set(getattr(getattr(function, "__code__", None), "co_names", ()))
    for name in sorted(SLOW_TO_START & {name.partition(".")[0] for name in names}):
        if name not in sys.modules and find_spec(name) is not None:
            with quiet_tensorflow():
                import_module(name)


def _run(problem: Problem, function: Callable[..., Any], seed: int | None) -> tuple[GroupResult, ...]:
    """Every case until the time is over."""
    left, results = problem.seconds, []
    for group in problem.groups:
        cases, outcomes = group.make(seed), []
        for case in cases if left > 0 else []:
            outcome = attempt(problem, function, case, left)
            outcomes.append(outcome)
            left = 0 if outcome.answer.out_of_time else left - outcome.answer.seconds
            if left <= 0 or isinstance(outcome.answer.error, NotImplementedError):
                left = 0
                break
        results.append(GroupResult(group, tuple(outcomes), len(cases)))
    return tuple(results)


def attempt(problem: Problem, function: Callable[..., Any], case: Case, seconds: float = PATIENCE) -> Outcome:
    """Call `function` on one case and compare what comes back."""
    as_taken = _bound(problem, function, case)
    answer = call(function, as_taken or case, seconds)
    if answer.error is None:
        answer = _observed(problem, answer)
    expected = expectation(problem, case)
    found = None if answer.error else difference(expected, answer.value, problem.tolerance)
    return Outcome(case, expected, answer, found)


@lru_cache(maxsize=4096)
def expectation(problem: Problem, case: Case) -> Any:
    """What the reference gives."""
    answer = call(problem.reference, case, PATIENCE)
    if answer.error is not None:
        raise answer.error
    answer = _observed(problem, answer)
    if answer.error is not None:
        raise answer.error
    return answer.value


def _observed(problem: Problem, answer: Call) -> Call:
    """The call with what is compared in place of the result."""
    if problem.observe is None or answer.value is None:
        return answer
    seen = call(problem.observe, Case((answer.value, *answer.case.args), answer.case.kwargs), PATIENCE)
    error = None if seen.error is None else Unusable(f"{type(seen.error).__name__}: {seen.error}")
    if isinstance(seen.error, ConvlabError):
        error = Unusable(str(seen.error))
    return replace(answer, value=seen.value, error=error)


def diagnose(problem: Problem, outcomes: list[Outcome]) -> Misconception | None:
    """The one known mistake that gives the learner's answer on every case, right ones included; else None."""
    found = [m for m in problem.misconceptions if _explains(problem, m, outcomes)]
    return found[0] if len(found) == 1 else None


def _explains(problem: Problem, misconception: Misconception, outcomes: list[Outcome]) -> bool:
    matters = False
    for outcome in outcomes:
        wrong = attempt_wrong(problem, misconception, outcome.case)
        answer = outcome.answer
        if answer.error is not None or wrong.error is not None:
            if repr(answer.error) != repr(wrong.error):
                return False
        elif difference(wrong.value, answer.value, problem.tolerance) is not None:
            return False
        matters = matters or not outcome.right
    return matters


@lru_cache(maxsize=16384)
def attempt_wrong(problem: Problem, misconception: Misconception, case: Case) -> Call:
    """What a known mistake gives."""
    with np.errstate(all="ignore"):
        answer = call(misconception.wrong, case, PATIENCE)
        return answer if answer.error else _observed(problem, answer)


def _remarks(problem: Problem, outcomes: list[Outcome]) -> tuple[str, ...]:
    """What a learner should know besides the verdict, from visible cases."""
    names = list(problem.signature.parameters)
    changed = {names[int(name)] if name.isdecimal() else name for o in outcomes for name in o.answer.changed}
    remarks = [
        f"your function changes its argument {name}, which its caller still needs: begin with {name} = {name}.copy()."
        for name in names
        if name in changed
    ]
    right = [outcome for outcome in outcomes if outcome.right and problem.observe is None]
    odd = {kind_of(o.answer.value) for o in right if isinstance(o.expected, np.ndarray)} - _array_kinds()
    remarks += [f"you return {kind}, which counts here; np.asarray(result) makes it an array." for kind in sorted(odd)]
    if printed := [outcome.answer.printed for outcome in outcomes if outcome.answer.printed]:
        remarks.append(f"your function prints, which is kept away from here. It begins with: {_first_line(printed[0])}")
    if warned := [outcome.answer.warned for outcome in outcomes if outcome.answer.warned]:
        remarks.append(f"Python warns: {_first_line(warned[0])}")
    return tuple(remarks)


@lru_cache
def _array_kinds() -> set[str]:
    return {kind_of(np.zeros(1, dtype)) for dtype in "bBhHiIlLqQefd?"}


def _first_line(text: str) -> str:
    line = text.strip().partition("\n")[0]
    return line if len(line) <= 80 else line[:77] + "..."
