"""CSV files hold what was given, and no spreadsheet computes what a student wrote."""

import csv
import doctest
import re
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from convlab.errors import ConvlabError
from convlab.grading.book.gradebook import Gradebook
from convlab.grading.pages import tables
from convlab.grading.pages.tables import defused, write_grades, write_grades_by_problem, write_table
from convlab.grading.records import Grade, Graded


def read(path, delimiter=","):
    with open(path, encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file, delimiter=delimiter))


@pytest.fixture
def book(tmp_path):
    def graded(student, lesson, *grades, digest="d1"):
        return Graded(student, lesson, "name", digest, grades)

    with Gradebook(tmp_path / "gradebook.db") as found:
        found.add(graded("bob", "01_kernels", Grade("convolve", 3, 3, "correct", seconds=0.5)))
        found.add(graded("=bob", "02_padding", Grade("pad", 2, 3, "incorrect", "turned"), Grade("same", 1.5, 3, "x")))
        found.add(graded("=bob", "02_padding", Grade("pad", 1, 3, "incorrect"), digest="d2"))
        yield found


texts = st.text(st.characters(codec="utf-8"), max_size=8) | st.text(st.sampled_from("=+-@\t\r\n;,\"' a1"), max_size=6)
numbers = st.integers(-(10**6), 10**6) | st.floats(-1e6, 1e6)


@given(st.lists(st.lists(texts | numbers | st.none(), min_size=1, max_size=4), max_size=4))
@example([["\0", "\r", "\n", '"'], ["", "a,b", "c\r\nd"]])
def test_a_reader_finds_what_was_originalapart_from_apostrophes(tmp_path_factory, rows):
    path = tmp_path_factory.getbasetemp() / "table.csv"
    write_table(path, rows)
    for found, row in zip(read(path), rows, strict=True):
        for cell, original in zip(found, row, strict=True):
            if isinstance(original, str):
                assert cell == defused(original)
                assert cell.replace("'", "") == original.replace("'", "")
            elif original is None:
                assert cell == ""
            else:
                assert float(cell) == pytest.approx(original, abs=6e-5)


@given(st.lists(st.lists(texts, min_size=1, max_size=4), max_size=4), st.sampled_from(",;\t"))
@example([["a", 'x;"=1+1"', "y"]], ";")
@example([["a", 'x;" =1+1', "y"]], ";")
def test_no_cell_begins_a_formula_whatever_a_spreadsheet_takes_for_the_end_of_a_cell(tmp_path_factory, rows, delimiter):
    path = tmp_path_factory.getbasetemp() / "table.csv"
    write_table(path, rows)
    for row in read(path, delimiter):
        for cell in row:
            assert not re.match(r'[\s"]*[=+\-@＝＋－＠]', cell), cell


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", " =1", "＝1"])
def test_what_begins_a_formula_is_defused(text):
    assert defused(text) == "'" + text
    assert defused(defused(text)) == defused(text)


@pytest.mark.parametrize("text", ["", "a=1", "Smith-Jones", "a@b.org", "it's", "1-2", "Zoë (=x)"])
def test_what_begins_none_stays_as_it_is(text):
    assert defused(text) == text


def test_numbers_stay_numbers(tmp_path):
    write_table(tmp_path / "t.csv", [[-2, 0.1 + 0.2, 3.0, -0.5, 1e-9, "-2"]])
    assert read(tmp_path / "t.csv") == [["-2", "0.3", "3", "-0.5", "0", "'-2"]]


def test_excel_is_told_the_alphabet_and_lines_end_as_the_standard_says(tmp_path):
    write_table(tmp_path / "t.csv", [["Zoë"], ["b"]])
    assert (tmp_path / "t.csv").read_bytes() == b"\xef\xbb\xbfZo\xc3\xab\r\nb\r\n"


def test_grades_have_a_row_for_each_student(book, tmp_path):
    write_grades(tmp_path / "grades.csv", book, {"bob": "Bob, the =first"}, lost=lambda e: e.grade.points / 2)
    assert read(tmp_path / "grades.csv") == [
        ["student", "label", "01_kernels", "02_padding", "points", "of", "late_penalty", "score"],
        ["'=bob", "", "", "2.5", "2.5", "9", "1.25", "1.25"],
        ["bob", "Bob, the =first", "3", "", "3", "9", "1.5", "1.5"],
    ]
    write_grades(tmp_path / "grades.csv", book, best=True)
    assert read(tmp_path / "grades.csv")[1] == ["'=bob", "", "", "3.5", "3.5", "9", "0", "3.5"]


def test_grades_by_problem_have_a_row_for_each_student_and_problem(book, tmp_path):
    write_grades_by_problem(tmp_path / "long.csv", book)
    header, first, second, third = read(tmp_path / "long.csv")
    row = dict(zip(header, first, strict=True))
    assert (row["student"], row["problem"], row["attempt"], row["points"]) == ("'=bob", "pad", "2", "1")
    assert (second[3], third[0], third[-2:]) == ("same", "bob", ["0.5", ""])
    write_grades_by_problem(tmp_path / "long.csv", book, best=True)
    assert read(tmp_path / "long.csv")[1][-3] == "turned"


def test_whatever_happens_the_old_file_stays_or_the_new_one_is_whole(book, tmp_path, monkeypatch):
    path = tmp_path / "grades.csv"
    path.write_text("old")

    def rows():
        yield ["new"]
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_table(path, rows())

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("convlab.files.os.replace", fail)
    with pytest.raises(ConvlabError, match="grades.csv cannot be written: No space left"):
        write_grades(path, book)
    assert path.read_text() == "old"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["gradebook.db", "grades.csv"]


def test_a_folder_is_made_and_what_cannot_be_one_is_told(tmp_path):
    write_table(tmp_path / "new" / "t.csv", [])
    assert (tmp_path / "new" / "t.csv").is_file()
    (tmp_path / "file").touch()
    with pytest.raises(ConvlabError, match="cannot be written"):
        write_table(tmp_path / "file" / "t.csv", [])


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps rights in another way")
def test_others_may_read_a_table_as_they_may_other_files(tmp_path):
    (tmp_path / "plain").touch()
    write_table(tmp_path / "t.csv", [])
    assert (tmp_path / "t.csv").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_the_examples_in_docstrings_are_true():
    assert doctest.testmod(tables).failed == 0
