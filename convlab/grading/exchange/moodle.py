"""Grades and feedback for Moodle: in an assignment's own grading worksheet, or as a file for its gradebook.

A worksheet ("Download grading worksheet" among an assignment's actions) is filled and uploaded there again. Its titles
are in the teacher's language; the columns are the same. Moodle passes over grades above the maximum, and those of rows
that cannot be changed. Source: moodle/moodle, mod/assign/gradingtable.php (the constructor),
mod/assign/feedback/offline/importgradeslib.php and importgradesform.php.

An import into the gradebook (Grades, Import, CSV file) is refused as a whole where one student is not known: the file
has only rows that Moodle can find. Source: grade/import/csv/classes/load_data.php (`prepare_import_grade_data`).

Moodle takes both kinds of feedback for HTML, so what looks like HTML in it is escaped, and lines end in <br>.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path

from convlab.errors import ConvlabError
from convlab.grading.book.entries import Entry, Score, nothing_lost
from convlab.grading.book.gradebook import Gradebook
from convlab.grading.exchange.comments import comment
from convlab.grading.exchange.matching import Table
from convlab.grading.exchange.numerals import decimal_sign, numeral, parsed
from convlab.grading.exchange.roster import Person, Roster, letters
from convlab.grading.exchange.sheets import Sheet, read_sheet, write_whole
from convlab.grading.exchange.wording import counted, listed
from convlab.grading.pages.feedback import safe_name
from convlab.grading.pages.tables import Cell, write_table

PARTICIPANT = re.compile(r"\s*(?P<word>\D*?)\s*(?P<number>\d+)\s*")
KEYS = ("idnumber", "emailaddress", "username")  # English titles of columns that tell who a student is
DATE = re.compile(r"-|.*\d[:.h]\d\d.*", re.S)  # no date, or one with a time of day, in any language
EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
OURS = re.compile(r"Together [\d.]+ of [\d.]+ points\.$")
NO_TITLE = "Id"  # of what only the teacher knows the name of in Moodle
DOWNLOAD = 'In Moodle, open the assignment, "View all submissions", and choose "Download grading worksheet".'


def fill_worksheet(
    book: Gradebook,
    worksheet: str | Path,
    out: str | Path,
    *,
    lesson: str | None = None,
    roster: Roster | None = None,
    best: bool = False,
    lost: Callable[[Entry], float] = nothing_lost,
) -> list[str]:
    """Write a copy of a worksheet, with grades and feedback, to moodle.csv in the folder `out`; returns what to tell.

    lesson: that the worksheet is for; by default the only one that was graded, or the one that the file's name tells.
    best, lost: as in `Gradebook.scores`. Rows of students who handed in nothing stay as they are.

    Raises `ConvlabError` where the file is no worksheet, its columns or its lesson cannot be told, and where the copy
    cannot be written.
    """
    form = _Form(read_sheet(Path(worksheet)))
    lesson = lesson or _lesson_of(Path(worksheet), book.lessons())
    possible = book.possible().get(lesson)
    if possible is None:
        raise ConvlabError(f"nothing was graded for {lesson!r}, but for {listed(book.lessons()) or 'nothing'}.")
    filled = _Filled(form, possible)
    matches = form.table(roster).match(book.students())
    for student, row in matches.rows.items():
        for score in book.scores(student, best=best, lost=lost):
            if score.lesson == lesson:
                filled.take(row, score)
    path = Path(out) / "moodle.csv"
    write_whole(path, form.sheet.content())
    told = [*filled.sentences(lesson), *matches.sentences("Moodle's worksheet")]
    return [*told, f'Upload {path} in Moodle, among the assignment\'s actions: "Upload grading worksheet".']


def _lesson_of(path: Path, lessons: list[str]) -> str:
    """The lesson of a worksheet; its file is called "Grades-<course>-<assignment>-<number>.csv" by Moodle."""
    if len(lessons) == 1:
        return lessons[0]
    named = [lesson for lesson in lessons if letters(lesson) in letters(path.stem)]
    if len(named) != 1:
        raise ConvlabError(f"it is not clear for which lesson {path} is: say which one of {listed(lessons) or 'none'}.")
    return named[0]


@dataclass(frozen=True)
class _Columns:
    """Places of columns; -1 for one that is not there."""

    grade: int
    maximum: int
    changeable: int
    feedback: int


class _Form:
    """A worksheet. students: places of rows."""

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet
        self._places = {letters(title): place for place, title in reversed(list(enumerate(sheet.rows[0])))}
        self.students = [place for place, row in enumerate(sheet.rows) if place and any(map(str.strip, row))]
        self._participants = {place: PARTICIPANT.fullmatch(sheet.rows[place][0]) for place in self.students}
        words = {found["word"] if found else "" for found in self._participants.values()}
        if len(words) != 1 or "" in words:
            raise ConvlabError(
                f'{sheet.name} is no grading worksheet of Moodle, whose first column has "Participant 12345" in each '
                f"row, in the language of the course. {DOWNLOAD}"
            )
        self.columns = self._english() or self._by_what_is_in_them()
        self.maximum = self._maximum()
        cells = (self.cell(place, column) for place in self.students for column in self._number_columns())
        self.decimal_sign = decimal_sign(cells, sheet.delimiter)

    def cell(self, row: int, column: int) -> str:
        cells = self.sheet.rows[row]
        return cells[column].strip() if 0 <= column < len(cells) else ""

    def _number_columns(self) -> tuple[int, int]:
        return self.columns.grade, self.columns.maximum

    def _english(self) -> _Columns | None:
        places = self._places
        if "identifier" not in places or "grade" not in places:
            return None
        if "scale" in places:
            raise ConvlabError(
                f"{self.sheet.name} is for an assignment that is graded by a scale, not by points. Change its grade to "
                "points in Moodle, then download the worksheet again."
            )
        titles = ("grade", "maximumgrade", "gradecanbechanged", "feedbackcomments")
        return _Columns(*(places.get(title, -1) for title in titles))

    def _by_what_is_in_them(self) -> _Columns:
        """The columns where titles are not English: grades stand before the one maximum that all rows have."""
        width = len(self.sheet.rows[0])
        found = [column for column in range(1, width - 2) if self._is_maximum(column)]
        last, before = self._column(width - 1), self._column(width - 2)
        told = all(map(DATE.fullmatch, before)) and not all(map(DATE.fullmatch, last))
        if len(found) != 1 or not told:
            raise ConvlabError(
                f"the columns of {self.sheet.name} are not clear, because its titles are not English: "
                f"{listed(self.sheet.rows[0], width)}. Set your language in Moodle to English, make sure that the "
                "assignment gives feedback comments, and download the worksheet again."
            )
        return _Columns(found[0] - 1, found[0], found[0] + 1, width - 1)

    def _column(self, column: int) -> list[str]:
        return [self.cell(row, column) for row in self.students]

    def _is_maximum(self, column: int) -> bool:
        """Whether it has the same number in all rows, with grades or nothing before it, and few words after it."""
        maxima, grades = set(self._column(column)), self._column(column - 1)
        words = set(self._column(column + 1))
        return (
            len(maxima) == 1
            and (parsed(maxima.pop()) or 0) > 0
            and all(grade in ("", "-") or parsed(grade) is not None for grade in grades)
            and len(words) <= 2
            and all(word and not DATE.fullmatch(word) and parsed(word) is None for word in words)
        )

    def _maximum(self) -> float | None:
        found = {parsed(text) for text in self._column(self.columns.maximum)} if self.columns.maximum >= 0 else set()
        return found.pop() if len(found) == 1 else None

    def table(self, roster: Roster | None) -> Table:
        """Who is in which row."""
        ids = [{place: found["number"] for place, found in self._participants.items() if found}]
        columns = [self._places[key] for key in KEYS if key in self._places]
        columns = columns or [column for column in range(1, self.columns.grade) if self._has_emails(column)]
        ids += [dict(zip(self.students, self._column(column), strict=True)) for column in columns]
        names = self._column(1) if "fullname" in self._places or "identifier" not in self._places else []
        return Table(ids, dict(zip(self.students, names, strict=False)), roster)

    def _has_emails(self, column: int) -> bool:
        return any(map(EMAIL.fullmatch, self._column(column)))


class _Filled:
    """A worksheet, while it is filled. possible: the points that can be had in the lesson."""

    def __init__(self, form: _Form, possible: float) -> None:
        self._form, self._possible = form, possible
        self._factor = form.maximum / possible if form.maximum and possible else 1.0
        self._count = self._replaced = self._fixed = self._short = self._others = 0

    def take(self, row: int, score: Score) -> None:
        form, columns = self._form, self._form.columns
        if max(columns.grade, columns.feedback) >= len(form.sheet.rows[row]):
            self._short += 1
        elif form.cell(row, columns.changeable).casefold() == "no":
            self._fixed += 1
        else:
            points = min(score.final * self._factor, form.maximum or float("inf"))
            text = numeral(points, form.decimal_sign)
            self._replaced += parsed(form.cell(row, columns.grade)) not in (None, parsed(text))
            form.sheet.fill(row, columns.grade, text)
            self._count += 1
            self._comment(row, score)

    def _comment(self, row: int, score: Score) -> None:
        """What somebody else wrote to the student stays."""
        column = self._form.columns.feedback
        before = self._form.cell(row, column)
        if before and not OURS.search(before):
            self._others += 1
        elif column >= 0:
            self._form.sheet.fill(row, column, as_html(score))

    def sentences(self, lesson: str) -> Iterator[str]:
        yield f"{lesson}: {counted(self._count, 'row')} of Moodle's worksheet filled."
        if self._factor != 1:
            yield (
                f"{lesson}: Moodle gives {numeral(self._form.maximum or 0)} points and the exercises "
                f"{numeral(self._possible)}, so the points were multiplied by {self._factor:.4g}."
            )
        if self._form.columns.feedback < 0:
            yield "There is no column for feedback: switch on the assignment's feedback comments to have one."
        if self._replaced:
            yield f"{counted(self._replaced, 'other grade was', 'other grades were')} there before."
        if self._others:
            yield f"{counted(self._others, 'comment')} of somebody else stayed in the place of ours."
        if self._fixed:
            yield f"{counted(self._fixed, 'grade')} cannot be changed, as Moodle says, and stayed as it was."
        if self._short:
            yield f"{counted(self._short, 'row is', 'rows are')} too short to be filled."


def as_html(score: Score) -> str:
    """The comment on a score for Moodle: the same words, with line ends that it shows."""
    return "<br>".join(map(escape, comment(score)))


def write_moodle_import(
    book: Gradebook,
    out: str | Path,
    *,
    roster: Roster | None = None,
    best: bool = False,
    lost: Callable[[Entry], float] = nothing_lost,
) -> list[str]:
    """Write moodle_<lesson>.csv, for Moodle's gradebook, for each lesson to the folder `out`; returns what to tell.

    Students are named by e-mail or, where more of the class have one, by ID number, from the list of the class. Who
    has none is left out. Without a list the ids are taken that submissions have, and where it has neither column, its
    main ids. best, lost: as in `Gradebook.scores`.

    Raises `ConvlabError` where nothing was graded or a file cannot be written.
    """
    students = list(book.students())
    title, keys = _keys(students, roster)
    said, possible = [], book.possible()
    if not possible:
        raise ConvlabError("nothing has been graded yet, so there is nothing to write.")
    labels = roster.labels(students) if roster else {}
    for lesson, points in possible.items():
        rows: list[list[Cell]] = []
        for student, key in keys.items():
            for score in book.scores(student, best=best, lost=lost):
                if score.lesson == lesson:
                    rows.append([key, labels.get(student, ""), round(score.final, 2), as_html(score)])
        path = Path(out) / f"moodle_{safe_name(lesson)}.csv"
        titles: list[Cell] = [title, "Full name", "Grade", "Feedback"]
        write_table(path, [titles, *rows])
        said.append(f"{path}: {counted(len(rows), 'row')}; the maximum grade has to be {numeral(points)}.")
    if left_out := [student for student in students if student not in keys]:
        who = counted(len(left_out), "student")
        said.append(f"{who} left out, whose {title.lower()} is not known or not their own: {listed(left_out)}.")
    meant = f'"{title}"' if title != NO_TITLE else "what the ids are in Moodle, such as the username"
    return [
        *said,
        f'Import each in Moodle: Grades, Import, CSV file. Map "{title}" to {meant}, and "Grade" and "Feedback" to the '
        "item in one import.",
    ]


def _keys(students: list[str], roster: Roster | None) -> tuple[str, dict[str, str]]:
    """What tells Moodle who a student is: its title, and by student, where each has an own one."""
    if roster is None:
        return _keys_without_list(students)
    people = {student: roster.find(student) or Person("") for student in students}
    found = {
        "Email address": {s: person.email or (s if EMAIL.fullmatch(s) else "") for s, person in people.items()},
        "ID number": {student: person.number for student, person in people.items()},
    }
    title = max(found, key=lambda title: sum(map(bool, found[title].values())))
    if not any(found[title].values()):
        title, found = NO_TITLE, {NO_TITLE: {student: person.id for student, person in people.items()}}
    count = Counter(found[title].values())
    return title, {student: key for student, key in found[title].items() if key and count[key] == 1}


def _keys_without_list(students: list[str]) -> tuple[str, dict[str, str]]:
    emails = all(map(EMAIL.fullmatch, students))
    return "Email address" if emails else NO_TITLE, dict(zip(students, students, strict=True))
