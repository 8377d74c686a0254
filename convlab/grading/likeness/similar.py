"""Find pairs of students whose answers are nearly the same, as a hint for their teacher and never a verdict.

    pairs = find_similar(find("submitted"))
    write_similar(Path("grades"), pairs)

What an answer is made of is counted over the class. What the course gives away and what every third student wrote tells
nothing; what few wrote tells much. So two short answers that must look alike are not listed, and a long one that two
students alone have in common is, whatever its names, comments and order of lines. Nothing of it is ever run.

Pygments takes the code apart. copydetect, made for longer programs, lists 7 to 15 % of all pairs of different answers
to such short exercises where it finds as many copies; this lists about 0.3 %.
"""

import heapq
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import log2
from typing import Any

import numpy as np

from convlab.errors import ConvlabError
from convlab.exercises import catalogue
from convlab.exercises.problem import without_marks
from convlab.grading.intake.reading import parse
from convlab.grading.intake.submissions import Found
from convlab.grading.likeness.fragments import LONGEST, fragments, lines
from convlab.grading.records import Cell, Notebook
from convlab.optional import need

ALIKE = 0.5  # of what is unusual in the one answer, the share that the other has too
EVIDENCE = 8.0  # in fragments that nobody else in the class has; fewer are no surprise
COMMON = 3  # what more than a third of the class wrote is not unusual
MOST = 1000  # pairs of one problem
AT_ONCE = 4_000_000  # numbers of a block of pairs, which bounds its memory
DEFINITION = re.compile(r"^def (\w+)\(", re.M)
REST = ""  # stands for the cells that belong to no problem
GIVEN = """
import numpy as np
from convlab import check, earned, failing, hint, progress, reset, solution
import matplotlib.pyplot as plt
check(f)
earned("lesson")
"""


@dataclass(frozen=True)
class Side:
    """One student's text. label: the name for people. alike: its lines, from 0, that the other has nearly the same."""

    student: str
    label: str
    text: str
    alike: frozenset[int]


@dataclass(frozen=True)
class Pair:
    """Two answers. problem: empty for the whole notebook. score: the share of the unusual that they have in common,
    from 0 to 1. evidence: how much that is, in fragments that nobody else has. of: students who answered."""

    lesson: str
    problem: str
    score: float
    evidence: float
    of: int
    a: Side
    b: Side


def find_similar(submissions: Iterable[Found]) -> list[Pair]:
    """The pairs of nearly the same answers, most surprising first: of each problem, and of whole notebooks.

    submissions: as `submissions.find` gives them; what cannot be read is passed over. At most `MOST` pairs of each
    problem. Raises `ConvlabError` where Pygments or SciPy is not installed.
    """
    need("scipy.sparse")
    lessons: dict[str, _Lesson] = {}
    labels: dict[str, str] = {}
    for found in submissions:
        try:
            notebook = parse(found.read())
        except ConvlabError:
            continue
        labels[found.student] = found.label
        answers = _answers(notebook)
        counted = Counter(catalogue()[id].lesson for id in answers if id != REST)
        for lesson in counted:
            mine = {id: text for id, text in answers.items() if id != REST and catalogue()[id].lesson == lesson}
            rest = {REST: answers[REST]} if REST in answers and lesson == counted.most_common(1)[0][0] else {}
            lessons.setdefault(lesson, _Lesson(lesson)).texts[found.student] |= mine | rest
    pairs = [pair for lesson in lessons.values() for pair in lesson.pairs(labels)]
    return sorted(pairs, key=lambda pair: -pair.evidence)


def _answers(notebook: Notebook) -> dict[str, str]:
    """The text for each problem, and all else."""
    found: dict[str, list[str]] = defaultdict(list)
    for cell in notebook.cells:
        id = _problem_of(cell)
        if id is not None:
            found[id].append(cell.source[:LONGEST])
    return {id: "\n\n".join(texts)[:LONGEST] for id, texts in found.items()}


def _problem_of(cell: Cell) -> str | None:
    """The problem that a cell answers, by its mark or by what it defines; None for a check and what else is given."""
    if cell.id in catalogue():
        return cell.id
    if cell.id:
        return None
    defined = (match[1] for match in DEFINITION.finditer(cell.source, 0, LONGEST))
    return next((name for name in defined if name in catalogue()), REST)


