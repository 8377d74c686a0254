"""Grade one notebook: run it in a sandbox, compare what comes back, and write down what it earned.

Every problem is judged by itself. A child that dies or hangs costs the problem, or the cell, that it was at; another
child goes on with the others. Hidden cases come last, when nothing that a child says is shown to anybody any more.
"""

import signal
import time
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import numpy as np

from convlab.errors import ConvlabError
from convlab.exercises import Problem, Result, Verdict, catalogue
from convlab.exercises.calling import Call, TimeUp
from convlab.exercises.judging import Unusable, assess, named, observed
from convlab.exercises.render import as_html
from convlab.exercises.report import Report, Title, report
from convlab.grading.examination import wire
from convlab.grading.examination.asking import Given, Model, Question
from convlab.grading.examination.hosts import Host, Job
from convlab.grading.examination.inspecting import Inspector
from convlab.grading.intake.reading import parse
from convlab.grading.records import Cell, Grade, Graded, Notebook, digest
from convlab.grading.sandbox import Level, Limits
from convlab.grading.sandbox import level as best_level
from convlab.grading.sandbox.confine import End

CELL_SECONDS = 3.0  # for a cell
HEAVY_SECONDS = 20.0  # for a cell of a notebook that needs TensorFlow
GRACE = 1.0  # seconds until a child that does not end by itself is killed
HEAVY_GRACE = 5.0  # the same where models are made and told
ANSWER = 2**23  # bytes of an answer
MODEL = 32 * 2**20  # bytes of an answer with a model
LARGEST_OBSERVED = 10_000  # numbers of a result that is looked at before it is compared
MANY = 200  # answers of one question
MEMORY, HEAVY_MEMORY = 2**29, 2**31  # bytes
BROKEN = {
    "time": "it took more time than there is",
    "threads": "it started too many threads",
    "scratch": "it wrote more to the disk than there is room for",
}


class Ended(Exception):
    """The sandboxed Python ended, or was ended, in the middle of this exercise."""


@dataclass
class Paper:
    """What a student answered to one problem, as far as it is known."""

    problem: Problem
    answers: list[list[Call]]
    left: float
    closed: bool = False  # nothing more can be asked
    verdict: Verdict | None = None
    reason: str = ""

    def close(self, verdict: Verdict, reason: str = "") -> None:
        self.verdict, self.reason, self.closed = verdict, reason, True


class Asked:
    """A question that asks all visible, or all hidden, cases of a problem.

    groups: places of the problem's groups that it asks. sent_to: the child that has it.
    """

    def __init__(self, paper: Paper, groups: Sequence[int], seed: int) -> None:
        self.paper = paper
        self._cases = [(group, case) for group in groups for case in paper.problem.groups[group].make(seed)]
        self.question = Question(paper.problem, [case for _, case in self._cases])
        self._answered, self._left = 0, paper.left
        self.patiently = False
        self.sent_to: Job | None = None

    def take(self, told: dict[str, Any], content: bytes) -> bool:
        """Write down what a child says. Was that all?"""
        if "calls" in told and isinstance(told["calls"], list):
            for call in told["calls"]:
                self._write_down(call, content)
            if told.get("over") and self._answered < len(self._cases) and not self.paper.closed:
                raise wire.Broken("fewer answers than questions")
            return bool(told.get("over"))
        if told.get("missing"):
            self.paper.close(Verdict.CANNOT_BE_CHECKED, f"in its cell, {str(told['missing'])[:300]}")
        elif "missing" in told or "untouched" in told:
            self.paper.close(Verdict.NOT_ATTEMPTED)
        elif "misfit" in told:
            self.paper.close(Verdict.CANNOT_BE_CHECKED, str(told["misfit"])[:500])
        else:
            raise wire.Broken("an answer of no known kind")
        return True

    def _write_down(self, told: Any, content: bytes) -> None:
        if self._answered == len(self._cases) or self.paper.closed:
            raise wire.Broken("more answers than questions")
        group, _ = self._cases[self._answered]
        call = self.question.call(self._answered, told, content)
        self._answered += 1
        paper = self.paper
        paper.answers[group].append(call)
        paper.left = 0 if call.out_of_time else paper.left - call.seconds
        paper.closed = paper.left <= 0 or isinstance(call.error, NotImplementedError)

    def again(self) -> bool:
        """Forget the answers, to ask once more and hear each by itself. False where that was so already."""
        if self.patiently or self._answered == len(self._cases):
            return False
        self.patiently, self._answered = True, 0
        for group, _ in self._cases:
            self.paper.answers[group].clear()
        self.paper.left = self._left
        self.question = Question(self.paper.problem, [case for _, case in self._cases])
        return True

    def blame(self, error: Exception, end: End | None) -> None:
        """The next case ended or hung the child."""
        if self._answered < len(self._cases):
            group, case = self._cases[self._answered]
            cause = TimeUp() if isinstance(error, wire.TooSlow) else Ended(_end_in_words(error, end))
            self.paper.answers[group].append(Call(error=cause, case=case))
        self.paper.closed = True


