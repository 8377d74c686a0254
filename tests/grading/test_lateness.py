"""Due dates are read strictly, and later never gives more points."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convlab.errors import ConvlabError
from convlab.grading.book.entries import Entry
from convlab.grading.book.lateness import Policy, Rule, days_late, lost, penalty, read, remark
from convlab.grading.records import Grade

FILE = """
[lessons."02_padding"]
due = 2026-11-01T23:59:00+01:00
grace_minutes = 15
penalty_per_day = 0.1
at_most = 0.5

[lessons."03_stride"]
due = 2026-11-08T22:59:00Z

[extensions.alice]
"02_padding" = 2026-11-04T23:59:00+01:00
"""
DUE = datetime(2026, 11, 1, 22, 59, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def written(tmp_path):
    def write(text, encoding="utf-8"):
        path = tmp_path / "due.toml"
        path.write_bytes(text.encode(encoding))
        return path

    return write


@pytest.fixture
def policy(written):
    return read(written(FILE))


def test_a_file_is_read(policy):
    assert policy.rules["02_padding"] == Rule(DUE, timedelta(minutes=15), 0.1, 0.5)
    assert policy.rules["03_stride"] == Rule(datetime(2026, 11, 8, 22, 59, tzinfo=UTC))
    assert policy.due("alice", "02_padding") == DUE + 3 * DAY
    assert policy.due("alice", "03_stride") == policy.due("bob", "03_stride")
    assert policy.due("bob", "01_kernels") is None


def test_the_mark_that_windows_puts_before_a_text_does_no_harm(written):
    assert read(written(FILE, "utf-8-sig")).rules


@pytest.mark.parametrize(
    ("late", "days", "points"),
    [
        (-DAY, 0, 0),
        (timedelta(0), 0, 0),
        (timedelta(minutes=15), 0, 0),
        (timedelta(minutes=15, seconds=1), 1, 1),
        (timedelta(days=1, minutes=15), 1, 1),
        (timedelta(days=1, minutes=16), 2, 2),
        (5 * DAY, 5, 5),
        (400 * DAY, 400, 5),
    ],
)
def test_each_begun_day_costs_up_to_a_limit(policy, late, days, points):
    assert days_late(policy, "bob", "02_padding", DUE + late) == days
    assert penalty(policy, "bob", "02_padding", DUE + late, 10) == pytest.approx(points)
    assert penalty(policy, "alice", "02_padding", DUE + late + 3 * DAY, 10) == pytest.approx(points)


def test_nothing_is_lost_without_a_rule_a_rate_a_time_or_points(policy):
    late = DUE + 30 * DAY
    assert penalty(policy, "bob", "01_kernels", late, 10) == 0
    assert penalty(policy, "bob", "03_stride", late, 10) == 0
    assert penalty(policy, "bob", "02_padding", None, 10) == 0
    assert penalty(policy, "bob", "02_padding", late, -1) == 0
    assert days_late(policy, "bob", "02_padding", None) == 0


def test_what_is_told(policy):
    assert remark(policy, "bob", "02_padding", DUE) == remark(policy, "bob", "01_kernels", None) == ""
    assert "not known when" in remark(policy, "bob", "02_padding", None)
    told = remark(policy, "bob", "02_padding", DUE + 25 * HOUR)
    assert "2026-11-03 00:59 UTC+01:00, due 2026-11-01 23:59 UTC+01:00: 2 days late" in told
    assert "20 % of the points" in told
    assert "1 day late (begun days count), which costs nothing" in remark(
        policy, "bob", "03_stride", DUE + 7 * DAY + HOUR
    )


def test_clocks_that_are_changed_and_leap_days_make_no_difference():
    berlin = ZoneInfo("Europe/Berlin")
    due = datetime(2026, 10, 24, 23, 59, tzinfo=berlin)  # the next night has 25 hours
    policy = Policy({"x": Rule(due, penalty_per_day=0.1), "leap": Rule(datetime(2028, 2, 28, 12, tzinfo=UTC))})
    assert days_late(policy, "bob", "x", datetime(2026, 10, 25, 22, 58, tzinfo=berlin)) == 1  # 23 h 59 min later
    assert days_late(policy, "bob", "x", datetime(2026, 10, 25, 23, 30, tzinfo=berlin)) == 2  # 24 h 31 min
    assert days_late(policy, "bob", "leap", datetime(2028, 3, 1, 11, tzinfo=UTC)) == 2
    assert days_late(policy, "bob", "leap", datetime(2028, 3, 1, 12, 1, tzinfo=UTC)) == 3


def test_a_time_without_a_zone_is_in_utc_and_any_zone_will_do(policy):
    late = DUE + HOUR
    for same in (late, late.replace(tzinfo=None), late.astimezone(timezone(timedelta(hours=-11)))):
        assert days_late(policy, "bob", "02_padding", same) == 1
    assert days_late(policy, "bob", "02_padding", DUE.replace(tzinfo=None)) == 0


times = st.datetimes(datetime(2026, 1, 1), datetime(2029, 1, 1), timezones=st.timezones())
shares = st.floats(0, 1)


@given(times, st.timedeltas(timedelta(0), timedelta(days=3)), shares, shares, times, times, st.floats(0, 100))
def test_later_never_gives_more_points(due, grace, per_day, at_most, first, second, points):
    policy = Policy({"x": Rule(due, grace, per_day, at_most)})
    first, second = sorted([first.astimezone(UTC), second.astimezone(UTC)])
    early, late = (penalty(policy, "bob", "x", time, points) for time in (first, second))
    assert 0 <= early <= late <= at_most * points
    extended = Policy(policy.rules, {"bob": {"x": due.astimezone(UTC) + DAY}})
    assert penalty(extended, "bob", "x", second, points) <= late


def test_the_gradebook_is_told_what_an_attempt_loses(policy):
    entry = Entry("bob", "02_padding", 1, 7, "d", DUE + DAY, DUE + DAY, Grade("pad", 2, 3, "incorrect"))
    assert lost(policy)(entry) == pytest.approx(0.2)
    assert lost(None)(entry) == 0


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("due = 2026-11-01T23:59:00+01:00", "due = 2026-11-01T23:59:00", r"zone is missing.*23:59:00\+01:00, or Z"),
        ("due = 2026-11-01T23:59:00+01:00", "due = 2026-11-01", "time and its zone are missing"),
        ("due = 2026-11-01T23:59:00+01:00", 'due = "2026-11-01T23:59:00+01:00"', "without quotes"),
        ("due = 2026-11-01T23:59:00+01:00", "", "has no due date"),
        ("grace_minutes", "grace_minute", "'grace_minute' is not known; is 'grace_minutes' meant"),
        ("[extensions", "[extension", "'extension' is not known; is 'extensions' meant"),
        ("15", '"15"', "grace_minutes is '15', but must be a number from 0"),
        ("= 0.1", "= 10", "penalty_per_day is 10, but must be a number from 0 to 1"),
        ("= 0.1", "= true", "penalty_per_day is True"),
        ("= 0.1", "= nan", "penalty_per_day is nan"),
        ("= 0.5", "= -0.5", "at_most is -0.5"),
        ('"02_padding" = ', '"02_pading" = ', "'02_pading' is not known; is '02_padding' meant"),
        ("2026-11-04T23:59:00+01:00", "2026-10-04T23:59:00+01:00", "before its due date"),
        ("2026-11-04T23:59:00+01:00", "2026-11-04T23:59:00", "zone is missing"),
        ("[extensions.alice]", "[extensions.alice.smith]", r'stands in quotes, as in \[extensions."alice.smith"\]'),
        ("[extensions.alice]", "[extensions]\nalice = 3\n[extensions.bob]", "must be a table"),
        ('[lessons."03_stride"]', '[lessons]\n"03_stride" = 3', "is 3, but must be a table"),
        ("due", "due due", "no TOML file"),
        ("[extensions.alice]", "[[extensions]]", "must be a table"),
    ],
)
def test_what_has_no_meaning_is_refused_with_a_remedy(written, old, new, told):
    assert old in FILE
    with pytest.raises(ConvlabError, match=told) as caught:
        read(written(FILE.replace(old, new, 1)))
    assert "due.toml" in str(caught.value)


def test_lessons_that_there_are_not_are_refused_where_they_are_known(written):
    assert read(written(FILE), ["02_padding", "03_stride", "04_channels"]).rules
    with pytest.raises(ConvlabError, match="'03_stride' is not known; is '03_strides' meant"):
        read(written(FILE), ["02_padding", "03_strides"])


def test_a_file_that_cannot_be_read_is_told(tmp_path, written):
    with pytest.raises(ConvlabError, match="cannot be read"):
        read(tmp_path / "missing.toml")
    with pytest.raises(ConvlabError, match="no TOML file"):
        read(written("due = 'é'", "latin-1"))
    assert read(written("")) == Policy()
