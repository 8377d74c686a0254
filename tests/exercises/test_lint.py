"""A problem that is not ready is refused, with a sentence that says why."""

from dataclasses import replace

import numpy as np
import pytest

from convlab import ConvlabError
from convlab.exercises import Group, Hint, case, catalogue, faults
from convlab.exercises.lint import refuse
from convlab.exercises.problem import without_marks, without_solution

PROBLEM = catalogue()["pad"]


def no_docstring(image: np.ndarray, rows: tuple[int, int], columns: tuple[int, int]) -> np.ndarray:
    # TODO: pad
    # BEGIN SOLUTION
    return np.pad(image, (rows, columns))
    # END SOLUTION


def no_todo(image: np.ndarray, rows: tuple[int, int], columns: tuple[int, int]) -> np.ndarray:
    """Zeros around."""
    # BEGIN SOLUTION
    return np.pad(image, (rows, columns))
    # END SOLUTION


def no_marks(image: np.ndarray, rows: tuple[int, int], columns: tuple[int, int]) -> np.ndarray:
    """Zeros around."""
    # TODO: pad
    return np.pad(image, (rows, columns))


def wrong(image: np.ndarray, rows: tuple[int, int], columns: tuple[int, int]) -> np.ndarray:
    """Zeros around."""
    # TODO: pad
    # BEGIN SOLUTION
    return np.pad(image, (columns, rows))
    # END SOLUTION


def passes_already(image: np.ndarray, rows: tuple[int, int], columns: tuple[int, int]) -> np.ndarray:
    """Zeros around."""
    # TODO: pad
    return np.pad(image, (rows, columns))
    # BEGIN SOLUTION
    return None
    # END SOLUTION


def needs_more(image: np.ndarray, rows: tuple[int, int], columns: tuple[int, int]) -> np.ndarray:
    """Zeros around."""
    # TODO: pad
    # BEGIN SOLUTION
    return PROBLEM.reference(image, rows, columns)
    # END SOLUTION


def own(**changes):
    return replace(PROBLEM, **changes)


def test_a_good_problem_has_no_faults():
    assert faults(PROBLEM) == []


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        (own(hints=PROBLEM.hints[:2]), "it needs 3 hints, and has 2"),
        (own(hints=(*PROBLEM.hints[:2], Hint("symptom", " "))), "a hint is empty"),
        (own(title=""), "its title is empty"),
        (own(statement=" "), "its statement is empty"),
        (own(explanation=""), "its explanation is empty"),
        (own(solution=no_docstring), "its solution has no docstring"),
        (own(solution=no_todo), "no comment that begins with TODO"),
        (own(solution=no_marks), "a solution stands between the lines"),
        (own(solution=wrong), "its solution fails"),
        (own(solution=passes_already), "its stub passes or runs already"),
        (own(solution=needs_more), "its solution fails: name 'PROBLEM' is not defined"),
        (
            own(groups=(Group("a", 1, (case(np.ones((1, 1)), (1, 1), (0, 1)),), hidden=True),)),
            "it has no visible cases",
        ),
        (own(groups=(Group("a", 0, (case(np.ones((1, 1)), (1, 1), (0, 1)),)),)), "earns no points"),
        (own(misconceptions=(PROBLEM.misconceptions[0],) * 2), "two misconceptions have the same title"),
        (own(misconceptions=(replace(PROBLEM.misconceptions[0], explanation=""),)), "needs an explanation and a place"),
        (
            own(misconceptions=(replace(PROBLEM.misconceptions[0], where="02_padding"),)),
            "needs an explanation and a place",
        ),
    ],
)
def test_what_is_missing_is_said(problem, words):
    assert any(words in fault for fault in faults(problem)), faults(problem)
    with pytest.raises(ConvlabError, match="the exercises cannot go out"):
        refuse([PROBLEM, problem])


@pytest.mark.parametrize(
    "source", ["x", "# BEGIN SOLUTION\nx", "x\n# END SOLUTION", "# BEGIN SOLUTION\nx\n# END SOLUTION\n# END SOLUTION"]
)
def test_a_mark_alone_is_refused(source):
    with pytest.raises(ConvlabError, match="a solution stands between the lines"):
        without_solution(source)


def test_marks_come_off_at_any_depth():
    source = "def f():\n    if x:\n        # BEGIN SOLUTION\n        y = 1\n        # END SOLUTION\n    return y"
    assert without_marks(source) == "def f():\n    if x:\n        y = 1\n    return y"
    stub = "def f():\n    if x:\n        # YOUR CODE HERE\n        raise NotImplementedError()\n    return y"
    assert without_solution(source) == stub
