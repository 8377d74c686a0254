"""Grade a folder of submissions, and keep and show the results. What was graded before is not graded again.

    from convlab.grading import grade

    print(grade("submitted", "grades"))

The work is handed out to processes, or to whatever else runs calls, and what comes back is kept twice a second.
"""

import os
import socket
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, ProcessPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass, field
from difflib import get_close_matches
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from convlab.errors import ConvlabError
from convlab.exercises.catalogue import catalogue, load, teachers_files
from convlab.grading.book.gradebook import Gradebook
from convlab.grading.book.lateness import Policy
from convlab.grading.examination.working import Settings, Task, work
from convlab.grading.exchange.roster import Roster
from convlab.grading.intake.submissions import Found, find
from convlab.grading.pages.reports import write_reports
from convlab.grading.records import Graded, digest
from convlab.grading.sandbox import Level, level

TOGETHER = 4  # notebooks that a worker is handed at once
AHEAD = 3  # such handfuls for each worker
SAVED_EVERY = 0.5  # seconds
LISTED = 20  # sentences in a summary
STRAY = 0.05  # of the class: a lesson that so few handed in was hardly asked for
TRIES = 3  # of a handful whose worker dies
UNSAFE = """\
WARNING: this machine has no sandbox. The code of submissions runs as you do: it can read your files, use your network
and change what you may change. Grade only submissions that you trust, or grade on Linux; `convlab doctor` says how."""


@dataclass
class Summary:
    """What a run did.

    changed: ids of problems that have changed since what was skipped was graded. odd: what a teacher should look at, in
    sentences.
    """

    graded: int = 0
    skipped: int = 0
    changed: set[str] = field(default_factory=set)
    odd: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def __str__(self) -> str:
        rate = f", {self.graded / self.seconds:.1f} a second" if self.graded and self.seconds else ""
        lines = [f"Submissions: {self.graded} graded in {self.seconds:.1f} s{rate}; {self.skipped} known already."]
        if self.changed:
            names = ", ".join(sorted(self.changed))
            lines.append(f"Changed since some of these were graded: {names}. --changed grades them again.")
        if self.odd:
            lines += [f"{len(self.odd)} to look at:", *(f"  {words}" for words in self.odd[:LISTED])]
        if len(self.odd) > LISTED:
            lines.append(f"  ... and {len(self.odd) - LISTED} more; each is told on the student's page.")
        return "\n".join(lines)


@dataclass(frozen=True)
class Wanted:
    """Which submissions to grade: by default those that are not known.

    students, problems: only these, whether they are known or not. changed: those whose problems have changed.
    """

    students: frozenset[str] = frozenset()
    problems: frozenset[str] = frozenset()
    changed: bool = False


def grade(
    submissions: str | Path,
    out: str | Path,
    *,
    seed: int | None = None,
    workers: int | None = None,
    executor: Executor | None = None,
    students: Iterable[str] = (),
    problems: Iterable[str] = (),
    changed: bool = False,
    own_problems: Iterable[str | Path] = (),
    policy: Policy | None = None,
    best: bool = False,
    roster: Roster | None = None,
    require_sandbox: bool = False,
    at_level: Level | None = None,
    progress: bool = False,
) -> Summary:
    """Grade all notebooks in a folder or a zip, and write gradebook.db, grades.csv, class.html and feedback/.

    out: a folder, made where there is none; a run that was interrupted goes on there. seed: of the hidden cases; a new
    gradebook chooses one. workers: processes, by default one for each processor. executor: of `concurrent.futures`, in
    place of these; a `scheduler.Cluster` says itself how many workers it has, and at which level. students, problems,
    changed: as in `Wanted`. own_problems: files with problems of your own. policy: due dates. best: each student's best
    attempt counts, not the latest. roster: gives names. require_sandbox: refuse to run without one.

    Raises `ConvlabError` where the submissions are not there, nothing can be written, or a sandbox is missing.
    """
    for path in own_problems:
        load(path)
    _check_system()
    found_level = _checked(at_level or getattr(executor, "level", None) or level(), require_sandbox)
    out = _apart(Path(out), Path(submissions))
    found = list(find(submissions))
    ids = frozenset(catalogue().find(id).id for id in problems)
    wanted = Wanted(frozenset(_student(name, found) for name in students), ids, changed)
    _make(out)
    start = time.monotonic()
    with Gradebook(out / "gradebook.db", seed=seed) as book:
        settings = Settings(book.seed, found_level, tuple(map(str, teachers_files())))
        run = _Run(book, settings, wanted)
        run.go(found, executor, workers, progress)
        run.summary.seconds = time.monotonic() - start
        labels = {**run.labels, **(roster.labels(book.students()) if roster else {})}
        write_reports(book, out, labels, policy=policy, best=best)
        run.summary.odd += _strays(book)
    return run.summary


