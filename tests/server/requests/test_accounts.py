"""Accounts: the first key that claims a nickname owns it, on any number of devices."""

from collections.abc import Callable
from typing import Any

import msgspec

from chat.ids import DeviceKey, LogId
from chat.limits import Limits
from chat.rooms import accounts
from chat.rooms.addresses import AddressGroup
from chat.rooms.errors import (
    AlreadyLoggedInError,
    BadCodeError,
    BadSignatureError,
    BadTokenError,
    BannedError,
    ClosedError,
    LastDeviceError,
    NickTakenError,
    NoSuchDeviceError,
    NotAllowedError,
    NotAMemberError,
    NotStoredError,
    TokenNeededError,
)
from chat.rooms.invitations import Registration
from chat.rooms.roles import Role, Sanction
from chat.rooms.values import SERVER, BanKey, Device, DeviceOf, NetworkKey
from chat.server.requests.accounts import code_hash, new_code, token_hash
from chat.testing import Client, Server
from chat.testing.server import Message
from chat.wire.errors import CloseCode
from chat.wire.identity import Identity, identity_fingerprint
from chat.wire.messages import (
    Code,
    CodeIssued,
    DeviceList,
    Devices,
    Invited,
    Join,
    Joined,
    Nick,
    Notice,
    Ok,
    Refused,
    Revoke,
    Token,
    TokenIssued,
    Welcome,
)
from tests.server.cases import COMMITS, HeldStore, ServerCase, SlowPasswords, refused


class EntryCase(ServerCase):
    """A server with alice, whose store can fail."""

    registration = Registration.OPEN
    authenticator: Any = None

    def setUp(self) -> None:
        """Log in alice, while registration is open."""
        self.store = HeldStore()
        self.server = Server(self.store)
        [self.alice] = self.server.enter("alice")

    def greet(self, identity: Identity | None = None, server: Server | None = None) -> Client:
        """Return a client that has checked the server's key, and has not logged in."""
        client = (server or self.server).connect(identity=identity)
        client.write(client.connection.start())
        (server or self.server).pump()
        return client

    def enter(self, client: Client, nick: str, **changes: Any) -> Message:
        """Log in on a new connection, with modified fields in the request; return the answer."""
        login = msgspec.structs.replace(client.login(nick), **changes)
        client.write(client.connection.login(login))
        client._server.pump()
        return client.answer(login.id)

    def reopen(self, registration: Registration) -> Server:
        """Return another server on the same store, later."""
        return Server(self.store, registration=registration)


