"""Grades are kept whole, once, and through everything that may happen to their file or its writer."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from convlab.errors import ConvlabError
from convlab.grading.book import gradebook
from convlab.grading.book.entries import Known
from convlab.grading.book.gradebook import Gradebook
from convlab.grading.records import Grade, Graded

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def grade(problem="pad", points=2.0, of=3.0, version="v1", **more):
    return Grade(problem, points, of, "incorrect", version=version, **more)


def graded(*grades, student="alice", lesson="02_padding", digest="d1", **more):
    return Graded(student, lesson, f"{student}.ipynb", digest, grades or (grade(),), **more)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "gradebook.db"


@pytest.fixture
def book(path):
    with Gradebook(path, seed=7) as found:
        yield found


def integrity(path):
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


# -- what goes in comes out


def test_everything_comes_back_as_it_went_in(book):
    given = Grade("pad", 1.5, 3, "incorrect", "before and after exchanged", 0.25, "v9", "<p>Grüße 🐍</p>")
    book.add(Graded("Zoë", "02_padding", "Zoë's.ipynb", "abc", (given,), NOON, ("A remark.", "Another")), 11)
    (entry,) = book.attempts("Zoë", feedback=True)
    assert entry.grade == given
    assert (entry.lesson, entry.attempt, entry.seed, entry.digest) == ("02_padding", 1, 11, "abc")
    assert entry.submitted == NOON
    assert abs(datetime.now(UTC) - entry.graded_at) < timedelta(minutes=1)
    (submission,) = book.submissions("Zoë")
    assert (submission.name, submission.remarks, submission.submitted) == (
        "Zoë's.ipynb",
        ("A remark.", "Another"),
        NOON,
    )
    assert book.attempts("Zoë") == [replace(entry, grade=replace(given, feedback=""))]


@given(st.text(), st.text(), st.text())
@example("caf\udce9", "\ud800 and \0", "<p>\udfff</p>")
def test_any_text_can_be_a_name_a_remark_and_a_feedback(student, remark, html):
    with Gradebook(":memory:") as book:
        book.add(graded(grade(feedback=html), student=student, remarks=(remark,)))
        (found,) = book.students()
        assert found.encode() == student.encode("utf-8", "backslashreplace")
        assert book.submissions(student)[0].remarks[0].encode() == remark.encode("utf-8", "backslashreplace")
        assert book.attempts(found, feedback=True) == book.attempts(student, feedback=True) != []


def test_times_are_kept_in_utc(book):
    book.add(graded(submitted=datetime(2026, 11, 1, 13, tzinfo=timezone(timedelta(hours=1)))))
    book.add(graded(student="bob", submitted=datetime(2026, 11, 1, 12)))
    assert [entry.submitted for entry in book.latest()] == [NOON, NOON]


# -- attempts


def test_attempts_count_up_and_earlier_ones_are_kept(book):
    assert book.add(graded(grade(points=1))) == 1
    assert book.add(graded(grade(points=3), digest="d2")) == 1
    assert [(e.attempt, e.grade.points) for e in book.attempts("alice")] == [(1, 1), (2, 3)]
    assert [e.attempt for e in book.latest()] == [2]


def test_what_is_known_is_kept_once_unless_it_is_asked_for_again(book):
    assert [book.add(graded()), book.add(graded()), book.add(graded(), again=True)] == [1, 0, 1]


@pytest.mark.parametrize(
    ("other", "seed"),
    [(graded(digest="d2"), 7), (graded(grade(version="v2")), 7), (graded(), 8)],
    ids=["submission", "version", "seed"],
)
def test_another_submission_version_or_seed_is_another_attempt_and_so_is_the_return_to_the_first(book, other, seed):
    added = [book.add(graded()), book.add(other, seed), book.add(other, seed), book.add(graded())]
    assert added == [1, 1, 0, 1]
    assert book.attempts("alice")[-1].attempt == 3


def test_students_problems_and_copies_of_a_problem_do_not_mix(book):
    book.add_all([graded(grade("pad"), grade("pad"), grade("same_padding")), graded(student="bob")])
    assert [(e.student, e.grade.problem, e.attempt) for e in book.latest()] == [
        ("alice", "pad", 1),
        ("alice", "same_padding", 1),
        ("bob", "pad", 1),
    ]


few = st.sampled_from(["a", "b"])


@given(st.lists(st.tuples(few, few, few, few, st.integers(1, 2), st.booleans()), max_size=12))
def test_attempts_are_those_of_a_simple_model(steps):
    kept = {}
    with Gradebook(":memory:") as book:
        for student, problem, digest, version, seed, again in steps:
            book.add(graded(grade(problem, version=version), student=student, digest=digest), seed, again=again)
            attempts = kept.setdefault((student, problem), [])
            if again or not attempts or attempts[-1] != (digest, version, seed):
                attempts.append((digest, version, seed))
        found = {}
        for student in book.students():
            for attempts in book.by_problem(student):
                assert [e.attempt for e in attempts] == list(range(1, len(attempts) + 1))
                found[student, attempts[0].grade.problem] = [(e.digest, e.grade.version, e.seed) for e in attempts]
    assert found == kept


def test_the_best_attempt_is_the_one_with_most_points_and_of_equal_ones_the_latest(book):
    for digest, points in (("d1", 1), ("d2", 3), ("d3", 3), ("d4", 2)):
        book.add(graded(grade(points=points), digest=digest))
    assert [e.digest for e in book.best()] == ["d3"]
    assert [e.digest for e in book.best(lost=lambda e: 2 if e.digest in ("d2", "d3") else 0)] == ["d4"]


def test_scores_add_up_by_lesson(book):
    book.add(graded(grade("pad", 2, 3), grade("same_padding", 1, 3), submitted=NOON))
    book.add(graded(grade("convolve", 3, 3), lesson="01_kernels"))
    book.add(graded(grade("pad", 0, 3), digest="d2", submitted=NOON + timedelta(days=1)))
    first, second = book.scores("alice", lost=lambda e: 0.5)
    assert (first.lesson, first.points, first.of, first.penalty, first.final) == ("01_kernels", 3, 3, 0.5, 2.5)
    assert (second.lesson, second.points, second.of, second.penalty, second.final) == ("02_padding", 1, 6, 1, 0)
    assert second.submitted == NOON + timedelta(days=1)
    assert book.scores("alice", best=True)[1].points == 3
    assert book.scores("nobody") == []


def test_what_can_be_had_is_what_the_newest_grades_say(book):
    book.add(graded(grade("pad", of=3), grade("same_padding", of=4)))
    book.add(graded(grade("pad", of=5, version="v2"), student="bob"))
    book.add(graded(grade("convolve", of=2), lesson="01_kernels"))
    assert book.possible() == {"01_kernels": 2, "02_padding": 9}
    assert book.lessons() == ["01_kernels", "02_padding"]


def test_students_come_in_order_however_many_and_while_grades_are_added(book, path, monkeypatch):
    monkeypatch.setattr(gradebook, "AT_ONCE", 2)
    names = ["", "a", "B", "zoë", "x" * 300]
    book.add_all(graded(student=name) for name in names)
    found = []
    with Gradebook(path) as other:
        for student in book.students():
            found.append(student)
            other.add(graded(student="0" + student))  # would wait in vain for a reader that keeps the file
    assert [name for name in found if name in names] == sorted(names)


# -- what is known already


def test_known_says_what_need_not_be_graded(book):
    assert book.known("alice", "02_padding") is None
    book.add(graded(grade("pad"), grade("same_padding", version="v2")))
    assert book.known("alice", "02_padding") == Known("d1", {"pad": "v1", "same_padding": "v2"}, 7)
    assert book.known("alice", "01_kernels") is None
    assert book.known("alice", "02_padding", 8) == Known("d1", {}, 8)
    book.add(graded(grade("pad", version="v3")))
    assert book.known("alice", "02_padding") == Known("d1", {"pad": "v3", "same_padding": "v2"}, 7)
    book.add(graded(grade("pad"), digest="d2"))
    assert book.known("alice", "02_padding") == Known("d2", {"pad": "v1"}, 7)


def test_a_submission_without_grades_corrects_what_is_known_of_it(book):
    book.add(graded())
    book.add(replace(graded(), grades=(), submitted=NOON, name="new name", remarks=("Moved.",)))
    book.add(replace(graded(), grades=()))
    (submission,) = book.submissions("alice")
    assert (submission.name, submission.submitted, submission.remarks) == ("alice.ipynb", NOON, ())
    assert book.attempts("alice")[0].submitted == NOON


# -- the seed


def test_the_seed_is_chosen_once_and_hard_to_guess(tmp_path):
    seeds = set()
    for number in range(3):
        with Gradebook(tmp_path / f"{number}.db") as first:
            seeds.add(first.seed)
        with Gradebook(tmp_path / f"{number}.db") as second:
            assert second.seed == first.seed
    assert len(seeds) == 3
    assert max(seeds) > 2**40


def test_a_given_seed_is_remembered(path):
    for seed, found in ((5, 5), (None, 5), (2**63 - 1, 2**63 - 1), (None, 2**63 - 1)):
        with Gradebook(path, seed=seed) as book:
            assert book.seed == found
            book.add(graded(), again=True)
    for wrong in (-1, 2**63):
        with pytest.raises(ConvlabError, match="whole number from 0"):
            Gradebook(path, seed=wrong)


# -- all or nothing


def test_a_batch_is_kept_whole_or_not_at_all(book):
    with pytest.raises(sqlite3.IntegrityError):
        book.add_all([graded(), graded(grade(points=float("nan")), student="bob")])
    assert list(book.students()) == []
    assert book.add(graded()) == 1


def broken(tmp_path, kind):
    path = tmp_path / "gradebook.db"
    if kind == "folder":
        path.mkdir()
    elif kind == "text":
        path.write_text("student,points\nalice,3\n" * 50)
    elif kind == "other":
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE grade (id)")
            connection.execute("PRAGMA journal_mode = WAL")
    else:
        with Gradebook(path) as book:
            book.add_all(graded(student=f"s{n}") for n in range(100))
        if kind == "newer":
            with closing(sqlite3.connect(path, isolation_level=None)) as connection:
                connection.execute("UPDATE meta SET value = 2 WHERE key = 'format'")
        else:
            content = bytearray(path.read_bytes())
            content[100:3000] = os.urandom(2900)
            path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("folder", "cannot be opened"),
        ("text", "is no gradebook"),
        ("other", "of another program"),
        ("newer", "of format 2, but this convlab works with format 1"),
        ("damaged", "is damaged"),
    ],
)
def test_what_is_no_gradebook_is_refused_in_a_sentence_and_left_as_it_is(tmp_path, kind, told):
    path = broken(tmp_path, kind)
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(ConvlabError, match=told) as caught:
        Gradebook(path, seed=3)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert (path.read_bytes() if path.is_file() else None) == before
    assert [file.name for file in tmp_path.iterdir()] == ["gradebook.db"]


def test_a_missing_file_or_folder_is_told_and_nothing_is_made(tmp_path):
    with pytest.raises(ConvlabError, match="there is no gradebook"):
        Gradebook(tmp_path / "typo.db", create=False)
    with pytest.raises(ConvlabError, match="its folder must be there"):
        Gradebook(tmp_path / "nowhere" / "gradebook.db")
    assert list(tmp_path.iterdir()) == []


def test_damage_anywhere_is_told_or_harmless(path):
    with Gradebook(path) as book:
        for n in range(5):
            book.add(graded(grade(feedback=os.urandom(300).hex()), student=f"s{n}", remarks=("Odd.",), submitted=NOON))
    content, rng, told = path.read_bytes(), random.Random(1), 0
    for _ in range(150):
        damaged = bytearray(content)
        for _ in range(10):
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        path.write_bytes(damaged)
        try:
            with Gradebook(path) as book:
                for student in book.students():
                    book.submissions(student)
                    book.attempts(student, feedback=True)
                    book.known(student, "02_padding")
                book.possible()
                book.add(graded())
        except ConvlabError:
            told += 1
    assert told > 50


def test_a_full_disk_is_told_and_what_was_kept_stays(book, path):
    book.add(graded())
    book._database._connection.execute("PRAGMA max_page_count = 12")
    large = [graded(grade(feedback=os.urandom(900).hex()), student=f"s{n}") for n in range(40)]
    with pytest.raises(ConvlabError, match="there is no room left"):
        book.add_all(large)
    integrity(path)
    assert list(book.students()) == ["alice"]
    book._database._connection.execute("PRAGMA max_page_count = 100000")
    assert book.add_all(large) == 40


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit for the size of files")
def test_a_file_that_may_not_grow_is_told_by_the_system_too(path):
    code = (
        PRELUDE
        + """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
