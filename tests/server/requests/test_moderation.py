"""Operators can moderate; nobody else can, whatever a client sends."""

from collections.abc import Callable, Iterator
from typing import Any, Final, get_args

from twisted.internet.defer import Deferred

from chat.ids import DeviceKey, MessageId
from chat.limits import REASON_CHARACTERS, SLOW_MOST
from chat.rooms.changes import Event
from chat.rooms.errors import (
    BannedError,
    InvalidError,
    MutedError,
    NoSuchNickError,
    NotAllowedError,
    NotStoredError,
    SharedNetworkError,
    SlowModeError,
    TextTooLongError,
)
from chat.rooms.roles import Role, Sanction
from chat.rooms.values import SERVER, MuteKey, RoleKey
from chat.server.state.audit import read_events
from chat.server.state.retention import Retention, RetentionPolicy
from chat.store.interface import AUDIT, audit_of
from chat.testing import Client, Server
from chat.testing.server import Message
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
    Moderate,
    Nick,
    Notice,
    Ok,
    Post,
    Posted,
    Private,
    React,
    Read,
    Refused,
    Removed,
    Request,
    Requests,
    Revoke,
    Rooms,
    Search,
    Slow,
    Token,
    Topic,
    Unblock,
    Welcome,
    Who,
)
from tests.server.cases import HeldStore, ServerCase, refused
from tests.store.commits import fired

ROLES: Final = ("owner", "operator", "member", "muted", "banned", "stranger", "nobody")
"""Roles in the room; a stranger is only on the server, and nobody has not logged in."""


Words = Post | Edit | React | Topic | Nick | Invite | Join
"""Requests that carry words."""


def message_id(client: Client) -> MessageId:
    """Return a new id."""
    return MessageId(client.next_id().to_bytes(16, "big"))


class RoomOfRoles:
    """A server with a room in which everybody has a different role, and a target."""

    def __init__(self) -> None:
        self.store = HeldStore()
        self.server = Server(self.store)
        self.clients: dict[str, Client] = {}
        for role in (*ROLES[:-1], "victim"):
            client = self.server.connect()
            client.log_in(role)
            self.clients[role] = client
            if role != "stranger":
                client.join("den")
        self.clients["nobody"] = nobody = self.server.connect()
        nobody.log_in("")  # The login is refused, so there is a session without an account.
        owner = self.clients["owner"]
        self.log = owner.log("den")
        self.seqs = {
            role: self.clients[role].say("mine", "den") for role in ("member", "victim", "muted")
        }
        for action, nick in (("op", "operator"), ("mute", "muted"), ("ban", "banned")):
            answer = owner.ask(Moderate(owner.next_id(), action, nick, self.log))
            assert isinstance(answer, Ok), answer

    def request(self, kind: type[Request], role: str) -> ClientMessage:
        """Return a request that would be legal for a person."""
        client, log = self.clients[role], self.log
        number = client.next_id() + 100
        message = MessageId(bytes([7]) * 16)
        own = self.seqs.get(role, 1)
        examples: dict[type[Request], Callable[[], ClientMessage]] = {
            Login: lambda: client.login("another"),
            Nick: lambda: Nick(number, f"renamed-{role}"),
            Code: lambda: Code(number),
            Devices: lambda: Devices(number),
            Revoke: lambda: Revoke(number, DeviceKey(bytes(32))),
            Logs: lambda: Logs(number),
            Rooms: lambda: Rooms(number),
            Join: lambda: Join(number, "den"),
            Private: lambda: Private(number, "victim"),
            Requests: lambda: Requests(number),
            Accept: lambda: Accept(number, log),
            Decline: lambda: Decline(number, log),
            Block: lambda: Block(number, "victim"),
            Unblock: lambda: Unblock(number, "victim"),
            Blocks: lambda: Blocks(number),
            Contact: lambda: Contact(number),
            Read: lambda: Read(number, log, 0),
            Leave: lambda: Leave(number, log),
            Who: lambda: Who(number, log),
            Topic: lambda: Topic(number, log, "chess"),
            Invite: lambda: Invite(number, log, "stranger"),
            Moderate: lambda: Moderate(number, "mute", "victim", log),
            Slow: lambda: Slow(number, log, 5),
            Token: lambda: Token(number, 1, 60, log),
            Post: lambda: Post(number, log, message, "hello"),
            Edit: lambda: Edit(number, log, message, own, "hello"),
            Delete: lambda: Delete(number, log, message, own),
            React: lambda: React(number, log, message, 1, "+"),
            History: lambda: History(number, log, 50),
            Search: lambda: Search(number, "mine"),
        }
        return examples[kind]()


