"""How much one peer may have and send: connections, lines and bytes. On a manual clock."""

from msgspec import Struct
from twisted.logger import capturedLogs

from chat.limits import Limits
from chat.server.session import Session
from chat.testing import Client, Server
from chat.wire.connection import PeerClosed
from chat.wire.errors import CloseCode
from chat.wire.messages import Invite, Ok, Ping, Pong, Refused
from tests.server.cases import ServerCase, chat_lines

BUSY = PeerClosed(CloseCode.BUSY)
TELEGRAPH = Limits(messages_per_second=2, messages_burst=20)


def admitted(server: Server) -> tuple[int, int]:
    """Return how many connections are admitted, and from how many groups of addresses."""
    admission = server.factory.admission
    return len(admission._admitted), len(admission._admitted_of)


def log_in(server: Server, nick: str, address: str) -> Client:
    """Return a new client from an address, logged in or refused."""
    client = server.connect(address)
    if client.closed is None:
        client.log_in(nick)
    return client


class ConnectionsTests(ServerCase):
    """Limits on connections, including those that have logged in."""

    def test_an_address_has_so_many(self) -> None:
        server = Server(limits=Limits(connections_per_address=2))
        first, second, third = (log_in(server, nick, "192.0.2.1") for nick in ("a", "b", "c"))
        assert (first.closed, second.closed, third.closed) == (None, None, BUSY)
        assert third.lines == [b"encchat/1 close 9"] and third.transport.is_lost
        assert log_in(server, "d", "192.0.2.2").closed is None
        assert admitted(server) == (3, 2)
        first.vanish()
        assert log_in(server, "e", "192.0.2.1").closed is None

    def test_all_together_have_so_many(self) -> None:
        server = Server(limits=Limits(connections_total=3))
        hosts = ("192.0.2.1", "127.0.0.1", "::1", "127.0.0.1", "192.0.2.2")
        clients = [log_in(server, f"c{number}", host) for number, host in enumerate(hosts)]
        assert [client.closed for client in clients] == [None, None, None, BUSY, BUSY]
        clients[1].bye()
        assert log_in(server, "late", "192.0.2.3").closed is None

    def test_an_ipv6_network_is_one_address(self) -> None:
        server = Server(limits=Limits(connections_per_address=2))
        hosts = ("2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8:0:1::1", "192.0.2.1")
        clients = [log_in(server, f"c{number}", host) for number, host in enumerate(hosts)]
        assert [client.closed for client in clients] == [None, None, BUSY, None, None]
        clients += [server.connect(host) for host in ("::ffff:192.0.2.1", "::ffff:192.0.2.1")]
        assert [client.closed for client in clients[5:]] == [BUSY, None]

    def test_an_ipv6_network_has_so_many_that_have_not_logged_in(self) -> None:
        server = Server(limits=Limits(waiting_per_address=2))
        hosts = ("2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8:0:1::1")
        clients = [server.connect(host) for host in hosts]
        assert [client.closed for client in clients] == [BUSY, None, None, None]

    def test_a_loopback_address_is_everybody_behind_a_proxy(self) -> None:
        server = Server(limits=Limits(connections_per_address=1))
        hosts = ("127.0.0.1", "127.0.0.1", "::1", "::1", "::ffff:127.0.0.1")
        clients = [log_in(server, f"c{number}", host) for number, host in enumerate(hosts)]
        assert {client.closed for client in clients} == {None}

    def test_who_has_not_logged_in_makes_room(self) -> None:
        for limits in (Limits(connections_per_address=3), Limits(connections_total=3)):
            server = Server(limits=limits)
            [alice] = server.enter("alice")
            idle = [server.connect() for _ in range(2)]
            bob = log_in(server, "bob", "192.0.2.1")
            carol = log_in(server, "carol", "192.0.2.1")
            dave = log_in(server, "dave", "192.0.2.1")
            everybody = [alice, *idle, bob, carol, dave]
            assert [client.closed for client in everybody] == [None, BUSY, BUSY, None, None, BUSY]
            assert admitted(server) == (3, 1)

    def test_the_log_says_which_limit_it_was(self) -> None:
        server = Server(limits=Limits(connections_per_address=1, connections_total=2))
        with capturedLogs() as events:
            for number, host in enumerate(("192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.3")):
                log_in(server, f"c{number}", host)
        assert [line for line in chat_lines(events) if line.startswith("closed ")] == [
            "closed session=2 address=192.0.2.1 cause=BUSY"
            ' reason="too many connections from its address"',
            'closed session=4 address=192.0.2.3 cause=BUSY reason="too many connections"',
        ]

    def test_counters_return_to_zero_however_connections_end(self) -> None:
        server = Server(limits=Limits(connections_per_address=3))
        clients = [log_in(server, f"c{number}", "192.0.2.1") for number in range(5)]
        clients += [server.connect("192.0.2.2"), log_in(server, "d", "192.0.2.3")]
        clients[0].vanish()
        clients[1].bye()
        clients[2].write(b"rubbish\r\n")
        server.pump()
        assert admitted(server) == (2, 2)
        clients[5].vanish()
        clients[6].transport.full = True
        server.advance(1_000)
        assert admitted(server) == (0, 0)