with Gradebook(path) as book:
    for n in range(1000):
        try:
            book.add(batch(n)[0])
        except ConvlabError as error:
            print(n, error)
            break
"""
    )
    out = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True).stdout
    kept, sentence = int(out.split()[0]), out.partition(" ")[2]
    assert kept > 10
    assert "cannot be read or written" in sentence or "no room" in sentence
    integrity(path)
    with Gradebook(path) as book:
        assert len(list(book.students())) == kept


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps rights in another way")
def test_where_nothing_may_be_written_grades_are_read_and_writing_is_told():
    with tempfile.TemporaryDirectory(dir="/tmp") as name:  # a folder that others may enter
        folder, path = Path(name), Path(name, "gradebook.db")
        with Gradebook(path) as book:
            book.add(graded())
        folder.chmod(0o555)
        path.chmod(0o444)
        user = os.geteuid()
        if user == 0:
            os.seteuid(65534)  # root may write everywhere
        try:
            with Gradebook(path) as book:
                assert list(book.students()) == ["alice"]
                with pytest.raises(ConvlabError, match="cannot be written"):
                    book.add(graded(student="bob"))
            with pytest.raises(ConvlabError, match="cannot be opened"):
                Gradebook(folder / "new.db")
        finally:
            if user == 0:
                os.seteuid(0)
            folder.chmod(0o755)
        assert [file.name for file in folder.iterdir()] == ["gradebook.db"]


# -- several processes, and their sudden end

PRELUDE = """
import os, sys
from convlab.errors import ConvlabError
from convlab.grading.book.gradebook import Gradebook
from convlab.grading.records import Grade, Graded

