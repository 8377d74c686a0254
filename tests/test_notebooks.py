"""The lessons as files: run from top to bottom, described, small, and the same on every machine."""

import json
import re
from base64 import b64decode, b64encode
from io import BytesIO
from pathlib import Path

import nbformat
import numpy as np
import pytest
from PIL import Image

import convlab
from convlab import ConvlabError
from convlab.cli import main
from convlab.course import notebooks

pytest_plugins = ["pytester"]

ROOT = Path(convlab.__file__).parents[1]
LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SECTIONS = ["After this lesson you can", "**Predict", "**Explain", "## Recap", "## Quick questions", "## Your turn"]
LARGEST = 600_000  # bytes of a lesson
PRIVATE = re.compile(r"/home/|/root/|/Users/|/tmp/|/work/|[A-Z]:\\\\|site-packages|\b0x[0-9a-f]{6,}")

lessons = pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)


def read(path):
    return nbformat.read(path, as_version=4)


def outputs(notebook):
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def never_run(notebook):
    """Places of code cells that were not run, or not in order."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [i for i, cell in enumerate(cells, 1) if cell.execution_count != i]


def test_there_are_lessons():
    assert LESSONS


@lessons
def test_every_code_cell_was_run_in_order(path):
    assert never_run(read(path)) == []


@lessons
def test_no_cell_failed_or_complained(path):
    kinds = {(output.output_type, output.get("name")) for output in outputs(read(path))}
    assert kinds <= {("stream", "stdout"), ("display_data", None), ("execute_result", None)}
    said = "".join(output.get("text", "") for output in outputs(read(path)))
    assert not re.search(r"^Object `.*` not found", said, re.MULTILINE), "prose in a code cell, taken for a question"


@lessons
def test_every_figure_shows_something_and_says_what(path):
    pictures = [output for output in outputs(read(path)) if "image/png" in output.get("data", {})]
    assert pictures
    for output in pictures:
        pixels = np.asarray(Image.open(BytesIO(b64decode(output.data["image/png"]))).convert("L"))
        assert pixels.std() > 5
        assert len(output.metadata["image/png"]["alt"]) > 20


@lessons
def test_a_lesson_is_small_and_private_to_no_machine(path):
    text = path.read_text(encoding="utf-8")
    assert len(text) < LARGEST
    without_pictures = re.sub(r'"image/png": "[^"]*"', "", text)
    assert PRIVATE.findall(without_pictures) == []
    notebook = read(path)
    assert notebook.metadata == notebooks.METADATA
    nbformat.validate(notebook)
    before = json.dumps(notebook)
    notebooks.tidy(notebook)
    assert json.dumps(notebook) == before


@lessons
def test_a_lesson_has_the_course_form(path):
    prose = "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")
    places = [prose.find(section) for section in SECTIONS]
    assert -1 not in places, dict(zip(SECTIONS, places, strict=True))
    assert places == sorted(places)
    assert prose.count("<details>") == prose.count("</details>") >= 3


# The guards themselves: each must notice what it is there for


def png(pixels):
    buffer = BytesIO()
    Image.fromarray(np.asarray(pixels, np.uint8)).save(buffer, "PNG")
    return b64encode(buffer.getvalue()).decode()


DRAW = "from convlab import plots\nplots.grid([[1, 2], [3, 4]])"


@pytest.fixture
def small(pytester):
    """A small notebook that has been run, and nbval with the figures' comparison."""
    pytester.makeconftest((ROOT / "conftest.py").read_text())
    path = pytester.path / "small.ipynb"
    new = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in ("print(1 + 1)", DRAW)])
    nbformat.write(new, path)
    notebooks.run([path])
    return path


def passed(pytester, path):
    """Does the strict nbval pass?"""
    return pytester.runpytest("--nbval", "--nbval-current-env", "-p", "no:cacheprovider", path).ret == 0


def black(notebook):
    data = notebook.cells[1].outputs[0].data
    shape = np.asarray(Image.open(BytesIO(b64decode(data["image/png"])))).shape
    data["image/png"] = png(np.zeros(shape))


