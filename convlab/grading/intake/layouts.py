"""Tell from names whose a file is, and for which lesson.

- nbgrader: `submitted/<student>/<assignment>/...`.
- Canvas: `<name>[_LATE]_<user>_<attachment>_<file>`, where the name is the student's, "last, first", in small letters
  and without signs; texts and links are `<name>[_LATE]_<user>_text.html` and `..._link.html`; anonymous ones
  `[LATE_]anon_<code>_<attachment>_<file>`. Source: instructure/canvas-lms, lib/content_zipper.rb (`get_filename`,
  `add_upload_submission`, `add_text_or_url`).
- Moodle: `<full name>_<participant>_assignsubmission_<plugin>/...`, in older versions with one more _ before the slash,
  and without folders `..._assignsubmission_<plugin>_<file>`; a group has its own name and number, or "Default group"
  and none. Source: moodle/moodle, mod/assign/classes/downloader.php (`get_student_prefix`,
  `load_submissionplugin_filelist`), before that mod/assign/locallib.php (`download_submissions`).
- else: a folder or a zip for each student, or files that are named by student, each with or without a lesson's name.

Only names that a teacher or a platform gave decide. What a student named, which is all within that student's folder or
zip, and the end of a platform's name, never makes a file another student's.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from convlab.grading.intake.items import Item, ending, printable, stem

CANVAS = re.compile(
    r"(?:(?P<label>[^A-Z]+?)_)?(?P<late>LATE_)?(?P<student>[1-9]\d*|anon_[A-Za-z0-9]+)_"
    r"(?:(?P<number>[1-9]\d*)_(?P<file>.+)|(?:text|link)\.html)",
    re.S,
)
MOODLE = re.compile(r"(?P<label>.*?)(?:_(?P<student>\d+))?_assignsubmission_[a-z]+(?:_(?P<file>.*))?", re.S)
LONGEST = 500  # characters of a name that a platform may have given
SUBMITTED, TIME = "submitted", "timestamp.txt"  # nbgrader's names
WRAPPERS = 3  # folders around all submissions that are seen through
LATE = "Canvas marks it as late."


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose an item is.

    label: the student's name for people, where a platform gives one besides an id. assignment: a lesson, else the name
    of nbgrader's folder, else empty. file: its name as the student gave it. number: Canvas', larger for what came
    later. named: by a folder or a platform, not by the file itself. timed: nbgrader wrote it to say when.
    """

    student: str
    assignment: str = ""
    label: str = ""
    file: str = ""
    number: int = 0
    named: bool = True
    timed: bool = False
    remarks: tuple[str, ...] = ()


class Lessons:
    """Finds the names of lessons in other names, also with other signs between their words."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = {_plain(name): name for name in names}
        words = sorted((re.escape(name).replace("_", "[ _-]") for name in self._names), key=len, reverse=True)
        self._pattern = re.compile(rf"(?<![a-z0-9])(?:{'|'.join(words) or '(?!)'})(?![a-z0-9])", re.I)

    def within(self, name: str) -> str:
        """The first lesson in a name, or an empty text."""
        found = self._pattern.search(name)
        return self._names[_plain(found[0])] if found else ""

    def exactly(self, name: str) -> str:
        """The lesson that a folder or zip is named by, or an empty text."""
        return self._names.get(_plain(folder_name(name)), "")

    def without(self, name: str) -> str:
        """What a file is called besides its lesson."""
        return "_".join(part for part in (rest.strip(" _-.") for rest in self._pattern.split(stem(name))) if part)


def _plain(name: str) -> str:
    return re.sub("[ -]", "_", name.lower())


def folder_name(name: str) -> str:
    """What a folder or a zip is called."""
    return stem(name) if ending(name) == ".zip" else name


def owners(items: Sequence[Item], folder: Sequence[str], name: str, lessons: Lessons) -> list[Owner | None]:
    """Whose each item is; None for what is no submission.

    folder: the path of the folder that the items lie in; empty for a zip. name: of the folder or zip, for what has no
    other.
    """
    parts = [(*item.parts, "") if item.folder else item.parts for item in items]
    inside = _below_submitted(folder, parts, lessons)
    if inside is not None:
        heads: list[int | None] = [0] * len(parts)
        parts, nbgrader = [(*inside, *path) for path in parts], True
    else:
        heads, nbgrader = _heads(parts, lessons)
    return [
        None if head is None else _owner(path, head, nbgrader, lessons, name)
        for path, head in zip(parts, heads, strict=True)
    ]


def _below_submitted(folder: Sequence[str], parts: list[tuple[str, ...]], lessons: Lessons) -> tuple[str, ...] | None:
    """nbgrader's names of a student and an assignment, if the folder is its `submitted` or one of these in it."""
    depth = next((depth for depth in (1, 2, 3) if folder[-depth:][:1] == (SUBMITTED,)), 0)
    inside = tuple(folder[len(folder) - depth + 1 :])
    loose = any(len(path) == 1 and ending(path[0]) == ".ipynb" for path in parts)
    if depth == 0 or (depth > 1 and lessons.exactly(inside[0])) or (depth == 2 and loose):
        return None
    return inside


