"""Find what students handed in: in nbgrader's folders, in folders and zips by student, and as platforms give it.

    for found in find(Path("submissions.zip")):
        try:
            notebook = parse(found.read())
        except ConvlabError as error:
            ...                                   # nothing to grade; says why

Nothing that is found is trusted, followed or written to disk, and its content is read one file at a time.
"""

import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import chain
from pathlib import Path
from typing import NoReturn

from convlab.errors import ConvlabError
from convlab.exercises import catalogue
from convlab.grading.intake.archives import Shelf
from convlab.grading.intake.folders import read_file, walk
from convlab.grading.intake.items import Item, stem
from convlab.grading.intake.layouts import TIME, Lessons, Owner, folder_name, owners
from convlab.grading.intake.times import parse_time

# Files that were perhaps meant as a submission, where nothing but their own name says who handed them in.
MEANT = {".py", ".txt", ".html", ".htm", ".doc", ".docx", ".odt", ".pdf", ".zip", ".rar", ".7z"}
MANY = 20  # notebooks of one student for nobody knows which lessons
LISTED = 3  # names in a remark
VERSION = re.compile(r"(?:-\d+|-Copy\d+| ?\(\d+\))+$")  # what Canvas, Jupyter and browsers add to a name
REASONS = (
    "it is named as the assignment",
    "it was uploaded last",
    "it is named as the assignment",
    "it is the newest file",
    "its name comes last",
)
Pair = tuple[Item, Owner]


@dataclass(frozen=True)
class Found:
    """One submission.

    student: an id, of one line of text that can be seen; a platform's number, where there is one. label: then, the
    student's name for people. assignment: a lesson such as "02_padding", else the name of nbgrader's folder, else
    empty: then the notebook's cells tell. name: where it was found, for people. submitted: when, in UTC, as nbgrader
    says, or None. remarks: in sentences, for student and teacher. read: gives the bytes, at most `items.AT_MOST`, or
    raises `ConvlabError` with one more sentence where there is nothing to read.
    """

    student: str
    assignment: str
    name: str
    submitted: datetime | None
    remarks: tuple[str, ...]
    read: Callable[[], bytes] = field(repr=False)
    label: str = ""


def find(place: str | Path) -> Iterator[Found]:
    """What was handed in, one for each student and assignment, in a fixed order.

    place: nbgrader's course folder, its `submitted` or a folder below, another folder, a zip, or one notebook. Where
    an assignment is not known, all notebooks of the student come, oldest first, at most `MANY`. Who handed in
    something else than a notebook is found, too, with nothing to read. For one thread.

    Raises `ConvlabError` where there is no such place, it cannot be read, or nothing is in it.
    """
    place = Path(os.path.abspath(place))
    lessons = Lessons(catalogue().lessons)
    items = list(_items(place))
    folder = place if place.is_dir() else place.parent
    parts, name = ((), folder_name(place.name)) if place.suffix.lower() == ".zip" else (folder.parts, folder.name)
    pairs = zip(items, owners(items, parts, name, lessons), strict=True)
    found = _Class([(item, owner) for item, owner in pairs if owner is not None]).found()
    first = next(found, None)
    if first is None:
        raise ConvlabError(
            f"nothing was handed in in {place}: expected are notebooks in submitted/<student>/<assignment>/, in a "
            "folder for each student, or in files named by student, or a zip from Canvas or Moodle."
        )
    return chain([first], found)


def _items(place: Path) -> Iterator[Item]:
    """All files in a folder or a zip, with those in the zips in it."""
    shelf = Shelf()
    if place.is_dir():
        for item in walk(place):
            if item.read is not None and item.suffix == ".zip":
                yield from _opened(shelf, place, item)
            else:
                yield item
    elif place.suffix.lower() == ".zip" and place.is_file():
        yield from shelf.items(place)
    elif place.suffix.lower() == ".ipynb" and place.is_file():
        for path in (place, place.with_name(TIME)):
            if path.is_file():
                yield Item((path.name,), read=partial(read_file, path))
    else:
        raise ConvlabError(f"{place} is no folder, no zip and no notebook: name one that holds what was handed in.")


def _opened(shelf: Shelf, place: Path, item: Item) -> Iterator[Item]:
    try:
        yield from shelf.items(place.joinpath(*item.parts), item.parts)
    except ConvlabError as error:
        yield Item(item.parts, f"cannot be opened: {error}")


