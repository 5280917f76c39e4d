"""The time zone of the system, with its summer times, as a value."""

import time
from datetime import UTC, datetime, timedelta, tzinfo

__all__ = ["LocalZone"]


class LocalZone(tzinfo):
    """The system's time zone at each moment. (`datetime` itself has only the offset of now.)"""

    def fromutc(self, when: datetime) -> datetime:
        """Return the local time of a time in UTC."""
        return when + _offset(when.replace(tzinfo=UTC).timestamp())

    def utcoffset(self, when: datetime | None) -> timedelta:
        """Return what local time is ahead of UTC."""
        if when is None:
            return _offset(time.time())
        return _offset(time.mktime((*when.timetuple()[:8], -1)))

    def dst(self, when: datetime | None) -> timedelta:
        """Return nothing: it is within `utcoffset`."""
        return timedelta(0)

    def tzname(self, when: datetime | None) -> str:
        """Return what it is called."""
        return "local"


def _offset(seconds: float) -> timedelta:
    try:
        return timedelta(seconds=time.localtime(seconds).tm_gmtoff)
    except (OSError, OverflowError, ValueError):
        return timedelta(0)