_MEMBERS = {"owner", "operator", "member", "muted"}
_SPEAKERS = {"owner", "operator", "member"}
_OPERATORS = {"owner", "operator"}
_ACCOUNTS = {*ROLES} - {"nobody"}

MAY: Final[dict[type[Request], set[str]]] = {
    Login: set(),  # Everybody here is already logged in, or has an invalid nickname.
    Nick: _ACCOUNTS - {"muted"},
    Code: _ACCOUNTS,
    Devices: _ACCOUNTS,
    Revoke: set(),  # No such device.
    Logs: _ACCOUNTS,
    Rooms: _ACCOUNTS,
    Join: {"stranger"},  # The others are members already, or banned.
    Private: _ACCOUNTS,
    Requests: _ACCOUNTS,
    Accept: set(),  # Nobody asked, and a room cannot be accepted.
    Decline: set(),
    Block: _ACCOUNTS,
    Unblock: set(),  # Nobody is blocked.
    Blocks: _ACCOUNTS,
    Contact: _ACCOUNTS,
    Read: set(),  # They read it already, or may not read it.
    Leave: _MEMBERS,
    Who: _MEMBERS,
    Topic: _SPEAKERS,
    Invite: _SPEAKERS,
    Moderate: _OPERATORS,
    Slow: _OPERATORS,
    Token: _OPERATORS,
    Post: _SPEAKERS,
    Edit: {"member"},  # The only author who may still change their post.
    Delete: {"member", "muted"},
    React: _SPEAKERS,
    History: _MEMBERS,
    Search: _ACCOUNTS,
}
"""Roles that are not refused."""


def requests() -> Iterator[type[Request]]:
    """Yield every type of request."""
    for kind in get_args(ClientMessage):
        if issubclass(kind, Request):
            yield kind


def test_the_table_has_every_request() -> None:
    assert set(MAY) == set(requests())


class RoleTests(ServerCase):
    """Everybody tries every request, with a client that knows everything."""

    def test_every_request_against_every_role(self) -> None:
        for kind, may in MAY.items():
            room = RoomOfRoles()
            for role in reversed(ROLES):
                if kind is Login and role == "nobody":
                    continue  # A login is meant to change something.
                client = room.clients[role]
                before = len(client.delivered)
                answer = client.ask(room.request(kind, role))
                is_granted = not isinstance(answer, Refused)
                assert is_granted == (role in may), (kind.__name__, role, answer)
                if role in ("banned", "stranger", "nobody") and kind is not Join:
                    mine = [it for it in client.delivered[before:] if it.log == room.log]
                    assert mine == [], (kind.__name__, role)

    def test_every_action_against_every_role(self) -> None:
        room = RoomOfRoles()
        for action in ("kick", "ban", "unban", "mute", "unmute", "op", "deop"):
            for role in ROLES:
                for target in ("victim", "operator", "owner"):
                    client = room.clients[role]
                    request = Moderate(client.next_id() + 500, action, target, room.log)
                    may = {"victim": _OPERATORS, "operator": {"owner"}}.get(target, set())
                    if action in ("op", "deop"):
                        may = may & {"owner"}
                    answer = client.ask(request)
                    assert isinstance(answer, Ok) == (role in may), (action, role, target, answer)
                    if role in may:
                        room = RoomOfRoles()  # Refused requests change nothing.

    def test_nobody_does_anything_to_the_whole_server_for_being_an_operator_of_a_room(self) -> None:
        room = RoomOfRoles()
        for role in ROLES[:-1]:
            answer = room.clients[role].ask(Moderate(500, "mute", "victim"))
            assert answer == refused(500, NotAllowedError()), role


