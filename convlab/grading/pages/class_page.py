"""How the class did, as a page to show in the lecture.

It is for everyone, so that it names no student and shows no group of fewer than three: who sees that one person made
a mistake looks around for that person.
"""

from pathlib import Path

from convlab.exercises.render import inline
from convlab.grading.pages.frame import bar, page, plain, write_page
from convlab.grading.pages.statistics import (
    MOST_MISTAKES,
    ClassStatistics,
    LessonStatistics,
    ProblemStatistics,
    duration,
    people,
    percent,
)

FEWEST = 3  # students in a group that is shown

STYLE = """
body { max-width: 70rem; font-size: 1.15rem; }
h2 { margin-top: 3rem; padding-top: 1.2rem; border-top: 3px solid var(--line); font-size: 1.7rem; }
h3 { font-size: 1.3rem; }
.lead { font-size: 1.35rem; }
.problem { margin: 1.4rem 0; padding: 1.1rem 1.3rem; border: 1px solid var(--line); border-radius: 8px;
  background: var(--box); break-inside: avoid-page; }
.solved { display: grid; grid-template-columns: minmax(6rem, 1fr) 14rem; gap: 1rem; align-items: center;
  margin: .6rem 0; }
.solved .bar { height: 1.4rem; }
.solved b { font-size: 1.35rem; }
.facts { color: var(--soft); }
.mistakes { list-style: none; margin: .9rem 0 0; padding: 0; }
.mistakes li { margin: .7rem 0; padding-left: .9rem; border-left: 5px solid var(--wrong); }
table { width: 100%; max-width: 46rem; margin: 1rem 0; }
caption { text-align: left; font-weight: bold; padding-bottom: .3rem; }
th, td { padding: 1px 1rem 1px 0; text-align: left; font-weight: normal; white-space: nowrap; }
td.grow { width: 100%; }
td .bar { height: calc(1.5rem * var(--steps, 1)); border: 0; border-left: 1px solid var(--soft); border-radius: 0; }
td .bar > span { background: var(--link); }
@media (max-width: 40rem) { .solved { grid-template-columns: 1fr; gap: .2rem; } }
"""


def write_class_page(out: Path, found: ClassStatistics) -> Path:
    """Write `class_page` to class.html in the folder `out`, and return that path.

    Raises `ConvlabError` where it cannot be written; a page from before stays whole.
    """
    path = out / "class.html"
    write_page(path, class_page(found))
    return path


def class_page(found: ClassStatistics) -> str:
    """What may be shown to all, as HTML: nobody is named, and no group of fewer than three students appears."""
    lessons = "".join(_lesson_html(lesson) for lesson in found.lessons)
    head = f'<header><h1>How we did</h1><p class="lead">{_few(found.students)}</p></header>'
    foot = (
        "<footer>Mistakes are counted once for each student who made them in any attempt. "
        f"Groups of fewer than {FEWEST} students are not shown.</footer>"
    )
    return page("How we did", STYLE, f"{head}\n<main>{lessons}</main>\n{foot}")


def _lesson_html(lesson: LessonStatistics) -> str:
    title = f"<section><h2>{plain(lesson.lesson)}</h2>"
    if lesson.students < FEWEST:
        return f"{title}<p>{_few(lesson.students)} handed this in.</p></section>\n"
    problems = "".join(_problem_html(problem) for problem in lesson.problems if problem.students >= FEWEST)
    lead = f"{people(lesson.students)} · <b>{percent(lesson.share)}</b> of the points on average"
    return f'{title}<p class="lead">{lead}</p>{_distribution(lesson)}{problems}</section>\n'


def _few(students: int) -> str:
    return people(students) if students >= FEWEST else f"Fewer than {FEWEST} students"


def _distribution(lesson: LessonStatistics) -> str:
    """How many students have which share of the points; steps are put together until no group is too small.

    A group of several steps is as many times as high and, so that areas are students, as many times as short.
    """
    groups = merged(lesson.tenths)
    most = max(count / (last - first) for first, last, count in groups)
    rows = "".join(
        f'<tr><th scope="row">{10 * first} to {10 * last} %</th>'
        f'<td class="grow" style="--steps:{last - first}">{bar(count / (last - first) / most)}</td>'
        f"<td>{count:,}</td></tr>"
        for first, last, count in groups
    )
    return (
        '<table><caption>Students by their share of the points</caption><thead><tr><th scope="col">Share</th>'
        f'<td></td><th scope="col">Students</th></tr></thead><tbody>{rows}</tbody></table>'
    )


def merged(tenths: tuple[int, ...]) -> list[tuple[int, int, int]]:
    """(first step, last step, students) of groups that are empty or of at least three students.

    >>> merged((0, 1, 0, 2, 5, 1, 0, 0, 4, 0))
    [(0, 1, 0), (1, 4, 3), (4, 5, 5), (5, 9, 5), (9, 10, 0)]
    """
    groups, first, count = list[tuple[int, int, int]](), 0, 0
    for step, students in enumerate(tenths):
        count += students
        if count == 0 or count >= FEWEST:
            groups.append((first, step + 1, count))
            first, count = step + 1, 0
    while count and groups:  # too few are left at the end
        first, _, more = groups.pop()
        count += more
        if count >= FEWEST:
            break
    return [*groups, (first, len(tenths), count)] if count else groups


def _problem_html(problem: ProblemStatistics) -> str:
    taken = "" if problem.seconds is None else f" · median time {duration(problem.seconds)}"
    facts = f"{percent(problem.share)} of the points · {problem.attempts:.1f} attempts on average{taken}"
    share, words = _solved(problem.solved, problem.students)
    shown = [mistake for mistake in problem.mistakes if mistake.students >= FEWEST][:MOST_MISTAKES]
    mistakes = "".join(
        f"<li><b>{plain(m.title)}</b> · {people(m.students)}<br>{inline(m.explanation)}</li>" for m in shown
    )
    return (
        f'<article class="problem"><h3>{plain(problem.title)} <code class="soft">{plain(problem.problem)}</code></h3>'
        f'<div class="solved">{bar(share)}<span>{words}</span></div><p class="facts">{facts}</p>'
        f"{mistakes and f'<ul class=mistakes>{mistakes}</ul>'}</article>\n"
    )


def _solved(solved: int, students: int) -> tuple[float, str]:
    """The share to draw and the words beside it; too small a group is drawn and told as the smallest that may be."""
    if 0 < solved < FEWEST:
        return (FEWEST - 1) / students, f"<b>fewer than {FEWEST}</b> solved it"
    if 0 < students - solved < FEWEST:
        return 1 - (FEWEST - 1) / students, f"<b>all but fewer than {FEWEST}</b> solved it"
    return solved / students, f"<b>{percent(solved / students)}</b> solved it"
