"""Scores arrive in nbgrader's own gradebook, and everything that nbgrader does with them goes on."""

import csv
import json
import shutil
import sqlite3
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convlab.errors import ConvlabError
from convlab.exercises import catalogue
from convlab.grading.book.gradebook import Gradebook
from convlab.grading.exchange import nbgrader_course
from convlab.grading.exchange.autograded import Release, ReleasedCell, autograded, digest_of, released
from convlab.grading.exchange.nbgrader import put_scores, write_nbgrader_csv
from convlab.grading.exchange.roster import read_roster
from convlab.grading.records import Grade, Graded
from tests.grading import make

api = pytest.importorskip("nbgrader.api", reason="nbgrader is not installed")
nbformat = pytest.importorskip("nbformat")

LESSON = "02_padding"
PROBLEMS = [problem for problem in catalogue().values() if problem.lesson == LESSON]
MISTAKE = PROBLEMS[0].misconceptions[0]
DUE = datetime(2026, 11, 1, 12, tzinfo=UTC)
CONFIG = "c = get_config()\nc.CourseDirectory.course_id = 'convlab'\n"
WRITTEN = {"schema_version": 3, "grade": True, "solution": True, "locked": False, "grade_id": "why", "points": 2}


def nbgrader_api(course, *options):
    """nbgrader's own interface to all that its commands and formgrader do, in a course's folder."""
    from nbgrader.apps import NbGrader
    from nbgrader.apps.api import NbGraderAPI

    app = NbGrader()
    app.load_cwd_config = False
    app.initialize([f"--course-dir={course}", "--log-level=CRITICAL", *options])
    return NbGraderAPI(app.coursedir, parent=app)


@pytest.fixture(scope="module")
def released_course(tmp_path_factory):
    """A course that gave out our exercises and a question to be answered in words."""
    folder = tmp_path_factory.mktemp("courses") / "course"
    source = folder / "source" / LESSON
    source.mkdir(parents=True)
    (folder / "nbgrader_config.py").write_text(CONFIG)
    notebook = nbformat.read(make.ROOT / "solutions" / f"{LESSON}.ipynb", as_version=4)
    notebook.cells.append(nbformat.v4.new_markdown_cell("Why?", metadata={"nbgrader": WRITTEN}))
    nbformat.write(notebook, source / f"{LESSON}.ipynb")
    told = nbgrader_api(folder).generate_assignment(LESSON)
    assert told["success"], told["log"]
    return folder


@pytest.fixture
def course(released_course, tmp_path):
    return shutil.copytree(released_course, tmp_path / "course")


@pytest.fixture
def book():
    with Gradebook(":memory:") as found:
        yield found


def hand_in(course, student, name=f"{LESSON}.ipynb", why=None, when=DUE, change=None):
    """Put a notebook into submitted/, as nbgrader collects it; returns its digest."""
    notebook = nbformat.read(course / "release" / LESSON / f"{LESSON}.ipynb", as_version=4)
    notebook.cells[-1].source = why or notebook.cells[-1].source
    if change:
        change(notebook)
    folder = course / "submitted" / student / LESSON
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    content = nbformat.writes(notebook).encode()
    (folder / name).write_bytes(content)
    if when:
        (folder / "timestamp.txt").write_text(f"{when:%Y-%m-%d %H:%M:%S.%f UTC}\n")
    return sha256(content).hexdigest()


def graded(student, digest="d", points=(3, 1, 0, 4), when=DUE, version="v1"):
    verdicts = [
        "correct" if one == problem.points else "incorrect" for one, problem in zip(points, PROBLEMS, strict=True)
    ]
    grades = [
        Grade(
            problem.id, one, problem.points, verdict, MISTAKE.title, 0.1, version, f"<p>About {problem.id}: wrong</p>"
        )
        for problem, one, verdict in zip(PROBLEMS, points, verdicts, strict=True)
    ]
    return Graded(student, LESSON, "n.ipynb", digest, tuple(grades), when)


