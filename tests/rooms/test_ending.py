"""Entries that end, ordered by their end."""

from hypothesis import given
from hypothesis import strategies as st

from chat.rooms.ending import ENDED_AT_ONCE, Ending
from chat.rooms.values import SERVER, BanKey, MuteKey, NetworkKey
from tests.rooms.support import NETWORK, account_id, log_id

ROOM = log_id("room")


def test_what_has_ended_does_not_count() -> None:
    ending = Ending[str, BanKey | MuteKey | NetworkKey]()
    ban, mute = BanKey(ROOM, account_id("bob")), MuteKey(ROOM, account_id("bob"))
    network = NetworkKey(NETWORK)
    ending.add("here", ban, 10)
    ending.add("here", mute, 10)
    ending.add("here", network, 0)
    ending.add("there", ban, 5)
    assert [ending.count("here", now) for now in (0, 9, 10, 10**15)] == [3, 3, 1, 1]
    assert ending.ended("here", 9) == []
    assert ending.ended("here", 10) == [ban, mute]
    ending.remove("here", ban, 10)
    assert ending.ended("here", 10**15) == [mute]
    ending.remove("there", ban, 5)
    assert ending.count("there", 0) == 0 and ending.ended("there", 10) == []


def test_the_earliest_come_first_and_not_all_at_once() -> None:
    ending = Ending[str, BanKey]()
    for number in range(ENDED_AT_ONCE + 1):
        ending.add("here", BanKey(SERVER, account_id(str(number))), 100 - number)
    ended = ending.ended("here", 100)
    assert len(ended) == ENDED_AT_ONCE
    assert ended[0] == BanKey(SERVER, account_id(str(ENDED_AT_ONCE)))


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9)), unique_by=lambda it: it[0]))
def test_it_counts_as_looking_at_all_would(ends: list[tuple[int, int]]) -> None:
    ending = Ending[str, BanKey]()
    for number, until in ends:
        ending.add("here", BanKey(SERVER, account_id(str(number))), until)
    for now in range(10):
        good = [until for _, until in ends if not until or now < until]
        assert ending.count("here", now) == len(good)
        assert len(ending.ended("here", now)) == min(len(ends) - len(good), ENDED_AT_ONCE)
    for number, until in ends:
        ending.remove("here", BanKey(SERVER, account_id(str(number))), until)
    assert vars(ending) == vars(Ending[str, BanKey]())
