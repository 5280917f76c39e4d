"""What a hostile server makes the client remember."""

import os
from collections.abc import Callable, Iterator
from typing import Final

from chat.ids import AccountId, LogId
from chat.limits import RUN_BYTES
from chat.wire import messages as m
from tests.attacks.arena import Arena, Fell, attack
from tests.attacks.hostile import Hostile, hostile

MOST_MIB: Final = 40
"""Growth beyond this falls short. What `chat.limits.ClientLimits` allows is less: 16,384 keys,
10,000 logs, 100,000 names of a list."""
COUNT: Final = 40_000
_BATCH: Final = 200
_CONNECTIONS: Final = 4
"""Connections that the client ends, after which the server gives up."""


def _stranger(number: int) -> AccountId:
    return AccountId(number.to_bytes(16, "big"))


def _log() -> LogId:
    return LogId(os.urandom(16))


def _told(arena: Arena, make: Callable[[int], m.ServerMessage], count: int = COUNT) -> str:
    """Send a client messages without end, on new connections if it ends them."""
    with hostile(arena) as server:
        before = server.memory()
        for first in range(0, count, _BATCH):
            while not server.send(*map(make, range(first, first + _BATCH))):
                if not _is_back(server):
                    return _grown(server, before, first)
        return _grown(server, before, count)


def _is_back(server: Hostile) -> bool:
    """Return whether a client that has ended the connection is on another one."""
    return not server.is_connected and server.connections < _CONNECTIONS and server.let_in()


def _recorded(arena: Arena, make: Callable[[int], m.Body], count: int = COUNT) -> str:
    """Send a client records without end, on new connections if it ends them."""
    with hostile(arena) as server:
        before = server.memory()
        sent = 0
        while sent < count:
            lines = b""
            while len(lines) < RUN_BYTES - 20_000:
                lines += server.log.line(make(sent))
                sent += 1
            if not server.deliver(lines) and not _is_back(server):
                break
        return _grown(server, before, sent)


