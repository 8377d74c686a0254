"""Moodle gets grades and feedback together, in its own worksheet or as an import that it can take as a whole."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convlab.errors import ConvlabError
from convlab.exercises import catalogue
from convlab.grading.book.entries import Score
from convlab.grading.book.gradebook import Gradebook
from convlab.grading.exchange.comments import advice_on, comment
from convlab.grading.exchange.moodle import as_html, fill_worksheet, write_moodle_import
from convlab.grading.exchange.roster import read_roster
from convlab.grading.records import Grade, Graded

PAD = "02_padding"
ENGLISH = """\ufeff\
Identifier,"Full name","Email address",Status,Grade,"Maximum grade","Grade can be changed",\
"Last modified (submission)","Last modified (grade)","Feedback comments"
"Participant 901","Alice Abe",alice@uni.edu,"Submitted for grading",,10.00,Yes,"Sunday, 1 November 2026, 9:05 AM",-,
"Participant 902","Bob, or =1+1",bob@uni.edu,"Submitted for grading",3.00,10.00,Yes,-,\
"Monday, 2 November 2026, 9:05 AM","<p>Well done, Bob</p>"
"Participant 903","Chen Lee",chen@uni.edu,"No submission",,10.00,No,-,-,
"Participant 904","Dima Novak",dima@uni.edu,"No submission",,10.00,Yes,-,-,
"""
GERMAN = """\
ID;"Vollständiger Name";E-Mail-Adresse;Status;Bewertung;Bestwertung;"Bewertung kann geändert werden";\
"Zuletzt geändert (Abgabe)";"Zuletzt geändert (Bewertung)";"Feedback als Kommentar"
Teilnehmer/in901;"Alice Abe";alice@uni.edu;"Zur Bewertung abgegeben";;10,00;Ja;"Sonntag, 1. November 2026, 09:05";-;
Teilnehmer/in902;"Bob Brown";bob@uni.edu;;3,00;10,00;Ja;-;-;
"""
MISTAKE = catalogue()["pad"].misconceptions[0]


def grade(points, of=10.0, misconception=MISTAKE.title, problem="pad"):
    return Grade(problem, points, of, "incorrect", misconception)


@pytest.fixture
def book():
    with Gradebook(":memory:") as found:
        yield found


@pytest.fixture
def fill(book, tmp_path):
    """Points by student, and a worksheet: the filled file's text, and what was told."""

    def run(points, worksheet=ENGLISH, name="worksheet.csv", of=10.0, **options):
        for student, value in points.items():
            book.add(Graded(student, PAD, "n", "d", (grade(value, of),)))
        (tmp_path / name).write_bytes(worksheet.encode())
        said = fill_worksheet(book, tmp_path / name, tmp_path / "out", **options)
        return (tmp_path / "out" / "moodle.csv").read_bytes().decode(), said

    return run


def rows(text, delimiter=","):
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=delimiter))


def test_grade_and_feedback_come_together_and_all_else_stays(fill):
    text, said = fill({"901": 7.5})
    _, alice, *others = rows(text)
    assert alice[4] == "7.5"
    assert alice[9].startswith(f"pad: 7.5 of 10 points. A known mistake: {MISTAKE.title}. ")
    assert alice[9].endswith("<br>Together 7.5 of 10 points.")
    alice[4] = alice[9] = ""
    assert [alice, *others] == rows(ENGLISH)[1:]
    assert text.split("\n", 2)[2] == ENGLISH.split("\n", 2)[2]
    assert said[0] == "02_padding: 1 row of Moodle's worksheet filled."
    assert "moodle.csv" in said[-1]


def test_students_are_found_by_e_mail_and_name_too(fill, tmp_path):
    (tmp_path / "roster.csv").write_text("id,name\ndima4,Novak Dima\n")
    roster = read_roster(tmp_path / "roster.csv")
    text, said = fill({"ALICE@uni.edu": 1, "dima4": 2, "nobody": 3}, roster=roster)
    assert [row[4] for row in rows(text)[1:]] == ["1", "3.00", "", "2"]
    assert any('1 student cannot be found in Moodle\'s worksheet: "nobody".' in sentence for sentence in said)


