"""``python -m benchmarks.kills``: kill the server repeatedly while clients post.

The server is ``twistd``; the clients are the client's core without a face, and note which posts the
server acknowledged, with which sequence numbers. While all of them are posting, the server gets
SIGKILL and is restarted on the same state, repeatedly. Once all connections are gone, the benchmark
counts what each kill interrupted: posts that were sent, and that nothing received since has
acknowledged.

It fails if a kill interrupted nothing, or came when a client had nothing left to post; if an
acknowledged post is missing from what a newcomer reads at the end, is there twice, or is not in
sequence order; or if any client was shown anything else, or in another order.
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
"""Unanswered lines per client, while it has any left."""
_KILL_WITHIN: Final = 0.001, 0.01
"""Seconds from when all clients have that many in flight to the kill. It is less than the server
needs for them, so the kill falls anywhere between their arrival and their acknowledgement."""

_LIMITS: Final = Limits()
_CLIENT_LIMITS: Final = ClientLimits(first_retry=0.2, last_retry=1)


class Failed(Exception):
    """A violation of durability or order."""


class _Poster:
    """A client with a number of lines to post."""

    def __init__(self, client: HeadlessClient, lines: int) -> None:
        self.client = client
        self._lines = lines
        self._allowed = 0

    def allow(self, share: float) -> None:
        """Let it post this share of its lines."""
        self._allowed = round(self._lines * share)

    def fill(self) -> None:
        """Post as many lines as may be in flight."""
        while self.client.asked < self._allowed and self.in_flight < _IN_FLIGHT:
            self.client.say(f"line {self.client.asked}")

    @property
    def in_flight(self) -> int:
        """Lines that were posted and not answered."""
        return self.client.asked - self.client.answered

    @property
    def left(self) -> int:
        """Lines that it may post and that are not answered."""
        return self._allowed - self.client.answered

    @property
    def is_done(self) -> bool:
        """Whether all its lines are acknowledged."""
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
        """Run the benchmark. Raises Failed."""
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
        """Kill the server while all clients post, restart it, and wait until all are back."""
        left = sum(poster.left for poster in self._posters)
        goal = self._count() + self._random.randrange(left // 2)
        await self._wait("traffic", lambda: self._count() > goal)
        for poster in self._posters:
            poster.fill()
        # From a thread, because input that just arrived can keep this one busy for longer.
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
            f" {sum(in_flight)} posts of {sum(map(bool, in_flight))} clients were in flight"
        )
        if "Traceback" in self._server.log():
            raise Failed(self._server.log())
        self._server.start()
        await self._while_dead(lambda: all(client.returns == number for client in self._clients))

    async def _while_dead(self, condition: Callable[[], bool]) -> None:
        """Wait while nobody types."""
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
            raise Failed("the order does not match the sequence numbers")
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
        print("0 lost, 0 shown twice; all clients, a newcomer and the numbers agree on one order")


async def run(reactor: RealReactor, clients: int, lines: int, kills: int) -> None:
    """Run it with a number of clients, lines per client, and kills. Raises Failed."""
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
