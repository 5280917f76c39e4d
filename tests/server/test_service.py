"""The service: options, what it logs on starting, and stopping."""

import io
import os
import pwd
import re
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from time import time
from typing import Final, cast
from unittest.mock import Mock

import pytest
from twisted.application.service import IService
from twisted.cred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from twisted.cred.credentials import IUsernamePassword
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import (
    IAddress,
    IListeningPort,
    IProtocol,
    IProtocolFactory,
    IReactorTime,
    IStreamServerEndpoint,
)
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.python import usage
from twisted.python.failure import Failure
from zope.interface import implementer
from zope.interface.verify import verifyObject

from chat import __version__
from chat.client.core.address import parse_address
from chat.ids import DeviceKey, LogId
from chat.limits import Limits
from chat.rooms.addresses import LOCAL
from chat.rooms.errors import WrongPasswordError
from chat.rooms.invitations import Registration
from chat.server.oplog import LogAddresses
from chat.server.options import DEFAULT_LISTEN
from chat.server.passwords.checker import PasswordFileChecker
from chat.server.passwords.file import PasswordFile
from chat.server.plugin import Options, makeService
from chat.server.process import Reactor, exit_cleanly_on_signals
from chat.server.service import ChatService
from chat.server.settings import describe_limits
from chat.server.state.directory import StateDirectory, default_state_path, store_url
from chat.server.state.retention import RetentionPolicy
from chat.store import engine
from chat.store.interface import LogStore, StoreError, Trim
from chat.testing import FakeTransport, Server
from chat.wire.identity import identity_fingerprint
from tests.server.cases import HeldStore, ServerCase, chat_lines
from tests.server.passwords.parameters import CHEAP
from tests.store.commits import fired

IN_USE = CannotListenError("127.0.0.1", 5555, OSError(98, "Address already in use"))


@implementer(IListeningPort)
class FakePort:
    """A port without connections."""

    def __init__(self, where: IAddress) -> None:
        self.where = where
        self.stopped: Deferred[None] = Deferred()
        """The result of `stopListening`; fire it to stop."""
        self.is_stopping = False

    def startListening(self) -> None:
        """Do nothing."""

    def stopListening(self) -> Deferred[None]:
        """Stop when `stopped` fires."""
        self.is_stopping = True
        return self.stopped

    def getHost(self) -> IAddress:
        """Return its address."""
        return self.where


@implementer(IStreamServerEndpoint)
class FakeEndpoint:
    """An endpoint that returns a port, or fails."""

    def __init__(self, result: FakePort | Exception) -> None:
        self.result = result
        self.factories: list[IProtocolFactory] = []

    def listen(self, protocolFactory: IProtocolFactory) -> Deferred[IListeningPort]:
        """Listen."""
        self.factories.append(protocolFactory)
        return fail(self.result) if isinstance(self.result, Exception) else succeed(self.result)


def parse(*arguments: str) -> Options:
    """Return the options of a command line."""
    options = Options()
    parse: Callable[[Sequence[str]], None] = options.parseOptions
    parse(arguments)
    return options


class ServiceReactor(Clock):
    """A clock with the other parts of a reactor that a service needs."""

    is_stopped = False

    def listenUNIX(self, path: str, factory: object, mode: int) -> object:
        """Return the port of a Unix socket, which must be private."""
        assert Path(path).name == "admin.sock" and mode == 0o600
        if self.is_unix_broken:
            raise CannotListenError("any", path, OSError("no sockets here"))
        return self.unix_port

    def __init__(self) -> None:
        super().__init__()
        self.is_unix_broken = False
        self.unix_port = FakePort(UNIXAddress("admin.sock"))
        self.unix_port.stopped.callback(None)

    def callWhenRunning(self, function: Callable[[], object]) -> None:
        """Call it at once, as if the reactor ran."""
        function()

    def stop(self) -> None:
        """Record the call."""
        self.is_stopped = True


KEY: Final = identity_fingerprint(DeviceKey(bytes(32)))


