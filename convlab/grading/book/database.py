"""The gradebook's SQLite file: opened, laid out and written to so that it is never half right.

The journal is SQLite's oldest, a file beside the database that is deleted to commit. Write-ahead logging would be
faster, but keeps its index in memory that processes of one machine share: on a network folder, where many courses
keep their files, two graders could damage it. It also leaves committed grades in a second file, which is lost when
only the first is copied. Grades come in batches, so that a commit's cost matters little.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from convlab.errors import ConvlabError

FORMAT = 1
WAIT = 60.0  # seconds for another process to finish writing

LAYOUT = (
    "CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL)",
    """CREATE TABLE IF NOT EXISTS submissions (
        id INTEGER PRIMARY KEY, student TEXT NOT NULL, lesson TEXT NOT NULL, name TEXT NOT NULL, digest TEXT NOT NULL,
        submitted TEXT, graded_at TEXT NOT NULL, remarks TEXT NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS submissions_of_student ON submissions (student, lesson)",
    # most students of a class get one of a few dozen fragments, so each is kept once
    "CREATE TABLE IF NOT EXISTS fragments (id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, html BLOB NOT NULL)",
    """CREATE TABLE IF NOT EXISTS grades (
        student TEXT NOT NULL, problem TEXT NOT NULL, attempt INTEGER NOT NULL,
        submission INTEGER NOT NULL REFERENCES submissions (id), verdict TEXT NOT NULL, points REAL NOT NULL,
        "of" REAL NOT NULL, misconception TEXT NOT NULL, seconds REAL NOT NULL, version TEXT NOT NULL,
        seed INTEGER NOT NULL, fragment INTEGER NOT NULL REFERENCES fragments (id),
        PRIMARY KEY (student, problem, attempt)) WITHOUT ROWID""",
)

_SENTENCES = {
    sqlite3.SQLITE_FULL: "there is no room left for {path}. What was in it is safe: make room and run this again.",
    sqlite3.SQLITE_READONLY: "{path} cannot be written: you need the right to write the file and its folder.",
    sqlite3.SQLITE_PERM: "{path} cannot be opened: you need the right to read and write it.",
    sqlite3.SQLITE_CANTOPEN: "{path} cannot be opened: its folder must be there, with the right to write in it.",
    sqlite3.SQLITE_NOTADB: "{path} is no gradebook: name another file, or move this one away and grade again.",
    sqlite3.SQLITE_CORRUPT: "{path} is damaged: put an older copy in its place, or move it away and grade again.",
    sqlite3.SQLITE_BUSY: "another program keeps {path} for itself: wait until it has ended, then run this again.",
    sqlite3.SQLITE_IOERR: "{path} cannot be read or written ({error}): look after its disk, then run this again.",
}


class Database:
    """A connection to one gradebook, for one thread of one process.

    create: make the file where there is none.

    Raises `ConvlabError` for a file that is no gradebook, is damaged, or was written by a newer convlab; such a file
    is left as it is.
    """

    def __init__(self, path: Path, *, create: bool = True) -> None:
        self.path = path
        if not create and not path.exists():
            raise ConvlabError(f"there is no gradebook {path}: name the one that `convlab grade` wrote.")
        with self.telling():
            self._connection = sqlite3.connect(path, timeout=WAIT, isolation_level=None)
            try:
                self._prepare()
            except BaseException:
                self._connection.close()
                raise

    def _prepare(self) -> None:
        tables = {name for (name,) in self.read("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if tables and "meta" not in tables:
            raise ConvlabError(f"{self.path} is a database of another program: name another file for the gradebook.")
        self._connection.execute("PRAGMA journal_mode = DELETE")
        self._connection.execute("PRAGMA synchronous = EXTRA")  # what is committed survives a power cut
        self._connection.execute("PRAGMA fullfsync = ON")  # also on macOS
        if not tables:
            self._lay_out()
        found = self.read("SELECT value FROM meta WHERE key = 'format'")
        if found != [(str(FORMAT),)]:
            number = found[0][0] if found else "unknown"
            raise ConvlabError(
                f"{self.path} is of format {number}, but this convlab works with format {FORMAT}: "
                "use the convlab that wrote it."
            )

    def _lay_out(self) -> None:
        """All tables at once; another process may be doing the same."""
        with self.transaction() as connection:
            for statement in LAYOUT:
                connection.execute(statement)
            connection.execute("INSERT OR IGNORE INTO meta VALUES ('format', ?)", (str(FORMAT),))

    def read(self, query: str, values: tuple[Any, ...] = ()) -> list[Any]:
        """All rows at once: a reader that takes its time over them would keep others from writing."""
        with self.telling():
            return self._connection.execute(query, values).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """What is executed here is kept whole or not at all; no other process writes meanwhile."""
        with self.telling():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Turn what SQLite reports of files and disks into a `ConvlabError`."""
        try:
            yield
        except (sqlite3.ProgrammingError, sqlite3.IntegrityError):
            raise  # a mistake of ours, not of the file
        except (sqlite3.Error, UnicodeDecodeError) as error:
            code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF  # the rest are details
            sentence = _SENTENCES.get(code, _SENTENCES[sqlite3.SQLITE_CORRUPT])  # such as a column that is missing
            raise ConvlabError(sentence.format(path=self.path, error=error)) from error

    def close(self) -> None:
        self._connection.close()
