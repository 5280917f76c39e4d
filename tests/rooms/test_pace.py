"""Slow mode: the next post waits, to the millisecond."""

import pytest

from chat.limits import SLOW_MOST
from chat.rooms import pace as module
from chat.rooms.errors import SlowModeError
from chat.rooms.pace import Pace
from tests.rooms.support import account_id, log_id, record_id

ANA, BOB = account_id("ana"), account_id("bob")
LOG = log_id("python")
FIRST, SECOND = record_id("first"), record_id("second")


def pace_with(now: int) -> Pace:
    """Return a pace that knows of one post."""
    pace = Pace()
    pace.note(LOG, ANA, FIRST, now)
    return pace


def test_nobody_waits_for_the_first_post() -> None:
    pace = pace_with(1_000)
    assert pace.check(LOG, BOB, SECOND, 10, 1_000)
    assert pace.check(log_id("perl"), ANA, SECOND, 10, 1_000)


@pytest.mark.parametrize(("now", "left"), [(1_000, 10), (1_001, 10), (10_000, 1), (10_999, 1)])
def test_the_next_post_is_too_soon(now: int, left: int) -> None:
    with pytest.raises(SlowModeError) as refusal:
        pace_with(1_000).check(LOG, ANA, SECOND, 10, now)
    assert refusal.value.args == (left,)


def test_the_next_post_comes_in_time() -> None:
    assert pace_with(1_000).check(LOG, ANA, SECOND, 10, 11_000)
    assert pace_with(1_000).check(LOG, ANA, SECOND, 0, 1_000)


def test_a_post_is_repeated_at_once() -> None:
    assert not pace_with(1_000).check(LOG, ANA, FIRST, 10, 1_001)


def test_of_two_at_once_the_second_waits() -> None:
    pace = Pace()
    pace.check(LOG, ANA, FIRST, 10, 1_000, before=FIRST)
    with pytest.raises(SlowModeError) as refusal:
        pace.check(LOG, ANA, SECOND, 10, 1_000, before=FIRST)
    assert refusal.value.args == (10,)


def test_looking_remembers_nothing() -> None:
    pace = Pace()
    pace.check(LOG, ANA, FIRST, 10, 1_000)
    pace.check(LOG, ANA, SECOND, 10, 1_000)


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_REMEMBERED", 2)
    pace, day = Pace(), SLOW_MOST * 1_000
    pace.note(LOG, ANA, FIRST, 0)
    pace.note(LOG, BOB, FIRST, 1)
    pace.note(log_id("perl"), BOB, FIRST, day)
    assert set(pace._last) == {(LOG, BOB), (log_id("perl"), BOB)}
