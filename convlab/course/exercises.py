"""Make the exercises from the solutions: the same notebooks without what a learner is to find out.

A notebook in solutions/ holds prose, which is written there, and three cells for each problem of its lesson, which
are written from the problem's declaration: the statement, the solution, and the check. Their nbgrader ids name them.
"""

import copy
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from convlab.course.notebooks import METADATA
from convlab.errors import ConvlabError
from convlab.exercises import Problem, catalogue
from convlab.exercises.comparing import number
from convlab.exercises.lint import refuse
from convlab.exercises.problem import without_solution
from convlab.files import replace_whole
from convlab.optional import need

HIDDEN = re.compile(r"\n?^# BEGIN HIDDEN TESTS\n.*?^# END HIDDEN TESTS$", re.M | re.S)
STATEMENT, CHECK = "-statement", "-check"  # follow the problem's id in the ids of its cells
SET_UP = "import numpy as np\n\nfrom convlab import check, earned, failing, hint, progress, reset, solution"
TEST = """check({id})
# BEGIN HIDDEN TESTS
from convlab import score

score({id})
# END HIDDEN TESTS"""


def build(root: Path, check: bool = False) -> list[Path]:
    """Write exercises/ of a checkout from solutions/, and the problems' cells in solutions/ from their declarations.

    Returns the files that changed, or with `check` those that would. Raises `ConvlabError`, and writes nothing, for a
    problem that cannot go out, a cell of an unknown problem, and a notebook in exercises/ that no solution makes.
    """
    refuse(catalogue().values())
    made: dict[Path, str] = {}
    for lesson in catalogue().lessons:
        path = root / "solutions" / f"{lesson}.ipynb"
        problems = catalogue().of_lesson(lesson)
        notebook = with_problems(_read(path, lesson), problems, path)
        made[path] = need("nbformat").writes(notebook) + "\n"
        made[root / "exercises" / path.name] = need("nbformat").writes(release(notebook)) + "\n"
    if strange := sorted(set((root / "exercises").glob("*.ipynb")) - set(made)):
        raise ConvlabError(f"no solution makes {strange[0]}: remove it, or write problems for it.")
    changed = [path for path, text in made.items() if not path.is_file() or path.read_text(encoding="utf-8") != text]
    for path in [] if check else changed:
        path.parent.mkdir(exist_ok=True)
        replace_whole(path, made[path])
    return changed


def _read(path: Path, lesson: str) -> Any:
    """The instructor's notebook, or a new one with the first and the last cells."""
    nbformat = need("nbformat")
    if path.is_file():
        return nbformat.read(path, as_version=4)
    cells = [
        _cell("markdown", "opening", f"# Exercises: {lesson}"),
        _cell("code", "set-up", SET_UP),
        _cell("markdown", "closing", "## What you have earned"),
        _cell("code", "earned", f'earned("{lesson}")'),
    ]
    return nbformat.v4.new_notebook(cells=cells, metadata=METADATA)


def _cell(kind: str, id: str, source: str, **nbgrader: Any) -> Any:
    """A cell; nbgrader: what its metadata says about it, in nbgrader's third schema."""
    v4 = need("nbformat").v4
    metadata = {"nbgrader": {"grade_id": id, "schema_version": 3, "task": False, **nbgrader}} if nbgrader else {}
    make = v4.new_markdown_cell if kind == "markdown" else v4.new_code_cell
    return make(source, id=id, metadata=metadata)


def cells_of(problem: Problem, place: int) -> list[Any]:
    """Statement, solution and check of a problem, the notebook's `place`-th."""
    points = "1 point" if problem.points == 1 else f"{number(problem.points)} points"
    words = f"## {place}. {problem.title}\n\n*{points}.* {problem.statement}"
    test, points_of_test = TEST.format(id=problem.id), {"points": problem.points}
    return [
        _cell("markdown", problem.id + STATEMENT, words, grade=False, locked=True, solution=False),
        _cell("code", problem.id, problem.source, grade=False, locked=False, solution=True),
        _cell("code", problem.id + CHECK, test, grade=True, locked=True, solution=False, **points_of_test),
    ]


def with_problems(notebook: Any, problems: Sequence[Problem], path: Path) -> Any:
    """The notebook with the cells of its problems as they are declared; new ones go before the closing words.

    A cell that is as declared keeps its outputs. Raises `ConvlabError` for a cell of an unknown problem.
    """
    notebook = copy.deepcopy(notebook)
    declared = {cell.id: cell for k, problem in enumerate(problems, 1) for cell in cells_of(problem, k)}
    for place, cell in enumerate(notebook.cells):
        id = cell.metadata.get("nbgrader", {}).get("grade_id")
        if id is not None and id not in declared:
            raise ConvlabError(f"{path} has a cell {id!r}, which is of no problem of this lesson: remove the cell.")
        if id is not None:
            _update(notebook.cells[place], declared.pop(id))
    closing = next((k for k, cell in enumerate(notebook.cells) if cell.id == "closing"), len(notebook.cells))
    notebook.cells[closing:closing] = declared.values()
    return notebook


def _update(cell: Any, declared: Any) -> None:
    if cell.cell_type == "code" and cell.source != declared.source:
        cell.outputs, cell.execution_count = [], None
    cell.source, cell.metadata = declared.source, declared.metadata


def release(notebook: Any) -> Any:
    """What a learner gets: no solution, no hidden test, no output."""
    notebook = copy.deepcopy(notebook)
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        cell.outputs, cell.execution_count = [], None
        cell.source = HIDDEN.sub("", cell.source)
        if cell.metadata.get("nbgrader", {}).get("solution"):
            cell.source = without_solution(cell.source)
    return notebook