def theirs(course):
    return api.Gradebook(f"sqlite:///{course / 'gradebook.db'}", "convlab")


def scores(course, student, assignment=LESSON):
    """nbgrader's automatic scores of a student by cell."""
    with theirs(course) as gradebook:
        submission = gradebook.find_submission(assignment, student)
        return {grade.name: grade.auto_score for notebook in submission.notebooks for grade in notebook.grades}


def everything(course):
    """All rows of nbgrader's gradebook, and all files of the course."""
    with closing(sqlite3.connect(course / "gradebook.db")) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = {name: sorted(map(repr, connection.execute(f'SELECT * FROM "{name}"'))) for name in tables}
    files = {path: path.read_bytes() for path in course.rglob("*") if path.is_file() and path.suffix != ".db"}
    return rows, files


# -- scores


def test_scores_arrive_and_all_of_nbgrader_goes_on(course, book, tmp_path):
    digest = hand_in(course, "alice", why="Because.", when=DUE + timedelta(hours=1))
    book.add(graded("alice", digest))
    book.add(graded("bob", hand_in(course, "bob"), points=(3, 3, 3, 4)))
    said = put_scores(book, course)
    assert said == [f"Scores of 2 submissions put into {course / 'gradebook.db'}.", "2 students were added to it."]
    expected = {"padded_size-check": 3, "same_padding-check": 1, "pad-check": 0, "padded_correlation-check": 4}
    assert scores(course, "alice") == expected | {"why": None}

    commands = nbgrader_api(course)
    rows = {row["student"]: row for row in commands.get_submissions(LESSON)}
    assert (rows["alice"]["score"], rows["bob"]["score"], rows["bob"]["max_score"]) == (8, 13, 15)
    assert rows["alice"]["timestamp"] == "2026-11-01T13:00:00"
    assert all(row["autograded"] for row in rows.values())
    assert rows["alice"]["needs_manual_grade"]
    assert not rows["bob"]["needs_manual_grade"]  # nothing was answered in words
    shown = {row["student"]: row for row in commands.get_notebook_submissions(LESSON, LESSON)}
    assert set(shown) == {"alice", "bob"}
    assert (shown["alice"]["failed_tests"], shown["bob"]["failed_tests"]) == (True, False)

    told = commands.generate_feedback(LESSON)
    assert told["success"], told["log"]
    html = (course / "feedback" / "alice" / LESSON / f"{LESSON}.html").read_text(encoding="utf-8")
    assert "<p>About pad: wrong</p>" in html
    assert "(Score: 8.0 / 15.0)" in html


def test_nbgraders_exporter_has_the_scores_and_ours_the_same(course, book, tmp_path, monkeypatch):
    from nbgrader.plugins import CsvExportPlugin

    due = DUE - timedelta(hours=30)
    book.add(graded("alice", hand_in(course, "alice")))
    book.add(graded("bob", hand_in(course, "bob"), points=(3, 3, 3, 4)))
    with theirs(course) as gradebook:
        gradebook.update_or_create_assignment(LESSON, duedate=due)
        gradebook.add_student("carol", first_name="Carol", last_name="Lee")
        gradebook.add_student("alice", first_name="Ada", last_name="Abe", email="a@x.org")
    put_scores(book, course, lost=lambda entry: 0.5)
    with theirs(course) as gradebook:
        CsvExportPlugin(to=str(tmp_path / "theirs.csv")).export(gradebook)
    (tmp_path / "roster.csv").write_text(
        "id,first_name,last_name,email\nalice,Ada,Abe,a@x.org\ncarol,Carol,Lee,\nbob,,,\n"
    )
    roster = read_roster(tmp_path / "roster.csv")
    said = write_nbgrader_csv(book, tmp_path / "ours.csv", roster=roster, due={LESSON: due}, lost=lambda entry: 0.5)
    assert said[0].endswith("3 rows, as nbgrader export writes them.")
    texts = [(tmp_path / name).read_text(encoding="utf-8-sig") for name in ("theirs.csv", "ours.csv")]
    files = [list(csv.DictReader(text.splitlines())) for text in texts]
    for row in files[0]:  # the question in words is nbgrader's alone
        row["max_score"] = str(float(row["max_score"]) - 2)
    numbers = ("raw_score", "late_submission_penalty", "score", "max_score")
    told, ours = ({row["student_id"]: row for row in rows} for rows in files)
    assert list(files[0][0]) == list(files[1][0])
    for student in ("alice", "bob", "carol"):
        assert [float(told[student][key]) for key in numbers] == [float(ours[student][key]) for key in numbers]
        assert {k: v for k, v in told[student].items() if k not in numbers} == {
            k: v for k, v in ours[student].items() if k not in numbers
        }


