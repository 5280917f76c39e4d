"""The desk: what each request does, and the one answer it gets."""

import time

import pytest
from msgspec import Struct
from twisted.logger import capturedLogs

from chat import __version__
from chat.limits import NICK_CHARACTERS, PAYLOAD_BYTES, TEXT_BYTES
from chat.rooms.errors import (
    AlreadyAMemberError,
    AlreadyLoggedInError,
    NickEmptyError,
    NickInvalidError,
    NickTakenError,
    NickTooLongError,
    NoSuchRoomError,
    NotAMemberError,
    NotLoggedInError,
    NotStoredError,
    RequestError,
    TextEmptyError,
    TextTooLongError,
    UnknownRequestError,
)
from chat.server.requests import utc_milliseconds
from chat.testing import Client, Server
from chat.wire.messages import (
    Join,
    Joined,
    Members,
    Nick,
    Ok,
    Pong,
    Post,
    Refused,
    RenamedBody,
    Request,
    Welcome,
    Who,
)
from tests.server.support import HeldStore, ServerCase, chat_lines


class Dance(Request, frozen=True):
    """A request of a later version."""

    steps: int = 3


class Hum(Struct, frozen=True, tag_field="type", tag="hum"):
    """A message of a later version that asks for nothing."""

    tune: str


def refused(request: int, error: RequestError) -> Refused:
    """Return the answer that an error becomes."""
    return Refused(request, error.code, str(error))


class LoginTests(ServerCase):
    """Coming in."""

    def setUp(self) -> None:
        """Start a server, where alice is already."""
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
            keeps="memory",
            limits={"text": TEXT_BYTES, "nick": NICK_CHARACTERS, "payload": PAYLOAD_BYTES},
            features=[],
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
        requests: list[Nick | Join | Who | Post] = [
            Nick(2, "bob"),
            Join(3, "lobby"),
            Who(4, "lobby"),
            Post(5, "lobby", bytes(16), "hi"),
        ]
        for request in requests:
            assert self.client.ask(request) == refused(request.id, NotLoggedInError())
        assert self.alice.delivered == []

    def test_nobody_logs_in_twice(self) -> None:
        self.client.log_in("bob")
        assert self.client.log_in("bobby") == refused(2, AlreadyLoggedInError())

    def test_the_log_does_not_say_who_logged_in(self) -> None:
        with capturedLogs() as events:
            self.client.log_in("bob")
            self.client.log_in("bobby")
        assert chat_lines(events) == []


