"""A teacher's CSV file keeps every byte but those of the cells that are filled."""

import csv
import doctest
import io

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from convlab.errors import ConvlabError
from convlab.grading.exchange import numerals, sheets, wording
from convlab.grading.exchange.sheets import Sheet, read_sheet, write_whole

signs = st.text(st.sampled_from("a1é\"',;\t \r\n=-\u2028"), max_size=6)
cells = signs | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=4)


@st.composite
def files(draw, least=1):
    """(bytes, delimiter, rows) of a CSV file in any of the usual ways to write one."""
    delimiter, end = draw(st.sampled_from(",;\t")), draw(st.sampled_from(["\n", "\r\n", "\r"]))
    width, all_quoted = draw(st.integers(2, 4)), draw(st.booleans())
    rows = draw(st.lists(st.lists(cells, min_size=width, max_size=width), min_size=least, max_size=5))
    rows[0] = [f"Title {place}" for place in range(width)]

    def written(cell):
        needs_quotes = all_quoted or set(cell) & set(f'{delimiter}"\r\n')
        return '"' + cell.replace('"', '""') + '"' if needs_quotes else cell

    text = end.join(delimiter.join(map(written, row)) for row in rows)
    mark = b"\xef\xbb\xbf" if draw(st.booleans()) else b""
    return mark + (text + draw(st.sampled_from(["", end]))).encode(), delimiter, rows


@given(files())
def test_cells_are_what_a_reader_of_csv_finds(file):
    content, delimiter, rows = file
    sheet = Sheet(content, "a.csv")
    assert sheet.delimiter == delimiter
    assert sheet.rows == rows
    text = io.StringIO(content.decode("utf-8-sig"), newline="")
    assert list(csv.reader(text, delimiter=delimiter)) == rows
    assert sheet.content() == content


@given(files(least=2), st.data())
def test_all_but_the_filled_cells_come_back_byte_for_byte(file, data):
    content, _, rows = file
    sheet = Sheet(content, "a.csv")
    places = st.tuples(st.integers(1, len(rows) - 1), st.integers(0, len(rows[0]) - 1))
    filled = data.draw(st.dictionaries(places, cells, max_size=4))
    for (row, column), text in filled.items():
        sheet.fill(row, column, text)
    changed = sheet.content()
    again = Sheet(changed, "b.csv")
    expected = [
        [filled.get((place, column), cell) for column, cell in enumerate(row)] for place, row in enumerate(rows)
    ]
    assert again.rows == expected
    for (row, column), _ in filled.items():  # taken out of both files, the cells leave the same bytes
        sheet.fill(row, column, "")
        again.fill(row, column, "")
    assert again.content() == sheet.content()
    if not filled:
        assert changed == content


@given(st.binary(max_size=60).map(lambda content: b'Name,"Grade"\r\n' + content))
@example(b'Name,Grade\r\nZo\xeb "Z" Lee,\r\n\xff\xfe;,x')
def test_whatever_bytes_a_file_has_they_are_refused_or_kept(content):
    try:
        sheet = Sheet(content, "a.csv")
    except ConvlabError:
        return
    assert sheet.content() == content
    if len(sheet.rows) > 1:
        sheet.fill(1, 0, "X")
        assert sheet.content().startswith(b'Name,"Grade"\r\nX' if b'"Grade"' in content else b"Name,Grade\r\nX")


def test_a_file_of_an_old_spreadsheet_is_read_in_its_letters():
    sheet = Sheet("Name,Grade\nZoë,\n".encode("cp1252"), "a.csv")
    assert sheet.rows[1] == ["Zoë", ""]
    sheet.fill(1, 1, "½ → 1")
    assert sheet.content() == "Name,Grade\nZoë,½ &#8594; 1\n".encode("cp1252")


def test_what_a_cell_is_filled_with_stays_in_it():
    sheet = Sheet(b"a;b;c\n1;2;3\n", "a.csv")
    sheet.fill(1, 1, 'x;"y"\nz')
    assert sheet.content() == b'a;b;c\n1;"x;""y""\nz";3\n'


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf \r\n", "is empty"),
        ("Name,Grade".encode("utf-16"), "UTF-16"),
        (b"PK\x03\x04....", "spreadsheet's own file"),
        (b'a,b\nc,"d\n', "a quote in line 2 is never closed"),
    ],
)
def test_what_is_no_csv_is_refused(content, said):
    with pytest.raises(ConvlabError, match=said):
        Sheet(content, "a.csv")


def test_files_are_read_and_written_whole_or_not_at_all(tmp_path, monkeypatch):
    with pytest.raises(ConvlabError, match="cannot be read: No such file"):
        read_sheet(tmp_path / "a.csv")
    path = tmp_path / "new" / "a.csv"
    write_whole(path, b"old")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("convlab.files.os.replace", fail)
    with pytest.raises(ConvlabError, match="cannot be written: No space left"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert [file.name for file in path.parent.iterdir()] == ["a.csv"]
    monkeypatch.undo()
    monkeypatch.setattr(sheets, "LARGEST", 2)
    with pytest.raises(ConvlabError, match="is larger than"):
        read_sheet(path)


def test_decimal_signs_are_the_files_own():
    assert numerals.decimal_sign(["7,5", "EX", "8"], ",") == ","
    assert numerals.decimal_sign(["7.5"], ";") == "."
    assert numerals.decimal_sign(["8", ""], ";") == ","
    assert numerals.decimal_sign(["7,5", "7.5"], ",") == "."
    assert [numerals.parsed(text) for text in ("1.234,5", "", "-2", " 3 ")] == [None, None, -2.0, 3.0]


@pytest.mark.parametrize("module", [sheets, numerals, wording])
def test_the_examples_in_docstrings_are_true(module):
    assert doctest.testmod(module).failed == 0