class KeyTests(EntryCase):
    """A login is a signature for one connection."""

    def test_fifty_race_for_one_nickname_and_one_owns_it_for_good(self) -> None:
        clients = [self.greet() for _ in range(50)]
        logins = [client.login("ana") for client in clients]
        for client, login in zip(clients, logins, strict=True):
            client.write(client.connection.login(login))
        self.server.pump()
        answers = [it.answer(login.id) for it, login in zip(clients, logins, strict=True)]
        owners = [
            it for it, answer in zip(clients, answers, strict=True) if type(answer) is Welcome
        ]
        assert len(owners) == 1
        assert answers.count(refused(1, NickTakenError("ana"))) == 49
        server = self.reopen(Registration.OPEN)
        for client in clients:
            back = self.greet(client.identity, server)
            answer = self.enter(back, "ana")
            assert isinstance(answer, Welcome) is (client is owners[0])

    def test_a_login_of_another_connection_is_worth_nothing(self) -> None:
        recorded = self.greet(self.alice.identity).login("alice")
        client = self.greet()
        answer = self.enter(client, "alice", key=recorded.key, signature=recorded.signature)
        assert answer == refused(1, BadSignatureError())
        assert isinstance(client.ask(client.login("mallory")), Welcome), "the connection lives"

    def test_a_login_relayed_to_another_server_is_worth_nothing(self) -> None:
        other = Server(seed=1)
        victim = self.greet(self.alice.identity, other)
        login = victim.login("alice")
        answer = self.enter(self.greet(), "alice", key=login.key, signature=login.signature)
        assert answer == refused(1, BadSignatureError())

    def test_somebody_else_s_key_without_a_signature_is_worth_nothing(self) -> None:
        client = self.greet()
        answer = self.enter(client, "alice", key=self.alice.identity.public)
        assert answer == refused(1, BadSignatureError())

    def test_one_logs_in_once(self) -> None:
        answer = self.alice.ask(self.alice.login("alice"))
        assert answer == refused(self.alice._requests, AlreadyLoggedInError())

    def test_an_account_that_could_not_be_stored_is_none(self) -> None:
        client = self.greet()
        self.store.is_broken = True
        assert self.enter(client, "bob") == refused(1, NotStoredError())
        self.store.is_broken = False
        assert isinstance(client.ask(client.login("bob")), Welcome)
        assert isinstance(self.enter(self.greet(client.identity), "x"), Welcome)

    def test_a_ban_of_the_server_or_of_a_network_keeps_out(self) -> None:
        hub = self.server.dispatcher.context.hub
        hub.put(NetworkKey(AddressGroup("192.0.2.1")), Sanction(0, "spam", "the operator"))
        error = BannedError("this server", "permanently", '. the operator wrote: "spam"')
        assert self.enter(self.greet(), "bob") == refused(1, error)
        hub.put(NetworkKey(AddressGroup("192.0.2.1")), None)
        hub.put(BanKey(SERVER, self.alice.account), Sanction(0, "spam", "the operator"))
        assert self.enter(self.greet(self.alice.identity), "alice") == refused(1, error)


class KnownKeyTests(EntryCase):
    """Guessing does not reveal which keys are known."""

    def guess(self, host: str, key: bytes, **changes: Any) -> list[str]:
        """Try to log in ten times with only somebody's public key; return the codes of the
        answers."""
        codes = []
        for _ in range(10):
            stranger = self.server.connect(host)
            stranger.write(stranger.connection.start())
            self.server.pump()
            answer = self.enter(stranger, "eve", key=DeviceKey(key), **changes)
            assert isinstance(answer, Refused)
            codes.append(answer.code)
        return codes

    def test_a_known_key_and_another_get_the_same_refusals(self) -> None:
        known = self.alice.identity.public
        others = (Identity.from_seed(bytes(32)).public, bytes(32), known[::-1])
        expected = ["bad_signature"] * 5 + ["too_many_attempts"] * 5
        shown: list[dict[str, Any]] = [
            {},
            {"code": "AAAAA-AAAAA"},
            {"token": bytes(16)},
            {"password": "x"},
        ]
        for number, changes in enumerate(shown):
            for place, key in enumerate((known, *others)):
                self.server = Server(self.store)
                assert self.guess(f"203.0.{number}.{place}", key, **changes) == expected

    def test_whoever_has_a_key_never_waits(self) -> None:
        self.guess("192.0.2.1", self.alice.identity.public)
        assert isinstance(self.enter(self.greet(self.alice.identity), "alice"), Welcome)


class OwnerTests(EntryCase):
    """The operator lists keys, and logging in with one of them makes an owner of the server."""

    def test_named_owners(self) -> None:
        key = Identity.from_seed(bytes(32))
        keys = [identity_fingerprint(it.public) for it in (self.alice.identity, key)]
        server = Server(self.store, operators=keys)
        hub = server.dispatcher.context.hub
        assert isinstance(self.enter(self.greet(self.alice.identity, server), "alice"), Welcome)
        assert isinstance(self.enter(self.greet(server=server), "bob"), Welcome)
        zoe = self.greet(key, server)
        self.store.is_broken = True
        assert isinstance(self.enter(zoe, "zoe"), Refused)
        self.store.is_broken = False
        assert isinstance(zoe.ask(zoe.login("zoe")), Welcome)
        owner = "You are now an owner of this server."
        assert [it.text for it in zoe.received if isinstance(it, Notice)] == [owner]
        roles = {it.nick: hub.role(it.id, None).name for it in hub.people.all()}
        assert roles == {"alice": "OWNER", "bob": "MEMBER", "zoe": "OWNER"}
        hub = self.reopen(Registration.OPEN).dispatcher.context.hub
        assert hub.role(hub.people.named("alice").id, None) is Role.OWNER


