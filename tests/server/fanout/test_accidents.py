"""Bugs in the delivery to one reader: all others get everything, once and in order.

A reader that hits a bug is closed, because nobody knows what it received. It comes back and reads
on.
"""

from collections.abc import Callable
from typing import Final

import pytest
from msgspec import Struct

from chat.ids import AccountId
from chat.wire.errors import CloseCode
from chat.wire.messages import Keys, Posted, Refused
from tests.server.support import FakeSession, Room, ServerCase, acks, texts

AUTHORS: Final = 2
"""Readers that post in the same commit."""
READERS: Final = 5

Sabotage = Callable[[FakeSession], None]


def fail() -> None:
    """Fail."""
    raise ZeroDivisionError


def deliver_nothing(session: FakeSession) -> None:
    """Fail before anything is written."""
    session.before_delivery = fail


def deliver_and_fail(session: FakeSession) -> None:
    """Fail after everything is written."""
    session.on_deliver = fail


def deliver_second(session: FakeSession) -> None:
    """Fail in the second run of a batch."""

    def go_on() -> None:
        session.before_delivery = fail

    session.on_deliver = go_on


def fail_to_send(kind: type[Struct]) -> Sabotage:
    """Fail when a message of a given kind is sent."""

    def sabotage(session: FakeSession) -> None:
        def check(message: Struct) -> None:
            if isinstance(message, kind):
                raise ZeroDivisionError

        session.on_send = check

    return sabotage


def fail_to_close(session: FakeSession) -> None:
    """Fail, and then fail to close."""
    session.on_deliver = session.on_close = fail


SABOTAGES: Final = {
    "before it is written": deliver_nothing,
    "behind it": deliver_and_fail,
    "in the second run": deliver_second,
    "of a key": fail_to_send(Keys),
    "of an acknowledgement": fail_to_send(Posted),
    "and when it is closed": fail_to_close,
}


class Crowd:
    """A room with two who post and others who listen; one of them hits a bug."""

    def __init__(self, victim: int, is_behind: bool) -> None:
        self.room = Room()
        self.sessions = self.room.enter(*range(1, READERS + 1))
        self.victim = self.sessions[victim]
        self.others = [it for it in self.sessions if it is not self.victim]
        # Somebody left, so that there is a new key to send.
        [leaver] = self.room.enter(99)
        self.room.kick(leaver)
        self.room.turn()
        self.room.store.release()
        if is_behind:
            for session in (self.victim, self.sessions[-1]):
                session.is_full = True
        for session in self.sessions:
            session.heard.clear()
        self.said: list[str] = []

    def say(self, session: FakeSession, text: str) -> None:
        """Make a reader post."""
        self.said.append(text[:20].strip())
        self.room.say(session, text, request=len(self.said))

    def converse(self, count: int, size: int) -> None:
        """Make the authors post in one commit, and let all readers catch up."""
        authors = [it for it in self.sessions[:AUTHORS] if not it.is_gone]
        for _ in range(count):
            for author in authors:
                self.say(author, f"{author.number}/{len(self.said)}".ljust(size))
        self.room.settle()
        for session in self.sessions:
            session.is_full = False
            self.room.readers.catch_up(session.number)
        self.room.settle()


def own(crowd: Crowd, session: FakeSession) -> list[str]:
    """Return a reader's own posts."""
    return [text for text in crowd.said if text.startswith(f"{session.number}/")]


def heard(session: FakeSession) -> list[str]:
    """Return the texts that a reader received, without padding."""
    return [text.strip() for text in texts(session)]


class AccidentTests(ServerCase):
    """Every kind of failure, at every reader."""

    def test_everybody_else_gets_everything_once(self) -> None:
        for is_behind in (False, True):
            for name, sabotage in SABOTAGES.items():
                for victim in range(READERS):
                    with self.subTest(f"{name}, at {victim}, behind: {is_behind}"):
                        self.check(Crowd(victim, is_behind), sabotage)

    def check(self, crowd: Crowd, sabotage: Sabotage) -> None:
        """Make one reader hit a bug, and check what everybody received."""
        sabotage(crowd.victim)
        crowd.converse(15, 8_000)  # In two runs.
        crowd.converse(1, 10)
        for session in crowd.others:
            assert session.closed is None
            mine = own(crowd, session)
            assert sorted(heard(session)) == sorted(set(crowd.said) - set(mine))
            seqs = [seq for seq, _ in session.heard if seq]
            assert seqs == sorted(set(seqs))
            requests = [crowd.said.index(text) + 1 for text in mine]
            assert sorted(ack[0] for ack in acks(session)) == requests
        self.check_victim(crowd)
        self.forget_errors(ZeroDivisionError)

    def check_victim(self, crowd: Crowd) -> None:
        """Check that the victim has everything, or comes back and then has everything."""
        victim, room = crowd.victim, crowd.room
        if victim.closed is None:
            missing = set(crowd.said) - set(own(crowd, victim)) - set(heard(victim))
            assert not missing
            return
        assert victim.closed is CloseCode.INTERNAL
        assert not room.readers.reads(victim.number)
        cursor = max([seq for seq, _ in victim.heard], default=0)
        back = room.new(victim.number + 100)
        room.readers.start(back, cursor)
        room.readers.catch_up(back.number)
        room.settle()
        stored = room.readers.tail
        assert [seq for seq, _ in back.heard if seq] == list(range(cursor + 1, stored + 1))

    def test_a_refusal_that_cannot_be_sent_is_nobody_else_s(self) -> None:
        room = Room()
        authors = room.enter(1, 2, 3)
        fail_to_send(Refused)(authors[1])
        for author in authors:
            room.say(author, "hi")
        room.turn()
        room.store.refuse()
        self.expect_error(ZeroDivisionError)
        assert [type(it.sent[-1]) for it in authors] == [Refused, Keys, Refused]
        assert [it.closed for it in authors] == [None, CloseCode.INTERNAL, None]

    def test_a_check_with_a_bug_is_nobody_else_s(self) -> None:
        room = Room()
        author, other, muted = room.enter(1, 2, 3)
        check = room.check

        def check_with_bug(account: AccountId) -> None:
            if account == author.account:
                raise ZeroDivisionError
            check(account)

        room.mute(muted)
        room.turn()
        for session in (author, other):
            room.say(session, f"from {session.number}")
        self.replace(room, "check", check_with_bug)
        room.settle()
        self.expect_error(ZeroDivisionError)
        assert [type(it.sent[-1]) for it in (author, other)] == [Refused, Posted]
        assert texts(muted) == ["from 2"]

    def test_a_bug_in_sealing_is_told_to_the_authors(self) -> None:
        room = Room()
        author, reader = room.enter(1, 2)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("chat.server.fanout.feed.seal_records", lambda *_: fail())
            room.say(author, "lost")
            room.settle()
        self.expect_error(ZeroDivisionError)
        assert [type(it) for it in author.sent[-1:]] == [Refused]
        room.say(author, "kept")
        room.settle()
        assert texts(reader) == ["kept"]
