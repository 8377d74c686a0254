"""A class: everything is graded once, whatever happens in between, and shown."""

import csv
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from convlab import ConvlabError
from convlab.cli import main
from convlab.exercises import catalogue
from convlab.grading import grade, run
from convlab.grading.book.gradebook import Gradebook
from convlab.grading.records import Grade, Graded
from convlab.grading.run import UNSAFE, Task, work
from convlab.grading.sandbox import Level, level
from tests.grading.attacks import BOMBS
from tests.grading.make import classroom, notebook, right, write_canvas, write_flat, write_nbgrader

LESSON, SEED = "02_padding", 3
IDS = [problem.id for problem in catalogue().values() if problem.lesson == LESSON]

pytestmark = pytest.mark.skipif(level() is Level.NONE, reason="this machine gives no sandbox")


def grades(out) -> dict:
    """(points, verdict, misconception, attempt) of each student and problem."""
    with Gradebook(out / "gradebook.db", create=False) as book:
        return {
            (e.student, e.grade.problem): (e.grade.points, e.grade.verdict, e.grade.misconception, e.attempt)
            for e in book.latest()
        }


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    return write_nbgrader(tmp_path_factory.mktemp("course"), classroom(24, LESSON))


@pytest.fixture(scope="module")
def graded(course, tmp_path_factory):
    out = tmp_path_factory.mktemp("class") / "grades"
    return out, grade(course, out, seed=SEED)


