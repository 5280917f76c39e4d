"""The registry and every deadline, on a manual clock."""

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from chat.ids import LogId
from chat.limits import Limits
from chat.server.connections.factory import ChatFactory
from chat.testing import Client, Server
from chat.wire.connection import HostKeyOffered, PeerClosed
from chat.wire.errors import CloseCode
from chat.wire.messages import Ping, Pong, Welcome, Who
from tests.server.cases import COMMITS, HeldStore, ServerCase, SlowPasswords


def half_open(server: Server) -> tuple[int, int]:
    """Return how many connections are half-open, and from how many groups of addresses."""
    connections = server.factory.admission.half_open
    return len(connections), connections.groups


def counters(server: Server) -> list[int]:
    """Return the sizes of all the factory's collections."""
    factory = server.factory
    return [*half_open(server), len(factory.clients), len(factory._closing)]


class HandshakeDeadlineTests(ServerCase):
    """Ten seconds, however busy the line is."""

    def check(self, client: Client, server: Server, code: CloseCode) -> None:
        """Check that a client was refused in the clear, and left nothing behind."""
        assert client.lines[-1] == b"encchat/1 close %d" % code
        assert client.transport.is_lost
        assert counters(server) == [0, 0, 0, 0]

    def test_silence_is_closed(self) -> None:
        server = Server()
        client = server.connect()
        server.advance(10)
        assert not client.protocol.is_gone
        server.advance(1)
        self.check(client, server, CloseCode.TIMEOUT)

    def test_a_trickle_is_closed_at_the_same_time(self) -> None:
        server = Server()
        client = server.connect()
        hello = client.connection.start()
        for second in range(11):
            assert not client.protocol.is_gone
            client.write(hello[second : second + 1])
            server.advance(1)
        self.check(client, server, CloseCode.TIMEOUT)

    def test_half_a_handshake_is_closed_at_the_same_time(self) -> None:
        server = Server()
        client = server.connect()
        server.advance(9)
        client.write(client.connection.start())
        server.advance(2)
        self.check(client, server, CloseCode.TIMEOUT)

    def test_a_complete_handshake_is_not(self) -> None:
        server = Server()
        client = server.connect()
        client.log_in("")
        server.advance(30)
        assert not client.protocol.is_gone


class HostKeyTests(ServerCase):
    """Rotating the host key while the server runs."""

    def offered(self, client: Client) -> HostKeyOffered:
        """Return the host key that a client was shown."""
        [offered] = [event for event in client.events if isinstance(event, HostKeyOffered)]
        return offered

    def test_connections_from_then_on_are_shown_the_new_one(self) -> None:
        server = Server()
        before, between = server.connect(), server.connect()
        before.log_in("ana")
        old = server.factory.host_key
        server.factory.host_key = new = old.succeed()
        after = server.connect()
        between.log_in("bob")
        after.log_in("eve")
        # Clients that are already connected have the old one, and are not disturbed.
        assert self.offered(before) == self.offered(between) == HostKeyOffered(old.public)
        assert self.offered(after) == HostKeyOffered(new.public, new.successions)
        assert not any(client.protocol.is_gone for client in (before, between, after))


class LoginDeadlineTests(ServerCase):
    """Two minutes to log in."""

    def test_who_does_not_log_in_is_closed_however_often_it_tries(self) -> None:
        server = Server()
        client = server.connect()
        for _ in range(12):
            client.log_in("")
            assert not client.protocol.is_gone
            server.advance(10)
        server.advance(1)
        assert client.closed == PeerClosed(CloseCode.TIMEOUT)
        assert counters(server) == [0, 0, 0, 0]

    def test_who_does_may_stay(self) -> None:
        server = Server()
        client = server.connect()
        client.log_in("")
        server.advance(115)
        client.log_in("alice")
        server.advance(1_000)
        assert not client.protocol.is_gone
        assert counters(server) == [0, 0, 1, 0]


