"""How the class did, as data and as text for a teacher's terminal.

Nobody is named, but counts are exact, down to the one student who made a mistake: what is shown to the class is
`class_page`, which leaves those out.
"""

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby
from statistics import fmean, median

from convlab.exercises import Problem, Verdict, catalogue
from convlab.exercises.comparing import number
from convlab.grading.book.entries import Entry
from convlab.grading.book.gradebook import Gradebook

MOST_MISTAKES = 3  # of a problem
RAN = (Verdict.CORRECT.value, Verdict.INCORRECT.value)


@dataclass(frozen=True)
class Mistake:
    """A misconception, and how many students had it in any attempt."""

    title: str
    students: int
    explanation: str


@dataclass(frozen=True)
class ProblemStatistics:
    """One problem, over all students who handed in its lesson.

    solved: how many have a correct answer now. attempts: different notebooks handed in, on average. share: of the
    points, on average, from 0 to 1. seconds: the median time of the students' code, where any ran. mistakes: the
    commonest first.
    """

    problem: str
    title: str
    lesson: str
    students: int
    solved: int
    attempts: float
    share: float
    seconds: float | None
    mistakes: tuple[Mistake, ...]


@dataclass(frozen=True)
class LessonStatistics:
    """One lesson. share: of the points, on average. tenths: students by their share of the points, in ten steps."""

    lesson: str
    students: int
    share: float
    tenths: tuple[int, ...]
    problems: tuple[ProblemStatistics, ...]


@dataclass(frozen=True)
class ClassStatistics:
    """The whole class, lesson by lesson."""

    students: int
    lessons: tuple[LessonStatistics, ...]


@dataclass
class _Seen:
    """What is collected of one problem: little, so that a class may be large."""

    lesson: str = ""
    solved: int = 0
    attempts: int = 0
    shares: array = field(default_factory=lambda: array("d"))
    seconds: array = field(default_factory=lambda: array("d"))
    mistakes: Counter[str] = field(default_factory=Counter)

    def add(self, attempts: list[Entry]) -> None:
        newest = attempts[-1].grade
        self.lesson = attempts[-1].lesson
        self.solved += newest.verdict == Verdict.CORRECT.value
        self.attempts += len({entry.digest for entry in attempts})
        self.shares.append(_share(newest.points, newest.of))
        if newest.verdict in RAN:
            self.seconds.append(newest.seconds)
        self.mistakes.update({entry.grade.misconception for entry in attempts} - {""})


def statistics(book: Gradebook) -> ClassStatistics:
    """Of the current grades of all students, without penalties for lateness."""
    problems: dict[str, _Seen] = defaultdict(_Seen)
    shares: dict[str, array] = defaultdict(lambda: array("d"))
    students = 0
    for student in book.students():
        students += 1
        newest = []
        for attempts in book.by_problem(student):
            problems[attempts[-1].grade.problem].add(attempts)
            newest.append(attempts[-1])
        for lesson, entries in groupby(sorted(newest, key=lambda e: e.lesson), key=lambda e: e.lesson):
            grades = [entry.grade for entry in entries]
            shares[lesson].append(_share(sum(g.points for g in grades), sum(g.of for g in grades)))
    found = [_problem(id, problems[id]) for id in _in_order(problems)]
    return ClassStatistics(students, tuple(_lesson(lesson, shares[lesson], found) for lesson in sorted(shares)))


def _share(points: float, of: float) -> float:
    return min(1.0, max(0.0, points / of)) if of else 0.0


def _in_order(problems: Iterable[str]) -> list[str]:
    """The course's order, then that of the alphabet."""
    places = {id: place for place, id in enumerate(catalogue())}
    return sorted(problems, key=lambda id: (places.get(id, len(places)), id))


def _problem(id: str, seen: _Seen) -> ProblemStatistics:
    problem = catalogue().get(id)
    students = len(seen.shares)
    common = sorted(seen.mistakes.items(), key=lambda item: (-item[1], item[0]))
    return ProblemStatistics(
        id,
        problem.title if problem else id,
        seen.lesson,
        students,
        seen.solved,
        seen.attempts / students,
        fmean(seen.shares),
        median(seen.seconds) if seen.seconds else None,
        tuple(Mistake(title, count, _explanation(problem, title)) for title, count in common),
    )


def _explanation(problem: Problem | None, title: str) -> str:
    known = problem.misconceptions if problem else ()
    return next((m.explanation for m in known if m.title == title), "")


def _lesson(lesson: str, shares: array, problems: list[ProblemStatistics]) -> LessonStatistics:
    tenths = Counter(min(9, int(10 * share + 1e-9)) for share in shares)  # 0.1 + 0.2 is nearly 0.3
    own = tuple(problem for problem in problems if problem.lesson == lesson)
    return LessonStatistics(lesson, len(shares), fmean(shares), tuple(tenths[step] for step in range(10)), own)


def statistics_text(found: ClassStatistics) -> str:
    """All counts, exact, in lines."""
    lines = [people(found.students)]
    for lesson in found.lessons:
        lines += ["", f"{lesson.lesson}: {people(lesson.students)}, {percent(lesson.share)} of the points on average"]
        most = max(lesson.tenths)
        for step, count in enumerate(lesson.tenths):
            lines.append(f"  {10 * step:3} to {10 * step + 10:3} %  {'█' * round(30 * count / most):30} {count}")
        for problem in lesson.problems:
            lines += ["", *_problem_lines(problem)]
    return "\n".join(lines)


def _problem_lines(problem: ProblemStatistics) -> list[str]:
    taken = "" if problem.seconds is None else f", {duration(problem.seconds)}"
    return [
        f"  {problem.problem}: {problem.solved} of {problem.students} solved it, "
        f"{percent(problem.share)} of the points, {problem.attempts:.1f} attempts{taken}",
        *(f"    {mistake.students:4} {mistake.title}" for mistake in problem.mistakes[:MOST_MISTAKES]),
    ]


def people(count: int) -> str:
    """Such as "1,204 students"."""
    return "1 student" if count == 1 else f"{count:,} students"


def percent(share: float) -> str:
    """Such as "62 %"."""
    return f"{100 * share:.0f} %"


def duration(seconds: float) -> str:
    """Such as "1.3 ms": two digits."""
    return f"{number(float(f'{seconds:.2g}'))} s" if seconds >= 1 else f"{number(float(f'{1000 * seconds:.2g}'))} ms"