def test_other_comments_and_fixed_grades_stay(fill):
    text, said = fill({"902": 8, "903": 9})
    assert [row[4] for row in rows(text)[1:]] == ["", "8", "", ""]
    assert rows(text)[2][9] == "<p>Well done, Bob</p>"
    assert "1 other grade was there before." in said
    assert "1 comment of somebody else stayed in the place of ours." in said
    assert "1 grade cannot be changed, as Moodle says, and stayed as it was." in said


def test_our_own_comment_is_brought_up_to_date(fill, book, tmp_path):
    text, _ = fill({"901": 2})
    (tmp_path / "again.csv").write_bytes(text.encode())
    book.add(Graded("901", PAD, "n", "d2", (grade(9, misconception=""),)))
    fill_worksheet(book, tmp_path / "again.csv", tmp_path)
    assert rows((tmp_path / "moodle.csv").read_text(encoding="utf-8"))[1][9] == (
        "pad: 9 of 10 points.<br>Together 9 of 10 points."
    )


def test_points_are_scaled_to_moodles_maximum_and_never_above_it(fill):
    text, said = fill({"901": 4}, of=4.0)
    assert rows(text)[1][4] == "10"
    assert any("Moodle gives 10 points and the exercises 4" in sentence for sentence in said)
    assert rows(text)[1][9].startswith("pad: 4 of 4 points.")


def test_a_worksheet_in_another_language_is_read_by_its_columns(fill):
    text, _ = fill({"901": 7.5, "bob@uni.edu": 1}, GERMAN)
    _, alice, bob = rows(text, ";")
    assert (alice[4], bob[4]) == ("7,5", "1")
    assert alice[9].startswith("pad: 7.5 of 10")
    assert alice[:4] + alice[5:9] == rows(GERMAN, ";")[1][:4] + rows(GERMAN, ";")[1][5:9]


def test_without_names_the_numbers_do(fill):
    english = "Identifier,Status,Grade,Maximum Grade,Grade can be changed,Last modified (grade),Feedback comments\n"
    text, _ = fill({"901": 7}, english + "Participant 901,,,10.00,Yes,-,\n")
    assert rows(text)[1][2] == "7"


@pytest.mark.parametrize(
    ("worksheet", "said"),
    [
        ("a,b\n1,2\n", 'is no grading worksheet.*"Participant 12345"'),
        ("Name,Grade\nAlice,3\n", "is no grading worksheet"),
        ("Identifier,Grade\n", "is no grading worksheet"),
        (GERMAN.replace(';"Feedback als Kommentar"', "").replace(";-;\n", ";-\n"), "not English.*Set your language"),
        (GERMAN.replace(";10,00;", ";;"), "not English"),
        (ENGLISH.replace("Maximum grade", "Scale"), "graded by a scale"),
    ],
)
def test_what_is_not_clear_is_refused(fill, worksheet, said):
    with pytest.raises(ConvlabError, match=said):
        fill({"901": 7}, worksheet)


def test_a_worksheet_without_comments_gets_grades(fill):
    text, said = fill({"901": 7}, ENGLISH.replace('"Feedback comments"', '"Online text"'))
    assert rows(text)[1][4::5] == ["7", ""]
    assert any(sentence.startswith("There is no column for feedback") for sentence in said)


def test_the_lesson_is_told_or_in_the_name_of_the_file(fill, book):
    book.add(Graded("901", "03_stride", "n", "d", (grade(1, problem="strided_size"),)))
    assert rows(fill({"901": 7}, name="Grades-CNN-02 Padding-77.csv")[0])[1][4] == "7"
    assert rows(fill({}, name="w.csv", lesson="03_stride")[0])[1][4] == "1"
    with pytest.raises(ConvlabError, match='not clear for which lesson.*"02_padding", "03_stride"'):
        fill({}, name="w.csv")
    with pytest.raises(ConvlabError, match="nothing was graded for 'x'"):
        fill({}, name="w.csv", lesson="x")


# -- the gradebook's import