class ServiceCase(ServerCase):
    """A test with a state directory and a clock."""

    def setUp(self) -> None:
        """Make a directory for the state."""
        directory = tempfile.TemporaryDirectory()
        self._directory = directory
        self.path = Path(directory.name) / "state"
        self.clock = ServiceReactor()
        self.reactor = cast(Reactor, self.clock)
        self.store = HeldStore()
        self.opened: list[tuple[str, bool]] = []
        self.operators: list[str] = []
        self.exits: list[int] = []

    def open_store(self, url: str, reactor: engine.Reactor, has_search: bool) -> LogStore:
        """Record the arguments, and return the store."""
        self.opened.append((url, has_search))
        return self.store

    def tearDown(self) -> None:
        """Remove the directory."""
        self._directory.cleanup()

    def service(self, *results: FakePort | Exception) -> ChatService:
        """Return a service that will listen on these endpoints."""
        endpoints = [(f"fake:{number}", FakeEndpoint(each)) for number, each in enumerate(results)]
        return ChatService(
            *(endpoints, self.path, self.reactor, Limits()),
            operators=self.operators,
            open_store=self.open_store,
            exit_with_1=lambda: self.exits.append(1),
        )

    def start(self, *wheres: IAddress) -> tuple[ChatService, list[FakePort]]:
        """Return a service that listens somewhere, as twistd starts it."""
        ports = [FakePort(where) for where in wheres]
        service = self.service(*ports)
        service.privilegedStartService()
        service.startService()
        self.clock.advance(0)
        return service, ports

    def stop(self, service: ChatService, ports: list[FakePort]) -> None:
        """Stop it."""
        stopped = service.stopService()
        for port in ports:
            port.stopped.callback(None)
        self.clock.advance(0)
        assert stopped.called


class OptionsTests(ServiceCase):
    """The command line."""

    def parse(self, *arguments: str) -> Options:
        """Return the options of a command line."""
        return parse(*arguments)

    def test_without_any_it_listens_on_localhost(self) -> None:
        options = self.parse()
        assert options["listen"] == [DEFAULT_LISTEN] == ["tcp:5555:interface=127.0.0.1"]
        assert options["state"] == default_state_path()

    def test_listen_can_be_given_several_times(self) -> None:
        options = self.parse("--listen", "tcp:1", "--listen=unix:/run/chat")
        assert options["listen"] == ["tcp:1", "unix:/run/chat"]

    def test_two_services_do_not_share_their_options(self) -> None:
        self.parse("--listen", "tcp:1")
        assert self.parse()["listen"] == [DEFAULT_LISTEN]

    def test_the_state_is_the_option_s_else_the_environment_s(self) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("ENCCHAT_STATE", "/srv/chat")
            assert self.parse()["state"] == Path("/srv/chat")
            assert self.parse("--state", "/srv/other")["state"] == Path("/srv/other")

    def test_without_a_home_the_state_has_to_be_named(self) -> None:
        with pytest.MonkeyPatch.context() as patch:
            for name in ("ENCCHAT_STATE", "HOME", "XDG_DATA_HOME"):
                patch.delenv(name, raising=False)
            patch.setattr(pwd, "getpwuid", Mock(side_effect=KeyError))
            with pytest.raises(usage.UsageError, match=r"no home directory; set \$ENCCHAT_STATE"):
                self.parse()
            assert self.parse("--state", "/srv/other")["state"] == Path("/srv/other")
            patch.setenv("XDG_DATA_HOME", "/srv/data")
            assert self.parse()["state"] == Path("/srv/data/encchat/server")
            patch.setenv("ENCCHAT_STATE", "/srv/chat")
            assert self.parse()["state"] == Path("/srv/chat")

    def test_what_makes_no_sense_is_refused_with_a_sentence(self) -> None:
        with pytest.raises(usage.UsageError, match="--state needs the name of a directory"):
            self.parse("--state", "")
        for arguments in (("--port", "5555"), ("extra",), ("--listen",)):
            with pytest.raises(usage.UsageError):
                self.parse(*arguments)

    def test_the_help_names_the_default(self) -> None:
        text = str(Options())
        assert DEFAULT_LISTEN in text
        assert "host_key.pem" in text and "$ENCCHAT_STATE" in text

    def test_limits_are_set_by_name_and_the_last_one_holds(self) -> None:
        options = parse("--limit", "waiting_total=7", "--limit=ping_seconds=0.5")
        assert options["limits"] == {"waiting_total": 7, "ping_seconds": 0.5}
        assert parse("--limit=waiting_total=7", "--limit=waiting_total=8")["limits"] == {
            "waiting_total": 8
        }
        assert parse()["limits"] == {}

    def test_what_is_no_limit_is_a_sentence(self) -> None:
        with pytest.raises(usage.UsageError, match=r"^--limit: there is no limit 'bogus' to set"):
            parse("--limit", "bogus=1")

    def test_the_help_has_every_limit_in_words(self) -> None:
        text = Options().getUsage(80)
        assert all(len(line) <= 80 for line in text.splitlines())
        words = " ".join(text.split())
        for setting, bounds in describe_limits():
            assert f" {setting} {bounds}" in words

    def test_the_help_has_paragraphs(self) -> None:
        for width in (40, 80, 200):
            paragraphs = Options().getUsage(width).split("\n\n")
            assert sum(it.startswith("The state directory") for it in paragraphs) == 1
            assert sum(it.startswith("The server asks for passwords") for it in paragraphs) == 1

    def test_the_version_is_that_of_encchat(self) -> None:
        output = io.StringIO()
        with pytest.raises(SystemExit) as caught, redirect_stdout(output):
            parse("--version")
        assert caught.value.code == 0
        assert output.getvalue().startswith(f"encchat {__version__}, Twisted ")


