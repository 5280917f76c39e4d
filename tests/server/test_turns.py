"""Turns: a client that asks for many waits behind its own requests."""

from collections.abc import Callable

import pytest
from twisted.internet.defer import Deferred, succeed

from chat.rooms.addresses import AddressGroup
from chat.server.turns import CrowdedError, GoneError, Turns
from tests.store.commits import fired

HOME, AWAY, FAR = map(AddressGroup, ("192.0.2.1", "192.0.2.2", "2001:db8::/64"))


class Desk:
    """A place to take turns, which the test ends."""

    def __init__(self, at_once: int = 1, most_waiting: int = 1_000) -> None:
        self.turns = Turns(at_once, most_waiting)
        self.begun: list[str] = []
        self.working: list[Deferred[str]] = []
        self.gone: set[str] = set()

    def ask(self, who: str, network: AddressGroup = HOME, name: str = "") -> Deferred[str]:
        """Ask for a turn."""

        def work() -> Deferred[str]:
            self.begun.append(who)
            done: Deferred[str] = Deferred()
            done.addCallback(lambda _: who)
            self.working.append(done)
            return done

        return self.turns.run(network, name or who, lambda: who in self.gone, work)

    def end(self, count: int = 1) -> list[str]:
        """End `count` turns; return who has had one by then."""
        for _ in range(count):
            self.working.pop(0).callback("")
        return self.begun


def test_as_many_as_may_work_at_once() -> None:
    desk = Desk(at_once=2)
    answers = [desk.ask(who) for who in "abc"]
    assert desk.begun == ["a", "b"] and len(desk.turns) == 1
    assert desk.end() == ["a", "b", "c"] and len(desk.turns) == 0
    desk.end(2)
    assert [fired(it) for it in answers] == ["a", "b", "c"]


@pytest.mark.parametrize(
    "crowd", [["eve"] * 60, [f"eve{number}" for number in range(60)], ["eve", "eva"] * 30]
)
def test_another_network_waits_for_one_turn_of_a_crowd(crowd: list[str]) -> None:
    desk = Desk()
    for who in crowd:
        desk.ask(who)
    desk.ask("bob", AWAY)
    desk.ask("ana", FAR)
    assert desk.end(3)[2:] == ["bob", "ana"] or desk.end()[2:] == ["bob", "ana"]


def test_another_name_of_the_same_network_waits_for_one_turn() -> None:
    desk = Desk()
    for _ in range(60):
        desk.ask("eve")
    desk.ask("bob")
    assert desk.end(2) == ["eve", "eve", "bob"]


def test_one_who_asks_again_and_again_is_behind_those_who_waited() -> None:
    desk = Desk()
    for who in ("eve", "eve", "bob", "bob"):
        desk.ask(who, HOME if who == "eve" else AWAY)
    desk.end()
    desk.ask("eve")
    assert desk.end(3) == ["eve", "eve", "bob", "eve", "bob"]


def test_what_one_name_asks_for_is_done_in_its_order() -> None:
    desk = Desk()
    for number in range(9):
        desk.ask(str(number), name="eve")
    assert desk.end(8) == list("012345678")


def test_who_is_gone_has_no_turn() -> None:
    desk = Desk()
    answers = {who: desk.ask(who) for who in "abcd"}
    desk.gone = {"b", "c"}
    assert desk.end() == ["a", "d"]
    for who in "bc":
        with pytest.raises(GoneError):
            fired(answers[who])


def test_those_who_are_gone_make_room_first() -> None:
    desk = Desk(most_waiting=3)
    answers = {who: desk.ask(who) for who in "abcd"}
    desk.gone = {"b", "d"}
    desk.ask("e")
    assert len(desk.turns) == 2 and desk.end(2) == ["a", "c", "e"]
    for who in "bd":
        with pytest.raises(GoneError):
            fired(answers[who])


def test_beyond_what_can_wait_the_network_and_name_with_the_most_are_refused_one() -> None:
    desk = Desk(most_waiting=5)
    desk.ask("working")
    few = [desk.ask(who, AWAY) for who in ("bob", "ana")]
    many = [desk.ask(f"eve{number}", name="eve") for number in range(2)]
    one = desk.ask("eva")
    last = desk.ask("last", FAR)
    with pytest.raises(CrowdedError):
        fired(many[1])
    assert len(desk.turns) == 5
    desk.end(6)
    assert [fired(it) for it in (*few, many[0], one, last)] == ["bob", "ana", "eve0", "eva", "last"]
    [alone] = [Desk(most_waiting=0)]
    alone.ask("a")
    with pytest.raises(CrowdedError):
        fired(alone.ask("b"))


def test_work_that_fails_or_is_done_at_once_makes_room_too() -> None:
    turns = Turns(1, 9)

    def fail() -> Deferred[None]:
        raise ValueError

    def run(work: Callable[[], Deferred[None]]) -> Deferred[None]:
        return turns.run(HOME, "a", lambda: False, work)

    with pytest.raises(ValueError):
        fired(run(fail))
    first: Deferred[None] = Deferred()
    run(lambda: first)
    after = [run(lambda: succeed(None)) for _ in range(9)]
    first.callback(None)
    assert all(it.called for it in after) and len(turns) == 0
