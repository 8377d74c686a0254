"""Find each student's row in a platform's table, and never guess."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from convlab.grading.exchange.roster import Person, Roster, letters, plain
from convlab.grading.exchange.wording import counted, listed


@dataclass
class Matches:
    """rows: places of rows, by student. missing, ambiguous: the students who have none, and why."""

    rows: dict[str, int] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    ambiguous: list[str] = field(default_factory=list)

    def sentences(self, table: str) -> list[str]:
        """Who was not found, and why. table: what it is called."""
        said = []
        if self.missing:
            who = counted(len(self.missing), "student")
            said.append(f"{who} cannot be found in {table}: {listed(self.missing)}. A list of the class may help.")
        if self.ambiguous:
            who = counted(len(self.ambiguous), "student")
            said.append(f"{who} could be more than one in {table}, so nothing was filled in: {listed(self.ambiguous)}.")
        return said


class Table:
    """Who is in which row.

    ids: the columns with ids, each as cells by place of the row. names: the same of names. roster: knows more ids of a
    student, and the name.
    """

    def __init__(self, ids: Sequence[Mapping[int, str]], names: Mapping[int, str], roster: Roster | None) -> None:
        self._ids = [_index(column, plain) for column in ids]
        self._names = _index(names, _words)
        self._roster = roster or Roster(())
        self._people = _index({place: person.name for place, person in enumerate(self._roster.people)}, _words)

    def match(self, students: Iterable[str]) -> Matches:
        """The row of each student: found by the id itself, else by what the list of the class knows."""
        students = list(students)
        home = self._home(students)
        found = {student: self._rows(student, home) for student in students}
        taken = defaultdict[int, list[str]](list)
        for student, rows in found.items():
            if len(rows) == 1:
                taken[min(rows)].append(student)
        matches = Matches()
        for student, rows in found.items():
            if not rows:
                matches.missing.append(student)
            elif len(rows) > 1 or len(taken[min(rows)]) > 1:
                matches.ambiguous.append(student)
            else:
                matches.rows[student] = min(rows)
        return matches

    def _home(self, students: list[str]) -> dict[str, set[int]] | None:
        """The one column in which all are found that are found in any: then their ids are of this kind.

        The number of one student in one system may be the number of another in another one.
        """
        anywhere = [plain(student) for student in students if any(plain(student) in column for column in self._ids)]
        homes = [column for column in self._ids if all(id in column for id in anywhere)]
        return homes[0] if len(homes) == 1 and anywhere else None

    def _rows(self, student: str, home: dict[str, set[int]] | None) -> set[int]:
        id = plain(student)
        if home is not None and id in home:
            return home[id]
        if rows := self._with_id(id):
            return rows
        person = self._roster.find(student)
        if person is None:
            return set()
        return set(chain.from_iterable(map(self._with_id, map(plain, person.ids)))) or self._with_name(person)

    def _with_id(self, id: str) -> set[int]:
        return set(chain.from_iterable(column.get(id, ()) for column in self._ids))

    def _with_name(self, person: Person) -> set[int]:
        """Rows with the name of a student, unless several of the class have it."""
        words = _words(person.name)
        return self._names.get(words, set()) if len(self._people.get(words, ())) == 1 else set()


def _index(column: Mapping[int, str], simplify: Callable[[str], str]) -> dict[str, set[int]]:
    found = defaultdict[str, set[int]](set)
    for place, text in column.items():
        if simple := simplify(text):
            found[simple].add(place)
    return dict(found)


def _words(name: str) -> str:
    """A name's words in a fixed order: "Lee, Ada" is "Ada Lee"."""
    return " ".join(sorted(filter(None, map(letters, name.replace(",", " ").split()))))