def _strays(book: Gradebook) -> Iterator[str]:
    """Sentences on lessons that hardly anybody handed in: their points count in what everybody could have."""
    counts = book.handed_in()
    most = max(counts.values(), default=0)
    for lesson, count in counts.items():
        if count <= STRAY * most:
            yield (
                f"{lesson} was handed in by {count} of {most} students, but counts in what all could have (`of` in "
                "grades.csv): if it is not meant to, add up the columns of the other lessons."
            )


def _student(name: str, found: Sequence[Found]) -> str:
    """The id of a student who is named by it, or by the name that the submissions have."""
    named = {one.label: one.student for one in found if one.label} | {one.student: one.student for one in found}
    if name in named:
        return named[name]
    near = get_close_matches(name, named, 3)
    hint = f"is {' or '.join(map(repr, near))} meant?" if near else f"there are {', '.join(sorted(named)[:5])} ..."
    raise ConvlabError(f"nobody named {name!r} handed in anything: {hint}")


def _apart(out: Path, submissions: Path) -> Path:
    """The folder for the results, which must not lie among the submissions: the next run would take it for one."""
    if out.resolve().is_relative_to(submissions.resolve()):
        raise ConvlabError(f"{out} lies among the submissions: name a folder outside of {submissions} for the results.")
    return out


def _make(out: Path) -> None:
    """Made where there is none, and for its owner alone: it holds grades, and what hidden cases are made from."""
    try:
        if not out.is_dir():
            out.mkdir(0o700)
    except FileNotFoundError as error:
        raise ConvlabError(f"{out} cannot be made, for there is no folder {out.parent}: is it misspelt?") from error
    except OSError as error:
        raise ConvlabError(f"{out} cannot be made ({error.strerror}): name a folder that you may write to.") from error


def _check_system() -> None:
    if not hasattr(socket, "send_fds"):
        raise ConvlabError("submissions cannot be graded on Windows itself: install convlab in WSL2, and grade there.")


def _checked(found: Level, required: bool) -> Level:
    if found is Level.NONE:
        if required:
            raise ConvlabError("there is no sandbox on this machine, and one is required: `convlab doctor` says how.")
        print(UNSAFE, file=sys.stderr)
    return found


