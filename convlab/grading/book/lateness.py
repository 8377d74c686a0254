"""Due dates, penalties and extensions, from a small file:

    [lessons."02_padding"]
    due = 2026-11-01T23:59:00+01:00   # with the offset from UTC, or Z
    grace_minutes = 15                # how much later is still in time; 0 if left out
    penalty_per_day = 0.1             # of the points, for each begun day; 0 if left out
    at_most = 0.5                     # of the points, in all; 1 if left out

    [extensions.alice]                # names with other characters than letters, digits, - and _ stand in quotes
    "02_padding" = 2026-11-04T23:59:00+01:00

A day is 24 hours, also where clocks are changed, and the first begins when the grace ends. Dates without a zone are
refused: taken for UTC, they would be hours off for most, and nobody would notice.
"""

import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from convlab.errors import ConvlabError
from convlab.exercises.comparing import number
from convlab.grading.book.entries import Entry, nothing_lost

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Rule:
    """For one lesson. penalty_per_day, at_most: shares of the points."""

    due: datetime
    grace: timedelta = timedelta(0)
    penalty_per_day: float = 0.0
    at_most: float = 1.0


@dataclass(frozen=True)
class Policy:
    """rules: by lesson. extensions: later due dates by student and lesson."""

    rules: Mapping[str, Rule] = field(default_factory=dict)
    extensions: Mapping[str, Mapping[str, datetime]] = field(default_factory=dict)

    def due(self, student: str, lesson: str) -> datetime | None:
        """When a student has to hand in a lesson; None where there is no such time."""
        rule = self.rules.get(lesson)
        return None if rule is None else self.extensions.get(student, {}).get(lesson, rule.due)


def penalty(policy: Policy, student: str, lesson: str, submitted: datetime | None, points: float) -> float:
    """The points that are lost. submitted: in UTC where it has no zone; None, not known, counts as in time."""
    return _share(policy, student, lesson, submitted) * max(0.0, points)


def lost(policy: Policy | None) -> Callable[[Entry], float]:
    """What the gradebook asks for: the points that an attempt loses."""
    if policy is None:
        return nothing_lost
    return lambda entry: penalty(policy, entry.student, entry.lesson, entry.submitted, entry.grade.points)


def days_late(policy: Policy, student: str, lesson: str, submitted: datetime | None) -> int:
    """Begun days; 0 for what is in time."""
    due = policy.due(student, lesson)
    if due is None or submitted is None:
        return 0
    # both are turned into UTC: Python compares times of one zone by the clock on the wall
    late = _in_utc(submitted) - _in_utc(due) - policy.rules[lesson].grace
    return max(0, -(-late // DAY))


def remark(policy: Policy, student: str, lesson: str, submitted: datetime | None) -> str:
    """What to tell of lateness, in a sentence, or an empty text."""
    due = policy.due(student, lesson)
    if due is None:
        return ""
    if submitted is None:
        return "It is not known when this was handed in, so it counts as in time."
    days = days_late(policy, student, lesson, submitted)
    if not days:
        return ""
    share = number(100 * _share(policy, student, lesson, submitted))
    handed_in = moment(_in_utc(submitted).astimezone(due.tzinfo))
    begun = "1 day" if days == 1 else f"{days} days"
    cost = f"which costs {share} % of the points" if share != "0" else "which costs nothing"
    return f"Handed in {handed_in}, due {moment(due)}: {begun} late (begun days count), {cost}."


def moment(time: datetime) -> str:
    """A time for people, with its zone."""
    return f"{time:%Y-%m-%d %H:%M} {time.tzname()}"


def _share(policy: Policy, student: str, lesson: str, submitted: datetime | None) -> float:
    days = days_late(policy, student, lesson, submitted)
    return min(policy.rules[lesson].at_most, days * policy.rules[lesson].penalty_per_day) if days else 0.0


def _in_utc(time: datetime) -> datetime:
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def read(path: str | Path, lessons: Collection[str] | None = None) -> Policy:
    """The policy of a file. lessons: those that there are, where they are known.

    Raises `ConvlabError` for a file that cannot be read, and for everything in it that has no meaning.
    """
    try:
        content = tomllib.loads(Path(path).read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConvlabError(f"the due dates in {path} cannot be read: {error.strerror or error}.") from error
    except ValueError as error:
        raise ConvlabError(f"{path} is no TOML file: {error}. The documentation of due dates shows one.") from error
    _known_keys(content, ("lessons", "extensions"), f"{path}")
    rules = {
        lesson: _rule(_table(value, f'{path}, lessons."{lesson}"'), f'{path}, lessons."{lesson}"')
        for lesson, value in _table(content.get("lessons", {}), f"{path}, lessons").items()
    }
    if lessons is not None:
        _known_keys(rules, lessons, f"{path}, lessons")
    students = _table(content.get("extensions", {}), f"{path}, extensions")
    return Policy(
        rules, {student: _extensions(value, rules, student, str(path)) for student, value in students.items()}
    )


def _rule(table: dict[str, Any], where: str) -> Rule:
    _known_keys(table, ("due", "grace_minutes", "penalty_per_day", "at_most"), where)
    if "due" not in table:
        raise ConvlabError(f"{where} has no due date: add a line such as due = 2026-11-01T23:59:00+01:00.")
    return Rule(
        _date(table["due"], f"{where}, due"),
        timedelta(minutes=_amount(table, "grace_minutes", 0.0, 525_600, where)),
        _amount(table, "penalty_per_day", 0.0, 1, where),
        _amount(table, "at_most", 1.0, 1, where),
    )


def _extensions(value: Any, rules: Mapping[str, Rule], student: str, path: str) -> dict[str, datetime]:
    where = f'{path}, extensions."{student}"'
    dates = _table(value, where)
    for lesson, given in dates.items():
        if isinstance(given, dict):  # [extensions.alice.smith] is a table in a table
            raise ConvlabError(f'{where}: a name with dots stands in quotes, as in [extensions."{student}.{lesson}"].')
    _known_keys(dates, rules, where)
    found = {lesson: _date(given, f"{where}, {lesson}") for lesson, given in dates.items()}
    for lesson, until in found.items():
        if until < rules[lesson].due:
            raise ConvlabError(
                f"{where}: {lesson} is extended until {moment(until)}, before its due date {moment(rules[lesson].due)}."
            )
    return found


def _known_keys(table: Mapping[str, Any], known: Collection[str], where: str) -> None:
    for key in table:
        if key not in known:
            near = get_close_matches(key, known, 1)
            rest = f"is {near[0]!r} meant?" if near else f"known are {', '.join(known) or 'none'}."
            raise ConvlabError(f"{where}: {key!r} is not known; {rest}")


def _table(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ConvlabError(f"{where} is {value!r}, but must be a table, with its own lines of key = value.")
    return value


def _date(value: Any, where: str) -> datetime:
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value
    if isinstance(value, datetime):
        remedy = f"its zone is missing. Add the offset from UTC, as in {value.isoformat()}+01:00, or Z for UTC."
    elif isinstance(value, date):
        remedy = f"the time and its zone are missing, as in {value.isoformat()}T23:59:00+01:00."
    else:
        remedy = "it must be a date and time without quotes, such as 2026-11-01T23:59:00+01:00."
    raise ConvlabError(f"{where} is {value}: {remedy}")


def _amount(table: dict[str, Any], key: str, default: float, largest: float, where: str) -> float:
    value = table.get(key, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= largest:
        raise ConvlabError(f"{where}, {key} is {value!r}, but must be a number from 0 to {number(largest)}.")
    return float(value)
