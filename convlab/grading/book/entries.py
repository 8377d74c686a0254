"""What is read from a gradebook."""

from dataclasses import dataclass
from datetime import datetime

from convlab.grading.records import Grade


@dataclass(frozen=True)
class Entry:
    """One attempt at one problem.

    attempt: 1, 2, ... for this student and problem. seed: of the hidden cases. digest: of the submission, as in
    `Graded`. submitted, graded_at: in UTC; `submitted` is None where it is not known.
    """

    student: str
    lesson: str
    attempt: int
    seed: int
    digest: str
    submitted: datetime | None
    graded_at: datetime
    grade: Grade


@dataclass(frozen=True)
class Submission:
    """One notebook that was graded; fields as in `Graded`, and `graded_at` as in `Entry`."""

    student: str
    lesson: str
    name: str
    digest: str
    submitted: datetime | None
    graded_at: datetime
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class Known:
    """What is graded of a student's newest submission of a lesson with this seed. versions: by problem."""

    digest: str
    versions: dict[str, str]
    seed: int


@dataclass(frozen=True)
class Score:
    """What a student has for a lesson. entries: what counts. penalty: points that are lost because it was late."""

    student: str
    lesson: str
    entries: tuple[Entry, ...]
    penalty: float = 0.0

    @property
    def points(self) -> float:
        """Before the penalty."""
        return sum(entry.grade.points for entry in self.entries)

    @property
    def of(self) -> float:
        """The points that could be had."""
        return sum(entry.grade.of for entry in self.entries)

    @property
    def final(self) -> float:
        """After the penalty."""
        return max(0.0, self.points - self.penalty)

    @property
    def submitted(self) -> datetime | None:
        """When the last of what counts was handed in, in UTC, where that is known."""
        return max((entry.submitted for entry in self.entries if entry.submitted), default=None)


def nothing_lost(entry: Entry) -> float:
    """The points that an attempt loses where nobody cares when it was handed in."""
    return 0.0