class _Run:
    """One run over all submissions: hands them out, a few ahead, and saves what comes back."""

    def __init__(self, book: Gradebook, settings: Settings, wanted: Wanted) -> None:
        self.book, self.settings, self.wanted = book, settings, wanted
        self.summary = Summary()
        self.labels: dict[str, str] = {}
        self._versions = {problem.id: problem.version for problem in catalogue().values()}
        self._ready: list[Graded] = []
        self._saved_at = time.monotonic()

    def go(self, found: Sequence[Found], executor: Executor | None, workers: int | None, progress: bool) -> None:
        self.labels = {one.student: one.label for one in found if one.label}
        with ExitStack() as stack, _bar(len(found), progress) as bar:
            pool = executor or stack.enter_context(_Processes(workers or _processors()))
            try:
                self._spread(_handfuls(self._tasks(found, bar)), pool, workers, bar)
            finally:
                self._save()

    def _tasks(self, found: Iterable[Found], bar: Any) -> Iterator[Task]:
        """What is to be graded."""
        for one in found:
            task = self._task(one)
            if task is None:
                bar.update()
            else:
                yield task

    def _task(self, found: Found) -> Task | None:
        if self.wanted.students and found.student not in self.wanted.students:
            return None
        content, remarks = _content(found)
        only = self._open(found.student, digest(content, remarks))
        if only is None:
            self.summary.skipped += 1
            return None
        return Task(found.student, found.assignment, found.name, content, found.submitted, remarks, tuple(sorted(only)))

    def _open(self, student: str, digest: str) -> frozenset[str] | None:
        """The problems to grade of a submission, empty for all; None where nothing is to do."""
        if self.wanted.students or self.wanted.problems:
            return self.wanted.problems
        newest = {one.lesson: one for one in self.book.submissions(student)}
        lesson = next((lesson for lesson, one in newest.items() if one.digest == digest), None)
        if lesson is None:
            return frozenset()
        known = self.book.known(student, lesson)
        versions = known.versions if known and known.digest == digest else {}
        ids = {problem.id for problem in catalogue().of_lesson(lesson)}
        if missing := ids - set(versions):
            return frozenset(missing)
        old = frozenset(id for id in ids if versions[id] != self._versions[id])
        if old and not self.wanted.changed:
            self.summary.changed |= old
        return old if old and self.wanted.changed else None

    def _spread(self, handfuls: Iterator[list[Task]], pool: Any, workers: int | None, bar: Any) -> None:
        """Keep all workers busy, those too that join a cluster late; what a dying worker had is handed out again."""
        going: dict[Future[list[Graded]], tuple[list[Task], int]] = {}
        again: list[tuple[list[Task], int]] = []
        most = _at_once(pool, workers)
        while True:
            while len(going) < most and (again or handfuls):
                handful, tries = again.pop() if again else (next(handfuls, None), 1)
                if handful is None:
                    handfuls = iter(())
                    break
                going[pool.submit(work, self.settings, handful)] = handful, tries
            if not going:
                return
            done, _ = wait(going, timeout=SAVED_EVERY, return_when=FIRST_COMPLETED)
            for future in done:
                handful, tries = going.pop(future)
                try:
                    self._take(future.result(), bar)
                except ConvlabError:
                    raise
                except (Exception, BrokenExecutor) as error:
                    again += self._lost(handful, tries, error, bar)
            if time.monotonic() - self._saved_at > SAVED_EVERY:
                self._save()
                most = _at_once(pool, workers)

    def _take(self, graded: Sequence[Graded], bar: Any) -> None:
        self._ready += graded
        for one in graded:
            if one.remarks and not any(grade.points for grade in one.grades):
                self.summary.odd.append(f"{one.name}: {one.remarks[0]}")
        bar.update(len(graded))

    def _lost(self, handful: list[Task], tries: int, error: BaseException, bar: Any) -> list[tuple[list[Task], int]]:
        """What to hand out again of a handful whose worker died: one by one, so that only the culprit is left over."""
        if tries < TRIES:
            return [([task], tries + 1) for task in handful]
        for task in handful:
            words = f"{task.name}: its grading failed {TRIES} times ({type(error).__name__}: {error}); it was left out."
            self.summary.odd.append(words)
        bar.update(len(handful))
        return []

    def _save(self) -> None:
        if self._ready:
            again = bool(self.wanted.students or self.wanted.problems)
            self.book.add_all(self._ready, again=again)
            self.summary.graded += len(self._ready)
            self._ready = []
        self._saved_at = time.monotonic()


def _content(found: Found) -> tuple[bytes | None, tuple[str, ...]]:
    """What is in a file, None where it cannot be read, and remarks on it."""
    try:
        return found.read(), found.remarks
    except ConvlabError as error:
        return None, (*found.remarks, str(error))


def _handfuls(tasks: Iterable[Task]) -> Iterator[list[Task]]:
    """Some tasks at once; those of a student stay together, for the last notebook of a lesson is what counts."""
    handful: list[Task] = []
    for task in tasks:
        if len(handful) >= TOGETHER and task.student != handful[-1].student:
            yield handful
            handful = []
        handful.append(task)
    if handful:
        yield handful


class _Processes:
    """Processes that grade; a new set of them where one died."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> "_Processes":
        return self

    def __exit__(self, *error: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def submit(self, *call: Any) -> Future[Any]:
        try:
            return self._running().submit(*call)
        except BrokenExecutor:
            self._pool = None
            return self._running().submit(*call)

    def _running(self) -> ProcessPoolExecutor:
        if self._pool is None:
            self._pool = ProcessPoolExecutor(self._workers, mp_context=get_context("spawn"))
        return self._pool


def _at_once(pool: Any, workers: int | None) -> int:
    """How many handfuls may be out, for so many workers, else for as many as the pool has now."""
    return AHEAD * (workers or getattr(pool, "workers", None) or _processors())


def _processors() -> int:
    return os.cpu_count() or 1


def _bar(total: int, shown: bool) -> Any:
    from convlab.optional import need

    return need("tqdm").tqdm(total=total, unit="submission", disable=not shown)
