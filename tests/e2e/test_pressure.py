"""Peers that cost time, places or memory, over real sockets: each is bounded, nobody else waits."""

import gc
import sys
from collections import Counter
from collections.abc import Sequence
from itertools import cycle, pairwise
from pathlib import Path
from resource import getpagesize
from socket import SO_RCVBUF, SOL_SOCKET
from time import monotonic
from typing import Any, Final

import pytest
import pytest_twisted
from msgspec.structs import replace
from twisted.internet.error import ConnectionLost

from chat.limits import RUN_BYTES, TEXT_BYTES, Limits
from chat.wire.connection import PeerClosed
from chat.wire.errors import CloseCode
from chat.wire.messages import Ping, Posted, Refused
from tests.e2e.attacks import ATTACKS, TLS_HELLO, Attack, frames_of
from tests.e2e.checks import check_close, check_log, run_attack
from tests.e2e.conftest import StartServer
from tests.e2e.support import Log, Peer, Server, Stage, eventually, login_of, sleep

every_stage = pytest.mark.parametrize("stage", Stage, ids=lambda stage: stage.name.lower())

SLACK: Final = 10.0
"""Seconds that a deadline may be missed by on a busy machine."""


# --- Time ---


@every_stage
@pytest_twisted.ensureDeferred
async def test_who_ends_no_line_is_closed_at_the_deadline(
    start_server: StartServer, log: Log, stage: Stage
) -> None:
    limits = Limits(
        handshake_seconds=0.8,
        ping_seconds=0.4,
        silence_seconds=0.8,
        sweep_seconds=0.05,
        presence_seconds=0,
    )
    server = await start_server(limits)
    size = server.size()
    peers = [await server.connect(f"mallory-{number}") for number in range(6)]
    for peer in peers:
        await peer.reach(stage)
        peer.is_mute = True
    since = monotonic()
    dribbling, *silent = peers
    line = dribbling.hello if stage is Stage.FRESH else frames_of(dribbling, stage)[0]
    half = line[: len(line) // 2]
    at_bound = b"A" * (22_007 if stage.is_sealed else 2_048)
    for peer, data in zip(silent, (b"", TLS_HELLO, at_bound, b"\n" * 100, half), strict=True):
        peer.write(data)
    sent = 0
    while dribbling.reason is None:
        dribbling.write(line[sent : sent + 1])
        sent += 1
        assert sent < len(line), "one byte at a time put the deadline off"
        await sleep(0.02)
    for peer in silent:
        await peer.end()
    assert monotonic() - since < 0.8 + SLACK
    for peer in peers:
        check_close(peer, stage, CloseCode.TIMEOUT)
        check_log(log, server.number(peer), CloseCode.TIMEOUT)
    await server.settle(size)
    await server.chat()


@pytest_twisted.ensureDeferred
async def test_who_is_busy_but_never_logs_in_is_closed_at_the_deadline(
    start_server: StartServer, log: Log
) -> None:
    server = await start_server(
        Limits(
            login_seconds=0.8,
            silence_seconds=0.4,
            ping_seconds=0.2,
            sweep_seconds=0.05,
            presence_seconds=0,
        )
    )
    size = server.size()
    peer = await server.peer("mallory", Stage.GREETED)
    since = monotonic()
    peer.write(peer.connection.login(replace(login_of(peer.connection, "mallory"), nick="alice")))
    while peer.reason is None:
        peer.write(peer.connection.send(Ping(7)))
        again = login_of(peer.connection, "mallory", peer.next_id())
        peer.write(peer.connection.send(replace(again, nick="bob")))
        assert monotonic() - since < 0.8 + SLACK
        await sleep(0.05)
    assert monotonic() - since > 0.7
    assert peer.count(Refused) > 5
    check_close(peer, Stage.LOGGED_IN, CloseCode.TIMEOUT)
    check_log(log, server.number(peer), CloseCode.TIMEOUT)
    await server.settle(size)
    await server.chat()


@every_stage
@pytest_twisted.ensureDeferred
async def test_who_does_not_read_the_close_is_cut_off(
    start_server: StartServer, log: Log, stage: Stage
) -> None:
    server = await start_server(Limits(close_seconds=0.3, sweep_seconds=0.05, presence_seconds=0))
    size = server.size()
    peer = await server.peer("mallory", stage)
    peer.transport.pauseProducing()
    since = monotonic()
    peer.write(b"F\r\n" + b"A" * 2**20)
    await eventually(lambda: log.of_session(server.number(peer)) != [])
    await server.chat()
    await server.settle(size)
    assert 0.25 < monotonic() - since < 0.3 + SLACK
    check_log(log, server.number(peer), CloseCode.MALFORMED)


# --- Places ---


@pytest_twisted.ensureDeferred
async def test_200_half_open_connections_shut_nobody_out(
    start_server: StartServer, log: Log
) -> None:
    server = await start_server(
        Limits(handshake_seconds=600, sweep_seconds=0.05, presence_seconds=0)
    )
    places = server.limits.waiting_per_address
    size = server.size()
    crowd: list[Peer] = []
    for _ in range(200):
        crowd.append(await server.connect("mallory"))
    for peer in crowd[::2]:
        peer.write(peer.hello)
    await eventually(lambda: sum(peer.reason is not None for peer in crowd) == 200 - places)
    dropped = crowd[: 200 - places]
    honest = await server.peer("carol", Stage.JOINED)
    await honest.say("hello from among them")
    await server.alice.hear("carol", "hello from among them")
    await server.chat()
    dropped.append(crowd[len(dropped)])
    for peer in dropped:
        await peer.end()
        check_close(peer, Stage.FRESH, CloseCode.BUSY)
        check_log(log, server.number(peer), CloseCode.BUSY)
    for peer in crowd[len(dropped) :]:
        assert peer.reason is None
        peer.transport.abortConnection()
        await peer.end()
    late = await server.peer("dave", Stage.JOINED)
    await late.say("room again")
    await honest.hear("dave", "room again")
    await late.leave()
    await honest.leave()
    await server.settle(size)


@pytest_twisted.ensureDeferred
async def test_half_open_connections_from_many_addresses_are_bounded_together(
    start_server: StartServer, log: Log
) -> None:
    server = await start_server(
        Limits(
            waiting_per_address=10,
            waiting_total=25,
            handshake_seconds=1,
            sweep_seconds=0.05,
            presence_seconds=0,
        )
    )
    size = server.size()
    crowd = [
        await server.connect("mallory", f"127.0.0.{host}")
        for host in (2, 3, 4, 5)
        for _ in range(10)
    ]
    await eventually(lambda: sum(peer.reason is not None for peer in crowd) == 15)
    # Of each address the youngest: at the end, seven of one and six of the others.
    kept = [peer for peer in crowd if peer.reason is None]
    assert [sum(peer in kept for peer in crowd[at : at + 10]) for at in (0, 10, 20, 30)] == [
        6,
        6,
        6,
        7,
    ]
    assert all(crowd[at - 6] in kept and crowd[at - 8] not in kept for at in (10, 20, 30, 40))
    for peer in crowd:
        await peer.end()
        check_close(peer, Stage.FRESH, CloseCode.TIMEOUT if peer in kept else CloseCode.BUSY, 0)
    await server.settle(size)
    await server.chat()


# --- Memory ---


def live_objects() -> Counter[str]:
    """Return how many objects of our classes there are, by class."""
    for _ in range(3):
        gc.collect()
    names = (f"{type(it).__module__}.{type(it).__qualname__}" for it in gc.get_objects())
    return Counter(name for name in names if name.startswith(("chat.", "tests.e2e.")))


def resident_bytes() -> int:
    """Return this process's resident memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * getpagesize()


@pytest_twisted.ensureDeferred
async def test_memory_is_flat_however_often_the_server_is_attacked(
    start_server: StartServer, log: Log
) -> None:
    # The room's log is full after every round, and with the same records.
    server = await start_server(Limits(sweep_seconds=0.05, presence_seconds=0))

    async def attack_with(attacks: Sequence[Attack]) -> tuple[Counter[str], int, int]:
        for attack, stage in zip(attacks, cycle(Stage), strict=False):
            await run_attack(server, log, attack, stage)
        await server.chat()
        await server.clear()
        await sleep(0.05)  # Until nothing is on its way any more.
        log.events.clear()
        server.forget_numbers()
        server.alice.forget()
        server.bob.forget()
        return live_objects(), sys.getallocatedblocks(), resident_bytes()

    await attack_with(ATTACKS)
    some = ATTACKS[::3]
    rounds = [await attack_with(some) for _ in range(4)]
    assert rounds[-1][0] == rounds[0][0]
    # What leaks does so in every round; what the interpreter and malloc() keep, in some.
    blocks = min(later[1] - before[1] for before, later in pairwise(rounds))
    resident = min(later[2] - before[2] for before, later in pairwise(rounds))
    connections = 2 * len(some)
    print(f"{blocks} blocks, {resident} bytes: {connections} connections")
    for bystander in (server.alice, server.bob):
        [known] = bystander.connection._reader._logs.values()
        assert len(known.keys) == 1, "keys of epochs that are over"
    # Until a program begins to log, Twisted itself keeps every event: some 3.6 small objects for a
    # connection, and up to 4.4 in a process that measures coverage.
    assert blocks < 5 * connections
    assert resident < 2**19


def buffered(server: Server, peer: Peer) -> int:
    """Return how much the server's transport holds for a peer, if the peer is still there."""
    session = server.factory.clients.get(server.number(peer))
    if session is None:
        return 0
    transport: Any = session.transport
    return len(transport.dataBuffer) - int(transport.offset) + int(transport._tempDataLen)


async def flood(server: Server, reader: Peer, count: int) -> int:
    """Let alice say `count` large texts. Return the most that was ever held for `reader`."""
    most = 0
    acknowledged = server.alice.count(Posted)
    for number in range(count):
        server.alice.post(f"{number:06}".ljust(TEXT_BYTES, "."))
        if number % 32 == 31:
            text = f"{number:06}".ljust(TEXT_BYTES, ".")
            await server.bob.hear("alice", text)
            most = max(most, buffered(server, reader))
            server.bob.forget()
    assert server.alice.count(Posted) > acknowledged
    return most


async def stalled_reader(server: Server) -> Peer:
    """Return somebody in the room who reads no more."""
    reader = await server.peer("carol", Stage.JOINED)
    transport: Any = reader.transport
    transport.getHandle().setsockopt(SOL_SOCKET, SO_RCVBUF, 65_536)
    reader.transport.pauseProducing()
    return reader


@pytest_twisted.ensureDeferred
async def test_a_reader_that_pauses_gets_everything_later_and_costs_no_memory(
    start_server: StartServer, log: Log
) -> None:
    server = await start_server(
        Limits(sweep_seconds=0.05, presence_seconds=0, bytes_per_second=0, messages_per_second=0)
    )
    reader = await stalled_reader(server)
    count = 1_344  # times 8 KiB: more than 10 MB
    most = await flood(server, reader, count)
    assert server.factory.clients[server.number(reader)].is_full
    # Its buffer is full at 64 KiB, and the write that fills it is one run at most.
    assert 0 < most <= 65_536 + RUN_BYTES + 1_024
    await server.chat()
    reader.transport.resumeProducing()
    await eventually(lambda: len(reader.texts("alice")) > count)
    texts = reader.texts("alice")
    assert [int(text[:6]) for text in texts[:count]] == list(range(count))
    assert len(texts) == count + 1
    assert len(reader.texts("bob")) == 1
    assert reader.error is None
    await reader.say("at last")
    await server.alice.hear("carol", "at last")


@pytest_twisted.ensureDeferred
async def test_a_reader_that_takes_little_is_not_dropped(
    start_server: StartServer, log: Log
) -> None:
    server = await start_server(
        Limits(
            sweep_seconds=0.05,
            stall_seconds=1,
            presence_seconds=0,
            bytes_per_second=0,
            messages_per_second=0,
        )
    )
    size = server.size()
    reader = await stalled_reader(server)
    session = server.factory.clients[server.number(reader)]
    while not session.is_full:
        await flood(server, reader, 32)
    transport: Any = reader.transport
    taken, since = 0, monotonic()
    while monotonic() - since < 3:
        taken += len(transport.getHandle().recv(16_384))
        assert not session.is_gone
        await sleep(0.1)
    print(f"{taken} bytes in three times as long as it may take nothing")
    await server.settle(size)
    check_log(log, server.number(reader), CloseCode.SLOW_CONSUMER)


@pytest_twisted.ensureDeferred
async def test_a_reader_that_stays_away_is_dropped(start_server: StartServer, log: Log) -> None:
    server = await start_server(
        Limits(
            sweep_seconds=0.05,
            stall_seconds=0.5,
            presence_seconds=0,
            bytes_per_second=0,
            messages_per_second=0,
        )
    )
    size = server.size()
    reader = await stalled_reader(server)
    assert await flood(server, reader, 768) > 0
    await server.settle(size)
    check_log(log, server.number(reader), CloseCode.SLOW_CONSUMER)
    await server.chat()
    reader.transport.resumeProducing()
    await reader.end()
    assert reader.reason is not None and reader.reason.check(ConnectionLost)
    assert not any(isinstance(event, PeerClosed) for event in reader.events)
