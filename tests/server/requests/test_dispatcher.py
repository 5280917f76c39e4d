"""The dispatcher: what each request does, and the one answer it gets."""

import time
from typing import get_args

import pytest
from msgspec import Struct

from chat import __version__
from chat.ids import DeviceKey, MessageId
from chat.limits import NICK_CHARACTERS, PAYLOAD_BYTES, TEXT_BYTES
from chat.rooms.errors import (
    AlreadyLoggedInError,
    NickEmptyError,
    NickInvalidError,
    NickTakenError,
    NickTooLongError,
    NotLoggedInError,
    NotReadError,
    NotStoredError,
    RequestError,
    UnknownRequestError,
)
from chat.server.requests.dispatcher import utc_milliseconds
from chat.testing import Server
from chat.wire.connection import PeerClosed
from chat.wire.errors import CloseCode
from chat.wire.messages import (
    Accept,
    Block,
    Blocks,
    ClientMessage,
    Code,
    Contact,
    Decline,
    Delete,
    Devices,
    Edit,
    History,
    Invite,
    Join,
    Joined,
    Leave,
    Login,
    Logs,
    Members,
    Moderate,
    Nick,
    Ok,
    Pong,
    Post,
    Private,
    React,
    Read,
    RenamedBody,
    Request,
    Requests,
    Revoke,
    Rooms,
    Search,
    Seen,
    Slow,
    Token,
    Topic,
    Unblock,
    Welcome,
    Who,
)
from tests.server.cases import READS, HeldStore, ServerCase, refused


class Dance(Request, frozen=True):
    """A request from a later version."""

    steps: int = 3


class Hum(Struct, frozen=True, tag_field="type", tag="hum"):
    """A message from a later version that is not a request."""

    tune: str


class LoginTests(ServerCase):
    """Logging in."""

    def setUp(self) -> None:
        """Start a server with alice."""
        self.server = Server()
        [self.alice] = self.server.enter("alice")
        self.client = self.server.connect()

    def test_the_welcome_says_who_you_are_and_what_this_server_is(self) -> None:
        self.server.clock.advance(1.234)
        welcome = self.client.log_in(" e\u0301va ")
        assert isinstance(welcome, Welcome)
        assert welcome == Welcome(
            id=1,
            account=welcome.account,
            nick="\u00e9va",
            server=f"encchat {__version__}",
            time=1_234,
            keeps="disk",
            limits={"text": TEXT_BYTES, "nick": NICK_CHARACTERS, "payload": PAYLOAD_BYTES},
            features=["search"],
        )

    def test_everybody_has_an_account_of_their_own(self) -> None:
        accounts = {
            each.account
            for client in self.server.enter("bob", "carol")
            for each in client.received
            if isinstance(each, Welcome)
        }
        assert len(accounts) == 2

    def test_a_refused_nickname_costs_nothing_and_another_can_be_tried(self) -> None:
        tries: list[tuple[str, RequestError]] = [
            ("ALICE", NickTakenError("ALICE")),
            ("", NickEmptyError()),
            ("x" * 33, NickTooLongError(32)),
            ("a\x1b[31m", NickInvalidError()),
            ("a\u202eb", NickInvalidError()),
            ("a b", NickInvalidError()),
        ]
        for request, (nick, error) in enumerate(tries, 1):
            assert self.client.log_in(nick) == refused(request, error)
        assert isinstance(self.client.log_in("bob"), Welcome)
        assert isinstance(self.client.join(), Joined)

    def test_before_login_every_request_is_refused(self) -> None:
        self.client.log_in("")
        log = self.alice.log()
        examples: dict[type[Request], Request] = {
            Nick: Nick(2, "bob"),
            Logs: Logs(2),
            Rooms: Rooms(2),
            Join: Join(2, "lobby"),
            Private: Private(2, "alice"),
            Requests: Requests(2),
            Accept: Accept(2, log),
            Decline: Decline(2, log),
            Block: Block(2, "alice"),
            Unblock: Unblock(2, "alice"),
            Blocks: Blocks(2),
            Contact: Contact(2, "nobody"),
            Read: Read(2, log, 0),
            Leave: Leave(2, log),
            Who: Who(2, log),
            Topic: Topic(2, log, "chess"),
            Invite: Invite(2, log, "alice"),
            Moderate: Moderate(2, "kick", "alice", log),
            Slow: Slow(2, log, 1),
            Token: Token(2, 1, 1),
            Code: Code(2),
            Devices: Devices(2),
            Revoke: Revoke(2, DeviceKey(bytes(32))),
            Post: Post(2, log, MessageId(bytes(16)), "hi"),
            Edit: Edit(2, log, MessageId(bytes(16)), 1, "ho"),
            Delete: Delete(2, log, MessageId(bytes(16)), 1),
            React: React(2, log, MessageId(bytes(16)), 1, "+"),
            History: History(2, log, 50),
            Search: Search(2, "hi"),
        }
        requests = {each for each in get_args(ClientMessage) if issubclass(each, Request)}
        assert requests - {Login} == set(examples)
        for request in examples.values():
            self.client.write(self.client.connection.send(request))
            self.server.pump()
            assert self.client.answer(2) == refused(2, NotLoggedInError())
            self.client.events.clear()
        self.client.send(Seen(log, 1))
        self.server.pump()
        assert self.alice.delivered == []
        assert not self.client.protocol.is_gone

    def test_nobody_logs_in_twice(self) -> None:
        self.client.log_in("bob")
        assert self.client.log_in("bobby") == refused(2, AlreadyLoggedInError())


