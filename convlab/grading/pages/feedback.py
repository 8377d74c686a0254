"""A page for each student: what was right, what was wrong, and which mistake it was.

Everything on it but the fragments is text from outside and is escaped here; fragments come from
`convlab.exercises.render.as_html`, which escapes what they quote.
"""

import re
from collections.abc import Iterable
from datetime import UTC, tzinfo
from hashlib import sha256
from pathlib import Path

from convlab.exercises import catalogue
from convlab.exercises.comparing import number
from convlab.grading.book.entries import Entry, Score, Submission
from convlab.grading.book.gradebook import Gradebook
from convlab.grading.book.lateness import Policy, lost, moment, remark
from convlab.grading.pages.frame import bar, page, plain, write_page

# of Windows: files that are devices, with any ending
DEVICES = {"con", "prn", "aux", "nul", *(f"{name}{digit}" for name in ("com", "lpt") for digit in range(10))}

STYLE = """
header .bar { max-width: 24rem; margin: .5rem 0; }
.total { font-size: 1.15rem; }
nav table { margin: 1rem 0; }
th, td { padding: .25rem .9rem .25rem 0; text-align: left; border-bottom: 1px solid var(--line); }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.share { width: 12rem; padding-right: 0; }
caption { text-align: left; font-weight: bold; padding-bottom: .2rem; }
.lesson { margin-top: 2.5rem; padding-top: 1.2rem; border-top: 3px solid var(--line); }
.said { margin: .2rem 0 .8rem; }
.remarks { margin: .6rem 0; padding: .5rem 1rem; border: 1px solid var(--line); border-left: 5px solid #a87b00;
  background: var(--box); list-style: none; }
.problem { margin: 1.2rem 0; padding: .9rem 1.1rem; border: 1px solid var(--line); border-radius: 6px;
  background: var(--box); }
.problem h3 { margin-bottom: .5rem; }
.fragment { overflow-x: auto; }
.earlier { font-size: .9rem; color: var(--soft); }
.earlier h4 { margin: .8rem 0 0; font-size: 1em; }
.earlier ul { margin: .2rem 0 0; padding-left: 1.2rem; }
@media (max-width: 40rem) { .share { display: none; } }
@media print { .problem { break-inside: avoid-page; } h2, h3 { break-after: avoid-page; } }
"""


def safe_name(student: str) -> str:
    """A name of a file that no other student's page gets, whatever the student is called.

    >>> safe_name("alice"), safe_name("../Bob")
    ('alice', 'Bob-01aa7e9e71b76b284a54')
    """
    coded = student.encode("utf-8", "surrogatepass")
    # capitals are not told apart by the disks of Windows and macOS; what looks like a name made below is remade
    usual = re.fullmatch(r"[a-z0-9_]([a-z0-9._@+-]{0,78}[a-z0-9_])?", student)
    if usual and student.partition(".")[0] not in DEVICES and not re.search("-[0-9a-f]{20}$", student):
        return student
    readable = re.sub("[^A-Za-z0-9]+", "-", student).strip("-")[:40] or "student"
    return f"{readable}-{sha256(coded).hexdigest()[:20]}"


def write_feedback(
    out: Path, book: Gradebook, student: str, label: str = "", *, policy: Policy | None = None, best: bool = False
) -> Path:
    """Write `feedback_page` to feedback/<safe name>.html below `out`, and return that path.

    Raises `ConvlabError` where it cannot be written; a page from before stays whole.
    """
    path = out / "feedback" / f"{safe_name(student)}.html"
    write_page(path, feedback_page(book, student, label, policy=policy, best=best))
    return path


def feedback_page(
    book: Gradebook, student: str, label: str = "", *, policy: Policy | None = None, best: bool = False
) -> str:
    """All lessons of a student as HTML. label: the name for people. policy, best: what counts, as in the gradebook."""
    scores = {score.lesson: score for score in book.scores(student, best=best, lost=lost(policy))}
    newest = {submission.lesson: submission for submission in book.submissions(student)}
    attempts = sorted(book.by_problem(student, feedback=True), key=_in_order)
    lessons = ""
    for place, lesson in enumerate(sorted(newest), 1):
        score = scores.get(lesson, Score(student, lesson, ()))
        of_lesson = [tries for tries in attempts if tries[-1].lesson == lesson]
        lessons += _lesson(place, newest[lesson], score, of_lesson, policy)
    body = (
        f"{_header(student, label, scores.values())}\n{_overview(sorted(newest), scores)}\n"
        f"<main>{lessons}</main>\n"
        "<footer>Hidden cases are counted, never shown. This page needs no network and runs nothing.</footer>"
    )
    return page(f"Feedback for {label or student}", STYLE, body)


