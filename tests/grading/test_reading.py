"""Bytes of any kind become a notebook or one sentence."""

import json
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convlab.errors import ConvlabError
from convlab.grading.intake import reading
from convlab.grading.intake.reading import parse
from tests.grading import make

ROOT = Path(__file__).parents[2]
LESSONS = sorted(file.stem for file in (ROOT / "exercises").glob("*.ipynb"))
ANSWERS = {"pad": make.right("pad"), "padded_size": make.right("padded_size")}


def nb(*cells, **more):
    return json.dumps({"cells": list(cells), "metadata": {}, "nbformat": 4, "nbformat_minor": 5} | more).encode()


def code(source, **metadata):
    return {"cell_type": "code", "metadata": metadata, "source": source, "outputs": []}


def marked(id, source="x = 1", kind="code", **more):
    metadata = {"nbgrader": {"grade_id": id, "solution": True, "grade": False}}
    return {"cell_type": kind, "metadata": metadata, "source": source} | more


def sources(notebook):
    return [cell.source for cell in notebook.cells]


@pytest.mark.parametrize("lesson", LESSONS)
def test_the_exercises_are_read(lesson):
    notebook = parse((ROOT / "exercises" / f"{lesson}.ipynb").read_bytes())
    assert notebook.remarks == ()
    problems = {problem.id for problem in make.catalogue().values() if problem.lesson == lesson}
    assert problems <= {cell.id for cell in notebook.cells}


def test_it_reads_what_nbformat_reads():
    nbformat = pytest.importorskip("nbformat")
    for lesson in LESSONS:
        cells = nbformat.read(ROOT / "notebooks" / f"{lesson}.ipynb", as_version=4).cells
        notebook = parse((ROOT / "notebooks" / f"{lesson}.ipynb").read_bytes())
        assert sources(notebook) == [cell.source for cell in cells if cell.cell_type == "code"]


ODD = {
    "format 3": (dict(version=(3, 0)), "old format 3"),
    "format 4.0": (dict(version=(4, 0)), None),
    "format 4.4": (dict(version=(4, 4)), None),
    "one text for a cell": (dict(lines=False), None),
    "byte order mark": (dict(encoding="utf-8-sig"), "byte order mark"),
    "UTF-16": (dict(encoding="utf-16"), "UTF-16"),
    "UTF-16 without a mark": (dict(encoding="utf-16-le"), "UTF-16-LE"),
    "UTF-32": (dict(encoding="utf-32"), "UTF-32"),
    "lines of Windows": (dict(newline="\r\n"), None),
    "lines of old Macs": (dict(newline="\r"), None),
    "much output": (dict(output="x" * 100_000), None),
}


@pytest.mark.parametrize("odd", ODD)
def test_odd_forms_hold_the_same_cells(odd):
    oddities, remark = ODD[odd]
    notebook = parse(make.notebook("02_padding", ANSWERS, **oddities))
    assert notebook.cells == parse(make.notebook("02_padding", ANSWERS)).cells
    if remark is None:
        assert notebook.remarks == ()
    else:
        assert len(notebook.remarks) == 1
        assert remark in notebook.remarks[0]


def test_cells_that_lost_their_marks_keep_their_code():
    kept = parse(make.notebook("02_padding", ANSWERS))
    lost = parse(make.notebook("02_padding", ANSWERS, ids=False))
    assert sources(lost) == sources(kept)
    assert {cell.id for cell in lost.cells} == {""}


def test_copied_cells_are_named():
    notebook = parse(make.notebook("02_padding", ANSWERS, copied=["pad", "padded_size"]))
    assert notebook.remarks == (
        'More than one cell is marked as "padded_size", "pad", as happens when a cell is copied.',
    )
    assert [cell.id for cell in notebook.cells].count("pad") == 2


