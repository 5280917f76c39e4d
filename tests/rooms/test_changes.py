"""The result of a decision, and when it is nothing."""

import pytest

from chat.rooms.changes import NOTHING, Change, Event, Put, Told, changed, put
from chat.rooms.happenings import TopicSet
from chat.rooms.values import AccountKey, Profile
from tests.rooms.support import account_id, log_id

ANA = account_id("ana")
PUT = put(AccountKey(ANA), Profile("ana"))
EVENT = Event(0, "ana", "slow", "", "python", "1 s")
TOPIC = TopicSet(log_id("python"), ANA, "snakes")


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