class ModerationCase(ServerCase):
    """Alice owns a room with bob in it, and owns the server if a test needs it."""

    def setUp(self) -> None:
        """Log them in."""
        self.store = HeldStore()
        self.server = Server(self.store)
        self.alice, self.bob, self.eva = self.server.enter("alice", "bob", "eva")
        for client in (self.alice, self.bob):
            assert isinstance(client.join("den"), Joined)
        self.den = self.alice.log("den")
        self.hub = self.server.dispatcher.context.hub

    def do(self, action: str, nick: str = "bob", *, here: bool = True, **more: Any) -> Message:
        """Make alice send a request."""
        if here:
            more["log"] = self.den
        return self.alice.ask(Moderate(self.alice.next_id(), action, nick, **more))

    def own_the_server(self) -> None:
        """Make alice an owner of the server."""
        self.hub.put(RoleKey(SERVER, self.alice.account), Role.OWNER)

    def audit(self) -> list[Event]:
        """Return the audit log, latest entry first."""
        logs = (audit_of(self.den), AUDIT)
        read = [fired(Deferred.fromCoroutine(read_events(self.store, 50, log))) for log in logs]
        return [event for events in read for event in events]


class RoomTests(ModerationCase):
    """In one room."""

    def test_the_one_concerned_is_told_why_and_the_audit_log_who(self) -> None:
        assert isinstance(self.do("mute", seconds=60, reason="noise"), Ok)
        told = (
            'alice has muted you in the room "den" until 1970-01-01 00:01 UTC. alice wrote: "noise"'
        )
        assert Notice(told) in self.bob.received
        assert Notice(told) not in self.eva.received
        answer = self.bob.ask(Post(90, self.den, MessageId(bytes(16)), "hello"))
        assert answer == refused(
            90, MutedError('the room "den"', "until 1970-01-01 00:01 UTC", '. alice wrote: "noise"')
        )
        assert self.audit() == [Event(0, "alice", "mute", "bob", "den", "60 s noise")]
        self.server.clock.advance(60)
        assert self.bob.say("hello", "den")

    def test_who_was_kicked_sees_the_reason_and_may_come_back(self) -> None:
        assert isinstance(self.do("kick", reason="enough"), Ok)
        assert (
            Removed(self.den, 'alice has removed you from the room "den". alice wrote: "enough"')
            in self.bob.received
        )
        assert isinstance(self.bob.ask(Join(90, "den")), Joined)

    def test_a_ban_lasts_as_long_as_it_says_also_over_a_restart(self) -> None:
        assert isinstance(self.do("ban", seconds=60), Ok)
        error = BannedError('the room "den"', "until 1970-01-01 00:01 UTC", ".")
        assert self.bob.ask(Join(90, "den")) == refused(90, error)
        server = Server(self.store)
        back = server.connect(identity=self.bob.identity)
        back.log_in("bob")
        assert back.ask(Join(90, "den")) == refused(90, error)
        server.clock.advance(60)
        assert isinstance(back.ask(Join(91, "den")), Joined)

    def test_what_was_done_can_be_undone(self) -> None:
        for action, opposite in (("ban", "unban"), ("mute", "unmute")):
            assert isinstance(self.do(action), Ok)
            assert isinstance(self.do(opposite), Ok)
            if action == "ban":
                assert isinstance(self.bob.ask(Join(90, "den")), Joined)
        assert self.bob.say("hello", "den")

    def test_an_operator_does_what_the_owner_does_and_no_more(self) -> None:
        self.eva.join("den")
        assert isinstance(self.do("op"), Ok)
        server = Server(self.store)
        bob = server.connect(identity=self.bob.identity)
        bob.log_in("bob")
        assert isinstance(bob.ask(Moderate(90, "mute", "eva", self.den)), Ok)
        for action, nick in (("mute", "alice"), ("op", "eva"), ("deop", "bob")):
            answer = bob.ask(Moderate(91, action, nick, self.den))
            assert answer == refused(91, NotAllowedError())
        alice = server.connect(identity=self.alice.identity)
        alice.log_in("alice")
        assert alice.ask(Moderate(90, "deop", "bob", self.den)) == Ok(90)
        answer = bob.ask(Moderate(92, "mute", "eva", self.den))
        assert answer == refused(92, NotAllowedError())

    def test_a_post_again_takes_no_place_in_slow_mode(self) -> None:
        """Its answer was lost, so the client repeats it, together with the next post."""
        assert self.alice.ask(Slow(90, self.den, 10)) == Ok(90)
        again = MessageId(b"again".ljust(16))
        first = self.bob.post("hi", again, room="den")
        self.server.advance(11)
        repeated = self.bob.post("hi", again, room="den")
        second = self.bob.post("ho", room="den")
        self.server.pump()
        assert self.bob.acks[repeated] == self.bob.acks[first]
        assert second in self.bob.acks

    def test_slow_mode(self) -> None:
        assert self.alice.ask(Slow(90, self.den, 10)) == Ok(90)
        self.server.clock.advance(50)
        assert self.bob.say("one", "den")
        answer = self.bob.ask(Post(91, self.den, MessageId(bytes([1]) * 16), "two"))
        assert answer == refused(91, SlowModeError("den", 10))
        assert self.alice.say("I may", "den") and self.bob.say("so may I here")
        self.server.clock.advance(10)
        assert self.bob.say("two", "den")
        assert Server(self.store).dispatcher.context.hub.named_room("den").slow == 10
        assert self.alice.ask(Slow(92, self.den, SLOW_MOST + 1)) == refused(
            92, InvalidError(f"Slow mode allows at most {SLOW_MOST} seconds between two messages.")
        )
        assert self.alice.ask(Slow(93, self.den, 0)) == Ok(93)
        assert self.bob.say("three", "den") and self.bob.say("four", "den")
        assert [event.action for event in self.audit()] == ["slow", "slow"]

    def words(self, client: Client, seq: int) -> list[Words]:
        """Return requests that carry words to the den, one of each kind."""
        return [
            Post(client.next_id(), self.den, message_id(client), "again"),
            Edit(client.next_id(), self.den, message_id(client), seq, "changed"),
            React(client.next_id(), self.den, message_id(client), seq, "+1"),
            Topic(client.next_id(), self.den, "read this"),
            Nick(client.next_id(), "read.this"),
        ]

    def test_slow_mode_counts_whatever_carries_words(self) -> None:
        assert self.alice.ask(Slow(90, self.den, 10)) == Ok(90)
        first = self.bob.post("one", room="den")
        self.server.pump()
        seq = self.bob.acks[first][0]
        for number in range(5):
            # Any words that follow words of one kind come too soon, from another device too.
            for request in self.words(self.bob, seq):
                answer = self.bob.ask(request)
                assert answer == refused(request.id, SlowModeError("den", 10)), request
            self.server.advance(10)
            self.bob.send(self.words(self.bob, seq)[number])
            self.server.pump()
        assert self.hub.people.named("read.this").id == self.bob.account
        assert self.hub.named_room("den").topic == "read this"

    def test_slow_mode_counts_words_that_are_on_their_way(self) -> None:
        assert self.alice.ask(Slow(90, self.den, 10)) == Ok(90)
        phone = self.server.connect(identity=self.bob.identity)
        phone.log_in("bob")
        requests: list[Words] = [
            Topic(self.bob.next_id(), self.den, "one"),
            Topic(phone.next_id(), self.den, "two"),
            Nick(phone.next_id(), "three"),
        ]
        for client, request in zip((self.bob, phone, phone), requests, strict=True):
            client.send(request)
        self.bob.post("four", room="den")
        self.server.pump()
        assert self.hub.named_room("den").topic == "one"
        assert self.bob.answer(requests[0].id) == Ok(requests[0].id)
        for request in requests[1:]:
            assert phone.answer(request.id) == refused(request.id, SlowModeError("den", 10))
        # Words that could not be stored do not count.
        self.server.advance(10)
        self.store.is_broken = True
        assert phone.ask(Topic(95, self.den, "five")) == refused(95, NotStoredError())
        self.store.is_broken = False
        assert phone.ask(Topic(96, self.den, "five")) == Ok(96)

    def test_a_mute_counts_whatever_carries_words(self) -> None:
        first = self.bob.post("one", room="den")
        self.server.pump()
        seq = self.bob.acks[first][0]
        for scope in (self.den, SERVER):
            self.hub.put(MuteKey(scope, self.bob.account), Sanction())
            requests: list[Words] = [
                *self.words(self.bob, seq),
                Invite(self.bob.next_id(), self.den, "eva"),
            ]
            if scope == SERVER:
                requests.append(Join(self.bob.next_id(), "read.this", "public"))
            for request in requests:
                answer = self.bob.ask(request)
                assert isinstance(answer, Refused) and answer.code == "muted", request
            self.hub.put(MuteKey(scope, self.bob.account), None)
        assert self.hub.people.named("bob").nick == "bob"

    def test_who_is_muted_keeps_order_without_words(self) -> None:
        self.alice.ask(Moderate(90, "op", "bob", self.den))
        self.alice.ask(Moderate(90, "mute", "bob", self.den))
        self.eva.join("den")
        answer = self.bob.ask(Moderate(90, "mute", "eva", self.den, reason="hear me"))
        assert isinstance(answer, Refused) and answer.code == "muted"
        assert self.bob.ask(Moderate(91, "mute", "eva", self.den)) == Ok(91)

    def test_what_cannot_be_stored_is_not_done(self) -> None:
        self.store.is_broken = True
        for request in (
            Moderate(90, "mute", "bob", self.den),
            Moderate(90, "ban", "bob", self.den),
            Slow(90, self.den, 5),
        ):
            assert self.alice.ask(request) == refused(90, NotStoredError())
        self.store.is_broken = False
        assert self.bob.say("hello", "den") and self.bob.say("again", "den")

    def test_bad_requests_are_refused(self) -> None:
        assert self.do("explode") == refused(
            self.alice._requests, InvalidError("This server does not know that action.")
        )
        assert self.do("mute", "max") == refused(self.alice._requests, NoSuchNickError("max"))
        answer = self.do("mute", reason="x" * (REASON_CHARACTERS + 1))
        error = TextTooLongError(REASON_CHARACTERS, "characters")
        assert answer == refused(self.alice._requests, error)


