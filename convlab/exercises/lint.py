"""What is wrong with a problem's declaration, before a learner meets it."""

from collections.abc import Iterable, Iterator

import numpy as np

from convlab.errors import ConvlabError
from convlab.exercises.judging import Verdict, judge
from convlab.exercises.problem import Problem

HINTS = 3


def faults(problem: Problem) -> list[str]:
    """Sentences about what is missing or wrong; none for a problem that can go out."""
    return [f"{problem.id}: {fault}" for check in (_texts, _hints, _code, _judged) for fault in check(problem)]


def refuse(problems: Iterable[Problem]) -> None:
    """Raise `ConvlabError` with all faults of all problems, if there are any."""
    found = [fault for problem in problems for fault in faults(problem)]
    if found:
        raise ConvlabError("the exercises cannot go out:\n" + "\n".join(f"- {fault}" for fault in found))


def _texts(problem: Problem) -> Iterator[str]:
    for name in ("title", "lesson", "statement", "explanation"):
        if not getattr(problem, name).strip():
            yield f"its {name} is empty."
    if not (problem.solution.__doc__ or "").strip():
        yield "its solution has no docstring that says what is given and asked for."
    if len({m.title for m in problem.misconceptions}) < len(problem.misconceptions):
        yield "two misconceptions have the same title."
    for misconception in problem.misconceptions:
        if not misconception.explanation.strip() or "#" not in misconception.where:
            yield f"the misconception {misconception.title!r} needs an explanation and a place: '02_padding#2. Same'."
    if not any(not group.hidden for group in problem.groups):
        yield "it has no visible cases."
    if any(group.points <= 0 for group in problem.groups):
        yield "a group of cases earns no points."


def _hints(problem: Problem) -> Iterator[str]:
    if len(problem.hints) != HINTS:
        yield f"it needs {HINTS} hints, and has {len(problem.hints)}."
    if any(not (hint.symptom.strip() and hint.text.strip()) for hint in problem.hints):
        yield "a hint is empty."


def _code(problem: Problem) -> Iterator[str]:
    try:
        stub = problem.stub
    except ConvlabError as error:
        yield str(error)
        return
    if "# TODO" not in stub:
        yield "its stub has no comment that begins with TODO and says what to do."


def _judged(problem: Problem) -> Iterator[str]:
    """The solution's code alone, as in a notebook after `import numpy as np`, and the stub."""
    try:
        right, stub = defined(problem, problem.source), defined(problem, problem.stub)
    except Exception as error:
        yield f"its code does not run by itself: {error}"
        return
    result = judge(problem, right)
    if result.verdict is not Verdict.CORRECT:
        wrong = result.failing
        why = result.reason or (wrong and (wrong.answer.error or wrong.difference)) or "in a hidden case"
        yield f"its solution fails: {why}."
    if judge(problem, stub).verdict is not Verdict.NOT_ATTEMPTED:
        yield "its stub passes or runs already."


def defined(problem: Problem, source: str) -> object:
    """The function that a cell with this source defines."""
    names = {"np": np}
    exec(compile(source, f"<{problem.id}>", "exec"), names)
    return names[problem.id]
