"""A student's notebook as nbgrader keeps it in `autograded/`, made without running anything.

What nbgrader knows of its cells comes from nbgrader's gradebook, never from the student: marks of cells, and the source
of cells that are locked. Below each check stands what was found out about the answer. Outputs are left out.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from convlab.exercises import Problem
from convlab.grading.exchange.comments import line
from convlab.grading.intake.reading import parse
from convlab.grading.records import Grade

CHECK = "-check"  # follows a problem's id in the id of the cell that has its points
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
KINDS = ("code", "markdown", "raw")
PICTURE = re.compile(r"image/[a-z.+-]+")
OURS = "convlab"  # the key of our own metadata


@dataclass(frozen=True)
class Release:
    """A notebook as it was given out. cells: nbgrader's marks and the source, by grade_id, in their order."""

    cells: Mapping[str, "ReleasedCell"]
    kernel: Mapping[str, Any] = field(default_factory=lambda: KERNEL)


@dataclass(frozen=True)
class ReleasedCell:
    """points: that its cell can earn; None where none can be earned."""

    kind: str
    source: str
    checksum: str | None = None
    grade: bool = False
    solution: bool = False
    locked: bool = False
    task: bool = False
    points: float | None = None

    def marks(self, id: str) -> dict[str, Any]:
        """nbgrader's metadata of the cell."""
        told: dict[str, Any] = {"checksum": self.checksum, "points": self.points}
        flags = {"grade": self.grade, "locked": self.locked, "solution": self.solution, "task": self.task}
        given = {key: value for key, value in told.items() if value is not None}
        return {"schema_version": 3, "grade_id": id, "cell_type": self.kind, **flags, **given}


def released(problems: Iterable[Problem]) -> dict[str, Any]:
    """The least of a notebook that asks these problems: where to answer, and what checks the answer."""
    cells = []
    for problem in problems:
        answer = ReleasedCell("code", problem.stub, solution=True)
        check = ReleasedCell("code", f"check({problem.id})", grade=True, locked=True, points=float(problem.points))
        cells += [_cell(answer, problem.id), _cell(check, problem.id + CHECK)]
    return _notebook(cells, KERNEL)


def autograded(content: bytes, release: Release, grades: Mapping[str, Grade], digest: str) -> dict[str, Any]:
    """A submission as a notebook of nbformat 4.4, with each grade's feedback below its check.

    content: of the file that was handed in. grades: by problem. digest: of the submission; is kept in the notebook.
    Raises `ConvlabError` where no notebook can be read.
    """
    found = list(_given(content))
    last = {id: place for place, (_, id, _) in enumerate(found) if id in release.cells}
    cells = []
    for place, (kind, id, raw) in enumerate(found):
        if last.get(id) == place:
            known = release.cells[id]
            cells.append(_cell(known, id, None if known.locked else _source(raw), _attachments(raw)))
        else:  # a cell of the student's own, or one of several copies
            cells.append(_plain_cell(kind, _source(raw), _attachments(raw)))
    checks = {problem + CHECK for problem in grades}
    cells += [_cell(cell, id) for id, cell in release.cells.items() if id in checks - last.keys()]
    for cell in cells:
        id = cell["metadata"].get("nbgrader", {}).get("grade_id", "")
        if id in checks and cell["cell_type"] == "code":
            cell["outputs"] = [_output(grades[id.removesuffix(CHECK)])]
    made = _notebook(cells, release.kernel)
    made["metadata"][OURS] = {"digest": digest}
    return made


def digest_of(content: bytes) -> str | None:
    """Of the submission that an autograded notebook was made from here; None where somebody else made it."""
    try:
        return str(json.loads(content)["metadata"][OURS]["digest"])
    except (ValueError, KeyError, TypeError):
        return None


def _given(content: bytes) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """The kind, the grade_id or an empty text, and all else of each cell that was handed in."""
    parse(content)  # refuses what is no notebook, or too much of one
    encoding = json.detect_encoding(content)
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
    made, _ = json.JSONDecoder().raw_decode(text.strip())
    sheets = [made] if "cells" in made else [sheet for sheet in made["worksheets"] if isinstance(sheet, dict)]
    for sheet in sheets:
        for raw in sheet.get("cells") or []:
            if isinstance(raw, dict):
                kind = raw.get("cell_type")
                yield kind if kind in KINDS else "markdown", _id(raw), raw


def _id(raw: dict[str, Any]) -> str:
    metadata = raw.get("metadata")
    marks = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    id = marks.get("grade_id") if isinstance(marks, dict) else None
    return id if isinstance(id, str) else ""


def _source(raw: dict[str, Any]) -> str:
    """What a cell says; halves of characters, which no file can hold, are replaced."""
    source = raw["source"] if "source" in raw else raw.get("input", "")
    if isinstance(source, list):
        source = "".join(part for part in source if isinstance(part, str))
    return _clean(source) if isinstance(source, str) else ""


def _clean(text: str) -> str:
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _attachments(raw: dict[str, Any]) -> dict[str, dict[str, str]]:
    """The pictures in a cell of text: a written answer may be a photo of one."""
    found = raw.get("attachments")
    kept = {}
    for name, bundle in found.items() if isinstance(found, dict) else ():
        pictures = bundle.items() if isinstance(bundle, dict) else ()
        kept[_clean(name)] = {
            kind: data
            for kind, data in pictures
            if PICTURE.fullmatch(kind) and isinstance(data, str) and data.isascii()
        }
    return kept


def _cell(
    known: ReleasedCell, id: str, source: str | None = None, attachments: dict[str, dict[str, str]] | None = None
) -> dict[str, Any]:
    cell = _plain_cell(known.kind, known.source if source is None else source, attachments or {})
    cell["metadata"]["nbgrader"] = known.marks(id)
    return cell


def _plain_cell(kind: str, source: str, attachments: dict[str, dict[str, str]]) -> dict[str, Any]:
    cell: dict[str, Any] = {"cell_type": kind, "metadata": {}, "source": source}
    if kind == "code":
        cell |= {"execution_count": None, "outputs": []}
    elif attachments:
        cell["attachments"] = attachments
    return cell


def _output(grade: Grade) -> dict[str, Any]:
    data = {"text/plain": line(grade)} | ({"text/html": grade.feedback} if grade.feedback else {})
    return {"output_type": "display_data", "metadata": {}, "data": data}


def _notebook(cells: list[dict[str, Any]], kernel: Mapping[str, Any]) -> dict[str, Any]:
    metadata = {"kernelspec": dict(kernel), "language_info": {"name": "python"}}
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 4}
