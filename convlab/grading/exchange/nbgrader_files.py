"""The files of an nbgrader course: what was handed in, and the notebooks in `autograded/` that formgrader shows."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from convlab.errors import ConvlabError
from convlab.files import replace_whole
from convlab.grading.exchange.autograded import Release, autograded, digest_of
from convlab.grading.intake.folders import read_file, walk
from convlab.grading.intake.times import parse_time
from convlab.grading.records import Grade

TIMESTAMP = "timestamp.txt"


@dataclass(frozen=True)
class HandedIn:
    """What lies in `submitted/` of a submission.

    there: whether anything does. content: of the notebook that was graded, if it is there. timestamp: what nbgrader
    wrote about when it came; time: that time, in UTC.
    """

    there: bool = False
    content: bytes | None = None
    timestamp: bytes | None = None
    time: datetime | None = None


class CourseFiles:
    """coursedir: nbgrader's own, which knows where everything lies."""

    def __init__(self, coursedir: Any) -> None:
        self._coursedir = coursedir

    def has_source(self, assignment: str) -> bool:
        """Whether the course has the source of an assignment."""
        return Path(self._coursedir.format_path(self._coursedir.source_directory, ".", assignment)).is_dir()

    def handed_in(self, student: str, assignment: str, digest: str) -> HandedIn:
        """The submission with this SHA-256, under whatever name, and what nbgrader says of it."""
        folder = self._folder(self._coursedir.submitted_directory, student, assignment)
        if folder is None or not folder.is_dir():
            return HandedIn()
        files = [item for item in walk(folder) if len(item.parts) == 1 and item.read is not None]
        contents = (_read(folder / item.parts[0]) for item in files if item.suffix == ".ipynb")
        found = next((content for content in contents if content and sha256(content).hexdigest() == digest), None)
        timestamp = _read(folder / TIMESTAMP) if any(item.parts[0] == TIMESTAMP for item in files) else None
        return HandedIn(True, found, timestamp, _time(timestamp))

    def write(
        self,
        student: str,
        assignment: str,
        notebook: str,
        handed_in: HandedIn,
        release: Release,
        grades: Mapping[str, Grade],
    ) -> dict[str, Any] | None:
        """Write `autograded/<student>/<assignment>/<notebook>.ipynb`.

        Returns the notebook where it is of another submission than was there before. What `nbgrader autograde` made of
        the same submission stays. Raises `ConvlabError` where it cannot be written.
        """
        folder = self._folder(self._coursedir.autograded_directory, student, assignment)
        if folder is None or handed_in.content is None:
            return None
        path, digest = folder / f"{notebook}.ipynb", sha256(handed_in.content).hexdigest()
        try:
            before = path.read_bytes() if path.is_file() else None
            known = None if before is None else digest_of(before)
            if before is not None and known is None and _same_time(folder, handed_in):
                return None
            made = autograded(handed_in.content, release, grades, digest)
            self._replace(path, json.dumps(made, indent=1, ensure_ascii=False) + "\n")
            if handed_in.timestamp is not None:
                self._replace(folder / TIMESTAMP, handed_in.timestamp.decode("utf-8", "replace"))
        except OSError as error:
            said = error.strerror or error
            raise ConvlabError(f"{path} cannot be written: {said}. Mend that, then put the scores again.") from error
        return None if known == digest else made

    def _folder(self, step: str, student: str, assignment: str) -> Path | None:
        """None where a name is none of a folder."""
        if any(name in ("", ".", "..") or set(name) & set("/\\:\0") for name in (student, assignment)):
            return None
        return Path(self._coursedir.format_path(step, student, assignment))

    def _replace(self, path: Path, text: str) -> None:
        """With the rights that nbgrader's own files have: nobody changes them by mistake."""
        if path.is_file() and path.read_bytes() == text.encode():
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            path.chmod(0o644)  # Windows replaces no file that cannot be written
        replace_whole(path, text)
        path.chmod(0o664 if self._coursedir.groupshared else 0o444)


def _read(path: Path) -> bytes | None:
    try:
        return read_file(path)
    except ConvlabError:
        return None


def _time(timestamp: bytes | None) -> datetime | None:
    try:
        return None if timestamp is None else parse_time(timestamp[:200].decode("utf-8-sig", "replace"))
    except ConvlabError:
        return None


def _same_time(folder: Path, handed_in: HandedIn) -> bool:
    """Whether what nbgrader graded is what lies in `submitted/` now; where nothing says so, it is."""
    before = _read(folder / TIMESTAMP)
    return before is None or handed_in.timestamp is None or before.strip() == handed_in.timestamp.strip()