path = sys.argv[1]

def grade(problem):
    return Grade(problem, 1, 2, "correct", version="v1", feedback=os.urandom(500).hex())

def batch(number):
    grades = grade("pad"), grade("same_padding")
    return [Graded(f"s{number:05}-{part}", "02_padding", "name", f"d{number}", grades) for part in range(3)]
"""
WRITER = (
    PRELUDE
    + """
with Gradebook(path) as book:
    number = len(list(book.students())) // 3
    while True:
        book.add_all(batch(number))
        number += 1
        print(number, flush=True)
"""
)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no SIGKILL")
def test_a_writer_killed_at_any_moment_leaves_whole_batches_and_all_that_it_committed(path):
    rng, kept = random.Random(0), 0
    for _ in range(15):
        with subprocess.Popen([sys.executable, "-c", WRITER, path], stdout=subprocess.PIPE, text=True) as writer:
            writer.stdout.readline()
            time.sleep(rng.random() * 0.05)
            writer.kill()
            said = writer.stdout.read().split("\n")[-2:]
        committed = int(said[0]) if said[0] else kept
        integrity(path)
        with Gradebook(path) as book:
            sizes = [len(book.attempts(student, feedback=True)) for student in book.students()]
        assert set(sizes) == {2}
        assert len(sizes) % 3 == 0
        assert len(sizes) // 3 >= max(committed, kept + 1)
        kept = len(sizes) // 3


SHARED = (
    PRELUDE
    + """