class DeviceTests(EntryCase):
    """Another device needs a code from an existing one."""

    def code(self) -> str:
        """Return a code of alice's."""
        issued = self.alice.ask(Code(self.alice.next_id()))
        assert isinstance(issued, CodeIssued) and issued.seconds == 600
        return issued.code

    def test_a_code_links_a_device_once_and_for_good(self) -> None:
        code = self.code()
        phone = self.greet()
        welcome = self.enter(phone, "alice", code=code.lower().replace("-", " "))
        assert isinstance(welcome, Welcome) and welcome.account == self.alice.account
        assert Notice("Another device has been linked to your account.") in self.alice.received
        assert self.enter(self.greet(), "alice", code=code) == refused(1, BadCodeError())
        server = self.reopen(Registration.CLOSED)
        back = self.enter(self.greet(phone.identity, server), "alice")
        assert isinstance(back, Welcome) and back.account == self.alice.account

    def test_a_code_is_no_good_for_others_nor_later(self) -> None:
        self.server = Server(self.store, limits=Limits(login_failures_free=100))
        self.alice = self.greet(self.alice.identity)
        assert isinstance(self.enter(self.alice, "alice"), Welcome)
        self.server.enter("bob")
        code = self.code()
        for nick in ("bob", "nobody", ""):
            assert self.enter(self.greet(), nick, code=code) == refused(1, BadCodeError())
        self.server.clock.advance(600)
        self.server.pump()
        assert self.enter(self.greet(), "alice", code=code) == refused(1, BadCodeError())

    def test_strangers_guesses_cost_the_owner_nothing(self) -> None:
        code, codes = self.code(), list[str]()
        for host in range(20):
            for _ in range(6):
                stranger = self.server.connect(f"203.0.113.{host}")
                stranger.write(stranger.connection.start())
                self.server.pump()
                answer = self.enter(stranger, "alice", code="WRONG")
                assert isinstance(answer, Refused)
                codes.append(answer.code)
            assert codes[-1] == "too_many_attempts"
        # From a network where that account has never been.
        phone = self.server.connect("198.51.100.1")
        phone.write(phone.connection.start())
        self.server.pump()
        assert isinstance(self.enter(phone, "alice", code=code), Welcome)

    def test_a_device_that_could_not_be_stored_is_none(self) -> None:
        code = self.code()
        phone = self.greet()
        self.store.is_broken = True
        assert self.enter(phone, "alice", code=code) == refused(1, NotStoredError())
        self.store.is_broken = False
        assert phone.ask(phone.login("alice")) == refused(2, NickTakenError("alice"))

    def test_devices_are_listed_and_revoked(self) -> None:
        phone = self.greet()
        self.server.clock.advance(5)
        self.enter(phone, "alice", code=self.code())
        listed = self.alice.ask(Devices(50))
        keys = [self.alice.identity.public, phone.identity.public]
        assert isinstance(listed, DeviceList)
        assert listed.devices == [(keys[0], 0, True), (keys[1], 5_000, True)]
        self.store.is_broken = True
        assert self.alice.ask(Revoke(51, keys[1])) == refused(51, NotStoredError())
        self.store.is_broken = False
        assert phone.closed is None
        assert self.alice.ask(Revoke(52, keys[1])) == Ok(52)
        assert phone.closed is not None and phone.closed.code == CloseCode.REMOVED
        assert self.alice.ask(Revoke(53, keys[1])) == refused(53, NoSuchDeviceError())
        assert self.alice.ask(Revoke(54, keys[0])) == refused(54, LastDeviceError())
        for server in (self.server, self.reopen(Registration.OPEN)):
            back = self.greet(phone.identity, server)
            assert self.enter(back, "alice") == refused(1, NickTakenError("alice"))

    def test_of_many_devices_the_latest_are_listed(self) -> None:
        # An answer with all of them would be too large and would cost the connection.
        hub = self.server.dispatcher.context.hub
        for number in range(500):
            key = DeviceOf(DeviceKey(number.to_bytes(32, "big")))
            hub.put(key, Device(self.alice.account, 1_000 + number))
        listed = self.alice.ask(Devices(50))
        assert isinstance(listed, DeviceList)
        assert [added for _, added, _ in listed.devices] == list(range(1_244, 1_500))

    def test_a_code_is_easy_to_read_out(self) -> None:
        code = new_code(lambda size: bytes(range(size)))
        assert len(code) == 11 and code[5] == "-"
        assert code_hash("o1l-i ") == code_hash("0111")