class SignsOfLifeTests(ServerCase):
    """A ping after five minutes, closed after six."""

    def setUp(self) -> None:
        """Log in alice."""
        self.server = Server()
        [self.alice] = self.server.enter("alice")

    def test_who_answers_pings_stays(self) -> None:
        self.server.advance(3_010)
        assert not self.alice.protocol.is_gone
        count = sum(line.startswith(b"F ") for line in self.alice.lines)
        assert 9 <= count - 3 <= 11

    def test_who_does_not_is_gone_after_six_minutes(self) -> None:
        count = len(self.alice.transport.writes)
        self.server.clock.pump([1] * 299)
        assert len(self.alice.transport.writes) == count
        self.server.clock.pump([1] * 60)
        assert len(self.alice.transport.writes) == count + 1  # One ping, not thirty.
        assert not self.alice.protocol.is_gone
        self.server.clock.pump([1])
        assert self.alice.protocol.is_gone
        self.server.pump()
        assert self.alice.closed == PeerClosed(CloseCode.TIMEOUT)

    def test_any_line_is_a_sign_of_life(self) -> None:
        for _ in range(10):
            self.server.clock.pump([1] * 290)
            self.alice.transport.receive(self.alice.connection.send(Who(1, self.alice.log())))
        assert not self.alice.protocol.is_gone
        self.server.pump()
        assert not any(isinstance(each, Ping) for each in self.alice.received)

    def test_who_is_gone_is_looked_at_once_more_and_no_longer(self) -> None:
        self.server.clock.pump([1] * 100)
        [ben] = self.server.enter("ben")
        ben.vanish()
        assert len(self.server.factory._due) == 2
        self.server.advance(300)
        assert len(self.server.factory._due) == 1

    def test_crowds_that_come_and_go_leave_nothing_behind(self) -> None:
        for number in range(100):
            [ben] = self.server.enter(f"ben{number}")
            ben.vanish()
            assert len(self.server.factory._due) <= 10
        self.server.advance(300)
        assert len(self.server.factory._due) == 1

    def test_nobody_is_looked_at_before_it_is_time(self) -> None:
        due = []
        for _ in range(1_000):
            self.server.advance(1)
            [(when, _)] = self.server.factory._due
            due.append(when)
        # At a ping, and when the time for its answer ends.
        assert len(set(due)) == 7, due[::60]

    def test_a_ping_is_answered(self) -> None:
        self.alice.send(Ping(77))
        self.server.pump()
        assert self.alice.received[-1] == Pong(77)


class HalfOpenTests(ServerCase):
    """I3: strangers are counted and bounded."""

    def test_an_address_has_so_many_at_a_time_and_the_oldest_goes(self) -> None:
        server = Server(limits=Limits(waiting_per_address=2))
        first, second, third = (server.connect() for _ in range(3))
        assert first.lines == [b"encchat/1 close 9"]
        assert first.closed == PeerClosed(CloseCode.BUSY)
        assert first.transport.is_lost
        assert half_open(server) == (2, 1)
        assert server.connect("192.0.2.2").lines == []
        second.vanish()
        assert server.connect().lines == []
        assert not third.protocol.is_gone

    def test_all_together_have_so_many(self) -> None:
        server = Server(limits=Limits(waiting_total=2))
        clients = [server.connect(f"192.0.2.{number}") for number in range(3)]
        assert [client.lines for client in clients] == [[b"encchat/1 close 9"], [], []]
        assert half_open(server) == (2, 2)

    def test_then_the_oldest_of_the_address_that_has_the_most_goes(self) -> None:
        server = Server(limits=Limits(waiting_total=6))
        honest = server.connect("192.0.2.1")
        crowd = [server.connect("192.0.2.9") for _ in range(100)]
        late = server.connect("192.0.2.2")
        assert honest.closed is None and late.closed is None
        assert [client.closed is None for client in crowd] == [False] * 96 + [True] * 4
        honest.log_in("ana")
        late.log_in("ben")
        assert len(server.dispatcher.context.sessions.all()) == 2

    def test_who_is_there_already_is_never_dropped_for_a_newcomer(self) -> None:
        server = Server(limits=Limits(waiting_per_address=1, waiting_total=1))
        clients = server.enter("ana", "ben")
        for number in range(10):
            server.connect(f"192.0.2.{number % 3}")
        assert not any(client.protocol.is_gone for client in clients)
        clients[0].say("still here")

    def test_idle_connections_shut_nobody_out(self) -> None:
        server = Server()
        for _ in range(server.limits.waiting_per_address):
            server.connect()
        assert isinstance(server.connect().log_in("ana"), Welcome)

    def test_who_makes_room_while_a_login_is_decided_is_not_let_in(self) -> None:
        passwords = SlowPasswords()
        server = Server(limits=Limits(waiting_per_address=1), authenticator=passwords)
        client = server.connect()
        client.write(client.connection.start())
        server.pump()
        client.write(client.connection.login(client.login("ana")))
        server.pump()
        server.connect()
        assert client.closed == PeerClosed(CloseCode.BUSY)
        [check] = passwords.checks
        check.callback(None)
        server.pump()
        assert not server.dispatcher.context.sessions.all()
        assert half_open(server) == (1, 1) and server.factory.admission._admitted_of.total() == 1

    def test_who_makes_room_before_the_server_is_open_is_told(self) -> None:
        server = Server(limits=Limits(waiting_per_address=1))
        server.factory._is_open = False
        first, second = server.connect(), server.connect()
        server.factory.open()
        assert first.closed == PeerClosed(CloseCode.BUSY)
        assert isinstance(second.log_in("ana"), Welcome)

    def test_who_has_logged_in_does_not_count(self) -> None:
        server = Server(limits=Limits(waiting_per_address=1, waiting_total=1))
        clients = server.enter("alice", "bob", "carol")
        assert half_open(server) == (0, 0)
        assert not any(client.protocol.is_gone for client in clients)

    def test_who_has_shaken_hands_only_counts(self) -> None:
        server = Server(limits=Limits(waiting_per_address=1))
        client = server.connect()
        client.log_in("")
        assert half_open(server) == (1, 1)
        server.connect()
        assert half_open(server) == (1, 1)
        assert client.closed == PeerClosed(CloseCode.BUSY)

    def test_counters_return_to_zero_however_connections_end(self) -> None:
        server = Server(limits=Limits(waiting_per_address=3))
        clients = [server.connect() for _ in range(5)]
        clients[0].vanish()
        clients[1].write(b"rubbish\r\n")
        clients[2].log_in("alice")
        server.pump()
        [bob] = server.enter("bob")
        server.advance(20)
        for client in (clients[2], bob):
            client.send(Who(9, LogId(bytes(16))))
            client.vanish()
        assert counters(server) == [0, 0, 0, 0]

    def test_those_who_made_room_and_do_not_go_are_bounded_too(self) -> None:
        server = Server(limits=Limits(waiting_total=2))
        crowd = []
        for _ in range(7):
            client = Client(server, "192.0.2.9")
            client.is_stubborn = True
            server.clients.append(client)
            crowd.append(client)
        server.pump()
        aborted = [client.transport.is_aborted for client in crowd]
        assert aborted == [False, False, True, True, True, False, False]
        assert counters(server) == [2, 1, 0, 2]
        server.advance(server.limits.handshake_seconds + server.limits.close_seconds + 2)
        assert counters(server) == [0, 0, 0, 0]


