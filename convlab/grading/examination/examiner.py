"""Grade one notebook: run it in a sandbox, compare what comes back, and write down what it earned.

Every problem is judged by itself. A child that dies or hangs costs the problem, or the cell, that it was at; another
child goes on with the others. Hidden cases come last, when nothing that a child says is shown to anybody any more.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np

from convlab.errors import ConvlabError
from convlab.exercises import Problem, Result, Verdict, catalogue
from convlab.exercises.calling import Call
from convlab.exercises.judging import Unusable, assess, named, observed
from convlab.exercises.render import as_html
from convlab.exercises.report import Report, Title, report
from convlab.grading.examination.asking import Given, Model
from convlab.grading.examination.hosts import Host
from convlab.grading.examination.inspecting import Inspector
from convlab.grading.examination.sitting import CELL_SECONDS, HEAVY_SECONDS, Paper, Sitting
from convlab.grading.intake.reading import parse
from convlab.grading.records import Grade, Graded, Notebook, digest
from convlab.grading.sandbox import Level
from convlab.grading.sandbox import level as best_level

LARGEST_OBSERVED = 10_000  # numbers of a result that is looked at before it is compared


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
        known = catalogue().lessons
        if lesson in known and found not in ("", lesson):
            remarks += (f"this is the notebook of {found}, but it was handed in for {lesson}.",)
        lesson = lesson if lesson in known else found or lesson
        problems = catalogue().of_lesson(lesson)
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
            return self._inspector.inspect(paper.problem, paper.answers)
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


def _lesson_of(notebook: Notebook) -> str:
    """The lesson that most marked cells belong to; where none is marked, that most functions have their names from."""
    problems = catalogue()
    count = Counter(problems[cell.id].lesson for cell in notebook.cells if cell.id in problems)
    if not count:
        count = Counter(p.lesson for p in problems.values() for cell in notebook.cells if f"def {p.id}(" in cell.source)
    return count.most_common(1)[0][0] if count else ""
