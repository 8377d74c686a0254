"""Fill a teacher's own export of Canvas' gradebook, to be imported there again.

One column a lesson is filled, which must be there: Canvas makes a new assignment from a column that it does not know.
Everything else stays byte for byte. In the file, the titles and "Points Possible" are English in all languages, an
assignment's title ends in its number, and what cannot be changed says so in the row of possible points. Source:
instructure/canvas-lms, lib/gradebook_exporter.rb (`csv_data`) and lib/gradebook_importer.rb.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from convlab.errors import ConvlabError
from convlab.grading.book.entries import Entry, Score, nothing_lost
from convlab.grading.book.gradebook import Gradebook
from convlab.grading.exchange.matching import Matches, Table
from convlab.grading.exchange.numerals import decimal_sign, numeral, parsed
from convlab.grading.exchange.roster import Roster, letters
from convlab.grading.exchange.sheets import Sheet, read_sheet, write_whole
from convlab.grading.exchange.wording import counted, listed

KEYS = ("id", "sisloginid", "sisuserid")  # in the order of trust
TITLE = re.compile(r"(?P<name>.*?)\s*\((?P<number>\d+)\)\s*", re.S)
# Canvas takes no column with these words for an assignment, whatever else its title says.
TOTALS = re.compile(r"(Current|Final|Override) (Score|Points|Grade|Status)")
TEST_STUDENT = ("studenttest", "teststudent")
KEPT = ("EX", "N/A")  # excused, and not assigned to this student
HIDDEN = re.compile(r"\s*(Muted|Manual Posting.*)?\s*", re.I)
CHOOSE = "Name the lesson's column by its title or number."
LESSON_NUMBER = re.compile(r"0*(?P<number>\d*)(?P<name>.*)")


def fill_canvas(
    book: Gradebook,
    export: str | Path,
    out: str | Path,
    *,
    columns: Mapping[str, str] | None = None,
    roster: Roster | None = None,
    best: bool = False,
    lost: Callable[[Entry], float] = nothing_lost,
) -> list[str]:
    """Write a copy of an export, with the scores in it, to canvas.csv in the folder `out`; returns what to tell.

    columns: titles or numbers of assignments by lesson; then these lessons are filled. Else each lesson is that has a
    column with its name. best, lost: as in `Gradebook.scores`. Cells of students who handed in nothing stay as they
    are, and so do those that say "EX" or "N/A".

    Raises `ConvlabError` where the file is no such export, a column is not there or more than one could be meant, and
    where it cannot be written.
    """
    form = _Form(read_sheet(Path(export)))
    possible = book.possible()
    places, said = form.columns(possible, columns)
    filled = {lesson: _Filled(form, lesson, place, possible[lesson]) for lesson, place in places.items()}
    matches = form.table(roster).match(book.students())
    if not matches.rows:
        raise ConvlabError(
            f"no student who was graded is in {export}: is it the export of another course? If the ids are others "
            "there, name the list of the class, which knows both. Nothing was written."
        )
    for student, row in matches.rows.items():
        for score in book.scores(student, best=best, lost=lost):
            if score.lesson in filled:
                filled[score.lesson].take(row, score)
    path = Path(out) / "canvas.csv"
    write_whole(path, form.sheet.content())
    told = [sentence for one in filled.values() for sentence in one.sentences()]
    return [*told, *said, *_not_found(matches, form), f"Import {path} in Canvas: Grades, Import."]


def _not_found(matches: Matches, form: "_Form") -> list[str]:
    empty = len(set(form.students) - set(matches.rows.values()))
    nothing = f"{counted(empty, 'student')} of Canvas handed in nothing here; their cells stay as they are."
    return [*matches.sentences("the export of Canvas"), *([nothing] if empty else [])]


class _Form:
    """An export. assignments: titles and places of columns. students: places of rows."""

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet
        self._places = {letters(title): place for place, title in reversed(list(enumerate(sheet.rows[0])))}
        names = self._places.keys() & {"student", "lastname"}
        if not names or not {"id", "section"} <= self._places.keys():
            raise ConvlabError(
                f"{sheet.name} is no export of Canvas' gradebook. Its first line must have Student, ID, Section and "
                f"the assignments, but has {listed(sheet.rows[0])}. In Canvas: Grades, Export."
            )
        self._name = [self._places[name] for name in ("student", "lastname", "firstname") if name in self._places]
        possible = [row for row in sheet.rows[1:] if "points possible" in row[0].lower()]
        self.possible = possible[0] if possible else []
        self.assignments = list(self._assignments())
        self.students = [place for place, row in enumerate(sheet.rows) if place and self._is_student(row)]
        cells = (cell for row in [self.possible, *map(self._row, self.students)] for cell in self._marks(row))
        self.decimal_sign = decimal_sign(cells, sheet.delimiter)

    def _row(self, place: int) -> list[str]:
        return self.sheet.rows[place]

    def _assignments(self) -> Iterator[tuple[str, int]]:
        for place, title in enumerate(self.sheet.rows[0]):
            changeable = place >= len(self.possible) or not re.search(r"[^\d.,\s-]", self.possible[place])
            if place > self._places["section"] and TITLE.fullmatch(title) and not TOTALS.search(title) and changeable:
                yield title, place

    def _is_student(self, row: list[str]) -> bool:
        name = letters("".join(row[place] for place in self._name if place < len(row)))
        return not (name == "pointspossible" or name in TEST_STUDENT or all(map(HIDDEN.fullmatch, row)))

    def _marks(self, row: list[str]) -> list[str]:
        return [row[place] for _, place in self.assignments if place < len(row)]

    def table(self, roster: Roster | None) -> Table:
        """Who is in which row."""

        def column(*places: int) -> dict[int, str]:
            whole = [place for place in self.students if len(self._row(place)) > max(places)]
            return {place: " ".join(self._row(place)[one] for one in places) for place in whole}

        ids = [column(self._places[key]) for key in KEYS if key in self._places]
        return Table(ids, column(*self._name), roster)

    def columns(
        self, possible: Mapping[str, float], given: Mapping[str, str] | None
    ) -> tuple[dict[str, int], list[str]]:
        """The column of each lesson, and sentences on lessons that have none. possible: points by lesson."""
        found = {lesson: self._meant(lesson, (given or {}).get(lesson)) for lesson in given or possible}
        for lesson, columns in found.items():
            if lesson not in possible:
                raise ConvlabError(f"nothing was graded for {lesson!r}, but for {listed(list(possible)) or 'nothing'}.")
            if len(columns) > 1:
                titles = listed([title for title, _ in columns])
                raise ConvlabError(f"more than one column could be meant for {lesson}: {titles}. {CHOOSE}")
        missing = [lesson for lesson, columns in found.items() if not columns]
        there = listed([title for title, _ in self.assignments], len(self.assignments)) or "none"
        said = f"no column was found for {listed(missing)}. The assignments are: {there}."
        if not found:
            raise ConvlabError("nothing has been graded yet, so there is nothing to fill in.")
        if missing and (given or len(missing) == len(found)):
            raise ConvlabError(f"{self.sheet.name}: {said} {CHOOSE}")
        left_out = [f"Left out, because {said}"] if missing else []
        return {lesson: columns[0][1] for lesson, columns in found.items() if columns}, left_out

    def _meant(self, lesson: str, given: str | None) -> list[tuple[str, int]]:
        """The columns that may be meant."""
        columns = [(TITLE.fullmatch(title), title, place) for title, place in self.assignments]
        if given is None:
            return [(title, place) for found, title, place in columns if found and _means(found["name"], lesson)]
        exact = [(t, place) for found, t, place in columns if found and given.strip() in (t, found["number"])]
        return exact or [(t, place) for found, t, place in columns if found and _alike(given, found["name"])]


def _alike(one: str, other: str) -> bool:
    return letters(one) == letters(other) != ""


def _means(title: str, lesson: str) -> bool:
    """Whether an assignment has a lesson's name, with or without its number: "02_padding", "2 Padding", "Padding"."""
    found = LESSON_NUMBER.fullmatch(letters(lesson))
    assert found is not None
    simple = letters(title).lstrip("0")
    return bool(simple) and simple in (found["number"] + found["name"], found["name"])