class StopTests(ServerCase):
    """Stopping: every client is told, and those that do not close are cut off."""

    def setUp(self) -> None:
        """Connect a member, a client that has not logged in, and a stranger."""
        self.server = Server()
        [self.alice] = self.server.enter("alice")
        self.nameless = self.server.connect()
        self.nameless.log_in("")
        self.stranger = self.server.connect()
        self.clients = [self.alice, self.nameless, self.stranger]

    def test_everybody_is_told_when_to_come_back(self) -> None:
        self.server.factory.close_all(5)
        drained = self.server.factory.drained()
        assert self.no_result(drained)
        self.server.pump()
        assert self.alice.closed == PeerClosed(CloseCode.SHUTDOWN, 5)
        assert self.nameless.closed == PeerClosed(CloseCode.SHUTDOWN, 5)
        assert self.stranger.closed == PeerClosed(CloseCode.SHUTDOWN)
        assert not self.no_result(drained)
        assert counters(self.server) == [0, 0, 0, 0]

    def no_result(self, deferred: Deferred[None]) -> bool:
        """Whether a Deferred has not fired."""
        return not deferred.called

    def test_who_does_not_go_is_cut_off(self) -> None:
        for client in self.clients:
            client.is_stubborn = True
        self.alice.transport.full = True
        self.server.factory.close_all(5)
        drained = self.server.factory.drained()
        self.server.pump()
        assert self.no_result(drained)
        assert [client.transport.is_lost for client in self.clients] == [True, False, False]
        self.server.factory.abort_all()
        self.server.pump()
        assert drained.called
        assert all(client.transport.is_aborted for client in self.clients)

    def test_abort_all_needs_no_close(self) -> None:
        busy = Client(self.server, "192.0.2.9")
        self.server.clients.append(busy)
        busy.is_stubborn = True
        busy.protocol.close(CloseCode.BUSY, "a test")
        self.server.factory.abort_all()
        self.server.factory.abort_all()
        self.server.pump()
        assert counters(self.server) == [0, 0, 0, 0]

    def test_a_server_without_connections_is_drained_at_once(self) -> None:
        server = Server()
        assert server.factory.drained().called

    def test_several_can_wait_for_it(self) -> None:
        waiters = [self.server.factory.drained() for _ in range(3)]
        for client in self.clients:
            assert not any(waiter.called for waiter in waiters)
            client.vanish()
        assert all(waiter.called for waiter in waiters)

    def test_deadlines_are_looked_at_between_start_and_stop(self) -> None:
        clock = Clock()
        factory = ChatFactory(clock, Limits(), clock.seconds)
        factory.stop()
        assert clock.getDelayedCalls() == []
        factory.start()
        assert len(clock.getDelayedCalls()) == 1
        factory.stop()
        factory.stop()
        assert clock.getDelayedCalls() == []


class HeldTests(ServerCase):
    """A client that is not read because of a slow commit cannot show signs of life."""

    def test_a_held_session_is_not_pinged(self) -> None:
        server = Server()
        [alice] = server.enter("alice")
        alice.protocol.hold()
        count = len(alice.transport.writes)
        server.advance(1_000)
        assert len(alice.transport.writes) == count
        assert not alice.protocol.is_gone

    def test_who_comes_before_everything_is_loaded_is_heard_afterwards(self) -> None:
        store = HeldStore()
        store.holds = COMMITS
        server = Server(store)
        clients = [server.connect() for _ in range(2)]
        for client in clients:
            client.write(client.connection.start())
        server.pump()
        assert [client.lines for client in clients] == [[], []]
        store.release()
        server.pump()
        assert [len(client.lines) for client in clients] == [2, 2]