def smaller(notebook):
    data = notebook.cells[1].outputs[0].data
    data["image/png"] = png(np.asarray(Image.open(BytesIO(b64decode(data["image/png"]))))[:-1])


def gone(notebook):
    del notebook.cells[1].outputs[0].data["image/png"]


def other_number(notebook):
    notebook.cells[0].outputs[0].text = "3\n"


def retag(notebook, tag):
    for cell in notebook.cells:
        cell.metadata["tags"] = [tag]


def nearly_the_same(notebook):
    retag(notebook, "approximate")
    notebook.cells[0].outputs[0].text = "2.1\n"


def far_off(notebook):
    retag(notebook, "approximate")
    notebook.cells[0].outputs[0].text = "3\n"


def other_words_beside_numbers(notebook):
    retag(notebook, "approximate")
    notebook.cells[0].outputs[0].text = "2 percent\n"


def black_after_training(notebook):
    retag(notebook, "approximate")
    black(notebook)


def other_words(notebook):
    notebook.cells[1].outputs[0].data["text/plain"] += " And more."


@pytest.mark.parametrize(
    "change",
    [black, smaller, gone, other_number, other_words, far_off, other_words_beside_numbers, black_after_training],
)
def test_a_changed_output_is_noticed(pytester, small, change):
    notebook = read(small)
    change(notebook)
    nbformat.write(notebook, small)
    assert not passed(pytester, small)


def test_a_trained_number_may_differ_a_little(pytester, small):
    notebook = read(small)
    nearly_the_same(notebook)
    nbformat.write(notebook, small)
    assert passed(pytester, small)


def test_cells_of_mnist_are_compared_where_it_is_named_and_said_where_not(pytester, small, monkeypatch):
    notebook = read(small)
    retag(notebook, "mnist")
    other_number(notebook)
    nbformat.write(notebook, small)
    monkeypatch.setenv("CONVLAB_MNIST", "mnist.npz")
    assert not passed(pytester, small)
    monkeypatch.delenv("CONVLAB_MNIST")
    result = pytester.runpytest("--nbval", "--nbval-current-env", "-p", "no:cacheprovider", small)
    assert result.ret == 0
    assert "2 cells were saved with MNIST, which CONVLAB_MNIST does not name" in result.stdout.str()


def test_what_is_measured_stays_as_it_was_saved(small):
    notebook = read(small)
    notebook.cells[0].source = "import time\nprint(time.time_ns())"
    notebook.cells[0].metadata["tags"] = [notebooks.MEASURED]
    nbformat.write(notebook, small)
    notebooks.run([small])
    assert read(small).cells[0].outputs[0].text == "2\n"
    notebook = read(small)
    notebook.cells[0].outputs = []
    nbformat.write(notebook, small)
    notebooks.run([small])
    before = small.read_bytes()
    notebooks.run([small])
    assert small.read_bytes() == before
    assert int(read(small).cells[0].outputs[0].text) > 1e18


def test_an_unchanged_notebook_passes_and_running_it_again_changes_no_byte(pytester, small):
    before = small.read_bytes()
    assert passed(pytester, small)
    notebooks.run([small])
    assert small.read_bytes() == before


def test_a_cell_that_was_never_run_is_noticed(small):
    notebook = read(small)
    assert never_run(notebook) == []
    notebook.cells[1].update(outputs=[], execution_count=None)
    assert never_run(notebook) == [2]


def test_a_notebook_that_fails_is_named_and_left_as_it_was(tmp_path, capsys):
    path = tmp_path / "bad.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 / 0")]), path)
    before = path.read_bytes()
    assert main(["run", str(path)]) == 1
    message = capsys.readouterr().err
    assert "bad.ipynb does not run" in message
    assert "ZeroDivisionError" in message
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["bad.ipynb"]


def test_a_missing_notebook_is_named(tmp_path):
    with pytest.raises(ConvlabError, match="there is no notebook .*none.ipynb"):
        notebooks.run([tmp_path / "none.ipynb"])
