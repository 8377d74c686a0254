"""What to tell a learner, as a list of plain parts that `render` turns into text or HTML."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from convlab.exercises.causes import likely_cause
from convlab.exercises.comparing import as_array, difference, number, shown
from convlab.exercises.judging import GroupResult, Outcome, Result, Unusable, Verdict, attempt_wrong, expectation
from convlab.exercises.problem import Case, Fresh, Misconception, Problem

SEARCHING = "Is it a known mistake? One moment."
MOST = 12  # rows and columns of an array that is shown whole


@dataclass(frozen=True)
class Title:
    """The first line. mark: a Verdict, or None."""

    words: str
    verdict: Verdict | None = None


@dataclass(frozen=True)
class Heading:
    words: str


@dataclass(frozen=True)
class Words:
    """A paragraph in a little Markdown: `code`, **bold**."""

    words: str


@dataclass(frozen=True)
class Check:
    """A line with a tick or a cross."""

    right: bool
    words: str


@dataclass(frozen=True)
class Code:
    source: str


@dataclass(frozen=True)
class Table:
    """Numbers in rows and columns under a caption; `wrong` are marked."""

    caption: str
    rows: tuple[tuple[str, ...], ...]
    wrong: np.ndarray | None = None


@dataclass(frozen=True)
class Link:
    """A place in a lesson. where: as in a Misconception."""

    words: str
    where: str


Part = Title | Heading | Words | Check | Code | Table | Link
Report = list[Part]


def report(result: Result, *, searching: bool = False) -> Report:
    """All that a check says. searching: a known mistake is still being looked for."""
    problem, verdict = result.problem, result.verdict
    if verdict is Verdict.NOT_ATTEMPTED:
        return [
            Title(f"{problem.id}: not attempted", verdict),
            Words(
                f"Write your code in the cell of `{problem.id}`, run that cell, then this one again. {_help(problem)}"
            ),
        ]
    if verdict is Verdict.CANNOT_BE_CHECKED:
        return [Title(f"{problem.id}: cannot be checked", verdict), Words(_sentence(result.reason))]
    earned = f"{number(result.points)} of {number(problem.points)} points"
    parts: Report = [Title(f"{problem.id}: {verdict.value}, {earned}", verdict)]
    parts += [_line(group) for group in result.groups]
    if verdict is Verdict.INCORRECT:
        parts += _wrong(result)
        parts += [Words(SEARCHING)] if searching else naming(result)
    return parts + [Words(f"By the way: {remark}") for remark in result.remarks]


def _help(problem: Problem) -> str:
    return f'Stuck? `hint("{problem.id}")`'


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


def _line(result: GroupResult) -> Check:
    group = result.group
    title = f"{group.title} (hidden cases)" if group.hidden else group.title
    wrong = sum(not outcome.right for outcome in result.outcomes)
    missing = result.planned - len(result.outcomes)
    said = f"{number(result.points)} of {number(group.points)}"
    if wrong and not group.hidden:
        said += f"; {wrong} of {result.planned} cases go wrong"
    if missing and not group.hidden:
        said += f"; {missing} not run"
    return Check(result.right, f"{title}: {said}")


def _wrong(result: Result) -> Report:
    problem, failing = result.problem, result.failing
    if failing is None:
        return []
    if failing.answer.out_of_time:
        return [Heading("Does it ever end?"), *given(problem, failing.case), *_out_of_time(problem)]
    parts = [Heading("The smallest input that goes wrong"), *given(problem, failing.case)]
    return parts + (_error(result, failing) if failing.answer.error else _values(failing))


def naming(result: Result) -> Report:
    """The known mistake behind a wrong answer, or that there is none."""
    if result.misconception is not None:
        return _named(result, result.misconception)
    parts: Report = [Words(_help(result.problem))]
    if result.failing is None:
        words = "All visible cases are right; hidden ones of the same kind, with other numbers, are not."
        return [Words(words), *parts]
    if result.failing.answer.error is None:
        return [Words("This is not one of the known single mistakes."), *parts]
    return parts


def _out_of_time(problem: Problem) -> Report:
    return [
        Words(
            f"It was stopped: all cases together may take {number(problem.seconds)} seconds. Look for a `while` loop "
            "whose condition never turns false, or a loop over far more than the output's size."
        )
    ]


def _error(result: Result, outcome: Outcome) -> Report:
    error = outcome.answer.error
    assert error is not None
    if isinstance(error, Unusable):
        return [Words(_sentence(str(error)))]
    line = outcome.answer.line
    parts: Report = [Words(f"**{type(error).__name__}**: {error}" if str(error) else f"**{type(error).__name__}**")]
    if line:
        parts += [Words(f"in line {line[0]} of your code:"), Code(line[1])]
    cause = "" if result.misconception else likely_cause(error)  # the mistake's own explanation says it better
    return [*parts, Words(cause)] if cause else parts


def _values(outcome: Outcome) -> Report:
    found = outcome.difference
    assert found is not None
    parts: Report = [Words(_sentence(found.words) + ("" if found.words.endswith("?") else "."))]
    if isinstance(outcome.expected, (tuple, list)) and not isinstance(found.expected, np.ndarray):
        parts.append(Words(f"Expected: {shown(outcome.expected)}. Yours: {shown(outcome.answer.value)}."))
    expected = _table("expected", found.expected, found.wrong, marked=False)
    if expected is None:
        return parts
    parts.append(expected)
    got = _table("yours", found.got, found.wrong)
    return [*parts, got] if got else parts


def _named(result: Result, misconception: Misconception) -> Report:
    problem = result.problem
    parts: Report = [
        Heading(f"A known mistake: {misconception.title}"),
        Words(misconception.explanation),
        Link("Read again", misconception.where),
    ]
    failing = result.failing
    case = smallest(problem, misconception)
    if case is not None and (failing is None or case.size < failing.case.size):
        expected, wrong = expectation(problem, case), attempt_wrong(problem, misconception, case)
        parts += [Words("The smallest example where it matters:"), *given(problem, case)]
        if wrong.error is None:
            parts.append(Words(f"Right: {shown(expected)}. With this mistake: {shown(wrong.value)}."))
    return parts


def smallest(problem: Problem, misconception: Misconception) -> Case | None:
    """The smallest visible case in which a mistake matters."""
    cases = [case for group in problem.groups if not group.hidden for case in group.make()]
    for case in sorted(cases, key=lambda c: c.size):
        wrong = attempt_wrong(problem, misconception, case)
        if wrong.error or difference(expectation(problem, case), wrong.value, problem.tolerance):
            return case
    return None


def given(problem: Problem, case: Case) -> Report:
    """The call, with arrays below it."""
    arguments = problem.arguments(case)
    arrays = {name: as_array(value) for name, value in arguments.items() if isinstance(value, np.ndarray)}
    words = ", ".join(name if name in arrays else f"{name}={_label(value)}" for name, value in arguments.items())
    parts: Report = [Code(f"{problem.id}({words})")]
    for name, array in arrays.items():
        assert array is not None
        parts.append(_table(name, array) or Words(f"{name} has shape {array.shape}, {_spread(array)}."))
    return parts


def _label(value: Any) -> str:
    return value.label if isinstance(value, Fresh) else shown(value)


def _spread(array: np.ndarray) -> str:
    return f"with numbers from {number(array.min())} to {number(array.max())}" if array.size else "and is empty"


def _table(name: str, value: Any, wrong: np.ndarray | None = None, *, marked: bool = True) -> Table | None:
    """An array that fits a page as a table: with up to two axes longer than 1, or the part with the first error.

    marked: whether what is wrong is marked, too.
    """
    array = value if isinstance(value, np.ndarray) else None
    if array is None or array.ndim == 0 or array.size == 0:
        return None
    caption = f"{name}, shape {array.shape}"
    part: tuple[Any, ...] = tuple(slice(None) if n > 1 or array.ndim == 2 else 0 for n in array.shape)
    long = [axis for axis, n in enumerate(array.shape) if n > 1]
    if len(long) > 2:
        part, rest = _plane(array.shape, wrong)
        caption += f", here [{rest}]"
    rows = np.atleast_2d(array[part])
    if max(rows.shape) > MOST:
        return None
    marks = np.atleast_2d(wrong[part]) if marked and wrong is not None else None
    return Table(caption, tuple(tuple(number(v) for v in row) for row in rows), marks)


def _plane(shape: tuple[int, ...], wrong: np.ndarray | None) -> tuple[tuple[Any, ...], str]:
    """Which two axes of an array with more of them to show: height and width of (N, H, W, C), at the first error."""
    first = np.argwhere(wrong)[0] if wrong is not None and wrong.any() else np.zeros(len(shape), int)
    keep = (1, 2) if len(shape) == 4 else (0, 1)
    part = tuple(slice(None) if axis in keep else int(first[axis]) for axis in range(len(shape)))
    return part, ", ".join(":" if isinstance(p, slice) else str(p) for p in part)