class RoomTests(ServerCase):
    """What members do."""

    def setUp(self) -> None:
        """Let alice and bob in."""
        self.server = Server()
        self.alice, self.bob = self.server.enter("alice", "bob")

    def ask(self, request: Request) -> object:
        """Return the answer that alice gets."""
        assert isinstance(request, Nick | Join | Who | Post)
        return self.alice.ask(request)

    def test_join_is_refused_where_there_is_nothing_or_nothing_new(self) -> None:
        assert self.ask(Join(9, "attic")) == refused(9, NoSuchRoomError())
        assert self.ask(Join(9, "lobby")) == refused(9, AlreadyAMemberError())

    def test_only_members_post_and_look_around(self) -> None:
        carol = self.server.connect()
        carol.log_in("carol")
        assert carol.ask(Post(9, "lobby", bytes(16), "hi")) == refused(9, NotAMemberError())
        assert carol.ask(Who(9, "lobby")) == refused(9, NotAMemberError())

    def test_texts_have_their_limits(self) -> None:
        assert self.ask(Post(9, "lobby", bytes(16), "")) == refused(9, TextEmptyError())
        long = "x" * (TEXT_BYTES + 1)
        assert self.ask(Post(9, "lobby", bytes(16), long)) == refused(9, TextTooLongError(8_192))
        assert self.bob.texts == []
        self.alice.say("x" * TEXT_BYTES)
        assert [len(text) for _, text in self.bob.texts] == [TEXT_BYTES]

    def test_who_is_there(self) -> None:
        assert self.ask(Who(9, "lobby")) == Members(9, "lobby", ["alice", "bob"], False)
        assert self.ask(Who(9, "lobby", "alice")) == Members(9, "lobby", ["bob"], False)

    def test_a_new_name_is_told_to_the_others(self) -> None:
        assert self.ask(Nick(9, "ada")) == Ok(9)
        body = self.bob.delivered[-1].body
        assert isinstance(body, RenamedBody) and (body.was, body.nick) == ("alice", "ada")

    def test_the_same_name_is_told_to_nobody(self) -> None:
        before = len(self.bob.delivered)
        assert self.ask(Nick(9, "alice")) == Ok(9)
        assert len(self.bob.delivered) == before

    def test_a_refused_name_changes_nothing(self) -> None:
        assert self.ask(Nick(9, "BOB")) == refused(9, NickTakenError("BOB"))
        assert self.ask(Nick(9, "")) == refused(9, NickEmptyError())
        self.alice.say("hi")
        assert self.bob.texts == [("alice", "hi")]

    def test_who_is_in_no_room_gets_a_new_name_at_once(self) -> None:
        carol = self.server.connect()
        carol.log_in("carol")
        assert carol.ask(Nick(9, "charlie")) == Ok(9)

    def test_the_name_of_who_left_is_free(self) -> None:
        self.bob.vanish()
        assert self.ask(Nick(9, "bob")) == Ok(9)

    def test_an_unknown_request_is_refused_and_the_connection_lives(self) -> None:
        self.alice.write(self.alice.connection.send(Dance(9)))
        self.server.pump()
        assert self.alice.received[-1] == refused(9, UnknownRequestError())
        assert self.ask(Who(10, "lobby")) == Members(10, "lobby", ["alice", "bob"], False)

    def test_an_unknown_message_without_an_id_is_skipped(self) -> None:
        count = len(self.alice.received)
        self.alice.write(self.alice.connection.send(Hum("la")))
        self.alice.send(Pong(7))
        self.server.pump()
        assert len(self.alice.received) == count
        assert not self.alice.protocol.is_gone


class NotStoredTests(ServerCase):
    """I4: what could not be stored did not happen."""

    def setUp(self) -> None:
        """Let alice and bob in, and let nothing be stored any more."""
        self.store = HeldStore()
        self.store.is_holding = False
        self.server = Server(self.store)
        self.alice, self.bob = self.server.enter("alice", "bob")
        self.store.is_holding = True

    def refuse(self, count: int = 1) -> None:
        """Let what waits fail, and take the error from the log."""
        for _ in range(count):
            self.store.refuse()
            self.server.pump()
        self.expect_error(OSError, count)

    def commit(self) -> None:
        """Let what waits be stored."""
        while self.store.appends:
            self.store.commit()
            self.server.pump()

    def answer(self, client: Client, request: int) -> object:
        """Return the answer that a client got, as the text of a refusal or the message."""
        [answer] = [
            each
            for each in client.received
            if isinstance(each, Refused | Ok | Joined) and each.id == request
        ]
        return answer

    def test_i4_a_post_is_refused_and_seen_by_nobody(self) -> None:
        request = self.alice.post("one")
        self.server.pump()
        self.refuse()
        assert self.answer(self.alice, request) == refused(request, NotStoredError())
        assert (self.alice.acks, self.bob.texts) == ({}, [])
        self.alice.post("two")
        self.server.pump()
        self.commit()
        assert self.bob.texts == [("alice", "two")]

    def test_i4_a_join_is_undone(self) -> None:
        carol = self.server.connect()
        carol.log_in("carol")
        carol.send(Join(2, "lobby"))
        self.server.pump()
        self.refuse()
        assert carol.received[-1] == refused(2, NotStoredError())
        assert carol.ask(Who(3, "lobby")) == refused(3, NotAMemberError())
        carol.send(Join(4, "lobby"))
        self.server.pump()
        self.commit()
        assert isinstance(self.answer(carol, 4), Joined)

    def test_i4_a_join_of_who_is_gone_needs_no_undoing(self) -> None:
        carol = self.server.connect()
        carol.log_in("carol")
        carol.send(Join(2, "lobby"))
        self.server.pump()
        carol.vanish()
        self.refuse()
        self.commit()
        assert self.alice.ask(Who(9, "lobby")) == Members(9, "lobby", ["alice", "bob"], False)

    def test_i4_a_new_name_is_undone(self) -> None:
        self.alice.send(Nick(9, "ada"))
        self.server.pump()
        assert self.alice.received[-1] != Ok(9)
        self.refuse()
        assert self.alice.received[-1] == refused(9, NotStoredError())
        assert self.alice.ask(Who(10, "lobby")) == Members(10, "lobby", ["alice", "bob"], False)

    def test_i4_names_of_one_batch_are_all_undone(self) -> None:
        for request, nick in enumerate(("one", "two", "three"), 9):
            self.alice.send(Nick(request, nick))
        self.server.pump()
        self.refuse()
        assert self.alice.ask(Who(20, "lobby")) == Members(20, "lobby", ["alice", "bob"], False)

    def test_i4_a_name_that_was_changed_again_is_left_as_it_is(self) -> None:
        self.alice.send(Nick(9, "ada"))
        self.server.pump()
        self.alice.send(Nick(10, "ann"))
        self.server.pump()
        self.refuse()
        self.commit()
        assert self.answer(self.alice, 9) == refused(9, NotStoredError())
        assert self.answer(self.alice, 10) == Ok(10)
        assert self.alice.ask(Who(11, "lobby")) == Members(11, "lobby", ["ann", "bob"], False)

    def test_i4_a_name_that_is_somebody_else_s_by_now_is_not_taken_back(self) -> None:
        self.alice.send(Nick(9, "ada"))
        self.server.pump()
        carol = self.server.connect()
        assert isinstance(carol.log_in("alice"), Welcome)
        self.refuse()
        assert self.answer(self.alice, 9) == refused(9, NotStoredError())
        assert self.alice.ask(Who(10, "lobby")) == Members(10, "lobby", ["ada", "bob"], False)

    def test_i4_that_somebody_left_is_nobody_s_request(self) -> None:
        self.bob.vanish()
        self.refuse()
        assert self.alice.ask(Who(9, "lobby")) == Members(9, "lobby", ["alice"], False)


