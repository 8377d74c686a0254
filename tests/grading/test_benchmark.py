"""The benchmark of grading runs and counts rightly. No test looks at a clock."""

import pytest

pytest.importorskip("psutil", reason="psutil, which comes with Dask and with ipykernel, is not installed")

from benchmarks import classes, grading
from benchmarks.watching import watched
from convlab.exercises import catalogue
from convlab.grading.intake.reading import parse

PROBLEMS = [problem for problem in catalogue().values() if problem.lesson == classes.LESSON]


def test_a_class_has_a_hostile_notebook_of_each_kind(tmp_path):
    folder = classes.write_class(tmp_path / "class", classes.LESSON, 20, classes.HOSTILE)
    files = sorted(folder.iterdir())
    assert len(files) == 20
    sources = [{cell.id: cell.source for cell in parse(file.read_bytes()).cells}[classes.VICTIM] for file in files]
    assert set(classes.HOSTILE.values()) <= {source + "\n" for source in sources} | set(sources)
    assert len(classes.HOSTILE) == 10


def test_a_class_is_graded_and_watched(tmp_path):
    folder = classes.write_class(tmp_path / "class", classes.LESSON, 6)
    result, used = watched(grading.graded, folder, tmp_path / "out", 1)
    assert result["graded"] == 6
    assert not result["remarks"]
    assert 0 < result["points"] <= 6 * sum(problem.points for problem in PROBLEMS)
    assert used.peak > 10
    assert used.workers > 10
    assert f"{used.peak:6.0f}" in grading.line("title", result, used, 1)


def test_a_told_class_is_kept_and_shown(tmp_path):
    folder = classes.write_told(tmp_path / "told", classes.LESSON, 12)
    result, _ = watched(grading.told, folder, tmp_path / "out", classes.LESSON)
    assert result["graded"] == result["known"] == result["pages"] == result["rows"]["submissions"] == 12
    assert result["rows"]["grades"] == 12 * len(PROBLEMS)
    assert result["integrity"] == "ok"
    assert {"all", "grade and keep", "write_feedback", "write_grades"} <= set(result["seconds"])
