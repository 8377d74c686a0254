"""A teacher's list tells who a student is, whatever its columns are called, and never guesses."""

import doctest

import pytest

from convlab.errors import ConvlabError
from convlab.grading.book.gradebook import Gradebook
from convlab.grading.exchange import roster as module
from convlab.grading.exchange.matching import Table
from convlab.grading.exchange.roster import compare, read_roster
from convlab.grading.records import Grade, Graded

NBGRADER = """id,first_name,last_name,email,lms_user_id
alice,Alice,Abe,alice@uni.edu,40007
bob,Bob,"Brown, Jr.",bob@uni.edu,40014
"""
CANVAS = """Student,ID,SIS User ID,SIS Login ID,Section,Padding (12)
    Points Possible,,,,,10
"Abe, Alice",40007,m1,alice@uni.edu,1,
"Brown, Bob",40014,m2,bob@uni.edu,1,
"Student, Test",40021,,x,1,
"""


def read(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "roster.csv"
    path.write_bytes(text.encode(encoding))
    return read_roster(path)


def test_nbgraders_list_is_read(tmp_path):
    alice, bob = read(tmp_path, NBGRADER).people
    assert (alice.id, alice.name, alice.first, alice.last) == ("alice", "Alice Abe", "Alice", "Abe")
    assert (bob.last, bob.email, bob.lms) == ("Brown, Jr.", "bob@uni.edu", "40014")


def test_one_student_is_found_by_every_id(tmp_path):
    roster = read(tmp_path, NBGRADER)
    for id in ("alice", "ALICE ", "40007", "Alice@uni.edu"):
        assert roster.find(id) is roster.people[0]
    assert roster.find("carol") is None
    assert roster.labels(["40007", "carol"]) == {"40007": "Alice Abe"}


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_order_capitals_delimiters_and_marks_do_not_matter(tmp_path, delimiter, encoding):
    text = "E-Mail Address;NAME;Sis-ID;Room\r\nzoe@uni.edu;Zoë Lee;m9;1\r\n".replace(";", delimiter)
    (zoe,) = read(tmp_path, text, encoding).people
    assert (zoe.id, zoe.name, zoe.email, zoe.number) == ("m9", "Zoë Lee", "zoe@uni.edu", "m9")


def test_the_export_of_canvas_is_a_list_of_the_class(tmp_path):
    roster = read(tmp_path, CANVAS)
    assert [(person.id, person.name) for person in roster.people] == [
        ("40007", "Abe, Alice"),
        ("40014", "Brown, Bob"),
    ]
    assert roster.find("m2") == roster.find("bob@uni.edu") == roster.people[1]
    assert roster.remarks == ()


def test_moodles_worksheet_is_one_too(tmp_path):
    roster = read(tmp_path, "Identifier,Full name,Email address\nParticipant 901,Zoë Lee,zoe@uni.edu\n")
    (zoe,) = roster.people
    assert (zoe.id, zoe.name) == ("zoe@uni.edu", "Zoë Lee")
    assert roster.find("901") is zoe


def test_a_column_called_student_is_an_id_only_where_no_other_is(tmp_path):
    assert read(tmp_path, "student,label\nalice,Alice Abe\n").people[0].name == "Alice Abe"
    (alice,) = read(tmp_path, "Student,login\nAlice Abe,alice\n").people
    assert (alice.id, alice.name) == ("alice", "Alice Abe")


def test_what_is_odd_is_told(tmp_path):
    text = "id,name,email\nalice,Alice,a@x.org\n,Nameless,\nALICE,Alicia,b@x.org\nbob,Bob,A@x.org\n\n,,\n"
    roster = read(tmp_path, text)
    assert [person.id for person in roster.people] == ["alice", "bob"]
    missing, repeated, shared = roster.remarks
    assert 'row 3 has no id ("Nameless")' in missing
    assert 'row 4 has the id "ALICE" of row 2, which counts' in repeated
    assert '"a@x.org", which tells nobody apart' in shared
    assert roster.find("a@x.org") is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("first,last\nAda,Lee\n", 'no column with ids.*has "first", "last"'),
        ("ada,Ada Lee\n", "no column with ids"),
        ("id,name\n,\n", "has no student in it"),
        ("", "is empty"),
    ],
)
def test_a_list_without_ids_is_refused(tmp_path, text, said):
    with pytest.raises(ConvlabError, match=said):
        read(tmp_path, text)


