"""The table of what is taught where is true: each lesson, each cell and the words in it are there."""

import inspect
import re
from pathlib import Path

import nbformat
import pytest

import convlab

ROOT = Path(convlab.__file__).parents[1]
TABLE = ROOT / "docs" / "syllabus.md"
ROW = re.compile(
    r"^\| (?P<what>.+?) \| \[(?P<lesson>\w+)\]\((?P<link>\S+)\) \| (?P<cell>[\w-]+) \| `` (?P<words>.+) `` \|$"
)
ARGUMENTS = list(inspect.signature(convlab.layers.Conv2D).parameters)
LINES = [line for line in TABLE.read_text().splitlines() if line.startswith("| ") and not line.startswith("| what")]


@pytest.mark.parametrize("line", LINES, ids=[line[2:40] for line in LINES])
def test_a_row_is_true(line):
    row = ROW.match(line)
    assert row, "a row has the form | what | [lesson](link) | cell | `` words `` |"
    notebook = nbformat.read(TABLE.parent / row["link"], as_version=4)
    assert Path(row["link"]).stem == row["lesson"]
    sources = {cell.id: cell.source for cell in notebook.cells}
    assert row["words"].replace("\\|", "|") in sources.get(row["cell"], "")


def test_every_lesson_teaches_something_and_every_argument_of_conv2d_is_taught():
    taught = {ROW.match(line)["lesson"] for line in LINES}
    assert taught == {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")}
    listed = TABLE.read_text().split("## Arguments of Conv2D")[1].split("## ")[0]
    expanded = listed.replace(
        "bias_ and activity_regularizer", "kernel_regularizer bias_regularizer activity_regularizer"
    )
    expanded = expanded.replace("kernel_ and bias_constraint", "kernel_constraint bias_constraint")
    names = [name for name in ARGUMENTS if name not in ("name", "dtype", "kwargs")]
    assert len(names) == 16
    assert [name for name in names if not re.search(rf"\b{name}\b", expanded)] == []