class AuthTests(ServiceCase):
    """Password checkers."""

    def test_without_any_there_are_no_passwords(self) -> None:
        assert parse()["credCheckers"] == []
        assert self.service().authenticator is None

    def test_checkers_are_kept_in_order(self) -> None:
        self.path.mkdir()
        PasswordFile(self.path / "passwords", CHEAP).set("bob", "hunter2")
        options = parse("--auth", f"encchat:{self.path}/passwords", "--auth=memory:eve:x")
        kinds = [type(checker) for checker in options["credCheckers"]]
        assert kinds == [PasswordFileChecker, InMemoryUsernamePasswordDatabaseDontUse]
        assert options["credInterfaces"] == {IUsernamePassword: options["credCheckers"]}
        assert parse()["credCheckers"] == []

    def test_the_service_asks_them(self) -> None:
        checkers = [InMemoryUsernamePasswordDatabaseDontUse(bob=b"hunter2")]
        service = ChatService([], self.path, self.reactor, Limits(), checkers=checkers)
        assert service.authenticator is not None
        fired(Deferred.fromCoroutine(service.authenticator.check("bob", "hunter2", LOCAL, bool)))
        with pytest.raises(WrongPasswordError):
            fired(Deferred.fromCoroutine(service.authenticator.check("bob", "x", LOCAL, bool)))

    def test_what_cannot_check_passwords_is_refused_with_a_sentence(self) -> None:
        for description, sentence in (
            ("", "there is no type ''; --help-auth lists the available ones"),
            ("nonsense:x", "there is no type 'nonsense'; --help-auth lists the available ones"),
            ("anonymous", "that type does not check passwords"),
            ("encchat", "encchat needs the path of a password file"),
            (
                f"encchat:{self.path}",
                f"the password file {self.path} cannot be used: No such file or directory",
            ),
            ("memory:x", "argstring must be in format U:P:..."),
        ):
            with pytest.raises(usage.UsageError) as caught:
                parse("--auth", description)
            assert str(caught.value) == f"--auth: {sentence}"

    def test_help_lists_the_types_there_are(self) -> None:
        for arguments, words in (
            (("--help-auth",), ("encchat", "file", "memory")),
            (("--help-auth-type", "encchat"), ("password file", "python -m chat.admin passwd")),
        ):
            out = io.StringIO()
            self.replace(Options, "authOutput", out)
            with pytest.raises(SystemExit) as caught:
                parse(*arguments)
            assert caught.value.code == 0
            assert all(word in out.getvalue() for word in words)
        with pytest.raises(usage.UsageError, match="Invalid auth type: nonsense"):
            parse("--help-auth-type", "nonsense")

    def test_the_help_says_how(self) -> None:
        text = " ".join(str(Options()).split())
        assert "--auth encchat:/etc/encchat/passwords" in text
        for option in ("--auth=", "--help-auth ", "--help-auth-type="):
            assert option in text