def test_putting_twice_changes_nothing(course, book):
    book.add(graded("alice", hand_in(course, "alice", why="Because.")))
    book.add(graded("zip only"))
    put_scores(book, course)
    before = everything(course)
    put_scores(book, course)
    assert everything(course) == before


def test_a_regrade_replaces_automatic_scores_only(course, book):
    book.add(graded("alice", hand_in(course, "alice", why="Because.")))
    put_scores(book, course)
    with theirs(course) as gradebook:
        by_hand = gradebook.find_grade("pad-check", LESSON, LESSON, "alice")
        by_hand.manual_score, by_hand.extra_credit = 2, 0.5
        why = gradebook.find_grade("why", LESSON, LESSON, "alice")
        why.manual_score, why.needs_manual_grade = 1.5, False
        gradebook.find_comment("pad", LESSON, LESSON, "alice").manual_comment = "Nearly."
        gradebook.db.commit()
    put_scores(book, course)
    book.add(graded("alice", book.submissions("alice")[0].digest, points=(1, 1, 3, 4), version="v2"))
    said = put_scores(book, course)
    assert any(sentence.startswith("1 check has a mark by hand, which stays") for sentence in said)
    with theirs(course) as gradebook:
        grade = gradebook.find_grade("pad-check", LESSON, LESSON, "alice")
        assert (grade.auto_score, grade.manual_score, grade.extra_credit, grade.score) == (3, 2, 0.5, 2.5)
        assert grade.needs_manual_grade
        why = gradebook.find_grade("why", LESSON, LESSON, "alice")
        assert (why.auto_score, why.manual_score, why.needs_manual_grade) == (None, 1.5, False)
        assert gradebook.find_comment("pad", LESSON, LESSON, "alice").comment == "Nearly."
        assert gradebook.find_submission(LESSON, "alice").score == 1 + 1 + 2.5 + 4 + 1.5
        grade.needs_manual_grade = False  # somebody has looked at it
        gradebook.db.commit()
    put_scores(book, course)
    with theirs(course) as gradebook:
        assert not gradebook.find_grade("pad-check", LESSON, LESSON, "alice").needs_manual_grade


def test_a_new_submission_is_marked_anew(course, book):
    book.add(graded("alice", hand_in(course, "alice", why="Because.")))
    put_scores(book, course)
    with theirs(course) as gradebook:
        why = gradebook.find_grade("why", LESSON, LESSON, "alice")
        why.manual_score, why.needs_manual_grade = 1.5, False
        gradebook.db.commit()
    later = DUE + timedelta(days=1)
    book.add(graded("alice", hand_in(course, "alice", why="In other words.", when=later), when=later))
    put_scores(book, course)
    with theirs(course) as gradebook:
        assert gradebook.find_grade("why", LESSON, LESSON, "alice").needs_manual_grade
        assert gradebook.find_submission(LESSON, "alice").timestamp == later.replace(tzinfo=None)
    assert "In other words." in autograded_file(course, "alice").read_text(encoding="utf-8")
    book.add(graded("alice", hand_in(course, "alice", when=later), when=later))  # without an answer, but with a mark
    put_scores(book, course)
    with theirs(course) as gradebook:
        why = gradebook.find_grade("why", LESSON, LESSON, "alice")
        assert (why.auto_score, why.manual_score, why.needs_manual_grade) == (0, 1.5, True)
        assert gradebook.find_comment("why", LESSON, LESSON, "alice").comment == "No response."


