"""Show pairs of nearly the same answers side by side, for their teacher alone."""

from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path

from convlab.exercises import catalogue
from convlab.grading.likeness.fragments import LONGEST
from convlab.grading.likeness.similar import Pair, Side
from convlab.grading.pages.frame import page, plain, write_page
from convlab.grading.pages.statistics import percent
from convlab.grading.pages.tables import write_table

SHOWN = 100  # pairs of students
HINT = """These pairs are a hint and never a verdict: read both texts, and ask, before you think of copying.
Two students may have had the same tutor, book, lecture or assistant, or worked in a pair as they were told."""
HOW = """Names, comments and the order of lines are not looked at, nor what the course gives away, nor what a third
of the class wrote. Marked lines are nearly the same in both texts. Where short answers must be alike, nothing is
listed, so that who is not here may have copied all the same. This page names students: keep it to yourself."""

STYLE = """
body { max-width: 100rem; }
article { margin: 2rem 0; padding-top: 1rem; border-top: 3px solid var(--line); }
h3 { margin-top: 1.2rem; }
.two { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; }
figure { margin: .4rem 0; min-width: 0; }
pre { margin: .2rem 0; padding: .6rem .8rem; border: 1px solid var(--line); border-radius: 6px; background: var(--box);
  overflow-x: auto; font-size: .85rem; line-height: 1.4; tab-size: 4; max-height: 40rem; }
mark { display: inline-block; min-width: 100%; color: inherit; background: transparent;
  box-shadow: inset 4px 0 var(--wrong); padding-left: .5rem; }
pre span { padding-left: .5rem; }
th, td { padding: .2rem 1rem .2rem 0; text-align: left; border-bottom: 1px solid var(--line); font-weight: normal; }
@media (max-width: 50rem) { .two { grid-template-columns: 1fr; } }
@media print { pre { max-height: none; white-space: pre-wrap; } }
"""


def write_similar(out: Path, pairs: Sequence[Pair]) -> Path:
    """Write similar.html and similar.csv to the folder `out`, and return the path of the page.

    pairs: from `find_similar`. Raises `ConvlabError` where they cannot be written; what was there before stays whole.
    """
    path = out / "similar.html"
    write_page(path, similar_page(pairs))
    write_table(out / "similar.csv", _rows(pairs))
    return path


def _rows(pairs: Iterable[Pair]) -> Iterable[Iterable[str | float]]:
    yield "student_a", "label_a", "student_b", "label_b", "lesson", "problem", "score", "evidence", "answers"
    for pair in pairs:
        a, b, problem = pair.a, pair.b, pair.problem or "(whole notebook)"
        yield a.student, a.label, b.student, b.label, pair.lesson, problem, pair.score, pair.evidence, pair.of


def similar_page(pairs: Sequence[Pair]) -> str:
    """The pairs as HTML; all that two students have in common in a lesson stands together."""
    found: dict[tuple[str, str, str], list[Pair]] = {}
    for pair in pairs:
        found.setdefault((pair.lesson, pair.a.student, pair.b.student), []).append(pair)
    ranked = sorted(found.values(), key=lambda alike: -sum(pair.evidence for pair in alike))
    more = f"<p>{len(ranked) - SHOWN:,} more pairs are in similar.csv.</p>" if len(ranked) > SHOWN else ""
    counted = f"{len(ranked):,} pairs of students" if len(ranked) != 1 else "One pair of students"
    body = (
        f"<header><h1>Nearly the same answers</h1>\n<p><b>{HINT}</b></p>\n<p>{HOW}</p>\n"
        f"<p>{counted if ranked else 'Nobody'} stood out.</p></header>\n<main>"
        f"{''.join(_article(alike) for alike in islice(ranked, SHOWN))}</main>{more}"
    )
    return page("Nearly the same answers", STYLE, body)


def _article(alike: Sequence[Pair]) -> str:
    """Two students and one lesson."""
    first = alike[0]
    rows = "".join(
        f'<tr><th scope="row">{_title(pair)}</th><td>{percent(pair.score)}</td><td>{pair.of:,}</td></tr>'
        for pair in alike
    )
    answers = [pair for pair in alike if pair.problem] or alike
    texts = "".join(f'<h3>{_title(pair)}</h3><div class="two">{_text(pair.a)}{_text(pair.b)}</div>' for pair in answers)
    return (
        f"<article><h2>{_name(first.a)} and {_name(first.b)} "
        f'<span class="soft">{plain(first.lesson)}</span></h2>'
        '<table><thead><tr><th scope="col">Answer</th><th scope="col">Alike, of what is unusual</th>'
        f'<th scope="col">Answers in class</th></tr></thead><tbody>{rows}</tbody></table>{texts}</article>\n'
    )


def _title(pair: Pair) -> str:
    if not pair.problem:
        return "Whole notebook"
    return f"{plain(catalogue()[pair.problem].title)} <code>{plain(pair.problem)}</code>"


def _name(side: Side) -> str:
    id = f' <span class="soft">({plain(side.student)})</span>' if side.label else ""
    return f"<bdi>{plain(side.label or side.student)}</bdi>{id}"


def _text(side: Side) -> str:
    """The text of one side, with its lines that are alike marked."""
    rows = side.text[:LONGEST].replace("\0", "\N{REPLACEMENT CHARACTER}").split("\n")
    marked = "\n".join(
        f"<mark>{plain(row)}</mark>" if number in side.alike else f"<span>{plain(row)}</span>"
        for number, row in enumerate(rows)
    )
    cut = '<p class="soft">The text goes on.</p>' if len(side.text) > LONGEST else ""
    return f"<figure><figcaption>{_name(side)}</figcaption><pre>{marked}</pre>{cut}</figure>"
