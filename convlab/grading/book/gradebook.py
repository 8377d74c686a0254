"""The gradebook: every grade of every attempt, in one SQLite file that survives whatever happens to its writer.

    with Gradebook("gradebook.db") as book:
        book.add(graded)
        for student in book.students():
            for score in book.scores(student):
                print(student, score.lesson, score.points, score.of)

Texts come from hostile hands. They are kept as they are, but for what is no Unicode; whoever shows them escapes them.
"""

import json
import secrets
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from sqlite3 import Connection
from typing import Any

from convlab.errors import ConvlabError
from convlab.grading.book.database import Database
from convlab.grading.book.entries import Entry, Known, Score, Submission, nothing_lost
from convlab.grading.records import Grade, Graded

LARGEST_SEED = 2**63 - 1
AT_ONCE = 1000  # students that are listed by one query

_ENTRIES = """
    SELECT s.lesson, g.attempt, g.seed, s.digest, s.submitted, s.graded_at, g.problem, g.points, g."of", g.verdict,
           g.misconception, g.seconds, g.version, {html}
    FROM grades AS g JOIN submissions AS s ON s.id = g.submission {join}
    WHERE g.student = ? ORDER BY g.problem, g.attempt"""


class Gradebook:
    """One gradebook, for one thread of one process; others may use the same file at the same time.

    path: made where there is none, unless `create` is False. seed: of the hidden cases, from 0 to 2**63 - 1; the
    gradebook remembers it, and chooses one that nobody can guess if it never got one.

    Raises `ConvlabError`, as all methods do, for a file that is no gradebook, cannot be read or written, is damaged or
    was written by a newer convlab, and where the disk is full: what was in the gradebook stays in it.
    """

    def __init__(self, path: str | Path, *, seed: int | None = None, create: bool = True) -> None:
        if seed is not None and not 0 <= seed <= LARGEST_SEED:
            raise ConvlabError(f"the seed is a whole number from 0 to {LARGEST_SEED}, but here it is {seed}.")
        self._database = Database(Path(path), create=create)
        try:
            with self._undamaged():
                self.seed = self._chosen_seed(seed)
        except BaseException:
            self.close()
            raise

    def _chosen_seed(self, seed: int | None) -> int:
        """The seed that is given, else the one from before, else a new one."""
        query = "SELECT value FROM meta WHERE key = 'seed'"
        found = self._database.read(query)
        if not found or seed not in (None, int(found[0][0])):
            rule = "OR REPLACE" if seed is not None else "OR IGNORE"  # another process may have chosen one just now
            new = secrets.randbelow(LARGEST_SEED + 1) if seed is None else seed
            with self._database.transaction() as connection:
                connection.execute(f"INSERT {rule} INTO meta VALUES ('seed', ?)", (str(new),))
        return int(self._database.read(query)[0][0])

    def __enter__(self) -> "Gradebook":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """The file is as it should be even where this is never called."""
        self._database.close()

    # -- writing

    def add(self, graded: Graded, seed: int | None = None, *, again: bool = False) -> int:
        """Keep one submission's grades; see `add_all`."""
        return self.add_all([graded], seed, again=again)

    def add_all(self, batch: Iterable[Graded], seed: int | None = None, *, again: bool = False) -> int:
        """Keep the grades of several submissions: all or, where something goes wrong, none. Returns how many are new.

        A grade is a new attempt, unless the current one is of the same submission, problem version and seed: then it
        is known, and left out. again: keep it even so, as after a regrade. seed: of the hidden cases that were used;
        by default the gradebook's. A `Graded` without grades corrects what is known of its submission.
        """
        seed, batch = self.seed if seed is None else seed, list(batch)  # complete before others have to wait
        with self._database.transaction() as connection:
            return sum(_add(connection, graded, seed, again) for graded in batch)

    def known(self, student: str, lesson: str, seed: int | None = None) -> Known | None:
        """What is graded of the newest submission with this seed, by default the gradebook's; None before the first."""
        seed, student, lesson = self.seed if seed is None else seed, _text(student), _text(lesson)
        newest = self._database.read(f"{_SUBMISSIONS} AND lesson = ? ORDER BY id DESC LIMIT 1", (student, lesson))
        if not newest:
            return None
        digest = newest[0][2]
        versions = self._database.read(
            "SELECT g.problem, g.version FROM submissions AS s JOIN grades AS g ON s.id = g.submission "
            "WHERE g.student = ? AND s.lesson = ? AND s.digest = ? AND g.seed = ? AND g.attempt = "
            "(SELECT MAX(attempt) FROM grades WHERE student = g.student AND problem = g.problem)",
            (student, lesson, digest, seed),
        )
        return Known(digest, dict(versions), seed)

    # -- reading

    def students(self) -> Iterator[str]:
        """All who handed in anything, in alphabetical order."""
        last, beyond = "", ">="
        while found := self._database.read(
            f"SELECT DISTINCT student FROM submissions WHERE student {beyond} ? ORDER BY student LIMIT ?",
            (last, AT_ONCE),
        ):
            yield from (student for (student,) in found)
            last, beyond = found[-1][0], ">"

    def lessons(self) -> list[str]:
        """All lessons that anything was handed in for, in alphabetical order, which is the course's."""
        return [lesson for (lesson,) in self._database.read("SELECT DISTINCT lesson FROM submissions ORDER BY lesson")]

    def handed_in(self) -> dict[str, int]:
        """How many students handed in each lesson, by lesson."""
        query = "SELECT lesson, COUNT(DISTINCT student) FROM submissions GROUP BY lesson ORDER BY lesson"
        return dict(self._database.read(query))

    def possible(self) -> dict[str, float]:
        """The points that can be had in each lesson, as the newest grade of each of its problems says; by lesson."""
        rows = self._database.read(  # "of" is taken from the row with the maximum: so SQLite promises
            'SELECT s.lesson, g."of", MAX(g.submission) FROM grades AS g JOIN submissions AS s ON s.id = g.submission '
            "GROUP BY s.lesson, g.problem ORDER BY s.lesson"
        )
        return {lesson: sum(of for _, of, _ in group) for lesson, group in groupby(rows, key=itemgetter(0))}

    def submissions(self, student: str) -> list[Submission]:
        """A student's submissions, oldest first."""
        student = _text(student)
        with self._undamaged():
            rows = self._database.read(f"{_SUBMISSIONS} ORDER BY id", (student,))
            return [_submission(student, *row) for row in rows]

    def attempts(self, student: str, *, feedback: bool = False) -> list[Entry]:
        """All attempts of a student at all problems, by problem, oldest first. feedback: read that, too."""
        student = _text(student)
        join = "JOIN fragments AS f ON f.id = g.fragment" if feedback else ""
        query = _ENTRIES.format(html="f.html" if feedback else "NULL", join=join)
        with self._undamaged():
            return [_entry(student, *row) for row in self._database.read(query, (student,))]

    def by_problem(self, student: str, *, feedback: bool = False) -> Iterator[list[Entry]]:
        """A student's attempts, those at one problem together, oldest first."""
        for _, attempts in groupby(self.attempts(student, feedback=feedback), key=lambda entry: entry.grade.problem):
            yield list(attempts)

    def latest(self, student: str | None = None, *, feedback: bool = False) -> Iterator[Entry]:
        """The current grade of each student, or of one, in each problem: the attempt with the highest number."""
        for one in self.students() if student is None else [student]:
            yield from (attempts[-1] for attempts in self.by_problem(one, feedback=feedback))

    def best(
        self, student: str | None = None, *, feedback: bool = False, lost: Callable[[Entry], float] = nothing_lost
    ) -> Iterator[Entry]:
        """Instead of the latest attempt that with the most points; of equal ones the latest.

        lost: the points that an attempt loses because it was late.
        """
        for one in self.students() if student is None else [student]:
            for attempts in self.by_problem(one, feedback=feedback):
                yield max(reversed(attempts), key=lambda entry: entry.grade.points - lost(entry))

    def scores(self, student: str, *, best: bool = False, lost: Callable[[Entry], float] = nothing_lost) -> list[Score]:
        """A student's score in each lesson that was handed in, by lesson.

        best: the best attempt at each problem counts, not the latest. lost: the points that an attempt loses because
        it was late, such as `lateness.lost(policy)`.
        """
        counting = self.best(student, lost=lost) if best else self.latest(student)
        of_lesson = sorted(counting, key=lambda entry: entry.lesson)
        scores = []
        for lesson, group in groupby(of_lesson, key=lambda entry: entry.lesson):
            entries = tuple(group)
            scores.append(Score(_text(student), lesson, entries, sum(map(lost, entries))))
        return scores

    @contextmanager
    def _undamaged(self) -> Iterator[None]:
        """Damage that SQLite does not see may leave what cannot be understood."""
        try:
            yield
        except ConvlabError:
            raise
        except (zlib.error, ValueError, TypeError) as error:
            path = self._database.path
            raise ConvlabError(f"{path} is damaged ({error}): put a copy from before in its place.") from error


