"""Requests for lists, history and search, and read markers.

A page consists of records as they are stored. The right to read a log is checked again just before
the page is written, because anything can happen while the store is read.
"""

from collections.abc import Sequence
from typing import Any

from msgspec import UNSET
from twisted.internet.defer import Deferred, FirstError, gatherResults

from chat.ids import AccountId, LogId
from chat.limits import HISTORY_PAGE, SEARCH_PHRASES, SEARCH_WORDS, SEQ_MAX, WORDS_BYTES
from chat.rooms.errors import (
    InvalidError,
    NoSearchError,
    SearchBusyError,
    SearchTooSlowError,
    TextTooLongError,
    TooManyPhrasesError,
    TooManyWordsError,
)
from chat.rooms.hub import Hub
from chat.rooms.roles import Role
from chat.rooms.room import Room
from chat.rooms.values import Kind
from chat.server.fanout.feed import Feed
from chat.server.requests.asking import Asking
from chat.server.turns import CrowdedError, GoneError
from chat.store.interface import Found, SlowSearchError, Stored
from chat.store.words import phrases
from chat.wire import messages
from chat.wire.records import record_epoch
from chat.wire.runs import line_of, run_of

__all__ = ["history", "logs", "rooms", "search", "seen", "who"]


async def logs(asking: Asking[messages.Logs]) -> None:
    """List the account's logs."""
    context, request = asking.context, asking.request
    after = None if request.after is UNSET else request.after
    listed, more = context.hub.logs_after(asking.account, after)
    reading = gatherResults([context.store.head(it.log) for it in listed], consumeErrors=True)
    try:
        heads = await reading
    except FirstError as error:
        error.subFailure.raiseException()
    asking.check()
    account = asking.account
    rows = [
        (
            *(room.log, room.kind.value, context.hub.name_of(room, account.id), head.seq),
            context.markers.seen(room.log, account.id),
        )
        for room, head in zip(listed, heads, strict=True)
        if room.log in account.logs
    ]
    asking.session.send(messages.LogList(request.id, rows, more))


def rooms(asking: Asking[messages.Rooms]) -> None:
    """List public rooms."""
    request = asking.request
    after = None if request.after is UNSET else request.after
    listed, more = asking.context.hub.public_after(after)
    rows = [(room.name, len(room.members), room.topic) for room in listed]
    asking.session.send(messages.RoomList(request.id, rows, more))


def who(asking: Asking[messages.Who]) -> None:
    """List the members of a log."""
    context, request, room = asking.context, asking.request, asking.room
    last = None if request.after is UNSET else context.hub.people.named(request.after)
    members, more = room.members_after(last)
    # Whoever is blocked does not see the other come and go.
    is_blocked = context.hub.is_blocked_in(asking.account, room)
    rows = [
        (
            *(member.id, member.nick),
            context.sessions.count(member.id) > 0 and (member is asking.account or not is_blocked),
            _role_in(room, member.id, context.hub).word,
        )
        for member in members
    ]
    asking.session.send(messages.Members(request.id, room.log, rows, more))


def _role_in(room: Room, account: AccountId, hub: Hub) -> Role:
    """Return a member's role; there are none in a private conversation."""
    return Role.MEMBER if room.kind is Kind.PRIVATE else hub.role(account, room)


def seen(asking: Asking[messages.Seen]) -> None:
    """Record a read marker, and tell the account's other connections. Never answered."""
    context, request = asking.context, asking.request
    feed = context.feeds.loaded(request.log)
    if feed is not None:
        seq = min(request.seq, feed.readers.tail)
        if context.markers.mark(request.log, asking.account.id, seq):
            for session in context.sessions.of(asking.account.id, asking.session):
                session.tell(messages.SeenElsewhere(request.log, seq))


async def history(asking: Asking[messages.History]) -> None:
    """Send a page of a log."""
    context, request = asking.context, asking.request
    log, store = request.log, context.store
    if [request.before, request.after, request.time].count(UNSET) < 2:
        raise InvalidError("Only one of `before`, `after` and `time` can be asked for.")
    feed = await context.feeds.get(log)
    backward, cursor = True, SEQ_MAX
    if request.before is not UNSET:
        cursor = request.before
    elif request.after is not UNSET:
        backward, cursor = False, request.after
    elif request.time is not UNSET:
        backward, cursor = False, await store.seek(log, request.time)
    most = context.limits.catch_up_bytes
    # One more than wanted, to see whether there are others.
    stored = await store.read(log, cursor, most, backward, request.limit + 1)
    page = stored[: request.limit]
    more = len(stored) > request.limit
    if page and not more:
        more = bool(await store.read(log, page[-1].seq, 0, backward, 1))
    if backward:
        page.reverse()
    await _send_page(asking, [(feed, it) for it in page], more)


async def search(asking: Asking[messages.Search]) -> None:
    """Send the latest records that contain the words."""
    context, request = asking.context, asking.request
    if not context.store.has_search:
        raise NoSearchError
    if len(request.words.encode()) > WORDS_BYTES:
        raise TextTooLongError(WORDS_BYTES, "bytes")
    wanted = phrases(request.words)
    if sum(map(len, wanted)) > SEARCH_WORDS:
        raise TooManyWordsError(SEARCH_WORDS)
    if len(wanted) > SEARCH_PHRASES:
        raise TooManyPhrasesError(SEARCH_PHRASES)
    found = await _find(asking)
    more = len(found) > HISTORY_PAGE
    page: list[tuple[Feed, Stored]] = []
    size = 0
    for it in found[:HISTORY_PAGE]:
        size += len(it.stored.data)
        if page and size > context.limits.catch_up_bytes:
            more = True
            break
        page.append((await context.feeds.get(it.log), it.stored))
    await _send_page(asking, page, more)


async def _find(asking: Asking[messages.Search]) -> list[Found]:
    """Search on the session's turn. Raises RequestError."""
    context, session = asking.context, asking.session
    seconds = context.limits.search_seconds

    def find() -> Deferred[list[Found]]:
        asking.check()
        words, logs = asking.request.words, asking.account.logs
        return context.store.search(words, logs, HISTORY_PAGE + 1, seconds)

    try:
        return await context.searches.run(
            session.group, session.account, lambda: session.is_gone, find
        )
    except SlowSearchError:
        raise SearchTooSlowError(f"{seconds:g}") from None
    except CrowdedError:
        raise SearchBusyError from None
    except GoneError:
        return []


async def _send_page(asking: Asking[Any], found: Sequence[tuple[Feed, Stored]], more: bool) -> None:
    """Answer with the records of logs that the account may still read."""
    session = asking.session
    epochs: dict[Feed, set[int]] = {}
    for feed, stored in found:
        epochs.setdefault(feed, set()).add(record_epoch(stored.data))
    keys = {feed: await feed.epochs.keys(numbers) for feed, numbers in epochs.items()}
    asking.check()
    if session.is_gone:
        return
    sent: set[tuple[LogId, int]] = set()
    lines = []
    for feed, stored in found:
        epoch = record_epoch(stored.data)
        if feed.log not in asking.account.logs or epoch not in keys[feed]:
            continue  # The account may no longer read it, or it has been removed.
        key = feed.log, epoch
        if key not in sent and epoch != feed.readers.knows(session.number):
            session.send(messages.Keys(feed.log, epoch, keys[feed][epoch].raw))
        sent.add(key)
        lines.append(line_of(feed.log, stored.seq, stored.data))
    session.send(messages.Page(asking.request.id, len(lines), more))
    if lines:
        session.deliver(run_of(lines))
