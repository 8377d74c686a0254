"""Sit with a notebook's child: ask its problems' cases, and go on with another child where one dies or hangs.

Visible cases of all problems come first. Hidden ones enter a child only when nothing that it says is shown any more.
"""

import signal
import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from convlab.exercises import Problem, Verdict
from convlab.exercises.calling import Call, TimeUp
from convlab.grading.examination import wire
from convlab.grading.examination.asking import Question
from convlab.grading.examination.hosts import Host, Job
from convlab.grading.records import Cell
from convlab.grading.sandbox import Limits
from convlab.grading.sandbox.confine import End

CELL_SECONDS = 3.0  # for a cell
HEAVY_SECONDS = 20.0  # for a cell of a notebook that needs TensorFlow
GRACE = 1.0  # seconds until a child that does not end by itself is killed
HEAVY_GRACE = 5.0  # the same where models are made and told
ANSWER = 2**23  # bytes of an answer
MODEL = 32 * 2**20  # bytes of an answer with a model
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
        while True:  # until then: whoever asks or answers without end is too slow
            told, content = self.job.hear(until, most)
            if not isinstance(told, dict):
                raise wire.Broken("an answer of no known kind")
            if "ask" in told:
                self.job.ask(asked.question.reply(told["ask"], content), until)
            elif asked.take(told, content):
                return

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
