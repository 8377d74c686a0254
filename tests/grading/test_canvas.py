"""A teacher's own export of Canvas is filled in the right cells, and in no others."""

import csv
import io
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convlab.errors import ConvlabError
from convlab.grading.book.gradebook import Gradebook
from convlab.grading.exchange.canvas import fill_canvas
from convlab.grading.exchange.roster import read_roster
from convlab.grading.records import Grade, Graded

EXPORT = """\
Student,ID,SIS User ID,SIS Login ID,Section,Notes,Padding (12),Quiz (13),Labs Current Score,Final Score
,,,,,,Manual Posting,,,
    Points Possible,,,,,,10.00,5.00,(read only),(read only)
"Abe, Alice",40007,m1,alice@uni.edu,"One, and two",x,,1.00,"99.5",A
"Brown, Bob",40014,m2,bob@uni.edu,Two,,3.00,2.00,,
"Chen, =1+1",40021,m3,chen@uni.edu,Two,,EX,,,
"Dima, D",40028,m4,dima@uni.edu,Two,,N/A,,,
"Student, Test",40035,,f00,Two,,,,,
"""


def grades(points, of=10.0):
    return (Grade("pad", points, of, "incorrect", "a mistake"),)


@pytest.fixture
def book():
    with Gradebook(":memory:") as found:
        yield found


@pytest.fixture
def fill(book, tmp_path):
    """Grades by student and lesson, and an export: the filled file's rows by ID, and what was told."""

    def run(points, export=EXPORT, of=10.0, encoding="utf-8", **options):
        for (student, lesson), value in points.items():
            one = Grade(f"pad{lesson}", value, of, "incorrect")
            book.add(Graded(student, lesson, "n", "d", (one,)))
        path = tmp_path / "export.csv"
        path.write_bytes(export.encode(encoding))
        said = fill_canvas(book, path, tmp_path / "out", **options)
        return (tmp_path / "out" / "canvas.csv").read_bytes(), said

    return run


def column(content, place=6, delimiter=","):
    """Cells of a column by ID."""
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=delimiter))
    return {row[1]: row[place] for row in rows[2:] if len(row) > place}


PAD = "02_padding"


def test_scores_go_to_their_students_and_everything_else_stays(fill):
    content, said = fill({("40007", PAD): 7.456, ("40014", PAD): 8})
    expected = EXPORT.replace('"One, and two",x,,', '"One, and two",x,7.46,').replace("Two,,3.00,", "Two,,8,")
    assert content == expected.encode()
    assert said[0] == '02_padding: 2 cells of "Padding (12)" filled.'
    assert said[1] == "02_padding: 1 other grade was there before."
    assert said[2] == "2 students of Canvas handed in nothing here; their cells stay as they are."
    assert said[-1].startswith("Import ")


def test_all_kinds_of_ids_are_known(fill):
    content, _ = fill({("ALICE@uni.edu", PAD): 1, ("m2", PAD): 2})
    assert (column(content)["40007"], column(content)["40014"]) == ("1", "2")


def test_the_list_of_the_class_helps(fill, tmp_path):
    (tmp_path / "roster.csv").write_text("id,name,lms_user_id\nally,Ally,40007\nbobby,Bob Brown,\n")
    roster = read_roster(tmp_path / "roster.csv")
    content, said = fill({("ally", PAD): 1, ("bobby", PAD): 2, ("nobody", PAD): 3}, roster=roster)
    assert (column(content)["40007"], column(content)["40014"]) == ("1", "2")
    assert any(sentence.startswith('1 student cannot be found in the export of Canvas: "nobody".') for sentence in said)


def test_excused_unassigned_and_test_students_are_left_alone(fill):
    content, said = fill({("40021", PAD): 1, ("40028", PAD): 2, ("40035", PAD): 3})
    assert content == EXPORT.encode()
    assert "02_padding: 2 cells with EX or N/A left as in Canvas." in said


def test_other_possible_points_scale_the_scores_and_that_is_told(fill):
    content, said = fill({("40007", PAD): 3}, of=4.0)
    assert column(content)["40007"] == "7.5"
    assert any("Canvas gives 10 points and the exercises 4, so the points were multiplied by 2.5." in s for s in said)


def test_late_points_are_gone_and_the_best_attempt_counts(fill, book):
    book.add(Graded("40007", PAD, "n", "before", (Grade(f"pad{PAD}", 9, 10.0, "correct"),)))
    content, _ = fill({("40007", PAD): 4}, best=True, lost=lambda entry: 1.0)
    assert column(content)["40007"] == "8"


@pytest.mark.parametrize("title", ["Padding", "02_padding", "2. PADDING!", "02 Padding", "padding", "Padding (new)"])
def test_columns_are_found_by_the_lessons_name(fill, title):
    export = EXPORT.replace("Padding (12)", f"{title} (12)")
    if title == "Padding (new)":
        with pytest.raises(ConvlabError, match=r'no column was found for "02_padding"'):
            fill({("40007", PAD): 3}, export)
    else:
        assert column(fill({("40007", PAD): 3}, export)[0])["40007"] == "3"


@pytest.mark.parametrize("given", ["Quiz", "Quiz (13)", "13"])
def test_a_column_can_be_named(fill, given):
    content, _ = fill({("40007", PAD): 3, ("40007", "03_stride"): 4}, columns={PAD: given})
    assert column(content, 7)["40007"] == "1.5"
    assert column(content)["40007"] == ""


