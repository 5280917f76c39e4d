"""What the operator's log has of a whole server: everything that happened, and no content."""

import re

from twisted.logger import LogEvent, capturedLogs

from chat.ids import LogId
from chat.limits import Limits
from chat.rooms.roles import Action
from chat.server.administration import requests as c
from chat.server.administration.control import Control
from chat.server.administration.requests import ControlError
from chat.server.oplog import SAME, LogAddresses, OperatorLog
from chat.testing import HOST_KEY, Server
from chat.testing.server import Client
from chat.wire import messages as m
from tests.server.administration.test_control import ControlCase
from tests.server.cases import chat_lines

SECRET = "the door code is 4711"
ADDRESS = re.compile(r"192\.0\.2\.\d+|198\.51\.100\.\d+|2001:db8:")


class LoggedCase(ControlCase):
    """A server with ana, who owns the den, bob, who is in it, and the operator."""

    def setUp(self) -> None:
        """Begin to look at the log."""
        super().setUp()
        self.begin(LogAddresses.FULL)

    def begin(self, addresses: LogAddresses, limits: Limits | None = None) -> None:
        """Start a server that logs addresses so far."""
        log = OperatorLog(addresses)
        self.server = Server(limits=limits, log=log)
        self.ana, self.bob = self.server.enter("ana", "bob")
        for client in (self.ana, self.bob):
            client.join("den")
        self.context = self.server.dispatcher.context
        self.control = Control(self.context, self.state, HOST_KEY, self.keys.append)
        self.events: list[LogEvent] = []

    def lines(self, *requests: c.Request) -> list[str]:
        """Return what is logged while the operator asks for something."""
        with capturedLogs() as events:
            for request in requests:
                try:
                    self.run_it(request)
                except ControlError:
                    continue
        return chat_lines(events)

    def moderate(self, by: Client, action: str, nick: str) -> m.Moderate:
        """Return a request that has a reason."""
        return m.Moderate(by.next_id(), action, nick, by.log("den"), 60, SECRET)


class LoginTests(LoggedCase):
    """Logins, and why they are refused."""

    def log_in(self, nick: str, address: str = "192.0.2.9", **changes: object) -> list[str]:
        """Return what is logged while somebody connects and logs in."""
        with capturedLogs() as events:
            self.client = self.server.connect(address)
            self.client.log_in(nick, **changes)
        return chat_lines(events)

    def test_new_accounts_and_known_ones(self) -> None:
        [line] = self.log_in("carol")
        account = self.client.account.hex()
        assert line == f"login session=3 address=192.0.2.9 nick=carol account={account} new=account"
        with capturedLogs() as events:
            again = self.server.connect("2001:db8::1", self.client.identity)
            again.log_in("carol")
        assert chat_lines(events) == [
            f"login session=4 address=2001:db8::1 nick=carol account={account}"
        ]

    def test_refusals_and_their_causes(self) -> None:
        self.run_it(c.Block("198.51.100.7"))
        for nick, address, changes, cause in (
            ("ana", "192.0.2.9", {}, "nick_taken"),
            ("x" * 33, "192.0.2.9", {}, "nick_too_long"),
            ("ana\nlogin nick=root", "192.0.2.9", {}, "nick_invalid"),
            ("dora", "192.0.2.9", {"signature": bytes(64)}, "bad_signature"),
            ("dora", "198.51.100.7", {}, "banned"),
            ("dora", "192.0.2.10", {"code": "00000-00000"}, "bad_code"),
        ):
            [line] = self.log_in(nick, address, **changes)
            assert line.startswith("login-refused session=") and line.isprintable()
            assert line.endswith(f" cause={cause}") and f" address={address} nick=" in line

    def test_somebody_who_keeps_guessing_is_counted(self) -> None:
        self.begin(LogAddresses.FULL, Limits(login_failures_free=10**6))
        lines = []
        for _ in range(2 * SAME):
            lines += self.log_in("ana", signature=bytes(64))
        refused = [line for line in lines if line.startswith("login-refused")]
        assert len(refused) == SAME
        with capturedLogs() as events:
            self.context.log.stop()
        assert f"login-refused more={SAME} cause=bad_signature" in chat_lines(events)

    def test_names_and_devices(self) -> None:
        account = self.bob.account.hex()
        with capturedLogs() as events:
            self.bob.ask(m.Nick(self.bob.next_id(), "rob"))
            code = self.bob.ask(m.Code(self.bob.next_id()))
            assert isinstance(code, m.CodeIssued)
            other = self.server.connect()
            other.log_in("rob", code=code.code)
            self.bob.ask(m.Revoke(self.bob.next_id(), other.identity.public))
        lines = chat_lines(events)
        about = f"address=192.0.2.1 nick=rob account={account}"
        assert lines[:2] == [
            f"renamed session=2 {about} was=bob",
            f"login session=3 {about} new=device",
        ]
        assert lines[2].startswith(f"device-removed session=2 {about} key=SHA256:")
        assert code.code not in "".join(lines)