class GuessingTests(EntryCase):
    """Ten thousand wrong logins: few are considered, little is stored, nobody is locked out."""

    def test_ten_thousand_wrong_logins(self) -> None:
        attackers = []
        for number in range(1, 21):
            attacker = self.server.connect(f"198.51.100.{number}")
            attacker.write(attacker.connection.start())
            self.server.pump()
            wrong = msgspec.structs.replace(attacker.login("alice"), code="GUESS")
            attacker.write(attacker.connection.login(wrong))
            attackers.append((attacker, wrong))
        for number in range(500):
            for attacker, wrong in attackers:
                attacker.send(msgspec.structs.replace(wrong, id=1_000 + number))
            self.server.pump()
            self.server.clock.advance(0.1)
        codes = [
            it.code for attacker, _ in attackers for it in attacker.received if type(it) is Refused
        ]
        looked_at, waited = codes.count("bad_code"), codes.count("too_many_attempts")
        print(f"10,020 wrong logins in 50 s: {looked_at} looked at, {waited} told to wait")
        assert looked_at + waited == len(codes) == 20 * 501
        assert looked_at < 300
        assert max(self.server.dispatcher.context.failures.sizes()) <= 4_096
        # The owner, from an address never seen before, and others, as usual.
        owner = self.server.connect("203.0.113.9", identity=self.alice.identity)
        assert isinstance(owner.log_in("alice"), Welcome)
        assert isinstance(self.server.connect("203.0.113.10").log_in("bob"), Welcome)


class Passwords:
    """Accepts one password."""

    async def check(
        self, nick: str, password: str, network: AddressGroup, is_gone: Callable[[], bool]
    ) -> None:
        """Refuse all but "open sesame"."""
        assert network == "192.0.2.1" and not is_gone()
        if password != "open sesame":
            raise NotAllowedError


class PasswordTests(EntryCase):
    """If the operator wants passwords, every new key needs one, and no known key does."""

    def setUp(self) -> None:
        """Start with alice, who registered before passwords."""
        super().setUp()
        self.server = Server(self.store, authenticator=Passwords())

    def test_a_new_key_needs_the_password(self) -> None:
        client = self.greet()
        assert self.enter(client, "bob") == refused(1, NotAllowedError())
        for password in ("", "wrong"):
            login = msgspec.structs.replace(client.login("bob"), password=password)
            assert isinstance(client.ask(login), Refused)
        login = msgspec.structs.replace(client.login("bob"), password="open sesame")
        welcome = client.ask(login)
        assert isinstance(welcome, Welcome)
        assert isinstance(self.enter(self.greet(client.identity), "bob"), Welcome)
        other = self.enter(self.greet(), "bob", password="open sesame")
        assert isinstance(other, Welcome) and other.account == welcome.account

    def test_a_known_key_needs_none_and_names_stay(self) -> None:
        back = self.greet(self.alice.identity)
        assert isinstance(self.enter(back, "alice"), Welcome)
        assert back.ask(Nick(9, "bob")) == refused(9, NotAllowedError())


