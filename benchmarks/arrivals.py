"""Scenarios of connecting: idle clients, memory, logins, clients that catch up, and many posts."""

from collections.abc import Sequence
from time import monotonic, sleep

from benchmarks.encchat import GROUP, Encchat, EncchatClient
from benchmarks.load import Loop, check, connect_room, run
from benchmarks.peer import Client, PeerError, Server, cpu_seconds, memory_bytes
from benchmarks.scenarios import Figures, Rounds

__all__ = ["catch_up", "idle", "logins", "own_logins", "posting"]

_SECONDS = 120.0


def idle(server: Server, clients: int, settle: float, seconds: float) -> Rounds:
    """Idle clients in no room: KiB of server memory each, percent of CPU."""
    connected: list[Client] = []
    try:
        # Warm up first: imports, caches, allocator.
        warm = connect_room(server, [f"w{index}" for index in range(20)], None)
        _close(warm)
        sleep(settle)
        before = memory_bytes(server)
        connected += connect_room(server, [f"d{n}" for n in range(clients)], None)
        sleep(settle)
        each = (memory_bytes(server) - before) / clients / 1_024
        cpu = cpu_seconds(server)
        with Loop(connected) as loop:
            deadline = monotonic() + seconds
            while (left := deadline - monotonic()) > 0:
                loop.turn(left)
        yield {"memory": each, "idle": (cpu_seconds(server) - cpu) / seconds * 100}
    finally:
        _close(connected)


def logins(server: Server, clients: int) -> Rounds:
    """Connection, handshake and login of known accounts, one by one: ms of server CPU each."""
    names = [f"e{index}" for index in range(clients)]
    _close(connect_room(server, names, None))
    while True:
        sleep(0.5)
        before = cpu_seconds(server)
        connected = connect_room(server, names, None)
        yield {"login": (cpu_seconds(server) - before) / clients * 1_000}
        _close(connected)


def own_logins(server: Encchat, clients: int, storm: int) -> Rounds:
    """The same with many at a time, and a storm of all at once."""
    first = [EncchatClient(f"e{index}") for index in range(storm)]
    _close(server.admit(first, GROUP))
    while True:
        figures: Figures = {}
        for name, count in (("login", clients), ("storm", storm)):
            # Make the keys, and let the previous clients leave, before the clock starts.
            again = [EncchatClient("", None, it.identity) for it in first[:count]]
            sleep(1)
            before, begin = cpu_seconds(server), monotonic()
            out = server.storm(again)
            if name == "storm":
                figures |= {"last": monotonic() - begin, "out": out}
            figures[name] = (cpu_seconds(server) - before) / (count - out) * 1_000
            _close(again)
        yield figures


def catch_up(server: Encchat, records: int, clients: int, group: int) -> Rounds:
    """Clients that missed a room's records return: records per server CPU second, and memory."""
    names = [f"f{index}" for index in range(clients)]
    members = server.admit([EncchatClient(name, "past") for name in names], GROUP)
    identities = [member.identity for member in members]
    log, tail = members[0].log, members[0].tail
    _close(members)
    talkers = connect_room(server, [f"talker{index}" for index in range(8)], "past")
    run(talkers, talkers, records, 512)
    _close(talkers)
    sleep(1)
    while True:
        # Warm up first, to fill the bounded cache of the log.
        _return(server, [EncchatClient(names[0], None, identities[0], (log, tail))], records)
        sleep(1)
        before, cpu = memory_bytes(server), cpu_seconds(server)
        peak = before
        for start in range(0, clients, group):
            back = [
                EncchatClient(name, None, identity, (log, tail))
                for name, identity in zip(
                    names[start : start + group], identities[start : start + group], strict=True
                )
            ]
            peak = max(peak, _return(server, back, records))
        rate = clients * records / (cpu_seconds(server) - cpu)
        sleep(1)
        after = memory_bytes(server)
        yield {
            "rate": rate,
            "before": before / 2**20,
            "peak": peak / 2**20,
            "after": after / 2**20,
            "growth": (peak - before) / 2**20,
        }


def _return(server: Encchat, back: list[EncchatClient], records: int) -> int:
    """Let clients come back, read what they have missed, and leave; return the server's peak memory
    meanwhile, in bytes. Raises PeerError if anything is missing."""
    server.admit(back, len(back))
    goal, peak = records * len(back), 0
    deadline = monotonic() + _SECONDS
    with Loop(back) as loop:
        while sum(it.delivered for it in back) < goal:
            loop.turn(0.1)
            peak = max(peak, memory_bytes(server))
            if monotonic() > deadline:
                raise PeerError("missed records do not arrive")
        loop.settle()
    if any(it.delivered != records for it in back):
        raise PeerError("records are missing, or arrived twice")
    _close(back)
    return peak


def posting(server: Server, people: int, rooms: int, posts: int, each: int) -> Rounds:
    """Many clients post in many rooms: durable posts per server CPU second, and per second."""
    posts = max(each, round(posts * server.share))
    groups = [
        connect_room(
            server, [f"p{room}-{index}" for index in range(people // rooms)], f"posts{room}"
        )
        for room in range(rooms)
    ]
    clients = [client for group in groups for client in group]
    while True:
        for group in groups:
            check(group, group)
        before, begin = cpu_seconds(server), monotonic()
        _post_all(clients, posts, each)
        took, cpu = monotonic() - begin, cpu_seconds(server) - before
        yield {"posts": people * posts / cpu, "rate": people * posts / took}


def _post_all(clients: Sequence[Client], posts: int, in_flight: int) -> None:
    """Let each client post a number of times, with a bound on unacknowledged posts."""
    done = {id(client): client.acknowledged + posts for client in clients}
    said = {id(client): 0 for client in clients}
    deadline = monotonic() + _SECONDS
    with Loop(clients) as loop:
        while any(client.acknowledged < done[id(client)] for client in clients):
            for client in clients:
                key = id(client)
                while (
                    said[key] < posts
                    and said[key] - (client.acknowledged - done[key] + posts) < in_flight
                ):
                    loop.say(client)
                    said[key] += 1
            loop.turn(1.0)
            if monotonic() > deadline:
                raise PeerError("posts were not acknowledged")
        loop.settle()


def _close(clients: Sequence[Client]) -> None:
    for client in clients:
        client.close()
