"""The client's process: arguments, terminal, reactor, exit status."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from io import TextIOWrapper
from threading import Semaphore
from typing import TextIO, cast

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, connectProtocol
from twisted.internet.error import ReactorNotRunning
from twisted.internet.interfaces import IReactorCore, IReactorFromThreads, IReactorTime
from twisted.python.failure import Failure

from chat import __version__
from chat.client.address import Address, AddressError, parse_address
from chat.client.conversation import Conversation
from chat.client.display import make_visible
from chat.client.interfaces import ExitStatus
from chat.client.known_hosts import KnownHosts, default_home
from chat.client.lines import start_reading
from chat.client.protocol import ChatClientProtocol
from chat.client.trust import HostKeyCheck
from chat.limits import Limits

__all__ = ["main"]

_EPILOG = """\
Without a terminal (or with --plain) the client is for scripts: it reads lines from standard input,
prints what others say, asks nothing, and leaves at the end of the input when everything is
acknowledged. If no --nick is given, the first line is the nickname. Status: 0 all went well; 1 the
nickname or a line was refused; 2 wrong arguments; 3 no connection, or it was lost; 4 the host key
is not trusted. Accepted host keys are kept in known_hosts in $ENCCHAT_HOME, or the user's
configuration directory."""


class TextScreen:
    """A `chat.client.conversation.Screen` made of standard output and standard error.

    When nobody reads the one or the other any more, what would go there is dropped.
    """

    def __init__(self, on_broken: Callable[[], None]) -> None:
        self._on_broken = on_broken
        self._out: TextIO | None = sys.stdout
        self._err: TextIO | None = sys.stderr

    def show(self, line: str) -> None:
        """Print to standard output, at once."""
        self._print(line + "\n")

    def prompt(self, text: str) -> None:
        """Print to standard output, without ending the line."""
        self._print(text)

    def note(self, line: str) -> None:
        """Print to standard error."""
        try:
            print(line, file=self._err, flush=True)
        except OSError:
            self._err = None

    def _print(self, text: str) -> None:
        try:
            print(text, end="", file=self._out, flush=True)
        except OSError:
            # Python flushes once more at its end, and must not fail again.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            self._on_broken()


class _Reactor(IReactorTime, IReactorCore, IReactorFromThreads):
    """What is needed of the reactor."""


class App:
    """Ties a `Conversation` to the reactor, the network and the terminal."""

    def __init__(self, reactor: _Reactor, arguments: argparse.Namespace, is_terminal: bool) -> None:
        self._reactor = reactor
        self._limits = Limits()
        self._window = Semaphore(self._limits.unacknowledged_posts)
        self._address: Address = arguments.address
        self._protocol: ChatClientProtocol | None = None
        self._finished: Deferred[None] = Deferred()
        self.status = ExitStatus.OK
        self.conversation = Conversation(
            arguments.nick,
            is_terminal=is_terminal,
            check=HostKeyCheck(
                self._address,
                KnownHosts(default_home() / "known_hosts"),
                is_terminal=is_terminal,
                trust_new=arguments.trust_new,
            ),
            screen=TextScreen(lambda: self.conversation.end_of_input()),
            connect=self._connect,
            finish=self._finish,
            line_done=self._window.release,
        )

    def run(self) -> ExitStatus:
        """Run until the conversation is over, or a signal comes. Returns the exit status."""
        self._reactor.callWhenRunning(self._start)
        self._reactor.addSystemEventTrigger("before", "shutdown", self._stop)
        self._reactor.run()
        return self.status

    def _start(self) -> None:
        start_reading(
            self._reactor, self._window, self.conversation.line, self.conversation.end_of_input
        )
        self.conversation.start()

    def _connect(self) -> None:
        endpoint = HostnameEndpoint(
            self._reactor,
            self._address.host,
            self._address.port,
            timeout=self._limits.connect_seconds,
        )
        protocol = ChatClientProtocol(self.conversation, self._reactor, self._limits)
        connectProtocol(endpoint, protocol).addErrback(self._not_connected)

    def _not_connected(self, failure: Failure) -> None:
        message = make_visible(failure.getErrorMessage()).rstrip(".")
        self.conversation.disconnected(None, f"Could not connect to {self._address}: {message}.")

    def _stop(self) -> Deferred[None]:
        """Let the reactor wait until the connection is closed properly."""
        self.conversation.interrupt()
        return self._finished

    def _finish(self, status: ExitStatus) -> None:
        self.status = status
        self._finished.callback(None)
        with suppress(ReactorNotRunning):  # It is stopping already, after a signal.
            self._reactor.stop()


def _address(text: str) -> Address:
    try:
        return parse_address(text)
    except AddressError as error:
        raise argparse.ArgumentTypeError(f"{text!a}: {error}") from None


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the command line's arguments; ends the process with status 2 if they are wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m chat.client",
        description="Chat, encrypted, in a terminal or a script.",
        epilog=_EPILOG,
    )
    parser.add_argument(
        "address",
        nargs="?",
        type=_address,
        default=Address("localhost"),
        metavar="ADDRESS",
        help="HOST, HOST:PORT, or encchat://HOST:PORT/#SHA256:… (default: localhost:5555)",
    )
    parser.add_argument("--nick", help="nickname; asked for when not given")
    parser.add_argument("--plain", action="store_true", help="behave as without a terminal")
    parser.add_argument(
        "--trust-new", action="store_true", help="pin a host key that is new without asking"
    )
    parser.add_argument("--version", action="version", version=f"encchat {__version__}")
    return parser.parse_args(arguments)


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()


def main() -> None:
    """Run the client, and end the process with its status."""
    arguments = parse_arguments()
    is_terminal = not arguments.plain and _is_terminal(sys.stdin) and _is_terminal(sys.stdout)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    # Only now, because importing it installs it.
    from twisted.internet import reactor

    sys.exit(App(cast(_Reactor, reactor), arguments, is_terminal).run())