class RateTests(ServerCase):
    """A client that sends too fast is throttled: nothing is refused or lost, nobody else waits."""

    def setUp(self) -> None:
        """Log in alice and bob."""
        self.server = Server(limits=TELEGRAPH)
        self.alice, self.bob = self.server.enter("alice", "bob")
        self.server.advance(20)  # Refill what logging in took.

    def said(self) -> int:
        """Return how many posts bob has received."""
        return len(self.bob.texts)

    def test_a_burst_is_not_slowed_down(self) -> None:
        for number in range(20):
            self.alice.post(str(number))
        self.server.pump()
        assert self.said() == 20 and not self.alice.protocol.is_held

    def test_beyond_it_everything_arrives_at_the_rate(self) -> None:
        for number in range(41):
            self.alice.post(str(number))
        self.server.pump()
        # The line that exceeds the burst is taken as well, and then alice has to wait.
        assert self.said() == 21 and not self.alice.transport.is_reading
        for second in range(1, 11):
            self.server.advance(1)
            assert self.said() == 21 + 2 * second
        assert [text for _, text in self.bob.texts] == list(map(str, range(41)))
        assert len(self.alice.acks) == 41
        assert not self.alice.protocol.is_gone

    def test_nobody_else_waits(self) -> None:
        for number in range(1_000):
            self.alice.post(str(number))
        self.server.pump()
        for number in range(10):
            self.bob.say(f"bob {number}")
        assert len(self.bob.acks) == 10 and self.said() == 21
        assert [text for _, text in self.alice.texts] == [f"bob {number}" for number in range(10)]

    def test_bytes_have_a_rate_of_their_own(self) -> None:
        server = Server(limits=Limits(bytes_per_second=1_000, bytes_burst=10_000))
        alice, bob = server.enter("alice", "bob")
        server.advance(10)
        for _ in range(10):
            alice.post("x" * 1_500)
        server.pump()
        before = len(bob.texts)
        assert 3 < before < 8
        server.advance(30)
        assert len(bob.texts) == 10

    def test_what_is_no_request_counts_as_well(self) -> None:
        for number in range(40):
            self.alice.send(Ping(number))
        self.server.pump()
        pongs = [it.id for it in self.alice.received if isinstance(it, Pong)]
        assert pongs == list(range(21))
        self.server.advance(10)
        pongs = [it.id for it in self.alice.received if isinstance(it, Pong)]
        assert pongs == list(range(40))

    def test_one_call_waits_and_none_after_the_end(self) -> None:
        calls = len(self.server.clock.getDelayedCalls())
        for number in range(100):
            self.alice.post(str(number))
        self.server.pump()
        assert len(self.server.clock.getDelayedCalls()) == calls + 1
        self.alice.vanish()
        # The server waits to see whether alice comes back.
        assert len(self.server.clock.getDelayedCalls()) == calls + 1
        self.server.advance(self.server.limits.presence_seconds)
        assert len(self.server.clock.getDelayedCalls()) == calls

    def test_who_is_closed_while_slow_is_let_go(self) -> None:
        for number in range(100):
            self.alice.post(str(number))
        self.server.pump()
        self.alice.protocol.close(CloseCode.SHUTDOWN, "a test")
        self.server.advance(5)
        assert self.alice.closed == PeerClosed(CloseCode.SHUTDOWN)
        assert self.alice.transport.is_lost and self.said() == 21

    def test_who_ends_with_the_line_too_much_owes_nothing(self) -> None:
        for number in range(20):
            self.alice.send(Ping(number))
        calls = len(self.server.clock.getDelayedCalls())
        self.alice.is_stubborn = True
        self.alice.write(b"F\r\n")
        self.server.pump()
        assert self.alice.closed == PeerClosed(CloseCode.MALFORMED)
        assert len(self.server.clock.getDelayedCalls()) == calls

    def test_who_is_slow_is_not_taken_for_silent(self) -> None:
        server = Server(limits=Limits(messages_per_second=0.01, messages_burst=10))
        [alice] = server.enter("alice")
        server.advance(60)
        for _ in range(10):
            alice.send(Ping(1))
        server.pump()
        assert alice.protocol.is_held
        server.advance(1_000)
        assert not alice.protocol.is_gone

    def test_a_charge_counts_as_so_many_lines(self) -> None:
        self.alice.protocol.charge(20)
        assert not self.alice.protocol.is_held
        self.alice.protocol.charge(3)
        self.server.advance(1)
        assert self.alice.protocol.is_held
        self.server.advance(0.5)
        assert not self.alice.protocol.is_held

    def test_charges_add_up_while_nothing_is_read(self) -> None:
        calls = len(self.server.clock.getDelayedCalls())
        self.alice.protocol.charge(30)
        self.server.advance(3)
        self.alice.protocol.charge(10)
        assert len(self.server.clock.getDelayedCalls()) == calls + 1
        self.server.advance(6)
        assert self.alice.protocol.is_held
        self.server.advance(1)
        assert not self.alice.protocol.is_held

    def test_a_smaller_debt_does_not_end_a_larger_one(self) -> None:
        limits = Limits(
            messages_per_second=2, messages_burst=20, bytes_per_second=100, bytes_burst=4_000
        )
        server = Server(limits=limits)
        [alice] = server.enter("alice")
        server.advance(60)
        alice.post("x" * 4_000)  # 5,540 bytes on the wire, which take 15.4 seconds to refill.
        server.pump()
        alice.protocol.charge(20)  # With the line, half a second to refill.
        server.advance(15)
        assert alice.protocol.is_held
        server.advance(1)
        assert not alice.protocol.is_held

    def test_who_is_charged_by_a_request_is_read_on_later(self) -> None:
        handle = self.server.dispatcher.handle

        def charge(session: Session, message: Struct) -> None:
            session.charge(24)
            handle(session, message)

        self.replace(self.server.dispatcher, "handle", charge)
        for number in range(3):
            self.alice.post(str(number))
        self.server.pump()
        assert self.said() == 1 and not self.alice.transport.is_reading
        self.server.advance(2)
        assert self.said() == 1
        self.server.advance(0.5)
        assert self.said() == 2
        self.server.advance(12)
        assert self.said() == 2
        self.server.advance(0.5)
        assert self.said() == 3

    def test_a_charge_of_who_is_gone_waits_for_nothing(self) -> None:
        calls = len(self.server.clock.getDelayedCalls())
        self.alice.protocol.charge(100)
        self.alice.protocol.close(CloseCode.NORMAL, "a test")
        self.alice.protocol.charge(100)
        self.server.advance(self.server.limits.presence_seconds + 1)
        assert self.alice.transport.is_lost
        self.alice.protocol.charge(100)
        assert len(self.server.clock.getDelayedCalls()) == calls

    def test_0_is_no_limit(self) -> None:
        server = Server(limits=Limits(messages_per_second=0, bytes_per_second=0))
        alice, bob = server.enter("alice", "bob")
        alice.protocol.charge(10**9)
        for number in range(3_000):
            alice.post(str(number).ljust(1_000))
        server.pump()
        assert len(bob.texts) == 3_000


class AccountTests(ServerCase):
    """Limits per account."""

    def test_rooms_and_invitations_are_refused_with_a_sentence(self) -> None:
        server = Server(limits=Limits(rooms_per_account=1, invitations_per_account=1))
        alice, bob = server.enter("alice", "bob")
        alice.join("one")
        refused = alice.join("two")
        assert isinstance(refused, Refused) and refused.code == "too_many_rooms"
        bob.join("three")
        assert isinstance(bob.ask(Invite(bob.next_id(), bob.log("three"), "alice")), Ok)
        [carol] = server.enter("carol")
        carol.join("four")
        refused = carol.ask(Invite(carol.next_id(), carol.log("four"), "alice"))
        assert isinstance(refused, Refused) and refused.code == "too_many_invitations"
        assert refused.text.endswith(".")