class TwoAccountsTests(ServerCase):
    """A key that two connections present at once for two accounts goes to one of them."""

    def setUp(self) -> None:
        """Log in alice and bob; a new key has a code of one and the password of the other."""
        self.store = HeldStore()
        self.passwords = SlowPasswords()
        Server(self.store).enter("bob")
        [self.alice] = Server(self.store, seed=1).enter("alice")
        self.server = Server(self.store, seed=2, authenticator=self.passwords)
        self.alice = self.server.connect(identity=self.alice.identity)
        self.alice.log_in("alice")
        issued = self.alice.ask(Code(self.alice.next_id()))
        assert isinstance(issued, CodeIssued)
        self.code = issued.code
        self.clients = [self.greet(), self.greet(self.server.clients[-1].identity)]

    def greet(self, identity: Identity | None = None) -> Client:
        """Return a client that has not logged in."""
        client = self.server.connect(identity=identity)
        client.write(client.connection.start())
        self.server.pump()
        return client

    def log_in(self, client: Client, nick: str, **changes: Any) -> None:
        """Send a login."""
        login = msgspec.structs.replace(client.login(nick), **changes)
        client.write(client.connection.login(login))
        self.server.pump()

    def check_that_it_is(self, nick: str) -> None:
        """Check that both connections belong to one account, which alone keeps the key."""
        self.server.pump()
        answers = [client.answer(1) for client in self.clients]
        assert [it.nick for it in answers if isinstance(it, Welcome)] == [nick, nick]
        key = self.clients[0].identity.public
        for server in (self.server, Server(self.store)):
            people = server.dispatcher.context.hub.people
            assert [it.nick for it in people.all() if key in it.devices] == [nick]
        notices = [it for it in self.alice.received if isinstance(it, Notice)]
        assert len(notices) == (nick == "alice")

    def test_the_password_is_checked_too_late(self) -> None:
        by_code, by_password = self.clients
        self.log_in(by_password, "bob", password="x")
        self.log_in(by_code, "alice", code=self.code)
        self.passwords.checks[0].callback(None)
        self.check_that_it_is("alice")

    def test_the_code_is_used_up_too_late(self) -> None:
        by_code, by_password = self.clients
        self.log_in(by_password, "bob", password="x")
        self.store.holds = COMMITS
        self.passwords.checks[0].callback(None)
        self.server.pump()
        self.log_in(by_code, "alice", code=self.code)
        self.store.holds = ()
        self.store.release()
        self.check_that_it_is("bob")
        assert self.store.waiting == []

    def test_twice_for_one_account_is_once(self) -> None:
        for client in self.clients:
            self.log_in(client, "alice", password="x")
        for check in self.passwords.checks:
            check.callback(None)
        self.check_that_it_is("alice")

    def test_one_that_could_not_be_stored_is_none(self) -> None:
        client, _ = self.clients
        self.log_in(client, "alice", password="x")
        self.store.is_broken = True
        self.passwords.checks[0].callback(None)
        self.server.pump()
        assert client.answer(1) == refused(1, NotStoredError())
        people = self.server.dispatcher.context.hub.people
        assert people.of_key(client.identity.public) is None


