"""Requests that add a record to a log: post, edit, delete, react."""

from collections.abc import Coroutine
from typing import Any

from msgspec import UNSET

from chat.rooms.errors import NotYoursError
from chat.rooms.happenings import Deleted, Edited, Happening, Reacted, Said
from chat.rooms.hub import check_reaction, check_text
from chat.rooms.people import Account
from chat.rooms.room import Room
from chat.server.fanout.feed import Draft, Feed
from chat.server.requests.context import Context
from chat.server.session import Session
from chat.wire import messages
from chat.wire.records import open_record, record_epoch, record_id

__all__ = ["Posting"]

_Later = Coroutine[Any, Any, None] | None
"""What is still to be done, if anything is."""


class Posting:
    """Handlers. The two that many use at once wait for nothing, where the log is in use."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def post(self, session: Session, request: messages.Post) -> _Later:
        """Say something."""
        account, room = self._speaker(session, request)
        check_text(request.text)
        if room.slow:
            context = self._context
            context.hub.check_pace(account, room, request.message, context.milliseconds())
        reply = 0 if request.reply is UNSET else request.reply
        said = Said(request.log, account.id, account.nick, request.text, reply)
        return self._add(session, request, said)

    def react(self, session: Session, request: messages.React) -> _Later:
        """React to something."""
        account, _ = self._speaker(session, request)
        check_reaction(request.reaction)
        reacted = Reacted(request.log, account.id, account.nick, request.seq, request.reaction)
        return self._add(session, request, reacted)

    async def edit(self, session: Session, request: messages.Edit) -> None:
        """Change what one said."""
        account, _ = self._speaker(session, request)
        check_text(request.text)
        edited = Edited(request.log, account.id, account.nick, request.seq, request.text)
        await self._change(session, request, edited, request.seq, (messages.TextBody,))

    async def delete(self, session: Session, request: messages.Delete) -> None:
        """Remove what one said."""
        account = self._member(session, request)
        deleted = Deleted(request.log, account.id, account.nick, request.seq)
        kinds = (messages.TextBody, messages.EditBody)
        await self._change(session, request, deleted, request.seq, kinds)

    def _member(self, session: Session, request: messages.Posting) -> Account:
        account = self._context.account(session)
        self._context.hub.room(account, request.log)
        return account

    def _speaker(self, session: Session, request: messages.Posting) -> tuple[Account, Room]:
        """Return who asks, if it may say something there, and where that is."""
        context = self._context
        account = context.account(session)
        room = context.hub.room(account, request.log)
        if context.hub.standing.muted or room.standing.muted:
            context.hub.check_may_speak(account, room, context.milliseconds())
        return account, room

    def _add(self, session: Session, request: messages.Posting, happening: Happening) -> _Later:
        feed = self._context.feeds.loaded(request.log)
        if feed is None:
            return self._add_later(session, request, happening)
        feed.add(_draft(session, request, happening))
        return None

    async def _add_later(
        self, session: Session, request: messages.Posting, happening: Happening
    ) -> None:
        feed = await self._context.feeds.get(request.log)
        self._member(session, request)  # It may have been removed meanwhile.
        feed.add(_draft(session, request, happening))

    async def _change(
        self,
        session: Session,
        request: messages.Posting,
        happening: Happening,
        seq: int,
        kinds: tuple[type[messages.Body], ...],
    ) -> None:
        """Add what changes the record `seq`, if that is the account's own, of one of `kinds`."""
        context = self._context
        feed = await context.feeds.get(request.log)
        known = await context.store.find(request.log, record_id(happening.account, request.message))
        # A repetition is answered like the first, although what it changed may be gone by now.
        if known is None and not await self._is_own(feed, happening.account, seq, kinds):
            raise NotYoursError
        self._member(session, request)
        feed.add(_draft(session, request, happening))

    async def _is_own(
        self, feed: Feed, account: bytes, seq: int, kinds: tuple[type[messages.Body], ...]
    ) -> bool:
        for stored in await self._context.store.read(feed.log, seq - 1, 1, limit=1):
            if stored.seq == seq:
                key = feed.epochs.key(record_epoch(stored.record))
                _, body = open_record(key, feed.log, stored.record)
                decoded = messages.decode_body(body)
                return isinstance(decoded, kinds) and decoded.account == account
        return False


def _draft(session: Session, request: messages.Posting, happening: Happening) -> Draft:
    identity = record_id(happening.account, request.message)
    return Draft(happening, identity, session, request=request.id)
