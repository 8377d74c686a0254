"""exercises/ is made from solutions/, and runs whether anything is solved or nothing."""

import re
import shutil
from pathlib import Path

import nbclient
import nbformat
import pytest

import convlab
from convlab import ConvlabError
from convlab.cli import main
from convlab.course import exercises, lessons, notebooks
from convlab.exercises import catalogue

ROOT = Path(convlab.__file__).parents[1]
LESSONS = list(dict.fromkeys(problem.lesson for problem in catalogue().values()))
every_lesson = pytest.mark.parametrize("lesson", LESSONS)


def read(folder, lesson):
    return nbformat.read(ROOT / folder / f"{lesson}.ipynb", as_version=4)


def ids(notebook):
    return [cell.metadata["nbgrader"]["grade_id"] for cell in notebook.cells if "nbgrader" in cell.metadata]


def words(notebook):
    """All that a notebook's cells say."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return "\n".join(output.get("text", "") + output.get("data", {}).get("text/plain", "") for output in outputs)


def test_exercises_are_exactly_what_the_build_gives():
    assert exercises.build(ROOT, check=True) == []
    assert sorted(path.stem for path in (ROOT / "exercises").glob("*.ipynb")) == LESSONS
    assert sorted(path.stem for path in (ROOT / "solutions").glob("*.ipynb")) == LESSONS


@every_lesson
def test_a_solution_notebook_was_run_in_order_and_earned_everything(lesson):
    notebook = read("solutions", lesson)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    kinds = {(output.output_type, output.get("name")) for cell in cells for output in cell.outputs}
    assert kinds <= {("display_data", None), ("execute_result", None)}
    of = f"{sum(problem.points for problem in catalogue().values() if problem.lesson == lesson):g}"
    assert f"✓ {lesson}: {of} of {of} points" in words(notebook)
    assert notebook.metadata == notebooks.METADATA


@every_lesson
def test_an_exercise_notebook_gives_nothing_away(lesson):
    text = (ROOT / "exercises" / f"{lesson}.ipynb").read_text()
    assert not re.search("BEGIN|END SOLUTION|HIDDEN|import score", text)
    notebook = read("exercises", lesson)
    assert all(not cell.outputs and cell.execution_count is None for cell in notebook.cells if cell.cell_type == "code")
    assert text.count("# YOUR CODE HERE") == sum(problem.lesson == lesson for problem in catalogue().values())
    assert ids(notebook) == ids(read("solutions", lesson))


@every_lesson
def test_an_untouched_exercise_notebook_runs_and_says_that_nothing_was_attempted(lesson):
    notebook = read("exercises", lesson)
    nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(ROOT / "exercises")}}).execute()
    said = words(notebook)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert {output.output_type for output in outputs} == {"display_data"}
    problems = [problem for problem in catalogue().values() if problem.lesson == lesson]
    for problem in problems:
        assert f"○ {problem.id}: not attempted" in said
        assert f"{problem.title}: 0 of {problem.points:g}, not attempted" in said
    assert f"○ {lesson}: 0 of {sum(problem.points for problem in problems):g} points" in said


@every_lesson
def test_lessons_and_exercises_lead_to_each_other(lesson):
    lesson_text = (ROOT / "notebooks" / f"{lesson}.ipynb").read_text()
    assert f"(../exercises/{lesson}.ipynb)" in lesson_text
    for target in re.findall(r"\]\((\.\./[^)#]+)", (ROOT / "exercises" / f"{lesson}.ipynb").read_text()):
        assert (ROOT / "exercises" / target).is_file(), target


@every_lesson
def test_nbgraders_own_steps_accept_the_cells_and_release_the_same(lesson):
    preprocessors = pytest.importorskip("nbgrader.preprocessors", reason="nbgrader is not installed")
    from nbgrader.nbgraderformat import MetadataValidator

    notebook = read("solutions", lesson)
    MetadataValidator().validate_nb(notebook)
    for name in ("CheckCellMetadata", "ClearSolutions", "ClearOutput", "ClearHiddenTests"):
        notebook, _ = getattr(preprocessors, name)().preprocess(notebook, {})
    assert [cell.source for cell in notebook.cells] == [cell.source for cell in read("exercises", lesson).cells]


@pytest.fixture
def course(tmp_path):
    """A copy of the course's solutions and exercises."""
    for folder in ("solutions", "exercises"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    return tmp_path


def change(path, edit):
    notebook = nbformat.read(path, as_version=4)
    edit(notebook)
    path.write_text(nbformat.writes(notebook) + "\n")


def test_prose_that_a_teacher_adds_comes_through_and_cells_of_problems_are_renewed(course):
    path = course / "solutions" / "02_padding.ipynb"

    def edit(notebook):
        notebook.cells.insert(3, nbformat.v4.new_markdown_cell("A teacher's words.", id="own"))
        cell = next(cell for cell in notebook.cells if cell.id == "pad")
        cell.source = "changed"
        cell.outputs = []

    change(path, edit)
    changed = exercises.build(course)
    assert {file.relative_to(course).as_posix() for file in changed} == {
        "solutions/02_padding.ipynb",
        "exercises/02_padding.ipynb",
    }
    made = nbformat.read(course / "exercises" / "02_padding.ipynb", as_version=4)
    assert "A teacher's words." in [cell.source for cell in made.cells]
    assert catalogue()["pad"].stub in [cell.source for cell in made.cells]
    assert exercises.build(course) == []


def test_a_missing_notebook_is_made_whole(course):
    for folder in ("solutions", "exercises"):
        (course / folder / "02_padding.ipynb").unlink()
    exercises.build(course)
    made = nbformat.read(course / "exercises" / "02_padding.ipynb", as_version=4)
    assert ids(made) == ids(read("exercises", "02_padding"))
    assert next(cell.id for cell in made.cells) == "opening"
    assert made.cells[-1].source == 'earned("02_padding")'


def test_the_build_refuses_what_it_cannot_explain_and_writes_nothing(course):
    before = {path: path.read_bytes() for path in course.rglob("*.ipynb")}
    (course / "exercises" / "own.ipynb").write_text("{}")
    with pytest.raises(ConvlabError, match=r"no solution makes .*own.ipynb"):
        exercises.build(course)
    (course / "exercises" / "own.ipynb").unlink()
    nbgrader = {
        "grade_id": "pda",
        "schema_version": 3,
        "task": False,
        "grade": False,
        "locked": False,
        "solution": True,
    }
    cell = nbformat.v4.new_code_cell("x", id="pda", metadata={"nbgrader": nbgrader})
    change(course / "solutions" / "02_padding.ipynb", lambda notebook: notebook.cells.append(cell))
    with pytest.raises(ConvlabError, match=r"02_padding.ipynb has a cell 'pda', which is of no problem"):
        exercises.build(course)
    before.pop(course / "solutions" / "02_padding.ipynb")
    assert all(path.read_bytes() == content for path, content in before.items())


def test_a_problem_with_a_fault_stops_the_build(course, monkeypatch):
    from dataclasses import replace

    problem = catalogue()["pad"]
    monkeypatch.setitem(catalogue(), "pad", replace(problem, hints=problem.hints[:1]))
    with pytest.raises(ConvlabError, match="pad: it needs 3 hints, and has 1"):
        exercises.build(course)


def test_the_command_says_what_it_wrote_and_what_it_would(course, monkeypatch, capsys):
    monkeypatch.setattr("convlab.cli.checkout", lambda: course)
    assert main(["exercises", "build"]) == 0
    assert capsys.readouterr().out == ""
    (course / "exercises" / "02_padding.ipynb").unlink()
    assert main(["exercises", "build", "--check"]) == 1
    assert capsys.readouterr().out == "would change exercises/02_padding.ipynb\n"
    assert main(["exercises", "build"]) == 0
    assert capsys.readouterr().out == "wrote exercises/02_padding.ipynb\n"
    monkeypatch.setattr("convlab.cli.checkout", lambda: None)
    assert main(["exercises", "build"]) == 1
    assert "made in a checkout" in capsys.readouterr().err


def test_a_learners_copy_holds_the_exercises_beside_the_lessons(tmp_path):
    lessons.copy_lessons(tmp_path)
    assert sorted(path.name for path in (tmp_path / "exercises").iterdir()) == [f"{lesson}.ipynb" for lesson in LESSONS]
    assert (tmp_path / "notebooks" / "02_padding.ipynb").is_file()