class StartTests(ServiceCase):
    """Starting."""

    def test_it_is_a_service(self) -> None:
        service = self.service()
        assert verifyObject(IService, service)
        assert service.name == "encchat"

    def test_it_listens_before_it_touches_the_state(self) -> None:
        port = FakePort(IPv4Address("TCP", "127.0.0.1", 5555))
        service = self.service(port)
        service.privilegedStartService()
        assert service.ports == [port]
        assert not self.path.exists()
        service.startService()
        assert service.ports == [port]
        self.stop(service, [port])

    def test_it_listens_where_nobody_drops_privileges(self) -> None:
        port = FakePort(IPv4Address("TCP", "127.0.0.1", 5555))
        service = self.service(port)
        service.startService()
        assert service.ports == [port]
        self.stop(service, [port])

    def test_a_port_in_use_is_a_sentence(self) -> None:
        for start in ("privilegedStartService", "startService"):
            service = self.service(IN_USE)
            with pytest.raises(SystemExit) as caught:
                getattr(service, start)()
            assert str(caught.value) == "encchat: cannot listen on fake:0: Address already in use"

    def test_why_a_port_cannot_be_listened_on_is_said_whatever_it_is(self) -> None:
        for cause in (OSError("no reason"), ValueError("no reason")):
            service = self.service(CannotListenError("127.0.0.1", 5555, cause))
            with pytest.raises(SystemExit, match=r"cannot listen on fake:0: no reason$"):
                service.privilegedStartService()

    def test_one_bad_port_of_two_is_enough(self) -> None:
        good = FakePort(IPv4Address("TCP", "127.0.0.1", 5555))
        with pytest.raises(SystemExit, match="cannot listen on fake:1"):
            self.service(good, IN_USE).privilegedStartService()

    def test_a_state_in_use_is_a_sentence(self) -> None:
        other = StateDirectory(self.path)
        with pytest.raises(SystemExit, match=r"^encchat: another server is using the state"):
            self.start()
        other.close()

    def test_a_damaged_host_key_is_a_sentence(self) -> None:
        self.path.mkdir()
        (self.path / "host_key.pem").write_text("rubbish", "ascii")
        (self.path / "host_key.pem").chmod(0o600)
        with pytest.raises(SystemExit, match=r"is not an Ed25519 private key in PEM$"):
            self.start()


class SayTests(ServiceCase):
    """The log after a start."""

    def lines(self, *wheres: IAddress) -> list[str]:
        """Return the log lines of a start, with this server's fingerprints replaced."""
        with capturedLogs() as events:
            service, ports = self.start(*wheres)
        self.stop(service, ports)
        host_key = service.factory.host_key
        return [
            line.replace(host_key.fingerprint, "FINGERPRINT").replace(
                host_key.fingerprint_words, "WORDS"
            )
            for line in chat_lines(events)
        ]

    def address(self, where: IAddress) -> str:
        """Return the address in the log for clients."""
        [line] = [line for line in self.lines(where) if line.startswith("Connect with: ")]
        found = re.fullmatch(r'Connect with: \S+ -m chat\.client "(.*)/#FINGERPRINT"', line)
        assert found is not None
        return found[1]

    def test_the_fingerprint_and_where_it_listens(self) -> None:
        lines = self.lines(IPv4Address("TCP", "127.0.0.1", 5555), UNIXAddress("/run/chat"))
        assert lines[:4] == [
            f"start version={__version__} limits=default",
            f"State directory: {self.path}",
            "Host key fingerprint: FINGERPRINT",
            "The same in words: WORDS",
        ]
        kinds = [line.split()[0] for line in lines[4:7]]
        assert kinds == ["Listening", "Connect", "Listening"]
        assert lines[6] == "Listening on unix:/run/chat"

    def test_the_end_is_the_last_line(self) -> None:
        with capturedLogs() as events:
            service, ports = self.start(IPv4Address("TCP", "127.0.0.1", 5555))
            self.stop(service, ports)
        assert chat_lines(events)[-1] == "stop connections=0 drained=yes stored=yes"

    def test_the_loopback_address_of_ipv4_is_localhost(self) -> None:
        assert self.address(IPv4Address("TCP", "127.0.0.1", 5555)) == "encchat://localhost:5555"

    def test_that_of_ipv6_is_itself(self) -> None:
        assert self.address(IPv6Address("TCP", "::1", 5555)) == "encchat://[::1]:5555"

    def test_no_address_in_particular_is_this_machine_s_name(self) -> None:
        expected = f"encchat://{socket.gethostname()}:5555"
        assert self.address(IPv4Address("TCP", "0.0.0.0", 5555)) == expected
        assert self.address(IPv6Address("TCP", "::", 5555)) == expected

    def test_any_other_is_itself(self) -> None:
        v4, v6 = IPv4Address("TCP", "192.0.2.7", 99), IPv6Address("TCP", "2001:db8::7", 99)
        assert self.address(v4) == "encchat://192.0.2.7:99"
        assert self.address(v6) == "encchat://[2001:db8::7]:99"

    def test_the_command_is_one_that_works_here(self) -> None:
        where = IPv4Address("TCP", "127.0.0.1", 5555)
        for executable, name in (
            (str(Path.cwd() / ".venv" / "bin" / "python"), ".venv/bin/python"),
            ("/nowhere/bin/python3", "python"),
        ):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(sys, "executable", executable)
                assert f"Connect with: {name} -m chat.client" in self.lines(where)[5]

    def test_what_makes_the_operator_the_owner(self) -> None:
        where = IPv4Address("TCP", "127.0.0.1", 5555)
        lines = self.lines(where, UNIXAddress("/run/chat"))[-2:]
        assert lines[0].startswith("This server has no owner.") and "24 hours" in lines[0]
        assert lines[1].startswith("Become the owner with: ")
        link = lines[1].split('"')[1]
        token = parse_address(link.replace("FINGERPRINT", KEY)).token
        assert token is not None and len(token) == 16
        # Each start makes a new link; there is none once there is an owner or a key is listed.
        assert self.lines(where)[-1].split('"')[1] != link
        self.operators = [KEY]
        assert "Become" not in self.lines(where)[-1]