def imported(path):
    with open(path, encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def test_an_import_names_students_by_e_mail(book, tmp_path):
    (tmp_path / "roster.csv").write_text("id,name,email\nalice,Alice Abe,Alice@uni.edu\nbob,Bob,\n")
    for student in ("alice", "bob", "stranger"):
        book.add(Graded(student, PAD, "n", "d", (grade(7),)))
    said = write_moodle_import(book, tmp_path, roster=read_roster(tmp_path / "roster.csv"))
    titles, alice = imported(tmp_path / "moodle_02_padding.csv")
    assert titles == ["Email address", "Full name", "Grade", "Feedback"]
    assert alice[:3] == ["Alice@uni.edu", "Alice Abe", "7"]
    assert alice[3].endswith("Together 7 of 10 points.")
    assert '2 students left out, whose email address is not known or not their own: "bob", "stranger".' in said
    assert "the maximum grade has to be 10" in said[0]


def test_id_numbers_are_taken_where_more_are_known(book, tmp_path):
    (tmp_path / "roster.csv").write_text("username,name,id number,email\nal,Al,m1,\nbo,Bo,m2,bo@x.org\n")
    for student in ("al", "bo"):
        book.add(Graded(student, PAD, "n", "d", (grade(7),)))
    write_moodle_import(book, tmp_path, roster=read_roster(tmp_path / "roster.csv"))
    assert [row[0] for row in imported(tmp_path / "moodle_02_padding.csv")] == ["ID number", "m1", "m2"]


def test_without_a_list_the_ids_are_taken(book, tmp_path):
    book.add(Graded("=al", PAD, "n", "d", (grade(7),)))
    book.add(Graded("bo", "03_stride", "n", "d", (grade(2, problem="strided_size"),)))
    said = write_moodle_import(book, tmp_path)
    assert imported(tmp_path / "moodle_02_padding.csv")[1][0] == "'=al"
    assert imported(tmp_path / "moodle_03_stride.csv")[1][:3] == ["bo", "", "2"]
    assert "what the ids are in Moodle" in said[-1]


def test_a_list_of_nothing_but_ids_gives_these(book, tmp_path):
    (tmp_path / "roster.csv").write_text("login,name\nAL,Al Abe\nbo,Bo\n")
    for student in ("al", "bo", "stranger"):
        book.add(Graded(student, PAD, "n", "d", (grade(7),)))
    said = write_moodle_import(book, tmp_path, roster=read_roster(tmp_path / "roster.csv"))
    titles, *rows = imported(tmp_path / "moodle_02_padding.csv")
    assert titles[0] == "Id"
    assert [row[:3] for row in rows] == [["AL", "Al Abe", "7"], ["bo", "Bo", "7"]]
    assert '1 student left out, whose id is not known or not their own: "stranger".' in said
    assert 'Map "Id" to what the ids are in Moodle' in said[-1]


def test_two_with_one_address_are_left_out(book, tmp_path):
    (tmp_path / "roster.csv").write_text("id,email\nal,al@x.org\n")
    for student in ("al", "al@x.org"):
        book.add(Graded(student, PAD, "n", "d", (grade(7),)))
    write_moodle_import(book, tmp_path, roster=read_roster(tmp_path / "roster.csv"))
    assert len(imported(tmp_path / "moodle_02_padding.csv")) == 1


def test_nothing_graded_is_told(book, tmp_path):
    with pytest.raises(ConvlabError, match="nothing has been graded yet"):
        write_moodle_import(book, tmp_path)


# -- the words


def test_comments_name_points_mistakes_and_lateness(book):
    book.add(Graded("901", PAD, "n", "d", (grade(1, 3), Grade("padded_size", 0, 3, "not attempted"))))
    (score,) = book.scores("901", lost=lambda entry: 0.25)
    size, pad, late, together = comment(score)  # in the course's order
    assert pad == f"pad: 1 of 3 points. A known mistake: {MISTAKE.title}. {advice_on('pad', MISTAKE.title)}"
    assert size == "padded_size: 0 of 3 points. Not attempted."
    assert (late, together) == ("Late: 0.5 points less.", "Together 0.5 of 6 points.")


@pytest.mark.parametrize("problem", catalogue().values(), ids=lambda problem: problem.id)
def test_every_known_mistake_has_advice_without_marks(problem):
    for mistake in problem.misconceptions:
        said = advice_on(problem.id, mistake.title)
        assert said, mistake.explanation
        assert mistake.explanation.replace("`", "").replace("**", "").endswith(said)
        assert "`" not in said


@given(st.text(), st.text())
def test_no_markup_reaches_moodle(problem, title):
    with Gradebook(":memory:") as book:
        book.add(Graded("a", PAD, "n", "d", (Grade(problem, 1, 2, "incorrect", title),)))
        (score,) = book.scores("a")
    assert isinstance(score, Score)
    text = as_html(score).replace("<br>", "")
    assert not set(text) & set("<>\"'")