def test_the_best_attempt_may_count(course, book):
    book.add(graded("alice", "first", points=(3, 3, 0, 0)))
    book.add(graded("alice", hand_in(course, "alice"), points=(0, 0, 3, 4), version="v2"))
    put_scores(book, course)
    assert scores(course, "alice")["padded_size-check"] == 0
    put_scores(book, course, best=True)
    assert scores(course, "alice")["padded_size-check"] == 3
    assert "padded_size: 3 of 3 points." in autograded_file(course, "alice").read_text(encoding="utf-8")


def test_other_points_in_the_course_scale_ours(course, book):
    with theirs(course) as gradebook:
        gradebook.find_grade_cell("pad-check", LESSON, LESSON).max_score = 6
        gradebook.db.commit()
    book.add(graded("alice", points=(3, 1, 2, 4)))
    said = put_scores(book, course)
    assert scores(course, "alice")["pad-check"] == 4
    assert "pad-check has 6 points in nbgrader, so ours were scaled." in said


# -- lateness


def penalty(course, student):
    with theirs(course) as gradebook:
        return gradebook.find_submission(LESSON, student).late_submission_penalty


def test_our_penalty_is_nbgraders_and_never_more_than_the_score(course, book):
    book.add(graded("alice", points=(3, 3, 0, 0)))
    put_scores(book, course, lost=lambda entry: entry.grade.points / 4)
    assert penalty(course, "alice") == 1.5
    put_scores(book, course, lost=lambda entry: 100.0)
    assert penalty(course, "alice") == 6
    put_scores(book, course, lost=lambda entry: 0.0)
    assert penalty(course, "alice") == 0


def test_without_ours_the_courses_own_rule_holds(course, book):
    (course / "late.py").write_text(
        "from nbgrader.plugins import LateSubmissionPlugin\n"
        "class Hourly(LateSubmissionPlugin):\n"
        "    def late_submission_penalty(self, student_id, score, total_seconds_late):\n"
        "        return total_seconds_late / 3600\n"
    )
    (course / "nbgrader_config.py").write_text(CONFIG + "c.AssignLatePenalties.plugin_class = 'late.Hourly'\n")
    with theirs(course) as gradebook:
        gradebook.update_or_create_assignment(LESSON, duedate=DUE)
    path = list(sys.path)
    book.add(graded("alice", when=DUE + timedelta(hours=2)))
    book.add(graded("bob", when=DUE))
    put_scores(book, course)
    assert (penalty(course, "alice"), penalty(course, "bob")) == (2, 0)
    with theirs(course) as gradebook:
        gradebook.grant_extension(LESSON, "alice", hours=1)
    put_scores(book, course)
    assert penalty(course, "alice") == 1
    assert sys.path == path


# -- who


def test_students_are_those_of_the_course(course, book, tmp_path):
    with theirs(course) as gradebook:
        gradebook.add_student("alice", lms_user_id="40007", first_name="Alice")
        gradebook.add_student("bob")
    (tmp_path / "roster.csv").write_text(
        "id,first_name,last_name,email,lms_user_id\nbob,Bob,Brown,b@x.org,40014\ncarol,Carol,Lee,c@x.org,40021\n"
    )
    for student in ("40007", "40014", "40021", "stranger"):
        book.add(graded(student))
    said = put_scores(book, course, roster=read_roster(tmp_path / "roster.csv"))
    assert "2 students were added to it." in said
    with theirs(course) as gradebook:
        assert sorted(student.id for student in gradebook.students) == ["alice", "bob", "carol", "stranger"]
        carol = gradebook.find_student("carol")
        assert (carol.first_name, carol.last_name, carol.email, carol.lms_user_id) == (
            "Carol",
            "Lee",
            "c@x.org",
            "40021",
        )
        assert gradebook.find_student("alice").first_name == "Alice"
        assert gradebook.find_student("bob").first_name is None  # what nbgrader knows is not ours to change
    assert scores(course, "alice") == scores(course, "bob") == scores(course, "carol")


