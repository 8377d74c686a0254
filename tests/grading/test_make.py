"""The submissions that tests are made of are what they are called."""

import numpy as np
import pytest

from convlab.exercises import Verdict, catalogue, judge
from convlab.grading.intake.reading import parse
from tests.grading import make

LESSON = "02_padding"
PROBLEMS = [problem for problem in catalogue().values() if problem.lesson in (LESSON, "01_kernels")]


def judged(problem, source):
    names = {"np": np}
    exec(source, names)
    return judge(problem, names[problem.id])


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.id)
def test_answers_are_right_and_wrong(problem):
    assert judged(problem, make.right(problem.id)).verdict is Verdict.CORRECT
    assert {judged(problem, source).verdict for source in make.also_right(problem.id)} == {Verdict.CORRECT}
    assert {judged(problem, source).verdict for source in make.wrong(problem.id)} == {Verdict.INCORRECT}
    for title, source in make.mistakes(problem.id):
        assert judged(problem, source).misconception.title == title


def test_every_problem_has_answers():
    for id in catalogue():
        assert make.wrong(id), id
        assert len(make.also_right(id)) >= 3, id


def test_a_class_is_mixed_and_the_same_each_time():
    first, second = (list(make.classroom(40, LESSON)) for _ in range(2))
    assert first == second
    assert len({one.student for one in first} | {one.name for one in first}) == 80
    kinds = [kind for one in first for kind in one.kinds.values()]
    assert {"right", "wrong", "untouched"} == set(kinds)
    assert kinds.count("right") > kinds.count("wrong") > kinds.count("untouched")
    assert [one.student for one in first if one.late] == ["s00009", "s00019", "s00029", "s00039"]


def test_answers_stand_in_their_cells():
    cells = {cell.id: cell.source for cell in parse(make.notebook(LESSON, {"pad": "x = 1", "padded_size": None})).cells}
    assert cells["pad"] == "x = 1"
    assert "NotImplementedError" in cells["padded_size"]
    notebook = parse(make.notebook(LESSON, before=["first"], after=["last"], without=["pad"]))
    assert (notebook.cells[0].source, notebook.cells[-1].source) == ("first", "last")
    assert "pad" not in {cell.id for cell in notebook.cells}
