"""What is known of a submission before and after it is graded: plain data that travels between machines."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256


@dataclass(frozen=True)
class Notebook:
    """The cells of a notebook, and what was odd about it, in sentences for its student."""

    cells: tuple["Cell", ...]
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cell:
    """One code cell. id: nbgrader's grade_id, or an empty text."""

    source: str
    id: str = ""


@dataclass(frozen=True)
class Grade:
    """One problem of one submission.

    verdict: the value of a `Verdict`. misconception: its title, or an empty text. seconds: the time of the student's
    code. version: of the problem. feedback: an HTML fragment that holds nothing of hidden cases and runs nothing.
    """

    problem: str
    points: float
    of: float
    verdict: str
    misconception: str = ""
    seconds: float = 0.0
    version: str = ""
    feedback: str = ""


@dataclass(frozen=True)
class Graded:
    """One submission after grading.

    name: where it was found, for people. digest: SHA-256 of its bytes. submitted: when, in UTC, where that is known.
    remarks: what was odd, in sentences for its student and teacher.
    """

    student: str
    lesson: str
    name: str
    digest: str
    grades: tuple[Grade, ...]
    submitted: datetime | None = None
    remarks: tuple[str, ...] = ()


def digest(content: bytes | None, remarks: Sequence[str] = ()) -> str:
    """Of a notebook's bytes; where they cannot be read, of what is said about that."""
    return sha256(" ".join(remarks).encode() if content is None else content).hexdigest()