def test_a_short_row_is_no_trouble(tmp_path):
    assert [person.id for person in read(tmp_path, "id,name,email\nalice\nbob,Bob\n").people] == ["alice", "bob"]


def test_a_class_is_compared_with_its_submissions(tmp_path):
    roster = read(tmp_path, NBGRADER + "zoe,Zoë,Lee,,\n")
    with Gradebook(":memory:") as book:
        for student in ("alice", "40007", "stranger"):
            book.add(Graded(student, "02_padding", "n", "d", (Grade("pad", 1, 3, "incorrect"),)))
        absent, strangers, twice = compare(book, roster)
    assert absent == '2 students of 3 handed in nothing: "Bob Brown, Jr.", "Zoë Lee".'
    assert strangers == '1 student with submissions cannot be found in the list of the class: "stranger".'
    assert twice.startswith('"40007", "alice" are the same student')


def test_a_list_that_knows_nobody_says_by_what_it_knows_its_people(tmp_path):
    roster = read(tmp_path, "Name,E-Mail,Matriculation number\nAda Lee,ada@x.org,40001\nBo,bo@x.org,40002\n")
    with Gradebook(":memory:") as book:
        book.add(Graded("alee", "02_padding", "n", "d", (Grade("pad", 1, 3, "incorrect"),)))
        *_, told = compare(book, roster)
        assert 'by 2 columns, "Matriculation number", "E-Mail", such as "40001", "ada@x.org";' in told
        assert 'submissions have ids such as "alee". Add a column with these' in told
        book.add(Graded("40002", "02_padding", "n", "d", (Grade("pad", 1, 3, "incorrect"),)))
        assert told not in compare(book, roster)


# -- rows of a platform's table


def match(students, ids, names=(), roster=None):
    table = Table([dict(enumerate(column)) for column in ids], dict(enumerate(names)), roster)
    found = table.match(students)
    return found.rows, found.missing, found.ambiguous


def test_students_are_found_by_any_column(tmp_path):
    assert match(["7", "BOB", "x"], [["7", "8"], ["ann", "bob"]]) == ({"7": 0, "BOB": 1}, ["x"], [])


def test_a_number_of_one_system_is_no_number_of_another():
    ids, logins = ["7", "8", "9"], ["x", "7", "y"]
    assert match(["7", "8"], [ids, logins]) == ({"7": 0, "8": 1}, [], [])  # all are found in the first column
    assert match(["7"], [ids, logins]) == ({}, [], ["7"])
    assert match(["7", "8", "y"], [ids, logins]) == ({"8": 1, "y": 2}, [], ["7"])


def test_two_students_never_get_the_same_row():
    assert match(["7", "ann", "8"], [["7", "8"], ["ann", "bob"]]) == ({"8": 1}, [], ["7", "ann"])


def test_the_list_of_the_class_leads_to_other_ids_and_names(tmp_path):
    roster = read(tmp_path, NBGRADER)
    assert match(["alice"], [["40014", "40007"]], roster=roster) == ({"alice": 1}, [], [])
    assert match(["alice"], [["1", "2"]], ["Abe, Alice", "Brown, Bob"], roster) == ({"alice": 0}, [], [])
    assert match(["alice"], [["1", "2"]], ["Abe, Alice", "Alice Abe"], roster) == ({}, [], ["alice"])


def test_a_name_that_two_of_the_class_have_is_never_guessed(tmp_path):
    roster = read(tmp_path, "id,name\nann1,Ann Lee\nann2,Ann Lee\n")
    assert match(["ann1"], [["1"]], ["Lee, Ann"], roster) == ({}, ["ann1"], [])


def test_the_examples_in_docstrings_are_true():
    assert doctest.testmod(module).failed == 0
