"""A teacher's own CSV file, of which a few cells are filled and every other byte stays as it is.

    sheet = Sheet(Path("export.csv").read_bytes(), "export.csv")
    sheet.fill(2, 7, "8.5")          # row and column, from 0
    write_whole(Path("filled.csv"), sheet.content())

What a file holds besides the cells, such as its delimiter, line ends, quotes and encoding, is kept by never writing it
anew: a filled cell's text replaces the old one in the file's own.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from convlab.errors import ConvlabError
from convlab.files import writing

DELIMITERS = ",;\t"
LOOKED_AT = 50  # rows, to find the delimiter
LARGEST = 100_000_000  # bytes
SAVE_AS_CSV = 'In a spreadsheet, choose Save As and "CSV UTF-8".'


@dataclass(frozen=True, slots=True)
class _Cell:
    """Where a cell lies in the file's text, its quotes included, and what it says."""

    start: int
    end: int
    text: str


class Sheet:
    """A CSV file. name: of the file, for errors. rows: what the cells say, without quotes; a blank line is [""].

    Raises `ConvlabError` for a file that is no CSV.
    """

    def __init__(self, content: bytes, name: str) -> None:
        self.name = name
        self._text = _decoded(content, name)
        self._utf8 = not any("\udc80" <= c <= "\udcff" for c in self._text)
        self.delimiter = _delimiter(self._text, name)
        self._cells = list(_rows(self._text, self.delimiter, name))
        self.rows = [[self._readable(cell.text) for cell in row] for row in self._cells]
        self._filled: dict[tuple[int, int], str] = {}

    def fill(self, row: int, column: int, text: str) -> None:
        """Write a text into a cell that is there. No other cell changes, whatever the text is."""
        if not self._utf8:
            text = text.encode("cp1252", "xmlcharrefreplace").decode("utf-8", "surrogateescape")
        if re.search(rf'[{self.delimiter}"\r\n]|^\s|\s$', text):
            text = '"' + text.replace('"', '""') + '"'
        assert column < len(self._cells[row])
        self._filled[row, column] = text

    def content(self) -> bytes:
        """The file, with what was filled."""
        parts, last = [], 0
        for row, column in sorted(self._filled):
            cell = self._cells[row][column]
            parts += [self._text[last : cell.start], self._filled[row, column]]
            last = cell.end
        return "".join([*parts, self._text[last:]]).encode("utf-8", "surrogateescape")

    def _readable(self, text: str) -> str:
        """What a cell says; a file that is not UTF-8 comes from a spreadsheet of Windows, as far as one can tell."""
        return text if self._utf8 else text.encode("utf-8", "surrogateescape").decode("cp1252", "replace")


def read_sheet(path: Path) -> Sheet:
    """The sheet in a file. Raises `ConvlabError` where there is none."""
    try:
        if path.stat().st_size > LARGEST:
            raise ConvlabError(f"{path} is larger than {LARGEST // 10**6} MB, and no list of a class.")
        return Sheet(path.read_bytes(), str(path))
    except OSError as error:
        raise ConvlabError(f"{path} cannot be read: {error.strerror or error}.") from error


def write_whole(path: Path, content: bytes) -> None:
    """Write bytes to a file whole or not at all; its folder is made. Raises `ConvlabError` where that cannot be."""
    with writing(path, "wb") as part:
        part.write(content)


def _decoded(content: bytes, name: str) -> str:
    """The file's text, from which its very bytes can be made again."""
    if content.startswith(b"PK\x03\x04"):
        raise ConvlabError(f"{name} is a spreadsheet's own file or a zip, not a CSV file. {SAVE_AS_CSV}")
    if b"\0" in content:
        raise ConvlabError(f"{name} is no CSV file in UTF-8, perhaps one in UTF-16. {SAVE_AS_CSV}")
    text = content.decode("utf-8", "surrogateescape")
    if not text.strip("\ufeff \t\r\n"):
        raise ConvlabError(f"{name} is empty.")
    return text


def _delimiter(text: str, name: str) -> str:
    """The one that gives most rows as many cells as the first has, which must be more than one, if that is possible."""
    found, refused = [], None
    for delimiter in DELIMITERS:
        try:
            rows = (row for row in _rows(text, delimiter, name) if len(row) > 1 or row[0].text)
            widths = [len(row) for row in islice(rows, LOOKED_AT)]
        except ConvlabError as error:
            refused = error
        else:
            found.append((widths[0] > 1, widths.count(widths[0]) / len(widths), widths[0], delimiter))
    best = max(found, key=lambda one: one[:3], default=(False, 0.0, 0, ""))
    if refused is not None and not best[0]:
        raise refused
    return best[3]


def _rows(text: str, delimiter: str, name: str) -> Iterator[list[_Cell]]:
    """All rows. A line that ends the file is none."""
    pattern = re.compile(rf'("[^"]*(?:""[^"]*)*"?)?[^{delimiter}\r\n]*')
    place = 1 if text.startswith("\ufeff") else 0
    row: list[_Cell] = []
    while True:
        found = pattern.match(text, place)
        assert found is not None
        row.append(_cell(found, name))
        place = found.end()
        if text[place : place + 1] == delimiter:
            place += 1
            continue
        yield row
        place += 2 if text.startswith("\r\n", place) else 1
        if place >= len(text):
            return
        row = []


def _cell(found: re.Match[str], name: str) -> _Cell:
    quoted = found[1] or ""
    if quoted.count('"') % 2:
        line = found.string.count("\n", 0, found.start()) + 1
        raise ConvlabError(f"{name} is no whole CSV file: a quote in line {line} is never closed.")
    text = quoted[1:-1].replace('""', '"') + found[0][len(quoted) :] if quoted else found[0]
    return _Cell(found.start(), found.end(), text)
