"""Read a notebook that nobody should trust: bytes to code cells, and nothing runs.

Formats 3 (cells in worksheets, code in `input`) and 4.0 to 4.5 are read without a library, because what students hand
in often breaks a format's rules and can be graded all the same.
"""

import json
import re
from collections import Counter
from itertools import accumulate
from typing import Any

from convlab.errors import ConvlabError
from convlab.grading.records import Cell, Notebook

LIMIT = 25_000_000  # bytes of a notebook
CELLS = 2_000
SOURCE = 1_000_000  # characters of a cell
DEPTH = 100  # brackets within brackets; a notebook has about ten
VALUES = 2_000_000  # numbers, texts, lists in all, which bounds the memory that they take
ID = 200  # characters of a grade_id
SHOWN = 5  # names in a remark
CLEAR = "clear its outputs (in JupyterLab: Edit, Clear Outputs of All Cells), save, and hand it in again"

STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.S)
NO_STRUCTURE = bytes(set(range(256)) - set(b"[]{},"))
CONFLICT = re.compile(r"^(?:<{7}|={7}|>{7})(?: |$)", re.M)
HTML = re.compile(r"\s*<(?:!doctype|html|head|body|\?xml|!--)", re.I)
PYTHON = re.compile(r"^(?:#|from \w|import \w|def \w|class \w|@\w|[\"']{3}|\w+ ?= ?\S)", re.M)
BINARY = {
    b"PK\x03\x04": "a zip file or an office document",
    b"%PDF": "a PDF",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"\x1f\x8b": "a compressed file",
    b"7z\xbc\xaf": "a compressed file",
    b"Rar!": "a compressed file",
    b"\x89HDF": "an HDF5 file",
}


def parse(content: bytes) -> Notebook:
    """The code cells of a notebook's file, in order, and what was odd about it.

    Raises `ConvlabError`, with one sentence for whoever handed it in, where no notebook can be read.
    """
    if len(content) > LIMIT:
        raise ConvlabError(f"the file is larger than {LIMIT // 10**6} MB: {CLEAR}.")
    text, remarks = _decoded(content)
    made, more = _loaded(text)
    found, format_remarks = _raw_cells(made)
    cells, cell_remarks = _cells(found)
    return Notebook(tuple(cells), (*remarks, *more, *format_remarks, *_language(made), *cell_remarks))


def _decoded(content: bytes) -> tuple[str, list[str]]:
    """The file's text, and how it was encoded where that is unusual."""
    if not content.strip(b"\0 \t\r\n"):
        raise ConvlabError("the file is empty: save the notebook and hand it in again.")
    for magic, kind in BINARY.items():
        if content.startswith(magic):
            raise ConvlabError(f"the file is no notebook but {kind}: hand in the file that ends in .ipynb.")
    encoding = json.detect_encoding(content)
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        remark = "The file is not encoded as UTF-8, so that letters beyond English may have been read wrongly."
        return content.decode("cp1252", errors="replace"), [remark]
    if encoding == "utf-8-sig":
        return text, ["The file begins with a byte order mark, which was passed over."]
    return text, [] if encoding == "utf-8" else [f"The file is encoded as {encoding.upper()}, not as UTF-8."]


def _loaded(text: str) -> tuple[Any, list[str]]:
    """What the text says as JSON."""
    _refuse_shape(text)
    text = text.strip()
    try:
        made, end = json.JSONDecoder().raw_decode(text)
    except json.JSONDecodeError as error:
        raise ConvlabError(_what_it_looks_like(text, error.pos)) from error
    except ValueError as error:
        raise ConvlabError(f"the file holds a number with too many digits: {CLEAR}.") from error
    rest = text[end:].strip("\0 \t\r\n")
    if rest and not isinstance(made, dict):
        raise ConvlabError(_what_it_looks_like(text, end))
    return made, ["Something follows the end of the notebook in its file, and was not read."] if rest else []


def _refuse_shape(text: str) -> None:
    """Refuse JSON that would take too much memory, or too many calls within calls, to read."""
    structure = STRING.sub("", text).encode("utf-8", "replace").translate(None, NO_STRUCTURE)
    if len(structure) > VALUES:
        raise ConvlabError(f"the notebook holds more than {VALUES:,} values, most of them in outputs: {CLEAR}.")
    steps = {ord(sign): step for sign, step in {"[": 1, "{": 1, "]": -1, "}": -1, ",": 0}.items()}
    if max(accumulate(map(steps.__getitem__, structure)), default=0) > DEPTH:
        raise ConvlabError(f"the notebook holds lists within lists, more than {DEPTH} deep: {CLEAR}.")


