"""Requests of the admin tool, and its socket."""

import json
import re
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.testing import StringTransport

from chat.ids import MessageId
from chat.rooms.errors import BannedError, NickTakenError
from chat.rooms.roles import Action, Role
from chat.server.administration import requests as c
from chat.server.administration.console import ConsoleFactory, encode_answer
from chat.server.administration.control import Control
from chat.server.administration.requests import ControlError, decode_request
from chat.server.connections.proxies import Proxies, parse_proxy
from chat.server.state.directory import StateDirectory
from chat.testing import HOST_KEY, Server
from chat.wire.errors import CloseCode
from chat.wire.hostkey import HostKey
from chat.wire.identity import identity_fingerprint
from chat.wire.messages import (
    Invited,
    Moderate,
    Notice,
    Ok,
    Post,
    Private,
    Refused,
    Removed,
    Welcome,
)
from tests.server.cases import COMMITS, HeldStore, ServerCase
from tests.store.commits import fired


class ControlCase(ServerCase):
    """A server with ana and bob, and its operator."""

    def setUp(self) -> None:
        """Log them in."""
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.state = StateDirectory(Path(directory.name) / "state")
        self.addCleanup(self.state.close)
        self.store = HeldStore()
        self.server = Server(self.store)
        self.ana, self.bob = self.server.enter("ana", "bob")
        self.keys: list[HostKey] = []
        self.context = self.server.dispatcher.context
        self.hub = self.context.hub
        self.control = Control(self.context, self.state, HOST_KEY, self.keys.append)

    def run_it(self, request: c.Request) -> Any:
        """Return the answer after a round trip through JSON."""
        running = Deferred.fromCoroutine(self.control.run(request))
        self.server.pump()
        answer = fired(running)
        return json.loads(msgspec.json.encode(answer))

    def refuse(self, request: c.Request, pattern: str) -> None:
        """Check that a request is refused with a sentence."""
        with pytest.raises(ControlError, match=pattern):
            self.run_it(request)


class LookingTests(ControlCase):
    """Lists."""

    def test_users(self) -> None:
        self.run_it(c.Do(Action.MUTE, "bob"))
        self.bob.vanish()
        ana, bob = self.run_it(c.Users())
        assert ana == {
            "nick": "ana",
            "account": self.ana.account.hex(),
            "role": "member",
            "connected": 1,
            "rooms": 1,
            "banned": False,
            "muted": False,
            "keys": [identity_fingerprint(self.ana.identity.public)],
        }
        assert (bob["nick"], bob["connected"], bob["muted"]) == ("bob", 0, True)

    def test_rooms_without_what_is_private(self) -> None:
        self.ana.join("den", "invite")
        self.ana.ask(Private(90, "bob"))
        den, lobby = self.run_it(c.Rooms())
        assert den == {"room": "den", "kind": "invite", "members": 1, "owner": "ana", "topic": ""}
        assert (lobby["room"], lobby["members"], lobby["owner"]) == ("lobby", 2, "")

    def test_bans(self) -> None:
        assert self.run_it(c.Bans()) == []
        self.ana.join("den")
        self.bob.join("den")
        den = self.ana.log("den")
        request = Moderate(self.ana.next_id(), "mute", "bob", den, 0, "noise")
        assert isinstance(self.ana.ask(request), Ok)
        self.run_it(c.Do(Action.BAN, "bob", 60, "spam"))
        self.run_it(c.Do(Action.MUTE, "ana"))
        self.run_it(c.Block("198.51.100.7", 60))
        names = ("what", "whom", "where", "until", "reason")
        assert self.run_it(c.Bans()) == [
            dict(zip(names, row, strict=True))
            for row in (
                ("ban", "bob", "server", 60_000, "spam"),
                ("mute", "ana", "server", 0, ""),
                ("mute", "bob", "den", 0, "noise"),
                ("network", "198.51.100.7", "server", 60_000, ""),
            )
        ]
        self.server.clock.advance(60)
        assert [it["what"] for it in self.run_it(c.Bans())] == ["mute", "mute"]

    def test_status(self) -> None:
        self.ana.join("den", "invite")
        self.ana.ask(Private(self.ana.next_id(), "bob"))
        status = self.run_it(c.Status())
        assert status.pop("free_bytes") > 0 and status.pop("version")
        assert status == {
            "running": True,
            "state": str(self.state.path),
            "address": None,
            "fingerprint": HOST_KEY.fingerprint,
            "accounts": 2,
            "rooms": 2,
            "conversations": 1,
            "connections": 2,
        }
        self.run_it(c.Invite(1, 60, "", "chat.example.org:5555"))
        assert self.run_it(c.Status())["address"] == "chat.example.org:5555"

    def test_what_the_operator_did_is_in_the_audit_log(self) -> None:
        self.run_it(c.Do(Action.MUTE, "bob", 60, "noise"))
        self.run_it(c.Own("ana"))
        events = self.run_it(c.Audit(10))
        assert [(it["actor"], it["action"], it["target"]) for it in events] == [
            ("the operator", "own", "ana"),
            ("the operator", "mute", "bob"),
        ]
        assert len(self.run_it(c.Audit(1))) == 1

    def test_who_the_server_is(self) -> None:
        answer = self.run_it(c.Fingerprint())
        assert answer["fingerprint"] == HOST_KEY.fingerprint
        assert len(answer["words"].split()) == 24