@dataclass
class Sitting:
    """The problems of a notebook that forbid the same: they share a sandbox. spare: one for a second try."""

    cells: Sequence[Cell]
    papers: list[Paper]
    host: Host
    seed: int
    seconds: float
    skipped: list[int] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    spare: Host | None = None
    job: Job | None = None

    def run(self) -> None:
        """Ask every problem's visible cases, then every problem's hidden ones."""
        self._phase(hidden=False)
        self._phase(hidden=True)
        if self.job is not None:
            self.job.close()

    def _phase(self, hidden: bool) -> None:
        """Ask until every problem is answered, or has cost a child."""
        waiting = deque(
            Asked(paper, groups, self.seed)
            for paper in self.papers
            if not paper.closed
            and (groups := [place for place, group in enumerate(paper.problem.groups) if group.hidden is hidden])
        )
        while waiting:
            if self.job is None and not self._begin():
                return
            try:
                self._send(waiting)
                self._answers(waiting[0])
            except (wire.Broken, wire.TooSlow) as error:
                end = self._end()
                if waiting[0].again():
                    self.host = self.spare or self.host
                    continue
                waiting[0].blame(error, end)
            waiting.popleft()

    def _end(self) -> End | None:
        """End the child."""
        job, self.job = self.job, None
        return job.end() if job else None

    def _send(self, waiting: Iterable[Asked]) -> None:
        """Send the first question, and those behind it as long as none needs to ask back: a child should not wait."""
        assert self.job is not None
        frames = []
        for place, asked in enumerate(waiting):
            if place and not asked.question.plain:
                break
            if asked.sent_to is not self.job:
                frames.append(asked.question.frame(asked.paper.left, asked.patiently))
                asked.sent_to = self.job
            if not asked.question.plain:
                break
        if frames:
            self.job.ask(b"".join(frames), time.monotonic() + GRACE + HEAVY_SECONDS)

    def _answers(self, asked: Asked) -> None:
        """Write down what the child says of a question, and answer what it asks on the way."""
        assert self.job is not None
        until = time.monotonic() + asked.paper.left + (HEAVY_GRACE if asked.question.heavy else GRACE)
        most = MODEL if asked.question.heavy else ANSWER
        for _ in range(MANY):
            told, content = self.job.hear(until, most)
            if not isinstance(told, dict):
                raise wire.Broken("an answer of no known kind")
            if "ask" in told:
                self.job.ask(asked.question.reply(told["ask"], content), until)
            elif asked.take(told, content):
                return
        raise wire.Broken("more answers than questions")

    def _begin(self) -> bool:
        """Start a child that has run the cells, without those that end or hang it. False where there is none."""
        for _ in range(len(self.cells) + 1):
            self.job = Job(self.host, self._limits())
            try:
                self._run_cells(self.job)
                return True
            except (wire.Broken, wire.TooSlow) as error:
                place = self.job.place()
                end = self._end()
                if not 0 <= place < len(self.cells) or place in self.skipped:
                    break
                self.skipped.append(place)
                self.remarks.append(f"Cell {place + 1} was left out: {_end_in_words(error, end)}.")
        for paper in self.papers:
            paper.close(Verdict.CANNOT_BE_CHECKED, "the notebook's cells do not run in the sandbox.")
        return False

    def _when_cells_have_run(self, job: Job) -> Any:
        """What the child says then; raises `wire.TooSlow` where one cell takes too long."""
        place = -1
        while True:
            try:
                return job.hear(time.monotonic() + self.seconds + GRACE, ANSWER)[0]
            except wire.TooSlow:
                if job.place() <= place:
                    raise
                place = job.place()

    def _limits(self) -> Limits:
        """Of all problems and all cells together; each has its own limit besides."""
        left = sum(paper.left + GRACE for paper in self.papers if not paper.closed)
        seconds = left + self.seconds * (len(self.cells) - len(self.skipped)) + GRACE
        memory = HEAVY_MEMORY if self.seconds == HEAVY_SECONDS else MEMORY
        return Limits(seconds, int(seconds) + 1, memory)

    def _run_cells(self, job: Job) -> None:
        message = {
            "cells": [[cell.source, cell.id] for cell in self.cells],
            "skipped": self.skipped,
            "forbidden": list(self.host.forbidden),
            "seconds": self.seconds,
        }
        job.ask(wire.Encoder().frame(message), time.monotonic() + GRACE)
        told = self._when_cells_have_run(job)
        if not isinstance(told, dict) or not isinstance(told.get("remarks"), list):
            raise wire.Broken("no word on the cells")
        said = [str(words)[:300] for words in told["remarks"][:50]]
        self.remarks += [words for words in said if words not in self.remarks]


