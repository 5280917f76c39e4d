"""The desk: takes every request to its handler, and sees to it that it gets its one answer.

The handlers are in `entry`, `membership`, `moderation`, `posting`, `archive`.
The domain decides (`chat.rooms`), the feed stores and tells everybody (`chat.server.fanout.feed`).
"""

import os
import time
from collections.abc import Callable, Collection, Coroutine
from typing import Any, Final

from msgspec import Struct
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from chat.limits import NICK_CHARACTERS, PAYLOAD_BYTES, TEXT_BYTES, Limits
from chat.rooms.entries import Registration
from chat.rooms.errors import NotReadError, NotStoredError, RequestError, UnknownRequestError
from chat.rooms.hub import Hub
from chat.rooms.room import Kind, Room
from chat.server.connections.failures import LoginFailures
from chat.server.fanout.feeds import Feeds
from chat.server.requests.accounts import Authenticator, Entry
from chat.server.requests.context import Context
from chat.server.requests.history import Archive
from chat.server.requests.invitations import InvitationDesk
from chat.server.requests.membership import Membership
from chat.server.requests.moderation import Moderation
from chat.server.requests.posts import Posting
from chat.server.requests.presence import Presence
from chat.server.session import Session, refuse
from chat.server.state.audit import Audit
from chat.server.state.catalog import Catalog
from chat.server.state.retention import EVERYTHING, Keeps
from chat.store.interface import LogStore, StoreError
from chat.wire import messages
from chat.wire.errors import CloseCode
from chat.wire.messages import Unknown
from chat.wire.sealing import RandomBytes

__all__ = ["LOBBY", "Desk", "utc_milliseconds"]

LOBBY: Final = "lobby"
"""The room that is always there. Nobody owns it."""

_LIMITS: Final = {"text": TEXT_BYTES, "nick": NICK_CHARACTERS, "payload": PAYLOAD_BYTES}

_log = Logger()


def utc_milliseconds() -> int:
    """Return the time in milliseconds of UTC."""
    return time.time_ns() // 1_000_000


class Desk:
    """Answers requests. `load` first."""

    def __init__(
        self,
        store: LogStore,
        storage_key: bytes,
        clock: IReactorTime,
        limits: Limits,
        milliseconds: Callable[[], int] = utc_milliseconds,
        random_bytes: RandomBytes = os.urandom,
        keeps: Keeps = EVERYTHING,
        registration: Registration = Registration.OPEN,
        authenticator: Authenticator | None = None,
        owners: Collection[str] = (),
    ) -> None:
        self._random_bytes = random_bytes
        hub, catalog = Hub(self._new_id, limits), Catalog(store, clock, limits)
        self.context = context = Context(
            hub,
            catalog,
            Feeds(store, storage_key, clock, limits, milliseconds, random_bytes),
            store,
            limits,
            milliseconds,
            random_bytes,
            Audit(store, random_bytes),
            InvitationDesk(hub, catalog, random_bytes),
            LoginFailures(limits, clock),
        )
        self._presence = Presence(context, clock)
        membership, posting, archive = Membership(context), Posting(context), Archive(context)
        self.moderation = moderation = Moderation(context, membership)
        entry = Entry(
            context,
            self._presence,
            _LIMITS | keeps.as_limits(),
            registration,
            authenticator,
            owners,
        )
        self._handlers: dict[type[Struct], Callable[[Session, Any], _Later]] = {
            messages.Login: entry.login,
            messages.Nick: entry.nick,
            messages.Code: entry.code,
            messages.Devices: entry.devices,
            messages.Revoke: entry.revoke,
            messages.Logs: archive.logs,
            messages.Rooms: archive.rooms,
            messages.Who: archive.who,
            messages.Seen: archive.seen,
            messages.History: archive.history,
            messages.Search: archive.search,
            messages.Join: membership.join,
            messages.Private: membership.private,
            messages.Read: membership.read,
            messages.Leave: membership.leave,
            messages.Topic: membership.topic,
            messages.Invite: membership.invite,
            messages.Moderate: moderation.moderate,
            messages.Slow: moderation.slow,
            messages.Token: moderation.token,
            messages.Post: posting.post,
            messages.Edit: posting.edit,
            messages.Delete: posting.delete,
            messages.React: posting.react,
            Unknown: self._unknown,
        }

    def _new_id(self) -> bytes:
        return self._random_bytes(16)

    async def load(self) -> None:
        """Learn all that is known from earlier. Raises StoreError."""
        context = self.context
        await context.catalog.load(context.hub)
        if not context.hub.has_room(LOBBY):
            context.hub.add_room(Room(self._new_id(), Kind.PUBLIC, LOBBY, b""))

    def handle(self, session: Session, message: Struct) -> None:
        """Do what a client asked and answer it, now or when it is durable.

        Where that takes time the session is not read on, so what it asks is done in its order.
        """
        try:
            handler = self._handlers[type(message)]
        except KeyError:
            return  # A pong, or something of a later version that asks for no answer.
        try:
            later = handler(session, message)
        except RequestError as error:
            _refuse(session, message, error)
            return
        if later is not None:
            handling = Deferred.fromCoroutine(later)
            handling.addErrback(_failed, session, message)
            if not handling.called:
                session.hold()
                handling.addCallback(lambda _: session.release())

    def catch_up(self, session: Session) -> None:
        """Let a session that can take more read on in all its logs."""
        for feed in self._read_by(session):
            feed.catch_up(session.number)

    def forget(self, session: Session) -> None:
        """A session has ended. Its account is still a member of what it was a member of."""
        for feed in self._read_by(session):
            feed.drop(session.number)
        self.context.sessions.pop(session.number, None)
        account = self.context.hub.people.logout(session.number)
        if account is not None:
            self._presence.went(account, session.is_goodbye)

    def close(self) -> None:
        """Write what is not written, and expect nobody back."""
        self._presence.close()
        self.context.catalog.save_seen()

    def _read_by(self, session: Session) -> list[Any]:
        try:
            logs = self.context.account(session).logs
        except RequestError:
            return []
        feeds = map(self.context.feeds.loaded, sorted(logs))
        return [feed for feed in feeds if feed is not None and feed.reads(session.number)]

    def _unknown(self, session: Session, unknown: Unknown) -> None:
        raise UnknownRequestError


_Later = Coroutine[Any, Any, None] | None

_READING: Final = (messages.Logs, messages.Read, messages.History, messages.Search)


def _failed(failure: Failure, session: Session, message: Struct) -> None:
    """Answer a request whose handler gave up. A bug ends the connection, and no other."""
    if failure.check(StoreError):
        _log.failure("session {number}: the store failed", failure, number=session.number)
        error = NotReadError() if isinstance(message, _READING) else NotStoredError()
        _refuse(session, message, error)
    elif isinstance(failure.value, RequestError):
        _refuse(session, message, failure.value)
    else:
        _log.failure("session {number}: a bug", failure, number=session.number)
        session.close(CloseCode.INTERNAL, "a bug in the server")


def _refuse(session: Session, message: Struct, error: RequestError) -> None:
    if isinstance(message, messages.Request | Unknown) and message.id is not None:
        refuse(session, message.id, error)