class _Class:
    """All that was handed in, by student and assignment."""

    def __init__(self, pairs: Sequence[Pair]) -> None:
        self._handed_in = defaultdict[tuple[str, str], list[Pair]](list)
        for pair in pairs:
            self._handed_in[pair[1].student, pair[1].assignment].append(pair)
        self._times = {item.parts[:-1]: item for item, owner in pairs if owner.timed}
        self._folders = {(owner.student, item.parts[:-1]) for item, owner in _notebooks(pairs)}
        self._with_notebook = {student for student, _ in self._folders}
        self._by_file = not self._folders or any(not owner.named for _, owner in _notebooks(pairs))
        self._alike = defaultdict[str, set[str]](set)
        for student, _ in self._handed_in:
            self._alike[_folded(student)].add(student)

    def found(self) -> Iterator[Found]:
        for (student, assignment), given in self._handed_in.items():
            remarks = self._doubts(student, given) + _faults(given)
            if notebooks := _notebooks(given):
                elsewhere = self._handed_in.get((student, ""), []) if assignment else []
                yield from self._chosen(notebooks, assignment, remarks + _faults(elsewhere))
            elif self._is_missing(student, assignment, given):
                yield self._nothing(student, assignment, given, remarks)

    def _chosen(self, notebooks: list[Pair], assignment: str, remarks: list[str]) -> Iterator[Found]:
        ranked = sorted(notebooks, key=lambda pair: _rank(pair, assignment))
        if assignment and len(ranked) > 1:
            remarks = [*remarks, _choice(ranked, assignment)]
        elif len(ranked) > MANY:
            remarks = [*remarks, f"Of {len(ranked)} notebooks only the newest {MANY} were looked at."]
        for item, owner in ranked[-1:] if assignment else ranked[-MANY:]:
            time, doubts = self._time(item)
            said = (*owner.remarks, *remarks, *doubts)
            assert item.read is not None
            yield Found(owner.student, assignment, item.name, time, said, item.read, owner.label)

    def _is_missing(self, student: str, assignment: str, given: list[Pair]) -> bool:
        """Whether somebody should be told that there is no notebook."""
        if not any(item.fault or owner.named or (self._by_file and item.suffix in MEANT) for item, owner in given):
            return False
        if not assignment:
            return student not in self._with_notebook
        return any(
            item.fault or not owner.named or (student, item.parts[:-1]) not in self._folders for item, owner in given
        )

    def _nothing(self, student: str, assignment: str, given: list[Pair], remarks: list[str]) -> Found:
        others = [item for item, owner in given if not (item.fault or item.folder or owner.timed)]
        refuse = partial(_refuse, f"No notebook was handed in{', but ' + _listed(others) if others else ''}.")
        item, owner = given[0]
        said = (*owner.remarks, *remarks)
        return Found(student, assignment, item.name, self._time(item)[0], said, refuse, owner.label)

    def _doubts(self, student: str, given: list[Pair]) -> list[str]:
        remarks = []
        if len(self._alike[_folded(student)]) > 1:
            other = min(self._alike[_folded(student)] - {student})
            remarks.append(f'"{other}" looks like the same student, but is spelled in other characters or capitals.')
        labels = sorted({owner.label for _, owner in given})
        if len(labels) > 1:
            remarks.append(f'The number {student} comes with two names, "{labels[0]}" and "{labels[1]}".')
        return remarks

    def _time(self, given: Item) -> tuple[datetime | None, list[str]]:
        """When it was handed in, if nbgrader says so, and what is wrong with what it says."""
        folders = (given.parts[:depth] for depth in range(len(given.parts) - 1, -1, -1))
        item = next((self._times[folder] for folder in folders if folder in self._times), None)
        if item is None or item.read is None:
            return None, []
        try:
            return parse_time(item.read()[:200].decode("utf-8-sig", errors="replace")), []
        except ConvlabError as error:
            return None, [f"When it was handed in is not known: {error}"]


def _notebooks(given: Sequence[Pair]) -> list[Pair]:
    return [(item, owner) for item, owner in given if item.read is not None and item.suffix == ".ipynb"]


def _rank(pair: Pair, assignment: str) -> tuple[bool, int, bool, float, str]:
    """The notebook with the largest counts; `REASONS` says what each place means."""
    item, owner = pair
    name, version = _plain(stem(owner.file)), _plain(VERSION.sub("", stem(owner.file)))
    return version == _plain(assignment), owner.number, name == _plain(assignment), item.changed, item.name


def _plain(name: str) -> str:
    return re.sub("[ -]", "_", name.lower())


def _choice(ranked: list[Pair], assignment: str) -> str:
    """A sentence on which of several notebooks counts, and why."""
    *others, best = ranked
    ranks = zip(_rank(best, assignment), _rank(others[-1], assignment), strict=True)
    reason = next((why for why, (a, b) in zip(REASONS, ranks, strict=True) if a != b), "it comes last")
    others_named = _listed([item for item, _ in reversed(others)])
    return f'"{best[0].name}" counts, because {reason}; not graded: {others_named}.'


def _faults(given: list[Pair]) -> list[str]:
    faults = [f'"{item.name}" {item.fault.rstrip(".")}.' for item, _ in given if item.fault]
    more = len(faults) - LISTED
    return faults[:LISTED] + ([f"{more} more files cannot be read."] if more > 0 else [])


def _listed(items: list[Item]) -> str:
    more = len(items) - LISTED
    return ", ".join(f'"{item.name}"' for item in items[:LISTED]) + (f" and {more} more" if more > 0 else "")


def _folded(student: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", student).casefold())


def _refuse(sentence: str) -> NoReturn:
    raise ConvlabError(sentence)
