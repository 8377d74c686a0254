"""The exercises in nbgrader: assignments are made from the solutions, and its scores are ours."""

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

import convlab
from convlab.course.exercises import CHECK, release
from convlab.exercises import catalogue, judge
from convlab.exercises.problem import without_marks

pytest.importorskip("nbgrader", reason="nbgrader is not installed")

ROOT = Path(convlab.__file__).parents[1]
LESSON = "02_padding"
PROBLEMS = [problem for problem in catalogue().values() if problem.lesson == LESSON]
RAISING = "def {id}(*args, **kwargs):\n    return undefined_name"
PRINTING = "import sys\n\n\n{code}\n\nprint('noise', file=sys.stdout)"


def partly(problem):
    """A wrong answer that passes some groups, as code: right only for the first argument's smallest values."""
    return f"def {problem.id}(*args, **kwargs):\n    return wrong_answers['{problem.id}'](*args, **kwargs)"


WRONG_SET_UP = """
from convlab.exercises import catalogue
wrong_answers = {{
    id: next(m for m in catalogue()[id].misconceptions if m.title == title).wrong for id, title in {titles!r}.items()
}}
"""


def partial_titles():
    """For each problem a known mistake that earns some points but not all, where there is one."""
    titles = {}
    for problem in PROBLEMS:
        scores = {m.title: judge(problem, m.wrong).points for m in problem.misconceptions}
        titles[problem.id] = next((t for t, s in scores.items() if 0 < s < problem.points), next(iter(scores)))
    return titles


def submissions():
    """Students' answers by problem: code, and the points that convlab gives for it."""
    titles = partial_titles()
    set_up = WRONG_SET_UP.format(titles=titles)
    found = {"right": {}, "wrong": {}, "partly": {}, "untouched": {}}
    for problem in PROBLEMS:
        found["right"][problem.id] = without_marks(problem.source), problem.points
        found["wrong"][problem.id] = RAISING.format(id=problem.id), 0
        mistake = next(m for m in problem.misconceptions if m.title == titles[problem.id])
        found["partly"][problem.id] = set_up + partly(problem), judge(problem, mistake.wrong).points
        found["untouched"][problem.id] = None, 0
    return found


def nbgrader(folder, *command):
    run = subprocess.run(
        [sys.executable, "-m", "nbgrader", *command], cwd=folder, capture_output=True, text=True, timeout=600
    )
    assert run.returncode == 0, run.stderr
    return run


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A course that has released, collected and autograded the exercises on padding."""
    folder = tmp_path_factory.mktemp("course")
    (folder / "nbgrader_config.py").write_text("c = get_config()\nc.CourseDirectory.course_id = 'convlab'\n")
    source = folder / "source" / LESSON
    source.mkdir(parents=True)
    (source / f"{LESSON}.ipynb").write_bytes((ROOT / "solutions" / f"{LESSON}.ipynb").read_bytes())
    nbgrader(folder, "generate_assignment", LESSON)
    for student, answers in submissions().items():
        notebook = nbformat.read(folder / "release" / LESSON / f"{LESSON}.ipynb", as_version=4)
        for cell in notebook.cells:
            code, _ = answers.get(cell.metadata.get("nbgrader", {}).get("grade_id"), (None, 0))
            cell.source = code or cell.source
        submitted = folder / "submitted" / student / LESSON
        submitted.mkdir(parents=True)
        nbformat.write(notebook, submitted / f"{LESSON}.ipynb")
    nbgrader(folder, "autograde", LESSON)
    nbgrader(folder, "generate_feedback", LESSON)
    return folder


def test_nbgrader_releases_what_our_build_makes(course):
    theirs = nbformat.read(course / "release" / LESSON / f"{LESSON}.ipynb", as_version=4)
    ours = nbformat.read(ROOT / "exercises" / f"{LESSON}.ipynb", as_version=4)
    assert [cell.source for cell in theirs.cells] == [cell.source for cell in ours.cells]
    for cell in theirs.cells:
        cell.metadata.get("nbgrader", {}).pop("checksum", None)
        cell.metadata.get("nbgrader", {}).pop("cell_type", None)
        cell.metadata.pop("deletable", None)
        cell.metadata.pop("editable", None)
    assert [cell.metadata for cell in theirs.cells] == [cell.metadata for cell in ours.cells]


@pytest.mark.parametrize("student", ["right", "wrong", "partly", "untouched"])
def test_nbgraders_scores_are_ours(course, student):
    from nbgrader.api import Gradebook

    expected = {id + CHECK: points for id, (_, points) in submissions()[student].items()}
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as gradebook:
        grades = gradebook.find_submission_notebook(LESSON, LESSON, student).grades
        assert {grade.name: grade.score for grade in grades} == expected
        assert sum(grade.max_score for grade in grades) == sum(problem.points for problem in PROBLEMS)


def test_the_partial_answers_are_partial():
    expected = submissions()["partly"].values()
    assert any(0 < points < problem.points for (_, points), problem in zip(expected, PROBLEMS, strict=True))


def test_feedback_names_the_mistake_and_shows_no_hidden_case(course):
    text = (course / "feedback" / "partly" / LESSON / f"{LESSON}.html").read_text()
    for title in partial_titles().values():
        assert f"A known mistake: {title}" in text


def test_a_release_has_no_solution_and_no_hidden_test():
    notebook = nbformat.read(ROOT / "solutions" / f"{LESSON}.ipynb", as_version=4)
    text = nbformat.writes(release(notebook))
    assert "SOLUTION" not in text
    assert "HIDDEN" not in text
    assert "score(" not in text
