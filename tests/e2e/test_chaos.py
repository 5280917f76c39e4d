"""I6 over a network that misbehaves: 200 clients, nothing lost, nothing doubled, one order."""

import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Final

import pytest_twisted
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.task import LoopingCall
from twisted.python.failure import Failure

from chat.client.accounts import Accounts
from chat.client.address import Address
from chat.client.conversation import Conversation
from chat.client.interfaces import ExitStatus
from chat.client.known_hosts import KnownHosts
from chat.client.network import Dialer
from chat.client.protocol import ChatClientProtocol
from chat.client.retry import Backoff
from chat.client.trust import HostKeyCheck
from chat.limits import ClientLimits, Limits
from tests.e2e.conftest import StartServer
from tests.e2e.proxy import Proxy
from tests.e2e.support import sleep, the_reactor

CLIENTS: Final = 200
ROOMS: Final = 20
LINES: Final = 6
LINE_SECONDS: Final = 0.7
CUTS: Final = 100
PATIENCE: Final = 60.0

SAID: Final = re.compile(r"(c\d+): (line \d+)")


class Screen:
    """Keeps what is shown."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.notes: list[str] = []

    def show(self, line: str) -> None:
        """Keep a line of the conversation."""
        self.lines.append(line)

    def note(self, line: str) -> None:
        """Keep a note."""
        self.notes.append(line)

    def prompt(self, text: str) -> None:
        """Keep a question."""
        self.notes.append(text)

    @property
    def said(self) -> list[tuple[str, str]]:
        """What others were shown to have said: (nickname, line)."""
        found = map(SAID.fullmatch, self.lines)
        return [(match[1], match[2]) for match in found if match]


class Client:
    """The terminal client without its terminal."""

    def __init__(self, nick: str, port: int, home: Path) -> None:
        reactor = the_reactor()
        limits = Limits(sweep_seconds=0.5, connect_seconds=3)
        client_limits = ClientLimits(first_retry=0.1, last_retry=0.5)
        address = Address("localhost", port)
        backoff = Backoff(client_limits)
        self.nick = nick
        self.screen = Screen()
        self.status: ExitStatus | None = None
        self.answered = 0
        self.conversation = Conversation(
            nick,
            is_terminal=False,
            history=0,
            check=HostKeyCheck(
                address, KnownHosts(home / "known_hosts"), is_terminal=False, trust_new=True
            ),
            accounts=Accounts(home / "accounts", address),
            screen=self.screen,
            network=Dialer(
                TCP4ClientEndpoint(reactor, "127.0.0.1", port, timeout=3),
                lambda: ChatClientProtocol(self.conversation, reactor, limits),
                reactor,
                backoff.delay,
                self._not_connected,
            ),
            backoff=backoff,
            finish=self._finish,
            line_done=self._line_done,
            seconds=reactor.seconds,
            limits=client_limits,
        )
        self._ticker = LoopingCall(self.conversation.tick)

    def start(self) -> None:
        """Connect."""
        self._ticker.start(0.25)
        self.conversation.start()

    def _line_done(self) -> None:
        self.answered += 1

    def _not_connected(self, failure: Failure) -> None:
        raise AssertionError(failure.getErrorMessage())

    def _finish(self, status: ExitStatus) -> None:
        self.status = status
        self._ticker.stop()


async def wait(what: str, condition: Callable[[], bool]) -> None:
    """Wait until something is so."""
    deadline = the_reactor().seconds() + PATIENCE
    while not condition():
        assert the_reactor().seconds() < deadline, what
        await sleep(0.05)


@pytest_twisted.ensureDeferred
async def test_i6_nothing_is_lost_or_doubled_whatever_the_network_does(
    start_server: StartServer,
) -> None:
    server = await start_server(Limits(sweep_seconds=0.5, waiting_per_address=1_024))
    proxy = Proxy(server.port, seed=20)
    port = await proxy.open()
    with tempfile.TemporaryDirectory() as home:
        clients = [Client(f"c{number}", port, Path(home)) for number in range(CLIENTS)]
        rooms = [clients[number::ROOMS] for number in range(ROOMS)]
        for number, room in enumerate(rooms):
            for client in room:
                client.start()
                client.conversation.line(f"/join room-{number}")
            await sleep(0.1)
        await wait("everybody to be in", lambda: all(client.answered for client in clients))
        proxy.is_bad = True
        random = Random(20)
        for line in range(LINES):
            for client in random.sample(clients, CLIENTS):
                client.conversation.line(f"line {line}")
            await sleep(LINE_SECONDS)
        proxy.is_bad = False
        heard = (CLIENTS // ROOMS - 1) * LINES
        await wait(
            "everybody to hear everything",
            lambda: all(len(client.screen.said) >= heard for client in clients),
        )
        for client in clients:
            client.conversation.end_of_input()
        await wait(
            "everybody to leave", lambda: all(client.status is not None for client in clients)
        )
    await proxy.close()
    again = sum("Connected again" in note for client in clients for note in client.screen.notes)
    print(f"{dict(proxy.done)}, {again} reconnections, {CLIENTS * LINES} lines")
    assert {client.status for client in clients} == {ExitStatus.OK}
    assert proxy.done["cut"] + proxy.done["half-opened"] >= CUTS, "too quiet a network"
    for room in rooms:
        check_room(room)


def check_room(room: list[Client]) -> None:
    """Check that each was shown what the others said, once, in the one order."""
    orders = {client.nick: client.screen.said for client in room}
    for nick, order in orders.items():
        assert sorted(order) == sorted(
            (other, f"line {line}") for other in orders if other != nick for line in range(LINES)
        ), f"{nick} was shown something twice, or not at all"
        for other, theirs in orders.items():
            ours = [said for said in order if said[0] != other]
            assert ours == [said for said in theirs if said[0] != nick], f"{nick} and {other}"