class StopTests(ServiceCase):
    """Stopping."""

    def connect(self, service: ChatService) -> FakeTransport:
        """Return the transport of a stranger."""
        address = IPv4Address("TCP", "192.0.2.1", 40_000)
        made = service.factory.buildProtocol(address)
        transport = FakeTransport(made, self.clock, address)
        protocol: IProtocol = made
        protocol.makeConnection(transport)
        return transport

    def test_ports_are_closed_and_waited_for(self) -> None:
        service, [port] = self.start(UNIXAddress("/run/chat"))
        stopped = service.stopService()
        assert port.is_stopping and not stopped.called
        port.stopped.callback(None)
        assert stopped.called
        assert self.clock.getDelayedCalls() == []

    def test_clients_are_told_and_waited_for(self) -> None:
        service, _ = self.start()
        transport = self.connect(service)
        stopped = service.stopService()
        assert transport.take() == b"encchat/1 close 1\r\n"
        assert not stopped.called
        transport.lose(ConnectionError())
        assert stopped.called
        assert self.clock.getDelayedCalls() == []

    def test_what_was_asked_is_answered_first(self) -> None:
        for is_stored in (True, False):  # A hanging disk delays it, but not forever.
            service, _ = self.start()
            assert service._dispatcher is not None
            commits = service._dispatcher.context.commits
            with self.subTest(is_stored=is_stored):
                transport = self.connect(service)
                self.store.holds = ("commit",)
                done: list[object] = []
                trimming = commits.trim(Trim(LogId(bytes(16)), None, 1))
                trimming.addCallback(done.append)
                self.clock.advance(0)
                stopped = service.stopService()
                assert transport.take() == b"" and not done
                if is_stored:
                    self.store.release()
                    assert done == [0]
                else:
                    self.clock.advance(Limits().shutdown_seconds)
                assert transport.take() == b"encchat/1 close 1\r\n"
                transport.lose(ConnectionError())
                self.store.holds = ()
                if not is_stored:
                    self.store.release()
                self.clock.advance(1)
                assert stopped.called

    def test_but_not_for_long(self) -> None:
        service, _ = self.start()
        transport = self.connect(service)
        stopped = service.stopService()
        self.clock.advance(Limits().shutdown_seconds)
        assert transport.is_aborted and stopped.called
        assert self.clock.getDelayedCalls() == []

    def test_the_state_is_free_afterwards(self) -> None:
        service, ports = self.start()
        public = service.factory.host_key.public
        self.stop(service, ports)
        service, ports = self.start()
        assert service.factory.host_key.public == public
        self.stop(service, ports)

    def test_a_port_that_cannot_be_closed_keeps_nothing_else_from_closing(self) -> None:
        service, [port] = self.start(UNIXAddress("/run/chat"))
        stopped = service.stopService()
        port.stopped.errback(FileNotFoundError(2, "No such file or directory"))
        self.successResultOf(stopped)
        StateDirectory(self.path).close()
        flush: Callable[..., list[Failure]] = self.flushLoggedErrors
        assert len(flush(FileNotFoundError)) == 1

    def test_what_never_started_can_be_stopped(self) -> None:
        service = self.service()
        assert service.stopService().called
        assert not self.path.exists()


