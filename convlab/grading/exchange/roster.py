"""Who is in the class, from a teacher's list: names for people, and one student behind several ids.

    roster = read_roster(Path("students.csv"))
    roster.find("40007")                              # by user name, number in a platform, or e-mail
    for sentence in compare(book, roster):
        print(sentence)

The list is a CSV file with titles in its first line, such as nbgrader's `id,first_name,last_name,email,lms_user_id`,
Canvas' export of its gradebook, or Moodle's of its participants or its grading worksheet.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from convlab.errors import ConvlabError
from convlab.grading.book.gradebook import Gradebook
from convlab.grading.exchange.sheets import read_sheet
from convlab.grading.exchange.wording import counted, listed

# What a column may be called, without spaces and signs and in small letters. The first column that is there has the
# ids that a class is known by; "student" holds names where there is another of these.
IDS = (
    *("id", "studentid", "userid", "username", "user", "login", "loginid", "netid", "sisloginid", "idnumber"),
    *("sisuserid", "sisid", "studentnumber", "matriculationnumber", "integrationid", "lmsuserid", "canvasid"),
    *("canvasuserid", "moodleid", "email", "emailaddress", "mail", "useremail", "identifier", "participant"),
    *("participantnumber", "student"),
)
NUMBERS = ("idnumber", "sisuserid", "sisid", "studentnumber", "matriculationnumber")
PLATFORM = ("lmsuserid", "canvasid", "canvasuserid", "moodleid")
EMAIL = ("email", "emailaddress", "mail", "useremail")
FIRST = ("firstname", "first", "givenname", "forename")
LAST = ("lastname", "last", "surname", "familyname")
NAME = ("name", "fullname", "studentname", "displayname", "sortablename", "label", "student")
PARTICIPANTS = ("identifier", "participant", "participantnumber")
PARTICIPANT = re.compile(r"\D*(\d+)")  # Moodle's "Participant 12345", in any language
NOBODY = ("pointspossible", "studenttest", "teststudent")  # rows of Canvas' export that are no student


@dataclass(frozen=True)
class Person:
    """One of the class.

    id: the main one. name: for people. email, number, lms: e-mail, number at the school, id in the learning platform;
    empty where they are not known. ids: all that the list knows them by.
    """

    id: str
    name: str = ""
    first: str = ""
    last: str = ""
    email: str = ""
    number: str = ""
    lms: str = ""
    ids: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Roster:
    """The class. remarks: what is odd about the list, in sentences. columns: titles of those with ids."""

    people: tuple[Person, ...]
    remarks: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()

    @cached_property
    def by_id(self) -> dict[str, list[Person]]:
        """All whom an id belongs to, by `plain` ids; more than one where the list says so."""
        found = defaultdict[str, list[Person]](list)
        for person in self.people:
            for id in sorted({plain(id) for id in person.ids}):
                found[id].append(person)
        return dict(found)

    def find(self, student: str) -> Person | None:
        """Whom an id belongs to; None where that is nobody, or more than one."""
        found = self.by_id.get(plain(student), [])
        return found[0] if len(found) == 1 else None

    def labels(self, students: Iterable[str]) -> dict[str, str]:
        """Names for people, by student, of those that have one."""
        found = {student: self.find(student) for student in students}
        return {student: person.name for student, person in found.items() if person and person.name}

    def absent(self, students: Iterable[str]) -> list[Person]:
        """Those of the class who are none of these."""
        present = {person.id for person in map(self.find, students) if person}
        return [person for person in self.people if person.id not in present]

    def strangers(self, students: Iterable[str]) -> list[str]:
        """Those of these who are not in the class."""
        return [student for student in students if self.find(student) is None]


def compare(book: Gradebook, roster: Roster) -> list[str]:
    """What to tell: what is odd about the list, who of it handed in nothing, and who handed in and is not on it."""
    students = list(book.students())
    sentences = list(roster.remarks)
    if absent := roster.absent(students):
        sentences.append(
            f"{counted(len(absent), 'student')} of {len(roster.people)} handed in nothing: "
            f"{listed([person.name or person.id for person in absent])}."
        )
    if strangers := roster.strangers(students):
        sentences.append(
            f"{counted(len(strangers), 'student')} with submissions cannot be found in the list of the class: "
            f"{listed(strangers)}."
        )
        if len(strangers) == len(students):
            sentences.append(_nobody_known(roster, strangers[0]))
    several = defaultdict[str, list[str]](list)
    for student in students:
        if person := roster.find(student):
            several[person.id].append(student)
    for id, ids in several.items():
        if len(ids) > 1:
            sentences.append(f"{listed(ids)} are the same student in the list of the class, {listed([id])}.")
    return sentences


def _nobody_known(roster: Roster, student: str) -> str:
    """What to do where the list knows its people by other ids than the submissions."""
    columns = counted(len(roster.columns), "column")
    return (
        f"The list of the class knows its students by {columns}, {listed(roster.columns)}, such as "
        f"{listed(sorted(roster.people[0].ids))}; submissions have ids such as {listed([student])}. Add a column with "
        'these, called for instance "username".'
    )


def read_roster(path: str | Path) -> Roster:
    """The class in a CSV file, in any order of columns. Raises `ConvlabError` where no ids can be found in it."""
    sheet = read_sheet(Path(path))
    first = next(place for place, row in enumerate(sheet.rows) if any(map(str.strip, row)))
    columns = _columns(sheet.rows[first], sheet.name)
    people: dict[str, tuple[int, Person]] = {}
    remarks = []
    for line, row in enumerate(sheet.rows[first + 1 :], first + 2):
        person = _person(columns, row)
        if person is None:
            continue
        if not person.id:
            remarks.append(f"{sheet.name}: row {line} has no id ({listed([person.name])}), so it is left out.")
        elif plain(person.id) in people:
            before = people[plain(person.id)][0]
            remarks.append(f"{sheet.name}: row {line} has the id {listed([person.id])} of row {before}, which counts.")
        else:
            people[plain(person.id)] = line, person
    if not people:
        raise ConvlabError(f"{sheet.name} has no student in it: each needs a row with an id.")
    keys = _keys(columns)
    roster = Roster(tuple(person for _, person in people.values()))
    titles = tuple(sheet.rows[first][columns[key]] for key in keys)
    return Roster(roster.people, (*remarks, *_shared(roster, sheet.name)), titles)


def plain(id: str) -> str:
    """An id without what people and programs leave out or add: spaces around it, capitals."""
    return unicodedata.normalize("NFKC", id).strip().casefold()


def letters(title: str) -> str:
    """A title's letters and digits, in small letters.

    >>> letters("SIS User-ID")
    'sisuserid'
    """
    return "".join(c for c in unicodedata.normalize("NFKC", title).casefold() if c.isalnum())


def _columns(titles: list[str], name: str) -> dict[str, int]:
    """Places of the columns by what they are called; of two with the same title the first counts."""
    columns: dict[str, int] = {}
    for place, title in enumerate(titles):
        columns.setdefault(letters(title), place)
    if not columns.keys() & set(IDS):
        raise ConvlabError(
            f"{name} has no column with ids. Its first line must have titles such as id, name, email, but has "
            f"{listed(titles)}."
        )
    return columns


def _keys(columns: Collection[str]) -> list[str]:
    """The columns with ids, the main one first."""
    keys = [title for title in IDS if title in columns]
    return keys if keys == ["student"] else [title for title in keys if title != "student"]


def _person(columns: dict[str, int], row: list[str]) -> Person | None:
    """None for a row of nobody."""

    def cell(*titles: str) -> str:
        places = (columns[title] for title in titles if title in columns)
        return next(filter(None, (row[place].strip() for place in places if place < len(row))), "")

    keys = _keys(columns)
    ids = list(filter(None, map(cell, keys)))
    name = cell(*(title for title in NAME if title not in keys))
    first, last = cell(*FIRST), cell(*LAST)
    name = name or f"{first} {last}".strip()
    if letters(name) in NOBODY or not (ids or name):
        return None
    participant = PARTICIPANT.fullmatch(cell(*PARTICIPANTS))
    return Person(
        id=ids[0] if ids else "",
        name=name,
        first=first,
        last=last,
        email=cell(*EMAIL),
        number=cell(*NUMBERS),
        lms=cell(*PLATFORM),
        ids=frozenset([*ids, *([participant[1]] if participant else [])]),
    )


def _shared(roster: Roster, name: str) -> list[str]:
    """Sentences on ids that do not tell who is meant."""
    shared = sorted(id for id, people in roster.by_id.items() if len(people) > 1)
    return [f"{name}: more than one student has the id {listed(shared)}, which tells nobody apart."] if shared else []
