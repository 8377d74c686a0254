"""Hostile notebooks, tried for real: none gains a point, reads a secret, changes a file, or costs anybody else."""

import os
import time

import pytest

from convlab.exercises import catalogue
from convlab.grading.examination.examiner import Examiner
from convlab.grading.sandbox import Level, level
from tests.grading.attacks import BOMBS, FORGERIES, INTRUSIONS
from tests.grading.make import notebook, right

LESSON, SEED = "02_padding", 7
OTHERS = [problem.id for problem in catalogue().values() if problem.lesson == LESSON and problem.id != "padded_size"]
LEVELS = [Level.BUBBLEWRAP, Level.LANDLOCK]
ATTACKS = [(name, source) for attacks in (FORGERIES, INTRUSIONS, BOMBS) for name, source in attacks.items()]
LONGEST = 40  # seconds that any attack may take, all its restarts included


@pytest.fixture(scope="module", params=LEVELS, ids=[str(level.value) for level in LEVELS])
def examiner(request):
    if request.param is Level.BUBBLEWRAP and level() is not Level.BUBBLEWRAP:
        pytest.skip(f"this machine gives no bubblewrap, but {level().value}")
    if level() is Level.NONE:
        pytest.skip("this machine gives no sandbox")
    os.environ["CANARY"] = "the teacher's key"
    with Examiner(SEED, request.param) as examiner:
        yield examiner
    del os.environ["CANARY"]


def honest() -> bytes:
    return notebook(LESSON, {id: right(id) for id in ["padded_size", *OTHERS]})


@pytest.mark.parametrize(("name", "source"), ATTACKS, ids=[name for name, _ in ATTACKS])
def test_an_attack_gains_nothing_and_costs_nobody_else(examiner, tmp_path, name, source):
    secret = tmp_path / "secret.txt"
    secret.write_text("the canary")
    source = source.replace("{secret}", str(secret))
    attacking = notebook(LESSON, {"padded_size": source, **{id: right(id) for id in OTHERS}})
    start = time.monotonic()
    graded = examiner.grade(attacking, student="mallory")
    assert time.monotonic() - start < LONGEST
    points = {grade.problem: grade.points for grade in graded.grades}
    assert points.pop("padded_size") == 0
    feedback = "".join(grade.feedback for grade in graded.grades) + " ".join(graded.remarks)
    assert "LEAK" not in feedback
    assert "canary" not in feedback
    assert secret.read_text() == "the canary"
    if name not in SPOILING:
        assert points == {id: catalogue()[id].points for id in OTHERS}
    following = examiner.grade(honest(), student="alice")
    assert [grade.points for grade in following.grades] == [grade.of for grade in following.grades]


# These replace what the rest of their own notebook computes with, and so cost its other answers.
SPOILING = {"built-in functions replaced", "nothing is left of Python", "time that stands still"}
