"""The exercises in nbgrader: assignments are made from the solutions, and its scores are ours."""

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

import convlab
from convlab.course.exercises import CHECK
from convlab.exercises import catalogue, judge
from convlab.exercises.problem import HIDDEN_SEED, without_marks
from convlab.grading import grade
from convlab.grading.book.gradebook import Gradebook
from tests.grading.make import mistakes

pytest.importorskip("nbgrader", reason="nbgrader is not installed")

ROOT = Path(convlab.__file__).parents[1]
LESSONS = ["02_padding", "08_mnist_cnn"]  # of NumPy alone, and of Keras, which logs and warns
STUDENTS = ["right", "wrong", "partly", "untouched"]
RAISING = "def {id}(*args, **kwargs):\n    return undefined_name"
MISTAKEN = """from convlab.exercises import catalogue
def {id}(*args, **kwargs):
    return next(m for m in catalogue()[{id!r}].misconceptions if m.title == {title!r}).wrong(*args, **kwargs)"""


def of_lesson(lesson):
    return [problem for problem in catalogue().values() if problem.lesson == lesson]


def partly(problem):
    """The title of a known mistake that earns some points but not all, where there is one, its points, and its code.

    The code is a student's, where the mistake can be written down with NumPy alone.
    """
    scores = {m.title: judge(problem, m.wrong).points for m in problem.misconceptions}
    partial = [title for title, points in scores.items() if 0 < points < problem.points] or list(scores)
    written = dict(mistakes(problem.id))
    title = next((title for title in partial if title in written), partial[0])
    return title, scores[title], written.get(title) or MISTAKEN.format(id=problem.id, title=title)


def answers(lesson):
    """Students' answers by student and problem: code, and the points that convlab gives for it."""
    found = {student: {} for student in STUDENTS}
    for problem in of_lesson(lesson):
        _, points, code = partly(problem)
        found["right"][problem.id] = without_marks(problem.source), problem.points
        found["wrong"][problem.id] = RAISING.format(id=problem.id), 0
        found["partly"][problem.id] = code, points
        found["untouched"][problem.id] = None, 0
    return found


def nbgrader(folder, *command):
    run = subprocess.run(
        [sys.executable, "-m", "nbgrader", *command], cwd=folder, capture_output=True, text=True, timeout=600
    )
    assert run.returncode == 0, run.stderr


@pytest.fixture(scope="module", params=LESSONS)
def course(request, tmp_path_factory):
    """A course that has released, autograded and commented a lesson's exercises: (folder, lesson, answers)."""
    folder, lesson = tmp_path_factory.mktemp("course"), request.param
    (folder / "nbgrader_config.py").write_text("c = get_config()\nc.CourseDirectory.course_id = 'convlab'\n")
    source = folder / "source" / lesson
    source.mkdir(parents=True)
    (source / f"{lesson}.ipynb").write_bytes((ROOT / "solutions" / f"{lesson}.ipynb").read_bytes())
    nbgrader(folder, "generate_assignment", lesson)
    given = answers(lesson)
    for student in STUDENTS:
        notebook = nbformat.read(folder / "release" / lesson / f"{lesson}.ipynb", as_version=4)
        for cell in notebook.cells:
            code, _ = given[student].get(cell.metadata.get("nbgrader", {}).get("grade_id"), (None, 0))
            cell.source = code or cell.source
        submitted = folder / "submitted" / student / lesson
        submitted.mkdir(parents=True)
        nbformat.write(notebook, submitted / f"{lesson}.ipynb")
    nbgrader(folder, "autograde", lesson)
    nbgrader(folder, "generate_feedback", lesson)
    return folder, lesson, given


def test_nbgrader_releases_what_our_build_makes(course):
    folder, lesson, _ = course
    theirs = nbformat.read(folder / "release" / lesson / f"{lesson}.ipynb", as_version=4)
    ours = nbformat.read(ROOT / "exercises" / f"{lesson}.ipynb", as_version=4)
    assert [cell.source for cell in theirs.cells] == [cell.source for cell in ours.cells]
    for cell in theirs.cells:
        for key in ("checksum", "cell_type"):
            cell.metadata.get("nbgrader", {}).pop(key, None)
        for key in ("deletable", "editable"):
            cell.metadata.pop(key, None)
    assert [cell.metadata for cell in theirs.cells] == [cell.metadata for cell in ours.cells]


def test_nbgraders_scores_are_ours(course):
    from nbgrader.api import Gradebook as Theirs

    folder, lesson, given = course
    with Theirs(f"sqlite:///{folder / 'gradebook.db'}") as gradebook:
        for student in STUDENTS:
            grades = gradebook.find_submission_notebook(lesson, lesson, student).grades
            expected = {id + CHECK: points for id, (_, points) in given[student].items()}
            assert {grade.name: grade.score for grade in grades} == expected, student
            assert sum(grade.max_score for grade in grades) == sum(problem.points for problem in of_lesson(lesson))


def test_convlab_s_grader_gives_the_same_scores(course, tmp_path):
    """But for answers that take the mistake from convlab, which is not there when convlab grades."""
    folder, _, given = course
    grade(folder, tmp_path / "grades", seed=HIDDEN_SEED)
    with Gradebook(tmp_path / "grades" / "gradebook.db") as book:
        found = {(entry.student, entry.grade.problem): entry.grade.points for entry in book.latest()}
    answered = {(student, id): answer for student in STUDENTS for id, answer in given[student].items()}
    expected = {key: points for key, (code, points) in answered.items() if "convlab" not in (code or "")}
    assert {key: found[key] for key in expected} == expected
    assert len(expected) >= 3 * len(given["right"])


def test_partial_answers_are_partial(course):
    _, lesson, given = course
    points = {problem.id: problem.points for problem in of_lesson(lesson)}
    assert any(0 < earned < points[id] for id, (_, earned) in given["partly"].items())


def test_feedback_names_the_mistakes(course):
    folder, lesson, _ = course
    text = (folder / "feedback" / "partly" / lesson / f"{lesson}.html").read_text()
    for problem in of_lesson(lesson):
        assert f"A known mistake: {partly(problem)[0]}" in text
