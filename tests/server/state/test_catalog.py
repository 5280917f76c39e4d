"""What is kept of accounts and rooms, and found again by the next server."""

import msgspec
import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from chat.limits import Limits
from chat.rooms.hub import Hub
from chat.rooms.people import Account
from chat.server.state.catalog import Catalog
from chat.store.interface import StoreError
from chat.testing import Server
from chat.wire.messages import Invite, Joined, LogList, Logs, Moderate, Nick, Private, Read, Topic
from tests.server.support import HeldStore, ServerCase
from tests.store.suite import fired


class RestartTests(ServerCase):
    """Another server on the same store."""

    def setUp(self) -> None:
        """Let everything there is be in the store."""
        self.store = HeldStore()
        self.store.is_holding = False
        server = Server(self.store)
        self.alice, self.bob, self.carol = server.enter("alice", "bob", "carol")
        self.alice.join("den", "invite")
        self.log = self.alice.log("den")
        self.alice.ask(Invite(90, self.log, "bob"))
        self.bob.join("den")
        self.alice.ask(Topic(91, self.log, "chess"))
        self.alice.ask(Moderate(92, "ban", "carol", self.log))
        self.bob.ask(Private(93, "alice"))
        self.bob.say("psst", "alice")
        self.bob.ask(Nick(94, "robert"))

    def test_everything_is_there_again(self) -> None:
        server = Server(self.store, seed=1)
        back = server.connect(identity=self.bob.identity)
        back.log_in("bob")
        logs = back.ask(Logs(99))
        assert isinstance(logs, LogList)
        assert sorted((kind, name) for _, kind, name, _, _ in logs.logs) == [
            ("invite", "den"),
            ("private", "alice"),
            ("public", "lobby"),
        ]
        joined = back.ask(Read(98, self.log, 0))
        assert isinstance(joined, Joined)
        assert (joined.topic, joined.members, joined.kind) == ("chess", 2, "invite")
        again = back.ask(Private(97, "alice"))
        assert isinstance(again, Joined) and again.log == self.bob.log("alice")

    def test_there_is_one_lobby_whatever_happens(self) -> None:
        first = {client.log() for client in (self.alice, self.bob, self.carol)}
        server = Server(self.store, seed=1)
        [dave] = server.enter("dave")
        assert {dave.log()} == first

    def test_texts_of_earlier_can_be_read_and_new_ones_follow(self) -> None:
        server = Server(self.store, seed=1)
        log = self.bob.log("alice")
        back = server.connect(identity=self.bob.identity)
        back.log_in("")
        back.ask(Read(98, log, 0))
        assert back.texts == [("bob", "psst")]
        other = server.connect(identity=self.alice.identity)
        other.log_in("")
        other.ask(Read(98, log, 0))
        other.say("what?", "robert")
        assert back.texts[-1] == ("alice", "what?")


class CatalogTests(ServerCase):
    """The catalog alone."""

    def setUp(self) -> None:
        """Make a catalog in a store of its own."""
        self.store = HeldStore()
        self.clock = Clock()
        self.catalog = Catalog(self.store, self.clock, Limits())

    def load(self) -> Hub:
        """Return what a new server would know."""
        hub = Hub(lambda: bytes(16))
        fired(Deferred.fromCoroutine(Catalog(self.store, self.clock, Limits()).load(hub)))
        return hub

    def test_what_was_not_stored_is_not_taken_to_be(self) -> None:
        account = Account(b"a" * 16, "ana", {b"key": 7})
        self.store.is_broken = True
        for _ in range(2):
            with pytest.raises(StoreError):
                fired(self.catalog.save_account(account))
        self.store.is_broken = False
        fired(self.catalog.save_account(account))
        assert self.load().people.named("ana").id == account.id

    def test_what_is_the_same_is_not_written(self) -> None:
        account = Account(b"a" * 16, "ana", {b"key": 7})
        fired(self.catalog.save_account(account))
        self.store.is_broken = True
        fired(self.catalog.save_account(account))

    def test_a_value_that_somebody_else_changed_is_not_overwritten(self) -> None:
        account = Account(b"a" * 16, "ana", {b"key": 7})
        fired(self.catalog.save_account(account))
        key = b"account/" + account.id
        value = fired(self.store.get(key))
        fired(self.store.compare_and_set(key, value, b"theirs"))
        account.nick = "eva"
        with pytest.raises(StoreError, match="behind"):
            fired(self.catalog.save_account(account))

    def test_a_membership_without_its_account_or_room_is_passed_over(self) -> None:
        fired(self.catalog.save_account(Account(b"a" * 16, "ana", {b"key": 7})))
        fired(self.catalog.save_member(b"r" * 16, b"a" * 16))
        fired(self.catalog.save_member(b"r" * 16, b"b" * 16))
        assert self.load().people.named("ana").logs == set()

    def test_damage_is_told_and_not_worked_around(self) -> None:
        room = msgspec.msgpack.encode(["no such kind", "den", b"", "", 0, [], [[]] * 4])
        for key, value in ((b"account/" + bytes(16), b"?"), (b"room/" + bytes(16), room)):
            fired(self.store.compare_and_set(key, None, value))
            with pytest.raises(StoreError, match="damaged"):
                self.load()
            fired(self.store.compare_and_set(key, value, None))
        self.load()

    def test_an_invitation_of_nobody_is_passed_over(self) -> None:
        room = msgspec.msgpack.encode(["invite", "den", b"", "", 0, [b"x" * 16], [[]] * 4])
        fired(self.store.compare_and_set(b"room/" + bytes(16), None, room))
        assert self.load().has_room("den")

    def test_nothing_new_is_nothing_to_write(self) -> None:
        self.store.is_broken = True
        self.catalog.save_seen()
        assert self.clock.getDelayedCalls() == []
