"""``python -m benchmarks.kills``: kill the server again and again while clients post.

The server is ``twistd``; the clients are the client's core without a face, and note which
posts the server acknowledged, with which numbers. Again and again, while all of them are posting,
the server gets SIGKILL and is started on the same state. What each kill interrupted is counted when
all connections are gone: posts that were sent, and not acknowledged by anything that still came.

Fails if a kill interrupted nothing, or came when a client had no more to say; if anything that was
acknowledged is missing from what a newcomer reads at the end, is there twice, or is not in the
order of the numbers; or if anybody was shown something else, or in another order.
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from random import Random
from threading import Timer
from typing import Final

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater, react

from benchmarks.server import ServerProcess, free_port
from chat.client.core.model import End
from chat.limits import ClientLimits, Limits
from chat.testing.headless import HeadlessClient, RealReactor

__all__ = ["Failed", "run"]

_PATIENCE: Final = 120.0
_POLL: Final = 0.002
_IN_FLIGHT: Final = 64
"""Lines of each client that are not answered, while it has any to say."""
_KILL_WITHIN: Final = 0.001, 0.01
"""Seconds from when all have as many on the way to the kill: less than the server needs for them,
so that it falls anywhere between their arrival and their acknowledgement."""

_LIMITS: Final = Limits()
_CLIENT_LIMITS: Final = ClientLimits(first_retry=0.2, last_retry=1)


class Failed(Exception):
    """Something that must not happen has happened."""


class _Poster:
    """A client with so many lines to say."""

    def __init__(self, client: HeadlessClient, lines: int) -> None:
        self.client = client
        self._lines = lines
        self._allowed = 0

    def allow(self, share: float) -> None:
        """Let it say this share of its lines."""
        self._allowed = round(self._lines * share)

    def fill(self) -> None:
        """Say what may be in flight."""
        while self.client.asked < self._allowed and self.in_flight < _IN_FLIGHT:
            self.client.say(f"line {self.client.asked}")

    @property
    def in_flight(self) -> int:
        """Lines that were said and are not answered."""
        return self.client.asked - self.client.answered

    @property
    def left(self) -> int:
        """Lines that it may say and that are not answered."""
        return self._allowed - self.client.answered

    @property
    def is_done(self) -> bool:
        """Whether it has said everything, and it is acknowledged."""
        return self.client.answered == self._lines


class _Run:
    def __init__(self, reactor: RealReactor, server: ServerProcess, home: Path) -> None:
        self._reactor = reactor
        self._server = server
        self._home = home
        self._random = Random(9)
        self._posters: list[_Poster] = []
        self._clients: list[HeadlessClient] = []

    async def play(self, clients: int, lines: int, kills: int) -> None:
        """Do it. Raises Failed."""
        reader = await self._enter("reader")
        self._posters = [_Poster(await self._enter(f"p{n}"), lines) for n in range(clients)]
        try:
            for kill in range(1, kills + 1):
                self._allow(kill / (kills + 1))
                await self._kill(kill)
            self._allow(1)
            await self._wait("acknowledgements", lambda: all(it.is_done for it in self._posters))
            total = clients * lines
            fresh = await self._enter("fresh", history=total)
            await self._wait("the history", lambda: len(fresh.said) >= total)
            await self._wait("the reader", lambda: len(reader.said) >= total)
            for client in self._clients:
                client.finish()
            await self._wait("all to leave", lambda: None not in {c.end for c in self._clients})
            self._check(fresh, total, kills)
        finally:
            for client in self._clients:
                client.close()

    async def _enter(self, nick: str, history: int = 0) -> HeadlessClient:
        client = HeadlessClient(
            self._reactor,
            nick,
            self._server.port,
            self._home / nick,
            _LIMITS,
            _CLIENT_LIMITS,
            history,
        )
        self._clients.append(client)
        client.start()
        await self._wait(nick, lambda: client.is_ready)
        return client

    async def _wait(self, what: str, condition: Callable[[], bool]) -> None:
        deadline = self._reactor.seconds() + _PATIENCE
        while not condition():
            if self._reactor.seconds() > deadline:
                raise Failed(f"waited too long for {what}")
            for poster in self._posters:
                poster.fill()
            await deferLater(self._reactor, _POLL)

    def _allow(self, share: float) -> None:
        for poster in self._posters:
            poster.allow(share)

    def _count(self) -> int:
        return sum(len(poster.client.acknowledged) for poster in self._posters)

    async def _kill(self, number: int) -> None:
        """Kill the server while everybody posts, start it, and wait until everybody is back."""
        left = sum(poster.left for poster in self._posters)
        goal = self._count() + self._random.randrange(left // 2)
        await self._wait("traffic", lambda: self._count() > goal)
        for poster in self._posters:
            poster.fill()
        # From a thread, because what just arrived can keep this one busy for longer than that.
        killing = Timer(self._random.uniform(*_KILL_WITHIN), self._server.kill)
        killing.start()
        await self._while_dead(lambda: all(client.cuts == number for client in self._clients))
        killing.join()
        acknowledged, in_flight = self._count(), [poster.in_flight for poster in self._posters]
        finished = sum(poster.is_done for poster in self._posters)
        if finished or not sum(in_flight):
            raise Failed(f"kill {number} did not land under traffic: {finished} clients were done")
        print(
            f"kill {number}: {acknowledged:,} posts were acknowledged,"
            f" {sum(in_flight)} of {sum(map(bool, in_flight))} clients on the way"
        )
        if "Traceback" in self._server.log():
            raise Failed(self._server.log())
        self._server.start()
        await self._while_dead(lambda: all(client.returns == number for client in self._clients))

    async def _while_dead(self, condition: Callable[[], bool]) -> None:
        """Wait, with nobody typing."""
        posters, self._posters = self._posters, []
        await self._wait("connections", condition)
        self._posters = posters

    def _check(self, fresh: HeadlessClient, total: int, kills: int) -> None:
        order = fresh.said
        acknowledged = sorted(
            (seq, (poster.client.nick, text))
            for poster in self._posters
            for seq, text in poster.client.acknowledged
        )
        places = {said: place for place, said in enumerate(order)}
        lost = [said for _, said in acknowledged if said not in places]
        if lost or len(order) != total or len(places) != total:
            doubled = len(order) - len(places)
            raise Failed(f"{len(lost)} acknowledged posts lost, {doubled} shown twice")
        by_number = [places[said] for _, said in acknowledged]
        if by_number != sorted(by_number):
            raise Failed("the order is not that of the numbers")
        for client in self._clients:
            others = [said for said in order if said[0] != client.nick]
            if client.said != others:
                raise Failed(f"{client.nick} was shown something else, or in another order")
            if client.end is not End.CLOSED or client.refusals:
                raise Failed(f"{client.nick} ended with {client.end}: {client.refusals}")
        again = sum(poster.client.sent_again for poster in self._posters)
        print(
            f"{kills} kills; {total:,} posts, {len(acknowledged):,} of them acknowledged;"
            f" {again:,} were sent again"
        )
        print("0 lost, 0 shown twice, one order for all, for a newcomer and by the numbers")


async def run(reactor: RealReactor, clients: int, lines: int, kills: int) -> None:
    """Do it: so many clients, lines of each, and kills. Raises Failed."""
    with (
        tempfile.TemporaryDirectory() as home,
        ServerProcess(port=free_port()) as server,
    ):
        await _Run(reactor, server, Path(home)).play(clients, lines, kills)


def _main(reactor: RealReactor) -> Deferred[None]:
    return Deferred.fromCoroutine(run(reactor, clients=10, lines=1_000, kills=10))


if __name__ == "__main__":
    try:
        react(_main)
    except Failed as error:
        sys.exit(f"FAILED: {error}")
