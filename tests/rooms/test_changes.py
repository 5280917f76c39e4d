"""The result of a decision, and when it is nothing."""

import pytest

from chat.ids import LogId
from chat.rooms.changes import NOTHING, Change, Event, Put, Told, changed, put
from chat.rooms.happenings import TopicSet
from chat.rooms.values import (
    AccountKey,
    Kind,
    Membership,
    MembershipKey,
    Profile,
    RoomKey,
    RoomProfile,
)
from tests.rooms.support import account_id, log_id

ANA = account_id("ana")
PUT = put(AccountKey(ANA), Profile("ana"))
EVENT = Event(0, "ana", "slow", "", "python", "1 s")
PYTHON, PERL = log_id("python"), log_id("perl")
TOPIC = TopicSet(PYTHON, ANA, "snakes")
LEAVES = put(MembershipKey(PERL, ANA), None)


@pytest.mark.parametrize(
    ("change", "is_nothing"),
    [
        (NOTHING, True),
        (changed([], told=Told(ANA, "Hello.")), True),
        (changed([PUT]), False),
        (changed([], EVENT), False),
        (changed([], happening=TOPIC), False),
    ],
)
def test_a_change_is_nothing_that_leaves_all_as_it_is(change: Change, is_nothing: bool) -> None:
    assert change.is_nothing is is_nothing


def test_a_change_has_what_it_is_made_of() -> None:
    told = Told(ANA, "Hello.")
    assert Put(AccountKey(ANA), Profile("ana")) == PUT
    assert changed(iter([PUT]), EVENT, told, TOPIC) == Change((PUT,), EVENT, told, TOPIC)


@pytest.mark.parametrize(
    ("change", "logs"),
    [
        (NOTHING, set()),
        (changed([PUT], EVENT), set()),
        (changed([], happening=TOPIC), {PYTHON}),
        (changed([LEAVES]), {PERL}),
        (changed([LEAVES], happening=TOPIC), {PERL, PYTHON}),
        (changed([put(MembershipKey(PERL, ANA), Membership())]), set()),
        (changed([LEAVES, put(RoomKey(PERL), None)]), set()),  # The log ends.
        (changed([LEAVES, put(RoomKey(PERL), RoomProfile(Kind.PUBLIC, "perl", ANA))]), {PERL}),
        (changed([LEAVES, put(RoomKey(PYTHON), None)]), {PERL}),
    ],
)
def test_a_change_concerns_logs_that_are_left_or_hear_of_it(
    change: Change, logs: set[LogId]
) -> None:
    assert change.concerned() == logs
