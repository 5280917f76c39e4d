"""The load generator: clients in one process, driven by epoll, and the check that all arrived."""

import gc
import select
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import count, cycle, islice
from time import monotonic, process_time
from typing import Final

from benchmarks.encchat import GROUP, Encchat, EncchatClient
from benchmarks.peer import Client, PeerError, Server
from benchmarks.texts import text

__all__ = ["SAMPLE", "Loop", "check", "connect_room", "paced", "run"]

SAMPLE: Final = 8
"""Messages that every reader opens in every round."""
_SECONDS: Final = 60.0
"""Time limit for one round."""
_QUIET: Final = 0.02
"""Seconds of silence after which nothing more is expected."""
_BUSY: Final = 0.7
"""Share of a core; if the clients need more, the latencies are theirs."""
_DRAIN_EVERY: Final = 20

_numbers = count()


class Loop:
    """Reads each client when something has arrived for it. A context manager."""

    def __init__(self, clients: Iterable[Client]) -> None:
        self.clients = list(dict.fromkeys(clients))
        self._by_fd = {client.fileno(): client for client in self.clients}
        self._talking: set[Client] = set()
        """Clients that have posted since the last turn."""
        self.delivered = 0
        """Messages that all clients together have received since the loop was made."""

    def __enter__(self) -> "Loop":
        """Start watching the clients."""
        # The clients' objects stay, so keep the garbage collector from scanning them repeatedly.
        gc.collect()
        gc.freeze()
        self._epoll = select.epoll()
        for fd in self._by_fd:
            self._epoll.register(fd, select.EPOLLIN)
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Stop watching the clients."""
        self._epoll.close()

    def turn(self, seconds: float) -> bool:
        """Send new posts, each client's in one write; wait up to `seconds`; process what has
        arrived, and return whether anything has."""
        for client in self._talking:
            if not client.flush():
                self._epoll.modify(client.fileno(), select.EPOLLIN | select.EPOLLOUT)
        self._talking.clear()
        events = self._epoll.poll(max(0.0, seconds), len(self._by_fd))
        for fd, kind in events:
            client = self._by_fd[fd]
            if kind & select.EPOLLOUT and client.flush():
                self._epoll.modify(fd, select.EPOLLIN)
            if kind & ~select.EPOLLOUT:
                before = client.delivered
                client.receive()
                self.delivered += client.delivered - before
        return bool(events)

    def say(self, client: Client) -> tuple[int, float]:
        """Let a client post in the next turn; return the post's number, and the time."""
        number = next(_numbers) % 10**8
        said, now = text(number), monotonic()
        client.post(said)
        self._talking.add(client)
        return number, now

    def settle(self) -> None:
        """Process input until no more arrives. Raises PeerError if it does not end."""
        deadline = monotonic() + _SECONDS
        while self.turn(_QUIET):
            if monotonic() > deadline:
                raise PeerError("input does not end")


def connect_room(server: Server, names: Sequence[str], room: str | None) -> list[Client]:
    """Return a client for each nickname. Clients already in meanwhile read that others join."""
    clients: list[Client] = []
    if isinstance(server, Encchat):
        clients += server.admit([EncchatClient(name, room) for name in names], GROUP)
        names = ()
    for number, name in enumerate(names, 1):
        clients.append(server.connect(name, room))
        if room is not None and number % _DRAIN_EVERY == 0:
            for client in clients:
                client.receive()
                client.flush()
    with Loop(clients) as loop:
        loop.settle()
    return clients


def check(senders: Sequence[Client], readers: Sequence[Client]) -> None:
    """Make every reader open, verify and compare some messages. Raises PeerError."""
    opened = [reader.opened for reader in readers]
    for reader in readers:
        reader.sample(SAMPLE)
    run(senders[:1], readers, SAMPLE + (senders[0] in readers), 1)
    if any(
        reader.opened < before + SAMPLE
        for reader, before in zip(readers, opened, strict=True)
        if reader is not senders[0]
    ):
        raise PeerError("a reader has not opened its sample")


def run(senders: Sequence[Client], readers: Sequence[Client], posts: int, in_flight: int) -> None:
    """Let the senders post in turns: `in_flight` posts at once, the next when all have arrived.

    A sender's posts leave in one write. This is the same for every server, whether it acknowledges
    or not. Raises PeerError if anything is missing or arrives twice, or after a minute.
    """
    audience = len(readers) - (senders[0] in readers)
    before = {id(reader): reader.delivered for reader in readers}
    said: Counter[int] = Counter()
    turns = cycle(senders)
    deadline = monotonic() + _SECONDS
    with Loop([*senders, *readers]) as loop:
        posted = 0
        while posted < posts:
            burst = min(in_flight, posts - posted)
            for sender in islice(turns, burst):
                loop.say(sender)
                said[id(sender)] += 1
            posted += burst
            while loop.delivered < posted * audience:
                loop.turn(1.0)
                if monotonic() > deadline:
                    missing = posted * audience - loop.delivered
                    raise PeerError(f"{missing} deliveries are missing")
        loop.settle()
    for reader in readers:
        _expect(reader, before[id(reader)] + posts - said[id(reader)])


def _expect(reader: Client, delivered: int) -> None:
    if reader.delivered != delivered:
        raise PeerError(f"{reader.delivered} deliveries instead of {delivered}")


def paced(
    rooms: Sequence[Sequence[Client]],
    turns: Iterable[tuple[int, int]],
    openers: Sequence[Client],
    rate: float,
    posts: int,
) -> list[float]:
    """Post evenly, `rate` per second; return the milliseconds until openers have seen each post.

    `turns` yields the next room, and the client in it. Raises PeerError as `run` does.
    """
    expected = {id(client): client.delivered for room in rooms for client in room}
    times: dict[int, float] = {}
    seen: list[list[tuple[int, float]]] = []
    for opener in openers:
        opener.seen = []
        seen.append(opener.seen)
    with Loop(client for room in rooms for client in room) as loop:
        begin, cpu = monotonic(), process_time()
        for index, (room, sender) in zip(range(posts), turns, strict=False):
            due = begin + index / rate
            while (left := due - monotonic()) > 0:
                loop.turn(left)
            number, now = loop.say(rooms[room][sender])
            times[number] = now
            for client in rooms[room]:
                expected[id(client)] += 1
            expected[id(rooms[room][sender])] -= 1
            loop.turn(0)
        if (busy := (process_time() - cpu) / (monotonic() - begin)) > _BUSY:
            print(f"The clients took {busy:.0%} of their core: latencies are theirs", flush=True)
        goal = sum((len(room) - 1) for room in rooms)  # One post in each room.
        goal = posts * goal // len(rooms)
        while loop.delivered < goal:
            loop.turn(1.0)
            if monotonic() > begin + _SECONDS:
                raise PeerError(f"{goal - loop.delivered} of {goal} deliveries are missing")
        loop.settle()
    for opener in openers:
        opener.seen = None
    for everybody in rooms:
        for client in everybody:
            _expect(client, expected[id(client)])
    return [(when - times[number]) * 1_000 for those in seen for number, when in those]