class ServerTests(ModerationCase):
    """On the whole server."""

    def test_a_ban_ends_all_connections_and_keeps_every_key_out(self) -> None:
        self.own_the_server()
        phone = self.server.connect(identity=self.bob.identity)
        phone.log_in("bob")
        assert isinstance(self.do("ban", here=False, reason="spam"), Ok)
        for client in (self.bob, phone):
            notice = Notice(
                'alice has banned you from this server permanently. alice wrote: "spam"'
            )
            assert notice in client.received
            assert client.closed is not None and client.closed.code == CloseCode.REMOVED
        error = BannedError("this server", "permanently", '. alice wrote: "spam"')
        for server in (self.server, Server(self.store)):
            back = server.connect(identity=self.bob.identity)
            assert back.log_in("bob") == refused(1, error)
        other = self.server.connect()
        assert isinstance(other.log_in("robert"), Welcome), "the network is not banned"
        assert isinstance(self.do("unban", here=False), Ok)
        back = self.server.connect(identity=self.bob.identity)
        assert isinstance(back.log_in("bob"), Welcome)

    def test_a_ban_of_the_network_keeps_new_keys_out_too(self) -> None:
        self.own_the_server()
        mallory = self.server.connect("198.51.100.7")
        mallory.log_in("mallory")
        assert isinstance(self.do("ban", "mallory", here=False, network=True, seconds=60), Ok)
        [event] = self.audit()
        assert event.detail == "60 s 198.51.100.7"
        for number in range(2):
            server = Server(self.store, seed=1) if number else self.server
            error = BannedError("this server", "until 1970-01-01 00:01 UTC", ".")
            assert server.connect("198.51.100.7").log_in("fresh") == refused(1, error)
            assert isinstance(server.connect("198.51.100.8").log_in(f"eve-{number}x"), Welcome)
            server.clock.advance(60)
            assert isinstance(server.connect("198.51.100.7").log_in(f"max-{number}x"), Welcome)

    def test_a_ban_of_a_network_that_others_are_in_has_to_be_forced(self) -> None:
        self.own_the_server()
        answer = self.do("ban", here=False, network=True)
        what = SharedNetworkError("192.0.2.1", "your own network")
        assert answer == refused(self.alice._requests, what)
        for number, address in enumerate(("127.0.0.1", "127.3.2.1", "::1")):
            client = self.server.connect(address)
            client.log_in(f"local{number}")
            answer = self.do("ban", f"local{number}", here=False, network=True)
            assert isinstance(answer, Refused) and "own machine" in answer.text
            client.bye()
        for number in range(4):
            self.server.connect("198.51.100.7").log_in(f"guest{number}")
        answer = self.do("ban", "guest0", here=False, network=True)
        what = SharedNetworkError(
            "198.51.100.7", "where 3 of 6 users are connected, perhaps through a proxy"
        )
        assert answer == refused(self.alice._requests, what)
        assert self.hub.networks == {} and self.hub.standing.banned == {}

    def test_who_is_muted_on_the_server_says_nothing_anywhere(self) -> None:
        self.own_the_server()
        assert isinstance(self.do("mute", here=False), Ok)
        error = MutedError("this server", "permanently", ".")
        for log in (self.den, self.bob.log()):
            assert self.bob.ask(Post(90, log, MessageId(bytes(16)), "hello")) == refused(90, error)
        opened = self.bob.ask(Private(91, "eva"))
        assert isinstance(opened, Joined)
        answer = self.bob.ask(Post(92, opened.log, MessageId(bytes(16)), "psst"))
        assert answer == refused(92, error)

    def test_operators_of_the_server_are_made_and_moderate_every_room(self) -> None:
        self.own_the_server()
        assert isinstance(self.do("op", "eva", here=False), Ok)
        self.eva.join("den")
        answer = self.eva.ask(Moderate(90, "mute", "bob", self.den))
        assert answer == Ok(90)
        answer = self.eva.ask(Moderate(91, "mute", "alice", self.den))
        assert answer == refused(91, NotAllowedError())
        assert isinstance(self.do("deop", "eva", here=False), Ok)

    def test_what_cannot_be_stored_is_not_done(self) -> None:
        self.own_the_server()
        self.store.is_broken = True
        answer = self.do("ban", here=False, network=True, force=True)
        assert answer == refused(self.alice._requests, NotStoredError())
        assert self.bob.closed is None
        assert self.hub.networks == {} and self.hub.standing.banned == {}
        self.store.is_broken = False


