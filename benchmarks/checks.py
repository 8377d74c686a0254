"""How soon `check` answers in a notebook: for a right answer, and for each known mistake, which must be found first.

The first check of a process is left out where it starts Keras. The goal is half a second.
"""

from statistics import median
from time import perf_counter

from convlab.exercises import Problem, catalogue, judge
from convlab.exercises.render import as_html, as_text
from convlab.exercises.report import report

GOAL = 500  # milliseconds


def milliseconds(problem: Problem, function: object) -> float:
    """From the call to the words and the HTML that a notebook shows."""
    start = perf_counter()
    parts = report(judge(problem, function), function)  # type: ignore[arg-type]
    as_text(parts)
    as_html(parts)
    return 1000 * (perf_counter() - start)


def main() -> None:
    """Print a table of all problems."""
    slow = 0
    print(f"{'problem':26} {'right':>8} {'wrong':>8} {'slowest':>8} ms")
    for problem in catalogue().values():
        milliseconds(problem, problem.solution)
        right = milliseconds(problem, problem.solution)
        wrong = [milliseconds(problem, mistake.wrong) for mistake in problem.misconceptions]
        slow += sum(time > GOAL for time in (right, *wrong))
        print(f"{problem.id:26} {right:8.0f} {median(wrong):8.0f} {max(wrong):8.0f}")
    print(f"{slow} checks took longer than {GOAL} ms")


if __name__ == "__main__":
    main()
