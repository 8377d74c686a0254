"""Write everything that is made from the gradebook."""

from collections.abc import Mapping
from pathlib import Path

from convlab.grading.book.gradebook import Gradebook
from convlab.grading.book.lateness import Policy, lost
from convlab.grading.pages.class_page import write_class_page
from convlab.grading.pages.feedback import write_feedback
from convlab.grading.pages.statistics import statistics
from convlab.grading.pages.tables import write_grades, write_grades_by_problem


def write_reports(
    book: Gradebook,
    out: Path,
    labels: Mapping[str, str],
    *,
    policy: Policy | None = None,
    best: bool = False,
) -> None:
    """Write grades.csv, grades_by_problem.csv, class.html and the feedback page of every student.

    All of them each time: due dates, names and what counts may have changed since.

    labels: names for people, by student. policy, best: what counts, as in the gradebook.
    """
    for student in book.students():
        write_feedback(out, book, student, labels.get(student, ""), policy=policy, best=best)
    write_grades(out / "grades.csv", book, labels, best=best, lost=lost(policy))
    write_grades_by_problem(out / "grades_by_problem.csv", book, labels, best=best, lost=lost(policy))
    write_class_page(out, statistics(book))
