"""Times, days and counts, as people read them.

`now` and the time zone are arguments. Times come from servers, in milliseconds of UTC since 1970,
and may be anything.
"""

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

__all__ = [
    "GROUP_MILLISECONDS",
    "continues_group",
    "count_words",
    "day_words",
    "format_moment",
    "format_number",
    "format_size",
    "format_time",
    "is_same_day",
]

GROUP_MILLISECONDS: Final = 5 * 60 * 1_000
"""Messages of one person that are no further apart are shown as a group."""

_COUNT_MOST: Final = 99

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(9999, 12, 30, tzinfo=UTC)
"""So that every time zone still has a date for it."""
_LAST_MILLISECONDS: Final = (_LAST - _EPOCH) // timedelta(milliseconds=1)

_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June", "July", "August"),
    *("September", "October", "November", "December"),
)
"""Not strftime's, which follow the system's language while all else is in English."""


def format_time(at: int, now: int, zone: tzinfo) -> str:
    """Return when something was said, briefly: "14:02" today, "Tue 14:02" within a week, else
    "24 Nov 14:02", and "24 Nov 2025" in another year."""
    then, today = _local(at, zone), _local(now, zone)
    clock = f"{then:%H:%M}"
    days = (today.date() - then.date()).days
    if days == 0:
        return clock
    if 0 < days < 7:
        return f"{_DAYS[then.weekday()][:3]} {clock}"
    day = f"{then.day} {_MONTHS[then.month - 1][:3]}"
    return f"{day} {clock}" if then.year == today.year else f"{day} {then.year}"


def format_moment(at: int, zone: tzinfo) -> str:
    """Return the whole date and time: "Tuesday, 24 November 2026, 14:02:31"."""
    then = _local(at, zone)
    return f"{_day(then)} {then.year}, {then:%H:%M:%S}"


def day_words(at: int, now: int, zone: tzinfo) -> str:
    """Return a day in words: "Today", "Yesterday", "Tuesday, 24 November", with the year if it is
    another one."""
    then, today = _local(at, zone), _local(now, zone)
    days = (today.date() - then.date()).days
    if days in (0, 1):
        return "Yesterday" if days else "Today"
    return _day(then) if then.year == today.year else f"{_day(then)} {then.year}"


def is_same_day(at: int, other: int, zone: tzinfo) -> bool:
    """Tell whether two times are on one day, so that no separator is between them."""
    return _local(at, zone).date() == _local(other, zone).date()


def continues_group(before: int, at: int) -> bool:
    """Tell whether a message belongs to the group of the one before it, of the same person."""
    return 0 <= at - before <= GROUP_MILLISECONDS


def count_words(count: int) -> str:
    """Return a count for a badge: nothing for none, "99+" for more."""
    if count <= 0:
        return ""
    return str(count) if count <= _COUNT_MOST else f"{_COUNT_MOST}+"


def format_number(count: int) -> str:
    """Return a number for a sentence: "1,204"."""
    return f"{count:,}"


def format_size(size: int) -> str:
    """Return a number of bytes in megabytes with one decimal; never 0.0 of something."""
    tenths = round(size / 100_000)
    if size > 0:
        tenths = max(1, tenths)
    return f"{tenths // 10:,}.{tenths % 10} MB"


def _day(then: datetime) -> str:
    return f"{_DAYS[then.weekday()]}, {then.day} {_MONTHS[then.month - 1]}"


def _local(at: int, zone: tzinfo) -> datetime:
    milliseconds = min(max(at, 86_400_000), _LAST_MILLISECONDS)
    return (_EPOCH + timedelta(milliseconds=milliseconds)).astimezone(zone)