def test_each_lesson_has_its_column_and_those_without_are_told(fill):
    content, said = fill({("40007", "03_quiz"): 10, ("40007", PAD): 3, ("40007", "04_channels"): 5})
    assert (column(content)["40007"], column(content, 7)["40007"]) == ("3", "5")
    assert any(
        s
        == 'Left out, because no column was found for "04_channels". The assignments are: "Padding (12)", "Quiz (13)".'
        for s in said
    )


@pytest.mark.parametrize(
    ("export", "options", "said"),
    [
        (EXPORT.replace("Padding (12)", "Border (12)"), {}, 'no column was found.*are: "Border .12.", "Quiz .13."'),
        (EXPORT.replace("Padding (12)", "Padding"), {}, 'no column was found.*are: "Quiz .13."'),  # no assignment's
        (EXPORT.replace("Quiz (13)", "02 Padding (13)"), {}, 'more than one.*"Padding .12.", "02 Padding .13."'),
        (EXPORT.replace("Quiz (13)", "Padding (12)"), {}, "more than one column"),
        (EXPORT, {"columns": {PAD: "Nowhere"}}, "no column was found"),
        (EXPORT, {"columns": {"09_none": "Quiz"}}, "nothing was graded for '09_none', but for \"02_padding\""),
        (EXPORT.replace("10.00", "(läs endast)"), {}, "no column was found"),  # cannot be changed
        ("Student;Grade\nx;y\n", {}, 'is no export of Canvas\' gradebook.*has "Student", "Grade"'),
    ],
)
def test_a_column_that_is_not_clear_is_refused(fill, tmp_path, export, options, said):
    with pytest.raises(ConvlabError, match=said):
        fill({("40007", PAD): 3}, export, **options)
    assert not (tmp_path / "out" / "canvas.csv").exists()


def test_totals_are_no_assignments(fill):
    export = EXPORT.replace("Quiz (13)", "Current Score (2026)").replace("5.00,", ",")
    with pytest.raises(ConvlabError, match=r'The assignments are: "Padding \(12\)"\.'):
        fill({("40007", "01_current_score"): 3}, export)


def test_an_empty_gradebook_is_told(fill):
    with pytest.raises(ConvlabError, match="nothing has been graded yet"):
        fill({})


@pytest.mark.parametrize(
    ("export", "delimiter", "expected"),
    [
        (re.sub(r"(\d+)\.00", r'"\1,00"', EXPORT), ",", b',x,"7,5","1,00",'),
        (EXPORT.replace(",", ";").replace(".", ","), ";", b";x;7,5;1,00;"),
        (EXPORT.replace(",", ";").replace("10.00", "10").replace(".00", ""), ";", b";x;7,5;1;"),
        (EXPORT.replace(",", ";"), ";", b";x;7.5;1.00;"),
        (EXPORT.replace(",", "\t"), "\t", b"\tx\t7.5\t1.00\t"),
    ],
)
def test_numbers_are_written_as_the_file_writes_them(fill, export, delimiter, expected):
    export = "\ufeff" + export.replace("\n", "\r\n")
    content, _ = fill({("40007", PAD): 7.5}, export)
    assert expected in content
    assert content.startswith(b"\xef\xbb\xbfStudent")
    assert content.count(b"\r\n") == export.count("\r\n")


def test_first_and_last_names_may_have_columns_of_their_own(fill):
    export = EXPORT.replace("Student,ID", "LastName,FirstName,ID").replace("Abe, Alice", 'Abe","Alice')
    export = export.replace(",,,,,,Man", ",,,,,,,Man").replace("Possible,", "Possible,,").replace(", ", '","')
    content, _ = fill({("40007", PAD): 3, ("40035", PAD): 3}, export.replace('"One","and two"', "One"))
    assert b"Abe,Alice" not in content
    assert content.count(b",3,") == 1


NOBODY = ("studenttest", "teststudent", "pointspossible")
cells = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
names = cells.filter(lambda name: "".join(c for c in name.casefold() if c.isalnum()) not in NOBODY)


@settings(deadline=None)
@given(st.lists(st.tuples(names, cells, st.integers(-3, 10)), min_size=1, max_size=6), st.sampled_from(",;\t"))
def test_whatever_names_and_cells_there_are_only_the_scores_change(tmp_path_factory, students, delimiter):
    def quoted(*row):
        return delimiter.join('"' + cell.replace('"', '""') + '"' for cell in row)

    head = quoted("Student", "ID", "SIS Login ID", "Section", "Padding (12)", "Quiz (13)") + "\r\n"
    head += quoted("    Points Possible", "", "", "", "10", "5") + "\r\n"
    export = expected = head
    folder = tmp_path_factory.mktemp("canvas")
    with Gradebook(":memory:") as book:
        book.add(Graded("somebody else", PAD, "n", "d", grades(1.0)))
        for place, (name, cell, points) in enumerate(students):
            before, after = quoted(name, str(70 + place), f"at {name}", cell), quoted(cell)
            export += f'{before}{delimiter}""{delimiter}{after}\r\n'
            grade = str(points) if points >= 0 else '""'
            expected += f"{before}{delimiter}{grade}{delimiter}{after}\r\n"
            if points >= 0:
                book.add(Graded(str(70 + place), PAD, "n", "d", grades(points)))
        (folder / "export.csv").write_bytes(export.encode())
        fill_canvas(book, folder / "export.csv", folder)
    assert (folder / "canvas.csv").read_bytes() == expected.encode()