class ReloadTests(ServiceCase):
    """SIGHUP."""

    def reload(self, limits: str | bytes | None) -> list[str]:
        """Write limits to the file, reload, and return the log."""
        path = self.path / "limits"
        if limits is None:
            path.unlink()
        else:
            path.write_bytes(limits if isinstance(limits, bytes) else limits.encode())
        with capturedLogs() as events:
            self.running.reload()
        return chat_lines(events)

    def setUp(self) -> None:
        """Start a server with a limit in its file."""
        super().setUp()
        self.path.mkdir(mode=0o700)
        (self.path / "limits").write_text("ping_seconds=7")
        self.reopened = 0
        self.files = 10**6
        self.running = ChatService(
            *([], self.path, self.reactor, Limits(waiting_total=9)),
            open_store=self.open_store,
            reopen_log=self.reopen,
            file_limit=lambda: self.files,
        )
        self.running.startService()
        self.clock.advance(0)

    def tearDown(self) -> None:
        """Stop it."""
        self.stop(self.running, [])
        super().tearDown()

    def reopen(self) -> bool:
        """Count it."""
        self.reopened += 1
        if self.reopened == 2:
            raise PermissionError(13, "Permission denied")
        return self.reopened < 3

    def test_limits_are_read_again_and_those_of_the_command_line_hold(self) -> None:
        limits = self.running.factory.limits
        assert limits == Limits(waiting_total=9, ping_seconds=7)
        lines = self.reload("ping_seconds=8\nwaiting_total=5\nrooms_per_account=3\n")
        assert lines == [
            "The log file was reopened",
            "Limits were reloaded: ping_seconds=8.0, rooms_per_account=3, waiting_total=9",
        ]
        assert self.running.factory.limits is limits
        assert limits == Limits(waiting_total=9, ping_seconds=8, rooms_per_account=3)
        lines = self.reload(None)
        assert lines[0] == "The log file cannot be reopened: Permission denied"
        assert limits == Limits(waiting_total=9)
        assert self.reload("") == ["Limits were reloaded: waiting_total=9"]  # There is no file.

    def test_what_is_no_limit_changes_nothing(self) -> None:
        for bad in ("ping_seconds=8\nbogus=1", "ping_seconds=-1", "ping_seconds", b"\xff"):
            line = self.reload(bad)[-1]
            assert line.startswith("The limits stay as they were: ") and str(self.path) in line
            assert self.running.factory.limits == Limits(waiting_total=9, ping_seconds=7)

    def test_there_are_no_more_connections_than_open_files(self) -> None:
        wanted = "connections_total=1000\nwaiting_total=200"
        running = self.running.factory.limits
        self.running._current_limits._set = {}
        for files, total, waiting in (
            (1_296, 1_000, 200),
            (1_295, 999, 200),
            (1_096, 800, 200),
            (496, 300, 100),
            (100, 6, 2),
            (1, 6, 2),
            (10**6, 1_000, 200),
        ):
            self.files = files
            lines = self.reload(wanted)
            assert (running.connections_total, running.waiting_total) == (total, waiting), files
            warned = [it for it in lines if it.startswith("The process can have")]
            assert len(warned) == (files < 1_296)

    def test_a_server_with_a_bad_file_does_not_start(self) -> None:
        service = ChatService([], self.path.parent / "x", self.reactor, Limits())
        (self.path.parent / "x").mkdir(mode=0o700)
        (self.path.parent / "x" / "limits").write_text("bogus=1")
        with pytest.raises(SystemExit, match=r"limits, line 1: there is no limit 'bogus'"):
            service.startService()


class LateEndpoint(FakeEndpoint):
    """An endpoint that answers later."""

    def __init__(self) -> None:
        super().__init__(IN_USE)
        self.listening: Deferred[IListeningPort] = Deferred()

    def listen(self, protocolFactory: IProtocolFactory) -> Deferred[IListeningPort]:
        """Return a Deferred that the test fires."""
        return self.listening


class LateTests(ServiceCase):
    """Endpoints that answer when the service is already running."""

    def test_a_late_failure_ends_it(self) -> None:
        endpoint = LateEndpoint()
        service = ChatService(
            *([("late:", endpoint)], self.path, self.reactor, Limits()),
            open_store=self.open_store,
            exit_with_1=lambda: self.exits.append(1),
        )
        service.privilegedStartService()
        service.startService()
        with capturedLogs() as events:
            endpoint.listening.errback(IN_USE)
        [line] = chat_lines(events)
        assert line.endswith("cannot start: cannot listen on late:: Address already in use")
        assert self.clock.is_stopped and self.exits == [1]
        self.stop(service, [])


