"""Times, days and counts in words."""

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.client.look import (
    continues_group,
    count_words,
    day_words,
    format_moment,
    format_number,
    format_size,
    format_time,
    is_same_day,
)

BERLIN = ZoneInfo("Europe/Berlin")


def ms(text: str, zone: tzinfo = UTC) -> int:
    """Return a time in milliseconds since 1970."""
    return round(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp() * 1_000)


NOW = ms("2026-11-26 15:30")


@pytest.mark.parametrize(
    ("at", "brief", "day"),
    [
        ("2026-11-26 14:02", "14:02", "Today"),
        ("2026-11-26 23:59", "23:59", "Today"),
        ("2026-11-26 00:00", "00:00", "Today"),
        ("2026-11-25 23:59", "Wed 23:59", "Yesterday"),
        ("2026-11-24 14:02", "Tue 14:02", "Tuesday, 24 November"),
        ("2026-11-20 09:05", "Fri 09:05", "Friday, 20 November"),
        ("2026-11-19 09:05", "19 Nov 09:05", "Thursday, 19 November"),
        ("2026-11-27 00:00", "27 Nov 00:00", "Friday, 27 November"),
        ("2026-01-01 09:05", "1 Jan 09:05", "Thursday, 1 January"),
        ("2025-12-31 09:05", "31 Dec 2025", "Wednesday, 31 December 2025"),
        ("2027-01-01 09:05", "1 Jan 2027", "Friday, 1 January 2027"),
    ],
)
def test_times_and_days(at: str, brief: str, day: str) -> None:
    assert format_time(ms(at), NOW, UTC) == brief
    assert day_words(ms(at), NOW, UTC) == day


def test_yesterday_is_so_across_a_year() -> None:
    now = ms("2027-01-01 00:01")
    assert day_words(ms("2026-12-31 23:59"), now, UTC) == "Yesterday"
    assert format_time(ms("2026-12-31 23:59"), now, UTC) == "Thu 23:59"


@pytest.mark.parametrize(
    ("zone", "brief", "whole"),
    [
        (UTC, "14:02", "Thursday, 26 November 2026, 14:02:31"),
        (BERLIN, "15:02", "Thursday, 26 November 2026, 15:02:31"),
        (timezone(timedelta(hours=14)), "04:02", "Friday, 27 November 2026, 04:02:31"),
        (timezone(timedelta(hours=-12)), "02:02", "Thursday, 26 November 2026, 02:02:31"),
    ],
)
def test_times_are_those_where_one_is(zone: tzinfo, brief: str, whole: str) -> None:
    at = ms("2026-11-26 14:02:31")
    assert format_time(at, NOW, zone) == brief
    assert format_moment(at, zone) == whole


def test_the_night_when_clocks_go_back_is_one_day() -> None:
    first, second = ms("2026-10-25 00:30"), ms("2026-10-25 01:30")
    assert format_time(first, second, BERLIN) == format_time(second, second, BERLIN) == "02:30"
    assert is_same_day(first, second, BERLIN)
    assert not is_same_day(ms("2026-10-24 21:59"), first, BERLIN)
    assert is_same_day(ms("2026-10-24 22:00"), first, BERLIN)


@given(st.integers(-(2**70), 2**70), st.integers(-(2**70), 2**70), st.integers(-14, 14))
def test_whatever_a_server_says_the_time_is_has_words(at: int, now: int, hours: int) -> None:
    zone = timezone(timedelta(hours=hours))
    assert len(format_time(at, now, zone)) <= 12
    assert day_words(at, now, zone) and format_moment(at, zone)
    assert is_same_day(at, at, zone) and is_same_day(now, now, zone)


@pytest.mark.parametrize(
    ("apart", "continues"),
    [(0, True), (300_000, True), (300_001, False), (-1, False)],
)
def test_groups_end_after_five_minutes(apart: int, continues: bool) -> None:
    assert continues_group(NOW, NOW + apart) is continues


@pytest.mark.parametrize(
    ("count", "words"), [(-1, ""), (0, ""), (1, "1"), (99, "99"), (100, "99+"), (10**9, "99+")]
)
def test_counts(count: int, words: str) -> None:
    assert count_words(count) == words


def test_numbers_and_sizes() -> None:
    assert format_number(1_204) == "1,204"
    assert [format_size(size) for size in (0, 1, 149_999, 150_001, 1_000_000, 12_345_678_901)] == [
        *("0.0 MB", "0.1 MB", "0.1 MB", "0.2 MB", "1.0 MB", "12,345.7 MB")
    ]
