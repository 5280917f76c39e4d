"""The service that twistd runs: options, listening, starting and stopping."""

import ipaddress
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, cast

from twisted.application.service import Service
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import (
    IDelayedCall,
    IListeningPort,
    IReactorCore,
    IStreamServerEndpoint,
)
from twisted.logger import Logger
from twisted.python import usage
from twisted.python.failure import Failure

from chat.limits import Limits
from chat.server.factory import ChatFactory
from chat.server.requests import Desk, utc_milliseconds
from chat.server.retention import EVERYTHING, Keeps, Retention
from chat.server.settings import describe_limits, parse_limit
from chat.server.state import ConfigurationError, State, default_state_path
from chat.store import sqlite as store
from chat.store.interface import LogStore, StoreError
from chat.store.sqlite import open_store

__all__ = ["DEFAULT_LISTEN", "ChatService", "Options", "makeService"]

DEFAULT_LISTEN = "tcp:5555:interface=127.0.0.1"

_log = Logger()

_MOST: Final = 10**9
"""More than a billion days or records is a slip of the finger."""


class Options(usage.Options):
    """Options of ``twistd encchat``."""

    synopsis = "[options]"
    longdesc = f"""\
An encrypted chat server. Without options it listens on localhost:5555, and makes itself an
identity on the first start: it logs the fingerprint, and the line to paste into a client.

Strings for --listen are Twisted's server endpoint strings, for example tcp:5555 (all IPv4
addresses), tcp6:5555 (all IPv6 addresses), tcp:5555:interface=192.0.2.7, unix:/run/encchat.sock.
The default is {DEFAULT_LISTEN}.

The state directory holds all there is: the server's identity, host_key.pem (who has that file can
pose as this server; without it every client will refuse the server), everything that was said,
encchat.db, and the key to it, storage_key. Keep a copy of them. The default is $ENCCHAT_STATE, or
the user's data directory.

Everything is kept unless --keep-days or --keep-records say otherwise; what is kept no longer is
removed from the file. The index for searching holds words in clear; --no-search leaves it out."""

    optFlags = (("no-search", None, "Keep no index of what is said; an existing one is removed."),)

    def __init__(self) -> None:
        usage.Options.__init__(self)
        self["listen"] = []
        self["state"] = None
        self["keep-days"] = self["keep-records"] = None
        self["limits"] = {}

    def getUsage(self, width: int | None = None) -> str:
        """Return the help, with every limit and its default."""
        usage_text: str = usage.Options.getUsage(self, width)
        return (
            f"{usage_text}\nLimits (bytes, seconds), as they are unless set:\n{describe_limits()}"
        )

    def opt_listen(self, endpoint: str) -> None:
        """Where to listen, as an endpoint string; can be given several times."""
        self["listen"].append(endpoint)

    def opt_state(self, directory: str) -> None:
        """Directory for the server's identity; made if it does not exist."""
        if not directory:
            raise usage.UsageError("--state needs the name of a directory")
        self["state"] = Path(directory)

    def opt_keep_days(self, days: str) -> None:
        """Remove what is older than so many days."""
        self["keep-days"] = _positive("--keep-days", days)

    def opt_keep_records(self, records: str) -> None:
        """Remove all but the last so many records of each room and conversation."""
        self["keep-records"] = _positive("--keep-records", records)

    def opt_limit(self, limit: str) -> None:
        """Set a limit, as NAME=VALUE (see below); can be given several times."""
        try:
            name, value = parse_limit(limit)
        except ValueError as error:
            raise usage.UsageError(f"--limit: {error}") from None
        self["limits"][name] = value

    def postOptions(self) -> None:
        """Fill in the defaults."""
        self["listen"] = self["listen"] or [DEFAULT_LISTEN]
        self["state"] = self["state"] or default_state_path()


def _positive(option: str, text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) <= _MOST:
        raise usage.UsageError(f"{option} needs a whole number from 1 to {_MOST}")
    return int(text)