def test_two_who_are_one_are_left_out(course, book, tmp_path):
    (tmp_path / "roster.csv").write_text("id,email,lms_user_id\ncarol,c@x.org,40021\n")
    with theirs(course) as gradebook:
        gradebook.add_student("alice", lms_user_id="40007")
    for student in ("alice", "40007", "bob", "c@x.org", "40021"):
        book.add(graded(student))
    said = put_scores(book, course, roster=read_roster(tmp_path / "roster.csv"))
    listed = '"40007", "40021", "alice", "c@x.org"'
    assert f"Left out, because some of them are the same student in nbgrader: {listed}." in said
    with theirs(course) as gradebook:
        assert [submission.student.id for submission in gradebook.assignment_submissions(LESSON)] == ["bob"]


# -- assignments


def test_a_missing_assignment_is_added_as_our_exercises_have_it(course, book):
    with theirs(course) as gradebook:
        gradebook.remove_assignment(LESSON)
    shutil.rmtree(course / "source")
    book.add(graded("alice"))
    said = put_scores(book, course)
    assert f"The assignment {LESSON} was added to nbgrader's gradebook." in said
    assert scores(course, "alice")["padded_correlation-check"] == 4
    with theirs(course) as gradebook:
        notebook = gradebook.find_notebook(LESSON, LESSON)
        assert {cell.name: cell.max_score for cell in notebook.grade_cells} == {
            f"{problem.id}-check": problem.points for problem in PROBLEMS
        }
        assert {cell.name for cell in notebook.solution_cells} == {problem.id for problem in PROBLEMS}
        assert len(notebook.source_cells) == 2 * len(PROBLEMS)
        assert notebook.assignment.course_id == "convlab"
    before = everything(course)
    put_scores(book, course)
    assert everything(course) == before


def test_an_assignment_that_can_be_made_from_its_source_is_left_to_nbgrader(course, book):
    with theirs(course) as gradebook:
        gradebook.remove_assignment(LESSON)
    book.add(graded("alice"))
    said = put_scores(book, course)
    assert f"{LESSON} was left out: run nbgrader generate_assignment {LESSON} in the course first." in said
    with theirs(course) as gradebook:
        assert gradebook.assignments == []


def test_an_assignment_of_another_name_is_found_by_its_cells(course, book):
    with theirs(course) as gradebook:
        gradebook.find_assignment(LESSON).name = "ps2"
        gradebook.db.commit()
    book.add(graded("alice"))
    put_scores(book, course)
    assert scores(course, "alice", "ps2")["pad-check"] == 0


def test_a_notebook_that_the_assignment_got_later_is_completed(course, book):
    book.add(graded("alice"))
    put_scores(book, course)
    with theirs(course) as gradebook:
        gradebook.add_notebook("extra", LESSON)
        gradebook.add_grade_cell("more", "extra", LESSON, max_score=1, cell_type="code")
    put_scores(book, course)
    assert scores(course, "alice")["more"] is None


def test_cells_that_the_course_does_not_have_are_told(course, book):
    with theirs(course) as gradebook:
        gradebook.db.delete(gradebook.find_grade_cell("pad-check", LESSON, LESSON))
        gradebook.db.commit()
    book.add(graded("alice"))
    assert 'nbgrader has no cells for these, which were left out: "pad-check".' in put_scores(book, course)
    assert "padded_size-check" in scores(course, "alice")


