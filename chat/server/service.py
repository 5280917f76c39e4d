"""The service that twistd runs: listening, starting, reloading and stopping."""

import gc
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from twisted.application.service import Service
from twisted.cred.checkers import ICredentialsChecker
from twisted.internet.defer import Deferred, TimeoutError, maybeDeferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort, IStreamServerEndpoint
from twisted.logger import Logger
from twisted.python.failure import Failure

from chat import __version__
from chat.limits import Limits
from chat.rooms.invitations import Registration
from chat.server.administration.console import SOCKET, ConsoleFactory
from chat.server.administration.control import Control
from chat.server.connections.factory import ChatFactory
from chat.server.connections.proxies import NO_PROXIES, Proxies
from chat.server.endpoints import announce, connect_command, links
from chat.server.oplog import OperatorLog
from chat.server.passwords.authenticator import Authenticator
from chat.server.process import (
    Reactor,
    Terminal,
    exit_with_1,
    raise_file_limit,
    reopen_log,
)
from chat.server.requests.dispatcher import Dispatcher
from chat.server.settings import LIMITS, ConfigurationError, CurrentLimits
from chat.server.state.directory import StateDirectory, store_url
from chat.server.state.retention import EVERYTHING, Retention, RetentionPolicy
from chat.server.state.space import SpaceWatch
from chat.store import engine
from chat.store.interface import LogStore, StoreError
from chat.store.registry import open_store, put_temporary_files_in
from chat.wire.hostkey import HostKey

__all__ = ["ChatService"]

_log = Logger()

_COLLECTING: Final = (2_000, 5, 1_000)
"""Thresholds for Python's cyclic garbage collector (`gc.set_threshold`). A full collection scans
all objects of thousands of connections, which takes a tenth of a second or more and finds no
garbage. So make it rare. A partial one scans only newer objects, at about a microsecond each, so
make it frequent: then none takes long."""


