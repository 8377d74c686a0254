"""Put scores into the gradebook of an nbgrader course, where everything of nbgrader goes on from them.

    put_scores(book, "course")         # the folder with nbgrader_config.py

Formgrader, marks by hand, feedback and exporters find what `nbgrader autograde` would have left: students,
submissions, the automatic scores of check cells, late penalties, and the notebooks in `autograded/`; other files of a
submission stay in `submitted/` alone. Marks by hand, comments and extra credit are never touched. All of it goes
through nbgrader's own interface, and may be done again at any time.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from convlab.exercises import catalogue
from convlab.grading.book.entries import Entry, Score, Submission, nothing_lost
from convlab.grading.book.gradebook import Gradebook
from convlab.grading.exchange.autograded import CHECK, Release, ReleasedCell, released
from convlab.grading.exchange.nbgrader_course import opened
from convlab.grading.exchange.nbgrader_files import CourseFiles, HandedIn
from convlab.grading.exchange.roster import Person, Roster
from convlab.grading.exchange.wording import counted, listed
from convlab.grading.pages.tables import Cell, write_table
from convlab.grading.records import Grade

TITLES = (
    *("assignment", "duedate", "timestamp", "student_id", "last_name", "first_name", "email", "raw_score"),
    *("late_submission_penalty", "score", "max_score"),
)


def put_scores(
    book: Gradebook,
    course: str | Path,
    *,
    roster: Roster | None = None,
    best: bool = False,
    lost: Callable[[Entry], float] = nothing_lost,
) -> list[str]:
    """Put the scores of all students into nbgrader's gradebook of a course; returns what to tell.

    roster: knows students whose ids are others in nbgrader. best: as in `Gradebook.scores`. lost: the same; where it
    is left out, the course's own late penalties hold.

    Raises `ConvlabError` where nbgrader is not installed, there is no course with a gradebook of this version of
    nbgrader, or it cannot be written. What was put until then stays; putting again completes it.
    """
    with opened(Path(course)) as (app, gradebook):
        putting = _Putting(app, gradebook, lost)
        for student, theirs in _students(gradebook, list(book.students()), roster, putting).items():
            newest = {submission.lesson: submission for submission in book.submissions(student)}
            entries = book.best(student, feedback=True, lost=lost) if best else book.latest(student, feedback=True)
            grades = {entry.grade.problem: entry.grade for entry in entries}
            for score in book.scores(student, best=best, lost=lost):
                putting.put(theirs, score, newest[score.lesson], grades)
        place = import_module("sqlalchemy").make_url(app.coursedir.db_url)
        return list(putting.sentences(place.database or repr(place)))


def _students(gradebook: Any, ids: list[str], roster: Roster | None, putting: "_Putting") -> dict[str, str]:
    """nbgrader's id of each of our students; those whom it does not know are added."""
    known = {student.id: student for student in gradebook.students}
    found = {id: _known(id, known, roster) for id in ids}
    count = Counter(found.values())
    for id, theirs in found.items():
        if theirs not in known and count[theirs] == 1:
            gradebook.add_student(theirs, **_details(roster.find(id) if roster else None))
            putting.count["added"] += 1
    if twice := [id for id, theirs in found.items() if count[theirs] > 1]:
        putting.tell(f"Left out, because some of them are the same student in nbgrader: {listed(twice)}.")
    return {id: theirs for id, theirs in found.items() if count[theirs] == 1}


def _known(id: str, known: Mapping[str, Any], roster: Roster | None) -> str:
    """The id in nbgrader: the same, that of the one with this number in the platform, or one from the roster."""
    if id in known:
        return id
    person = roster.find(id) if roster else None
    candidates = [student.id for student in known.values() if student.lms_user_id == id]
    candidates = candidates or sorted(person.ids & known.keys() if person else ())
    if len(candidates) == 1:
        return candidates[0]
    return person.id if person and not candidates else id


def _details(person: Person | None) -> dict[str, str]:
    """What nbgrader keeps of a student."""
    if person is None:
        return {}
    found = {"first_name": person.first, "last_name": person.last, "email": person.email, "lms_user_id": person.lms}
    return {key: value for key, value in found.items() if value}


