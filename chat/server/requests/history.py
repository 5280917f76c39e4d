"""Requests that only look: lists, history, search, and what a user has seen.

A page is made of the very bytes that are stored. Whether the account may read a log is asked when
the page is about to be written, because much can happen while the store is read.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec import UNSET

from chat.limits import HISTORY_PAGE, SEQ_MAX, WORDS_BYTES
from chat.rooms.errors import NoSearchError, TextTooLongError
from chat.server.fanout.feed import Feed
from chat.server.fanout.runs import line_of, run_of
from chat.server.requests.context import Context
from chat.server.session import Session
from chat.store.interface import Stored
from chat.wire import messages
from chat.wire.records import record_epoch

__all__ = ["Archive"]


@dataclass(frozen=True, slots=True)
class _Item:
    """A record of a page, and the log it is in."""

    feed: Feed
    stored: Stored


class Archive:
    """Handlers. What a handler awaits is done before the session is read on."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def logs(self, session: Session, request: messages.Logs) -> None:
        """List the account's logs."""
        context = self._context
        account = context.account(session)
        after = None if request.after is UNSET else request.after
        rooms, more = context.hub.logs_after(account, after)
        tails = [context.store.tail(room.log) for room in rooms]
        logs = []
        for room, tail in zip(rooms, tails, strict=True):
            seen = context.catalog.seen(room.log, account.id)
            name = room.name_for(account)
            logs.append((room.log, room.kind.value, name, (await tail).seq, seen))
        session.send(messages.LogList(request.id, logs, more))

    def rooms(self, session: Session, request: messages.Rooms) -> None:
        """List public rooms."""
        self._context.account(session)
        after = None if request.after is UNSET else request.after
        rooms, more = self._context.hub.public_after(after)
        listed = [(room.name, len(room.members), room.topic) for room in rooms]
        session.send(messages.RoomList(request.id, listed, more))

    def who(self, session: Session, request: messages.Who) -> None:
        """List the members of a log."""
        context = self._context
        room = context.hub.room(context.account(session), request.log)
        keys, more = room.keys_after(None if request.after is UNSET else request.after)
        members = [context.hub.people.by_name_key(key) for key in keys]
        listed = [(member.nick, bool(member.sessions)) for member in members]
        session.send(messages.Members(request.id, room.log, listed, more))

    def seen(self, session: Session, message: messages.Seen) -> None:
        """Remember what a user has seen. Never answered."""
        context = self._context
        account = context.account(session)
        room = context.hub.room(account, message.log)
        feed = context.feeds.loaded(room.log)
        if feed is not None:
            context.catalog.mark_seen(room.log, account.id, min(message.seq, feed.tail))

    async def history(self, session: Session, request: messages.History) -> None:
        """Send a page of a log."""
        context = self._context
        room = context.hub.room(context.account(session), request.log)
        feed = await context.feeds.get(room.log)
        before = SEQ_MAX if request.before is UNSET else request.before
        most = context.limits.catch_up_bytes
        # One more than is wanted tells whether there are others.
        stored = await context.store.read(room.log, before, most, True, request.limit + 1)
        page = stored[: request.limit]
        more = len(stored) > request.limit
        if page and not more:
            more = bool(await context.store.read(room.log, page[-1].seq, 0, True, 1))
        self._send_page(session, request.id, [_Item(feed, it) for it in reversed(page)], more)

    async def search(self, session: Session, request: messages.Search) -> None:
        """Send the latest records with certain words."""
        context = self._context
        account = context.account(session)
        if not context.store.has_search:
            raise NoSearchError
        if len(request.words.encode()) > WORDS_BYTES:
            raise TextTooLongError(WORDS_BYTES, "bytes")
        found = await context.store.search(request.words, account.logs, HISTORY_PAGE + 1)
        more = len(found) > HISTORY_PAGE
        page: list[_Item] = []
        size = 0
        for it in found[:HISTORY_PAGE]:
            size += len(it.stored.record)
            if page and size > context.limits.catch_up_bytes:
                more = True
                break
            page.append(_Item(await context.feeds.get(it.log), it.stored))
        self._send_page(session, request.id, page, more)

    def _send_page(self, session: Session, id: int, page: Sequence[_Item], more: bool) -> None:
        context = self._context
        if session.is_gone:
            return
        account = context.account(session)
        page = [it for it in page if it.feed.log in account.logs]
        sent: set[tuple[bytes, int]] = set()
        lines = []
        for it in page:
            log, stored = it.feed.log, it.stored
            epoch = record_epoch(stored.record)
            if (log, epoch) not in sent and epoch != it.feed.knows(session.number):
                session.send(messages.Keys(log, epoch, it.feed.epochs.key(epoch).raw))
            sent.add((log, epoch))
            lines.append(line_of(log, stored.seq, stored.record))
        session.send(messages.Page(id, len(lines), more))
        if lines:
            session.deliver(run_of(lines))