class ChatService(Service):
    """Listens while privileged, opens the state as the final user, serves, and stops cleanly."""

    name = "encchat"

    def __init__(
        self,
        endpoints: Sequence[tuple[str, IStreamServerEndpoint]],
        state_path: Path,
        clock: Reactor,
        limits: Limits,
        retention: RetentionPolicy = EVERYTHING,
        has_search: bool = True,
        registration: Registration = Registration.OPEN,
        operators: Sequence[str] = (),
        proxies: Proxies = NO_PROXIES,
        open_store: Callable[[str, engine.Reactor, bool], LogStore] = open_store,
        checkers: Sequence[ICredentialsChecker] = (),
        exit_with_1: Callable[[], None] = exit_with_1,
        reopen_log: Callable[[], bool] = reopen_log,
        file_limit: Callable[[], int] = raise_file_limit,
        log: OperatorLog | None = None,
    ) -> None:
        self._endpoints = endpoints
        self._state_path = state_path
        self._clock = clock
        self._limits = limits
        self._current_limits = CurrentLimits(limits, state_path / LIMITS, file_limit)
        self._policy = retention
        self._has_search = has_search
        self._registration = registration
        self._operators = operators
        self._proxies = proxies
        self._open_store = open_store
        self._exit_with_1 = exit_with_1
        self._reopen_log = reopen_log
        self._terminal = Terminal()
        self.authenticator = Authenticator(checkers) if checkers else None
        """Checks passwords; None if the server does not ask for any."""
        self._state: StateDirectory | None = None
        self._store: LogStore | None = None
        self._dispatcher: Dispatcher | None = None
        self._retention: Retention | None = None
        self._space: SpaceWatch | None = None
        self._control: Control | None = None
        self._console: ConsoleFactory | None = None
        self._console_port: IListeningPort | None = None
        self._failures: list[str] = []
        self._is_listening = False
        self._operator_log = OperatorLog() if log is None else log
        self.factory = ChatFactory(clock, limits, log=self._operator_log)
        self.ports: list[IListeningPort] = []

    def privilegedStartService(self) -> None:
        """Listen, perhaps on a port that only root can bind."""
        Service.privilegedStartService(self)
        self._listen()

    def _listen(self) -> None:
        """Listen. Raises CannotStartError if that fails."""
        self._is_listening = True
        for description, endpoint in self._endpoints:
            listening = endpoint.listen(self.factory)
            listening.addCallbacks(
                self.ports.append, self._not_listening, errbackArgs=(description,)
            )
        if self._failures:
            self._terminal.fail(self._failures[0])

    def startService(self) -> None:
        """Open the state, and log where to connect. Raises CannotStartError if that fails."""
        if not self._is_listening:  # twist does not call privilegedStartService.
            self._listen()
        Service.startService(self)
        gc.set_threshold(*_COLLECTING)
        try:
            self._state = StateDirectory(self._state_path)
            set_limits = self._current_limits.read()
            host_key = self._state.host_key()
            storage_key = self._state.storage_key()
            self._state.set_proxies([str(it) for it in self._proxies.named])
            put_temporary_files_in(self._state_path)
            url = store_url(self._state_path)
            self._store = self._open_store(url, self._clock, self._has_search)
        except (ConfigurationError, StoreError) as error:
            self._terminal.fail(str(error))
        self.factory.host_key = host_key
        self.factory.dispatcher = self._dispatcher = dispatcher = Dispatcher(
            *(self._store, storage_key, self._clock, self._limits),
            retention=self._policy,
            registration=self._registration,
            operators=self._operators,
            is_proxy=self._proxies.are_in,
            authenticator=self.authenticator,
            log=self._operator_log,
        )
        control = Control(dispatcher.context, self._state, host_key, self._rekey)
        self._control = control
        self._console = ConsoleFactory(control)
        self._retention = Retention(
            *(dispatcher.context.hub, dispatcher.context.commits, self._policy, self._clock),
            *(self._limits.trim_seconds, dispatcher.context.time),
        )
        self._space = SpaceWatch(
            *(self._state_path, self._limits, dispatcher.context.commits.trouble),
            *(dispatcher.context.time.save, self._clock),
        )
        self.factory.start()
        # The store's threads can answer only once the reactor runs.
        self._clock.callWhenRunning(self._load)
        self._operator_log.server(
            "start",
            version=__version__,
            limits=set_limits or "default",
        )
        self._operator_log.start(self._clock)
        _log.info("State directory: {path}", path=self._state_path.absolute())
        _log.info("Host key fingerprint: {fingerprint}", fingerprint=host_key.fingerprint)
        _log.info("The same in words: {words}", words=host_key.fingerprint_words)
        announce(self.ports, host_key.fingerprint)

    def _load(self) -> None:
        assert self._dispatcher is not None
        loading = Deferred.fromCoroutine(self._dispatcher.load())
        loading.addCallback(lambda _: Deferred.fromCoroutine(self._offer_claim()))
        loading.addCallbacks(self._open, self._not_loaded)

    async def _offer_claim(self) -> None:
        """Log the link that makes the operator an owner, unless there is an owner or an owner's key
        is listed."""
        assert self._control is not None
        token = None if self._operators else await self._control.offer_claim()
        if token is None:
            return
        hours = round(self._limits.claim_seconds / 3_600)
        fingerprint = self.factory.host_key.fingerprint
        _log.info(
            "This server has no owner. The first to connect with this link becomes the owner. The"
            " link works once, within {hours} hours, and only until the next start. Keep it secret",
            hours=hours,
        )
        for link in links(self.ports, fingerprint, token):
            _log.info("Become the owner with: {command}", command=connect_command(link))

    def _rekey(self, host_key: HostKey) -> None:
        """Use a new host key for new connections."""
        self.factory.host_key = host_key

    def _open(self, _: object) -> None:
        """The state is loaded: serve."""
        if not self.running:
            return  # Stopped meanwhile.
        assert self._retention is not None and self._console is not None
        assert self._space is not None
        path = self._state_path / SOCKET
        try:
            # We hold the lock on the state, so an existing socket is left over from a crash.
            path.unlink(missing_ok=True)
            # mypy-zope cannot tell the kind of the factory.
            listen: Callable[..., IListeningPort] = self._clock.listenUNIX
            self._console_port = listen(str(path), self._console, mode=0o600)
        except (OSError, CannotListenError) as error:
            _log.error("chat.admin cannot reach this server: {reason}", reason=str(error))
        assert self._dispatcher is not None
        self._dispatcher.context.time.start()
        self._retention.start()
        self._space.start()
        self.factory.open()
        self._terminal.close()

    def _not_loaded(self, failure: Failure) -> None:
        if not self.running:
            return
        self._give_up(failure.getErrorMessage())

    def _give_up(self, reason: str) -> None:
        """Stop a server that is already running."""
        self._terminal.say(reason)
        self._exit_with_1()
        self._clock.stop()

    def _not_listening(self, failure: Failure, description: str) -> None:
        reason = failure.getErrorMessage()
        if isinstance(failure.value, CannotListenError):  # Its text repeats the address.
            cause = failure.value.socketError
            reason = (isinstance(cause, OSError) and cause.strerror) or str(cause)
        message = f"cannot listen on {description}: {reason}"
        self._failures.append(message)
        if self.running:
            self._give_up(message)

    # --- Running ---

    def reload(self) -> None:
        """Reopen the log file and read the limits again. Whichever fails stays unchanged."""
        try:
            if self._reopen_log():
                _log.info("The log file was reopened")
        except OSError as error:
            _log.error("The log file cannot be reopened: {reason}", reason=error.strerror)
        try:
            _log.info(
                "Limits were reloaded: {limits}",
                limits=self._current_limits.read() or "all are defaults",
            )
        except ConfigurationError as error:
            _log.error("The limits stay as they were: {reason}", reason=str(error))

    # --- The end ---

    def stopService(self) -> Deferred[None]:
        """Stop listening, answer pending requests, tell every client, and close the state."""
        Service.stopService(self)
        self._terminal.close()
        # Wait for them, because the file of a Unix socket is removed only then.
        closed: list[Deferred[object]] = [maybeDeferred(port.stopListening) for port in self.ports]
        if self._console_port is not None:
            closed.append(maybeDeferred(self._console_port.stopListening))
        self.factory.stop()
        if self._retention is not None:
            self._retention.stop()
        if self._space is not None:
            self._space.stop()
        if self._dispatcher is not None:
            self._dispatcher.context.time.stop()
        self.factory.hold_all()
        return Deferred.fromCoroutine(self._stopped(closed))

    async def _stopped(self, closed: list[Deferred[object]]) -> None:
        is_stored = True
        if self._dispatcher is not None:
            commits = self._dispatcher.context.commits
            answered = commits.idle()
            answered.addTimeout(self._limits.shutdown_seconds, self._clock)
            try:
                await answered
            except TimeoutError:  # Twisted's: the disk hangs.
                is_stored = False
            is_stored = is_stored and commits.trouble.full is None
        connections = self.factory.count
        self.factory.close_all(self._limits.retry_seconds)
        deadline = self._clock.callLater(self._limits.shutdown_seconds, self.factory.abort_all)
        await self.factory.drained()
        is_drained = deadline.active()
        if is_drained:
            deadline.cancel()
        for port in closed:
            try:
                await port
            except OSError:  # Its file is gone; close the store all the same.
                _log.failure("A port could not be closed")
        if self._store is not None:
            if self._dispatcher is not None:
                await self._dispatcher.close()
            await self._store.close()
        if self._state is not None:
            self._state.close()
        self._operator_log.stop()
        self._operator_log.server(
            "stop",
            connections=connections,
            drained="yes" if is_drained else "no",
            stored="yes" if is_stored else "no",
        )