class AccountTests(ServerCase):
    """Whoever has the private key is the account."""

    def setUp(self) -> None:
        """Log in alice."""
        self.server = Server()
        [self.alice] = self.server.enter("alice")

    def test_a_known_secret_is_the_account_whatever_name_comes_with_it(self) -> None:
        for nick in ("alice", "somebody", ""):
            other = self.server.connect(identity=self.alice.identity)
            welcome = other.log_in(nick)
            assert isinstance(welcome, Welcome) and welcome.nick == "alice"
            assert welcome.account == self.alice.account

    def test_a_nickname_stays_its_owner_s_when_they_are_away(self) -> None:
        self.alice.bye()
        assert self.server.connect().log_in("Alice") == refused(1, NickTakenError("Alice"))

    def test_a_name_stays_with_who_was_never_in_anything(self) -> None:
        bob = self.server.connect()
        bob.log_in("bob")
        bob.bye()
        assert self.server.connect().log_in("bob") == refused(1, NickTakenError("bob"))

    def test_a_new_name_is_told_to_the_others_on_all_logs_and_to_no_other_device(self) -> None:
        [bob] = self.server.enter("bob")
        for client in (self.alice, bob):
            client.join("den")
        before = len(bob.delivered)
        assert self.alice.ask(Nick(9, " ada ")) == Ok(9)
        bodies = [each.body for each in bob.delivered[before:]]
        renamed = [(it.nick, it.was) for it in bodies if isinstance(it, RenamedBody)]
        assert renamed == [("ada", "alice")] * len(bodies) and len(bodies) == 2

    def test_the_same_name_is_told_to_nobody(self) -> None:
        [bob] = self.server.enter("bob")
        assert self.alice.ask(Nick(9, "alice")) == Ok(9)
        assert [type(each.body) for each in bob.delivered] == []

    def test_a_refused_name_changes_nothing(self) -> None:
        [bob] = self.server.enter("bob")
        assert self.alice.ask(Nick(9, "BOB")) == refused(9, NickTakenError("BOB"))
        assert self.alice.ask(Nick(9, "")) == refused(9, NickEmptyError())
        self.alice.say("hi")
        assert bob.texts == [("alice", "hi")]

    def test_who_is_in_nothing_gets_a_new_name_too(self) -> None:
        carol = self.server.connect()
        carol.log_in("carol")
        assert carol.ask(Nick(9, "charlie")) == Ok(9)

    def test_i4_a_name_that_cannot_be_stored_is_undone(self) -> None:
        store = HeldStore()
        server = Server(store)
        alice, bob = server.enter("alice", "bob")
        store.is_broken = True
        assert alice.ask(Nick(9, "ada")) == refused(9, NotStoredError())
        store.is_broken = False
        alice.say("hi")
        assert bob.texts == [("alice", "hi")]
        assert RenamedBody not in [type(each.body) for each in bob.delivered]

    def test_an_unknown_request_is_refused_and_the_connection_lives(self) -> None:
        self.alice.write(self.alice.connection.send(Dance(9)))
        self.server.pump()
        assert self.alice.received[-1] == refused(9, UnknownRequestError())
        assert isinstance(self.alice.ask(Who(10, self.alice.log())), Members)

    def test_an_unknown_message_without_an_id_is_skipped(self) -> None:
        count = len(self.alice.received)
        self.alice.write(self.alice.connection.send(Hum("la")))
        self.alice.send(Pong(7))
        self.server.pump()
        assert len(self.alice.received) == count
        assert not self.alice.protocol.is_gone

    def test_a_bug_in_a_request_ends_this_connection_and_no_other(self) -> None:
        [bob] = self.server.enter("bob")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(self.server.dispatcher.context.store, "head", None)
            self.alice.send(Logs(9))
            self.server.pump()
        assert self.alice.closed == PeerClosed(CloseCode.INTERNAL)
        self.expect_error(TypeError)
        assert not bob.protocol.is_gone


class WaitingTests(ServerCase):
    """A client's requests run in order, however long each takes."""

    def test_nothing_is_read_while_a_request_waits_for_the_store(self) -> None:
        store = HeldStore()
        server = Server(store)
        [alice] = server.enter("alice")
        alice.say("one")
        store.holds = READS
        for number in (8, 9):
            alice.send(History(number, alice.log(), 50))
        request = alice.post("two")
        server.pump()
        assert len(store.waiting) == 1 and alice.protocol.is_held
        while store.waiting:
            assert request not in alice.acks
            store.release()
            server.pump()
        assert not alice.protocol.is_held
        assert [len(alice.page(number)) for number in (8, 9)] == [1, 1]
        assert request in alice.acks

    def test_a_log_that_is_being_loaded_is_waited_for_by_all(self) -> None:
        store = HeldStore()
        old = Server(store)
        clients = old.enter("alice", "bob")
        clients[0].say("hi")
        server = Server(store)
        back = [server.connect(identity=client.identity) for client in clients]
        for client in back:
            client.log_in("")
        store.holds = {"head"}
        for client in back:
            client.send(Read(2, clients[0].log(), 0))
        server.pump()
        [head] = store.waiting
        store.holds = ()
        head.release()
        server.pump()
        assert [client.texts for client in back] == [[("alice", "hi")]] * 2

    def test_a_log_that_cannot_be_loaded_is_tried_again(self) -> None:
        store = HeldStore()
        [alice] = Server(store).enter("alice")
        server = Server(store)
        back = server.connect(identity=alice.identity)
        back.log_in("")
        store.is_broken = True
        assert back.ask(Read(2, alice.log(), 0)) == refused(2, NotReadError())
        store.is_broken = False
        assert isinstance(back.ask(Read(3, alice.log(), 0)), Joined)


def test_the_time_is_utc_in_milliseconds() -> None:
    before = time.time()
    assert before - 1 < utc_milliseconds() / 1000 < time.time() + 1