def test_everybody_is_graded_and_told(graded):
    out, summary = graded
    assert summary.graded == 24
    assert len(grades(out)) == 24 * len(IDS)
    assert {path.name for path in out.iterdir()} >= {"gradebook.db", "grades.csv", "class.html", "feedback"}
    assert len(list((out / "feedback").glob("*.html"))) == 24
    with open(out / "grades.csv", encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    totals = {student: 0.0 for student, _ in grades(out)}
    for (student, _), (points, *_) in grades(out).items():
        totals[student] += points
    assert {row["student"]: float(row["score"]) for row in rows} == totals
    assert "24 graded" in str(summary)


def test_a_new_folder_is_the_owner_s_alone(graded):
    assert os.name == "nt" or graded[0].stat().st_mode & 0o077 == 0


def test_nothing_is_graded_twice(graded, course):
    out, _ = graded
    before = grades(out)
    summary = grade(course, out)
    assert (summary.graded, summary.skipped) == (0, 24)
    assert grades(out) == before


def test_any_executor_gives_the_same(graded, course, tmp_path):
    out = tmp_path / "grades"
    with ThreadPoolExecutor(2) as executor:
        grade(course, out, seed=SEED, executor=executor, workers=2)
    assert grades(out) == grades(graded[0])


class Growing(ThreadPoolExecutor):
    """A second worker joins with the second call."""

    workers = given = done = most = 0

    def submit(self, *call):
        self.given += 1
        self.workers = 1 if self.given < 2 else 2
        self.most = max(self.most, self.given - self.done)
        future = super().submit(*call)
        future.add_done_callback(lambda _: setattr(self, "done", self.done + 1))
        return future


def test_workers_that_join_late_are_kept_busy_too(graded, course, tmp_path, monkeypatch):
    monkeypatch.setattr(run, "SAVED_EVERY", 0.0)
    monkeypatch.setattr(run, "TOGETHER", 1)
    with Growing(2) as executor:
        executor.workers = 1
        grade(course, tmp_path / "grades", seed=SEED, executor=executor)
    assert executor.most > run.AHEAD
    assert grades(tmp_path / "grades") == grades(graded[0])


@pytest.mark.parametrize("lower", [Level.LANDLOCK, Level.NONE])
def test_the_level_of_the_sandbox_does_not_change_grades(graded, course, tmp_path, lower, capsys):
    out = tmp_path / "grades"
    grade(course, out, seed=SEED, at_level=lower)
    assert grades(out) == grades(graded[0])
    assert (UNSAFE in capsys.readouterr().err) is (lower is Level.NONE)


def test_a_sandbox_may_be_required(course, tmp_path):
    with pytest.raises(ConvlabError, match="no sandbox on this machine"):
        grade(course, tmp_path / "grades", require_sandbox=True, at_level=Level.NONE)
    assert not (tmp_path / "grades").exists()


def test_a_new_notebook_is_a_new_attempt_and_the_old_one_is_kept(tmp_path):
    out = tmp_path / "grades"
    (tmp_path / "in").mkdir()
    file = tmp_path / "in" / "alice.ipynb"
    file.write_bytes(notebook(LESSON, {"pad": right("pad")}))
    grade(tmp_path / "in", out)
    file.write_bytes(notebook(LESSON, {id: right(id) for id in IDS}))
    assert grade(tmp_path / "in", out).graded == 1
    assert {attempt for *_, attempt in grades(out).values()} == {2}
    with Gradebook(out / "gradebook.db") as book:
        assert [e.grade.points for e in book.attempts("alice") if e.grade.problem == "padded_size"] == [0, 3]


def test_one_student_or_one_problem_is_graded_again(course, tmp_path):
    out = tmp_path / "grades"
    grade(course, out, seed=SEED)
    before = grades(out)
    some = sorted(student for student, _ in before)[0]
    assert grade(course, out, students=[some]).graded == 1
    assert {key for key, value in grades(out).items() if value[-1] == 2} == {(some, id) for id in IDS}
    assert grade(course, out, problems=["pad"]).graded == 24
    assert {key[1] for key, value in grades(out).items() if value[-1] > 1 and key[0] != some} == {"pad"}
    assert {key: value[:3] for key, value in grades(out).items()} == {key: value[:3] for key, value in before.items()}


def test_a_problem_that_changed_is_graded_again_when_asked(course, tmp_path, monkeypatch):
    out = tmp_path / "grades"
    grade(course, out, seed=SEED)
    db = sqlite3.connect(out / "gradebook.db")
    with db:
        db.execute("UPDATE grades SET version = 'before' WHERE problem = 'pad'")
    db.close()
    summary = grade(course, out)
    assert summary.graded == 0
    assert "Changed since some of these were graded: pad." in str(summary)
    assert grade(course, out, changed=True).graded == 24
    assert {key[1] for key, value in grades(out).items() if value[-1] == 2} == {"pad"}
    assert grade(course, out, changed=True).graded == 0


def test_a_lesson_that_hardly_anybody_handed_in_is_told():
    with Gradebook(":memory:") as book:
        for number in range(40):
            lessons = [LESSON, "03_stride"] if number < 2 else [LESSON]
            lessons += ["04_channels"] if number < 3 else []
            for lesson in lessons:
                book.add(Graded(f"s{number}", lesson, "n", "d", (Grade("pad", 1, 3, "incorrect"),)))
        assert book.handed_in() == {LESSON: 40, "03_stride": 2, "04_channels": 3}
        (told,) = run._strays(book)
    assert told.startswith("03_stride was handed in by 2 of 40 students, but counts in what all could have")


KILLED = """
import sys
from convlab.grading import grade

if __name__ == "__main__":
    grade(sys.argv[1], sys.argv[2], seed=3, workers=1)
"""


def test_killed_at_any_moment_the_next_run_goes_on(graded, course, tmp_path):
    """Fifty times, in the middle of the work: the whole process group is killed, as if the power went."""
    script = tmp_path / "run.py"
    script.write_text(KILLED)
    out, rng, kills = tmp_path / "grades", random.Random(0), 0
    while kills < 50:
        process = subprocess.Popen([sys.executable, script, course, out], start_new_session=True)
        try:
            assert process.wait(rng.uniform(0.2, 1.5)) == 0
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            kills += 1
            _check_integrity(out)
        else:
            assert grades(out) == grades(graded[0])
            out = tmp_path / f"grades after {kills}"
    grade(course, out, seed=SEED)
    assert grades(out) == grades(graded[0])
    assert {attempt for *_, attempt in grades(out).values()} == {1}
    assert _left_over() == []


def _check_integrity(out):
    if (out / "gradebook.db").exists():
        db = sqlite3.connect(out / "gradebook.db")
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        db.close()


def _left_over() -> list[str]:
    """Zygotes without a grader, after a moment to end in."""
    for _ in range(50):
        found = []
        for pid in filter(str.isdecimal, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/stat") as stat, open(f"/proc/{pid}/cmdline") as file:
                    orphan = stat.read().rpartition(")")[2].split()[1] == "1"
                    words = file.read().replace("\0", " ")
            except OSError:
                continue
            if orphan and "convlab-" in words and "start.py" in words:
                found.append(words)
        if not found:
            return []
        time.sleep(0.1)
    return found


def test_two_graders_on_one_gradebook(graded, course, tmp_path):
    script = tmp_path / "run.py"
    script.write_text(KILLED)
    out = tmp_path / "grades"
    both = [subprocess.Popen([sys.executable, script, course, out]) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    assert grades(out) == grades(graded[0])


class Dying(ThreadPoolExecutor):
    """An executor whose worker dies now and then."""

    def __init__(self) -> None:
        super().__init__(1)
        self.calls = 0

    def submit(self, fn, /, *args, **kwargs):
        self.calls += 1
        if self.calls % 3 == 1:
            return super().submit(_die)
        return super().submit(fn, *args, **kwargs)


def _die():
    raise RuntimeError("the worker died")


def test_what_a_dying_worker_had_is_graded_by_another(graded, course, tmp_path):
    out = tmp_path / "grades"
    with Dying() as executor:
        grade(course, out, seed=SEED, executor=executor, workers=1)
    assert grades(out) == grades(graded[0])


def test_what_kills_its_worker_each_time_is_left_out_and_told(tmp_path):
    (tmp_path / "in").mkdir()
    write_flat(tmp_path / "in", classroom(3, LESSON))

    class Deadly(ThreadPoolExecutor):
        def submit(self, fn, /, settings, tasks: list[Task]):
            deadly = any("s00001" in task.name for task in tasks)
            return super().submit(_die) if deadly else super().submit(work, settings, tasks)

    with Deadly(1) as executor:
        summary = grade(tmp_path / "in", tmp_path / "grades", executor=executor, workers=1)
    assert summary.graded == 2
    assert "its grading failed 3 times (RuntimeError: the worker died)" in str(summary)
    assert grade(tmp_path / "in", tmp_path / "grades").graded == 1


def test_hostile_notebooks_cost_their_neighbours_nothing(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("the end of Python", "memory", "a cell that never ends", "a frame without end"):
        (folder / f"{name.replace(' ', '_')}.ipynb").write_bytes(notebook(LESSON, {"padded_size": BOMBS[name]}))
    (folder / "empty.ipynb").write_bytes(b"")
    (folder / "zero.ipynb").write_bytes(b"\0" * 1000)
    for number in range(8):
        (folder / f"honest{number}.ipynb").write_bytes(notebook(LESSON, {id: right(id) for id in IDS}))
    assert grade(folder, tmp_path / "grades").graded == 14
    found = grades(tmp_path / "grades")
    assert {value[0] for (student, _), value in found.items() if not student.startswith("honest")} == {0}
    honest = {key: value[0] for key, value in found.items() if key[0].startswith("honest")}
    assert honest == {key: catalogue()[key[1]].points for key in honest}
    assert len(honest) == 8 * len(IDS)


def test_from_the_command_line(course, tmp_path, capsys):
    out = tmp_path / "grades"
    policy = tmp_path / "class.toml"
    policy.write_text('[lessons."02_padding"]\ndue = 2020-01-01T00:00:00Z\npenalty_per_day = 1.0\n')
    assert (
        main(["grade", str(course), "--out", str(out), "--seed", "3", "--policy", str(policy), "--workers", "1"]) == 0
    )
    said = capsys.readouterr()
    assert "24 graded" in said.out
    assert "24/24" in said.err  # the bar
    with open(out / "grades.csv", encoding="utf-8-sig", newline="") as file:
        assert {float(row["score"]) for row in csv.DictReader(file)} == {0.0}  # all are years late


def test_bad_commands_are_told_and_leave_nothing(tmp_path, capsys):
    out = tmp_path / "grades"
    assert main(["grade", str(tmp_path / "nowhere"), "--out", str(out)]) == 1
    assert "nowhere is no folder" in capsys.readouterr().err
    write_flat(tmp_path, classroom(1, LESSON))
    out = tmp_path.parent / "grades elsewhere"
    assert main(["grade", str(tmp_path), "--out", str(out), "--problem", "paded_size"]) == 1
    assert "is 'padded_size' meant?" in capsys.readouterr().err
    assert not out.exists()
    assert main(["grade", str(tmp_path), "--out", str(tmp_path / "grades")]) == 1
    assert "lies among the submissions" in capsys.readouterr().err


def test_what_cannot_be_read_is_told_once(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "alice.py").write_text("x = 1")
    write_flat(folder, classroom(1, LESSON))
    out = tmp_path / "grades"
    assert grade(folder, out).graded == 2
    with Gradebook(out / "gradebook.db") as book:
        (submission,) = book.submissions("alice")
        assert len(submission.remarks) == 1
    assert grade(folder, out).graded == 0


def test_the_later_of_two_notebooks_for_one_lesson_counts(tmp_path):
    folder = tmp_path / "in" / "alice"
    folder.mkdir(parents=True)
    for age, (name, answers) in enumerate({"a": {}, "b": {"pad": right("pad")}, "c": {}}.items()):
        path = folder / f"{name}.ipynb"
        path.write_bytes(notebook(LESSON, answers))
        os.utime(path, (1e9 + age % 2, 1e9 + age % 2))
    (tmp_path / "in" / "bob").mkdir()
    (tmp_path / "in" / "bob" / "x.ipynb").write_bytes(notebook(LESSON, {}))
    grade(tmp_path / "in", tmp_path / "grades")
    assert grades(tmp_path / "grades")["alice", "pad"][0] == 3


def test_due_dates_are_kept_and_pages_say_what_counts_now(tmp_path, capsys):
    """Policy given once, an extension later, names later: grades and pages agree after each run."""
    folder, out = tmp_path / "in", tmp_path / "grades"
    write_nbgrader(folder, classroom(1, LESSON))
    (student,) = [path.name for path in (folder / "submitted").iterdir()]
    policy = tmp_path / "class.toml"
    late = '[lessons."02_padding"]\ndue = 2020-01-01T00:00:00Z\npenalty_per_day = 1.0\n'
    policy.write_text(late)
    assert main(["grade", str(folder), "--out", str(out), "--policy", str(policy)]) == 0
    assert main(["grade", str(folder), "--out", str(out)]) == 0
    assert "Due dates:" in capsys.readouterr().out
    page = out / "feedback" / f"{student}.html"
    assert _score(out) == 0
    before = page.read_text()
    policy.write_text(late + f'[extensions.{student}]\n"02_padding" = 2099-01-01T00:00:00Z\n[extensions.alise]\n')
    assert main(["grade", str(folder), "--out", str(out), "--policy", str(policy)]) == 0
    assert "The extension for 'alise' is nobody's" in capsys.readouterr().out
    assert _score(out) > 0
    assert page.read_text() != before
    page.unlink()
    assert main(["grade", str(folder), "--out", str(out)]) == 0
    assert page.is_file()
    policy.write_text(late.replace("02_padding", "02_paddings"))
    assert main(["grade", str(folder), "--out", str(out), "--policy", str(policy)]) == 1
    assert "is '02_padding' meant" in capsys.readouterr().err


def _score(out) -> float:
    with open(out / "grades.csv", encoding="utf-8-sig", newline="") as file:
        (row,) = csv.DictReader(file)
    return float(row["score"])


def test_what_needs_a_teacher_is_listed(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    write_flat(folder, classroom(2, LESSON))
    (folder / "alice.py").write_text("x = 1")
    (folder / "bob.ipynb").write_bytes(b"")
    said = str(grade(folder, tmp_path / "grades"))
    assert "2 to look at:" in said
    assert 'alice.py: No notebook was handed in, but "alice.py".' in said
    assert "bob.ipynb: The file is empty" in said


def test_a_student_is_found_by_name_and_a_misspelt_one_is_told(tmp_path):
    write_canvas(tmp_path / "submissions.zip", classroom(3, LESSON))
    out = tmp_path / "grades"
    grade(tmp_path / "submissions.zip", out)
    with pytest.raises(ConvlabError, match="nobody named 'abeadda' handed in anything: is 'abeada' meant"):
        grade(tmp_path / "submissions.zip", out, students=["abeadda"])
    assert grade(tmp_path / "submissions.zip", out, students=["abeada"]).graded == 1


def test_a_misspelt_place_for_the_results_is_told(course, tmp_path):
    with pytest.raises(ConvlabError, match="there is no folder .*gardes: is it misspelt"):
        grade(course, tmp_path / "gardes" / "out")


def test_windows_is_told_where_to_grade(course, tmp_path, monkeypatch):
    monkeypatch.delattr("socket.send_fds")
    with pytest.raises(ConvlabError, match="WSL2"):
        grade(course, tmp_path / "grades")
    assert not (tmp_path / "grades").exists()