def _add(connection: Connection, graded: Graded, seed: int, again: bool) -> int:
    student = _text(graded.student)
    submission = _add_submission(connection, student, graded)
    return sum(_add_grade(connection, student, graded.digest, submission, g, seed, again) for g in graded.grades)


def _add_submission(connection: Connection, student: str, graded: Graded) -> int:
    """The number of the submission's row: the newest of this student and lesson if it has the same bytes, or a new."""
    lesson, now = _text(graded.lesson), datetime.now(UTC).isoformat(timespec="seconds")
    submitted = None if graded.submitted is None else _in_utc(graded.submitted).isoformat()
    told = (_text(graded.name), now, json.dumps([_text(remark) for remark in graded.remarks]))
    newest = connection.execute(
        "SELECT id, digest FROM submissions WHERE student = ? AND lesson = ? ORDER BY id DESC LIMIT 1",
        (student, lesson),
    ).fetchone()
    if newest and newest[1] == graded.digest:
        connection.execute(
            "UPDATE submissions SET submitted = COALESCE(?, submitted), name = ?, graded_at = ?, remarks = ? "
            "WHERE id = ?",
            (submitted, *told, newest[0]),
        )
        return newest[0]
    added = connection.execute(
        "INSERT INTO submissions (student, lesson, digest, submitted, name, graded_at, remarks) VALUES (?,?,?,?,?,?,?)",
        (student, lesson, graded.digest, submitted, *told),
    )
    return added.lastrowid or 0