def _what_it_looks_like(text: str, place: int) -> str:
    """A sentence on a text that is not JSON from a place on."""
    line = text.count("\n", 0, place) + 1
    if mark := CONFLICT.search(text):
        at = text.count("\n", 0, mark.start()) + 1
        return f"git left marks of a conflict in the file, at line {at}: choose one version of the notebook."
    if HTML.match(text):
        return "the file is a web page, often one to log in, and no notebook: download the notebook itself."
    if text.startswith("{") and (not text.endswith("}") or place >= len(text)):
        return f"the file ends too early, at line {text.count(chr(10)) + 1}: save or upload the notebook once more."
    if PYTHON.search(text) and not text.startswith(("{", "[")):
        return "the file looks like a Python program and is no notebook: hand in the file that JupyterLab saves."
    return f"the file is not JSON, as notebooks are: line {line} cannot be read; save the notebook in JupyterLab again."


def _raw_cells(made: Any) -> tuple[list[Any], list[str]]:
    """The cells as they are in the file, and a remark on an old or new format."""
    if not isinstance(made, dict):
        raise ConvlabError("the file is JSON, but no notebook: hand in the file that JupyterLab saves.")
    version, remarks = made.get("nbformat"), []
    if isinstance(made.get("cells"), list):
        found = made["cells"]
    elif isinstance(made.get("worksheets"), list):
        sheets = [sheet.get("cells") for sheet in made["worksheets"] if isinstance(sheet, dict)]
        found = [cell for cells in sheets if isinstance(cells, list) for cell in cells]
        remarks = [f"The notebook has the old format {version if isinstance(version, int) else 3}."]
    else:
        raise ConvlabError("the file is JSON, but no notebook, because it has no cells: hand in what JupyterLab saves.")
    if len(found) > CELLS:
        raise ConvlabError(
            f"the notebook has {len(found):,} cells, at most {CELLS:,} are read: delete what is not needed."
        )
    if not remarks and version != 4:
        remarks = ["The notebook does not say that it has format 4; it was read as if it did."]
    return found, remarks


def _language(made: dict[str, Any]) -> list[str]:
    """A remark on a notebook that is not for Python."""
    metadata = made.get("metadata")
    names = [metadata.get(key) for key in ("kernelspec", "language_info")] if isinstance(metadata, dict) else []
    found = [n.get(key) for n in names if isinstance(n, dict) for key in ("language", "name") if key in n]
    said = [name for name in found if isinstance(name, str) and name]
    if not said or any("python" in name.lower() or "conda" in name.lower() for name in said):
        return []
    return [f"The notebook says that it is written in {said[0][:40]!a}; it was read as Python."]


def _cells(found: list[Any]) -> tuple[list[Cell], list[str]]:
    """The code cells that can be read, and remarks on the others."""
    cells: list[Cell] = []
    remarks: list[str] = []
    for place, raw in enumerate(found, 1):
        if not isinstance(raw, dict):
            remarks.append(f"Cell {place} of the notebook cannot be read.")
            continue
        source, id = _source(raw), _id(raw)
        if raw.get("cell_type") != "code":
            remarks += _not_code(raw, id)
        elif source is None:
            remarks.append(f"The code of cell {place} cannot be read.")
        elif len(source) > SOURCE:
            remarks.append(f"Cell {place} has more than {SOURCE:,} characters and was left out.")
        else:
            cells.append(Cell(_clean(source), id))
    copied = [id for id, count in Counter(cell.id for cell in cells if cell.id).items() if count > 1]
    if copied:
        remarks.insert(0, f"More than one cell is marked as {_listed(copied)}, as happens when a cell is copied.")
    return cells, remarks[:SHOWN] + ([f"{len(remarks) - SHOWN} more such remarks."] if len(remarks) > SHOWN else [])


def _source(cell: dict[str, Any]) -> str | None:
    """A cell's text with Python's line ends; None where it is none."""
    source = cell["source"] if "source" in cell else cell.get("input", "")
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    return source.replace("\r\n", "\n").replace("\r", "\n") if isinstance(source, str) else None


def _id(cell: dict[str, Any]) -> str:
    """nbgrader's grade_id, or an empty text."""
    metadata = cell.get("metadata")
    nbgrader = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    id = nbgrader.get("grade_id") if isinstance(nbgrader, dict) else None
    return _clean(id) if isinstance(id, str) and len(id) <= ID else ""


def _not_code(cell: dict[str, Any], id: str) -> list[str]:
    """A remark on an answer to be run in a cell that is not code."""
    nbgrader = cell["metadata"]["nbgrader"] if id else {}
    if nbgrader.get("solution") is True and nbgrader.get("grade") is False:
        return [f'The cell "{id}" is no code cell any more, so it was not run: turn it back into one.']
    return []


def _clean(text: str) -> str:
    """The text without halves of characters, which no file can hold."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _listed(names: list[str]) -> str:
    shown = ", ".join(f'"{name}"' for name in names[:SHOWN])
    return shown + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