# -- files


def autograded_file(course, student):
    return course / "autograded" / student / LESSON / f"{LESSON}.ipynb"


def test_a_renamed_notebook_with_odd_cells_is_shown_as_it_should_be(course, book):
    def change(notebook):
        notebook.cells[2].source = "I changed the question."  # of a locked cell
        notebook.cells.insert(3, nbformat.from_dict(dict(notebook.cells[3]) | {"id": "copy"}))
        ids = [cell.metadata.get("nbgrader", {}).get("grade_id") for cell in notebook.cells]
        del notebook.cells[ids.index("pad-check")]
        notebook.cells[1].outputs = [nbformat.v4.new_output("display_data", {"text/html": "<script>evil()</script>"})]

    book.add(graded("alice", hand_in(course, "alice", name="my homework (1).ipynb", change=change)))
    put_scores(book, course)
    notebook = nbformat.read(autograded_file(course, "alice"), as_version=4)
    nbformat.validate(notebook)
    ids = [cell.metadata.nbgrader.grade_id for cell in notebook.cells if "nbgrader" in cell.metadata]
    assert len(ids) == len(set(ids))
    assert {f"{problem.id}-check" for problem in PROBLEMS} <= set(ids)
    assert "evil" not in json.dumps(notebook)
    assert "I changed the question." not in json.dumps(notebook)
    told = nbgrader_api(course).generate_feedback(LESSON)
    assert told["success"], told["log"]


def test_what_was_handed_in_since_is_not_taken_for_what_was_graded(course, book):
    book.add(graded("alice", "another digest", when=DUE - timedelta(days=1)))
    hand_in(course, "alice")
    said = put_scores(book, course)
    assert said[-1] == 'Not in autograded/, because submitted/ has another notebook by now: "alice".'
    assert not autograded_file(course, "alice").exists()
    (row,) = nbgrader_api(course).get_submissions(LESSON)
    assert not row["autograded"]  # formgrader says that there is something new


def test_what_nbgrader_autograded_itself_stays_until_something_new_comes(course, book):
    book.add(graded("alice", hand_in(course, "alice")))
    path = autograded_file(course, "alice")
    path.parent.mkdir(parents=True)
    path.write_text("{}")
    put_scores(book, course)
    assert path.read_text() == "{}"
    (path.parent / "timestamp.txt").write_text("2026-10-01 12:00:00 UTC")
    put_scores(book, course)
    assert digest_of(path.read_bytes()) == book.submissions("alice")[0].digest


@pytest.mark.parametrize("student", ["..", "a/b", "a\\b", "."])
def test_no_name_leads_out_of_the_course(course, book, student):
    book.add(graded(student, hand_in(course, student)))
    before = everything(course)[1]
    put_scores(book, course)
    assert everything(course)[1] == before
    assert scores(course, student)["padded_size-check"] == 3


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such links without more rights")
def test_links_in_submissions_are_not_followed(course, book, tmp_path):
    digest = hand_in(course, "bob")
    folder = course / "submitted" / "alice" / LESSON
    folder.mkdir(parents=True)
    (folder / f"{LESSON}.ipynb").symlink_to(course / "submitted" / "bob" / LESSON / f"{LESSON}.ipynb")
    book.add(graded("alice", digest))
    put_scores(book, course)
    assert not autograded_file(course, "alice").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps rights in another way")
def test_files_have_the_rights_that_nbgraders_have(course, book):
    book.add(graded("alice", hand_in(course, "alice")))
    put_scores(book, course)
    assert autograded_file(course, "alice").stat().st_mode & 0o777 == 0o444
    (course / "nbgrader_config.py").write_text(CONFIG + "c.CourseDirectory.groupshared = True\n")
    book.add(graded("bob", hand_in(course, "bob")))
    put_scores(book, course)
    assert autograded_file(course, "bob").stat().st_mode & 0o777 == 0o664