def _listed(
    arena: Arena, line: str, kind: type[m.Request], pages: Callable[[int], m.ServerMessage]
) -> str:
    """Answer a command with pages without end."""
    with hostile(arena) as server:
        server.answer = lambda it: [pages(it.id)] if isinstance(it, kind) else ()
        before = server.memory()
        server.enter(line)
        count = server.serve_pages(kind, COUNT // 10)
        if not count:
            raise Fell(f"{line} asked for nothing")
        return _grown(server, before, count, "pages")


def _grown(server: Hostile, before: float, count: int, what: str = "") -> str:
    server.settle()
    growth = server.memory() - before
    ended = server.connections - server.is_connected
    seen = f"+{growth:.0f} MiB at most with {count:,} {what or 'of them'}"
    seen += f"; connections that the client ended: {ended}" if ended else ""
    seen += ", and exited" if server.has_exited else ""
    if growth > MOST_MIB:
        raise Fell(f"{seen}; at most {MOST_MIB} MiB are allowed")
    return seen


@attack("a server sends keys of logs that the client does not read, without end", "+60 MiB")
def keys_without_end(arena: Arena) -> str:
    """Send keys of made-up logs."""
    return _told(arena, lambda _: m.Keys(_log(), 1, os.urandom(64)))


@attack("a server sends keys of ever new epochs of one log", "+60 MiB")
def epochs_without_end(arena: Arena) -> str:
    """Send keys of the log that the client reads."""
    log = LogId(bytes(range(16)))
    return _told(arena, lambda number: m.Keys(log, number + 2, os.urandom(64)))


@attack("a server pings without end, and does not read the answers", "+92 MiB")
def pings_unread(arena: Arena) -> str:
    """Ping a client, deaf to what it answers."""
    with hostile(arena) as server:
        before, sent, server.is_deaf = server.memory(), 0, True
        while sent < 10 * COUNT and server.send(*[m.Ping(2**62)] * _BATCH):
            sent += _BATCH
        server.serve(lambda: False, 5)
        server.is_deaf = False
        return _grown(server, before, sent)


@attack("a server opens logs for the client without end", "without a bound")
def opened_without_end(arena: Arena) -> str:
    """Say that it has become a member of made-up conversations."""
    return _told(arena, lambda it: m.Opened(_log(), "private", f"p{it}", 0, 0, 2, "t" * 200))


@attack("a list of members does not end", "without a bound")
def members_without_end(arena: Arena) -> str:
    """Answer /who with page after page."""
    log = LogId(bytes(range(16)))

    def page(id: int) -> m.Members:
        people = [(AccountId(_log()), f"{'a' * 20}{id}x{it}", True, "") for it in range(100)]
        return m.Members(id, log, people, True)

    return _listed(arena, "/who", m.Who, page)


@attack("a list of rooms does not end", "without a bound")
def rooms_without_end(arena: Arena) -> str:
    """Answer /rooms with page after page, with the longest topics."""

    def page(id: int) -> m.RoomList:
        rooms = [(f"r{id}x{it}", 1, "\N{GRINNING FACE}" * 200) for it in range(16)]
        return m.RoomList(id, rooms, True)

    return _listed(arena, "/rooms", m.Rooms, page)


@attack("a list of blocked accounts does not end", "without a bound")
def blocks_without_end(arena: Arena) -> str:
    """Answer /blocked with page after page."""

    def page(id: int) -> m.BlockList:
        return m.BlockList(id, [f"{'b' * 20}{id}x{it}" for it in range(120)], True)

    return _listed(arena, "/blocked", m.Blocks, page)


@attack("a list of logs does not end, at the login", "without a bound")
def logs_without_end(arena: Arena) -> str:
    """Answer `logs` with page after page of made-up rooms, at a second login."""
    with hostile(arena) as server:
        before = server.memory()

        def answer(request: m.Request) -> Iterator[m.ServerMessage]:
            if isinstance(request, m.Logs):
                rows = [(_log(), "public", f"r{request.id}x{it}", 9, 0) for it in range(80)]
                yield m.LogList(request.id, rows, True)

        server.answer = answer
        server.cut()
        server.let_in()
        return _grown(server, before, server.serve_pages(m.Logs, COUNT // 10), "pages")


@attack("a server sends notices without end", "without a bound")
def notices_without_end(arena: Arena) -> str:
    """Send sentences of 1,000 characters."""
    return _told(arena, lambda number: m.Notice(f"{number} " + "n" * 1_000))


@attack("a server sends invitations without end", "without a bound")
def invited_without_end(arena: Arena) -> str:
    """Invite to made-up rooms."""
    return _told(arena, lambda number: m.Invited(f"room{number}", f"by{number}"))


@attack("a server sends requests for conversations without end", "without a bound")
def requested_without_end(arena: Arena) -> str:
    """Let made-up accounts ask."""
    return _told(arena, lambda it: m.Requested(_log(), _stranger(it), f"stranger{it}"))


@attack("reactions to messages that the client does not know, by ever new accounts", "not tried")
def reactions_without_end(arena: Arena) -> str:
    """React to one message, and to messages that do not exist."""
    return _recorded(
        arena,
        lambda it: m.ReactionBody(
            1, _stranger(it), f"n{it}", 1 if it % 2 else 10**9 + it, "r" * 60 + str(it % 1_000)
        ),
    )


@attack("edits of messages that the client does not know", "not tried")
def edits_without_end(arena: Arena) -> str:
    """Edit what does not exist, with long texts."""
    return _recorded(
        arena, lambda it: m.EditBody(1, _stranger(it), f"n{it}", 10**9 + it, "e" * 2_000), 20_000
    )


@attack("ever new people come into a room", "not tried")
def arrivals_without_end(arena: Arena) -> str:
    """Let made-up accounts join."""
    return _recorded(arena, lambda it: m.JoinedBody(1, _stranger(it), f"joined{it}"))


@attack("a server answers with pages that are larger than asked for", "not tried")
def large_pages(arena: Arena) -> str:
    """Answer a request for history with runs of the longest texts."""
    with hostile(arena) as server:
        before, pages = server.memory(), 0
        body = m.TextBody(1, _stranger(1), "bob", "x" * 8_000)
        lines = b"".join(server.log.line(body) for _ in range(20))
        server.answer = lambda it: (
            [m.Page(it.id, 2**40, False)] if isinstance(it, m.History) else ()
        )
        server.enter("/history")
        server.serve(lambda: False, 2)
        while pages < 200 and server.is_connected and server.deliver(lines):
            pages += 1
        return _grown(server, before, 20 * pages)