class RefusalTests(LoggedCase):
    """Other requests that are refused."""

    def test_who_asked_for_what_and_the_cause(self) -> None:
        self.ana.ask(m.Slow(self.ana.next_id(), self.ana.log("den"), 60))
        self.bob.say(SECRET, "den")
        refused = (
            (m.Topic(self.bob.next_id(), self.bob.log("den"), SECRET), "topic", "slow_mode"),
            (m.Private(self.bob.next_id(), "nobody"), "private", "no_such_nick"),
            (self.moderate(self.bob, "ban", "ana"), "moderate", "not_allowed"),
            (m.Leave(self.bob.next_id(), LogId(bytes(16))), "leave", "not_a_member"),
        )
        about = f"session=2 address=192.0.2.1 nick=bob account={self.bob.account.hex()}"
        for request, what, cause in refused:
            with capturedLogs() as events:
                self.bob.ask(request)
            assert chat_lines(events) == [f"refused {about} request={what} cause={cause}"]
        with capturedLogs() as events:  # Refused only when it would be stored.
            self.bob.post(SECRET, room="den")
            self.server.pump()
        assert chat_lines(events) == [f"refused {about} request=post cause=slow_mode"]


class ModerationTests(LoggedCase):
    """Who did what to whom, and for how long."""

    def test_actions_in_a_room(self) -> None:
        about = f"session=1 address=192.0.2.1 by=ana account={self.ana.account.hex()}"
        with capturedLogs() as events:
            for action in ("mute", "unmute", "op", "deop", "ban", "unban", "kick"):
                if action == "kick":
                    self.bob.join("den")
                assert isinstance(self.ana.ask(self.moderate(self.ana, action, "bob")), m.Ok)
            self.ana.ask(m.Slow(self.ana.next_id(), self.ana.log("den"), 5))
            self.ana.ask(m.Token(self.ana.next_id(), 2, 60, self.ana.log("den")))
            self.ana.ask(m.Topic(self.ana.next_id(), self.ana.log("den"), SECRET))
            self.ana.say(SECRET, "den")
        lines = chat_lines(events)
        until = "until=1970-01-01T00:01:00Z"
        assert lines == [
            f"moderation {about} action=mute target=bob room=den {until}",
            f"moderation {about} action=unmute target=bob room=den",
            f"moderation {about} action=op target=bob room=den",
            f"moderation {about} action=deop target=bob room=den",
            f"moderation {about} action=ban target=bob room=den {until}",
            f"moderation {about} action=unban target=bob room=den",
            f"moderation {about} action=kick target=bob room=den",
            f'moderation {about} action=slow room=den detail="5 s"',
            f'moderation {about} action=token room=den detail="2 uses, 60 s"',
        ]

    def test_a_private_conversation_leaves_nothing(self) -> None:
        with capturedLogs() as events:
            self.ana.ask(m.Private(self.ana.next_id(), "bob"))
            self.ana.say(SECRET, "bob")
        assert chat_lines(events) == []


class AdministrationTests(LoggedCase):
    """Commands of chat.admin, done or not."""

    def test_each_is_one_line_without_words(self) -> None:
        lines = self.lines(
            c.Status(),
            c.Do(Action.BAN, "bob", 60, SECRET),
            c.Do(Action.UNBAN, "bob"),
            c.Do(Action.BAN, "nobody", 0, SECRET),
            c.Own("ana"),
            c.Block("198.51.100.7", 0, SECRET),
            c.Audit(5, "den"),
            c.DeleteRoom("den"),
        )
        done = "by=admin.sock done=yes"
        assert [line for line in lines if line.startswith("administration ")] == [
            f"administration command=status {done}",
            f"administration command=ban nick=bob seconds=60 {done}",
            f"administration command=unban nick=bob {done}",
            "administration command=ban nick=nobody by=admin.sock done=no",
            f"administration command=own nick=ana {done}",
            f"administration command=block network=198.51.100.7 {done}",
            f"administration command=audit count=5 room=den {done}",
            f"administration command=deleteroom room=den {done}",
        ]
        assert not [line for line in lines if SECRET in line or line.startswith("moderation")]


class AddressTests(LoggedCase):
    """The operator's choice holds in every line."""

    def everything(self) -> list[str]:
        """Return the lines of much that has to do with addresses."""
        with capturedLogs() as events:
            stranger = self.server.connect("198.51.100.7")
            stranger.write(b"rubbish\r\n")
            self.server.pump()
            carol = self.server.connect("2001:db8:1:2::3")
            carol.log_in("carol")
            carol.ask(m.Private(carol.next_id(), "nobody"))
            carol.ask(m.Nick(carol.next_id(), "cara"))
            self.ana.ask(self.moderate(self.ana, "ban", "bob"))
            self.run_it(c.Block("198.51.100.7"))
            self.run_it(c.Unblock("198.51.100.7"))
            self.server.connect("198.51.100.8").log_in("x" * 40)
            carol.vanish()
            self.server.connect("198.51.100.9").vanish()
            self.context.log.stranger("198.51.100.10")
        return chat_lines(events)

    def test_full(self) -> None:
        lines = self.everything()
        assert len(lines) >= 10 and all(ADDRESS.search(line) for line in lines)

    def test_networks(self) -> None:
        self.begin(LogAddresses.NETWORK)
        lines = self.everything()
        assert len(lines) >= 10
        for line in lines:
            found = re.findall(r"(?:address|network)=(\S+)", line)
            shown = {"192.0.2.0/24", "198.51.100.0/24", "2001:db8:1::/48"}
            assert found and set(found) <= shown, line
            assert not ADDRESS.search(re.sub(r"=\S+/\d+", "", line)), line

    def test_none(self) -> None:
        self.begin(LogAddresses.NONE)
        lines = self.everything()
        assert len(lines) >= 10 and not [line for line in lines if ADDRESS.search(line)]
