"""Scenarios in rooms: each sets up a server, and yields its figures round by round.

Figures are the server's: the CPU time of its processes, and when its readers see something.
"""

from collections.abc import Generator
from itertools import repeat
from random import Random
from statistics import quantiles
from time import monotonic

from benchmarks.load import check, connect_room, paced, run
from benchmarks.peer import Client, Server, cpu_seconds

__all__ = ["Figures", "Rounds", "busy_room", "fan_out", "latency", "many_rooms", "percentiles"]

Figures = dict[str, float]
Rounds = Generator[Figures, None, None]


def percentiles(times: list[float]) -> tuple[float, float]:
    """Return the median and the 99th percentile."""
    cuts = quantiles(times, n=100, method="inclusive")
    return cuts[49], cuts[98]


def fan_out(server: Server, readers: int, posts: int, in_flight: int) -> Rounds:
    """One client talks to many readers: deliveries per server CPU second."""
    posts = max(in_flight, round(posts * server.share))
    sender, *others = clients = connect_room(
        server, [f"a{index}" for index in range(readers + 1)], "fan"
    )
    try:
        while True:
            check([sender], others)
            # Only a few keep opening records: if all did, this would measure the generator.
            for reader in others[:3]:
                reader.sample(1)
            before = cpu_seconds(server)
            run([sender], others, posts, in_flight)
            yield {"rate": posts * readers / (cpu_seconds(server) - before)}
    finally:
        _close(clients)


def busy_room(server: Server, members: int, posts: int, each: int) -> Rounds:
    """All members of a room talk: deliveries per server CPU second."""
    posts = max(members, round(posts * server.share))
    clients = connect_room(server, [f"b{index}" for index in range(members)], "busy")
    try:
        while True:
            check(clients, clients)
            before = cpu_seconds(server)
            run(clients, clients, posts, members * each)
            yield {"rate": posts * (members - 1) / (cpu_seconds(server) - before)}
    finally:
        _close(clients)


def latency(server: Server, readers: int, openers: int, rate: float, seconds: float) -> Rounds:
    """One client posts evenly: milliseconds until seen, microseconds of server CPU per delivery."""
    clients = connect_room(server, [f"c{index}" for index in range(readers + 1)], "talk")
    posts = round(rate * seconds)
    try:
        while True:
            check(clients[:1], clients[1:])
            before = cpu_seconds(server)
            times = paced([clients], repeat((0, 0)), clients[1 : openers + 1], rate, posts)
            cpu = cpu_seconds(server) - before
            p50, p99 = percentiles(times)
            yield {"p50": p50, "p99": p99, "cpu": cpu / (posts * readers) * 1e6}
    finally:
        _close(clients)


def many_rooms(server: Server, rooms: int, people: int, every: float, seconds: float) -> Rounds:
    """Many small rooms where everybody posts now and then: percent of CPU, and latency."""
    groups = []
    for room in range(rooms):
        groups.append(
            connect_room(server, [f"g{room}-{index}" for index in range(people)], f"room{room}")
        )
    rate = rooms * people / every
    posts = round(rate * seconds)
    turns = [(room, index) for index in range(people) for room in range(rooms)]
    Random(rooms).shuffle(turns)
    openers = [group[0] for group in groups[:: max(1, rooms // 50)]]
    turns *= posts // len(turns) + 1
    try:
        while True:
            for group in groups[:: max(1, rooms // 50)]:
                check(group[:1], group)
            before, begin = cpu_seconds(server), monotonic()
            times = paced(groups, turns, openers, rate, posts)
            cpu, took = cpu_seconds(server) - before, monotonic() - begin
            p50, p99 = percentiles(times)
            per_delivery = cpu / (posts * (people - 1)) * 1e6
            yield {"busy": cpu / took * 100, "cpu": per_delivery, "p50": p50, "p99": p99}
    finally:
        _close([client for group in groups for client in group])


def _close(clients: list[Client]) -> None:
    for client in clients:
        client.close()
