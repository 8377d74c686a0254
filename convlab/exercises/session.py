"""What a learner calls in a notebook: check, hint, solution, reset, progress, earned."""

import sys
from collections.abc import Callable
from typing import Any

from convlab.errors import ConvlabError
from convlab.exercises import memory
from convlab.exercises.catalogue import catalogue
from convlab.exercises.comparing import number
from convlab.exercises.judging import Result, Verdict, judge, named
from convlab.exercises.problem import Problem, without_marks
from convlab.exercises.render import as_html, as_text
from convlab.exercises.report import Check, Code, Report, Title, Words, naming, report

_hints_given: dict[str, int] = {}
_results: dict[str, Result] = {}


def check(problem: str | Callable[..., Any], function: Callable[..., Any] | None = None) -> None:
    """Show whether a function solves its exercise, and if not, which mistake it makes.

    problem: the function, when it has the name of its exercise; else the exercise's name, and the function second.
    With the name alone, the function of that name in the notebook is taken.

    Raises `ConvlabError` for the name of no exercise.
    """
    found, given = _find(problem, function, sys._getframe(1).f_globals)
    result = judge(found, given, naming=False) if given is not None else Result(found, Verdict.NOT_ATTEMPTED)
    complaint = memory.remember(found.id, result.points, found.points) if result.groups else ""
    more: Report = [Words(complaint)] if complaint else []
    if takes_long_to_name(result):
        finish = _begin([*report(result, searching=True), *more])
        result = named(result)
        finish([*report(result), *more], naming(result))
    else:
        result = named(result)
        _show([*report(result), *more])
    _results[found.id] = result


def takes_long_to_name(result: Result) -> bool:
    """Must models be built to compare with the known mistakes, when the verdict is there already?"""
    return result.verdict is Verdict.INCORRECT and "keras" in result.problem.needs


def score(
    problem: str | Callable[..., Any], function: Callable[..., Any] | None = None, *, seed: int | None = None
) -> float:
    """The points that a function earns, without a word: what nbgrader reads at the end of a test cell.

    seed: of the hidden cases; by default the package's own.
    """
    found, given = _find(problem, function, sys._getframe(1).f_globals)
    return float(judge(found, given, seed).points) if given is not None else 0.0


def _find(
    problem: str | Callable[..., Any], function: Callable[..., Any] | None, names: dict[str, Any]
) -> tuple[Problem, Any]:
    if isinstance(problem, str):
        found = catalogue().find(problem)
        return found, names.get(found.id) if function is None else function
    name = str(getattr(problem, "__name__", ""))
    if name in catalogue():
        return catalogue()[name], problem
    raise ConvlabError(
        f"an exercise has the name of its function, and there is no exercise {name or problem!r}: "
        'write its name first, as in check("correlate", my_function).'
    )


def hint(id: str) -> None:
    """Show the next hint; after the last one, the last again."""
    problem = catalogue().find(id)
    step = min(_hints_given.get(id, 0), len(problem.hints) - 1)
    _hints_given[id] = step + 1
    given = problem.hints[step]
    last = step + 1 == len(problem.hints)
    more = (
        f'That was the last hint. `solution("{id}")` shows and explains a solution.'
        if last
        else f'More: `hint("{id}")`'
    )
    title = Title(f"{id}: hint {step + 1} of {len(problem.hints)}")
    _show([title, Words(f"**{given.symptom}**"), Words(given.text), Words(more)])


def solution(id: str) -> None:
    """Show a solution, and why it is one."""
    problem = catalogue().find(id)
    _show([Title(f"{id}: a solution"), Code(without_marks(problem.source)), Words(problem.explanation)])


def reset(id: str) -> None:
    """Give the text back that the exercise's cell began with: below this cell where the notebook can do that."""
    problem = catalogue().find(id)
    shell = _shell()
    if shell is not None and hasattr(shell, "set_next_input"):
        shell.set_next_input(problem.stub, replace=False)
    _show([Title(f"{id}: as it was in the beginning"), Code(problem.stub)])


def earned(lesson: str) -> None:
    """Show what this run of an exercise notebook earned. lesson: "02_padding"."""
    problems = _of_lesson(lesson)
    parts: Report = []
    total = 0.0
    for problem in problems:
        result = _results.get(problem.id)
        points = result.points if result else 0
        total += points
        said = result.verdict.value if result else Verdict.NOT_ATTEMPTED.value
        parts.append(
            Check(points == problem.points, f"{problem.title}: {number(points)} of {number(problem.points)}, {said}")
        )
    of = sum(problem.points for problem in problems)
    verdict = Verdict.CORRECT if total == of else Verdict.INCORRECT if total else Verdict.NOT_ATTEMPTED
    _show([Title(f"{lesson}: {number(total)} of {number(of)} points", verdict), *parts])


def progress() -> None:
    """Show what is done in the whole course, as remembered from session to session."""
    best, complaint = memory.recall()
    lessons = catalogue().lessons
    parts: Report = [Words(complaint)] if complaint else []
    done, of, following = 0.0, 0.0, None
    for lesson in lessons:
        problems = _of_lesson(lesson)
        solved = [p for p in problems if p.id in best and best[p.id].points == p.points]
        points = sum(min(best[p.id].points, p.points) for p in problems if p.id in best)
        whole = sum(problem.points for problem in problems)
        done, of = done + points, of + whole
        following = following or next((p for p in problems if p not in solved), None)
        said = f"{lesson}: {len(solved)} of {len(problems)} exercises, {number(points)} of {number(whole)} points"
        parts.append(Check(len(solved) == len(problems), said))
    if following is None:
        parts.append(Words("Everything is done."))
    else:
        parts += [Words(f"Next: **{following.title}** (`{following.id}`), in exercises/{following.lesson}.ipynb.")]
    _show([Title(f"Your progress: {number(done)} of {number(of)} points"), *parts])


def _of_lesson(lesson: str) -> list[Problem]:
    found = catalogue().of_lesson(lesson)
    if not found:
        raise ConvlabError(f"there are no exercises on {lesson!r}, but on {', '.join(catalogue().lessons)}.")
    return found


def failing(id: str) -> dict[str, Any]:
    """The arguments of the smallest visible case that went wrong in the last check, by name, to try by hand.

    Raises `ConvlabError` where there is none.
    """
    problem = catalogue().find(id)
    result = _results.get(id)
    if result is None or result.failing is None:
        raise ConvlabError(f"no visible case of {id!r} has gone wrong in this session: run check({id}) first.")
    return problem.arguments(result.failing.case)


def _show(parts: Report) -> None:
    if _shell() is None:
        print(as_text(parts))
    else:
        from IPython.display import display

        display(_formats(parts), raw=True)


def _begin(parts: Report) -> Callable[[Report, Report], None]:
    """Show a report whose end is not known yet.

    Returns a function of the whole report and its new part. A notebook shows the whole in place of what it showed; a
    terminal, which cannot take back what it printed, adds the new part.
    """
    if not hasattr(_shell(), "kernel"):
        _show(parts)
        return lambda whole, new: _show(new)
    from IPython.display import display

    handle = display(_formats(parts), raw=True, display_id=True)
    return lambda whole, new: handle.update(_formats(whole), raw=True)


def _formats(parts: Report) -> dict[str, str]:
    return {"text/plain": as_text(parts), "text/html": as_html(parts)}


def _shell() -> Any:
    """The IPython that runs this, in a notebook or a terminal; None in plain Python."""
    if "IPython" not in sys.modules:
        return None
    return sys.modules["IPython"].get_ipython()