class _Putting:
    """Scores on their way into nbgrader's gradebook. gradebook: nbgrader's, open. count: what was done."""

    def __init__(self, app: Any, gradebook: Any, lost: Callable[[Entry], float]) -> None:
        self._app, self._gradebook, self._lost = app, gradebook, lost
        self._api = import_module("nbgrader.api")
        self._files = CourseFiles(app.coursedir)
        self._assignments: dict[str, str | None] = {}
        self._releases: dict[str, Release] = {}
        self._plugin: Any = None
        self._told: dict[str, None] = {}  # each sentence once
        self._others: list[str] = []  # whose notebook in submitted/ is another one
        self.count: Counter[str] = Counter()

    def tell(self, sentence: str) -> None:
        self._told[sentence] = None

    def put(self, student: str, score: Score, newest: Submission, grades: Mapping[str, Grade]) -> None:
        """Put one score. newest: the student's submission of the lesson. grades: with feedback, by problem."""
        assignment = self._assignment(score)
        if assignment is None:
            return
        handed_in = self._files.handed_in(student, assignment, newest.digest)
        time = handed_in.time if handed_in.content is not None else newest.submitted
        submission = self._gradebook.update_or_create_submission(assignment, student, timestamp=time)
        self._complete(submission)
        self._put_notebooks(submission, score)
        self._gradebook.db.commit()
        self.count["submissions"] += 1
        if handed_in.content is not None:
            self._write(submission, score, handed_in, grades)
        elif handed_in.there:
            self._others.append(student)

    # -- assignments

    def _assignment(self, score: Score) -> str | None:
        """nbgrader's name of the assignment that has a lesson's checks; None where there is none."""
        if score.lesson not in self._assignments:
            self._assignments[score.lesson] = self._found_assignment(score)
        return self._assignments[score.lesson]

    def _found_assignment(self, score: Score) -> str | None:
        """One that is missing is added, unless the course has a source to make it from."""
        api, lesson = self._api, score.lesson
        checks = [entry.grade.problem + CHECK for entry in score.entries]
        query = self._gradebook.db.query(api.Assignment.name).join(api.Notebook).join(api.GradeCell)
        found = sorted({name for (name,) in query.filter(api.GradeCell.name.in_(checks))})
        if lesson in found or len(found) == 1:
            return lesson if lesson in found else found[0]
        if found:
            self.tell(f"{lesson} was left out: several assignments have its exercises, {listed(found)}.")
        elif self._files.has_source(lesson):
            self.tell(f"{lesson} was left out: run nbgrader generate_assignment {lesson} in the course first.")
        else:
            self._add_assignment(lesson)
            return lesson
        return None

    def _add_assignment(self, lesson: str) -> None:
        """As nbgrader makes one from the exercises of a lesson."""
        steps = import_module("nbgrader.preprocessors")
        notebook = import_module("nbformat").from_dict(released(catalogue().of_lesson(lesson)))
        place = {"notebook": lesson, "assignment": lesson, "db_url": self._app.coursedir.db_url}
        self._gradebook.update_or_create_assignment(lesson)
        for step in (steps.ComputeChecksums(parent=self._app), steps.SaveCells(parent=self._app)):
            notebook, _ = step.preprocess(notebook, {"nbgrader": place})
        self._gradebook.db.expire_all()
        self.tell(f"The assignment {lesson} was added to nbgrader's gradebook.")

    def _complete(self, submission: Any) -> None:
        """Add the notebooks that the assignment has got since nbgrader knew of the submission."""
        api, there = self._api, {notebook.notebook_id for notebook in submission.notebooks}
        for notebook in submission.assignment.notebooks:
            if notebook.id not in there:
                added = api.SubmittedNotebook(notebook=notebook, assignment=submission)
                for cell in (*notebook.grade_cells, *notebook.task_cells):
                    api.Grade(cell_id=cell.id, notebook=added)
                for cell in (*notebook.solution_cells, *notebook.task_cells):
                    api.Comment(cell_id=cell.id, notebook=added)
                self._gradebook.db.add(added)
                self._gradebook.db.flush()

    # -- grades

    def _put_notebooks(self, submission: Any, score: Score) -> None:
        checks = {entry.grade.problem + CHECK: entry for entry in score.entries}
        for notebook in submission.notebooks:
            found = [(grade, checks.pop(grade.name)) for grade in notebook.grades if grade.name in checks]
            for grade, entry in found:
                self._put_grade(grade, entry)
            if found:
                self._put_penalty(notebook, sum(self._lost(entry) * _factor(grade, entry) for grade, entry in found))
        if checks:
            self.tell(f"nbgrader has no cells for these, which were left out: {listed(list(checks))}.")

    def _put_grade(self, grade: Any, entry: Entry) -> None:
        """nbgrader's `SaveAutoGrades`: a mark by hand stays, to be looked at again where the score is another now."""
        factor = _factor(grade, entry)
        if factor != 1:
            self.tell(f"{grade.name} has {grade.cell.max_score:g} points in nbgrader, so ours were scaled.")
        points = round(entry.grade.points * factor, 6)
        if grade.manual_score is None:
            grade.needs_manual_grade = False
        elif grade.auto_score != points:
            grade.needs_manual_grade = True
            self.count["marked"] += 1
        grade.auto_score = points

    def _put_penalty(self, notebook: Any, penalty: float) -> None:
        """nbgrader's `AssignLatePenalties`: never more than the score, which its database adds up."""
        if self._lost is nothing_lost:
            penalty = self._courses_penalty(notebook)
        notebook.late_submission_penalty = min(max(0.0, penalty), notebook.score) or None

    def _courses_penalty(self, notebook: Any) -> float:
        """What the course's own plugin says."""
        submission = notebook.assignment
        if not submission.total_seconds_late:
            return 0.0
        if self._plugin is None:
            rule = import_module("nbgrader.preprocessors").AssignLatePenalties(parent=self._app)
            rule.init_plugin()
            self._plugin = rule.plugin_inst
        student, late = submission.student_id, submission.total_seconds_late
        return self._plugin.late_submission_penalty(student, notebook.score, late) or 0.0

    # -- files

    def _write(self, submission: Any, score: Score, handed_in: HandedIn, grades: Mapping[str, Grade]) -> None:
        """The notebook that formgrader shows; what was not answered in words is marked, as nbgrader does."""
        checks = {entry.grade.problem + CHECK for entry in score.entries}
        count = {notebook: len(checks & {grade.name for grade in notebook.grades}) for notebook in submission.notebooks}
        notebook = max(count, key=lambda one: count[one])
        release = self._release(notebook.notebook)
        assignment = submission.assignment.name
        made = self._files.write(submission.student_id, assignment, notebook.notebook.name, handed_in, release, grades)
        if made is not None:
            self._mark_unanswered(notebook, made, release)
            self._gradebook.db.commit()

    def _release(self, notebook: Any) -> Release:
        if notebook.id not in self._releases:
            points = {cell.name: cell.max_score for cell in (*notebook.grade_cells, *notebook.task_cells)}
            graded, solutions, tasks = (
                {cell.name for cell in cells}
                for cells in (notebook.grade_cells, notebook.solution_cells, notebook.task_cells)
            )
            cells = {
                cell.name: ReleasedCell(
                    kind=cell.cell_type,
                    source=cell.source or "",
                    checksum=cell.checksum,
                    grade=cell.name in graded,
                    solution=cell.name in solutions,
                    locked=cell.locked,
                    task=cell.name in tasks,
                    points=points.get(cell.name),
                )
                for cell in notebook.source_cells
            }
            kernel = json.loads(notebook.kernelspec or "{}")
            self._releases[notebook.id] = Release(cells, kernel) if kernel else Release(cells)
        return self._releases[notebook.id]

    def _mark_unanswered(self, notebook: Any, made: Mapping[str, Any], release: Release) -> None:
        """Of a new submission: written answers that are as they were given out earn nothing, others wait for marks."""
        checksum, node = import_module("nbgrader.utils").compute_checksum, import_module("nbformat").from_dict
        marked = {cell["metadata"].get("nbgrader", {}).get("grade_id"): cell for cell in made["cells"]}
        untouched = {id for id, cell in marked.items() if id and release.cells[id].checksum == checksum(node(cell))}
        for comment in notebook.comments:
            if comment.name in marked and release.cells[comment.name].solution:
                comment.auto_comment = "No response." if comment.name in untouched else None
        for grade in notebook.grades:
            if grade.name in marked and release.cells[grade.name].solution:
                grade.auto_score = 0.0 if grade.name in untouched else None
                grade.needs_manual_grade = grade.auto_score is None or grade.manual_score is not None

    # -- words

    def sentences(self, place: str) -> Iterator[str]:
        yield f"Scores of {counted(self.count['submissions'], 'submission')} put into {place}."
        if self.count["added"]:
            yield f"{counted(self.count['added'], 'student was', 'students were')} added to it."
        if self.count["marked"]:
            yield (
                f"{counted(self.count['marked'], 'check has', 'checks have')} a mark by hand, which stays, and another "
                "score now: formgrader shows them as to be graded by hand."
            )
        yield from self._told
        if others := list(dict.fromkeys(self._others)):
            yield f"Not in autograded/, because submitted/ has another notebook by now: {listed(others)}."


