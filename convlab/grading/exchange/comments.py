"""What a student earned, as a short text without any markup, for platforms that show nothing else.

It is made of numbers and of the course's own words: nothing in it comes from a student.
"""

import re

from convlab.exercises import Verdict, catalogue
from convlab.exercises.comparing import number
from convlab.exercises.render import BOLD, CODE
from convlab.grading.book.entries import Score
from convlab.grading.records import Grade

SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
SAID = {Verdict.NOT_ATTEMPTED.value: " Not attempted.", Verdict.CANNOT_BE_CHECKED.value: " It could not be run."}


def comment(score: Score) -> list[str]:
    """Lines on a lesson: each problem's points and known mistake, then what was lost for lateness, and the sum."""
    places = {id: place for place, id in enumerate(catalogue())}
    grades = sorted((entry.grade for entry in score.entries), key=lambda grade: places.get(grade.problem, len(places)))
    lines = [line(grade) for grade in grades]
    if score.penalty:
        lines.append(f"Late: {number(round(score.penalty, 2))} points less.")
    return [*lines, f"Together {number(round(score.final, 2))} of {number(score.of)} points."]


def line(grade: Grade) -> str:
    """One problem: "pad: 1 of 3 points. A known mistake: before and after exchanged. The first number is ..."."""
    known = grade.problem in catalogue()
    said = SAID.get(grade.verdict, "")
    advice = advice_on(grade.problem, grade.misconception) if grade.misconception and known else ""
    if advice:
        said = f" A known mistake: {_unmarked(grade.misconception)}. {advice}"
    return f"{grade.problem}: {number(grade.points)} of {number(grade.of)} points.{said}"


def advice_on(problem: str, misconception: str) -> str:
    """What to do instead: a misconception's explanation from its second sentence on."""
    found = (m.explanation for m in catalogue()[problem].misconceptions if m.title == misconception)
    sentences = SENTENCE_END.split(next(found, ""), maxsplit=1)
    return _unmarked(sentences[1]) if len(sentences) > 1 else ""


def _unmarked(words: str) -> str:
    """Without the marks of code and bold type."""
    return BOLD.sub(r"\1", CODE.sub(r"\1", words))