def _end_in_words(error: Exception, end: End | None) -> str:
    """How a child ended."""
    assert end is not None
    if end.reason in BROKEN:
        return BROKEN[end.reason]
    if isinstance(error, wire.TooSlow):
        return "it does not end, and had to be stopped"
    if str(error) != "the other side is gone":
        return f"it meddled with the grader ({error})"
    if end.status < 0:
        name = signal.Signals(-end.status).name
        return "it crashed Python" if name in ("SIGSEGV", "SIGABRT", "SIGBUS") else f"it was ended by {name}"
    return "it ended Python"


class Examiner:
    """Grades notebooks, one after another; its sandboxes wait for the next one until it is closed.

    seed: of the hidden cases. level: of the sandbox; by default the best that this machine has.
    """

    def __init__(self, seed: int, level: Level | None = None) -> None:
        self.seed, self.level = seed, level or best_level()
        self._hosts: dict[tuple[Any, ...], Host] = {}
        self._inspector = Inspector(self.level)

    def __enter__(self) -> "Examiner":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """End all sandboxes."""
        for host in self._hosts.values():
            host.close()
        self._hosts.clear()
        self._inspector.close()

    def grade(
        self,
        content: bytes | None,
        *,
        student: str,
        lesson: str = "",
        name: str = "",
        submitted: datetime | None = None,
        remarks: Sequence[str] = (),
        only: Sequence[str] = (),
    ) -> Graded:
        """Grade the bytes of a notebook; None for one that cannot be read.

        lesson: such as "02_padding"; by default the one that most of its cells belong to. remarks: what was odd where
        it was found. only: ids of the problems to grade; by default all. Never raises for what is in the notebook: the
        remarks of what it returns say what was odd.
        """
        fingerprint = digest(content, remarks)
        try:
            notebook = Notebook(()) if content is None else parse(content)
            remarks = (*remarks, *notebook.remarks)
        except ConvlabError as error:
            notebook, remarks = Notebook(()), (*remarks, str(error))
        found = _lesson_of(notebook)
        if lesson in lessons() and found not in ("", lesson):
            remarks += (f"this is the notebook of {found}, but it was handed in for {lesson}.",)
        lesson = lesson if lesson in lessons() else found or lesson
        problems = [problem for problem in catalogue().values() if problem.lesson == lesson]
        if not problems and notebook.cells:
            remarks += (f"there are no exercises on {lesson!r}.",) if lesson else ("it answers no exercise.",)
        grades, more = self._problems(notebook, [p for p in problems if not only or p.id in only])
        told = tuple(map(_sentence, (*remarks, *more)))
        return Graded(student, lesson, name, fingerprint, tuple(grades), submitted, told)

    def _problems(self, notebook: Notebook, problems: Sequence[Problem]) -> tuple[list[Grade], list[str]]:
        papers = [Paper(problem, [[] for _ in problem.groups], problem.seconds) for problem in problems]
        remarks: list[str] = []
        if not notebook.cells:
            for paper in papers:
                paper.close(Verdict.NOT_ATTEMPTED)
        for together in _sharing(papers) if notebook.cells else []:
            heavy = any(paper.problem.needs for paper in together)
            seconds = HEAVY_SECONDS if heavy else CELL_SECONDS
            libraries = forbidden(together[0].problem)
            host = self._host(libraries, "tensorflow" if heavy else "numpy")
            sitting = Sitting(notebook.cells, together, host, self.seed, seconds)
            if heavy:  # what hangs in a warm sandbox may run in a cold one, which starts when it is needed
                sitting.spare = self._host(libraries, "cold")
            sitting.run()
            remarks += [words for words in sitting.remarks if words not in remarks]
        return [self._grade(paper) for paper in papers], remarks

    def _host(self, libraries: Sequence[str], purpose: str) -> Host:
        key = (libraries, purpose)
        if key not in self._hosts:
            self._hosts[key] = Host(self.level, *key)
        return self._hosts[key]

    def _grade(self, paper: Paper) -> Grade:
        problem = paper.problem
        if paper.verdict is not None and not any(paper.answers):
            result = Result(problem, paper.verdict, reason=paper.reason)
        else:
            result = named(assess(problem, self._observed(paper), self.seed))
        seconds = sum(call.seconds for answers in paper.answers for call in answers)
        misconception = result.misconception.title if result.misconception else ""
        return Grade(
            problem.id,
            result.points,
            problem.points,
            result.verdict.value,
            misconception,
            round(seconds, 4),
            problem.version,
            as_html(_told(result), links=False),
        )

    def _observed(self, paper: Paper) -> list[list[Call]]:
        """The answers with what is compared; models are looked at in a sandbox of their own."""
        if any(isinstance(call.value, (Model, Given)) for answers in paper.answers for call in answers):
            return self._inspector.inspect(paper.problem, paper.answers, self.seed)
        return [[_observed(paper.problem, call) for call in answers] for answers in paper.answers]


