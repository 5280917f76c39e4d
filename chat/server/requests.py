"""The desk: what each request does, and the one answer it gets.

The domain decides (`chat.rooms`), the feed stores and tells everybody (`chat.server.feed`); here
the two are put together.
"""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from msgspec import UNSET, Struct
from twisted.internet.interfaces import IReactorTime

from chat import __version__
from chat.limits import NICK_CHARACTERS, PAYLOAD_BYTES, TEXT_BYTES, Limits
from chat.rooms.errors import NotStoredError, RequestError, UnknownRequestError
from chat.rooms.hub import Happening, Hub, Joined, Renamed
from chat.server.feed import Draft, Feed
from chat.server.session import Session
from chat.store.interface import LogStore
from chat.wire import messages
from chat.wire.messages import Unknown
from chat.wire.records import record_id
from chat.wire.sealing import RandomBytes

__all__ = ["ROOMS", "Desk", "utc_milliseconds"]

ROOMS: Final = ("lobby",)

_LIMITS: Final = {"text": TEXT_BYTES, "nick": NICK_CHARACTERS, "payload": PAYLOAD_BYTES}


def utc_milliseconds() -> int:
    """Return the time in milliseconds of UTC."""
    return time.time_ns() // 1_000_000


class Desk:
    """Answers requests."""

    def __init__(
        self,
        store: LogStore,
        clock: IReactorTime,
        limits: Limits,
        milliseconds: Callable[[], int] = utc_milliseconds,
        random_bytes: RandomBytes = os.urandom,
    ) -> None:
        self._hub = Hub(ROOMS)
        self._feeds = {
            room: Feed(room, store, clock, limits, milliseconds, self._not_stored, random_bytes)
            for room in ROOMS
        }
        self._milliseconds = milliseconds
        self._random_bytes = random_bytes

    def handle(self, session: Session, message: Struct) -> None:
        """Do what a client asked and answer it, now or after the commit."""
        try:
            handler = _HANDLERS[type(message)]
        except KeyError:
            return  # A pong, or something of a later version that asks for no answer.
        try:
            handler(self, session, message)
        except RequestError as error:
            assert isinstance(message, messages.Request | Unknown)
            if message.id is not None:
                session.send(messages.Refused(message.id, error.code, str(error)))

    def forget(self, session: Session) -> None:
        """Log a session out, because its connection is gone, and tell its rooms."""
        for left in self._hub.logout(session.number):
            feed = self._feeds[left.room]
            feed.leave(session.number)
            feed.add(Draft(left, self._record_id(left), None, 0))

    def catch_up(self, session: Session) -> None:
        """Let a session that can take more read on in all its rooms."""
        for feed in self._feeds.values():
            feed.catch_up(session.number)

    def _login(self, session: Session, login: messages.Login) -> None:
        user = self._hub.login(session.number, self._random_bytes(16), login.nick)
        session.admit()
        session.send(
            messages.Welcome(
                id=login.id,
                account=user.account,
                nick=user.nick,
                server=f"encchat {__version__}",
                time=self._milliseconds(),
                keeps="memory",
                limits=_LIMITS,
                features=[],
            )
        )

    def _nick(self, session: Session, nick: messages.Nick) -> None:
        told = self._hub.rename(session.number, nick.nick)
        if not told:
            session.send(messages.Ok(nick.id))
        for left, renamed in zip(range(len(told) - 1, -1, -1), told, strict=True):
            request = 0 if left else nick.id  # The last room's commit answers.
            draft = Draft(renamed, self._record_id(renamed), session, request)
            self._feeds[renamed.room].add(draft)

    def _join(self, session: Session, join: messages.Join) -> None:
        joined = self._hub.join(session.number, join.room)
        self._feeds[join.room].add(Draft(joined, self._record_id(joined), session, join.id))

    def _who(self, session: Session, who: messages.Who) -> None:
        after = None if who.after is UNSET else who.after
        nicks, more = self._hub.who(session.number, who.room, after)
        session.send(messages.Members(who.id, who.room, nicks, more))

    def _post(self, session: Session, post: messages.Post) -> None:
        said = self._hub.say(session.number, post.room, post.text)
        draft = Draft(said, record_id(said.account, post.message), session, post.id)
        self._feeds[post.room].add(draft)

    def _unknown(self, session: Session, unknown: Unknown) -> None:
        raise UnknownRequestError

    def _record_id(self, happening: Happening) -> bytes:
        return record_id(happening.account, self._random_bytes(16))

    def _not_stored(self, draft: Draft) -> None:
        """Undo what a draft did, and tell its author that nothing came of it."""
        session, happening = draft.session, draft.happening
        if session is None:
            return
        with suppress(RequestError):  # It may be gone, or its old name taken, meanwhile.
            match happening:
                case Joined(room=room):
                    self._hub.leave(session.number, room)
                case Renamed(nick=nick, was=was) if self._hub.user(session.number).nick == nick:
                    self._hub.rename(session.number, was)
        if draft.request:
            error = NotStoredError()
            session.send(messages.Refused(draft.request, error.code, str(error)))


_HANDLERS: Final[dict[type[Struct], Callable[[Desk, Session, Any], None]]] = {
    messages.Login: Desk._login,
    messages.Nick: Desk._nick,
    messages.Join: Desk._join,
    messages.Who: Desk._who,
    messages.Post: Desk._post,
    Unknown: Desk._unknown,
}