RELEASE = Release(
    {
        "pad": ReleasedCell("code", "def pad(): ...", "1" * 32, solution=True),
        "pad-check": ReleasedCell("code", "check(pad)", "2" * 32, grade=True, locked=True, points=3.0),
        "pad-statement": ReleasedCell("markdown", "Pad.", "3" * 32, locked=True),
        "why": ReleasedCell("markdown", "Why?", "4" * 32, grade=True, solution=True, points=2.0),
    }
)
halves = st.text(st.sampled_from("\ud800a\udc00"), max_size=3)
ids = st.sampled_from([*RELEASE.cells, "", "unknown", 7, None])
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | halves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
odd_cells = st.fixed_dictionaries(
    {
        "cell_type": st.sampled_from(["code", "markdown", "raw", "heading", 3]),
        "source": halves | st.text(max_size=6) | st.lists(st.text(max_size=4), max_size=2) | values,
        "metadata": st.builds(lambda id: {"nbgrader": {"grade_id": id, "points": 99, "x": [1]}}, ids) | values,
    },
    optional={"attachments": values, "outputs": values, "id": values},
)


@settings(deadline=None)
@given(st.lists(odd_cells | values, max_size=6), st.booleans())
def test_whatever_is_handed_in_becomes_a_notebook_that_nbgrader_accepts(cells, old):
    from nbgrader.nbgraderformat import MetadataValidator

    content = {"worksheets": [{"cells": cells}]} if old else {"cells": cells, "nbformat": 4}
    made = autograded(json.dumps(content).encode(), RELEASE, {"pad": Grade("pad", 1, 3, "incorrect")}, "digest")
    notebook = nbformat.from_dict(json.loads(json.dumps(made)))
    nbformat.validate(notebook)
    MetadataValidator().validate_nb(notebook)
    json.dumps(made, ensure_ascii=False).encode()  # no halves of characters
    marked = {cell.metadata.nbgrader.grade_id: cell for cell in notebook.cells if "nbgrader" in cell.metadata}
    assert set(marked) <= set(RELEASE.cells)
    assert marked["pad-check"].source == "check(pad)"
    assert marked["pad-check"].outputs[0].data["text/plain"] == "pad: 1 of 3 points."
    assert all(not cell.outputs for id, cell in marked.items() if cell.cell_type == "code" and id != "pad-check")
    assert digest_of(json.dumps(made).encode()) == "digest"


def test_our_exercises_can_be_given_out_without_their_notebook():
    notebook = nbformat.from_dict(released(PROBLEMS))
    nbformat.validate(notebook)
    assert [cell.metadata.nbgrader.grade_id for cell in notebook.cells][:2] == ["padded_size", "padded_size-check"]
    assert notebook.cells[0].source == PROBLEMS[0].stub


# -- what is refused


