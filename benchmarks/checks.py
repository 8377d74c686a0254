"""How soon `check` answers in a notebook: a right answer, each known mistake, and the first wrong one of a session.

A wrong answer is compared with every known mistake, whose results are remembered, so the first one takes longest. Where
that means to build models, `check` shows the verdict before. What starts Keras is left out. The goal is half a second.
"""

from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

from convlab.exercises import Problem, catalogue, judge, judging, session
from convlab.exercises.render import as_html, as_text
from convlab.exercises.report import report

GOAL = 500  # milliseconds


def milliseconds(problem: Problem, function: Callable[..., Any]) -> tuple[float, float]:
    """From the call until the verdict is shown, and until all is."""
    start = perf_counter()
    result = judge(problem, function, naming=False)
    if session.takes_long_to_name(result):
        show(report(result, searching=True))
        verdict = perf_counter() - start
    else:
        verdict = 0.0
    show(report(judging.named(result)))
    whole = perf_counter() - start
    return 1000 * (verdict or whole), 1000 * whole


def show(parts: Any) -> None:
    """Make the words and the HTML that a notebook shows."""
    as_text(parts)
    as_html(parts)


def first(problem: Problem) -> tuple[float, float]:
    """The slowest first wrong answer, when nothing is remembered."""
    times = []
    for mistake in problem.misconceptions:
        judging.expectation.cache_clear()
        judging.attempt_wrong.cache_clear()
        times.append(milliseconds(problem, mistake.wrong))
    return max(verdict for verdict, _ in times), max(whole for _, whole in times)


def main() -> None:
    """Print a table of all problems."""
    slow = 0
    print(f"{'':26} {'':>8} {'later':>8} {'answers':>8} {'first':>8} {'wrong':>8}")
    print(f"{'verdict after ms':26} {'right':>8} {'wrong':>8} {'slowest':>8} {'verdict':>8} {'mistake':>8}")
    for problem in catalogue().values():
        milliseconds(problem, problem.solution)
        verdict, named = first(problem)
        right, _ = milliseconds(problem, problem.solution)
        wrong = [milliseconds(problem, mistake.wrong)[0] for mistake in problem.misconceptions]
        slow += sum(time > GOAL for time in (right, verdict, *wrong))
        print(f"{problem.id:26} {right:8.0f} {median(wrong):8.0f} {max(wrong):8.0f} {verdict:8.0f} {named:8.0f}")
    print(f"{slow} verdicts took longer than {GOAL} ms")


if __name__ == "__main__":
    main()
