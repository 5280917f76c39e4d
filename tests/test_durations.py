"""Durations: understood or refused, and read back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.durations import DurationError, format_duration, parse_duration, take_duration


@pytest.mark.parametrize(
    ("text", "seconds", "rest"),
    [
        ("30s", 30, ""),
        ("10m spam", 600, "spam"),
        ("2h30m", 9_000, ""),
        ("2h 30m later", 9_000, "later"),
        ("10 minutes", 600, ""),
        ("1 week 2 days off", 777_600, "off"),
        ("10minutes", 600, ""),
        ("7d", 604_800, ""),
        ("5 min", 300, ""),
        ("1000000000s", 10**9, ""),
        ("spam 10m", None, "spam 10m"),
        ("", None, ""),
        ("forever", None, "forever"),
        ("- see rule 5", None, "- see rule 5"),
        ("\u4e00\u76f4 spam", None, "\u4e00\u76f4 spam"),
    ],
)
def test_what_a_text_begins_with(text: str, seconds: int | None, rest: str) -> None:
    assert take_duration(text) == (seconds, rest)


@pytest.mark.parametrize(
    "text",
    [
        *("0s", "30", "1.5h", "-5m", "+5m", "3rd warning", "10m5", "5 more people", "0h0m"),
        *("1h1h", "30m2h", "2h30", "1e3s", "10mx", "10m!", "1000000001s", "99999999w"),
        *("\uff11\uff10m", "\u0663m", ".5h", "1,5h", "10 10m"),
        *(
            "\u221205m",
            "\u20135m",
            "--5m",
            "\u00bdh",
            "\u2153 day",
            "\u00b10s",
            "~5m",
            "5m \u00bd h",
        ),
        *("\u2075m", "\u0966s", "\uff10s", "0 seconds", "00s", "0m0s"),
    ],
)
def test_what_begins_with_a_number_is_a_duration_or_refused(text: str) -> None:
    with pytest.raises(DurationError, match=r"\.$"):
        take_duration(text)
    with pytest.raises(DurationError):
        parse_duration(text)


@pytest.mark.parametrize("text", ["", "x", "10m x", "soon"])
def test_more_than_a_duration_is_none(text: str) -> None:
    with pytest.raises(DurationError):
        parse_duration(text)


@given(st.text())
def test_any_text_is_taken_or_refused(text: str) -> None:
    try:
        seconds, rest = take_duration(text)
    except DurationError:
        return
    assert seconds is None or 0 < seconds <= 10**9
    assert text.strip().endswith(rest)


@given(st.integers(1, 10**9))
def test_what_is_read_back_means_the_same(seconds: int) -> None:
    assert parse_duration(format_duration(seconds)) == seconds


def test_nothing_is_read_back_as_nothing() -> None:
    assert format_duration(0) == "0 seconds"
