"""The client's process: terminal, reactor, exit status."""

import argparse
import asyncio
import os
import sys
from contextlib import suppress
from io import TextIOWrapper
from threading import Semaphore
from typing import TYPE_CHECKING, TextIO, cast

from msgspec import UNSET
from twisted.internet.defer import Deferred
from twisted.internet.error import ReactorNotRunning
from twisted.internet.interfaces import IReactorCore, IReactorFromThreads, IReactorTime
from twisted.internet.task import LoopingCall

from chat.client.core.address import Address
from chat.client.core.interfaces import StorageError
from chat.client.core.login import Credentials
from chat.client.core.resync import LOBBY
from chat.client.line.client import LineClient
from chat.client.line.interfaces import ExitStatus
from chat.client.line.screen import TextScreen, can_edit
from chat.client.line.stdin import start_reading
from chat.client.network.assemble import assemble
from chat.client.process import ask_secrets, install_loop
from chat.client.storage.home import kept_in
from chat.client.storage.known_hosts import default_home
from chat.limits import ClientLimits, Limits

if TYPE_CHECKING:
    from chat.client.line.editor import Editor

__all__ = ["main"]


class _Reactor(IReactorTime, IReactorCore, IReactorFromThreads):
    """What is needed of the reactor."""


class App:
    """Ties a `LineClient` to the reactor, the network and the terminal.

    With `loop`, which is the reactor's, lines are typed in an `Editor`.
    """

    def __init__(
        self,
        reactor: _Reactor,
        arguments: argparse.Namespace,
        is_watched: bool,
        loop: asyncio.AbstractEventLoop | None,
    ) -> None:
        limits, client_limits = Limits(), ClientLimits()
        address: Address = arguments.address
        self._reactor = reactor
        self._window = Semaphore(limits.unacknowledged_posts)
        self._finished: Deferred[None] = Deferred()
        self.status = ExitStatus.OK
        self._editor = None if loop is None else self._make_editor(loop)
        plain = TextScreen(lambda: self.client.end_of_input(), is_watched=is_watched)
        self.client = LineClient(
            arguments.nick,
            is_terminal=is_watched,
            history=arguments.history,
            room=arguments.room or address.room,
            is_literal=arguments.literal,
            is_quiet=arguments.quiet,
            has_password=arguments.password is not None,
            screen=self._editor or plain,
            finish=self._finish,
            line_done=self._window.release,
            seconds=reactor.seconds,
            limits=client_limits,
        )
        self._core = assemble(
            reactor,
            self.client.event,
            address,
            **kept_in(default_home(), address, arguments.identity, arguments.passphrase),
            can_ask=is_watched,
            trust_new=arguments.trust_new,
            credentials=Credentials(
                arguments.link or UNSET, address.token or UNSET, arguments.password or UNSET
            ),
            home=None if arguments.room or address.room else LOBBY,
            limits=limits,
            client_limits=client_limits,
        )
        self._ticker = LoopingCall(self.client.tick)
        self._ticker.clock = reactor
        self._tick_seconds = limits.sweep_seconds

    def _make_editor(self, loop: asyncio.AbstractEventLoop) -> "Editor":
        # Only where it is used: it takes a tenth of a second.
        from chat.client.line.editor import Editor

        return Editor(loop, lambda: self.client.end_of_input())

    def run(self) -> ExitStatus:
        """Run until the conversation is over, or a signal comes. Returns the exit status."""
        self._reactor.callWhenRunning(self._start)
        self._reactor.addSystemEventTrigger("before", "shutdown", self._stop)
        self._reactor.run()
        return self.status

    def _start(self) -> None:
        line, end = self.client.line, self.client.end_of_input
        if self._editor is None:
            start_reading(self._reactor, self._window, line, end)
        else:
            self._editor.start(self._window, line, end, self._reactor.stop)
        self._ticker.start(self._tick_seconds, now=False)
        self.client.start(self._core)

    def _stop(self) -> Deferred[None]:
        """Let the reactor wait until the connection is closed properly."""
        self.client.interrupt()
        if self._editor is None:
            return self._finished
        editor = self._editor
        return self._finished.addCallback(lambda _: editor.stop())

    def _finish(self, status: ExitStatus) -> None:
        self.status = status
        self._finished.callback(None)
        with suppress(ReactorNotRunning):  # It is stopping already, after a signal.
            self._reactor.stop()


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()


def main(arguments: argparse.Namespace) -> None:
    """Run the client, and end the process with its status."""
    ask_secrets(arguments)
    is_watched = _is_terminal(sys.stdin) and _is_terminal(sys.stdout)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    loop = install_loop() if is_watched and can_edit(os.environ, sys.platform) else None
    # Only now, because importing it installs it.
    from twisted.internet import reactor

    try:
        app = App(cast(_Reactor, reactor), arguments, is_watched, loop)
    except StorageError as error:
        sys.exit(f"chat.client: {error}")
    sys.exit(app.run())