def test_nbgrader_is_only_needed_here(book, course, monkeypatch):
    monkeypatch.setitem(sys.modules, "nbgrader", None)
    for name in [name for name in sys.modules if name.startswith("nbgrader.")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(ConvlabError, match="is not installed: pip install nbgrader"):
        put_scores(book, course)


def test_no_course_is_told(book, tmp_path):
    with pytest.raises(ConvlabError, match="there is no nbgrader course .*nowhere"):
        put_scores(book, tmp_path / "nowhere")
    with pytest.raises(ConvlabError, match="there is no gradebook of nbgrader.*run nbgrader generate_assignment"):
        put_scores(book, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_our_own_gradebook_is_not_nbgraders(book, tmp_path):
    with Gradebook(tmp_path / "gradebook.db"):
        before = (tmp_path / "gradebook.db").read_bytes()
    with pytest.raises(ConvlabError, match="is no gradebook of nbgrader"):
        put_scores(book, tmp_path)
    assert (tmp_path / "gradebook.db").read_bytes() == before


@pytest.mark.parametrize(
    ("version", "said"), [("724cde206c17", "older version.*nbgrader db upgrade"), ("abc", "newer version.*pip install")]
)
def test_another_version_is_told_and_left_as_it_is(book, course, version, said):
    with closing(sqlite3.connect(course / "gradebook.db")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (version,))
        connection.commit()
    before = (course / "gradebook.db").read_bytes()
    book.add(graded("alice"))
    with pytest.raises(ConvlabError, match=said):
        put_scores(book, course)
    assert (course / "gradebook.db").read_bytes() == before


def test_what_is_no_database_is_told(book, course):
    (course / "gradebook.db").write_bytes(b"nothing of the kind " * 100)
    with pytest.raises(ConvlabError, match="cannot be used: file is not a database"):
        put_scores(book, course)


@pytest.mark.parametrize("wrong", ["c.CourseDirectory.course_id = 7\n", "1 / 0\n", "(\n"])
def test_a_configuration_that_cannot_be_read_is_told(book, course, wrong, capsys):
    (course / "nbgrader_config.py").write_text(CONFIG + wrong)
    with pytest.raises(ConvlabError, match="nbgrader cannot be configured by .*nbgrader_config.py"):
        put_scores(book, course)


def test_the_configuration_says_where_everything_is(book, course):
    (course / "gradebook.db").rename(course / "other.db")
    (course / "nbgrader_config.py").write_text(
        CONFIG + f"c.CourseDirectory.db_url = 'sqlite:///{course.as_posix()}/other.db'\n"
        "c.CourseDirectory.autograded_directory = 'marked'\n"
    )
    book.add(graded("alice", hand_in(course, "alice")))
    put_scores(book, course)
    assert (course / "marked" / "alice" / LESSON / f"{LESSON}.ipynb").is_file()
    (course / "other.db").rename(course / "gradebook.db")
    assert scores(course, "alice")["padded_size-check"] == 3


def test_the_configuration_of_another_course_is_not_read(book, course, tmp_path, monkeypatch):
    (tmp_path / "nbgrader_config.py").write_text("1 / 0")
    monkeypatch.chdir(tmp_path)
    book.add(graded("alice"))
    put_scores(book, course)
    assert scores(course, "alice")["padded_size-check"] == 3


def test_a_gradebook_that_is_in_use_is_told(book, course, monkeypatch):
    book.add(graded("alice"))
    engine = nbgrader_course.import_module("sqlalchemy").create_engine
    monkeypatch.setattr(api, "create_engine", lambda url, **more: engine(url, connect_args={"timeout": 0.1}, **more))
    with closing(sqlite3.connect(course / "gradebook.db")) as connection:
        connection.execute("BEGIN IMMEDIATE")
        with pytest.raises(ConvlabError, match="cannot be used: .*database is locked"):
            put_scores(book, course)
    put_scores(book, course)
    assert scores(course, "alice")["padded_size-check"] == 3


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps rights in another way")
def test_files_that_cannot_be_written_are_told(book, course):
    (course / "autograded").write_text("no folder")
    book.add(graded("alice", hand_in(course, "alice")))
    with pytest.raises(ConvlabError, match="cannot be written: .*put the scores again"):
        put_scores(book, course)


# -- the table


def test_the_table_has_everybody_and_no_formulas(book, tmp_path):
    book.add(graded("=alice", points=(3, 0, 0, 0), when=datetime(2026, 11, 1, 13, tzinfo=UTC)))
    write_nbgrader_csv(book, tmp_path / "t.csv", lost=lambda entry: 0.25)
    with open(tmp_path / "t.csv", encoding="utf-8-sig", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row == {
        "assignment": LESSON,
        "duedate": "",
        "timestamp": "2026-11-01 13:00:00",
        "student_id": "'=alice",
        "last_name": "",
        "first_name": "",
        "email": "",
        "raw_score": "3",
        "late_submission_penalty": "1",
        "score": "2",
        "max_score": "13",
    }
