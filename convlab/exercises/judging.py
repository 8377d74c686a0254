"""Judge a function: run it on every case of a problem, compare, add up points, and look for a known mistake."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

import numpy as np

from convlab.errors import ConvlabError
from convlab.exercises.calling import Call, call
from convlab.exercises.comparing import Difference, difference, kind_of
from convlab.exercises.problem import Case, Group, Known, Misconception, Problem
from convlab.exercises.taking import is_untouched, libraries_of, misfit, start_libraries, taker

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


def judge(problem: Problem, function: Any, seed: int | None = None, *, naming: bool = True) -> Result:
    """Run `function` on all cases of `problem`.

    seed: of the hidden cases; by default the package's own. naming: look for a known mistake, too.
    """
    if missing := [name for name in problem.needs if find_spec(name) is None]:
        reason = f"{missing[0]} is not installed: install the course with its libraries, pip install 'convlab[course]'."
        return Result(problem, Verdict.CANNOT_BE_CHECKED, reason=reason)
    visible = [case for group in problem.groups if not group.hidden for case in group.make()]
    if reason := misfit(problem.id, problem.signature, function, visible):
        return Result(problem, Verdict.CANNOT_BE_CHECKED, reason=reason)
    if is_untouched(function):
        return Result(problem, Verdict.NOT_ATTEMPTED)
    start_libraries(function)
    result = _advised(assess(problem, _answers(problem, function, seed), seed), function)
    return named(result) if naming else result


def _advised(result: Result, function: Callable[..., Any]) -> Result:
    """The result with a remark on libraries that are not there when a class is graded."""
    ready_made = sorted(libraries_of(function) & (set(result.problem.forbids) - set(result.problem.needs)))
    remarks = [f"{name} does the work here, and may not be used where a class is graded." for name in ready_made]
    return replace(result, remarks=(*result.remarks, *remarks))


def _answers(problem: Problem, function: Callable[..., Any], seed: int | None) -> list[list[Call]]:
    """What comes of every case, group by group, until the time is over."""
    left, answers = problem.seconds, list[list[Call]]()
    as_taken = taker(problem.signature, function)
    for group in problem.groups:
        answers.append([])
        for case in group.make(seed) if left > 0 else []:
            answer = observed(problem, call(function, as_taken(case) or case, left))
            answers[-1].append(answer)
            left = 0 if answer.out_of_time else left - answer.seconds
            if left <= 0 or isinstance(answer.error, NotImplementedError):
                left = 0
                break
    return answers


def assess(problem: Problem, answers: Sequence[Sequence[Call]], seed: int | None = None) -> Result:
    """Compare what came of the cases with what was expected, and add up the points.

    answers: for each group, of its cases in their order; fewer where the time was over.
    """
    groups = tuple(_group_result(problem, *pair, seed) for pair in zip(problem.groups, answers, strict=True))
    first = next((outcome for group in groups for outcome in group.outcomes), None)
    if first is not None and isinstance(first.answer.error, NotImplementedError):
        return Result(problem, Verdict.NOT_ATTEMPTED)
    remarks = _remarks(problem, [o for group in groups if not group.group.hidden for o in group.outcomes])
    verdict = Verdict.CORRECT if all(group.right for group in groups) else Verdict.INCORRECT
    return Result(problem, verdict, groups, remarks=remarks)


def _group_result(problem: Problem, group: Group, answers: Sequence[Call], seed: int | None) -> GroupResult:
    cases = group.make(seed)
    outcomes = tuple(_outcome(problem, *pair) for pair in zip(cases, answers, strict=False))
    return GroupResult(group, outcomes, len(cases))


def _outcome(problem: Problem, case: Case, answer: Call) -> Outcome:
    expected = expectation(problem, case)
    found = None if answer.error else difference(expected, answer.value, problem.tolerance)
    return Outcome(case, expected, answer, found)


def named(result: Result) -> Result:
    """The result of a wrong answer with the known mistake that explains it, if one does."""
    if result.verdict is not Verdict.INCORRECT:
        return result
    return replace(result, misconception=diagnose(result.problem, result.outcomes))


@lru_cache(maxsize=4096)
def expectation(problem: Problem, case: Case) -> Any:
    """What the reference gives."""
    answer = call(problem.reference, case, PATIENCE)
    if answer.error is not None:
        raise answer.error
    if isinstance(answer.value, Known):
        return answer.value.facts
    answer = observed(problem, answer)
    if answer.error is not None:
        raise answer.error
    return answer.value


def observed(problem: Problem, answer: Call) -> Call:
    """The call with what is compared in place of the result."""
    if problem.observe is None or answer.error is not None or answer.value is None:
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
        return answer if answer.error else observed(problem, answer)


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