class DoingTests(ControlCase):
    """Changes."""

    def test_the_first_operator(self) -> None:
        self.run_it(c.Own("ana"))
        assert self.hub.role(self.ana.account, None) is Role.OWNER
        server = Server(self.store)
        hub = server.dispatcher.context.hub
        assert hub.role(self.ana.account, None) is Role.OWNER
        self.run_it(c.Do(Action.OP, "bob"))
        self.run_it(c.Do(Action.DEOP, "bob"))
        self.refuse(c.Own("nobody"), "Nobody here is called nobody")

    def test_the_clock_is_believed_on_the_operator_s_word(self) -> None:
        assert self.run_it(c.Clock())["in doubt"] == "no"
        self.server.dispatcher.context.time._base += 3_600_000
        answer = self.run_it(c.Clock())
        assert answer == {
            "clock": "1970-01-01 00:00:00 UTC",
            "server": "1970-01-01 01:00:00 UTC",
            "in doubt": "yes",
        }
        assert self.run_it(c.Clock(True))["in doubt"] == "no"
        [event] = self.run_it(c.Audit(1))
        detail = "1970-01-01 00:00:00 UTC instead of 1970-01-01 01:00:00 UTC"
        assert (event["action"], event["detail"]) == ("clock", detail)

    def test_an_owner_is_none_any_more(self) -> None:
        self.run_it(c.Own("ana"))
        self.run_it(c.Disown("ana"))
        assert self.hub.role(self.ana.account, None) is Role.MEMBER
        self.refuse(c.Disown("ana"), "ana is not an owner of this server.")
        self.refuse(c.Disown("nobody"), "Nobody here is called nobody")
        notices = [it.text for it in self.ana.received if isinstance(it, Notice)]
        assert notices == [
            "You are now an owner of this server.",
            "You are no longer an owner of this server.",
        ]

    def test_a_ban(self) -> None:
        self.run_it(c.Do(Action.BAN, "bob", 0, "spam"))
        assert self.bob.closed is not None and self.bob.closed.code == CloseCode.REMOVED
        error = BannedError("this server", "permanently", '. the operator wrote: "spam"')
        back = self.server.connect(identity=self.bob.identity)
        assert back.log_in("bob") == Refused(1, error.code, str(error))
        self.run_it(c.Do(Action.UNBAN, "bob"))
        again = self.server.connect(identity=self.bob.identity)
        assert isinstance(again.log_in("bob"), Welcome)

    def test_nobody_is_kicked_from_a_server(self) -> None:
        self.refuse(c.Do(Action.KICK, "bob"), "works in rooms only")

    def test_a_network(self) -> None:
        mallory = self.server.connect("198.51.100.7")
        mallory.log_in("mallory")
        self.run_it(c.Block("198.51.100.7", 0, "spam"))
        assert mallory.closed is not None and self.bob.closed is None
        assert isinstance(self.server.connect("198.51.100.7").log_in("eve"), Refused)
        self.run_it(c.Unblock("198.51.100.7"))
        assert isinstance(self.server.connect("198.51.100.7").log_in("eve"), Welcome)
        self.refuse(c.Unblock("198.51.100.7"), "is not banned")
        self.refuse(c.Block("nonsense"), "is not an IP address")
        self.refuse(c.Block("127.0.0.1"), "the server's own machine.* Add --force.")
        self.run_it(c.Block("127.0.0.1", force=True))

    def test_a_network_with_a_proxy(self) -> None:
        proxies = Proxies([parse_proxy(it) for it in ("192.0.2.0/24", "2001:db8:0:1::7")])
        self.server = Server(is_proxy=proxies.are_in)
        context = self.server.dispatcher.context
        self.control = Control(context, self.state, HOST_KEY, self.keys.append)
        for network in ("192.0.2.7", "192.0.2.255", "2001:db8:0:1::9"):
            self.refuse(c.Block(network), "where a proxy of this server is.* Add --force.")
            self.run_it(c.Block(network, force=True))
        for network in ("192.0.3.7", "2001:db8:0:2::7"):
            self.run_it(c.Block(network))

    def test_lost_keys(self) -> None:
        code = self.run_it(c.Recover("bob"))["code"]
        assert self.bob.closed is not None
        server = Server(self.store)
        old = server.connect(identity=self.bob.identity)
        error = NickTakenError("bob")
        assert old.log_in("bob") == Refused(1, error.code, str(error))
        for answer in (Welcome, Refused):
            client = server.connect()
            client.write(client.connection.start())
            server.pump()
            login = msgspec.structs.replace(client.login("bob"), code=code)
            client.write(client.connection.login(login))
            server.pump()
            assert isinstance(client.answer(login.id), answer)
        assert not fired(self.store.scan(b"code/"))

    def test_invitations(self) -> None:
        self.ana.join("den", "invite")
        self.refuse(
            c.Invite(2, 60, "den"), r"add --address HOST\[:PORT\]. It remembers the address"
        )
        assert self.run_it(c.Invites()) == []
        made = self.run_it(c.Invite(2, 60, "den", "chat.example.org:99"))
        assert made["address"] == "chat.example.org:99"
        assert made["fingerprint"] == HOST_KEY.fingerprint
        [listed] = self.run_it(c.Invites())
        assert (listed["room"], listed["uses"], listed["by"]) == ("den", 2, "")
        client = self.server.connect()
        client.write(client.connection.start())
        self.server.pump()
        token = bytes.fromhex(made["token"])
        client.write(
            client.connection.login(msgspec.structs.replace(client.login("eva"), token=token))
        )
        self.server.pump()
        assert Invited("den", "") in client.received
        self.refuse(c.Revoke("ffff" * 16), "0 invitations")
        self.run_it(c.Revoke(listed["invitation"][:6]))
        assert self.run_it(c.Invites()) == []
        self.refuse(c.Invite(1, 60, "nowhere"), "There is no such room")
        assert self.run_it(c.Invite(1, 60))["address"] == "chat.example.org:99"
        self.server.clock.advance(60)
        assert self.run_it(c.Invites()) == []

    def test_what_is_done_is_said(self) -> None:
        for request, done in (
            (c.Do(Action.OP, "BOB"), "bob is an operator of the server."),
            (c.Do(Action.DEOP, "bob"), "bob is no longer an operator of the server."),
            (c.Do(Action.MUTE, "bob", 3_600), "bob is muted until 1970-01-01 01:00 UTC."),
            (c.Do(Action.UNMUTE, "bob"), "bob is no longer muted."),
            (c.Do(Action.BAN, "bob"), "bob is banned permanently."),
            (c.Do(Action.UNBAN, "bob"), "bob is no longer banned."),
            (c.Own("bob"), "bob is an owner of the server."),
            (c.Block("2001:db8::7", 60), "2001:db8::/64 is banned until 1970-01-01 00:01 UTC."),
            (c.Unblock("2001:db8::7"), "2001:db8::/64 is no longer banned."),
            (c.Recover("bob"), "The keys of bob are removed."),
        ):
            assert self.run_it(request)["done"] == done

    def test_a_room_is_deleted_with_what_was_said(self) -> None:
        self.ana.join("den")
        self.bob.join("den")
        den = self.ana.log("den")
        for text in ("one", "two", "three"):
            self.ana.say(text, "den")
        self.bob.write(self.bob.connection.send(Post(99, den, MessageId(bytes(16)), "too late")))
        done = self.run_it(c.DeleteRoom("DEN"))["done"]
        assert re.fullmatch(r"The room den is deleted, with [34] messages\.", done)
        for client in (self.ana, self.bob):
            assert [it.log for it in client.received if isinstance(it, Removed)] == [den]
        answer = self.ana.ask(Post(self.ana.next_id(), den, MessageId(b"x" * 16), "hello?"))
        assert isinstance(answer, Refused)
        assert fired(self.store.read(den, 0, 10_000)) == []
        assert [it["room"] for it in self.run_it(c.Rooms())] == ["lobby"]
        self.refuse(c.DeleteRoom("den"), "There is no such room")
        self.refuse(c.DeleteRoom("lobby"), "lobby cannot be deleted")
        self.bob.join("den")
        assert self.bob.log("den") != den
        assert self.run_it(c.Audit(1))[0]["action"] == "delete-room"

    def test_nobody_has_to_have_used_what_is_deleted(self) -> None:
        self.ana.join("den")
        self.bob.join("den")
        self.ana.join("hut")
        self.ana.say("one", "den")
        hut = self.ana.log("hut")
        for client in (self.ana, self.bob):
            client.bye()
        self.server = Server(self.store)
        self.context = self.server.dispatcher.context
        self.control = Control(self.context, self.state, HOST_KEY, self.keys.append)
        done = self.run_it(c.DeleteRoom("den"))["done"]
        assert done == "The room den is deleted, with 1 messages."
        assert self.run_it(c.DeleteAccount("ana"))["done"].startswith("The account ana is deleted")
        room = self.context.hub.known_room(hut)
        assert room is not None and not room.members
        assert fired(self.store.head(hut)).epoch == 2

    def test_an_account_is_deleted_and_may_come_anew(self) -> None:
        self.bob.join("den")
        self.ana.join("den")
        self.bob.ask(Private(self.bob.next_id(), "ana"))
        self.ana.ask(Private(self.ana.next_id(), "bob"))
        den, private, account = self.bob.log("den"), self.bob.log("ana"), self.bob.account
        self.bob.say("between us", "ana")
        self.bob.say("for all", "den")
        done = self.run_it(c.DeleteAccount("Bob"))["done"]
        assert done.startswith("The account bob is deleted, with 1 private conversations (1 mess")
        assert self.bob.closed is not None and self.bob.closed.code == CloseCode.REMOVED
        assert [it.log for it in self.ana.received if isinstance(it, Removed)] == [private]
        assert fired(self.store.read(private, 0, 10_000)) == []
        assert len(fired(self.store.read(den, 0, 10_000))) == 1
        assert [it["nick"] for it in self.run_it(c.Users())] == ["ana"]
        self.refuse(c.DeleteAccount("bob"), "Nobody here is called bob")
        back = self.server.connect(identity=self.bob.identity)
        welcome = back.log_in("bob")
        assert isinstance(welcome, Welcome) and welcome.account != account
        self.server.clock.advance(60)
        again = Server(self.store)
        assert len(again.dispatcher.context.hub.people.all()) == 2

    def test_what_cannot_be_stored_is_not_done(self) -> None:
        self.run_it(c.Invite(1, 60, "", "x:1"))
        [listed] = self.run_it(c.Invites())
        self.store.is_broken = True
        for request in (
            c.Own("ana"),
            c.Recover("bob"),
            c.Block("198.51.100.7"),
            c.Revoke(listed["invitation"]),
            c.Invite(1, 60),
        ):
            self.refuse(request, "a broken disk")
        self.store.is_broken = False
        assert self.bob.closed is None
        assert self.run_it(c.Bans()) == [] and len(self.run_it(c.Invites())) == 1
        back = self.server.connect(identity=self.bob.identity)
        assert isinstance(back.log_in("bob"), Welcome)
        assert {it["role"] for it in self.run_it(c.Users())} == {"member"}

    def test_another_host_key(self) -> None:
        old = self.state.host_key()
        control = Control(self.context, self.state, old, self.keys.append)
        running = Deferred.fromCoroutine(control.run(c.Rotate()))
        self.server.pump()
        answer = fired(running)
        [new] = self.keys
        assert isinstance(answer, dict)
        assert answer["fingerprint"] == new.fingerprint != old.fingerprint
        assert self.state.host_key().public == new.public
        [event] = self.run_it(c.Audit(5))
        assert (event["action"], event["detail"]) == ("rotate-host-key", new.fingerprint)

    def test_without_an_entry_in_the_audit_log_the_host_key_stays(self) -> None:
        old = self.state.host_key()
        self.store.is_broken = True
        self.refuse(c.Rotate(), "a broken disk")
        self.store.is_broken = False
        assert self.state.host_key().public == old.public and self.keys == []
        assert self.run_it(c.Audit(5)) == []


