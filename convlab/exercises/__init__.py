"""Exercises that tell which mistake was made.

A learner calls `check`, `hint`, `solution`, `reset`, `progress` and `earned`; `problem` says what an exercise is made
of, `judging` runs an answer and looks for a known mistake, `report` and `render` say what was found.
"""

from convlab.exercises.catalogue import catalogue, load
from convlab.exercises.judging import Result, Verdict, judge
from convlab.exercises.lint import faults
from convlab.exercises.problem import Case, Fresh, Group, Hint, Misconception, Problem, case
from convlab.exercises.session import check, earned, failing, hint, progress, reset, score, solution

__all__ = [
    "Case",
    "Fresh",
    "Group",
    "Hint",
    "Misconception",
    "Problem",
    "Result",
    "Verdict",
    "case",
    "catalogue",
    "check",
    "earned",
    "failing",
    "faults",
    "hint",
    "judge",
    "load",
    "progress",
    "reset",
    "score",
    "solution",
]