def _in_order(attempts: list[Entry]) -> tuple[int, str]:
    """The course's order, then that of the alphabet."""
    problem = attempts[-1].grade.problem
    places = list(catalogue())
    return places.index(problem) if problem in places else len(places), problem


def _header(student: str, label: str, scores: Iterable[Score]) -> str:
    final, of = sum(score.final for score in scores), sum(score.of for score in scores)
    name = f"<bdi>{plain(label or student)}</bdi>"
    id = f' <span class="soft">(<bdi>{plain(student)}</bdi>)</span>' if label else ""
    return (
        f'<header>\n<p class="soft">Feedback on your exercises</p>\n<h1>{name}{id}</h1>\n'
        f'<p class="total"><b>{number(final)}</b> of {number(of)} points in what you handed in</p>'
        f"{_bar(final, of)}\n</header>"
    )


def _bar(points: float, of: float) -> str:
    return bar(min(1.0, points / of) if of else 0.0)


def _overview(lessons: list[str], scores: dict[str, Score]) -> str:
    rows = ""
    for place, lesson in enumerate(lessons, 1):
        score = scores.get(lesson, Score("", lesson, ()))
        late = f"−{number(score.penalty)}" if score.penalty else ""
        cells = (number(score.points), number(score.of), late, f"<b>{number(score.final)}</b>")
        rows += f'<tr><th scope="row"><a href="#lesson-{place}">{plain(lesson)}</a></th>'
        rows += "".join(f'<td class="n">{cell if score.entries else ""}</td>' for cell in cells)
        rows += f'<td class="share">{_bar(score.final, score.of) if score.entries else "not graded"}</td></tr>'
    head = "".join(f'<th scope="col" class="n">{name}</th>' for name in ("Points", "Of", "Late", "Score"))
    return (
        '<nav aria-label="Lessons"><table><caption>Your lessons</caption>'
        f'<thead><tr><th scope="col">Lesson</th>{head}<td class="share"></td></tr></thead>'
        f"<tbody>{rows}</tbody></table></nav>"
    )


def _lesson(place: int, newest: Submission, score: Score, attempts: list[list[Entry]], policy: Policy | None) -> str:
    late = "" if policy is None else remark(policy, newest.student, newest.lesson, score.submitted or newest.submitted)
    remarks = "".join(f"<li>{plain(text)}</li>" for text in (late, *newest.remarks) if text)
    remarks = f'<ul class="remarks">{remarks}</ul>' if remarks else ""
    zone = _zone(policy, newest)
    when = f", handed in {moment(newest.submitted.astimezone(zone))}" if newest.submitted else ""
    counted = f"{number(score.final)} of {number(score.of)} points"
    if score.penalty:
        counted += f" ({number(score.points)} less {number(score.penalty)} for lateness)"
    problems = "".join(_problem(tries, score, zone) for tries in attempts)
    return (
        f'<section class="lesson" aria-labelledby="lesson-{place}"><h2 id="lesson-{place}">{plain(newest.lesson)}</h2>'
        f'<p class="said"><b>{counted}</b><span class="soft"> · <bdi>{plain(newest.name)}</bdi>{plain(when)}</span></p>'
        f"{remarks}{problems or '<p>There is nothing here that could be graded.</p>'}</section>\n"
    )


def _zone(policy: Policy | None, newest: Submission) -> tzinfo:
    """Times are shown as the due date was written."""
    due = policy and policy.due(newest.student, newest.lesson)
    return due.tzinfo or UTC if due else UTC


def _problem(attempts: list[Entry], score: Score, zone: tzinfo) -> str:
    grade = attempts[-1].grade
    title = catalogue()[grade.problem].title if grade.problem in catalogue() else grade.problem
    fragment = grade.feedback or f"<p>{plain(grade.verdict)}, {number(grade.points)} of {number(grade.of)} points</p>"
    earlier = _earlier(attempts, score, zone)
    return (
        f'<article class="problem"><h3>{plain(title)}</h3><div class="fragment">{fragment}</div>{earlier}</article>\n'
    )


def _earlier(attempts: list[Entry], score: Score, zone: tzinfo) -> str:
    """What came before the newest attempt, newest first."""
    counting = {(entry.grade.problem, entry.attempt) for entry in score.entries}
    lines = []
    for entry in reversed(attempts[:-1]):
        grade, when = entry.grade, moment((entry.submitted or entry.graded_at).astimezone(zone))
        mistake = f", {grade.misconception}" if grade.misconception else ""
        counts = " <b>This one counts.</b>" if (grade.problem, entry.attempt) in counting else ""
        said = f"{number(grade.points)} of {number(grade.of)} points, {grade.verdict}{mistake} ({when})."
        lines.append(f"<li>Attempt {entry.attempt}: {plain(said)}{counts}</li>")
    return f'<div class="earlier"><h4>Earlier attempts</h4><ul>{"".join(lines)}</ul></div>' if lines else ""