def _add_grade(
    connection: Connection, student: str, digest: str, submission: int, grade: Grade, seed: int, again: bool
) -> bool:
    """Is it new?"""
    current = connection.execute(
        "SELECT g.attempt, s.digest, g.version, g.seed FROM grades AS g JOIN submissions AS s ON s.id = g.submission "
        "WHERE g.student = ? AND g.problem = ? ORDER BY g.attempt DESC LIMIT 1",
        (student, _text(grade.problem)),
    ).fetchone()
    if current and current[1:] == (digest, grade.version, seed) and not again:
        return False
    values = (
        *(student, _text(grade.problem), current[0] + 1 if current else 1, submission),
        *(grade.verdict, grade.points, grade.of, _text(grade.misconception), grade.seconds, grade.version, seed),
        _add_fragment(connection, grade.feedback),
    )
    connection.execute(f"INSERT INTO grades VALUES ({', '.join('?' * len(values))})", values)
    return True


def _add_fragment(connection: Connection, html: str) -> int:
    """The number of the fragment's row."""
    text = _text(html).encode()
    digest = sha256(text).digest()
    found = connection.execute("SELECT id FROM fragments WHERE digest = ?", (digest,)).fetchone()
    if found:
        return found[0]
    packed = zlib.compress(text)  # a quarter of the size, in 40 microseconds
    return connection.execute("INSERT INTO fragments (digest, html) VALUES (?, ?)", (digest, packed)).lastrowid or 0


_SUBMISSIONS = "SELECT lesson, name, digest, submitted, graded_at, remarks FROM submissions WHERE student = ?"


def _submission(
    student: str, lesson: str, name: str, digest: str, submitted: str | None, graded_at: str, remarks: str
) -> Submission:
    when = datetime.fromisoformat(graded_at)
    return Submission(student, lesson, name, digest, _time(submitted), when, tuple(json.loads(remarks)))


def _entry(
    student: str,
    lesson: str,
    attempt: int,
    seed: int,
    digest: str,
    submitted: str | None,
    graded_at: str,
    *grade: Any,
) -> Entry:
    problem, points, of, verdict, misconception, seconds, version, html = grade
    feedback = "" if html is None else zlib.decompress(html).decode()
    found = Grade(problem, points, of, verdict, misconception, seconds, version, feedback)
    return Entry(student, lesson, attempt, seed, digest, _time(submitted), datetime.fromisoformat(graded_at), found)


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _in_utc(time: datetime) -> datetime:
    """A time without a zone is in UTC already."""
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _text(text: str) -> str:
    """A text that SQLite can keep: the name of a file may hold bytes that are no Unicode."""
    return text.encode("utf-8", "backslashreplace").decode()