class _Filled:
    """One column, while it is filled. possible: the points that can be had in the lesson."""

    def __init__(self, form: _Form, lesson: str, column: int, possible: float) -> None:
        self._form, self._lesson, self._column = form, lesson, column
        in_canvas = form.possible[column] if column < len(form.possible) else ""
        self._possible, self._in_canvas = possible, parsed(in_canvas) or 0.0
        self._count = self._replaced = self._kept = self._short = 0

    def take(self, row: int, score: Score) -> None:
        cells = self._form.sheet.rows[row]
        if self._column >= len(cells):
            self._short += 1
            return
        before = cells[self._column].strip()
        if before.upper() in KEPT:
            self._kept += 1
            return
        text = numeral(score.final * self._factor, self._form.decimal_sign)
        self._replaced += before not in ("", "-") and parsed(before) != parsed(text)
        self._form.sheet.fill(row, self._column, text)
        self._count += 1

    @property
    def _factor(self) -> float:
        return self._in_canvas / self._possible if self._in_canvas and self._possible else 1.0

    def sentences(self) -> Iterator[str]:
        title = self._form.sheet.rows[0][self._column]
        yield f"{self._lesson}: {counted(self._count, 'cell')} of {listed([title])} filled."
        if self._factor != 1:
            yield (
                f"{self._lesson}: Canvas gives {numeral(self._in_canvas)} points and the exercises "
                f"{numeral(self._possible)}, so the points were multiplied by {self._factor:.4g}."
            )
        if self._replaced:
            yield f"{self._lesson}: {counted(self._replaced, 'other grade was', 'other grades were')} there before."
        if self._kept:
            yield f"{self._lesson}: {counted(self._kept, 'cell')} with EX or N/A left as in Canvas."
        if self._short:
            yield f"{self._lesson}: {counted(self._short, 'row is', 'rows are')} too short to be filled."