class ChatService(Service):
    """Listens while privileged, opens the state as the final user, serves, and stops politely."""

    name = "encchat"

    def __init__(
        self,
        endpoints: Sequence[tuple[str, IStreamServerEndpoint]],
        state_path: Path,
        clock: "Reactor",
        limits: Limits,
        keeps: Keeps = EVERYTHING,
        has_search: bool = True,
        open_store: Callable[[Path, store.Reactor, bool], LogStore] = open_store,
    ) -> None:
        self._endpoints = endpoints
        self._state_path = state_path
        self._clock = clock
        self._limits = limits
        self._keeps = keeps
        self._has_search = has_search
        self._open_store = open_store
        self._state: State | None = None
        self._store: LogStore | None = None
        self._retention: Retention | None = None
        self._failures: list[str] = []
        self._is_listening = False
        self.factory = ChatFactory(clock, limits)
        self.ports: list[IListeningPort] = []

    def privilegedStartService(self) -> None:
        """Listen, perhaps on a port that only root may use."""
        Service.privilegedStartService(self)
        self._listen()

    def _listen(self) -> None:
        """Listen. Ends the process with a sentence where that cannot be."""
        self._is_listening = True
        for description, endpoint in self._endpoints:
            listening = endpoint.listen(self.factory)
            listening.addCallbacks(
                self.ports.append, self._not_listening, errbackArgs=(description,)
            )
        if self._failures:
            raise SystemExit(f"encchat: {self._failures[0]}")

    def startService(self) -> None:
        """Open the state, and say where to connect. Ends the process where that cannot be."""
        if not self._is_listening:  # twist knows no privileges to drop.
            self._listen()
        Service.startService(self)
        try:
            self._state = State(self._state_path)
            host_key = self._state.host_key()
            storage_key = self._state.storage_key()
            self._store = self._open_store(
                self._state_path / "encchat.db", self._clock, self._has_search
            )
        except (ConfigurationError, StoreError) as error:
            raise SystemExit(f"encchat: {error}") from None
        self.factory.host_key = host_key
        self.factory.desk = desk = Desk(
            self._store, storage_key, self._clock, self._limits, keeps=self._keeps
        )
        self._retention = Retention(
            *(desk.context.hub, self._store, self._keeps, self._clock),
            *(self._limits.trim_seconds, utc_milliseconds),
        )
        self.factory.start()
        # The store's threads answer only when the reactor runs.
        self._clock.callWhenRunning(self._load)
        _log.info("Host key fingerprint: {fingerprint}", fingerprint=host_key.fingerprint)
        _log.info("The same in words: {words}", words=host_key.fingerprint_words)
        for port in self.ports:
            where = port.getHost()
            if not isinstance(where, IPv4Address | IPv6Address):
                _log.info("Listening on {where}", where=where)
            else:
                host = f"[{where.host}]" if isinstance(where, IPv6Address) else where.host
                _log.info("Listening on {host}:{port}", host=host, port=where.port)
                _log.info(
                    'Connect with: {python} -m chat.client "{address}"',
                    python=_python(),
                    address=_address(where, host_key.fingerprint),
                )

    def _load(self) -> None:
        loading = Deferred.fromCoroutine(self.factory.desk.load())
        loading.addCallbacks(self._open, self._not_loaded)

    def _open(self, _: object) -> None:
        """Everything is known: serve."""
        assert self._retention is not None
        self._retention.start()
        self.factory.open()

    def _not_loaded(self, failure: Failure) -> None:
        _log.critical("encchat cannot start: {reason}", reason=failure.getErrorMessage())
        self._clock.stop()

    def _not_listening(self, failure: Failure, description: str) -> None:
        message = f"cannot listen on {description}: {failure.getErrorMessage()}"
        self._failures.append(message)
        if self.running:  # Too late to end the process with it.
            # Not `message`: that name is the old logging system's.
            _log.critical("{sentence}", sentence=message)

    def stopService(self) -> Deferred[None]:
        """Stop listening, tell every client, and let go of the state."""
        Service.stopService(self)
        # Waited for, because a port that is a file is removed only then.
        closed: list[Deferred[object]] = [maybeDeferred(port.stopListening) for port in self.ports]
        self.factory.stop()
        if self._retention is not None:
            self._retention.stop()
        self.factory.close_all(self._limits.retry_seconds)
        deadline = self._clock.callLater(self._limits.shutdown_seconds, self.factory.abort_all)
        return Deferred.fromCoroutine(self._stopped(closed, deadline))

    async def _stopped(self, closed: list[Deferred[object]], deadline: IDelayedCall) -> None:
        await self.factory.drained()
        if deadline.active():
            deadline.cancel()
        for port in closed:
            await port
        if self._store is not None:
            self.factory.desk.close()
            await self._store.close()
        if self._state is not None:
            self._state.close()


def _python() -> str:
    """Return how to call this Python from the current directory."""
    python = Path(sys.executable)
    return str(python.relative_to(Path.cwd())) if python.is_relative_to(Path.cwd()) else "python"


def _address(where: IPv4Address | IPv6Address, fingerprint: str) -> str:
    """Return the address to give to a client that is to reach a port of this machine."""
    address = ipaddress.ip_address(where.host)
    if where.host == "127.0.0.1":  # What localhost is everywhere; ::1 it is not.
        host = "localhost"
    elif address.is_unspecified:
        host = socket.gethostname()
    else:
        host = f"[{where.host}]" if address.version == 6 else where.host
    return f"encchat://{host}:{where.port}/#{fingerprint}"


def makeService(options: Options) -> ChatService:
    """Return the service for ``twistd encchat`` with these options."""
    # The reactor is whatever twistd was told to use; it exists by now.
    from twisted.internet import reactor

    endpoints = []
    for description in options["listen"]:
        try:
            endpoints.append((description, serverFromString(reactor, description)))
        except Exception as error:  # Parsers are plugins, and raise what they like.
            raise SystemExit(
                f"encchat: {description!r} is not an endpoint to listen on: {error}"
            ) from None
    clock = cast(Reactor, reactor)
    clock.callLater(0, _exit_cleanly_on_signals, clock)
    keeps = Keeps(options["keep-days"], options["keep-records"])
    limits = Limits(**options["limits"])
    return ChatService(endpoints, options["state"], clock, limits, keeps, not options["no-search"])


class Reactor(store.Reactor, IReactorCore):
    """What is needed of the reactor."""


def _exit_cleanly_on_signals(reactor: Reactor) -> None:
    """Let Ctrl-C and SIGTERM stop the reactor and leave status 0.

    twistd's own handlers would have the process killed by the same signal once it has stopped.
    """

    def stop(number: int, frame: object) -> None:
        if reactor.running:
            reactor.callFromThread(reactor.stop)

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