class ConsoleTests(ControlCase):
    """One line each way; errors are reported."""

    def send(self, *lines: bytes) -> list[Any]:
        """Return the answers."""
        console: Any = ConsoleFactory(self.control).buildProtocol(None)
        transport = StringTransport()
        console.makeConnection(transport)
        console.dataReceived(b"".join(line + b"\n" for line in lines))
        self.transport = transport
        return self.answers()

    def answers(self) -> list[Any]:
        """Return all answers so far."""
        return [json.loads(line) for line in self.transport.value().splitlines()]

    def test_requests_are_answered_in_order(self) -> None:
        users, audit = self.send(b'{"command":"users"}', b'{"command":"audit","count":5}')
        assert len(users["done"]) == 2 and audit == {"done": []}

    def test_one_is_done_before_the_next_is_looked_at(self) -> None:
        self.store.holds = COMMITS
        own = b'{"command":"own","nick":"ana"}'
        assert self.send(own, b'{"command":"users"}', b'{"command":"audit","count":5}') == []
        self.server.pump()
        self.store.release()
        done, users, audit = self.answers()
        assert done == {"done": {"done": "ana is an owner of the server."}}
        assert [it["role"] for it in users["done"]] == ["owner", "member"]
        assert [it["action"] for it in audit["done"]] == ["own"]

    def test_bad_requests_are_told_so(self) -> None:
        for line in (
            *(b"", b"x", b"{}", b"[]", b'{"command":"explode"}', b'{"command":"audit"}'),
            *(b'{"command":"audit","count":0}', b'{"command":"audit","count":10000}'),
            *(b'{"command":"users","x":1}', b'{"command":"do","action":"op"}', b"\xff"),
            *(b'{"command":"do","action":"explode","nick":"bob"}', b"[" * 5_000),
        ):
            [answer] = self.send(line)
            assert "Not a valid request" in answer["error"], line

    def test_an_error_is_an_answer(self) -> None:
        [answer] = self.send(b'{"command":"own","nick":"nobody"}')
        assert answer == {"error": "Nobody here is called nobody."}

    def test_a_bug_is_logged_and_no_more_is_said(self) -> None:
        self.replace(self.hub, "people", None)
        [answer] = self.send(b'{"command":"users"}')
        assert "bug" in answer["error"]
        self.expect_error(AttributeError)

    def test_a_line_without_end_is_hung_up_on(self) -> None:
        assert self.send(b"x" * 100_000) == []
        assert self.transport.disconnecting


@given(st.binary(max_size=200))
def test_garbage_is_no_request(line: bytes) -> None:
    try:
        decode_request(line)
    except ControlError as error:
        assert "error" in json.loads(encode_answer(error))
