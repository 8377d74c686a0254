"""Scores as CSV files that a spreadsheet opens rightly and safely.

The files are UTF-8 and begin with a byte order mark: without it Excel takes them for the alphabet of the machine's
country and spoils every name with an accent, while Python (`utf-8-sig`), pandas, R and LibreOffice skip it. Names come
from students: one that begins as a formula does gets an apostrophe in front, so that no spreadsheet computes it.
"""

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from convlab.files import writing
from convlab.grading.book.entries import Entry, nothing_lost
from convlab.grading.book.gradebook import Gradebook

Cell = str | float | None

# What makes a formula, at the beginning of a cell. Half of Europe's spreadsheets expect semicolons between cells: to
# them a cell may begin behind one, or on a new line, whatever the quotes around it.
_FORMULA = re.compile(r'(^|[;\t\r\n])(?=[\s"]*[=+\-@＝＋－＠])|^(?=[\t\r\n])')


def defused(text: str) -> str:
    """The text, with an apostrophe before what a spreadsheet would take for a formula.

    >>> defused("=1+1"), defused("a=1"), defused("-")
    ("'=1+1", 'a=1', "'-")
    """
    return _FORMULA.sub(r"\1'", text)


def write_table(path: Path, rows: Iterable[Iterable[Cell]]) -> None:
    """Write a CSV file whole or not at all, row by row. Texts are defused; numbers stay numbers; None is an empty cell.

    Raises `ConvlabError` where it cannot be written.
    """
    with writing(path, encoding="utf-8-sig", errors="backslashreplace", newline="") as part:
        csv.writer(part).writerows([_cell(value) for value in row] for row in rows)


def _cell(value: Cell) -> Cell:
    if isinstance(value, str):
        return defused(value)
    if value is None:
        return None
    rounded = round(value, 4)
    return int(rounded) if rounded == int(rounded) else rounded


def write_grades(
    path: Path,
    book: Gradebook,
    labels: Mapping[str, str] | None = None,
    *,
    best: bool = False,
    lost: Callable[[Entry], float] = nothing_lost,
) -> None:
    """One row a student: the points of each lesson, then their sum, what could be had, the late penalty, the score.

    A lesson that was not handed in is an empty cell, and counts in what could be had. labels: names for people, by
    student. best, lost: as in `Gradebook.scores`.
    """
    of = book.possible()

    def rows() -> Iterator[Iterable[Cell]]:
        yield ["student", "label", *of, "points", "of", "late_penalty", "score"]
        for student in book.students():
            scores = {score.lesson: score for score in book.scores(student, best=best, lost=lost)}
            points = [scores[lesson].points if lesson in scores else None for lesson in of]
            penalty = sum(score.penalty for score in scores.values())
            final = sum(score.final for score in scores.values())
            label = (labels or {}).get(student, "")
            yield [student, label, *points, sum(filter(None, points)), sum(of.values()), penalty, final]

    write_table(path, rows())


def write_grades_by_problem(
    path: Path,
    book: Gradebook,
    labels: Mapping[str, str] | None = None,
    *,
    best: bool = False,
    lost: Callable[[Entry], float] = nothing_lost,
) -> None:
    """One row for each student and problem, as a pivot table needs it; arguments as of `write_grades`."""

    def rows() -> Iterator[Iterable[Cell]]:
        yield (
            *("student", "label", "lesson", "problem", "attempt", "verdict", "points", "of", "late_penalty"),
            *("misconception", "seconds", "submitted"),
        )
        for entry in book.best(lost=lost) if best else book.latest():
            grade, label = entry.grade, (labels or {}).get(entry.student, "")
            submitted = None if entry.submitted is None else entry.submitted.isoformat(timespec="seconds")
            yield (
                *(entry.student, label, entry.lesson, grade.problem, entry.attempt, grade.verdict),
                *(grade.points, grade.of, lost(entry), grade.misconception, grade.seconds, submitted),
            )

    write_table(path, rows())