with Gradebook(path) as book:
    print(book.seed, flush=True)
    sys.stdin.readline()
    own = int(sys.argv[2])
    added = 0
    for number in range(60):
        added += book.add_all(batch(number))
        added += book.add_all(batch(1000 * own + number))
    print(added)
"""
)


def test_two_graders_of_one_gradebook_lose_nothing_and_keep_nothing_twice(path):
    command = [sys.executable, "-c", SHARED, path]
    graders = [subprocess.Popen([*command, own], stdin=-1, stdout=-1, text=True) for own in "12"]
    seeds = [grader.stdout.readline() for grader in graders]  # both made the file
    for grader in graders:
        grader.stdin.write("go\n")
        grader.stdin.flush()
    outs = [grader.communicate()[0] for grader in graders]
    assert seeds[0] == seeds[1]
    assert sum(map(int, outs)) == 3 * 2 * 180
    integrity(path)
    with Gradebook(path) as book:
        attempts = [book.attempts(student) for student in book.students()]
    assert len(attempts) == 3 * 180
    assert {len(a) for a in attempts} == {2}
    assert {entry.attempt for a in attempts for entry in a} == {1}


def test_a_writer_that_is_kept_waiting_too_long_is_told(book, path):
    book._database._connection.execute("PRAGMA busy_timeout = 20")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(ConvlabError, match="another program keeps"):
            book.add(graded())
        other.execute("ROLLBACK")
    assert book.add(graded()) == 1


# -- large classes


def test_many_rows_are_found_by_their_index_and_each_fragment_is_kept_once(book, path):
    problems = [grade(f"p{n}", feedback=f"<p>{n}</p>" * 300) for n in range(20)]
    assert book.add_all(graded(*problems, student=f"s{n:04}") for n in range(1000)) == 20_000
    assert sum(1 for _ in book.latest()) == 20_000
    assert len(book.scores("s0500")[0].entries) == 20
    assert path.stat().st_size < 20_000 * 200
    asked = []
    book._database._connection.set_trace_callback(asked.append)
    book.attempts("s0500", feedback=True)
    book.submissions("s0500")
    book.known("s0500", "02_padding")
    book.add(graded(student="s0500"))
    book._database._connection.set_trace_callback(None)
    for statement in [s for s in asked if s.startswith(("SELECT", "UPDATE", "\n    SELECT"))]:
        plan = book._database.read(f"EXPLAIN QUERY PLAN {statement}")
        assert not [step for *_, step in plan if step.startswith("SCAN")], statement
