"""The process of the full-screen client: one loop for Twisted and the toolkit, and the status.

The reactor owns the loop, and the application is a task on it. The other way round, every end goes
wrong. Importing anything that imports the reactor has to wait until it is installed here.
"""

import argparse
import asyncio
import importlib
import os
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from chat.client.core.interfaces import StorageError
from chat.client.look import choose_theme
from chat.client.process import ask_secrets, install_loop
from chat.client.storage.known_hosts import default_home
from chat.client.storage.settings import Settings, SettingsFile
from chat.client.tui.app import ChatApp, StartError
from chat.client.tui.journal import Journal
from chat.client.visible import make_visible

if TYPE_CHECKING:
    from chat.client.tui.conductor import Conductor

__all__ = ["run"]


def run(arguments: argparse.Namespace) -> int:
    """Run the application, and return the exit status."""
    ask_secrets(arguments)
    try:
        settings = SettingsFile(default_home()).read()
    except StorageError as error:
        print(f"encchat: {make_visible(str(error))}", file=sys.stderr)
        return 1
    for name in ("COLUMNS", "LINES"):
        # The toolkit believes them before the terminal. Programs that use readline export them, and
        # they no longer hold once the window is resized.
        os.environ.pop(name, None)
    return _Process(install_loop(), arguments, settings).run()


def _load() -> None:
    importlib.import_module("chat.client.tui.world")


def _has_terminal() -> bool:
    """Return whether what the toolkit draws on is still a terminal."""
    import termios  # Not on Windows, where nothing hangs up.

    try:
        termios.tcgetattr(2)
    except termios.error:
        return False
    return True


def _let_go() -> None:
    """Draw to nowhere. The toolkit waits for ever for what it writes to a terminal that is gone."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    os.close(nowhere)


class _Process:
    """Ties the application to the reactor."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, arguments: argparse.Namespace, settings: Settings
    ) -> None:
        from twisted.internet import reactor
        from twisted.internet.defer import Deferred

        self._reactor: Any = cast(Any, reactor)
        self._loop = loop
        self._arguments = arguments
        self._ended: Deferred[None] = Deferred()
        self._journal = Journal()
        theme = choose_theme(settings.theme, os.environ)
        self._has_mouse = settings.mouse
        self._app = ChatApp(_load, self._make, theme, self._journal.failed)
        self._status = 0

    def run(self) -> int:
        """Run until the user leaves, or a signal comes."""
        self._journal.begin(lambda: self._app.call(self._tell_of_failure))
        self._reactor.callWhenRunning(self._start)
        self._reactor.addSystemEventTrigger("before", "shutdown", self._stop)
        self._reactor.run()
        for sentence in self._app.sentences():
            for line in sentence.split("\n"):
                print(make_visible(line), file=sys.stderr)
        if self._journal.where:
            print(f"Details are in {self._journal.where}", file=sys.stderr)
        return self._status

    def _start(self) -> None:
        if hasattr(signal, "SIGHUP"):  # Twisted leaves it alone, and it would kill at once.
            signal.signal(signal.SIGHUP, self._hang_up)
        task = self._loop.create_task(self._app.run_async(mouse=self._has_mouse))
        task.add_done_callback(self._done)

    def _hang_up(self, *_: object) -> None:
        """The terminal is gone, or somebody says so: leave it as it was, if it is there."""
        if not _has_terminal():
            _let_go()
        self._reactor.callFromThread(self._reactor.stop)

    def _make(self, app: ChatApp) -> "Conductor":
        from chat.client.tui.world import make_conductor

        try:
            return make_conductor(app, self._arguments, self._reactor)
        except StorageError as error:
            raise StartError(f"{error}.") from None

    def _tell_of_failure(self) -> None:
        self._app.notify(
            "Something went wrong inside encchat; it goes on.", severity="error", markup=False
        )

    def _done(self, task: "asyncio.Task[None]") -> None:
        from twisted.internet.error import ReactorNotRunning

        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._journal.failed(error)
        self._status = 1 if error is not None else self._app.return_code or 0
        self._ended.callback(None)
        with suppress(ReactorNotRunning):  # It is stopping already, after a signal.
            self._reactor.stop()

    def _stop(self) -> object:
        """Let the reactor wait until the terminal is itself again."""
        self._app.call(self._app.interrupt)
        return self._ended