class MakeServiceTests(ServiceCase):
    """The function that the plugin calls."""

    def make(self, *arguments: str) -> ChatService:
        """Return the service for a command line; clean up the reactor."""
        from twisted.internet import reactor

        clock = cast(IReactorTime, reactor)
        options = parse("--state", str(self.path), *arguments)
        before = set(clock.getDelayedCalls())
        self.replace(reactor, "seconds", clock.seconds)
        handlers = {
            it: signal.getsignal(it) for it in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        }
        try:
            service = makeService(options)
            assert clock.seconds() < time() / 2, "seconds since the boot, not since 1970"
            return service
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
            for call in set(clock.getDelayedCalls()) - before:
                call.cancel()

    def test_it_makes_a_service_that_has_done_nothing_yet(self) -> None:
        service = self.make("--listen", "tcp:0:interface=127.0.0.1", "--listen", "tcp6:0")
        assert isinstance(service, ChatService)
        assert service.ports == [] and not self.path.exists()

    def test_it_has_the_limits_that_were_set(self) -> None:
        service = self.make("--limit", "waiting_total=7", "--limit", "messages_per_second=0")
        assert service.factory.limits == Limits(waiting_total=7, messages_per_second=0)
        assert self.make().factory.limits == Limits()

    def test_the_log_has_as_much_of_addresses_as_was_chosen(self) -> None:
        assert self.make()._operator_log.shown("192.0.2.77") == "192.0.2.77"
        for which in LogAddresses:
            service = self.make("--log-addresses", which.value)
            assert service._operator_log.shown("192.0.2.77") == which.shown("192.0.2.77")
            assert service.factory.log is service._operator_log

    def test_checkers_are_the_service_s(self) -> None:
        assert self.make().authenticator is None
        assert self.make("--auth", "memory:bob:hunter2").authenticator is not None

    def test_many_may_wait_to_be_accepted_unless_it_is_said_how_many(self) -> None:
        service = self.make(
            *("--listen", "tcp:1", "--listen", "tcp6:1:interface=\\:\\:1"),
            *("--listen", "unix:/run/x", "--listen", "tcp:1:backlog=7"),
        )
        found = [vars(endpoint)["_backlog"] for _, endpoint in service._endpoints]
        assert found == [1_024, 1_024, 1_024, 7]
        assert service._endpoints[0][0] == "tcp:1"

    def test_proxies_go_with_the_endpoint_that_asks_them(self) -> None:
        for arguments in (
            ("--listen", "haproxy:tcp:5555"),
            ("--listen", "tcp:1", "--listen", "haproxy:tcp:2"),
            ("--proxy", "127.0.0.1"),
            ("--proxy", "unix", "--listen", "tcp:1"),
        ):
            with pytest.raises(usage.UsageError, match="go together"):
                parse(*arguments)
        for wrong in ("", "proxy.example.org", "10.0.0.0/33", "127.0.0.1:80", "unix:/x"):
            with pytest.raises(usage.UsageError, match="is not an address, a network"):
                parse("--listen", "haproxy:tcp:1", "--proxy", wrong)
        assert len(parse("--listen=haproxy:tcp:1", "--proxy=::1", "--proxy=unix")["proxies"]) == 2
        service = self.make("--listen", "haproxy:tcp:1", "--proxy", "10.1.2.3/8")
        [(description, endpoint)] = service._endpoints
        assert description == "haproxy:tcp:1" and verifyObject(IStreamServerEndpoint, endpoint)

    def test_what_is_no_endpoint_is_a_sentence(self) -> None:
        for description in (
            "5555",
            "tcp",
            "tcp:http!",
            "tcp:1:bogus=2",
            "ssl:1",
            "tls:",
            "",
            "x:1",
        ):
            with pytest.raises(SystemExit) as caught:
                self.make("--listen", description)
            start = f"encchat: {description!r} is not an endpoint to listen on: "
            assert str(caught.value).startswith(start)


class FakeReactor:
    """A reactor that can be stopped."""

    def __init__(self, running: bool) -> None:
        self.running = running
        self.stops = 0

    def callFromThread(self, call: object, *_: object) -> None:
        """Call at once."""
        assert callable(call)
        call()

    def stop(self) -> None:
        """Count it."""
        self.stops += 1