BROKEN = {
    "empty": (b"", "empty"),
    "blank": (b" \n\t", "empty"),
    "zeros of a full disk": (b"\0" * 1000, "empty"),
    "a Python program": (b"import numpy as np\n\nx = 1\n", "Python program"),
    "a Python program with a docstring": (b'"""Homework."""\nx = 1\n', "Python program"),
    "a login page": (b"\n<!DOCTYPE html>\n<html><body>Log in</body></html>", "web page"),
    "a page": (b"<html>", "web page"),
    "a conflict": (
        b'{\n "cells": [\n<<<<<<< HEAD\n  1\n=======\n  2\n>>>>>>> b\n ]\n}',
        "conflict in the file, at line 3",
    ),
    "cut off": (make.notebook("02_padding")[:3000], "ends too early"),
    "cut off by a byte": (make.notebook("02_padding").rstrip()[:-1], "ends too early"),
    "cut off after a cell": (b'{"cells": [{"cell_type": "code"}', "ends too early"),
    "a wrong sign": (b'{"cells": [}]}', "line 1 cannot be read"),
    "a number": (b"3", "JSON, but no notebook"),
    "a list": (b"[1, 2]", "JSON, but no notebook"),
    "no cells": (b'{"metadata": {}}', "no cells"),
    "cells that are no list": (b'{"cells": {"a": 1}}', "no cells"),
    "a zip": (b"PK\x03\x04\0\0", "a zip file"),
    "a PDF": (b"%PDF-1.7 ...", "a PDF"),
    "a picture": (b"\x89PNG\r\n\x1a\n", "a picture"),
    "deep lists": (b"[" * 100_000, "deep"),
    "deep objects": (b'{"a":' * 100_000, "deep"),
    "deep in an output": (nb(code("x"), a=json.loads("[" * 200 + "]" * 200)), "deep"),
    "a long number": (b'{"cells": [' + b"9" * 100_000 + b"]}", "too many digits"),
    "many values": (b'{"cells": [' + b"[]," * 1_000_000 + b"0]}", "values"),
    "many cells": (nb(*[code("")] * 2001), "2,001 cells"),
    "noise": (bytes(range(256)) * 10, "cannot be read"),
    "too large": (b" " * (reading.LIMIT + 1), "larger than 25 MB"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_what_is_no_notebook_is_refused_in_one_sentence(kind):
    content, words = BROKEN[kind]
    with pytest.raises(ConvlabError) as caught:
        parse(content)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")
    assert len(str(caught.value)) < 250


def test_as_much_as_is_allowed_is_read():
    assert len(parse(nb(*[code("x")] * 2000)).cells) == 2000
    assert parse(nb(code("x" * reading.SOURCE))).remarks == ()
    deep = json.loads("[" * 90 + "]" * 90)
    assert sources(parse(nb(code("x", a=deep)))) == ["x"]
    assert sources(parse(nb(code("[" * 1000)))) == ["[" * 1000]
    assert parse(nb(code("x"), text="," * 3_000_000)).remarks == ()
    large = nb(code("x")).ljust(reading.LIMIT)
    assert sources(parse(large)) == ["x"]


def test_deep_nesting_is_refused_in_a_thread_with_a_small_stack():
    found = []

    def read():
        with pytest.raises(ConvlabError, match="deep") as caught:
            parse(b'{"cells":[' + b"[" * 500_000)
        found.append(caught)

    before = threading.stack_size(256 * 1024)
    try:
        thread = threading.Thread(target=read)
        thread.start()
        thread.join()
    finally:
        threading.stack_size(before)
    assert found


def test_odd_cells_are_passed_over_and_said():
    notebook = parse(
        nb(
            "no cell",
            None,
            code(3),
            code(["a", 3]),
            code("x" * (reading.SOURCE + 1)),
            {"cell_type": "markdown", "source": "words"},
            {"cell_type": "code"},
            {"source": "no type"},
            code("kept = 1"),
        )
    )
    assert sources(notebook) == ["", "kept = 1"]
    assert notebook.remarks == (
        "Cell 1 of the notebook cannot be read.",
        "Cell 2 of the notebook cannot be read.",
        "The code of cell 3 cannot be read.",
        "The code of cell 4 cannot be read.",
        "Cell 5 has more than 1,000,000 characters and was left out.",
    )
    assert parse(nb(*[None] * 8)).remarks[5:] == ("3 more such remarks.",)


@pytest.mark.parametrize("metadata", [None, 3, [], {}, {"nbgrader": None}, {"nbgrader": {"grade_id": ["a"]}}])
def test_odd_metadata_is_no_mark(metadata):
    cell = {"cell_type": "code", "source": "x", "metadata": metadata}
    assert [c.id for c in parse(nb(cell)).cells] == [""]
    assert parse(nb(cell, metadata=metadata)).remarks == ()


def test_an_answer_in_a_cell_that_is_no_code_is_said():
    notebook = parse(nb(marked("pad", kind="markdown"), marked("other")))
    assert notebook.remarks == ('The cell "pad" is no code cell any more, so it was not run: turn it back into one.',)


def test_notebooks_in_other_languages_and_formats_are_said():
    assert "written in 'R'" in parse(nb(metadata={"kernelspec": {"language": "R"}})).remarks[0]
    assert parse(nb(metadata={"kernelspec": {"display_name": "x", "language": "python"}})).remarks == ()
    assert "format" in parse(nb(nbformat=5)).remarks[0]
    assert "format" in parse(nb(nbformat="4")).remarks[0]


def test_what_follows_the_notebook_is_not_read():
    whole = make.notebook("02_padding", ANSWERS)
    assert parse(whole + b"\0" * 100).remarks == ()
    assert parse(whole + whole).cells == parse(whole).cells
    assert "follows the end" in parse(whole + whole).remarks[0]


def test_sources_can_be_written_to_any_file():
    notebook = parse(b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": "\\ud800 \\ud83d\\ude00 \\u0000"}]}')
    assert sources(notebook) == ["\N{REPLACEMENT CHARACTER} \N{GRINNING FACE} \0"]
    notebook = parse(nb(code("é")).replace(b"\\u00e9", b"\xe9"))
    assert sources(notebook) == ["é"]
    assert "not encoded as UTF-8" in notebook.remarks[0]


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["cells", "worksheets", "cell_type", "source", "input", "metadata", "nbgrader", "grade_id"]
            ),
            inner | st.just("code"),
            max_size=4,
        )
    ),
    max_leaves=20,
)