def _factor(grade: Any, entry: Entry) -> float:
    """A teacher may give other points for an exercise than the course does."""
    return grade.cell.max_score / entry.grade.of if entry.grade.of else 1.0


def write_nbgrader_csv(
    book: Gradebook,
    path: str | Path,
    *,
    roster: Roster | None = None,
    due: Mapping[str, datetime] | None = None,
    best: bool = False,
    lost: Callable[[Entry], float] = nothing_lost,
) -> list[str]:
    """Write the table that `nbgrader export` does, with a row for each student and lesson; returns what to tell.

    roster: gives names, and those who handed in nothing, with zeros. due: due dates by lesson. best, lost: as in
    `Gradebook.scores`. Times are in UTC, without a zone, as nbgrader's are.

    Raises `ConvlabError` where it cannot be written.
    """
    possible = book.possible()
    people = {student: (roster and roster.find(student)) or Person(student) for student in book.students()}
    absent = [(person.id, person, False) for person in roster.absent(people)] if roster else []
    everybody = [*((student, person, True) for student, person in people.items()), *absent]

    def rows() -> Iterator[list[Cell]]:
        yield list(TITLES)
        for student, person, known in everybody:
            scores = {score.lesson: score for score in book.scores(student, best=best, lost=lost)} if known else {}
            for lesson, most in possible.items():
                score = scores.get(lesson, Score(student, lesson, ()))
                yield [
                    *(lesson, _clock((due or {}).get(lesson)), _clock(score.submitted), person.id),
                    *(person.last, person.first, person.email, score.points, score.penalty, score.final, most),
                ]

    write_table(Path(path), rows())
    return [f"{path}: {counted(len(everybody) * len(possible), 'row')}, as nbgrader export writes them."]


def _clock(time: datetime | None) -> str:
    """As nbgrader writes a time: in UTC, and without saying so."""
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S}" if time else ""
