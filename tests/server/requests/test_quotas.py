"""What is made counts against the account that asked, and is given back if nothing was made."""

from collections.abc import Callable

from chat.ids import LogId, MessageId
from chat.limits import Limits
from chat.testing import Client, Server
from chat.wire import messages as m
from tests.server.cases import ServerCase


def _limits(**limits: int) -> Limits:
    return Limits(**limits)


def _room(client: Client) -> LogId:
    """Return the log of a room that a client created."""
    made = [it for it in client.received if isinstance(it, m.Joined)]
    return next(it.log for it in made if it.room.startswith("room-of-"))


class QuotaTests(ServerCase):
    """Each refusal is a sentence that names the limit, and the connection stays open."""

    def refused(self, answer: object, code: str, limit: str) -> None:
        """Check a refusal."""
        assert isinstance(answer, m.Refused), answer
        assert answer.code == code, answer
        assert f"({limit})" in answer.text, answer

    def try_network(self, limit: str, make: Callable[[Server, Client, int], object]) -> None:
        """Make two of something from one network, by two accounts; the third is refused."""
        server = Server(limits=_limits(**{limit: 2}))
        ana, bob, eva = (server.connect(address) for address in ("192.0.2.1",) * 2 + ("::7",))
        local = server.connect("127.0.0.1")
        for client, nick in ((ana, "ana"), (bob, "bob"), (eva, "eva"), (local, "local")):
            client.log_in(nick)
            client.join()
            if limit != "rooms_per_network":
                client.join(f"room-of-{nick}")
        assert not isinstance(make(server, ana, 1), m.Refused)
        assert not isinstance(make(server, bob, 2), m.Refused)
        self.refused(make(server, ana, 3), "over_rate", limit)
        self.refused(make(server, bob, 4), "over_rate", limit)
        assert not isinstance(make(server, eva, 5), m.Refused)
        for number in range(6, 10):
            assert not isinstance(make(server, local, number), m.Refused)
        assert isinstance(ana.ask(m.Devices(ana.next_id())), m.DeviceList)

    def test_a_network_makes_so_many_rooms(self) -> None:
        self.try_network("rooms_per_network", lambda _, it, number: it.join(f"r{number}"))

    def test_a_network_begins_so_many_conversations(self) -> None:
        def begin(_: Server, client: Client, number: int) -> object:
            nick = ["ana", "bob", "eva", "local"][number % 4]
            return client.ask(m.Private(client.next_id(), nick))

        server = Server(limits=_limits(conversations_per_network=1, conversations_per_account=2))
        ana, bob = server.enter("ana", "bob")
        assert isinstance(begin(server, ana, 1), m.Joined)
        self.refused(begin(server, ana, 0), "over_rate", "conversations_per_network")
        local = server.connect("::1")
        local.log_in("local")
        for number in (0, 1):
            assert isinstance(begin(server, local, number), m.Joined)
        self.refused(begin(server, local, 3), "over_quota", "conversations_per_account")
        # Accepting makes nothing, and asking again counts once.
        assert isinstance(bob.ask(m.Private(bob.next_id(), "ana")), m.Joined)
        there = bob.ask(m.Private(bob.next_id(), "ana"))
        assert isinstance(there, m.Refused) and there.code == "already_reading"

    def test_a_network_makes_so_many_links(self) -> None:
        def issue(_: Server, client: Client, number: int) -> object:
            return client.ask(m.Token(client.next_id(), 1, 60, _room(client)))

        self.try_network("tokens_per_network", issue)

    def test_a_network_acts_so_often(self) -> None:
        def act(_: Server, client: Client, number: int) -> object:
            return client.ask(m.Slow(client.next_id(), _room(client), number))

        self.try_network("actions_per_network", act)

    def test_a_network_bans_so_often(self) -> None:
        def mute(server: Server, client: Client, number: int) -> object:
            log = _room(client)
            room = server.dispatcher.context.hub.known_room(log)
            assert room is not None
            guest = server.connect("198.51.100.1")
            guest.log_in(f"guest{number}")
            guest.join(room.name)
            return client.ask(m.Moderate(client.next_id(), "mute", f"guest{number}", log))

        self.try_network("bans_per_network", mute)

    def test_a_network_invites_so_often(self) -> None:
        def invite(server: Server, client: Client, number: int) -> object:
            guest = server.connect("198.51.100.1")
            guest.log_in(f"guest{number}")
            return client.ask(m.Invite(client.next_id(), _room(client), f"guest{number}"))

        self.try_network("invitations_per_network", invite)

    def test_a_network_adds_so_many_devices(self) -> None:
        def link(server: Server, client: Client, number: int) -> object:
            issued = client.ask(m.Code(client.next_id()))
            assert isinstance(issued, m.CodeIssued)
            nick = next(it.nick for it in client.received if isinstance(it, m.Welcome))
            other = server.connect()
            other.write(other.connection.start())
            server.pump()
            signature = other.identity.sign_login(other.connection.binding)
            login = m.Login(
                other.next_id(), nick, other.identity.public, signature, code=issued.code
            )
            other.write(other.connection.login(login))
            server.pump()
            return other.answer(login.id)

        server = Server(limits=_limits(devices_per_network=3))
        [ana] = server.enter("ana")
        for number in range(2):
            assert isinstance(link(server, ana, number), m.Welcome)
        self.refused(link(server, ana, 2), "over_rate", "devices_per_network")
        server = Server(limits=_limits(devices_per_account=2))
        [ana] = server.enter("ana")
        assert isinstance(link(server, ana, 0), m.Welcome)
        self.refused(link(server, ana, 0), "over_quota", "devices_per_account")

    def test_reactions_are_counted_by_message_account_and_network(self) -> None:
        def react(client: Client, seq: int) -> object:
            message = MessageId(server.random_bytes(16))
            log = client.log()
            return client.ask(m.React(client.next_id(), log, message, seq, "+"))

        server = Server(
            limits=_limits(
                reactions_per_message=2, reactions_per_account=3, reactions_per_network=4
            )
        )
        ana, bob = server.enter("ana", "bob")
        first, second = ana.say("one"), ana.say("two")
        for _ in range(2):
            assert isinstance(react(ana, first), m.Posted)
        self.refused(react(ana, first), "over_rate", "reactions_per_message")
        assert isinstance(react(ana, second), m.Posted)
        self.refused(react(ana, second), "over_rate", "reactions_per_account")
        assert isinstance(react(bob, first), m.Posted)
        self.refused(react(bob, first), "over_rate", "reactions_per_network")

    def test_new_accounts_are_throttled_by_network_and_in_total(self) -> None:
        server = Server(limits=_limits(accounts_per_network=2, accounts_per_hour=4))
        server.enter("ana", "bob")
        eva = server.connect()
        self.refused(eva.log_in("eva"), "over_rate", "accounts_per_network")
        assert isinstance(server.connect("192.0.2.2").log_in("eva"), m.Welcome)
        assert isinstance(server.connect("127.0.0.1").log_in("max"), m.Welcome)
        self.refused(server.connect("127.0.0.1").log_in("new"), "over_rate", "accounts_per_hour")
        # Existing accounts are let in, from anywhere.
        known = server.connect(identity=server.clients[0].identity)
        assert isinstance(known.log_in("ana"), m.Welcome)
        server.advance(3_600 / 4)
        assert isinstance(server.connect("127.0.0.1").log_in("new"), m.Welcome)

    def test_what_is_refused_or_there_already_costs_nothing(self) -> None:
        server = Server(limits=_limits(rooms_per_network=1, accounts_per_network=2))
        [ana] = server.enter("ana")
        for _ in range(3):
            refused = ana.join("a room")  # Not a name for a room.
            assert isinstance(refused, m.Refused) and refused.code == "room_invalid"
            taken = server.connect().log_in("ana")
            assert isinstance(taken, m.Refused) and taken.code == "nick_taken"
        assert isinstance(ana.join("room"), m.Joined)
        assert isinstance(server.connect().log_in("bob"), m.Welcome)