class ManyRoomsTests(ServerCase):
    """A server with two rooms: one answer, whatever the number of rooms."""

    def enter(self, store: HeldStore) -> tuple[Server, Client, Client]:
        """Return such a server, and two who are in both rooms."""
        store.is_holding = False
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("chat.server.requests.ROOMS", ("attic", "lobby"))
            server = Server(store)
        alice, bob = server.enter("alice", "bob")
        for client in (alice, bob):
            client.ask(Join(9, "attic"))
        return server, alice, bob

    def test_a_name_that_no_room_could_store_is_refused_once(self) -> None:
        store = HeldStore()
        server, alice, _ = self.enter(store)
        store.is_holding = True
        count = len(alice.received)
        alice.send(Nick(10, "ada"))
        server.pump()
        for _ in range(2):
            store.refuse()
            server.pump()
        self.expect_error(OSError, 2)
        assert alice.received[count:] == [refused(10, NotStoredError())]
        for room in ("attic", "lobby"):
            assert alice.ask(Who(11, room)) == Members(11, room, ["alice", "bob"], False)

    def test_a_new_name_in_two_rooms_is_answered_once(self) -> None:
        store = HeldStore()
        server, alice, bob = self.enter(store)
        store.is_holding = True
        alice.send(Nick(10, "ann"))
        server.pump()
        store.commit()
        server.pump()
        assert alice.received[-1] != Ok(10)
        store.commit()
        server.pump()
        assert alice.received[-1] == Ok(10)
        store.is_holding = False
        count = len(alice.received)
        assert alice.ask(Nick(11, "ada")) == Ok(11)
        assert len(alice.received) == count + 1
        renamed = [each for each in bob.delivered if isinstance(each.body, RenamedBody)]
        assert len({each.log for each in renamed}) == 2 and len(renamed) == 4


def test_the_time_is_utc_in_milliseconds() -> None:
    before = time.time()
    assert before - 1 < utc_milliseconds() / 1000 < time.time() + 1