def _heads(parts: list[tuple[str, ...]], lessons: Lessons) -> tuple[list[int | None], bool]:
    """How many parts of each path lie around all submissions, None for what is no submission; is it nbgrader's?"""
    depth = 0
    for depth in range(WRAPPERS + 1):
        tops = {path[depth] for path in parts if len(path) > depth + 1}
        if SUBMITTED in tops:
            inside = [len(path) > depth + 1 and path[depth] == SUBMITTED for path in parts]
            return [depth + 1 if is_inside else None for is_inside in inside], True
        below = [path[depth + 1 :] for path in parts if len(path) > depth + 1]
        if len(tops) != 1 or any(len(path) == depth + 1 and ending(path[depth]) == ".ipynb" for path in parts):
            break
        top = tops.pop()
        if _platform(top) or not (lessons.exactly(top) or _holds_class(below, True, lessons)):
            break
    together = _downloads([path[depth:] for path in parts if len(path) > depth], lessons)
    heads = (depth + 1 if len(path) > depth and path[depth] in together else depth for path in parts)
    return [min(head, len(path) - 1) for head, path in zip(heads, parts, strict=True)], False


def _downloads(parts: list[tuple[str, ...]], lessons: Lessons) -> set[str]:
    """The folders and zips that hold a class each, if all do: one student's must not pass for a class."""
    inside = defaultdict[str, list[tuple[str, ...]]](list)
    for path in parts:
        if len(path) > 1 and not _platform(path[0]) and not lessons.exactly(path[0]):
            inside[path[0]].append(path[1:])
        elif len(path) == 1 and ending(path[0]) == ".ipynb":
            return set()
    all_do = all(_holds_class(below, False, lessons) for below in inside.values())
    return set(inside) if all_do else set()


def _holds_class(parts: list[tuple[str, ...]], alone: bool, lessons: Lessons) -> bool:
    """Whether what lies in a folder or zip is of several students.

    alone: nothing lies beside it. Then several names are enough; else they could as well be of one student's files,
    unless they have the same lesson.
    """
    notebooks = [path for path in parts if ending(path[-1]) == ".ipynb"] or parts
    inner = [path[1:] if len(path) > 1 and lessons.exactly(path[0]) else path for path in notebooks]
    if all(_platform(path[0]) for path in inner):
        return True
    names = defaultdict[str, set[str]](set)  # by lesson
    for whole, path in zip(notebooks, inner, strict=True):
        name = path[0] if len(path) > 1 else lessons.without(path[0])
        names["" if alone else _lesson(whole, lessons)] |= {name} - {""}
    if alone:
        return len(names[""]) > 1 or SUBMITTED in names[""]
    return any(len(of_lesson) > 1 for lesson, of_lesson in names.items() if lesson)


def _lesson(path: tuple[str, ...], lessons: Lessons) -> str:
    """The lesson that a folder or the file is named by, or an empty text."""
    return next(filter(None, map(lessons.exactly, path[:-1])), "") or lessons.within(path[-1])


def _platform(name: str) -> re.Match[str] | None:
    """The parts of a name that Moodle or Canvas gave."""
    if len(name) > LONGEST:
        return None
    found = MOODLE.fullmatch(name)
    if found is None and (found := CANVAS.fullmatch(name)):
        anonymous = found["student"].startswith("anon_")
        return found if anonymous or found["label"] else None
    return found


def _owner(path: tuple[str, ...], head: int, nbgrader: bool, lessons: Lessons, place: str) -> Owner | None:
    rest = path[head:]
    lesson = next(filter(None, map(lessons.exactly, path[:-1])), "")
    if len(rest) > 1 and lessons.exactly(rest[0]):
        rest = rest[1:]
    if rest[0] in ("", TIME):
        return None  # a folder of no student with nothing in it, a time of nobody
    if found := _platform(rest[0]):
        return _platform_owner(found, rest, lesson, lessons)
    if len(rest) > 1:
        folder = rest[1] if nbgrader and len(rest) > 2 else ""
        timed = nbgrader and rest[2:] == (TIME,)
        assignment = lesson or (folder if timed else lessons.within(rest[-1]) or folder)
        return Owner(printable(folder_name(rest[0])), printable(assignment), file=rest[-1], timed=timed)
    return _owner_of_file(rest[0], lesson or lessons.within(rest[0]), lessons, place)


def _owner_of_file(file: str, assignment: str, lessons: Lessons, place: str) -> Owner:
    """Whose a file is that lies in no student's folder."""
    if name := lessons.without(file):
        return Owner(printable(name), assignment, file=file, named=False)
    remark = f'Its name does not say whose it is, so it counts as handed in by "{printable(place)}".'
    return Owner(printable(place), assignment, file=file, named=False, remarks=(remark,))


def _platform_owner(found: re.Match[str], rest: tuple[str, ...], lesson: str, lessons: Lessons) -> Owner:
    given = found.groupdict()
    label = given["label"] or ""
    file = rest[-1] if len(rest) > 1 else given["file"] or rest[0]
    return Owner(
        student=given["student"] or printable(label),
        assignment=lesson or lessons.within(file),
        label=printable(label),
        file=file,
        number=int(given.get("number") or 0),
        remarks=(LATE,) if given.get("late") else (),
    )