def _told(result: Result) -> Report:
    """What a page says of a result; what to do in a notebook is not for it."""
    if result.verdict is Verdict.NOT_ATTEMPTED:
        return [Title(f"{result.problem.id}: not attempted", result.verdict)]
    return report(result)


def _observed(problem: Problem, call: Call) -> Call:
    """What is compared. What `observe` computes with is small, or a result could cost the grader its memory."""
    if problem.observe is not None and _numbers(call.value) > LARGEST_OBSERVED:
        return replace(call, value=None, error=Unusable("your result has far more numbers than were asked for."))
    return observed(problem, call)


def _numbers(value: Any) -> int:
    """How many numbers there are in a result."""
    if isinstance(value, dict):
        value = list(value.values())
    return sum(map(_numbers, value)) if isinstance(value, (list, tuple)) else np.size(value)


def forbidden(problem: Problem) -> tuple[str, ...]:
    """The libraries that are not there when a problem is graded."""
    return tuple(sorted({"convlab", *problem.forbids} - set(problem.needs)))


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


def _sharing(papers: Sequence[Paper]) -> list[list[Paper]]:
    """Papers by what their problems forbid."""
    groups: dict[tuple[str, ...], list[Paper]] = {}
    for paper in papers:
        groups.setdefault(forbidden(paper.problem), []).append(paper)
    return list(groups.values())


def lessons() -> list[str]:
    """The lessons that have exercises, in their order."""
    return list(dict.fromkeys(problem.lesson for problem in catalogue().values()))


def _lesson_of(notebook: Notebook) -> str:
    """The lesson that most marked cells belong to; where none is marked, that most functions have their names from."""
    problems = catalogue()
    count = Counter(problems[cell.id].lesson for cell in notebook.cells if cell.id in problems)
    if not count:
        count = Counter(p.lesson for p in problems.values() for cell in notebook.cells if f"def {p.id}(" in cell.source)
    return count.most_common(1)[0][0] if count else ""