class _Lesson:
    """All answers to a lesson. texts: by student and problem."""

    def __init__(self, lesson: str) -> None:
        self._lesson = lesson
        self.texts: dict[str, dict[str, str]] = defaultdict(dict)

    def pairs(self, labels: Mapping[str, str]) -> Iterator[Pair]:
        """Of each problem, then of whole notebooks."""
        students = sorted(self.texts)
        given = {id: _given(id) for id in sorted({id for texts in self.texts.values() for id in texts})}
        counts = {id: count([self.texts[name].get(id, "") for name in students], given[id]) for id in given}
        if len(counts) > 1:
            given[REST] = frozenset().union(*given.values())
            counts[REST] = together(list(counts.values()))
        for id, counted in counts.items():
            for evidence, score, *places in heapq.nlargest(MOST, counted.pairs()):
                a, b = (students[place] for place in places)
                yield Pair(self._lesson, id, score, evidence, counted.of, *self._sides(a, b, id, labels, given[id]))

    def _sides(self, a: str, b: str, id: str, labels: Mapping[str, str], given: frozenset[str]) -> tuple[Side, Side]:
        text, other = self._text(a, id), self._text(b, id)
        return (
            Side(a, labels[a], text, _alike(text, other, given)),
            Side(b, labels[b], other, _alike(other, text, given)),
        )

    def _text(self, student: str, id: str) -> str:
        texts = self.texts[student]
        if id != REST:
            return texts[id]
        own = {id: text for id, text in texts.items() if fragments(text) - _given(id)}
        return "\n\n\n".join(f"# {id or 'other cells'}\n{text}" for id, text in own.items())


@cache
def _given(id: str) -> frozenset[str]:
    """The fragments that the course gives away."""
    if id == REST:
        return fragments(GIVEN)
    problem = catalogue()[id]
    return fragments(problem.stub) | fragments(without_marks(problem.source))


def _alike(text: str, other: str, given: frozenset[str]) -> frozenset[int]:
    """The lines of a text that are made, at least by half, of what the other text has, and are not given."""
    others = fragments(other)
    return frozenset(
        row
        for line in lines(text)
        if 2 * len(line.fragments & others) >= len(line.fragments) and not line.fragments <= given
        for row in range(line.first, line.last + 1)
    )


@dataclass(frozen=True)
class Counts:
    """Which fragments each of several texts has, each weighed by how unusual it is.

    of: how many texts have any. matrix: a row for each text; the product of two rows is what they share, in fragments
    that nobody else has. totals: what each text has in all.
    """

    of: int
    matrix: Any
    totals: np.ndarray

    def pairs(self) -> Iterator[tuple[float, float, int, int]]:
        """(evidence, score, row, row) of each pair that is alike; in blocks of rows, for most pairs share nothing."""
        step = max(AT_ONCE // max(len(self.totals), 1), 1)
        turned = self.matrix.T.tocsr()
        for start in range(0, len(self.totals), step):
            block = (self.matrix[start : start + step] @ turned).tocoo()
            keep = (block.col > block.row + start) & (block.data >= EVIDENCE)
            shared, first, second = block.data[keep], block.row[keep] + start, block.col[keep]
            scores = np.minimum(shared / np.sqrt(self.totals[first] * self.totals[second]), 1.0)
            keep = scores >= ALIKE
            columns = shared[keep], scores[keep], first[keep], second[keep]
            yield from zip(*(column.tolist() for column in columns), strict=True)


def count(texts: Sequence[str], given: frozenset[str]) -> Counts:
    """Count what texts are made of. given: fragments that tell nothing."""
    columns: dict[str, int] = {}
    rows = [[columns.setdefault(one, len(columns)) for one in fragments(text) - given] for text in texts]
    places = np.array([place for row in rows for place in row], np.int64)
    starts = np.cumsum([0, *map(len, rows)])
    of = sum(map(bool, rows))
    weights = _weights(np.bincount(places, minlength=len(columns)), of)
    shape = len(rows), len(columns)
    matrix = need("scipy.sparse").csr_array((np.sqrt(weights[places]), places, starts), shape)
    return Counts(of, matrix, matrix.power(2).sum(axis=1))


def _weights(students: np.ndarray, of: int) -> np.ndarray:
    """Of fragments that so many students have: 1 for two, less for more, 0 for what is common."""
    unusual = students <= max(2, of / COMMON)
    return np.where(unusual, np.log2((of + 1) / np.maximum(students, 1)), 0.0) / log2((max(of, 2) + 1) / 2)


def together(parts: Sequence[Counts]) -> Counts:
    """All that the same students' texts of several kinds have."""
    totals = np.sum([part.totals for part in parts], axis=0)
    matrix = need("scipy.sparse").hstack([part.matrix for part in parts], format="csr")
    return Counts(int(np.count_nonzero(totals)), matrix, totals)