class StoreTests(ServiceCase):
    """The store, and where it is."""

    def test_the_store_is_in_the_state_directory(self) -> None:
        service, ports = self.start()
        assert self.opened == [(store_url(self.path), True)]
        self.stop(service, ports)
        assert self.store.is_closed

    def test_a_store_that_cannot_be_opened_ends_the_process_with_a_sentence(self) -> None:
        def fail_to_open(*_: object) -> LogStore:
            raise StoreError("it is of a newer version")

        service = ChatService([], self.path, self.reactor, Limits(), open_store=fail_to_open)
        service.privilegedStartService()
        with pytest.raises(SystemExit, match=r"^encchat: it is of a newer version$"):
            service.startService()

    def test_a_store_that_cannot_be_read_stops_the_reactor(self) -> None:
        self.replace(self.store, "scan", lambda _: fail(StoreError("a broken disk")))
        with capturedLogs() as events:
            service, ports = self.start()
        assert "encchat cannot start: a broken disk" in chat_lines(events)
        assert self.clock.is_stopped and self.exits == [1]
        self.stop(service, ports)

    def test_a_service_that_is_stopped_while_it_loads_opens_nothing_more(self) -> None:
        scanning: Deferred[list[tuple[bytes, bytes]]] = Deferred()
        self.replace(self.store, "scan", lambda _: scanning)
        self.clock.is_unix_broken = True  # Listening on the admin socket would be logged.
        with capturedLogs() as events:
            service, ports = self.start()
            self.stop(service, ports)
            scanning.callback([])
            self.clock.advance(1)
        assert not any("chat.admin" in line for line in chat_lines(events))

    def test_a_store_that_was_closed_while_it_loads_is_no_trouble(self) -> None:
        scanning: Deferred[list[tuple[bytes, bytes]]] = Deferred()
        self.replace(self.store, "scan", lambda _: scanning)
        with capturedLogs() as events:
            service, ports = self.start()
            self.stop(service, ports)
            scanning.errback(StoreError("the store is closed"))
        assert not any("cannot start" in line for line in chat_lines(events))
        assert not self.clock.is_stopped

    def test_what_is_kept_no_longer_is_removed_from_the_start_on(self) -> None:
        [alice] = Server(self.store).enter("alice")
        for text in ("one", "two"):
            alice.say(text)
        policy = RetentionPolicy(records=1)
        service = ChatService(
            [], self.path, self.reactor, Limits(), policy, open_store=self.open_store
        )
        service.startService()
        self.clock.advance(0)
        assert [it.seq for it in fired(self.store.read(alice.log(), 0, 1_000))] == [2]
        self.stop(service, [])
        assert self.clock.getDelayedCalls() == []

    def test_the_operator_s_tool_reaches_it_or_the_log_says_why_not(self) -> None:
        for is_broken in (False, True):
            self.setUp()
            self.clock.is_unix_broken = is_broken
            service = ChatService([], self.path, self.reactor, Limits(), open_store=self.open_store)
            service.startService()
            self.clock.advance(0)
            self.stop(service, [])
            assert self.clock.unix_port.is_stopping is not is_broken

    def test_options_say_who_may_come(self) -> None:
        options = parse("--registration", "invite", f"--operator={KEY}", "--operator", KEY)
        assert options["registration"] is Registration.INVITE
        assert options["operators"] == [KEY, KEY]
        assert parse()["registration"] is Registration.OPEN and parse()["operators"] == []
        for option, pattern in (
            ("--registration=all", "open, invite, or closed"),
            ("--log-addresses=some", "full, network, or none"),
            ("--operator=boss", "--operator needs the fingerprint of a key"),
            (f"--operator={KEY[7:]}", "--operator needs the fingerprint of a key"),
            ("--operator=", "it prints a link that makes you its owner"),
        ):
            with pytest.raises(usage.UsageError, match=pattern):
                parse(option)

    def test_options_say_what_is_kept(self) -> None:
        options = parse("--keep-days", "7", "--keep-records=100", "--no-search")
        assert (options["keep-days"], options["keep-records"]) == (7, 100)
        assert options["no-search"]
        assert not parse()["no-search"] and parse()["keep-days"] is None

    def test_other_numbers_are_refused(self) -> None:
        for option in ("--keep-days", "--keep-records"):
            for text in ("0", "-1", "", "1.5", "\u0663", "x", "1000000001"):
                with pytest.raises(usage.UsageError, match=f"{option} needs a whole number"):
                    parse(f"{option}={text}")


class SignalTests(ServerCase):
    """Ctrl-C and SIGTERM stop the reactor, and do nothing else."""

    def test_signals_stop_a_running_reactor_once(self) -> None:
        handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            for is_running in (True, False):
                reactor = FakeReactor(is_running)
                exit_cleanly_on_signals(cast(Reactor, reactor))
                for number in handlers:
                    os.kill(os.getpid(), number)
                assert reactor.stops == 2 * is_running
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
