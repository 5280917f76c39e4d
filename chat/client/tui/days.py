"""Days as people type them."""

from datetime import datetime, timedelta
from typing import Final

__all__ = ["parse_day"]

_WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def parse_day(text: str, now: datetime) -> datetime | None:
    """Return the beginning of a day: a date, "today", "yesterday", or the last such weekday."""
    text = text.strip().lower().rstrip(".")
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if text in ("today", "yesterday"):
        return today - timedelta(days=text == "yesterday")
    for at, name in enumerate(_WEEKDAYS):
        if len(text) >= 3 and name.startswith(text):
            return today - timedelta(days=(today.weekday() - at) % 7)
    for form in ("%Y-%m-%d", "%d.%m.%Y", "%d.%m", "%m-%d"):
        try:
            found = datetime.strptime(text, form)
        except ValueError:
            continue
        has_year = "%Y" in form
        day = today.replace(
            year=found.year if has_year else today.year, month=found.month, day=found.day
        )
        return day if has_year or day <= today else day.replace(year=today.year - 1)
    return None
