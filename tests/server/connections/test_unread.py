"""Everything queued for a connection that does not read has a bound."""

from collections.abc import Callable

from twisted.logger import capturedLogs

from chat.limits import Limits
from chat.testing import Client, Server
from chat.wire.connection import Delivered
from chat.wire.messages import (
    Code,
    CodeIssued,
    History,
    Invite,
    Join,
    Leave,
    Login,
    Moderate,
    Notice,
    Removed,
    Search,
    Welcome,
    Who,
)
from tests.server.cases import ServerCase, chat_lines

REASON = "\N{GRINNING FACE}" * 200
GONE = 'cause=SLOW_CONSUMER reason="it does not read what it is told"'


def notices(server: Server, alice: Client, bob: Client) -> None:
    """Mute and unmute somebody in a new room, with the longest reason."""
    other = next(it for it in server.clients if it.identity is bob.identity and it is not bob)
    room = f"room-{alice.next_id()}"
    alice.join(room)
    other.join(room)
    for action in ("mute", "unmute"):
        alice.ask(Moderate(alice.next_id(), action, "bob", alice.log(room), 0, REASON))


def invitations(server: Server, alice: Client, bob: Client) -> None:
    """Let somebody new invite somebody to a new room."""
    number = alice.next_id()
    room = f"{'x' * 20}{number}"
    [maker] = server.enter(f"maker-{number}")
    maker.join(room, "invite")
    maker.ask(Invite(maker.next_id(), maker.log(room), "bob"))
    maker.bye()


def rooms(server: Server, alice: Client, bob: Client) -> None:
    """Join a room and leave it, on another device."""
    other = next(it for it in server.clients if it.identity is bob.identity and it is not bob)
    other.join("den2")
    other.ask(Leave(other.next_id(), other.log("den2")))


def kicks(server: Server, alice: Client, bob: Client) -> None:
    """Kick somebody who comes back on another device."""
    other = next(it for it in server.clients if it.identity is bob.identity and it is not bob)
    alice.ask(Moderate(alice.next_id(), "kick", "bob", alice.log("den"), 0, REASON))
    other.ask(Join(other.next_id(), "den"))


def devices(server: Server, alice: Client, bob: Client) -> None:
    """Link a device."""
    other = next(it for it in server.clients if it.identity is bob.identity and it is not bob)
    answer = other.ask(Code(other.next_id()))
    third = server.connect()
    third.write(third.connection.start())
    server.pump()
    login = third.login("bob")
    assert isinstance(answer, CodeIssued)
    third.write(
        third.connection.login(Login(login.id, login.nick, login.key, login.signature, answer.code))
    )
    server.pump()
    assert isinstance(third.answer(login.id), Welcome)
    third.bye()


class ToldTests(ServerCase):
    """Events."""

    limits = Limits(told_bytes=4_096, rooms_per_account=1_000, invitations_per_account=1_000)

    def flood(
        self, what: Callable[[Server, Client, Client], None], limits: Limits
    ) -> tuple[Client, int]:
        """Repeat an action until a client that does not read is disconnected; return the client,
        and the most bytes that waited."""
        server = Server(limits=limits)
        alice, bob = server.enter("alice", "bob")
        other = server.connect(identity=bob.identity)
        other.log_in("bob")
        alice.join("den")
        other.join("den")
        bob.transport.full = True
        most = 0
        for _ in range(300):
            what(server, alice, bob)
            most = max(most, bob.transport.size)
            if bob.transport.is_aborted:
                break
        assert not other.closed and not other.transport.is_aborted
        return bob, most

    def test_whatever_they_are_they_have_a_bound(self) -> None:
        for what in (notices, invitations, rooms, kicks, devices):
            with capturedLogs() as events:
                bob, most = self.flood(what, self.limits)
            assert bob.transport.is_lost and bob.transport.size == 0, what
            assert most < 4_096 + 2_000, (what, most)
            assert len([it for it in chat_lines(events) if GONE in it]) == 1, what

    def test_below_it_nothing_is_lost_and_it_counts_anew(self) -> None:
        server = Server(limits=self.limits)
        alice, bob = server.enter("alice", "bob")
        other = server.connect(identity=bob.identity)
        other.log_in("bob")
        for _ in range(5):
            bob.transport.full = True
            notices(server, alice, bob)
            bob.transport.full = False
            server.pump()
        assert bob.closed is None and other.closed is None
        assert len([it for it in bob.received if isinstance(it, Notice)]) == 10

    def test_what_is_told_to_one_who_reads_does_not_count(self) -> None:
        server = Server(limits=self.limits)
        alice, bob = server.enter("alice", "bob")
        other = server.connect(identity=bob.identity)
        other.log_in("bob")
        for _ in range(20):
            notices(server, alice, bob)
        assert bob.closed is None and not bob.transport.is_aborted

    def test_whoever_comes_back_is_told_what_counts(self) -> None:
        bob, _ = self.flood(invitations, self.limits)
        bob, _ = self.flood(kicks, self.limits)
        assert not any(isinstance(it, Removed) for it in bob.received)
        bob.transport.full = False
        assert bob.transport.take() == b""


class AskedTests(ServerCase):
    """Answers: they go to clients that read."""

    def test_requests_of_one_who_does_not_read_wait(self) -> None:
        limits = Limits(messages_per_second=0, bytes_per_second=0)
        for ask, count in (
            (lambda it, log: Who(it, log), 800),
            (lambda it, log: History(it, log, 50), 40),
            (lambda it, _: Search(it, "needle"), 40),
        ):
            server = Server(limits=limits)
            alice, bob = server.enter("alice", "bob")
            for _ in range(20):
                alice.say("needle " + "x" * 2_000)
            server.peers.remove(bob)
            for number in range(100, 100 + count):
                bob.send(ask(number, alice.log()))
            server.pump()
            most = bob.transport.bufferSize + limits.catch_up_bytes
            assert bob.transport.bufferSize < bob.transport.size < most
            server.peers.append(bob)
            for _ in range(50):
                server.pump()
            assert bob.answer(99 + count)

    def test_beyond_what_was_asked_for_the_connection_ends(self) -> None:
        server = Server(limits=Limits(unread_bytes=1_000))
        alice, bob = server.enter("alice", "bob")
        alice.say("x" * 2_000)
        bob.protocol.is_full = True  # As if it became full while the page was read.
        bob.send(History(99, alice.log(), 50))
        server.pump()
        assert bob.transport.is_aborted
        assert not [it for it in bob.events if isinstance(it, Delivered) and it.page == 99]
