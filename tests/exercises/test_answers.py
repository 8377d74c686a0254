"""No wrong answer is accepted, no right one refused, and each known mistake is called by its name.

The rates of all problems stand in a table at the end of the test output.
"""

from importlib import import_module
from pathlib import Path

import nbformat
import pytest

import convlab
from convlab.exercises import Verdict, catalogue, faults, judge
from convlab.exercises.catalogue import MODULES
from convlab.exercises.report import given, smallest

pytest.importorskip("tensorflow", reason="TensorFlow is not installed, with which some right answers are written")

ROOT = Path(convlab.__file__).parents[1]
SEEDS = (None, 3)
ANSWERS = [import_module(f"tests.exercises.answers.{name}") for name in MODULES]
VARIANTS = {id: functions for module in ANSWERS for id, functions in module.VARIANTS.items()}
DOUBLES = {id: functions for module in ANSWERS for id, functions in module.DOUBLES.items()}
PROBLEMS = list(catalogue().values())

problems = pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.id)


@problems
def test_a_problem_can_go_out(problem):
    assert faults(problem) == []


@problems
def test_no_right_answer_is_refused(problem, record_property):
    variants = VARIANTS[problem.id]
    assert len(variants) >= 5
    refused = [v.__name__ for v in variants for seed in SEEDS if judge(problem, v, seed).verdict is not Verdict.CORRECT]
    record_property("right", (len(variants), len(set(refused))))
    assert refused == []


@problems
def test_no_known_mistake_is_accepted_and_each_is_named(problem, record_property):
    accepted, unnamed, misnamed = [], [], []
    for mistake in problem.misconceptions:
        for seed in SEEDS:
            result = judge(problem, mistake.wrong, seed)
            if result.verdict is not Verdict.INCORRECT:
                accepted.append(mistake.title)
            elif result.misconception is None:
                unnamed.append(mistake.title)
            elif result.misconception is not mistake:
                misnamed.append(mistake.title)
    record_property("single", tuple(len(set(found)) for found in (problem.misconceptions, accepted, unnamed, misnamed)))
    assert (accepted, unnamed, misnamed) == ([], [], [])


@problems
def test_two_mistakes_at_once_are_not_misnamed(problem, record_property):
    doubles = DOUBLES[problem.id]
    assert len(doubles) >= 2
    results = {double.__name__: judge(problem, double) for double in doubles}
    accepted = [name for name, result in results.items() if result.verdict is not Verdict.INCORRECT]
    misnamed = [name for name, result in results.items() if result.misconception is not None]
    record_property("double", (len(doubles), len(accepted), len(misnamed)))
    assert (accepted, misnamed) == ([], [])
    for result in results.values():
        assert result.failing is not None
        assert given(problem, result.failing.case)


@problems
def test_each_mistake_matters_in_a_visible_case(problem):
    assert [m.title for m in problem.misconceptions if smallest(problem, m) is None] == []


@problems
def test_explanations_lead_to_a_heading_that_exists(problem):
    for mistake in problem.misconceptions:
        lesson, _, heading = mistake.where.partition("#")
        notebook = nbformat.read(ROOT / "notebooks" / f"{lesson}.ipynb", as_version=4)
        lines = [line for cell in notebook.cells if cell.cell_type == "markdown" for line in cell.source.splitlines()]
        assert heading in {line.lstrip("#").strip() for line in lines if line.startswith("#")}, mistake.where


@problems
def test_solutions_and_stubs_promise_types(problem):
    parameters = problem.signature.parameters.values()
    assert all(parameter.annotation is not parameter.empty for parameter in parameters)
    assert problem.signature.return_annotation is not problem.signature.empty
