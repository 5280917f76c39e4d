"""Slow mode: the next words of any kind must wait, by a clock that only goes forward."""

from dataclasses import replace

import pytest

from chat.limits import SLOW_MOST
from chat.rooms.errors import SlowModeError
from chat.rooms.pace import Pace, Words
from chat.rooms.roles import Role
from chat.rooms.room import Room
from chat.rooms.values import RoomKey
from tests.rooms.support import account_id, hub_with, record_id, room_of, set_role

ANA, BOB = account_id("ana"), account_id("bob")
FIRST, SECOND = record_id("first"), record_id("second")


class Case:
    """Somebody else's room in slow mode, and a clock set by hand."""

    def __init__(self, slow: int = 10) -> None:
        self.now = 1.0
        self.hub, [root, *them] = hub_with("root", "ana", "bob")
        self.room = self.slow(room_of(self.hub, root, *them), slow)
        self.other = self.slow(room_of(self.hub, root, *them, name="perl"), slow)
        self.pace = Pace(self.hub, lambda: self.now)

    def slow(self, room: Room, seconds: int) -> Room:
        """Put a room in slow mode."""
        self.hub.put(RoomKey(room.log), replace(room.profile, slow=seconds))
        return room

    def said(self) -> "Case":
        """Let ana say something."""
        self.pace.note(self.room.log, ANA, FIRST)
        return self


def test_nobody_waits_for_the_first_words() -> None:
    case = Case().said()
    assert case.pace.check(case.room, BOB, SECOND)
    assert case.pace.check(case.other, ANA, SECOND)


@pytest.mark.parametrize(("now", "left"), [(1, 10), (1.001, 10), (10, 1), (10.999, 1)])
def test_the_next_words_are_too_soon(now: float, left: int) -> None:
    case = Case().said()
    case.now = now
    with pytest.raises(SlowModeError) as refusal:
        case.pace.check(case.room, ANA, SECOND)
    assert refusal.value.args == ("python", left)


def test_the_next_words_come_in_time() -> None:
    case = Case().said()
    case.now = 11
    assert case.pace.check(case.room, ANA, SECOND)


def test_without_slow_mode_and_for_operators_nothing_counts() -> None:
    case = Case(slow=0).said()
    assert not case.pace.check(case.room, ANA, SECOND)
    case = Case().said()
    set_role(case.hub, case.hub.people.named("ana"), Role.OPERATOR, case.room)
    assert not case.pace.check(case.room, ANA, SECOND)


def test_words_are_repeated_at_once() -> None:
    case = Case().said()
    assert not case.pace.check(case.room, ANA, FIRST)


def test_of_two_at_once_the_second_waits() -> None:
    case = Case()
    with pytest.raises(SlowModeError) as refusal:
        case.pace.check(case.room, ANA, SECOND, before=FIRST)
    assert refusal.value.args == ("python", 10)


def test_looking_remembers_nothing() -> None:
    case = Case()
    assert case.pace.check(case.room, ANA, FIRST) and case.pace.check(case.room, ANA, SECOND)


def test_what_nobody_has_seen_is_taken_back() -> None:
    case = Case()
    case.pace.forget(case.room.log, ANA, FIRST, case.pace.note(case.room.log, ANA, FIRST))
    assert case.pace.check(case.room, ANA, SECOND)
    case.said()
    before = case.pace.note(case.room.log, ANA, SECOND)
    case.pace.forget(case.room.log, ANA, SECOND, before)
    assert not case.pace.check(case.room, ANA, FIRST)
    # Other words followed in between, and count.
    case.pace.forget(case.room.log, ANA, SECOND, None)
    assert not case.pace.check(case.room, ANA, FIRST)
    assert before == Words(1, FIRST)


def test_what_is_remembered_is_bounded() -> None:
    case = Case()
    pace, one, other = case.pace, case.room.log, case.other.log
    for log, account, now in ((one, ANA, 0), (one, BOB, 1), (other, BOB, SLOW_MOST)):
        case.now = now
        pace.note(log, account, FIRST)
    assert set(pace._last) == {(one, BOB), (other, BOB)}


def test_each_post_forgets_two_that_are_old_and_no_more() -> None:
    case = Case()
    pace, log = case.pace, case.room.log
    for number in range(9):
        case.now = number
        pace.note(log, account_id(str(number)), FIRST)
    case.now = 8
    pace.note(log, account_id("0"), SECOND)  # Again: it is the last to be forgotten.
    case.now = SLOW_MOST + 8
    for number, left in enumerate((8, 7, 5, 3, 2, 2)):
        pace.note(log, ANA if number else BOB, FIRST)
        assert len(pace._last) == left