class AuditTests(ModerationCase):
    """Clients cannot read the audit log."""

    def test_nobody_reads_it_with_a_request(self) -> None:
        self.do("mute")
        assert len(self.audit()) == 1
        for log in (AUDIT, audit_of(self.den)):
            for request in (History(90, log, 50), Read(90, log, 0), Who(90, log)):
                assert isinstance(self.alice.ask(request), Refused)
            assert isinstance(self.alice.ask(Post(91, log, MessageId(bytes(16)), "x")), Refused)

    def test_what_is_done_in_rooms_hides_nothing_that_is_done_on_the_server(self) -> None:
        self.own_the_server()
        self.do("mute", here=False, reason="noise")
        self.eva.join("evas")
        for number in range(60):
            assert isinstance(self.eva.ask(Slow(90, self.eva.log("evas"), number + 1)), Ok)
        [event] = fired(Deferred.fromCoroutine(read_events(self.store, 50)))
        assert (event.actor, event.action, event.detail) == ("alice", "mute", "noise")
        log = audit_of(self.eva.log("evas"))
        assert len(fired(Deferred.fromCoroutine(read_events(self.store, 50, log)))) == 50
        retention = Retention(
            *(self.hub, self.server.dispatcher.context.commits, RetentionPolicy(records=10)),
            *(self.server.clock, 3_600, self.server.dispatcher.context.time),
        )
        retention.start()
        self.server.pump()
        retention.stop()
        assert len(fired(Deferred.fromCoroutine(read_events(self.store, 50, log)))) == 10
        assert len(fired(Deferred.fromCoroutine(read_events(self.store, 50)))) == 1

    def test_an_ack_is_an_ack(self) -> None:
        assert isinstance(self.bob.ask(Post(90, self.den, MessageId(bytes(16)), "x")), Posted)
