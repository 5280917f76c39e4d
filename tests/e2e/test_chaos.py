"""I6 over a network that misbehaves: nothing lost, nothing doubled, one order."""

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random
from typing import Final

import pytest_twisted

from chat.client.core.model import End
from chat.limits import ClientLimits, Limits
from chat.testing.headless import HeadlessClient
from tests import LONG
from tests.e2e.conftest import StartServer
from tests.e2e.proxy import Proxy
from tests.e2e.support import sleep, the_reactor

ROOMS: Final = 20 if LONG else 8
CLIENTS: Final = 10 * ROOMS
LINES: Final = 6
"""The least that each client says; it goes on until enough went wrong, or until `LINES_MOST`."""
LINES_MOST: Final = 50
LINE_SECONDS: Final = 0.7
CUTS: Final = CLIENTS // 2
"""Connections that have to be cut while they are used; and, beside that, so many lines have to be
sent again, and some connections have to hang until the client gives them up."""
PATIENCE: Final = 60.0
"""Seconds in which something has to come nearer; all together may take as long as it does."""

LIMITS: Final = Limits(
    sweep_seconds=0.25, connect_seconds=30, ping_seconds=1, silence_seconds=4, close_seconds=0.5
)
CLIENT_LIMITS: Final = ClientLimits(first_retry=0.1, last_retry=0.5)


async def wait(clients: list[HeadlessClient], what: str, condition: Callable[[], bool]) -> None:
    """Wait until something is so, while anything that clients do comes nearer to its end."""
    progress, deadline = -1, 0.0
    while not condition():
        now = the_reactor().seconds()
        seen = sum(it.answered + len(it.said) + it.returns + (it.end is not None) for it in clients)
        if seen != progress:
            progress, deadline = seen, now + PATIENCE
        assert now < deadline, what
        await sleep(0.05)


def went_wrong(proxy: Proxy, clients: list[HeadlessClient]) -> tuple[int, int, int]:
    """Return how often connections were cut and given up, and how often lines were sent again."""
    gave_up = sum("fallen silent" in reason for client in clients for reason in client.reasons)
    return proxy.done["cut"], gave_up, sum(client.sent_again for client in clients)


def is_enough(cut: int, gave_up: int, resent: int) -> bool:
    """Tell whether that much is worth a test."""
    return cut >= CUTS and resent >= CUTS and gave_up > 0


@pytest_twisted.ensureDeferred
async def test_i6_nothing_is_lost_or_doubled_whatever_the_network_does(
    start_server: StartServer,
) -> None:
    server = await start_server(Limits(sweep_seconds=0.5, waiting_per_address=1_024))
    proxy = Proxy(server.port, seed=20)
    port = await proxy.open()
    with tempfile.TemporaryDirectory() as home:
        clients = [
            HeadlessClient(
                the_reactor(),
                f"c{number}",
                port,
                Path(home) / str(number),
                LIMITS,
                CLIENT_LIMITS,
            )
            for number in range(CLIENTS)
        ]
        rooms = [clients[number::ROOMS] for number in range(ROOMS)]
        try:
            for number, room in enumerate(rooms):
                for client in room:
                    client.start()
                    client.join(f"room-{number}")
                await wait(room, "a room to be full", partial(all_answered, room))
            proxy.is_bad = True
            random = Random(20)
            lines = 0
            while lines < LINES or not is_enough(*went_wrong(proxy, clients)):
                assert lines < LINES_MOST, "too quiet a network"
                for client in random.sample(clients, CLIENTS):
                    client.say(f"line {lines}")
                lines += 1
                await sleep(LINE_SECONDS)
            proxy.is_bad = False
            heard = (CLIENTS // ROOMS - 1) * lines
            await wait(
                clients,
                "everybody to hear everything",
                lambda: all(len(client.said) >= heard for client in clients),
            )
            for client in clients:
                client.finish()
            await wait(
                clients,
                "everybody to leave",
                lambda: all(client.end is not None for client in clients),
            )
        finally:
            # Whatever happened: nobody goes on connecting while other tests run.
            for client in clients:
                client.close()
            await proxy.close()
    cut, gave_up, resent = went_wrong(proxy, clients)
    returns = sum(client.returns for client in clients)
    print(
        f"{dict(proxy.done)}, {gave_up} given up, {returns} reconnections;"
        f" {CLIENTS * lines} lines, {resent} of them sent again"
    )
    assert {client.end for client in clients} == {End.CLOSED}
    assert is_enough(cut, gave_up, resent), "too quiet a network"
    for room in rooms:
        check_room(room, lines)


def all_answered(clients: list[HeadlessClient]) -> bool:
    """Tell whether clients wait for nothing more."""
    return all(client.answered for client in clients)


def check_room(room: list[HeadlessClient], lines: int) -> None:
    """Check that each was shown what the others said, once, in the one order."""
    orders = {client.nick: client.said for client in room}
    for nick, order in orders.items():
        assert sorted(order) == sorted(
            (other, f"line {line}") for other in orders if other != nick for line in range(lines)
        ), f"{nick} was shown something twice, or not at all"
        for other, theirs in orders.items():
            ours = [said for said in order if said[0] != other]
            assert ours == [said for said in theirs if said[0] != nick], f"{nick} and {other}"