def reads_or_refuses(content):
    try:
        notebook = parse(content)
    except ConvlabError as error:
        notebook = reading.Notebook((), (str(error),))
    for text in (*notebook.remarks, *(text for cell in notebook.cells for text in (cell.source, cell.id))):
        text.encode("utf-8")
    assert all("\n" not in remark for remark in notebook.remarks)


@given(st.binary(max_size=200))
@settings(max_examples=200)
def test_any_bytes_are_read_or_refused(content):
    reads_or_refuses(content)


@given(values, st.sampled_from(["utf-8", "utf-16", "utf-8-sig"]))
@settings(max_examples=300)
def test_any_json_is_read_or_refused(value, encoding):
    reads_or_refuses(json.dumps(value).encode(encoding))
    reads_or_refuses(nb(value, metadata=value, nbformat=value))


@given(st.data())
@settings(max_examples=150)
def test_mutated_notebooks_are_read_or_refused(data):
    content = bytearray(make.notebook(data.draw(st.sampled_from(LESSONS[:3]))))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place : place + data.draw(st.integers(0, 30))] = data.draw(st.binary(max_size=10))
    reads_or_refuses(bytes(content))


@pytest.mark.parametrize(
    "piece", [b'"', b'"\\', b'\\"', b"[", b"[]", b'{"', b"<", b"\n=", b"x = ", b"#\n", b"1", b"1e9,", b"\xff"]
)
def test_long_nonsense_is_refused(piece):
    """If the time grew with the square of the length, this would take hours."""
    reads_or_refuses(b'{"cells":[' + piece * (2_000_000 // len(piece)))
    reads_or_refuses(piece * (2_000_000 // len(piece)))
