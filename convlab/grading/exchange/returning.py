"""Give what was graded back to where a class is kept: Canvas, Moodle, nbgrader; and look for answers that are alike."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from convlab.grading.book.gradebook import Gradebook
from convlab.grading.book.kept import nobody
from convlab.grading.book.lateness import Policy, lost
from convlab.grading.exchange.canvas import fill_canvas
from convlab.grading.exchange.moodle import fill_worksheet, write_moodle_import
from convlab.grading.exchange.nbgrader import put_scores
from convlab.grading.exchange.roster import Roster, compare
from convlab.grading.intake.submissions import find
from convlab.grading.likeness.similar import find_similar
from convlab.grading.likeness.similar_page import write_similar


def give_back(
    out: Path,
    *,
    roster: Roster | None = None,
    canvas: Path | None = None,
    columns: Mapping[str, str] | None = None,
    moodle: bool = False,
    worksheet: Path | None = None,
    nbgrader: Path | None = None,
    policy: Policy | None = None,
    best: bool = False,
) -> list[str]:
    """Fill what is named with the grades in a folder that `grade` wrote to; returns what to tell.

    roster: the list of the class. canvas: an export of Canvas' gradebook; columns: its columns by lesson. moodle: write
    tables for Moodle's gradebook; worksheet: an assignment's grading worksheet. nbgrader: a course's folder. policy,
    best: what counts, as in `grade`.

    Raises `ConvlabError` as the functions do that this calls.
    """
    counting: dict[str, Any] = {"roster": roster, "best": best, "lost": lost(policy)}
    with Gradebook(out / "gradebook.db", create=False) as book:
        said = nobody(book, policy) + (compare(book, roster) if roster else [])
        if canvas:
            said += fill_canvas(book, canvas, out, columns=columns, **counting)
        if worksheet:
            said += fill_worksheet(book, worksheet, out, **counting)
        if moodle:
            said += write_moodle_import(book, out, **counting)
        if nbgrader:
            said += put_scores(book, nbgrader, **counting)
    return said


def show_similar(submissions: Path, out: Path) -> list[str]:
    """Write the page of answers that are alike; returns what to tell."""
    pairs = find_similar(find(submissions))
    path = write_similar(out, pairs)
    count = "1 pair" if len(pairs) == 1 else f"{len(pairs)} pairs"
    return [f"{count} of answers are more alike than is usual in this class: look at {path}, and judge yourself."]
