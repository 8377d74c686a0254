"""Read the times that nbgrader writes."""

import re
import time
from datetime import UTC, datetime, timedelta, tzinfo
from datetime import timezone as fixed
from zoneinfo import ZoneInfo

from convlab.errors import ConvlabError

ZONED = re.compile(r"(?P<clock>\d{4}-\d\d-\d\d[ T]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?) ?(?P<zone>\S*)")
OFFSET = re.compile(r"(?P<sign>[+-])(?P<hours>\d\d):?(?P<minutes>\d\d)")


def parse_time(text: str) -> datetime:
    """A time such as "2026-11-01 12:00:00.123456 UTC" in UTC.

    The zone may be an offset ("+0100", "+01:00"), a name ("Europe/Paris") or what this machine calls its own ("CET").
    Without one it is UTC, as nbgrader has it. Raises `ConvlabError` for what is no time, and for other zones.

    >>> parse_time("2026-11-01 13:00:00 +0100").isoformat()
    '2026-11-01T12:00:00+00:00'
    """
    found = ZONED.fullmatch(text.strip())
    if found is None:
        raise ConvlabError(f"{text[:60]!a} is no time: expected is one such as 2026-11-01 12:00:00 UTC.")
    try:
        clock = datetime.fromisoformat(found["clock"])
        zone = _zone(found["zone"])
        return (clock.astimezone() if zone is None else clock.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise ConvlabError(f"{text[:60]!a} is no time that can be read: {error}.") from error


def _zone(name: str) -> tzinfo | None:
    """The zone of this name; None for this machine's own. Raises ValueError for a name that is not known."""
    if name.upper() in ("", "Z", "UTC", "GMT"):
        return UTC
    if offset := OFFSET.fullmatch(name):
        ahead = timedelta(hours=int(offset["hours"]), minutes=int(offset["minutes"]))
        return fixed(-ahead if offset["sign"] == "-" else ahead)
    if name in time.tzname:
        return None
    try:
        return ZoneInfo(name)
    except Exception as error:  # a name may be a folder, a path, or longer than a path may be
        raise ValueError("its zone is not known; write it as an offset such as +0100") from error