class InvitationTests(EntryCase):
    """Tokens, if registration needs an invitation."""

    def setUp(self) -> None:
        """Make alice the server's owner, with a room of her own."""
        super().setUp()
        context = self.server.dispatcher.context
        context.commits.change(lambda: accounts.own(context.hub, "alice", "root", 0))
        joined = self.alice.join("den", "invite")
        assert isinstance(joined, Joined)
        self.den = joined.log

    def token(self, uses: int = 1, seconds: int = 60, **room: LogId) -> bytes:
        """Return the token of a new invitation."""
        issued = self.alice.ask(Token(self.alice.next_id(), uses, seconds, **room))
        assert isinstance(issued, TokenIssued)
        return issued.token

    def test_who_may_have_an_account(self) -> None:
        token = self.token(2)
        closed = self.reopen(Registration.CLOSED)
        assert self.enter(self.greet(server=closed), "bob") == refused(1, ClosedError())
        answer = self.enter(self.greet(server=closed), "bob", token=token)
        assert answer == refused(1, ClosedError())
        assert isinstance(self.enter(self.greet(self.alice.identity, closed), ""), Welcome)
        server = self.reopen(Registration.INVITE)
        assert self.enter(self.greet(server=server), "bob") == refused(1, TokenNeededError())
        wrong = self.enter(self.greet(server=server), "bob", token=bytes(16))
        assert wrong == refused(1, BadTokenError())
        bob = self.greet(server=server)
        assert isinstance(self.enter(bob, "bob", token=token), Welcome)
        assert isinstance(self.enter(self.greet(bob.identity, server), "bob"), Welcome)
        assert isinstance(self.enter(self.greet(server=server), "eva", token=token), Welcome)
        late = self.enter(self.greet(server=server), "max", token=token)
        assert late == refused(1, BadTokenError())

    def test_a_token_lets_into_its_room(self) -> None:
        token = self.token(1, log=self.den)
        bob = self.greet()
        assert isinstance(self.enter(bob, "bob", token=token), Welcome)
        assert Invited("den", "alice") in bob.received
        assert isinstance(bob.ask(Join(9, "den")), Joined)
        answer = self.enter(self.greet(), "eva", token=token)
        assert answer == refused(1, BadTokenError())

    def test_who_is_known_uses_it_once_however_often_it_comes(self) -> None:
        [bob] = self.server.enter("bob")
        token = self.token(2, log=self.den)
        for _ in range(3):
            answer = self.enter(self.greet(bob.identity), "bob", token=token)
            assert isinstance(answer, Welcome)
        assert isinstance(bob.ask(Join(9, "den")), Joined)
        assert isinstance(self.enter(self.greet(), "eva", token=token), Welcome)
        assert isinstance(self.enter(self.greet(), "max", token=token), Refused)

    def test_one_use_is_one_account_however_many_come_at_once(self) -> None:
        token = self.token(1)
        server = self.reopen(Registration.INVITE)
        clients = [self.greet(server=server) for _ in range(5)]
        for number, client in enumerate(clients):
            login = msgspec.structs.replace(client.login(f"c{number}"), token=token)
            client.write(client.connection.login(login))
        server.pump()
        assert [type(client.answer(1)) for client in clients].count(Welcome) == 1

    def test_it_ends_by_itself(self) -> None:
        token = self.token(5, seconds=60)
        self.server.clock.advance(60)
        self.server.pump()
        assert self.enter(self.greet(), "bob", token=token) == refused(1, BadTokenError())
        self.token()
        hashes = self.server.dispatcher.context.hub.invitations
        assert token_hash(token) not in hashes and len(hashes) == 1

    def test_only_operators_make_them(self) -> None:
        [bob] = self.server.enter("bob")
        assert bob.ask(Token(9, 1, 60)) == refused(9, NotAllowedError())
        assert bob.ask(Token(10, 1, 60, bob.log())) == refused(10, NotAllowedError())
        assert bob.ask(Token(11, 1, 60, self.den)) == refused(11, NotAMemberError())

    def test_one_that_could_not_be_stored_is_none(self) -> None:
        self.store.is_broken = True
        answer = self.alice.ask(Token(90, 1, 60))
        assert answer == refused(90, NotStoredError())
        self.store.is_broken = False
        token = self.token(1)
        client = self.greet()
        self.store.is_broken = True
        assert self.enter(client, "bob", token=token) == refused(1, NotStoredError())
        self.store.is_broken = False
        login = msgspec.structs.replace(client.login("bob"), token=token)
        assert isinstance(client.ask(login), Welcome), "it was not used up"
